import { describe, expect, test } from "vitest";
import { cardTexts, headerBlock } from "./card-text.ts";
import { FitsHeader } from "./header.ts";

const parse = (...cards: string[]) => FitsHeader.parse(cards.map((card) => card.padEnd(80)).join(""), "test.fits");

describe("FITS header", () => {
	test("values of every kind", () => {
		const header = parse(
			"SIMPLE  =                    T / conforms",
			"INT     =                   42",
			"FLOAT   =            -1.25E-03 / with comment",
			"DOUBLE  =  1.5D+02 / D exponent",
			"TIGHT   =1",
			"QUOTED  = 'O''Brien '          / who's",
			"BLANKS  = '  padded   '",
			"EMPTY   = ''",
			"NOVALUE =                      / nothing",
			"FALSE   =                    F",
			"COMPLEX = (1.0, 2.0)",
			"SLASH   = 'a / b'              / c / d",
		);
		expect(header.get("SIMPLE")).toBe(true);
		expect(header.get("FALSE")).toBe(false);
		expect(header.get("INT")).toBe(42);
		expect(header.get("float")).toBe(-0.00125);
		expect(header.comment("FLOAT")).toBe("with comment");
		expect(header.get("DOUBLE")).toBe(150);
		expect(header.get("TIGHT")).toBe(1);
		expect(header.get("QUOTED")).toBe("O'Brien");
		expect(header.comment("QUOTED")).toBe("who's");
		expect(header.get("BLANKS")).toBe("  padded");
		expect(header.get("EMPTY")).toBe("");
		expect(header.has("NOVALUE")).toBe(true);
		expect(header.get("NOVALUE")).toBeUndefined();
		expect(header.get("COMPLEX")).toBe("(1.0, 2.0)");
		expect(header.get("SLASH")).toBe("a / b");
		expect(header.comment("SLASH")).toBe("c / d");
		expect(header.has("ABSENT")).toBe(false);
	});

	test("long strings, HIERARCH, HISTORY and repeated keywords", () => {
		const header = parse(
			"NAXIS   =                    0",
			"LONG    = 'This is the first part, &'",
			"CONTINUE  'this the second, &'",
			"CONTINUE  'and the end.' / comment",
			"LOOSE   = 'ends in &'",
			"HIERARCH ESO DET  NAME = 'chip' / detector",
			"HIERARCH plain = 3.5",
			"HISTORY first",
			"HISTORY second = 2",
			"COMMENT = not a value",
			"TWICE   = 1",
			"TWICE   = 2",
			"END",
			"AFTER   = 1",
		);
		expect(header.get("LONG")).toBe("This is the first part, this the second, and the end.");
		expect(header.comment("LONG")).toBe("comment");
		expect(header.get("LOOSE")).toBe("ends in &");
		expect(header.get("ESO DET NAME")).toBe("chip");
		expect(header.get("HIERARCH ESO DET NAME")).toBe("chip");
		expect(header.get("PLAIN")).toBe(3.5);
		expect(header.history).toEqual(["first", "second = 2"]);
		expect(header.comments).toEqual(["= not a value"]);
		expect(header.get("TWICE")).toBe(1);
		expect([...header.entries()].filter(([keyword]) => keyword === "TWICE").length).toBe(2);
		expect(header.has("AFTER")).toBe(false);
	});

	test("numbers in quotes are numbers, other text is refused by name", () => {
		const header = parse("BMAJ    = '0.0025'", "BMIN    = 'wide'", "BPA     = ''", "CRVAL1  =                    T");
		expect(header.number("BMAJ")).toBe(0.0025);
		expect(header.number("BPA")).toBeUndefined();
		expect(() => header.number("BMIN")).toThrow(/BMIN = "wide" is not a finite number/);
		expect(() => header.number("CRVAL1")).toThrow(/CRVAL1/);
	});

	test.each([
		["NAXIS   =                 1000", /NAXIS/],
		["NAXIS   =                   -1", /NAXIS/],
		["NAXIS   =                  1.5", /NAXIS/],
		["NAXIS   =                    2", /no NAXIS1/],
	])("a hostile structure is refused: %s", (card, message) => {
		expect(() => parse("BITPIX  =                  -32", card)).toThrow(message);
	});

	test("sizes that overflow are refused, not multiplied", () => {
		const axis = (n: number) => `NAXIS${n}  =     9007199254740991`;
		const header = parse("BITPIX  =   -64", "NAXIS   =   3", axis(1), axis(2), axis(3));
		expect(() => header.dataBytes()).toThrow(/more data than any file holds/);
		expect(() => parse("BITPIX  =   -31", "NAXIS   =   1", "NAXIS1  =   1").dataBytes()).toThrow(/BITPIX/);
	});

	test("what is written is what is read", () => {
		const long = `${"It's a 'long' string, ".repeat(12)}end`;
		const cards = [
			["SIMPLE", true],
			["FLAG", false, "a flag"],
			["COUNT", -12],
			["TINY", 1e-7],
			["PRECISE", 1 / 3, "a third"],
			["HUGE", -1.2345678901234566e-300, "longer than twenty columns"],
			["NAME", "O'Brien", "who"],
			["LONG", long],
			["EMPTY", ""],
			["caustic configuration", "abc", "hierarchy"],
			["HISTORY", "x".repeat(100)],
		] as const;
		const block = headerBlock(cards, "test.fits");
		expect(block.length % 2880).toBe(0);
		const header = FitsHeader.parse(Buffer.from(block).toString("latin1"), "test.fits");
		for (const [keyword, value] of cards) if (keyword !== "HISTORY") expect(header.get(keyword)).toBe(value);
		expect(header.comment("PRECISE")).toBe("a third");
		expect(header.history.join("")).toBe("x".repeat(100));
	});

	test("what FITS cannot hold is refused", () => {
		expect(() => cardTexts(["A", Number.NaN], "x.fits")).toThrow(/finite/);
		expect(() => cardTexts(["A", "é"], "x.fits")).toThrow(/ASCII/);
		expect(() => cardTexts(["A,B", 1], "x.fits")).toThrow(/keyword/);
	});
});
