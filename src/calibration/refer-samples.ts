import { type ApparentSources, evenPhases, predictLine, SPEED_OF_LIGHT } from "./component-model.ts";
import { phaseFactor } from "./phase-factor.ts";
import { FLAG, type WindowData } from "./window-data.ts";

/** What a window is compared with: point sources, or visibilities predicted elsewhere (a MODEL_DATA column). */
export type WindowModel =
	| { readonly kind: "sources"; readonly sources: ApparentSources }
	/** [time][baseline][channel][polarisation][re, im]. */
	| { readonly kind: "column"; readonly visibilities: Float32Array };

/** |M| of every sample, Jy: strides are 0 along axes on which it does not depend. */
export interface ModelAmplitudes {
	readonly values: Float32Array;
	readonly timeStride: number;
	readonly baselineStride: number;
	readonly channelStride: number;
	readonly polarizationStride: number;
}

/** A window whose samples are z = V conj(M)/|M|: gains times the model's amplitude, without the model's phase. */
export interface ReferredWindow {
	readonly data: WindowData;
	readonly amplitudes: ModelAmplitudes;
}

/** Takes the model's phase out of rows, as they arrive. */
export interface Referrer {
	/** Rows [first, beyond) of the grid, row = time x baselines + baseline: each once. */
	rows(first: number, beyond: number): void;
	readonly amplitudes: ModelAmplitudes;
}

/**
 * Takes the model's phase out of a window's samples, in place: V becomes V conj(M)/|M|. The model is then needed no
 * more, only its amplitude: every later pass is free of trigonometry. Samples where the model is zero are flagged as
 * absent, for nothing can be learnt from them.
 */
export function referrerOf(data: WindowData, model: WindowModel): Referrer {
	if (model.kind === "column") return columnReferrer(data, model.visibilities);
	return model.sources.nSources === 1 ? sourceReferrer(data, model.sources) : sourcesReferrer(data, model.sources);
}

/** The same for a whole window. */
export function referToModel(data: WindowData, model: WindowModel): ReferredWindow {
	const referrer = referrerOf(data, model);
	referrer.rows(0, data.nTimes * data.nBaselines);
	return { data, amplitudes: referrer.amplitudes };
}

/** V becomes V conj(U), U [channel][re, im] of length one, for one row of the grid. */
function turnRow(v: Float32Array, row: number, nChannels: number, nPol: number, unit: Float64Array): void {
	let i = 2 * row * nChannels * nPol;
	if (nPol === 2) {
		for (let j = 0; j < 2 * nChannels; j += 2, i += 4) {
			const re = unit[j];
			const im = unit[j + 1];
			const xRe = v[i];
			const xIm = v[i + 1];
			const yRe = v[i + 2];
			const yIm = v[i + 3];
			v[i] = xRe * re + xIm * im;
			v[i + 1] = xIm * re - xRe * im;
			v[i + 2] = yRe * re + yIm * im;
			v[i + 3] = yIm * re - yRe * im;
		}
		return;
	}
	for (let j = 0; j < 2 * nChannels; j += 2) {
		const re = unit[j];
		const im = unit[j + 1];
		for (let s = 0; s < nPol; s++, i += 2) {
			const vRe = v[i];
			const vIm = v[i + 1];
			v[i] = vRe * re + vIm * im;
			v[i + 1] = vIm * re - vRe * im;
		}
	}
}

/** One source: its amplitude is the same on every baseline. */
function sourceReferrer(data: WindowData, sources: ApparentSources): Referrer {
	const { nTimes, nBaselines, nChannels, nPolarizations: nPol, visibilities: v, frequenciesHz, flags } = data;
	const { apparentJy, pathsM } = sources;
	const values = apparentJy.map(Math.abs);
	const even = evenPhases(frequenciesHz);
	const unit = new Float64Array(2 * nChannels);
	// Per time: whether the source is negative, or missing, in some channel.
	const odd = new Uint8Array(nTimes);
	for (let t = 0; t < nTimes; t++) {
		for (let c = 0; c < nChannels; c++) if (!(apparentJy[t * nChannels + c] > 0)) odd[t] = 1;
	}
	return {
		amplitudes: { values, timeStride: nChannels, baselineStride: 0, channelStride: 1, polarizationStride: 0 },
		rows(first, beyond) {
			for (let row = first; row < beyond; row++) {
				const t = Math.floor(row / nBaselines);
				const path = pathsM[row];
				if (even === undefined) {
					for (let c = 0; c < nChannels; c++) {
						phaseFactor((path * frequenciesHz[c]) / SPEED_OF_LIGHT, unit, 2 * c);
					}
				} else {
					evenUnits(path * even.cyclesPerMetre, path * even.stepPerMetre, nChannels, unit);
				}
				if (odd[t] !== 0) {
					for (let c = 0; c < nChannels; c++) {
						const sign = apparentJy[t * nChannels + c] < 0 ? -1 : 1;
						unit[2 * c] *= sign;
						unit[2 * c + 1] *= sign;
					}
					flagMissing(flags, values, t * nChannels, row * nChannels * nPol, nChannels, nPol);
				}
				turnRow(v, row, nChannels, nPol, unit);
			}
		},
	};
}

/** Phase factors of evenly spaced channels, cycles `first` and `step` from one to the next: two by two by rotation. */
function evenUnits(first: number, step: number, nChannels: number, unit: Float64Array): void {
	phaseFactor(step, unit, 0);
	const stepRe = unit[0];
	const stepIm = unit[1];
	phaseFactor(first, unit, 0);
	let aRe = unit[0];
	let aIm = unit[1];
	let bRe = aRe * stepRe - aIm * stepIm;
	let bIm = aRe * stepIm + aIm * stepRe;
	const turnRe = stepRe * stepRe - stepIm * stepIm;
	const turnIm = 2 * stepRe * stepIm;
	// Two chains, so that one need not wait for the other.
	const even = 2 * (nChannels & ~1);
	for (let j = 0; j < even; j += 4) {
		unit[j] = aRe;
		unit[j + 1] = aIm;
		unit[j + 2] = bRe;
		unit[j + 3] = bIm;
		const nextA = aRe * turnRe - aIm * turnIm;
		aIm = aRe * turnIm + aIm * turnRe;
		aRe = nextA;
		const nextB = bRe * turnRe - bIm * turnIm;
		bIm = bRe * turnIm + bIm * turnRe;
		bRe = nextB;
	}
	if (even < 2 * nChannels) {
		unit[even] = aRe;
		unit[even + 1] = aIm;
	}
}

function flagMissing(
	flags: Uint8Array,
	values: Float32Array,
	from: number,
	to: number,
	nChannels: number,
	nPol: number,
): void {
	for (let c = 0; c < nChannels; c++) {
		if (values[from + c] > 0) continue;
		for (let s = 0; s < nPol; s++) flags[to + c * nPol + s] |= FLAG.absent;
	}
}

function sourcesReferrer(data: WindowData, sources: ApparentSources): Referrer {
	const { nTimes, nBaselines, nChannels, nPolarizations: nPol, visibilities: v, flags, frequenciesHz } = data;
	const values = new Float32Array(nTimes * nBaselines * nChannels);
	const line = new Float64Array(2 * nChannels);
	const predict = predictLine(sources, frequenciesHz);
	return {
		amplitudes: {
			values,
			timeStride: nBaselines * nChannels,
			baselineStride: nChannels,
			channelStride: 1,
			polarizationStride: 0,
		},
		rows(first, beyond) {
			for (let row = first; row < beyond; row++) {
				const t = Math.floor(row / nBaselines);
				predict(t, row - t * nBaselines, line);
				const at = row * nChannels;
				for (let c = 0; c < nChannels; c++) {
					const re = line[2 * c];
					const im = line[2 * c + 1];
					const size = Math.sqrt(re * re + im * im);
					values[at + c] = size;
					const inverse = size > 0 ? 1 / size : 0;
					line[2 * c] = size > 0 ? re * inverse : 1;
					line[2 * c + 1] = im * inverse;
					if (size > 0) continue;
					for (let s = 0; s < nPol; s++) flags[(at + c) * nPol + s] |= FLAG.absent;
				}
				turnRow(v, row, nChannels, nPol, line);
			}
		},
	};
}

function columnReferrer(data: WindowData, model: Float32Array): Referrer {
	const { nBaselines, nChannels, nPolarizations: nPol, visibilities: v, flags } = data;
	const values = new Float32Array(flags.length);
	const span = nChannels * nPol;
	return {
		amplitudes: {
			values,
			timeStride: nBaselines * span,
			baselineStride: span,
			channelStride: nPol,
			polarizationStride: 1,
		},
		rows(first, beyond) {
			for (let i = first * span; i < beyond * span; i++) {
				const mRe = model[2 * i];
				const mIm = model[2 * i + 1];
				const size = Math.sqrt(mRe * mRe + mIm * mIm);
				if (!(size > 0) || size === Number.POSITIVE_INFINITY) {
					flags[i] |= FLAG.absent;
					continue;
				}
				values[i] = size;
				const vRe = v[2 * i];
				const vIm = v[2 * i + 1];
				v[2 * i] = (vRe * mRe + vIm * mIm) / size;
				v[2 * i + 1] = (vIm * mRe - vRe * mIm) / size;
			}
		},
	};
}
