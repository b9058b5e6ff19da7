import { madSigma, median } from "./robust.ts";

export interface RfiOptions {
	/** Transient interference: sigmas of a single sample. */
	transientSigma: number;
	/** Persistent interference: sigmas, and the least excess as a fraction. */
	persistentSigma: number;
	persistentFraction: number;
	/** Longest run that is looked for, samples: kernels of 1, 2, 4 ... up to this. */
	longestKernel: number;
}

export const RFI_DEFAULTS: RfiOptions = {
	transientSigma: 6,
	persistentSigma: 6,
	persistentFraction: 0.05,
	longestKernel: 16,
};

export interface RfiFlags {
	/** [time][channel over all windows], 1 = interference. */
	readonly mask: Uint8Array;
	/** Channels flagged throughout. */
	readonly persistentChannels: number[];
	/** Fraction of (time, channel) flagged. */
	readonly fraction: number;
}

/**
 * Interference from mean amplitudes over all baselines, one waterfall per polarisation; a sample bad in one is bad in all.
 *
 * Persistent: the median spectrum in time against the same channel of the other windows (which takes the window's own
 * band shape out) and against a running median. Transient: excess over the channel's own median in time, after each
 * integration is normalised, by SumThreshold (Offringa et al. 2010, MNRAS 405, 155) with kernels of several lengths along
 * time and frequency: faint but long interference is caught where single samples are not. Only excess counts: band edges
 * that roll off are no interference.
 *
 * @param waterfalls per polarisation [time][channel]; NaN = no data.
 * @param windowChannels channels of each window, in order.
 */
export function findRfi(
	waterfalls: readonly Float64Array[],
	nTimes: number,
	windowChannels: readonly number[],
	options: RfiOptions,
): RfiFlags {
	const nChannels = windowChannels.reduce((sum, n) => sum + n, 0);
	const mask = new Uint8Array(nTimes * nChannels);
	const persistent = new Uint8Array(nChannels);
	for (const waterfall of waterfalls) {
		const spectrum = new Float64Array(nChannels);
		for (let c = 0; c < nChannels; c++) {
			spectrum[c] = median(Float64Array.from({ length: nTimes }, (_, t) => waterfall[t * nChannels + c]));
		}
		flagPersistent(spectrum, windowChannels, options, persistent);
		flagTransient(waterfall, spectrum, persistent, nTimes, windowChannels, options, mask);
	}
	for (let c = 0; c < nChannels; c++) {
		let hits = 0;
		for (let t = 0; t < nTimes; t++) hits += mask[t * nChannels + c];
		if (2 * hits > nTimes && nTimes > 1) persistent[c] = 1;
	}
	const persistentChannels: number[] = [];
	let flagged = 0;
	for (let c = 0; c < nChannels; c++) {
		if (persistent[c] !== 0) persistentChannels.push(c);
		for (let t = 0; t < nTimes; t++) {
			if (persistent[c] !== 0) mask[t * nChannels + c] = 1;
			flagged += mask[t * nChannels + c];
		}
	}
	return { mask, persistentChannels, fraction: flagged / Math.max(1, mask.length) };
}

function flagPersistent(
	spectrum: Float64Array,
	windowChannels: readonly number[],
	options: RfiOptions,
	persistent: Uint8Array,
): void {
	const nChannels = spectrum.length;
	const flat = spectrum.slice();
	const alike = windowChannels.length >= 4 && windowChannels.every((n) => n === windowChannels[0]);
	if (alike) {
		const n = windowChannels[0];
		const level = windowChannels.map((_, w) => median(spectrum.subarray(w * n, (w + 1) * n)));
		for (let k = 0; k < n; k++) {
			const shape = median(level.map((value, w) => spectrum[w * n + k] / value));
			if (shape > 0) for (let w = 0; w < windowChannels.length; w++) flat[w * n + k] /= shape;
		}
	}
	// Two scales: narrow lines, and broad emission over a good part of a window.
	const longest = Math.max(...windowChannels);
	for (const half of [Math.min(12, nChannels >> 2), Math.min(2 * longest, nChannels >> 2)]) {
		if (half < 2) continue;
		const excess = new Float64Array(nChannels);
		for (let c = 0; c < nChannels; c++) {
			// Centred, and as long at the band's ends as in its middle.
			const low = Math.max(0, Math.min(c - half, nChannels - 2 * half - 1));
			const around = flat.subarray(low, low + 2 * half + 1);
			excess[c] = flat[c] / median(around) - 1;
		}
		const sigma = channelScatter(excess, 1, windowChannels);
		for (let c = 0; c < nChannels; c++) {
			if (excess[c] > Math.max(options.persistentFraction, options.persistentSigma * sigma[c])) persistent[c] = 1;
		}
	}
}

/**
 * Scatter per channel: of the same channel in all windows where these are alike, else of its neighbourhood; never less
 * than that of the whole band. Channels at a window's edge scatter more, in proportion to what is left of the signal.
 */
function channelScatter(values: Float64Array, nTimes: number, windowChannels: readonly number[]): Float64Array {
	const nChannels = values.length / nTimes;
	const all = madSigma(values);
	const out = new Float64Array(nChannels);
	const n = windowChannels[0];
	const alike = windowChannels.length >= 4 && windowChannels.every((count) => count === n);
	// Of a single spectrum a few neighbours would be mostly the line itself.
	const reach = nTimes === 1 ? 16 : 3;
	for (let c = 0; c < nChannels; c++) {
		const group: number[] = [];
		const add = (channel: number) => {
			for (let t = 0; t < nTimes; t++) group.push(values[t * nChannels + channel]);
		};
		if (alike) for (let k = c % n; k < nChannels; k += n) add(k);
		else for (let k = Math.max(0, c - reach); k <= Math.min(nChannels - 1, c + reach); k++) add(k);
		// Nothing is left of a neighbourhood flagged throughout.
		let own = madSigma(group);
		// A channel at the edge of a subband that was joined to others scatters more than its neighbours.
		if (!alike && nTimes >= 8) {
			own = Math.max(own, 1.2 * madSigma(Float64Array.from({ length: nTimes }, (_, t) => values[t * nChannels + c])));
		}
		out[c] = own > all ? own : all;
	}
	return out;
}

function flagTransient(
	waterfall: Float64Array,
	spectrum: Float64Array,
	persistent: Uint8Array,
	nTimes: number,
	windowChannels: readonly number[],
	options: RfiOptions,
	mask: Uint8Array,
): void {
	if (nTimes < 4) return;
	const nChannels = spectrum.length;
	const z = new Float64Array(nTimes * nChannels);
	for (let t = 0; t < nTimes; t++) {
		const row = z.subarray(t * nChannels, (t + 1) * nChannels);
		for (let c = 0; c < nChannels; c++) {
			row[c] = persistent[c] !== 0 ? Number.NaN : waterfall[t * nChannels + c] / spectrum[c];
		}
		const level = median(row);
		for (let c = 0; c < nChannels; c++) row[c] = row[c] / level - 1;
	}
	const sigma = channelScatter(z, nTimes, windowChannels);
	if (!(sigma[0] > 0)) return;
	for (let i = 0; i < z.length; i++) z[i] /= sigma[i % nChannels];
	const own = new Uint8Array(z.length);
	for (let kernel = 1; kernel <= options.longestKernel; kernel *= 2) {
		const threshold = options.transientSigma / 1.5 ** Math.log2(kernel);
		const found = own.slice();
		if (kernel <= nChannels) {
			for (let t = 0; t < nTimes; t++) sumThreshold(z, own, found, t * nChannels, 1, nChannels, kernel, threshold);
		}
		if (kernel > 1 && 2 * kernel <= nTimes) {
			for (let c = 0; c < nChannels; c++) sumThreshold(z, own, found, c, nChannels, nTimes, kernel, threshold);
		}
		own.set(found);
	}
	for (let i = 0; i < own.length; i++) if (own[i] !== 0) mask[i] = 1;
}

/** Flags runs of `kernel` samples whose mean exceeds the threshold; samples found before count as the threshold. */
function sumThreshold(
	z: Float64Array,
	before: Uint8Array,
	found: Uint8Array,
	first: number,
	stride: number,
	length: number,
	kernel: number,
	threshold: number,
): void {
	for (let start = 0; start + kernel <= length; start++) {
		let sum = 0;
		let n = 0;
		for (let k = 0; k < kernel; k++) {
			const i = first + (start + k) * stride;
			if (Number.isNaN(z[i])) continue;
			// A strong sample must not condemn its neighbours.
			if (before[i] !== 0) continue;
			sum += z[i];
			n++;
		}
		if (n === kernel && sum > threshold * n) {
			for (let k = 0; k < kernel; k++) found[first + (start + k) * stride] = 1;
		}
	}
}
