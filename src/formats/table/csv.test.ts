import { describe, expect, test } from "vitest";
import { Random } from "../../simulation/random.ts";
import { readCsv } from "./csv-read.ts";
import { toCsv, toTerminal } from "./csv-write.ts";
import { parseDecimal } from "./decimal.ts";
import { column, numbers, type Table, texts } from "./table.ts";

const read = (text: string, options = {}) => readCsv(Buffer.from(text), "t.csv", options);
const values = (table: Table, name: string): (string | number | null)[] => [...(column(table, name)?.values ?? [])];

describe("decimal numbers", () => {
	test("are rounded exactly as the language does", () => {
		const random = new Random(7);
		const spellings = [
			"0",
			"-0",
			"1",
			"+5",
			".5",
			"5.",
			"1e5",
			"1E-5",
			"1.7976931348623157e308",
			"5e-324",
			"1e-400",
			"1e400",
		];
		for (let i = 0; i < 20_000; i++) {
			const value = (random.uniform() - 0.5) * 10 ** random.integer(40) * 10 ** -random.integer(40);
			spellings.push(String(value), value.toFixed(random.integer(12)), value.toPrecision(1 + random.integer(21)));
			spellings.push(value.toExponential(random.integer(18)));
		}
		const wrong = spellings.filter((text) => {
			const bytes = Buffer.from(`x${text}y`);
			return !Object.is(parseDecimal(bytes, 1, bytes.length - 1), Number(text));
		});
		expect(spellings.length).toBeGreaterThan(60_000);
		expect(wrong).toEqual([]);
	});

	test("are nothing else", () => {
		for (const text of ["", "-", ".", "e5", "1e", "1e+", "1,5", "0x10", "1 2", "nan", "five", "1.2.3", "--1", "infx"]) {
			expect([text, parseDecimal(Buffer.from(text), 0, text.length)]).toEqual([text, Number.NaN]);
		}
		expect(parseDecimal(Buffer.from("-Inf"), 0, 4)).toBe(-Infinity);
		expect(parseDecimal(Buffer.from("infinity"), 0, 8)).toBe(Infinity);
	});
});

describe("CSV", () => {
	test("columns get the kind of their values", () => {
		const table = read(
			'id,flux,n,ok,name,code\r\n1,0.5,10,true,alpha,007\r\n2,NaN,,false,,008\n3,,-3,,"b, ""c""",010\n',
		);
		expect(table.rows).toBe(3);
		expect(table.columns.map(({ kind }) => kind)).toEqual(["integer", "number", "integer", "boolean", "text", "text"]);
		expect(values(table, "flux")).toEqual([0.5, Number.NaN, Number.NaN]);
		expect(values(table, "n")).toEqual([10, Number.NaN, -3]);
		expect(values(table, "ok")).toEqual([1, 0, Number.NaN]);
		expect(values(table, "name")).toEqual(["alpha", null, 'b, "c"']);
		expect(values(table, "code")).toEqual(["007", "008", "010"]);
	});

	test("byte order mark, comments, other delimiters, no final line end, lines inside quotes", () => {
		expect(values(read("\ufeff# %ECSV\n#comment\na\tb\n1\t2"), "b")).toEqual([2]);
		expect(values(read("a;b\n1;2,5\n"), "b")).toEqual(["2,5"]);
		const table = read('a,b\n"two\nlines",1\n"é",2\n');
		expect(values(table, "a")).toEqual(["two\nlines", "é"]);
		expect(read("a\n1\n\n2\n").rows).toBe(2);
		expect(read("a,b\n").rows).toBe(0);
	});

	test("a text far down makes the whole column text, with its spelling", () => {
		const lines = Array.from({ length: 3000 }, (_, i) => `${i}.50,${i}`);
		lines[2500] = "late,5";
		const table = read(`a,b\n${lines.join("\n")}\n`);
		expect(column(table, "a")?.kind).toBe("text");
		expect(values(table, "a").slice(2499, 2502)).toEqual(["2499.50", "late", "2501.50"]);
		expect(column(table, "b")?.kind).toBe("integer");
	});

	test("identifiers keep every digit", () => {
		const table = read("source_id,big\n1e5,12345678901234567890\n2e5,12345678901234567891\n", { text: ["SOURCE_ID"] });
		expect(values(table, "source_id")).toEqual(["1e5", "2e5"]);
		expect(values(table, "big")).toEqual(["12345678901234567890", "12345678901234567891"]);
	});

	test("damage is named by its line", () => {
		expect(() => read("a,b\n1,2\n3\n")).toThrow(/line 3 has 1 fields, the header has 2/);
		expect(() => read("a,b\n1,2,3\n")).toThrow(/line 2 has 3 fields/);
		expect(() => read('a,b\n1,"open\n')).toThrow(/line 2 never ends/);
		expect(() => read('a,b\n"x"y,2\n')).toThrow(/follows a quoted field in line 2/);
		expect(() => read("a,a\n1,2\n")).toThrow(/two columns are named a/);
		expect(() => read("")).toThrow(/no header line/);
		expect(() => read("# only\n")).toThrow(/no header line/);
	});

	test("is written so that it is read back the same", () => {
		const random = new Random(3);
		const rows = 20_000;
		const words = ["a", "", 'q"uote', "com,ma", "new\nline", " blank", "#hash", "é", "007x"];
		const table: Table = {
			rows,
			columns: [
				{ name: "x", kind: "number", values: Float64Array.from({ length: rows }, () => random.normal() * 1e-3) },
				{ name: "n", kind: "integer", values: Float64Array.from({ length: rows }, () => random.integer(1e9)) },
				{ name: "t, u", kind: "text", values: Array.from({ length: rows }, () => words[random.integer(words.length)]) },
				{ name: "b", kind: "boolean", values: Float64Array.from({ length: rows }, () => random.integer(2)) },
			],
		};
		(table.columns[0].values as Float64Array)[17] = Number.NaN;
		table.columns[2].values[5] = null;
		const back = read(toCsv(table));
		expect(back.columns).toEqual(table.columns);
	});

	test("for people it is aligned and says what is left out", () => {
		const table = read("name,flux_jy\nalpha,0.123456789\nb,\nc,1\n");
		expect(toTerminal(table, 2)).toBe("name    flux_jy\nalpha  0.123457\nb\n... 1 more rows\n");
	});
});

describe("table columns", () => {
	const table = { ...read("RA,name,n\n1,a,5\n,b,6\n"), source: "t.csv" };

	test("are found by name, alias and regardless of case", () => {
		expect(Array.from(numbers(table, "ra_deg", ["ra"]))).toEqual([1, Number.NaN]);
		expect(texts(table, "n")).toEqual(["5", "6"]);
	});

	test("that are missing or of the wrong kind are named", () => {
		expect(() => numbers(table, "dec_deg", ["dec"])).toThrow(/no column dec_deg \(also accepted: dec\)/);
		expect(() => numbers(table, "name")).toThrow(/"a" in row 1 is not a number/);
	});
});
