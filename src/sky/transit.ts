import { badInput } from "../error.ts";
import { wrapSignedDegrees } from "./angle.ts";
import { apparentPlace, observerAt } from "./apparent-place.ts";
import { localSiderealTime } from "./sidereal.ts";
import type { Site } from "./site.ts";

/** A source on the meridian: its upper culmination. */
export interface Transit {
	/** MJD UTC. */
	mjd: number;
	/** Apparent topocentric place at that instant, degrees. */
	apparentRaDeg: number;
	apparentDecDeg: number;
	/** Distance from the zenith in degrees, no refraction; beyond 90 it is below the horizon. */
	zenithDistanceDeg: number;
}

/** Degrees of sidereal time in a day of UT1. */
const SIDEREAL_RATE = 360.98564736629;
/** Ten years of transits at once; more is a mistake in the dates. */
const LONGEST_DAYS = 3700;

/**
 * The transit (apparent RA = local apparent sidereal time) nearest to an instant (MJD UTC), good to a millisecond.
 * Throws `no-earth-orientation` outside the table of UT1.
 */
export function transitNear(raDeg: number, decDeg: number, site: Site, mjdUtc: number): Transit {
	let mjd = mjdUtc;
	let place: [number, number] = [raDeg, decDeg];
	for (let round = 0; round < 4; round++) {
		place = apparentPlace(observerAt(mjd, site), raDeg, decDeg);
		const early = wrapSignedDegrees(place[0] - localSiderealTime(mjd, site.longitudeDeg)) / SIDEREAL_RATE;
		mjd += early;
		if (Math.abs(early) < 1e-10) break;
	}
	return {
		mjd,
		apparentRaDeg: place[0],
		apparentDecDeg: place[1],
		zenithDistanceDeg: Math.abs(site.latitudeDeg - place[1]),
	};
}

/**
 * Every transit of an ICRS place (degrees) over a site from one instant to another (MJD UTC), in order of time. Two
 * follow each other after a sidereal day.
 * Throws `bad-time` when the span is longer than ten years or ends before it begins.
 */
export function transits(raDeg: number, decDeg: number, site: Site, fromMjd: number, toMjd: number): Transit[] {
	if (!(toMjd >= fromMjd && toMjd - fromMjd <= LONGEST_DAYS)) {
		throw badInput("bad-time", `transits cannot be listed from MJD ${fromMjd} to ${toMjd}`, {
			subject: "--to",
			remedy: "Give an end after the start and within ten years of it",
		});
	}
	const step = 360 / SIDEREAL_RATE;
	const found: Transit[] = [];
	let transit = transitNear(raDeg, decDeg, site, fromMjd);
	if (transit.mjd < fromMjd) transit = transitNear(raDeg, decDeg, site, transit.mjd + step);
	while (transit.mjd <= toMjd) {
		found.push(transit);
		transit = transitNear(raDeg, decDeg, site, transit.mjd + step);
	}
	return found;
}
