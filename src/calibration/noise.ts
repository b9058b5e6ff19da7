import { fixedGains, fixedProduct, type KnownGains } from "./known-gains.ts";
import type { ReferredWindow } from "./refer-samples.ts";
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
 * Thermal noise from the data themselves: differences between successive integrations of samples referred to the model,
 * the fixed part of the known gains taken out. Sky and gains cancel, and what is common to the window's channels, a drift of
 * the gains, is subtracted. With a single integration, differences between neighbouring channels. The recorded weights are
 * never trusted for scale.
 *
 * @param channelStep looks at every so many channels: a thousand differences per baseline are plenty.
 */
export function measureNoise(
	{ data }: ReferredWindow,
	array: ArrayBaselines,
	known: KnownGains | undefined,
	channelStep: number,
): NoiseSums {
	const { nTimes, nBaselines, nChannels, nPolarizations: nPol, visibilities: z, flags, weights } = data;
	const { antenna1, antenna2, nAntennas } = array;
	const out: NoiseSums = {
		nTimes,
		squares: new Float32Array(nTimes * nPol * nBaselines),
		count: new Float32Array(nTimes * nPol * nBaselines),
	};
	const fixed = known === undefined ? undefined : fixedGains(known, data.frequenciesHz, nAntennas, nPol);
	const product = new Float64Array(2 * nChannels);
	const overTime = nTimes > 1;
	const step = overTime ? channelStep : 1;
	// Not a number stands for nothing to compare with.
	const before = new Float64Array(2 * nChannels);
	for (let b = 0; b < nBaselines; b++) {
		for (let s = 0; s < nPol; s++) {
			fixedProduct(fixed, antenna1[b], antenna2[b], s, nPol, nChannels, product);
			for (let c = 0; c < nChannels; c += step) {
				const size = Math.sqrt(product[2 * c] * product[2 * c] + product[2 * c + 1] * product[2 * c + 1]);
				product[2 * c] = size > 0 ? product[2 * c] / size : Number.NaN;
				product[2 * c + 1] = size > 0 ? product[2 * c + 1] / size : Number.NaN;
			}
			before.fill(Number.NaN);
			for (let t = 0; t < nTimes; t++) {
				const w = weights === undefined ? 1 : weights[(t * nBaselines + b) * nPol + s];
				let squares = 0;
				let sumRe = 0;
				let sumIm = 0;
				let count = 0;
				const at = (t * nBaselines + b) * nChannels * nPol + s;
				let lastRe = Number.NaN;
				let lastIm = Number.NaN;
				for (let c = 0; c < nChannels; c += step) {
					const i = at + c * nPol;
					let nowRe = Number.NaN;
					let nowIm = Number.NaN;
					if (flags[i] === 0 && w > 0) {
						nowRe = z[2 * i] * product[2 * c] + z[2 * i + 1] * product[2 * c + 1];
						nowIm = z[2 * i + 1] * product[2 * c] - z[2 * i] * product[2 * c + 1];
					}
					const re = nowRe - (overTime ? before[2 * c] : lastRe);
					const im = nowIm - (overTime ? before[2 * c + 1] : lastIm);
					before[2 * c] = nowRe;
					before[2 * c + 1] = nowIm;
					lastRe = nowRe;
					lastIm = nowIm;
					if (re !== re) continue;
					squares += re * re + im * im;
					sumRe += re;
					sumIm += im;
					count++;
				}
				const o = (t * nPol + s) * nBaselines + b;
				if (overTime && count >= 4) {
					squares = Math.max(0, squares - (sumRe * sumRe + sumIm * sumIm) / count);
					count--;
				}
				// The variance of a difference is twice that of each, and re and im count together.
				out.squares[o] = (w * squares) / 4;
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
		let known = 0;
		for (let t = 0; t < nTimes; t++) {
			let square = 0;
			let count = 0;
			for (const sum of sums) {
				if (sum.count.length === 0) continue;
				square += sum.squares[t * out.length + i];
				count += sum.count[t * out.length + i];
			}
			if (count > 0) means[known++] = square / count;
		}
		const sorted = means.subarray(0, known).sort();
		out[i] = known === 0 ? Number.NaN : 0.5 * (sorted[(known - 1) >> 1] + sorted[known >> 1]);
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
