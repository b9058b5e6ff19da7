import { afterEach, describe, expect, test } from "vitest";
import { earthOrientation, earthOrientationReach, useEarthOrientation } from "./earth-orientation.ts";
import { decodeSeries, decodeTable, encodeSeries, encodeTable } from "./earth-orientation-table.ts";
import { continueSeries, parseIersFile, tabulate } from "./iers-file.ts";
import { taiMinusUtc } from "./leap-seconds.ts";

/** A line of finals2000A in its fixed columns. */
function finals(mjd: number, ut1: number, flag: "I" | "P", x = 0.1, y = 0.3): string {
	const start = `26 1 1 ${mjd.toFixed(2)} ${flag} ${x.toFixed(6).padStart(9)} 0.000091 ${y.toFixed(6).padStart(9)} 0.000091`;
	return `${start.padEnd(57)}${flag}${ut1.toFixed(7).padStart(10)} 0.0000271`;
}
const lines = (from: number, count: number, line: (mjd: number) => string) =>
	Array.from({ length: count }, (_, i) => line(from + i)).join("\n");
const smooth = (mjd: number) => 0.05 + 1e-4 * (mjd - 61000) + 8e-4 * Math.sin((2 * Math.PI * mjd) / 13.66);

afterEach(() => useEarthOrientation(undefined));

describe("files of the IERS", () => {
	test("Bulletin A: values, and where measurement ends", () => {
		const text = lines(61000, 60, (mjd) => finals(mjd, smooth(mjd), mjd < 61040 ? "I" : "P"));
		const daily = parseIersFile(text, "finals2000A.all");
		expect(daily.firstMjd).toBe(61000);
		expect(daily.ut1MinusUtc[10]).toBeCloseTo(smooth(61010), 6);
		expect([daily.xp[3], daily.yp[3]]).toEqual([0.1, 0.3]);
		expect(daily.lastMeasuredMjd).toBe(61039);
	});

	test("the days without a prediction at its end are left out", () => {
		const text = `${lines(61000, 40, (mjd) => finals(mjd, 0.1, "I"))}\n27 1 1 61040.00\n27 1 2 61041.00`;
		expect(parseIersFile(text, "x").ut1MinusUtc.length).toBe(40);
	});

	test("C04 in its old and its new columns", () => {
		const old = lines(
			57000,
			40,
			(mjd) => `2014  12   9  ${mjd}   0.089100   0.290100  -0.4500000   0.0012000   0.0 0.0`,
		);
		const recent = lines(57000, 40, (mjd) => `2014  12   9   0  ${mjd}.00    0.089100    0.290100  -0.4500000    0.0`);
		for (const text of [old, recent]) {
			const daily = parseIersFile(`# header\n\n${text}\n`, "c04");
			expect([daily.firstMjd, daily.xp[0], daily.yp[5], daily.ut1MinusUtc[39]]).toEqual([57000, 0.0891, 0.2901, -0.45]);
		}
	});

	test.each<[string, string, RegExp]>([
		["an empty file", "", /no series of days/],
		["another file", "ra,dec\n1,2\n", /no series of days/],
		[
			"a missing day",
			lines(61000, 40, (mjd) => finals(mjd + (mjd > 61020 ? 1 : 0), 0.1, "I")),
			/does not follow MJD 61020/,
		],
		["an absurd value", lines(61000, 40, (mjd) => finals(mjd, mjd === 61015 ? 77 : 0.1, "I")), /out of range/],
	])("%s is refused", (_, text, message) => {
		expect(() => parseIersFile(text, "file.txt")).toThrow(message);
		expect(() => parseIersFile(text, "file.txt")).toThrow(expect.objectContaining({ code: "bad-iers-file" }));
	});

	test("one series continues another, never over a gap", () => {
		const first = parseIersFile(
			lines(61000, 40, (mjd) => finals(mjd, 0.1, "I")),
			"a",
		);
		const second = parseIersFile(
			lines(61030, 40, (mjd) => finals(mjd, 0.2, "P")),
			"b",
		);
		const both = continueSeries(first, second);
		expect(both.ut1MinusUtc.length).toBe(70);
		expect([both.ut1MinusUtc[39], both.ut1MinusUtc[40]]).toEqual([0.1, 0.2]);
		const late = parseIersFile(
			lines(61050, 40, (mjd) => finals(mjd, 0.2, "P")),
			"b",
		);
		expect(() => continueSeries(first, late)).toThrow(/after a gap/);
	});
});

describe("the table", () => {
	test("survives being written as text", () => {
		const values = Float64Array.from({ length: 500 }, (_, i) => Math.round(1e4 * smooth(61000 + 3 * i)) / 1e4 - 37);
		const back = decodeSeries(encodeSeries(values, 1e-4), 1e-4);
		expect(back.length).toBe(values.length);
		back.forEach((value, i) => expect(value).toBeCloseTo(values[i], 9));
		expect(() => decodeSeries("AB*C", 1e-4)).toThrow(/damaged/);
		expect(() => decodeSeries("_".repeat(40), 1e-4)).toThrow(/damaged/);
	});

	test("damaged stores are refused", () => {
		const table = tabulate(
			parseIersFile(
				lines(61000, 60, (mjd) => finals(mjd, 0.1, "I")),
				"a",
			),
			"test",
		);
		const encoded = encodeTable(table);
		expect(decodeTable(encoded).firstMjd).toBe(61000);
		expect(() => decodeTable({ ...encoded, xp: "" })).toThrow(/incomplete/);
		expect(() => decodeTable({} as typeof encoded)).toThrow(/incomplete/);
	});

	test("a refreshed table is used, with its reach and quality", () => {
		const text = lines(61600, 400, (mjd) => finals(mjd, smooth(mjd) - 0.1, mjd < 61700 ? "I" : "P"));
		useEarthOrientation(tabulate(parseIersFile(text, "finals2000A.all"), "a test"));
		expect(earthOrientationReach()).toMatchObject({ firstMjd: 61600, lastMeasuredMjd: 61699, lastMjd: 61999 });
		for (let mjd = 61600; mjd <= 61999; mjd += 1) {
			expect(Math.abs(earthOrientation(mjd).ut1MinusUtc - smooth(mjd) + 0.1)).toBeLessThan(2e-4);
		}
		expect(earthOrientation(61650.5).quality).toBe("measured");
		expect(earthOrientation(61750).quality).toBe("predicted");
		expect(() => earthOrientation(61999.1)).toThrow(/is known from/);
		useEarthOrientation(undefined);
		expect(earthOrientation(59653.4).ut1MinusUtc).toBeCloseTo(-0.0997, 3);
	});

	test("a leap second in the file comes along", () => {
		const text = lines(61600, 200, (mjd) => finals(mjd, -0.6 + (mjd >= 61680 ? 1 : 0), "I"));
		useEarthOrientation(tabulate(parseIersFile(text, "finals2000A.all"), "a test"));
		expect([taiMinusUtc(61679.9), taiMinusUtc(61680)]).toEqual([37, 38]);
		expect(earthOrientation(61679.5).ut1MinusUtc).toBeCloseTo(-0.6, 4);
		expect(earthOrientation(61680.5).ut1MinusUtc).toBeCloseTo(0.4, 4);
		useEarthOrientation(undefined);
		expect(taiMinusUtc(61680)).toBe(37);
	});

	test("the built-in one reaches from 1973 to a year after the last release of the IERS", () => {
		const reach = earthOrientationReach();
		expect(reach.firstMjd).toBe(41684);
		expect(reach.lastMjd).toBeGreaterThan(61600);
		expect(reach.lastMeasuredMjd).toBeLessThan(reach.lastMjd);
		// IERS EOP C04, MJD 59000 and 50000.
		expect(earthOrientation(59000).ut1MinusUtc).toBeCloseTo(-0.2540983, 3);
		expect(earthOrientation(50000).ut1MinusUtc).toBeCloseTo(-0.2425227, 3);
	});
});
