import { Fft, powerOfTwoFrom } from "../sky/fft.ts";
import { median } from "./robust.ts";

/** Cross-spectra of one polarisation: R = D/N on a grid of channels, per baseline. */
export interface CrossSpectra {
	readonly frequenciesHz: Float64Array;
	readonly nBaselines: number;
	/** [block][baseline][channel][re, im]: sum w V conj(M). */
	readonly d: Float32Array;
	/** [block][baseline][channel]: sum w |M|^2. */
	readonly n: Float32Array;
	readonly nBlocks: number;
	/** Integrations in all blocks together. */
	readonly integrations: number;
}

/** Joins the windows' spectra of one polarisation, [block][baseline][channel], into those of the whole band. */
export function crossSpectra(
	windows: readonly { frequenciesHz: Float64Array; d: Float32Array; n: Float32Array }[],
	nBaselines: number,
	nBlocks: number,
	integrations: number,
): CrossSpectra {
	const nChannels = windows.reduce((sum, window) => sum + window.frequenciesHz.length, 0);
	const frequenciesHz = new Float64Array(nChannels);
	const d = new Float32Array(2 * nBlocks * nBaselines * nChannels);
	const n = new Float32Array(nBlocks * nBaselines * nChannels);
	let first = 0;
	for (const { frequenciesHz: own, d: fromD, n: fromN } of windows) {
		frequenciesHz.set(own, first);
		for (let block = 0; block < nBlocks; block++) {
			for (let b = 0; b < nBaselines; b++) {
				const from = (block * nBaselines + b) * own.length;
				const to = (block * nBaselines + b) * nChannels + first;
				d.set(fromD.subarray(2 * from, 2 * (from + own.length)), 2 * to);
				n.set(fromN.subarray(from, from + own.length), to);
			}
		}
		first += own.length;
	}
	return { frequenciesHz, nBaselines, d, n, nBlocks, integrations };
}

/** Difference of delays brought into (-ambiguity/2, ambiguity/2]. */
export const wrapDelay = (delay: number, ambiguity: number) => delay - ambiguity * Math.round(delay / ambiguity);

/**
 * Delay per baseline from the peak of its delay spectrum, zero-padded and refined by a parabola.
 *
 * @returns delay s (wrapped), peak over the noise of the spectrum, and the phase signal to noise of the band.
 */
export function baselineDelays(spectra: CrossSpectra, channelSpacingHz: number, use: (baseline: number) => boolean) {
	const { frequenciesHz, nBaselines, d, n, nBlocks } = spectra;
	const nChannels = frequenciesHz.length;
	const first = frequenciesHz[0];
	const grid = Int32Array.from(frequenciesHz, (f) => Math.round((f - first) / channelSpacingHz));
	const length = grid[nChannels - 1] + 1;
	const fft = new Fft(powerOfTwoFrom(4 * length) >= 2 ** 20 ? powerOfTwoFrom(length) : powerOfTwoFrom(2 * length));
	const re = new Float64Array(fft.n);
	const im = new Float64Array(fft.n);
	const power = new Float64Array(fft.n);
	const delayS = new Float64Array(nBaselines).fill(Number.NaN);
	const peak = new Float64Array(nBaselines);
	const step = 1 / (fft.n * channelSpacingHz);
	for (let b = 0; b < nBaselines; b++) {
		if (!use(b)) continue;
		power.fill(0);
		let blocks = 0;
		for (let block = 0; block < nBlocks; block++) {
			re.fill(0);
			im.fill(0);
			let filled = 0;
			for (let c = 0; c < nChannels; c++) {
				const i = (block * nBaselines + b) * nChannels + c;
				if (n[i] <= 0) continue;
				// Equal weight per channel: the band's shape is not yet known.
				re[grid[c]] = d[2 * i] / n[i];
				im[grid[c]] = d[2 * i + 1] / n[i];
				filled++;
			}
			if (filled < 4) continue;
			// exp(+2 pi i tau nu) peaks at +tau under the forward kernel exp(-2 pi i tau nu).
			fft.forward(re, im);
			for (let k = 0; k < fft.n; k++) power[k] += re[k] * re[k] + im[k] * im[k];
			blocks++;
		}
		if (blocks === 0) continue;
		let at = 0;
		for (let k = 1; k < fft.n; k++) if (power[k] > power[at]) at = k;
		// The sum of the blocks' powers has a gamma distribution in noise; a bright line hardly moves its median.
		const meanNoise = sampledMedian(power) / medianOfGamma(blocks);
		const y0 = Math.sqrt(power[(at + fft.n - 1) % fft.n]);
		const y1 = Math.sqrt(power[at]);
		const y2 = Math.sqrt(power[(at + 1) % fft.n]);
		const curvature = y0 - 2 * y1 + y2;
		const shift = curvature < 0 ? (0.5 * (y0 - y2)) / curvature : 0;
		delayS[b] = wrapDelay((at + shift) * step, 1 / channelSpacingHz);
		peak[b] = meanNoise > 0 ? peakHeight(power[at] / meanNoise, blocks) : y1 > 0 ? Number.POSITIVE_INFINITY : 0;
	}
	return { delayS, peak };
}

const medianOfGamma = (shape: number) => (shape === 1 ? Math.LN2 : shape - 1 / 3);

/**
 * How far a summed power stands out of the noise, in amplitude: sqrt(-ln P) of its gamma tail, which for one block is the
 * amplitude of the peak over that of the noise.
 */
function peakHeight(x: number, blocks: number): number {
	let lnGamma = 0;
	for (let k = 2; k < blocks; k++) lnGamma += Math.log(k);
	return x > blocks ? Math.sqrt(Math.max(0, x - (blocks - 1) * Math.log(x) + lnGamma)) : 0;
}

function sampledMedian(values: Float64Array): number {
	const stride = Math.max(1, values.length >> 8);
	const sample = new Float64Array(Math.ceil(values.length / stride));
	for (let i = 0; i < sample.length; i++) sample[i] = values[i * stride];
	sample.sort();
	return sample[sample.length >> 1];
}

/** Spacing of neighbouring channels, Hz: the median over the band, gaps between windows apart. */
export function channelSpacing(frequenciesHz: Float64Array): number {
	const steps = new Float64Array(Math.max(0, frequenciesHz.length - 1));
	for (let c = 0; c < steps.length; c++) steps[c] = frequenciesHz[c + 1] - frequenciesHz[c];
	return median(steps);
}
