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
	const span = nChannels * nPol;
	const squares = new Float32Array(nTimes * nPol * nBaselines);
	const count = new Float32Array(nTimes * nPol * nBaselines);
	let m = new Float32Array(2 * nBaselines * span);
	let before = new Float32Array(2 * nBaselines * span);
	const g = new Float32Array(2 * array.nAntennas * span);
	if (gains === undefined) for (let i = 0; i < g.length; i += 2) g[i] = 1;
	const overTime = nTimes > 1;
	const sumRe = new Float64Array(nPol);
	const sumIm = new Float64Array(nPol);
	const modelPhase = (b: number, k: number, from: Float32Array): [number, number] => {
		const j = 2 * (b * span + k);
		const p = 2 * (array.antenna1[b] * span + k);
		const q = 2 * (array.antenna2[b] * span + k);
		const gRe = g[p] * g[q] + g[p + 1] * g[q + 1];
		const gIm = g[p + 1] * g[q] - g[p] * g[q + 1];
		const re = gRe * from[j] - gIm * from[j + 1];
		const im = gRe * from[j + 1] + gIm * from[j];
		const size = Math.hypot(re, im);
		return size > 0 ? [re / size, im / size] : [0, 0];
	};
	for (let t = 0; t < nTimes; t++) {
		[m, before] = [before, m];
		model(t, m);
		if (gains !== undefined) gains(t, g);
		if (overTime && t === 0) continue;
		for (let b = 0; b < nBaselines; b++) {
			const at = (t * nBaselines + b) * span;
			sumRe.fill(0);
			sumIm.fill(0);
			for (let c = overTime ? 0 : 1; c < nChannels; c += channelStep) {
				for (let s = 0; s < nPol; s++) {
					const k = c * nPol + s;
					const i = at + k;
					const earlier = overTime ? i - nBaselines * span : i - nPol;
					if (flags[i] !== 0 || flags[earlier] !== 0) continue;
					const w = weights === undefined ? 1 : weights[(t * nBaselines + b) * nPol + s];
					if (!(w > 0)) continue;
					const [aRe, aIm] = modelPhase(b, k, m);
					const [bRe, bIm] = overTime ? modelPhase(b, k, before) : modelPhase(b, k - nPol, m);
					const re =
						visibilities[2 * i] * aRe +
						visibilities[2 * i + 1] * aIm -
						visibilities[2 * earlier] * bRe -
						visibilities[2 * earlier + 1] * bIm;
					const im =
						visibilities[2 * i + 1] * aRe -
						visibilities[2 * i] * aIm -
						visibilities[2 * earlier + 1] * bRe +
						visibilities[2 * earlier] * bIm;
					const o = (t * nPol + s) * nBaselines + b;
					squares[o] += (w * (re * re + im * im)) / 4;
					count[o]++;
					sumRe[s] += Math.sqrt(w) * re;
					sumIm[s] += Math.sqrt(w) * im;
				}
			}
			if (!overTime) continue;
			for (let s = 0; s < nPol; s++) {
				const o = (t * nPol + s) * nBaselines + b;
				if (count[o] < 4) continue;
				squares[o] = Math.max(0, squares[o] - (sumRe[s] ** 2 + sumIm[s] ** 2) / (4 * count[o]));
				count[o]--;
			}
		}
	}
	return { nTimes, squares, count };
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
