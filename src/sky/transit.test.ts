import { describe, expect, test } from "vitest";
import { wrapSignedDegrees } from "./angle.ts";
import { localSiderealTime, SIDEREAL_DAY_S } from "./sidereal.ts";
import { isoToMjd } from "./time.ts";
import { transitNear, transits } from "./transit.ts";

const site = { longitudeDeg: -118.2834, latitudeDeg: 37.2334, heightM: 1188 };
const [ra, dec] = [202.7845338, 30.5091553];

describe("transits", () => {
	test("3C286 at the Owens Valley, to a hundredth of a second", () => {
		const transit = transitNear(ra, dec, site, 59653.3);
		expect(Math.abs(transit.mjd - isoToMjd("2022-03-15T09:53:22.239")) * 86400).toBeLessThan(0.01);
		expect(transit.apparentRaDeg).toBeCloseTo(203.04386, 5);
		expect(transit.apparentDecDeg).toBeCloseTo(30.39279, 5);
		expect(transit.zenithDistanceDeg).toBeCloseTo(37.2334 - 30.39279, 4);
		// Without precession the source would be more than a minute off.
		expect(Math.abs(wrapSignedDegrees(ra - localSiderealTime(transit.mjd, site.longitudeDeg))) * 240).toBeGreaterThan(
			60,
		);
	});

	test("one every sidereal day, none lost at the ends", () => {
		const found = transits(ra, dec, site, 59653, 59683);
		expect(found.length).toBe(30);
		for (let i = 1; i < found.length; i++) {
			expect((found[i].mjd - found[i - 1].mjd) * 86400).toBeCloseTo(SIDEREAL_DAY_S, 0);
		}
		expect(transits(ra, dec, site, found[0].mjd, found[3].mjd).length).toBe(4);
		expect(transits(ra, dec, site, found[0].mjd + 1e-6, found[3].mjd - 1e-6).length).toBe(2);
	});

	test("endless spans are refused", () => {
		expect(() => transits(ra, dec, site, 59653, 90000)).toThrow(/cannot be listed/);
		expect(() => transits(ra, dec, site, 59653, 59652)).toThrow(/cannot be listed/);
	});
});
