import { FLAG, type WindowData } from "./window-data.ts";

/** Above this many times the median of its baseline a sample is absurd. */
export const ABSURD_FACTOR = 1000;

/** What was found in one window before anything is solved. */
export interface WindowInspection {
	/** [polarisation][baseline] median |V| of valid samples; NaN where there are none. */
	readonly scale: Float64Array;
	/** [polarisation][time][channel] mean of |V|/scale over baselines; NaN where there are none. */
	readonly waterfall: Float32Array;
	/** [polarisation][antenna] samples by class. */
	readonly counts: { readonly [kind in SampleClass]: Float64Array };
}

/** `input`: flagged in the input; `absent`: no row, or left out on request; the others as their names say. */
export const SAMPLE_CLASSES = ["input", "absent", "notFinite", "zero", "absurd", "good"] as const;
export type SampleClass = (typeof SAMPLE_CLASSES)[number];

/**
 * Flags what cannot be a measurement (NaN, infinity, exact zero, more than 1,000 times its baseline's median), each with
 * its own reason, and measures amplitudes for the interference flagger. Input flags stay as they are.
 */
export function inspectWindow(
	data: WindowData,
	array: { nAntennas: number; antenna1: Int32Array; antenna2: Int32Array },
): WindowInspection {
	const { nTimes, nBaselines, nChannels, nPolarizations: nPol, visibilities, flags } = data;
	const span = nChannels * nPol;
	const scale = new Float64Array(nPol * nBaselines).fill(Number.NaN);
	// Some fifty samples, evenly spread, settle a median; an odd stride looks at all kinds of channels.
	const total = nTimes * nChannels;
	const stride = Math.max(1, Math.floor(total / 48)) | 1;
	const sample = new Float64Array(Math.ceil(total / stride));
	for (let b = 0; b < nBaselines; b++) {
		for (let s = 0; s < nPol; s++) {
			let n = 0;
			for (let k = 0; k < total; k += stride) {
				const t = Math.floor(k / nChannels);
				const i = (t * nBaselines + b) * span + (k - t * nChannels) * nPol + s;
				if (flags[i] !== 0) continue;
				const re = visibilities[2 * i];
				const im = visibilities[2 * i + 1];
				const square = re * re + im * im;
				if (square > 0 && square < Number.POSITIVE_INFINITY) sample[n++] = square;
			}
			if (n > 0) scale[s * nBaselines + b] = Math.sqrt(sample.subarray(0, n).sort()[n >> 1]);
		}
	}
	const counts = Object.fromEntries(
		SAMPLE_CLASSES.map((kind) => [kind, new Float64Array(nPol * array.nAntennas)]),
	) as WindowInspection["counts"];
	const waterfall = new Float32Array(nPol * nTimes * nChannels);
	const missed = new Int32Array(nPol * nTimes * nChannels);
	for (let t = 0; t < nTimes; t++) {
		for (let b = 0; b < nBaselines; b++) {
			const at = (t * nBaselines + b) * span;
			for (let s = 0; s < nPol; s++) {
				const typical = scale[s * nBaselines + b];
				const limit = ABSURD_FACTOR * typical;
				const limitSquared = Number.isFinite(limit) ? limit * limit : Number.MAX_VALUE;
				const inverse = 1 / typical;
				const row = (s * nTimes + t) * nChannels;
				let [input, absent, notFinite, zero, absurd] = [0, 0, 0, 0, 0];
				for (let c = 0, i = at + s; c < nChannels; c++, i += nPol) {
					const re = visibilities[2 * i];
					const im = visibilities[2 * i + 1];
					const square = re * re + im * im;
					if (flags[i] === 0 && square > 0 && square <= limitSquared) {
						waterfall[row + c] += Math.sqrt(square) * inverse;
						continue;
					}
					missed[row + c]++;
					if (flags[i] !== 0) {
						if ((flags[i] & FLAG.input) !== 0) input++;
						else absent++;
					} else if (square === 0) {
						flags[i] = FLAG.zero;
						zero++;
					} else if (square < Number.POSITIVE_INFINITY) {
						flags[i] = FLAG.absurd;
						absurd++;
					} else {
						flags[i] = FLAG.notFinite;
						notFinite++;
					}
				}
				const good = nChannels - input - absent - notFinite - zero - absurd;
				for (const antenna of [array.antenna1[b], array.antenna2[b]]) {
					const o = s * array.nAntennas + antenna;
					counts.input[o] += input;
					counts.absent[o] += absent;
					counts.notFinite[o] += notFinite;
					counts.zero[o] += zero;
					counts.absurd[o] += absurd;
					counts.good[o] += good;
				}
			}
		}
	}
	for (let i = 0; i < waterfall.length; i++) {
		const seen = nBaselines - missed[i];
		waterfall[i] = seen > 0 ? waterfall[i] / seen : Number.NaN;
	}
	return { scale, waterfall, counts };
}
