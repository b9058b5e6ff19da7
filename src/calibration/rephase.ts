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
 * @returns the sum of all numbers: not finite if one of them is not.
 */
export function turnPhases(
	visibilities: Float32Array,
	at: number,
	frequenciesHz: Float64Array,
	nPolarizations: number,
	deltaW: number,
	uniform: boolean,
): number {
	const factor = (-2 * Math.PI * deltaW) / SPEED_OF_LIGHT;
	if (uniform && nPolarizations === 2) return turnUniformPairs(visibilities, at, frequenciesHz, factor);
	const n = frequenciesHz.length;
	const step = n > 1 ? factor * (frequenciesHz[1] - frequenciesHz[0]) : 0;
	const stepRe = Math.cos(step);
	const stepIm = Math.sin(step);
	let re = 0;
	let im = 0;
	let i = at;
	let sum = 0;
	for (let c = 0; c < n; c++) {
		if (!uniform || c % RENEWED === 0) {
			const phase = factor * frequenciesHz[c];
			re = Math.cos(phase);
			im = Math.sin(phase);
		}
		for (let p = 0; p < nPolarizations; p++, i += 2) {
			const a = visibilities[i];
			const b = visibilities[i + 1];
			const x = a * re - b * im;
			const y = a * im + b * re;
			visibilities[i] = x;
			visibilities[i + 1] = y;
			sum += x + y;
		}
		const next = re * stepRe - im * stepIm;
		im = re * stepIm + im * stepRe;
		re = next;
	}
	return sum;
}

/** Channels after which the phase is worked out afresh: rounding adds up to 1e-13 until then. */
const RENEWED = 1024;

/** The same for two products and equally spaced channels. */
function turnUniformPairs(v: Float32Array, at: number, frequenciesHz: Float64Array, factor: number): number {
	const n = frequenciesHz.length;
	const step = n > 1 ? factor * (frequenciesHz[1] - frequenciesHz[0]) : 0;
	const stepRe = Math.cos(step);
	const stepIm = Math.sin(step);
	let sum = 0;
	for (let begin = 0; begin < n; begin += RENEWED) {
		const phase = factor * frequenciesHz[begin];
		let re = Math.cos(phase);
		let im = Math.sin(phase);
		const end = at + 4 * Math.min(n, begin + RENEWED);
		for (let i = at + 4 * begin; i < end; i += 4) {
			const a = v[i];
			const b = v[i + 1];
			const c = v[i + 2];
			const d = v[i + 3];
			const w = a * re - b * im;
			const x = a * im + b * re;
			const y = c * re - d * im;
			const z = c * im + d * re;
			v[i] = w;
			v[i + 1] = x;
			v[i + 2] = y;
			v[i + 3] = z;
			sum += w + x + (y + z);
			const next = re * stepRe - im * stepIm;
			im = re * stepIm + im * stepRe;
			re = next;
		}
	}
	return sum;
}

/** Whether channels are equally spaced to a thousandth of a turn over the longest delay that is turned, 10 microseconds. */
export function isUniform(frequenciesHz: Float64Array): boolean {
	const n = frequenciesHz.length;
	if (n < 3) return true;
	const step = (frequenciesHz[n - 1] - frequenciesHz[0]) / (n - 1);
	return frequenciesHz.every((hz, c) => Math.abs(hz - frequenciesHz[0] - c * step) < 100);
}
