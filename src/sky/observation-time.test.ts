import { describe, expect, test } from "vitest";
import { midExposureMjd } from "./observation-time.ts";
import { isoToMjd } from "./time.ts";

type Cards = Record<string, string | number>;
const read = (cards: Cards) => midExposureMjd(new Map(Object.entries(cards)));
const start = "2020-08-03T04:00:00";
const mjd = isoToMjd(start);

describe("mid-exposure", () => {
	test.each<[string, Cards, number, number | undefined]>([
		["MJD-AVG before all", { "MJD-AVG": 59064.5, "DATE-OBS": start, EXPTIME: 60 }, 59064.5, 60],
		["DATE-AVG", { "DATE-AVG": "2020-08-03T12:00:00" }, 59064.5, undefined],
		["the middle of BEG and END", { "MJD-BEG": mjd, "DATE-END": "2020-08-03T05:00:00" }, mjd + 1 / 48, 3600],
		["DATE-OBS and DATE-END", { "DATE-OBS": start, "DATE-END": "2020-08-03T05:00:00" }, mjd + 1 / 48, 3600],
		["start and EXPTIME", { "DATE-OBS": start, EXPTIME: 7200 }, mjd + 1 / 24, 7200],
		["elapsed time before time on source", { "MJD-OBS": mjd, EXPTIME: 100, TELAPSE: 7200 }, mjd + 1 / 24, 7200],
		["DURATION", { "DATE-BEG": start, DURATION: 7200 }, mjd + 1 / 24, 7200],
		["XPOSURE", { "DATE-OBS": start, XPOSURE: 7200 }, mjd + 1 / 24, 7200],
		["TIME-OBS beside a day", { "DATE-OBS": "2020-08-03", "TIME-OBS": "04:00:00", EXPTIME: 7200 }, mjd + 1 / 24, 7200],
		["a time in MJD-OBS beside a day", { "DATE-OBS": "2020-08-03", "MJD-OBS": mjd, EXPTIME: 7200 }, mjd + 1 / 24, 7200],
		["TAI", { "DATE-OBS": "2020-08-03T04:00:37", TIMESYS: "TAI", EXPTIME: 7200 }, mjd + 1 / 24, 7200],
	])("from %s", (_, cards, expected, durationS) => {
		const time = read(cards);
		expect(time.mjd).toBeCloseTo(expected, 9);
		if (durationS === undefined) expect(time.durationS).toBeUndefined();
		else expect(time.durationS).toBeCloseTo(durationS, 3);
	});

	test("a start alone is a start, and says so", () => {
		const time = read({ "DATE-OBS": start });
		expect(time.mjd).toBe(mjd);
		expect(time.durationS).toBeUndefined();
		expect(time.source).toMatch(/^start of the observation \(DATE-OBS\); its duration is not in the header$/);
		expect(read({ "DATE-OBS": "2020-08-03" }).source).toMatch(/^day of the observation/);
	});

	test("a clock of its own is named", () => {
		expect(read({ "DATE-OBS": start, TIMESYS: "LOCAL", EXPTIME: 1 }).source).toMatch(/LOCAL taken as UTC/);
	});

	test.each<[string, Cards, string, string]>([
		["no time", {}, "no-time", "MJD-OBS"],
		["the unset date", { "DATE-OBS": "1858-11-17T00:00:00", EXPTIME: 10 }, "no-time", "DATE-OBS"],
		["an unset MJD", { "MJD-OBS": 0 }, "no-time", "MJD-OBS"],
		["an unparsable date", { "DATE-OBS": "last week" }, "bad-card", "DATE-OBS"],
		["a Julian Date in MJD-OBS", { "MJD-OBS": 2459064.5 }, "bad-card", "MJD-OBS"],
		["dates that contradict", { "MJD-OBS": mjd + 0.1, "DATE-OBS": start }, "bad-card", "MJD-OBS"],
		["an end before the start", { "DATE-BEG": start, "DATE-END": "2020-08-02T00:00:00" }, "bad-card", "DATE-END"],
		["a negative duration", { "DATE-OBS": start, EXPTIME: -5 }, "bad-card", "EXPTIME"],
		["an unknown time scale", { "DATE-OBS": start, TIMESYS: "MARS" }, "bad-time", "TIMESYS"],
	])("refuses %s", (_, cards, code, subject) => {
		expect(() => read(cards)).toThrow(expect.objectContaining({ code, subject }));
	});

	test("an unset date does not hide a good one", () => {
		expect(read({ "DATE-OBS": "1858-11-17T00:00:00", "MJD-AVG": 59064.5 }).mjd).toBe(59064.5);
	});
});
