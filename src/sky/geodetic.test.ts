import { expect, test } from "vitest";
import { geodeticFromItrf, itrfFromGeodetic } from "./geodetic.ts";

test("the Owens Valley in ITRF, as astropy's EarthLocation gives it", () => {
	const [x, y, z] = itrfFromGeodetic(-118.2834, 37.2334, 1188);
	expect(x).toBeCloseTo(-2409587.3399035833, 6);
	expect(y).toBeCloseTo(-4478197.058555675, 6);
	expect(z).toBeCloseTo(3838766.9774156506, 6);
});

test("there and back everywhere, the poles and below the ellipsoid included", () => {
	for (const latitudeDeg of [-90, -89.999, -33, 0, 1e-9, 37.2334, 89.999999, 90]) {
		for (const longitudeDeg of [-179.9, -118.2834, 0, 90]) {
			for (const heightM of [-400, 0, 5000, 4e5]) {
				const back = geodeticFromItrf(...itrfFromGeodetic(longitudeDeg, latitudeDeg, heightM));
				expect(back.latitudeDeg).toBeCloseTo(latitudeDeg, 11);
				expect(back.heightM).toBeCloseTo(heightM, 6);
				if (Math.abs(latitudeDeg) < 90) expect(back.longitudeDeg).toBeCloseTo(longitudeDeg, 9);
			}
		}
	}
});
