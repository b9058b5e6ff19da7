import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { dayHasLeapSecond, taiMinusUtc } from "./leap-seconds.ts";
import {
	calendarToMjd,
	isoToMjd,
	julianEpoch,
	mjdToCalendar,
	mjdToIso,
	mjdToUnix,
	parseFitsDate,
	unixToMjd,
	utcToTai,
	utcToTt,
} from "./time.ts";
import { scaleToUtc } from "./time-scale.ts";

/** UTC text, MJD UTC, and the same instant as MJD in TAI, TT and TDB, by astropy 5.2. */
const RECORDED: [string, number, number, number, number][] = [
	["2016-12-31T23:59:60.500", 57753.99999421303, 57754.000422453704, 57754.0007949537, 57754.00079495313],
	["2016-12-31T12:00:00.000", 57753.49999421303, 57753.50041666667, 57753.50078916667, 57753.500789165926],
	["2017-01-01T00:00:00.000", 57754.0, 57754.00042824074, 57754.00080074074, 57754.00080074017],
	["2022-03-15T09:53:22.239", 59653.412062951385, 59653.41249119213, 59653.41286369213, 59653.41286371019],
	["1999-01-01T00:00:00.000", 51179.0, 51179.00037037037, 51179.00074287037, 51179.00074286905],
	["1972-07-01T00:00:00.000", 41499.0, 41499.000127314815, 41499.000499814814, 41499.000499815826],
	["1968-05-05T05:05:05.500", 39981.211869212966, 39981.21194363286, 39981.21231613286, 39981.21231614902],
	["1962-03-01T00:00:00.000", 37724.0, 37724.0000221311, 37724.0003946311, 37724.00039464717],
	["2000-02-29T23:59:59.999", 51603.999999988424, 51604.00037035879, 51604.0007428588, 51604.000742874574],
];
/** One microsecond in days: what a double holds of an MJD. */
const MICROSECOND = 1.2e-11;

describe("time scales", () => {
	test.each(RECORDED)("%s equals astropy in every scale", (iso, utc, tai, tt, tdb) => {
		expect(Math.abs(isoToMjd(iso) - utc)).toBeLessThan(MICROSECOND);
		expect(mjdToIso(utc)).toBe(iso);
		expect(Math.abs(utcToTai(utc) - tai)).toBeLessThan(MICROSECOND);
		expect(Math.abs(utcToTt(utc) - tt)).toBeLessThan(MICROSECOND);
		expect(Math.abs(scaleToUtc(tai, "TAI") - utc)).toBeLessThan(2 * MICROSECOND);
		expect(Math.abs(scaleToUtc(tt, "TT(TAI)") - utc)).toBeLessThan(2 * MICROSECOND);
		// The short series of TDB is good to ten microseconds.
		expect(Math.abs(scaleToUtc(tdb, "TDB") - utc)).toBeLessThan(11 * MICROSECOND);
		expect(Math.abs(scaleToUtc(tai - 19 / 86400, "GPS") - utc)).toBeLessThan(2 * MICROSECOND);
	});

	test("UT1 through the table of the Earth's rotation, and as UTC beyond it", () => {
		// UT1-UTC was -0.0997 s on that day.
		expect((scaleToUtc(59653.4, "UT1") - 59653.4) * 86400).toBeCloseTo(0.0997, 3);
		expect(scaleToUtc(30000.4, "UT1")).toBe(30000.4);
	});

	test("an unknown scale is refused by name", () => {
		expect(() => scaleToUtc(59000, "TCB")).toThrow(/"TCB" is not supported/);
	});

	test("leap seconds", () => {
		expect(taiMinusUtc(57753.999)).toBe(36);
		expect(taiMinusUtc(57754)).toBe(37);
		expect(dayHasLeapSecond(57753)).toBe(true);
		expect(dayHasLeapSecond(57754)).toBe(false);
		expect(taiMinusUtc(80000)).toBe(37);
	});
});

describe("calendar", () => {
	test("known days", () => {
		expect(calendarToMjd(1858, 11, 17)).toBe(0);
		expect(calendarToMjd(2000, 1, 1)).toBe(51544);
		expect(calendarToMjd(2023, 2, 29)).toBeUndefined();
		expect(calendarToMjd(2024, 13, 1)).toBeUndefined();
	});

	test("every day and its number are one", () => {
		for (let mjd = -100_000; mjd < 200_000; mjd += 97) {
			const { year, month, day } = mjdToCalendar(mjd);
			expect(calendarToMjd(year, month, day)).toBe(mjd);
		}
	});

	test("an instant survives being written and read", () => {
		fc.assert(
			fc.property(fc.double({ min: 41317, max: 70000, noNaN: true }), (mjd) => {
				expect(Math.abs(isoToMjd(mjdToIso(mjd, 9)) - mjd)).toBeLessThan(MICROSECOND);
			}),
			{ seed: 5, numRuns: 1000 },
		);
	});

	test("rounding carries into the next day", () => {
		expect(mjdToIso(59000 - 1e-9)).toBe("2020-05-31T00:00:00.000");
		expect(mjdToIso(59000.5, 0)).toBe("2020-05-31T12:00:00");
	});

	test.each([
		["2020-08-03T04:33:55.479", 59064.19022545139, true],
		["2020-08-03T04:33", 59064.189583333, true],
		["2020-08-03T04:33:55Z", 59064.19021990741, true],
		["2020-08-03", 59064, false],
		["03/08/96", 50298, false],
	])("reads %s", (text, mjd, hasTimeOfDay) => {
		const date = parseFitsDate(text);
		expect(date?.mjd).toBeCloseTo(mjd, 9);
		expect(date?.hasTimeOfDay).toBe(hasTimeOfDay);
	});

	test.each([
		"",
		"yesterday",
		"2020-02-30",
		"2020-01-01T25:00:00",
		"2020-01-01T23:59:60",
		"2020-1-1",
		"2016-12-31T12:00:60",
	])("%j is no date", (text) => {
		expect(parseFitsDate(text)).toBeUndefined();
		expect(() => isoToMjd(text, "--from")).toThrow(/is not a date and time/);
	});

	test("epochs and the clocks of computers", () => {
		expect(julianEpoch(51544.5)).toBe(2000);
		expect(unixToMjd(0)).toBe(40587);
		expect(mjdToUnix(59000.25)).toBe(Date.UTC(2020, 4, 31, 6));
	});
});
