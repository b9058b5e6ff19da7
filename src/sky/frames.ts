import { badInput } from "../error.ts";
import { degreesToDirection, directionToDegrees, RAD_PER_DEG } from "./angle.ts";
import { besselianYearToMjd, eTermsVector, murrayMatrix, newcombPrecession } from "./fk4.ts";
import { precessionFromJ2000 } from "./precession.ts";
import { aboutX, aboutY, aboutZ, IDENTITY, type Matrix3, product, transpose } from "./rotation.ts";

export type FrameName = "icrs" | "fk5" | "fk4" | "galactic";

/** A celestial reference frame as a FITS header names it. */
export interface SkyFrame {
	name: FrameName;
	/** Julian year for fk5 (2000), Besselian for fk4 (1950); without meaning for icrs and galactic (2000). */
	equinox: number;
	/**
	 * FK4 only: when the places were observed, MJD. FK4 rotates slowly against the distant sources (0.5 arcsecond in a
	 * century), so the same FK4 place is another direction at another epoch. The equinox when absent.
	 */
	epochMjd?: number;
	/** FK4 only: the places are free of the E-terms of aberration (RADESYS FK4-NO-E). */
	withoutETerms?: boolean;
}

/** ICRS to FK5 at J2000: Mignard & Froeschle 2000, as in USNO Circular 179, section 3.5. */
const mas = RAD_PER_DEG / 3600000;
const ICRS_TO_FK5: Matrix3 = product(aboutX(19.9 * mas), aboutY(9.1 * mas), aboutZ(-22.9 * mas));

/**
 * FK5 at J2000 to galactic: the pole and origin of IAU 1958, fixed in FK4 B1950, carried to J2000 by Reid & Brunthaler
 * 2004, ApJ 616, 872, appendix.
 */
const FK5_TO_GALACTIC: Matrix3 = product(
	aboutZ((180 - 122.9319185680026) * RAD_PER_DEG),
	aboutY((90 - 27.12825118085622) * RAD_PER_DEG),
	aboutZ(192.8594812065348 * RAD_PER_DEG),
);

/** One frame against ICRS: a matrix, and for FK4 the E-terms before it. */
export interface FrameTransform {
	toIcrsMatrix: Matrix3;
	fromIcrsMatrix: Matrix3;
	/** Subtracted from the FK4 direction before the matrix, undefined for every other frame. */
	eTerms: readonly [number, number, number] | undefined;
}

/**
 * The transformation of a frame, made once and then applied to many directions.
 * Throws `bad-frame` when the equinox or the epoch is not within 500 years of J2000.
 */
export function frameTransform(frame: SkyFrame): FrameTransform {
	if (frame.name === "icrs") return { toIcrsMatrix: IDENTITY, fromIcrsMatrix: IDENTITY, eTerms: undefined };
	if (frame.name === "galactic") return rigid(transpose(product(FK5_TO_GALACTIC, ICRS_TO_FK5)));
	if (!(Math.abs(frame.equinox - 2000) <= 500)) {
		throw badInput("bad-frame", `the equinox ${frame.equinox} of frame ${frame.name} is not a year near ours`, {
			subject: "EQUINOX",
			remedy: "Give a year such as 2000 or 1950",
		});
	}
	if (frame.name === "fk5") {
		return rigid(transpose(product(precessionFromJ2000(frame.equinox), ICRS_TO_FK5)));
	}
	const epoch = frame.epochMjd ?? besselianYearToMjd(frame.equinox);
	if (!(Math.abs(epoch - 51544.5) <= 500 * 365.25)) {
		throw badInput("bad-frame", `the epoch MJD ${epoch} of an FK4 frame is not near ours`, {
			subject: "MJD-OBS",
			remedy: "Correct the date of the observation",
		});
	}
	const toFk5 = murrayMatrix(epoch);
	return {
		toIcrsMatrix: product(transpose(ICRS_TO_FK5), toFk5, newcombPrecession(frame.equinox, 1950)),
		// Murray's matrix is a rotation to 1e-11 only; its transpose is what the published inverse uses.
		fromIcrsMatrix: product(newcombPrecession(1950, frame.equinox), transpose(toFk5), ICRS_TO_FK5),
		eTerms: frame.withoutETerms === true ? undefined : eTermsVector(frame.equinox),
	};
}

const rigid = (toIcrs: Matrix3): FrameTransform => ({
	toIcrsMatrix: toIcrs,
	fromIcrsMatrix: transpose(toIcrs),
	eTerms: undefined,
});

/** Carries a unit vector of the frame to ICRS, in place at `v[0..2]`. */
export function directionToIcrs(transform: FrameTransform, v: Float64Array): void {
	const e = transform.eTerms;
	if (e !== undefined) {
		const along = 1 + e[0] * v[0] + e[1] * v[1] + e[2] * v[2];
		const x = v[0] * along - e[0];
		const y = v[1] * along - e[1];
		const z = v[2] * along - e[2];
		const length = Math.hypot(x, y, z);
		v[0] = x / length;
		v[1] = y / length;
		v[2] = z / length;
	}
	rotate(transform.toIcrsMatrix, v);
}

/** Carries a unit vector of ICRS to the frame, in place at `v[0..2]`. */
export function directionFromIcrs(transform: FrameTransform, v: Float64Array): void {
	rotate(transform.fromIcrsMatrix, v);
	const e = transform.eTerms;
	if (e === undefined) return;
	const norm = Math.hypot(v[0], v[1], v[2]);
	const x0 = v[0] / norm;
	const y0 = v[1] / norm;
	const z0 = v[2] / norm;
	// The E-terms are 1.7e-6, so each round of the fixed point gains six digits: four rounds reach the last bit.
	let x = x0;
	let y = y0;
	let z = z0;
	for (let round = 0; round < 4; round++) {
		const along = 1 + e[0] * x + e[1] * y + e[2] * z;
		x = (x0 + e[0]) / along;
		y = (y0 + e[1]) / along;
		z = (z0 + e[2]) / along;
		const length = Math.hypot(x, y, z);
		x /= length;
		y /= length;
		z /= length;
	}
	v[0] = x;
	v[1] = y;
	v[2] = z;
}

function rotate(m: Matrix3, v: Float64Array): void {
	const x = v[0];
	const y = v[1];
	const z = v[2];
	v[0] = m[0] * x + m[1] * y + m[2] * z;
	v[1] = m[3] * x + m[4] * y + m[5] * z;
	v[2] = m[6] * x + m[7] * y + m[8] * z;
}

/** [RA in 0..360, Dec] in ICRS degrees of a place given in the frame, degrees. */
export function toIcrs(frame: SkyFrame, lonDeg: number, latDeg: number): [number, number] {
	if (frame.name === "icrs") return directionToDegrees(...degreesToDirection(lonDeg, latDeg));
	const v = Float64Array.from(degreesToDirection(lonDeg, latDeg));
	directionToIcrs(frameTransform(frame), v);
	return directionToDegrees(v[0], v[1], v[2]);
}

/** [longitude in 0..360, latitude] in the frame, degrees, of an ICRS place in degrees. */
export function fromIcrs(frame: SkyFrame, raDeg: number, decDeg: number): [number, number] {
	const v = Float64Array.from(degreesToDirection(raDeg, decDeg));
	directionFromIcrs(frameTransform(frame), v);
	return directionToDegrees(v[0], v[1], v[2]);
}
