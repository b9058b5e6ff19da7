import { type ApparentSources, evenPhases, predictLine, SPEED_OF_LIGHT } from "./component-model.ts";
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

/**
 * Takes the model's phase out of a window's samples, in place: V becomes V conj(M)/|M|. The model is then needed no
 * more, only its amplitude: every later pass is free of trigonometry. Samples where the model is zero are flagged as
 * absent, for nothing can be learnt from them.
 */
export function referToModel(data: WindowData, model: WindowModel): ReferredWindow {
	const amplitudes =
		model.kind === "column"
			? referToColumn(data, model.visibilities)
			: model.sources.nSources === 1
				? referToSource(data, model.sources)
				: referToSources(data, model.sources);
	return { data, amplitudes };
}

/** One source: its amplitude is the same on every baseline. */
function referToSource(data: WindowData, sources: ApparentSources): ModelAmplitudes {
	const { nTimes, nBaselines, nChannels, nPolarizations: nPol, visibilities: v, frequenciesHz } = data;
	const { apparentJy, pathsM } = sources;
	const values = apparentJy.map(Math.abs);
	const even = evenPhases(frequenciesHz);
	const unit = new Float64Array(2 * nChannels);
	const signs = new Float64Array(nChannels);
	for (let t = 0; t < nTimes; t++) {
		for (let c = 0; c < nChannels; c++) signs[c] = apparentJy[t * nChannels + c] < 0 ? -1 : 1;
		const missing = values.subarray(t * nChannels, (t + 1) * nChannels).includes(0);
		for (let b = 0; b < nBaselines; b++) {
			const path = pathsM[t * nBaselines + b];
			if (even === undefined) {
				for (let c = 0; c < nChannels; c++) {
					const angle = 2 * Math.PI * fraction((path * frequenciesHz[c]) / SPEED_OF_LIGHT);
					unit[2 * c] = signs[c] * Math.cos(angle);
					unit[2 * c + 1] = signs[c] * Math.sin(angle);
				}
			} else {
				let angle = 2 * Math.PI * fraction(path * even.cyclesPerMetre);
				let re = Math.cos(angle);
				let im = Math.sin(angle);
				angle = 2 * Math.PI * fraction(path * even.stepPerMetre);
				const turnRe = Math.cos(angle);
				const turnIm = Math.sin(angle);
				for (let c = 0; c < nChannels; c++) {
					unit[2 * c] = signs[c] * re;
					unit[2 * c + 1] = signs[c] * im;
					const next = re * turnRe - im * turnIm;
					im = re * turnIm + im * turnRe;
					re = next;
				}
			}
			let i = (t * nBaselines + b) * nChannels * nPol;
			if (missing) flagMissing(data.flags, values, t * nChannels, i, nChannels, nPol);
			i *= 2;
			for (let c = 0; c < nChannels; c++) {
				const re = unit[2 * c];
				const im = unit[2 * c + 1];
				for (let s = 0; s < nPol; s++, i += 2) {
					const vRe = v[i];
					const vIm = v[i + 1];
					v[i] = vRe * re + vIm * im;
					v[i + 1] = vIm * re - vRe * im;
				}
			}
		}
	}
	return { values, timeStride: nChannels, baselineStride: 0, channelStride: 1, polarizationStride: 0 };
}

const fraction = (x: number) => x - Math.floor(x);

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

function referToSources(data: WindowData, sources: ApparentSources): ModelAmplitudes {
	const { nTimes, nBaselines, nChannels, nPolarizations: nPol, visibilities: v, flags, frequenciesHz } = data;
	const values = new Float32Array(nTimes * nBaselines * nChannels);
	const line = new Float64Array(2 * nChannels);
	const predict = predictLine(sources, frequenciesHz);
	for (let t = 0; t < nTimes; t++) {
		for (let b = 0; b < nBaselines; b++) {
			predict(t, b, line);
			const k = t * nBaselines + b;
			const at = k * nChannels;
			let i = 2 * at * nPol;
			for (let c = 0; c < nChannels; c++) {
				const size = Math.sqrt(line[2 * c] * line[2 * c] + line[2 * c + 1] * line[2 * c + 1]);
				values[at + c] = size;
				const re = size > 0 ? line[2 * c] / size : 1;
				const im = size > 0 ? line[2 * c + 1] / size : 0;
				for (let s = 0; s < nPol; s++, i += 2) {
					if (!(size > 0)) flags[i >> 1] |= FLAG.absent;
					const vRe = v[i];
					const vIm = v[i + 1];
					v[i] = vRe * re + vIm * im;
					v[i + 1] = vIm * re - vRe * im;
				}
			}
		}
	}
	return {
		values,
		timeStride: nBaselines * nChannels,
		baselineStride: nChannels,
		channelStride: 1,
		polarizationStride: 0,
	};
}

function referToColumn(data: WindowData, model: Float32Array): ModelAmplitudes {
	const { nBaselines, nChannels, nPolarizations: nPol, visibilities: v, flags } = data;
	const values = new Float32Array(flags.length);
	for (let i = 0; i < flags.length; i++) {
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
	const span = nChannels * nPol;
	return { values, timeStride: nBaselines * span, baselineStride: span, channelStride: nPol, polarizationStride: 1 };
}
