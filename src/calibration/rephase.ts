import { directionToDegrees, wrapDegrees, wrapSignedDegrees } from "../sky/angle.ts";
import type { Observer } from "../sky/apparent-place.ts";
import { itrfDirection, itrfDirectionOfApparent } from "../sky/itrf.ts";

/** Speed of light in vacuum, m/s. */
export const SPEED_OF_LIGHT = 299792458;

/**
 * Unit vector in ITRF of an hour angle and declination of date (true equator, degrees) as seen from a longitude: where an array
 * points that is fringe-stopped on the meridian.
 */
export const meridianDirection = (
	observer: Observer,
	hourAngleDeg: number,
	declinationDeg: number,
	longitudeDeg: number,
): [number, number, number] =>
	itrfDirectionOfApparent(observer, observer.gastDeg + longitudeDeg - hourAngleDeg, declinationDeg);

/**
 * The ICRS place (degrees) seen at an hour angle and declination of date from a longitude: the inverse of the apparent place,
 * by correcting a guess until it fits to 1e-11 degrees.
 */
export function icrsOnMeridian(
	observer: Observer,
	hourAngleDeg: number,
	declinationDeg: number,
	longitudeDeg: number,
): { raDeg: number; decDeg: number } {
	const wanted = meridianDirection(observer, hourAngleDeg, declinationDeg, longitudeDeg);
	const [wantedLon, wantedDec] = directionToDegrees(...wanted);
	let raDeg = observer.gastDeg + longitudeDeg - hourAngleDeg;
	let decDeg = declinationDeg;
	for (let i = 0; i < 12; i++) {
		const [lon, dec] = directionToDegrees(...itrfDirection(observer, raDeg, decDeg));
		raDeg += wrapSignedDegrees(wantedLon - lon);
		decDeg = Math.max(-90, Math.min(90, decDeg + wantedDec - dec));
	}
	return { raDeg: wrapDegrees(raDeg), decDeg };
}

/**
 * Turns the phases of one row to another phase centre: V *= exp(-2 pi i (nu / c) deltaW), deltaW = w_new - w_old in metres,
 * w = (b_p - b_q).s (MeasurementSet convention).
 *
 * @param visibilities [channel][polarisation][re, im] from `at` on.
 * @param uniform whether the channels are equally spaced, so that the phase advances by the same angle from one to the next.
 */
export function turnPhases(
	visibilities: Float32Array,
	at: number,
	frequenciesHz: Float64Array,
	nPolarizations: number,
	deltaW: number,
	uniform: boolean,
): void {
	const n = frequenciesHz.length;
	const factor = (-2 * Math.PI * deltaW) / SPEED_OF_LIGHT;
	const step = n > 1 ? factor * (frequenciesHz[1] - frequenciesHz[0]) : 0;
	const stepRe = Math.cos(step);
	const stepIm = Math.sin(step);
	let re = 0;
	let im = 0;
	let i = at;
	for (let c = 0; c < n; c++) {
		// Begun afresh now and then: rounding does not add up.
		if (!uniform || (c & 63) === 0) {
			const phase = factor * frequenciesHz[c];
			re = Math.cos(phase);
			im = Math.sin(phase);
		}
		for (let p = 0; p < nPolarizations; p++, i += 2) {
			const a = visibilities[i];
			const b = visibilities[i + 1];
			visibilities[i] = a * re - b * im;
			visibilities[i + 1] = a * im + b * re;
		}
		const next = re * stepRe - im * stepIm;
		im = re * stepIm + im * stepRe;
		re = next;
	}
}

/** Whether channels are equally spaced to a thousandth of a turn over the longest delay that is turned, 10 microseconds. */
export function isUniform(frequenciesHz: Float64Array): boolean {
	const n = frequenciesHz.length;
	if (n < 3) return true;
	const step = (frequenciesHz[n - 1] - frequenciesHz[0]) / (n - 1);
	return frequenciesHz.every((hz, c) => Math.abs(hz - frequenciesHz[0] - c * step) < 100);
}
