import { phaseFactor } from "./phase-factor.ts";

/** m/s, exact. */
export const SPEED_OF_LIGHT = 299792458;

/** Point sources as one window of an array sees them. */
export interface ApparentSources {
	readonly nSources: number;
	readonly nTimes: number;
	readonly nBaselines: number;
	/** [source][time][baseline] m: phase in cycles is path x frequency / c, (b_p - b_q).(s - s0). */
	readonly pathsM: Float64Array;
	/** [source][time][channel] flux density times primary beam, Jy. */
	readonly apparentJy: Float32Array;
}

/** Phases per metre of path of evenly spaced channels; undefined where they are not even. */
export function evenPhases(frequenciesHz: Float64Array): { cyclesPerMetre: number; stepPerMetre: number } | undefined {
	const nChannels = frequenciesHz.length;
	const step = nChannels > 1 ? (frequenciesHz[nChannels - 1] - frequenciesHz[0]) / (nChannels - 1) : 0;
	const even = frequenciesHz.every((f, c) => Math.abs(f - frequenciesHz[0] - c * step) < 1e-4 * Math.abs(step) + 1e-3);
	return even ? { cyclesPerMetre: frequenciesHz[0] / SPEED_OF_LIGHT, stepPerMetre: step / SPEED_OF_LIGHT } : undefined;
}

/**
 * One baseline's visibilities of point sources in one integration, [channel][re, im], Jy. Phases are carried from channel
 * to channel by rotation where channels are evenly spaced, of two sources at once: neither need wait for the other.
 */
export function predictLine(
	sources: ApparentSources,
	frequenciesHz: Float64Array,
): (time: number, baseline: number, line: Float64Array) => void {
	const { nSources, nTimes, nBaselines, pathsM, apparentJy } = sources;
	const nChannels = frequenciesHz.length;
	const even = evenPhases(frequenciesHz);
	const factors = new Float64Array(8);
	return (time, baseline, line) => {
		line.fill(0);
		const pathOf = (s: number) => pathsM[(s * nTimes + time) * nBaselines + baseline];
		const fluxOf = (s: number) => (s * nTimes + time) * nChannels;
		if (even === undefined) {
			for (let s = 0; s < nSources; s++) {
				const path = pathOf(s);
				const flux = fluxOf(s);
				for (let c = 0; c < nChannels; c++) {
					phaseFactor((path * frequenciesHz[c]) / SPEED_OF_LIGHT, factors, 0);
					line[2 * c] += apparentJy[flux + c] * factors[0];
					line[2 * c + 1] += apparentJy[flux + c] * factors[1];
				}
			}
			return;
		}
		for (let s = 0; s < nSources; s += 2) {
			phaseFactor(pathOf(s) * even.cyclesPerMetre, factors, 0);
			phaseFactor(pathOf(s) * even.stepPerMetre, factors, 2);
			if (s + 1 === nSources) {
				addSource(apparentJy, fluxOf(s), factors, nChannels, line);
				return;
			}
			phaseFactor(pathOf(s + 1) * even.cyclesPerMetre, factors, 4);
			phaseFactor(pathOf(s + 1) * even.stepPerMetre, factors, 6);
			addSources(apparentJy, fluxOf(s), fluxOf(s + 1), factors, nChannels, line);
		}
	};
}

/** Adds a source of fluxes `jy[at ...]`; `factors` of its first channel and from one channel to the next. */
function addSource(jy: Float32Array, at: number, factors: Float64Array, nChannels: number, line: Float64Array): void {
	let re = factors[0];
	let im = factors[1];
	const turnRe = factors[2];
	const turnIm = factors[3];
	for (let c = 0; c < nChannels; c++) {
		const f = jy[at + c];
		line[2 * c] += f * re;
		line[2 * c + 1] += f * im;
		const next = re * turnRe - im * turnIm;
		im = re * turnIm + im * turnRe;
		re = next;
	}
}

/** The same for two sources. */
function addSources(
	jy: Float32Array,
	atA: number,
	atB: number,
	factors: Float64Array,
	nChannels: number,
	line: Float64Array,
): void {
	let aRe = factors[0];
	let aIm = factors[1];
	const aTurnRe = factors[2];
	const aTurnIm = factors[3];
	let bRe = factors[4];
	let bIm = factors[5];
	const bTurnRe = factors[6];
	const bTurnIm = factors[7];
	for (let c = 0; c < nChannels; c++) {
		const a = jy[atA + c];
		const b = jy[atB + c];
		line[2 * c] += a * aRe + b * bRe;
		line[2 * c + 1] += a * aIm + b * bIm;
		const nextA = aRe * aTurnRe - aIm * aTurnIm;
		aIm = aRe * aTurnIm + aIm * aTurnRe;
		aRe = nextA;
		const nextB = bRe * bTurnRe - bIm * bTurnIm;
		bIm = bRe * bTurnIm + bIm * bTurnRe;
		bRe = nextB;
	}
}

/**
 * Visibilities of one integration for the baselines [first, beyond): [baseline - first][channel][polarisation][re, im], Jy.
 */
export type ModelOfIntegration = (time: number, out: Float32Array, first: number, beyond: number) => void;

/**
 * Visibilities of point sources, one integration at a time, equal in both parallel hands (unpolarised; a source of
 * 1 Jy reads 1 Jy in each).
 */
export function componentModel(
	sources: ApparentSources,
	frequenciesHz: Float64Array,
	nPolarizations: number,
): ModelOfIntegration {
	const nChannels = frequenciesHz.length;
	const line = new Float64Array(2 * nChannels);
	const predict = predictLine(sources, frequenciesHz);
	return (time, out, first, beyond) => {
		let i = 0;
		for (let b = first; b < beyond; b++) {
			predict(time, b, line);
			for (let c = 0; c < nChannels; c++) {
				for (let p = 0; p < nPolarizations; p++) {
					out[i++] = line[2 * c];
					out[i++] = line[2 * c + 1];
				}
			}
		}
	};
}
