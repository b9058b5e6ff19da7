import type { GainsOfIntegration, ModelOfIntegration } from "./normal-sums.ts";
import { median } from "./robust.ts";
import type { ArrayBaselines, WindowData } from "./window-data.ts";

/** Differences of neighbouring samples, per [time][polarisation][baseline]. */
export interface NoiseSums {
	readonly nTimes: number;
	/** Sum of |difference|^2/4, each a sample of sigma^2 of one real component. */
	readonly squares: Float32Array;
	readonly count: Float32Array;
}

/** A window that was not looked at. */
export const noNoise = (data: WindowData): NoiseSums => ({
	nTimes: data.nTimes,
	squares: new Float32Array(0),
	count: new Float32Array(0),
});

/**
 * Thermal noise from the data themselves: differences between successive integrations, after the phase of the model and
 * of the known gains is taken out. Sky and gains cancel, and what is common to the window's channels, a drift of the gains,
 * is subtracted. With a single integration, differences between neighbouring channels. The recorded weights are never
 * trusted for scale.
 *
 * @param channelStep looks at every so many channels: a thousand differences per baseline are plenty.
 */
export function measureNoise(
	data: WindowData,
	array: ArrayBaselines,
	model: ModelOfIntegration,
	gains: GainsOfIntegration | undefined,
	channelStep: number,
): NoiseSums {
	const { nTimes, nBaselines, nChannels, nPolarizations: nPol, visibilities, flags, weights } = data;
	const { antenna1, antenna2 } = array;
	const span = nChannels * nPol;
	const out: NoiseSums = {
		nTimes,
		squares: new Float32Array(nTimes * nPol * nBaselines),
		count: new Float32Array(nTimes * nPol * nBaselines),
	};
	const m = new Float32Array(2 * nBaselines * span);
	const g = new Float32Array(2 * array.nAntennas * span);
	if (gains === undefined) for (let i = 0; i < g.length; i += 2) g[i] = 1;
	const overTime = nTimes > 1;
	const step = overTime ? channelStep : 1;
	// Turned by the model's phase, this integration and the one before: [baseline][channel looked at][polarisation].
	const looked = Math.ceil(nChannels / step);
	let now = new Float32Array(2 * nBaselines * looked * nPol);
	let before = new Float32Array(2 * nBaselines * looked * nPol);
	for (let t = 0; t < nTimes; t++) {
		[now, before] = [before, now];
		model(t, m, 0, nBaselines);
		if (gains !== undefined) gains(t, g);
		for (let b = 0; b < nBaselines; b++) {
			for (let s = 0; s < nPol; s++) {
				const w = weights === undefined ? 1 : weights[(t * nBaselines + b) * nPol + s];
				let squares = 0;
				let sumRe = 0;
				let sumIm = 0;
				let count = 0;
				for (let c = 0, x = 0; c < nChannels; c += step, x++) {
					const k = c * nPol + s;
					const i = (t * nBaselines + b) * span + k;
					const p = 2 * (antenna1[b] * span + k);
					const q = 2 * (antenna2[b] * span + k);
					const o = 2 * ((b * looked + x) * nPol + s);
					const gRe = g[p] * g[q] + g[p + 1] * g[q + 1];
					const gIm = g[p + 1] * g[q] - g[p] * g[q + 1];
					const j = 2 * (b * span + k);
					const mRe = gRe * m[j] - gIm * m[j + 1];
					const mIm = gRe * m[j + 1] + gIm * m[j];
					const size = Math.sqrt(mRe * mRe + mIm * mIm);
					// Not a number stands for nothing to compare with.
					if (flags[i] !== 0 || !(w > 0) || size === 0) {
						now[o] = Number.NaN;
						continue;
					}
					now[o] = (visibilities[2 * i] * mRe + visibilities[2 * i + 1] * mIm) / size;
					now[o + 1] = (visibilities[2 * i + 1] * mRe - visibilities[2 * i] * mIm) / size;
					if (overTime ? t === 0 : c === 0) continue;
					const re = now[o] - (overTime ? before[o] : now[o - 2 * nPol]);
					if (Number.isNaN(re)) continue;
					const im = now[o + 1] - (overTime ? before[o + 1] : now[o + 1 - 2 * nPol]);
					squares += w * (re * re + im * im);
					sumRe += re;
					sumIm += im;
					count++;
				}
				const o = (t * nPol + s) * nBaselines + b;
				if (overTime && count >= 4) {
					squares = Math.max(0, squares - (w * (sumRe * sumRe + sumIm * sumIm)) / count);
					count--;
				}
				// The variance of a difference is twice that of each, and re and im count together.
				out.squares[o] = squares / 4;
				out.count[o] = count;
			}
		}
	}
	return out;
}

/**
 * Variance of every baseline over all windows: the median over time of each integration's mean, so that a phase jump or a
 * burst of interference, which fills one integration, does not count.
 *
 * @returns [polarisation][baseline] sigma^2 of one real component; NaN where nothing was seen.
 */
export function baselineVariance(sums: readonly NoiseSums[], nPolarizations: number, nBaselines: number): Float64Array {
	const out = new Float64Array(nPolarizations * nBaselines);
	const nTimes = sums[0].nTimes;
	const means = new Float64Array(nTimes);
	for (let i = 0; i < out.length; i++) {
		for (let t = 0; t < nTimes; t++) {
			let square = 0;
			let count = 0;
			for (const sum of sums) {
				if (sum.count.length === 0) continue;
				square += sum.squares[t * out.length + i];
				count += sum.count[t * out.length + i];
			}
			means[t] = count > 0 ? square / count : Number.NaN;
		}
		out[i] = median(means);
	}
	return out;
}

/**
 * Noise of every antenna from that of its baselines, sigma_pq^2 = s_p s_q: each antenna's factor is the median over its
 * baselines of sigma_pq^2/s_q, iterated.
 *
 * @param variance [baseline] sigma^2, NaN where unknown.
 * @returns [antenna] s_p (Jy or raw units), NaN where unknown.
 */
export function antennaNoise(variance: Float64Array, array: ArrayBaselines): Float64Array {
	const { nAntennas, antenna1, antenna2 } = array;
	const s = new Float64Array(nAntennas).fill(Math.sqrt(median(variance)));
	const lists: number[][] = Array.from({ length: nAntennas }, () => []);
	for (let b = 0; b < variance.length; b++) {
		if (!(variance[b] > 0)) continue;
		lists[antenna1[b]].push(b);
		lists[antenna2[b]].push(b);
	}
	for (let iteration = 0; iteration < 12; iteration++) {
		const next = s.slice();
		for (let p = 0; p < nAntennas; p++) {
			const ratios = lists[p].map((b) => variance[b] / s[antenna1[b] === p ? antenna2[b] : antenna1[b]]);
			// Half a step: plain alternation oscillates.
			next[p] = ratios.length === 0 ? Number.NaN : Math.sqrt(s[p] * median(ratios));
		}
		s.set(next);
		for (let p = 0; p < nAntennas; p++) if (lists[p].length === 0) s[p] = Number.NaN;
	}
	return s;
}

/** Weights 1/sigma^2 of every baseline from its antennas' noise; 0 where unknown. */
export function baselineWeights(noise: Float64Array, array: ArrayBaselines): Float64Array {
	return Float64Array.from(array.antenna1, (p, b) => {
		const variance = noise[p] * noise[array.antenna2[b]];
		return variance > 0 ? 1 / variance : 0;
	});
}
