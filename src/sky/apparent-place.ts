import { degreesToDirection, directionToDegrees, RAD_PER_DEG } from "./angle.ts";
import { earthMotion } from "./earth-motion.ts";
import { earthOrientation } from "./earth-orientation.ts";
import { nutation, trueEquatorMatrix } from "./nutation.ts";
import { apply, type Matrix3 } from "./rotation.ts";
import { centuriesTt, gast } from "./sidereal.ts";
import { type Site, siteToItrf } from "./site.ts";

/**
 * Everything that turns ICRS directions into what an observer sees at one instant: made once and applied to many
 * sources. No refraction.
 */
export interface Observer {
	mjdUtc: number;
	/** Greenwich apparent sidereal time, degrees. */
	gastDeg: number;
	/** From ICRS to the true equator and equinox of date. */
	toEquatorOfDate: Matrix3;
	/** From the Sun to the Earth: unit vector, ICRS, and distance in astronomical units. */
	fromSun: [number, number, number];
	sunDistanceAu: number;
	/** Velocity against the barycentre in units of the speed of light, ICRS axes; the rotation of the Earth included. */
	velocity: [number, number, number];
	/** Coordinates of the pole, radians. */
	poleX: number;
	poleY: number;
	quality: "measured" | "predicted";
}

/** Rotation of the Earth in radians per second of UT1, and the speed of light in metres per second. */
const EARTH_SPIN = 7.292115855e-5;
const LIGHT_M_PER_S = 299792458;
/** Twice the gravitational radius of the Sun, astronomical units. */
const DEFLECTION_AU = 1.97412574336e-8;

/**
 * The observer at a site at an instant (MJD UTC); without a site the centre of the Earth.
 * Throws `no-earth-orientation` outside the table of UT1.
 */
export function observerAt(mjdUtc: number, site?: Site): Observer {
	const t = centuriesTt(mjdUtc);
	const motion = earthMotion(t);
	const orientation = earthOrientation(mjdUtc);
	const matrix = trueEquatorMatrix(t, nutation(t));
	const gastDeg = gast(mjdUtc);
	const velocity = motion.velocity;
	if (site !== undefined) {
		const [x, y] = siteToItrf(site);
		const theta = gastDeg * RAD_PER_DEG;
		// The site moves east at right angles to the true pole; polar motion is nothing in a speed.
		const speed = EARTH_SPIN / LIGHT_M_PER_S;
		const east: [number, number] = [
			-speed * (x * Math.sin(theta) + y * Math.cos(theta)),
			speed * (x * Math.cos(theta) - y * Math.sin(theta)),
		];
		for (let i = 0; i < 3; i++) velocity[i] += matrix[i] * east[0] + matrix[3 + i] * east[1];
	}
	const [hx, hy, hz] = motion.heliocentric;
	const distance = Math.hypot(hx, hy, hz);
	const arcsec = RAD_PER_DEG / 3600;
	return {
		mjdUtc,
		gastDeg,
		toEquatorOfDate: matrix,
		fromSun: [hx / distance, hy / distance, hz / distance],
		sunDistanceAu: distance,
		velocity,
		poleX: orientation.xp * arcsec,
		poleY: orientation.yp * arcsec,
		quality: orientation.quality,
	};
}

/** The same for an ICRS direction as a vector: unit vector on the true equator and equinox of date. */
export function apparentOf(observer: Observer, direction: [number, number, number]): [number, number, number] {
	return apply(observer.toEquatorOfDate, ...aberrate(observer.velocity, deflect(observer, direction)));
}

/** Unit vector of the apparent place of an ICRS place (degrees) on the true equator and equinox of date. */
export const apparentDirection = (observer: Observer, raDeg: number, decDeg: number): [number, number, number] =>
	apparentOf(observer, degreesToDirection(raDeg, decDeg));

/**
 * Apparent place [RA in 0..360, Dec] in degrees of an ICRS place: deflection of light by the Sun, annual and diurnal
 * aberration, precession IAU 2006 and nutation IAU 2000B; true equator and equinox of date, no refraction. Parallax and
 * proper motion are those of a distant radio source: none.
 */
export function apparentPlace(observer: Observer, raDeg: number, decDeg: number): [number, number] {
	return directionToDegrees(...apparentDirection(observer, raDeg, decDeg));
}

/** Bends a direction away from the Sun: Klioner 2003, equation 70, for a source at infinity. */
function deflect(observer: Observer, p: [number, number, number]): [number, number, number] {
	const [ex, ey, ez] = observer.fromSun;
	const along = p[0] * ex + p[1] * ey + p[2] * ez;
	// Behind the Sun's disc nothing is seen; the limit keeps the formula finite there.
	const factor = DEFLECTION_AU / observer.sunDistanceAu / Math.max(1 + along, 1e-5);
	return [
		p[0] + factor * (ex - along * p[0]),
		p[1] + factor * (ey - along * p[1]),
		p[2] + factor * (ez - along * p[2]),
	];
}

/** Relativistic aberration, exact in the velocity (units of the speed of light); the result is a unit vector. */
function aberrate(v: [number, number, number], p: [number, number, number]): [number, number, number] {
	const length = Math.hypot(...p);
	const [x, y, z] = p.map((value) => value / length);
	const v2 = v[0] * v[0] + v[1] * v[1] + v[2] * v[2];
	const inverseGamma = Math.sqrt(1 - v2);
	const dot = x * v[0] + y * v[1] + z * v[2];
	const weight = 1 + dot / (1 + inverseGamma);
	const out = [inverseGamma * x + weight * v[0], inverseGamma * y + weight * v[1], inverseGamma * z + weight * v[2]];
	const norm = Math.hypot(out[0], out[1], out[2]);
	return [out[0] / norm, out[1] / norm, out[2] / norm];
}
