import { badInput } from "../error.ts";
import { geodeticFromItrf, itrfFromGeodetic } from "./geodetic.ts";

/** A place on the Earth: WGS84 ellipsoid, east longitude and geodetic latitude in degrees, height in metres. */
export interface Site {
	longitudeDeg: number;
	latitudeDeg: number;
	heightM: number;
}

/**
 * Geocentric ITRF position [x, y, z] in metres.
 * Throws `bad-site` when the place is not on or near the Earth.
 */
export function siteToItrf({ longitudeDeg, latitudeDeg, heightM }: Site): [number, number, number] {
	if (!(Math.abs(latitudeDeg) <= 90 && Math.abs(longitudeDeg) <= 360 && Math.abs(heightM) < 1e5)) {
		throw badInput("bad-site", `${longitudeDeg}, ${latitudeDeg}, ${heightM} m is no place on the Earth`, {
			subject: "site",
			remedy: "Give east longitude and latitude in degrees and the height in metres",
		});
	}
	return itrfFromGeodetic(longitudeDeg, latitudeDeg, heightM);
}

/**
 * The site of a geocentric ITRF position in metres.
 * Throws `bad-site` when the position is not within 100 km of the surface.
 */
export function siteFromItrf(x: number, y: number, z: number): Site {
	const radius = Math.hypot(x, y, z);
	if (!(radius > 6.25e6 && radius < 6.5e6)) {
		throw badInput("bad-site", `(${x}, ${y}, ${z}) m is not on the surface of the Earth`, {
			subject: "position",
			remedy: "Give geocentric ITRF coordinates in metres",
		});
	}
	return geodeticFromItrf(x, y, z);
}
