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
	if (uniform) {
		phaseSegments(frequenciesHz, deltaW, (begin, count, re0, im0, re1, im1, stepRe, stepIm) => {
			const from = at + 2 * begin * nPolarizations;
			turnUniform(visibilities, from, count, nPolarizations, re0, im0, re1, im1, stepRe, stepIm);
		});
		return;
	}
	const factor = (-2 * Math.PI * deltaW) / SPEED_OF_LIGHT;
	for (let c = 0, i = at; c < frequenciesHz.length; c++, i += 2 * nPolarizations) {
		const phase = factor * frequenciesHz[c];
		turnChannel(visibilities, i, nPolarizations, Math.cos(phase), Math.sin(phase));
	}
}

/** Channels after which the phase is worked out afresh: rounding adds up to 1e-13 until then. */
const RENEWED = 1024;

/** Phases of a run of channels: of its first two channels, and the step from a channel to the one after the next. */
export type PhaseRun = [re0: number, im0: number, re1: number, im1: number, stepRe: number, stepIm: number];

/**
 * The phases by which a row of equally spaced channels is turned, in runs of channels. Even and odd channels are two sequences,
 * so that neither waits for the other.
 */
export function phaseSegments(
	frequenciesHz: Float64Array,
	deltaW: number,
	visit: (begin: number, count: number, ...phases: PhaseRun) => void,
): void {
	const factor = (-2 * Math.PI * deltaW) / SPEED_OF_LIGHT;
	const n = frequenciesHz.length;
	const step = n > 1 ? factor * (frequenciesHz[1] - frequenciesHz[0]) : 0;
	const stepRe = Math.cos(2 * step);
	const stepIm = Math.sin(2 * step);
	for (let begin = 0; begin < n; begin += RENEWED) {
		const even = factor * frequenciesHz[begin];
		const odd = even + step;
		const count = Math.min(RENEWED, n - begin);
		visit(begin, count, Math.cos(even), Math.sin(even), Math.cos(odd), Math.sin(odd), stepRe, stepIm);
	}
}

function turnUniform(
	v: Float32Array,
	at: number,
	count: number,
	nPol: number,
	re0: number,
	im0: number,
	re1: number,
	im1: number,
	stepRe: number,
	stepIm: number,
): void {
	for (let c = 0, i = at; c < count; c += 2) {
		turnChannel(v, i, nPol, re0, im0);
		i += 2 * nPol;
		if (c + 1 < count) turnChannel(v, i, nPol, re1, im1);
		i += 2 * nPol;
		const even = re0 * stepRe - im0 * stepIm;
		im0 = re0 * stepIm + im0 * stepRe;
		re0 = even;
		const odd = re1 * stepRe - im1 * stepIm;
		im1 = re1 * stepIm + im1 * stepRe;
		re1 = odd;
	}
}

function turnChannel(v: Float32Array, at: number, nPol: number, re: number, im: number): void {
	for (let p = 0, i = at; p < nPol; p++, i += 2) {
		const a = v[i];
		const b = v[i + 1];
		v[i] = a * re - b * im;
		v[i + 1] = a * im + b * re;
	}
}

/** Whether channels are equally spaced to a thousandth of a turn over the longest delay that is turned, 10 microseconds. */
export function isUniform(frequenciesHz: Float64Array): boolean {
	const n = frequenciesHz.length;
	if (n < 3) return true;
	const step = (frequenciesHz[n - 1] - frequenciesHz[0]) / (n - 1);
	return frequenciesHz.every((hz, c) => Math.abs(hz - frequenciesHz[0] - c * step) < 100);
}
