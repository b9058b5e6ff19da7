import { fixedGains, fixedProduct, type KnownGains } from "./known-gains.ts";
import type { ReferredWindow } from "./refer-samples.ts";
import type { ArrayBaselines } from "./window-data.ts";

/**
 * The sufficient statistics of a gain solve. Per cell (solution interval x channel block x polarisation) and baseline,
 * with M the model seen through the gains already known:
 *
 *     D_pq = sum w V_pq conj(M_pq)     N_pq = sum w |M_pq|^2     P_pq = sum w |V_pq|^2     count = number of samples
 *
 * They add: over time, over windows, over files. Solving never touches the data again, and neither does re-weighting
 * by baseline, because the weights of a baseline are one factor of its four sums. P gives the residual chi-squared
 * without another look at the data: sum w|V - gMg*|^2 = P - 2 Re(conj(g_p) g_q D) + |g_p g_q|^2 N.
 */
export interface NormalSums {
	readonly nCells: number;
	readonly nBaselines: number;
	/** [cell][baseline][re, im]. */
	readonly d: Float64Array;
	/** [cell][baseline]. */
	readonly n: Float64Array;
	/** [cell][baseline]. */
	readonly p: Float64Array;
	/** [cell][baseline] complex samples. */
	readonly count: Float32Array;
}

export const emptySums = (nCells: number, nBaselines: number): NormalSums => ({
	nCells,
	nBaselines,
	d: new Float64Array(2 * nCells * nBaselines),
	n: new Float64Array(nCells * nBaselines),
	p: new Float64Array(nCells * nBaselines),
	count: new Float32Array(nCells * nBaselines),
});

/** Adds `more` into `sums`, cell by cell. */
export function addSums(sums: NormalSums, more: NormalSums): void {
	for (let i = 0; i < sums.d.length; i++) sums.d[i] += more.d[i];
	for (let i = 0; i < sums.n.length; i++) {
		sums.n[i] += more.n[i];
		sums.p[i] += more.p[i];
		sums.count[i] += more.count[i];
	}
}

/** Sums over integrations of one baseline and polarisation, per channel, time-dependent gains taken out. */
interface ChannelLine {
	readonly d: Float64Array;
	readonly n: Float64Array;
	readonly p: Float64Array;
	readonly count: Float64Array;
}

const emptyLine = (nChannels: number): ChannelLine => ({
	d: new Float64Array(2 * nChannels),
	n: new Float64Array(nChannels),
	p: new Float64Array(nChannels),
	count: new Float64Array(nChannels),
});

/**
 * Fills a line from `many` integrations; channel by channel, so that the sums stay in registers.
 *
 * @param times which integrations.
 * @param gains [integration of the list][re, im, power]: w g_p conj(g_q), and w |g_p g_q|^2.
 * @param w [integration of the list] weight.
 */
function fillLine(
	{ data, amplitudes }: ReferredWindow,
	b: number,
	s: number,
	times: Int32Array,
	many: number,
	gains: Float64Array,
	w: Float64Array,
	line: ChannelLine,
): void {
	const { nBaselines, nChannels, nPolarizations: nPol, visibilities: z, flags } = data;
	const { values, timeStride, channelStride } = amplitudes;
	const perTime = nBaselines * nChannels * nPol;
	const first = b * nChannels * nPol + s;
	const firstAmplitude = b * amplitudes.baselineStride + s * amplitudes.polarizationStride;
	for (let c = 0; c < nChannels; c++) {
		let dRe = 0;
		let dIm = 0;
		let n = 0;
		let p = 0;
		let count = 0;
		const from = first + c * nPol;
		const amplitudeFrom = firstAmplitude + c * channelStride;
		for (let k = 0; k < many; k++) {
			const t = times[k];
			const i = from + t * perTime;
			if (flags[i] !== 0) continue;
			const a = values[amplitudeFrom + t * timeStride];
			const re = z[2 * i];
			const im = z[2 * i + 1];
			const gRe = a * gains[3 * k];
			const gIm = a * gains[3 * k + 1];
			dRe += re * gRe + im * gIm;
			dIm += im * gRe - re * gIm;
			n += a * a * gains[3 * k + 2];
			p += w[k] * (re * re + im * im);
			count++;
		}
		line.d[2 * c] = dRe;
		line.d[2 * c + 1] = dIm;
		line.n[c] = n;
		line.p[c] = p;
		line.count[c] = count;
	}
}

/**
 * One pass over a window for a bandpass: sums over all integrations, one cell per `together` channels and polarisation,
 * cell = block of channels x polarisations + polarisation.
 */
export function sumOverTime(
	window: ReferredWindow,
	array: ArrayBaselines,
	known: KnownGains,
	together: number,
): NormalSums {
	const { nTimes, nBaselines, nChannels, nPolarizations: nPol, frequenciesHz } = window.data;
	const { antenna1, antenna2, nAntennas } = array;
	const sums = emptySums(Math.ceil(nChannels / together) * nPol, nBaselines);
	const fixed = fixedGains(known, frequenciesHz, nAntennas, nPol);
	const { timeGains } = known;
	const { weights } = window.data;
	const line = emptyLine(nChannels);
	const product = new Float64Array(2 * nChannels);
	const times = new Int32Array(nTimes);
	const gains = new Float64Array(3 * nTimes);
	const w = new Float64Array(nTimes);
	for (let b = 0; b < nBaselines; b++) {
		const p = antenna1[b];
		const q = antenna2[b];
		for (let s = 0; s < nPol; s++) {
			let many = 0;
			for (let t = 0; t < nTimes; t++) {
				let gRe = 1;
				let gIm = 0;
				if (timeGains !== undefined) {
					const i = 2 * ((s * nTimes + t) * nAntennas + p);
					const j = 2 * ((s * nTimes + t) * nAntennas + q);
					gRe = timeGains[i] * timeGains[j] + timeGains[i + 1] * timeGains[j + 1];
					gIm = timeGains[i + 1] * timeGains[j] - timeGains[i] * timeGains[j + 1];
				}
				const weight = weights === undefined ? 1 : weights[(t * nBaselines + b) * nPol + s];
				const power = weight * (gRe * gRe + gIm * gIm);
				if (!(power > 0)) continue;
				times[many] = t;
				w[many] = weight;
				gains[3 * many] = weight * gRe;
				gains[3 * many + 1] = weight * gIm;
				gains[3 * many++ + 2] = power;
			}
			fillLine(window, b, s, times, many, gains, w, line);
			fixedProduct(fixed, p, q, s, nPol, nChannels, product);
			for (let c = 0; c < nChannels; c++) {
				const re = product[2 * c];
				const im = product[2 * c + 1];
				const power = re * re + im * im;
				if (power === 0) continue;
				const to = (Math.floor(c / together) * nPol + s) * nBaselines + b;
				sums.d[2 * to] += line.d[2 * c] * re + line.d[2 * c + 1] * im;
				sums.d[2 * to + 1] += line.d[2 * c + 1] * re - line.d[2 * c] * im;
				sums.n[to] += power * line.n[c];
				sums.p[to] += line.p[c];
				sums.count[to] += line.count[c];
			}
		}
	}
	return sums;
}

/**
 * One pass over a window for gains: sums over its channels (every `channelStep`-th), cell = interval x polarisations +
 * polarisation.
 *
 * @param timeCell interval of each integration; -1 leaves it out.
 */
export function sumOverChannels(
	window: ReferredWindow,
	array: ArrayBaselines,
	known: KnownGains,
	timeCell: Int32Array,
	nTimeCells: number,
	channelStep: number,
): NormalSums {
	const { data, amplitudes } = window;
	const { nTimes, nBaselines, nChannels, nPolarizations: nPol, frequenciesHz, visibilities: z, flags, weights } = data;
	const { antenna1, antenna2, nAntennas } = array;
	const sums = emptySums(nTimeCells * nPol, nBaselines);
	const fixed = fixedGains(known, frequenciesHz, nAntennas, nPol);
	const { values, channelStride } = amplitudes;
	const product = new Float64Array(2 * nChannels);
	for (let b = 0; b < nBaselines; b++) {
		for (let s = 0; s < nPol; s++) {
			fixedProduct(fixed, antenna1[b], antenna2[b], s, nPol, nChannels, product);
			for (let t = 0; t < nTimes; t++) {
				const cell = timeCell[t];
				const w = weights === undefined ? 1 : weights[(t * nBaselines + b) * nPol + s];
				if (cell < 0 || !(w > 0)) continue;
				let dRe = 0;
				let dIm = 0;
				let n = 0;
				let p = 0;
				let count = 0;
				const at = (t * nBaselines + b) * nChannels * nPol + s;
				const m = t * amplitudes.timeStride + b * amplitudes.baselineStride + s * amplitudes.polarizationStride;
				for (let c = 0; c < nChannels; c += channelStep) {
					const i = at + c * nPol;
					if (flags[i] !== 0) continue;
					const a = values[m + c * channelStride];
					const gRe = a * product[2 * c];
					const gIm = a * product[2 * c + 1];
					const power = gRe * gRe + gIm * gIm;
					if (power === 0) continue;
					const re = z[2 * i];
					const im = z[2 * i + 1];
					dRe += re * gRe + im * gIm;
					dIm += im * gRe - re * gIm;
					n += power;
					p += re * re + im * im;
					count++;
				}
				const to = (cell * nPol + s) * nBaselines + b;
				sums.d[2 * to] += w * dRe;
				sums.d[2 * to + 1] += w * dIm;
				sums.n[to] += w * n;
				sums.p[to] += w * p;
				sums.count[to] += count;
			}
		}
	}
	return sums;
}

/**
 * D and N alone of every channel in blocks of integrations, laid out for delay spectra: [block][polarisation][baseline][channel].
 *
 * @param timeCell block of each integration, ascending; -1 leaves it out.
 */
export function crossSpectraOf(
	window: ReferredWindow,
	timeCell: Int32Array,
	nBlocks: number,
): { d: Float32Array; n: Float32Array } {
	const { nTimes, nBaselines, nChannels, nPolarizations: nPol, weights } = window.data;
	const d = new Float32Array(2 * nBlocks * nBaselines * nChannels * nPol);
	const n = new Float32Array(nBlocks * nBaselines * nChannels * nPol);
	const line = emptyLine(nChannels);
	const times = new Int32Array(nTimes);
	const gains = new Float64Array(3 * nTimes);
	const w = new Float64Array(nTimes);
	for (let b = 0; b < nBaselines; b++) {
		for (let s = 0; s < nPol; s++) {
			for (let block = 0; block < nBlocks; block++) {
				let many = 0;
				for (let t = 0; t < nTimes; t++) {
					const weight = weights === undefined ? 1 : weights[(t * nBaselines + b) * nPol + s];
					if (timeCell[t] !== block || !(weight > 0)) continue;
					times[many] = t;
					w[many] = weight;
					gains[3 * many] = weight;
					gains[3 * many++ + 2] = weight;
				}
				fillLine(window, b, s, times, many, gains, w, line);
				const to = ((block * nPol + s) * nBaselines + b) * nChannels;
				d.set(line.d, 2 * to);
				n.set(line.n, to);
			}
		}
	}
	return { d, n };
}
