import { RAD_PER_DEG } from "./angle.ts";
import { apparentDirection, type Observer, observerAt } from "./apparent-place.ts";
import { aboutX, aboutY, aboutZ, apply, type Matrix3, product } from "./rotation.ts";
import type { Site } from "./site.ts";

/** From the true equator and equinox of date to ITRF: sidereal time, then the pole. */
export function equatorToItrf(observer: Observer): Matrix3 {
	return product(aboutX(-observer.poleY), aboutY(-observer.poleX), aboutZ(observer.gastDeg * RAD_PER_DEG));
}

/** Unit vector in ITRF of the apparent direction of an ICRS place (degrees): what a wave front at the array sees. */
export function itrfDirection(observer: Observer, raDeg: number, decDeg: number): [number, number, number] {
	return apply(equatorToItrf(observer), ...apparentDirection(observer, raDeg, decDeg));
}

/** Unit vector in ITRF of a place given on the true equator and equinox of date (apparent RA and Dec, degrees). */
export function itrfDirectionOfApparent(observer: Observer, raDeg: number, decDeg: number): [number, number, number] {
	const ra = raDeg * RAD_PER_DEG;
	const dec = decDeg * RAD_PER_DEG;
	return apply(equatorToItrf(observer), Math.cos(dec) * Math.cos(ra), Math.cos(dec) * Math.sin(ra), Math.sin(dec));
}

/**
 * Apparent directions in ITRF as a function of place and time for one site: (RA, Dec in ICRS degrees, MJD UTC) to a unit
 * vector. What the instant alone decides is worked out once for every new time.
 */
export function itrfDirectionsFrom(
	site: Site,
): (raDeg: number, decDeg: number, mjdUtc: number) => [number, number, number] {
	const observers = new Map<number, Observer>();
	return (raDeg, decDeg, mjdUtc) => {
		let observer = observers.get(mjdUtc);
		if (observer === undefined) {
			// A drift scan asks for few times over and over; a long list of them must not be kept for ever.
			if (observers.size >= 4096) observers.clear();
			observer = observerAt(mjdUtc, site);
			observers.set(mjdUtc, observer);
		}
		return itrfDirection(observer, raDeg, decDeg);
	};
}
