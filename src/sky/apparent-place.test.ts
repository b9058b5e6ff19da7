import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type ApparentAnswers, type ApparentCases, compareApparent } from "../../test/oracle/apparent-cases.ts";
import { apparentPlace, observerAt } from "./apparent-place.ts";
import { itrfDirection, itrfDirectionOfApparent } from "./itrf.ts";
import { separationDeg } from "./separation.ts";
import { isoToMjd } from "./time.ts";

const OWENS_VALLEY = { longitudeDeg: -118.2834, latitudeDeg: 37.2334, heightM: 1188 };

describe("apparent places", () => {
	test("and sidereal times, UT1 and directions in ITRF agree with those astropy recorded", () => {
		const [cases, answers] = JSON.parse(
			readFileSync(new URL("../../test/oracle/apparent-vectors.json", import.meta.url), "utf8"),
		) as [ApparentCases, ApparentAnswers];
		expect(cases.mjd.length).toBe(150);
		const worst = compareApparent(cases, answers);
		expect(worst.placeArcsec).toBeLessThan(0.004);
		expect(worst.gastS).toBeLessThan(0.001);
		expect(worst.gmstS).toBeLessThan(0.001);
		expect(worst.lstS).toBeLessThan(0.001);
		expect(worst.ut1S).toBeLessThan(0.001);
		expect(worst.poleArcsec).toBeLessThan(0.005);
		expect(worst.itrfArcsec).toBeLessThan(0.01);
		expect(worst.northArcsec).toBeLessThan(0.01);
	});

	test("3C286 on the meridian of the Owens Valley", () => {
		const observer = observerAt(isoToMjd("2022-03-15T09:53:22.239"), OWENS_VALLEY);
		const [ra, dec] = apparentPlace(observer, 202.7845338, 30.5091553);
		expect(separationDeg(ra, dec, 203.04386, 30.39279) * 3600).toBeLessThan(0.05);
	});

	test("diurnal aberration is what the site adds to the Earth's centre, a third of an arc second at most", () => {
		const mjd = isoToMjd("2022-03-15T09:53:22.239");
		const here = apparentPlace(observerAt(mjd, OWENS_VALLEY), 202.7845338, 30.5091553);
		const centre = apparentPlace(observerAt(mjd), 202.7845338, 30.5091553);
		// On the meridian: 0.32 arcsecond times the cosine of the latitude, eastward.
		expect(separationDeg(...here, ...centre) * 3600).toBeCloseTo(0.3198 * Math.cos((37.2 * Math.PI) / 180), 2);
		expect(here[0]).toBeGreaterThan(centre[0]);
	});

	test("a direction in ITRF is the same by its apparent place", () => {
		const observer = observerAt(59000.3, OWENS_VALLEY);
		const [ra, dec] = apparentPlace(observer, 83.6, -12);
		const by = itrfDirectionOfApparent(observer, ra, dec);
		itrfDirection(observer, 83.6, -12).forEach((value, i) => expect(value).toBeCloseTo(by[i], 13));
		expect(Math.hypot(...by)).toBeCloseTo(1, 14);
	});

	test("data beyond the table of UT1 are refused, with the remedy", () => {
		expect(() => observerAt(90_000)).toThrow(expect.objectContaining({ code: "no-earth-orientation" }));
		expect(() => observerAt(40_000)).toThrow(/UT1-UTC is known from 1973-01-02 to/);
		expect(() => observerAt(Number.NaN)).toThrow(/UT1-UTC is known/);
	});
});
