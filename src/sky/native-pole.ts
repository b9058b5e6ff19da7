import { badInput } from "../error.ts";
import { cosDegrees, DEG_PER_RAD, RAD_PER_DEG, sinDegrees } from "./angle.ts";
import { aboutZ, type Matrix3, product } from "./rotation.ts";

/** The reference point and LONPOLE and LATPOLE of a header, degrees. */
export interface PoleCards {
	reference: { lon: number; lat: number };
	/** Native latitude of the reference point; its native longitude is 0. */
	referenceLatitude: 0 | 90;
	lonpole: number | undefined;
	latpole: number | undefined;
}

/**
 * The rotation from native to celestial directions, from the celestial place of the native pole: Calabretta & Greisen
 * 2002, section 2.4, with the defaults of LONPOLE and LATPOLE. Throws `bad-wcs` when no pole agrees with the cards.
 */
export function nativeToCelestial({ reference, referenceLatitude, lonpole, latpole = 90 }: PoleCards): Matrix3 {
	const { lon, lat } = reference;
	const phiPole = lonpole ?? (lat < referenceLatitude ? 180 : 0);
	let poleLon = lon;
	let poleLat = lat;
	if (referenceLatitude === 0) {
		poleLat = choosePole(lat, phiPole, latpole);
		poleLon = poleLongitude(lon, lat, poleLat, phiPole);
	}
	// The native axes turned by phi_p, tipped to the pole's latitude, turned to its longitude.
	const sin = sinDegrees(poleLat);
	const cos = cosDegrees(poleLat);
	const tip: Matrix3 = [-sin, 0, cos, 0, -1, 0, cos, 0, sin];
	return product(turn(-poleLon), tip, turn(phiPole));
}

/** {@link aboutZ} by degrees, exact at the quarter turns. */
function turn(deg: number): Matrix3 {
	const c = cosDegrees(deg);
	const s = sinDegrees(deg);
	return deg % 90 === 0 ? [c, s, 0, -s, c, 0, 0, 0, 1] : aboutZ(deg * RAD_PER_DEG);
}

/** Latitude of the native pole when the reference point is on the native equator: equation 8, the one nearer LATPOLE. */
function choosePole(lat: number, phiPole: number, latpole: number): number {
	const cos = cosDegrees(phiPole);
	const ratio = Math.abs(cos) < 1e-13 ? Number.NaN : sinDegrees(lat) / Math.abs(cos);
	if (Number.isNaN(ratio)) {
		// Reference and native pole a quarter turn apart along the equator: any latitude fits, LATPOLE says which.
		if (Math.abs(sinDegrees(lat)) < 1e-13) return latpole;
		throw noPole();
	}
	if (Math.abs(ratio) > 1 + 1e-12) throw noPole();
	const half = lat === 90 ? 0 : Math.acos(Math.max(-1, Math.min(1, ratio))) * DEG_PER_RAD;
	const base = cos >= 0 ? 0 : 180;
	const [first, second] = [base + half, base - half].map((deg) =>
		deg > 180 ? deg - 360 : deg < -180 ? deg + 360 : deg,
	);
	const possible = [first, second].filter((deg) => Math.abs(deg) <= 90 + 1e-10);
	if (possible.length === 0) throw noPole();
	// The standard leaves a tie open (LATPOLE = 0 beside CRVAL = 0 on the equator); wcslib, and so every viewer, takes
	// the second solution.
	const chosen = possible.reduce((best, other) =>
		Math.abs(other - latpole) <= Math.abs(best - latpole) ? other : best,
	);
	return Math.max(-90, Math.min(90, chosen));
}

/** Longitude of the native pole, equations 9 and 10. */
function poleLongitude(lon: number, lat: number, poleLat: number, phiPole: number): number {
	const cosLat = cosDegrees(lat);
	if (Math.abs(cosLat) < 1e-13) return lon;
	if (Math.abs(cosDegrees(poleLat)) < 1e-13) return poleLat > 0 ? lon + phiPole - 180 : lon - phiPole;
	const sin = sinDegrees(phiPole) / cosLat;
	const cos = (-sinDegrees(poleLat) * sinDegrees(lat)) / (cosDegrees(poleLat) * cosLat);
	return lon - Math.atan2(sin, cos) * DEG_PER_RAD;
}

const noPole = () =>
	badInput("bad-wcs", "no native pole agrees with LONPOLE and the reference point", {
		subject: "LONPOLE",
		remedy: "Correct LONPOLE, LATPOLE or CRVAL",
	});
