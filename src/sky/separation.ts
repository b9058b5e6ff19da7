import { DEG_PER_RAD, degreesToDirection, directionToDegrees, RAD_PER_DEG, wrapDegrees } from "./angle.ts";

/**
 * Angular distance in degrees of two places in degrees. Accurate from 1e-14 degrees to the antipode: the atan2 of cross
 * and dot product, unlike an arc cosine (no digits below 1e-6 degrees) or a haversine (none near 180).
 */
export function separationDeg(ra1: number, dec1: number, ra2: number, dec2: number): number {
	const dLon = wrapHalf(ra2 - ra1) * RAD_PER_DEG;
	const s1 = Math.sin(dec1 * RAD_PER_DEG);
	const c1 = Math.cos(dec1 * RAD_PER_DEG);
	const s2 = Math.sin(dec2 * RAD_PER_DEG);
	const c2 = Math.cos(dec2 * RAD_PER_DEG);
	const dLat = (dec2 - dec1) * RAD_PER_DEG;
	// The northward part written as a difference of latitudes, so that near points keep their digits.
	const east = c2 * Math.sin(dLon);
	const north = Math.sin(dLat) + 2 * s1 * c2 * Math.sin(dLon / 2) ** 2;
	return Math.atan2(Math.hypot(east, north), s1 * s2 + c1 * c2 * Math.cos(dLon)) * DEG_PER_RAD;
}

/** Position angle of place 2 seen from place 1, degrees east of north in [0, 360). */
export function positionAngleDeg(ra1: number, dec1: number, ra2: number, dec2: number): number {
	const dLon = wrapHalf(ra2 - ra1) * RAD_PER_DEG;
	const c2 = Math.cos(dec2 * RAD_PER_DEG);
	const east = c2 * Math.sin(dLon);
	const north = Math.sin((dec2 - dec1) * RAD_PER_DEG) + 2 * Math.sin(dec1 * RAD_PER_DEG) * c2 * Math.sin(dLon / 2) ** 2;
	return wrapDegrees(Math.atan2(east, north) * DEG_PER_RAD);
}

/**
 * Gnomonic (tangent-plane) offsets [xi, eta] in degrees, east and north, of a place from (ra0, dec0). NaN at 90 degrees
 * and beyond.
 */
export function tangentOffsets(ra0: number, dec0: number, ra: number, dec: number): [number, number] {
	const dLon = wrapHalf(ra - ra0) * RAD_PER_DEG;
	const s0 = Math.sin(dec0 * RAD_PER_DEG);
	const c0 = Math.cos(dec0 * RAD_PER_DEG);
	const s = Math.sin(dec * RAD_PER_DEG);
	const c = Math.cos(dec * RAD_PER_DEG);
	const depth = s0 * s + c0 * c * Math.cos(dLon);
	if (!(depth > 0)) return [Number.NaN, Number.NaN];
	const east = c * Math.sin(dLon);
	const north = Math.sin((dec - dec0) * RAD_PER_DEG) + 2 * s0 * c * Math.sin(dLon / 2) ** 2;
	return [(east / depth) * DEG_PER_RAD, (north / depth) * DEG_PER_RAD];
}

/** The place [RA in 0..360, Dec] reached from (ra, dec) along a position angle over a distance, all in degrees. */
export function destination(ra: number, dec: number, paDeg: number, distanceDeg: number): [number, number] {
	const [x, y, z] = degreesToDirection(ra, dec);
	const pa = paDeg * RAD_PER_DEG;
	const r = distanceDeg * RAD_PER_DEG;
	const lon = ra * RAD_PER_DEG;
	const lat = dec * RAD_PER_DEG;
	const north = Math.sin(r) * Math.cos(pa);
	const east = Math.sin(r) * Math.sin(pa);
	const ahead = Math.cos(r);
	return directionToDegrees(
		ahead * x - north * Math.sin(lat) * Math.cos(lon) - east * Math.sin(lon),
		ahead * y - north * Math.sin(lat) * Math.sin(lon) + east * Math.cos(lon),
		ahead * z + north * Math.cos(lat),
	);
}

/** Unit vector [x, y, z] of a place in degrees. */
export const unitVector = degreesToDirection;
/** [longitude in 0..360, latitude] in degrees of a vector of any length. */
export const vectorToDegrees = directionToDegrees;

/** The same difference of longitude within half a turn. */
function wrapHalf(deg: number): number {
	return deg - 360 * Math.round(deg / 360);
}
