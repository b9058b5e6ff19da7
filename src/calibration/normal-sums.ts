import { copyRows, kernelsWith, TILE_BYTES } from "./grid-kernels.ts";
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

/** Numbers of the kernels' accumulators: D re, im, N, P, count. */
const SUMS = 5;

/** How the rows of a window stand in the memory of the kernels. */
function rowShape({ data, amplitudes }: ReferredWindow) {
	const span = data.nChannels * data.nPolarizations;
	// Samples go two by two: an odd one out gets a flagged neighbour.
	const width = span + (span & 1);
	// One amplitude for both polarisations, or one for each sample.
	const shared = data.nPolarizations === 2 && amplitudes.polarizationStride === 0;
	const perRow = shared ? data.nChannels : span;
	return { span, width, pairs: width / 2, shared, perRow, amplitudeWidth: shared ? data.nChannels : width };
}

/**
 * Sums over integrations of every sample of every baseline.
 *
 * @param times which integrations.
 * @param gainsOf writes the gains of baseline b, polarisation s, for integrations [from, beyond) of the list: w re g, w im g,
 * w |g|^2, w with g = g_p conj(g_q); a zero third leaves the integration out.
 * @param visit gets a baseline's sums, those of sample channel x polarisations + polarisation from `at + 5 x sample` on.
 */
function sumLines(
	window: ReferredWindow,
	times: ArrayLike<number>,
	gainsOf: (b: number, s: number, from: number, beyond: number, out: Float64Array, at: number) => void,
	visit: (b: number, sums: Float64Array, at: number) => void,
): void {
	const { data, amplitudes } = window;
	const { nBaselines, nPolarizations: nPol, visibilities: z, flags } = data;
	const { span, width, pairs, shared, perRow, amplitudeWidth } = rowShape(window);
	const many = Math.max(1, Math.min(times.length, Math.floor(TILE_BYTES / (9 * width))));
	const tile = Math.max(1, Math.min(nBaselines, Math.floor(TILE_BYTES / (9 * width * many))));
	const perTime = amplitudes.baselineStride === 0 ? amplitudeWidth : tile * amplitudeWidth;
	const part = kernelsWith({
		z: 8 * width * tile * many,
		flags: width * tile * many,
		amplitudes: 4 * perTime * many,
		gains: 2 * 32 * many,
		out: 8 * SUMS * width * tile,
	});
	const { kernels, at } = part;
	const [ownZ, ownFlags, ownAmplitudes] = [part.floats("z"), part.bytes("flags"), part.floats("amplitudes")];
	const [gains, out] = [part.doubles("gains"), part.doubles("out")];
	if (width !== span) ownFlags.fill(1);
	for (let first = 0; first < nBaselines; first += tile) {
		const rows = Math.min(tile, nBaselines - first);
		out.fill(0);
		for (let from = 0; from < times.length; from += many) {
			const beyond = Math.min(times.length, from + many);
			for (let k = from; k < beyond; k++) {
				const row = times[k] * nBaselines + first;
				const to = (k - from) * tile;
				copyRows(z, 2 * row * span, 2 * span, rows, ownZ, 2 * to * width, 2 * width);
				copyRows(flags, row * span, span, rows, ownFlags, to * width, width);
				const values = times[k] * amplitudes.timeStride + first * amplitudes.baselineStride;
				const copies = amplitudes.baselineStride === 0 ? 1 : rows;
				copyRows(amplitudes.values, values, perRow, copies, ownAmplitudes, (k - from) * perTime, amplitudeWidth);
			}
			for (let r = 0; r < rows; r++) {
				for (let s = 0; s < nPol; s++) gainsOf(first + r, s, from, beyond, gains, 4 * s * many);
				kernels.sumTimes(
					at.z + 8 * r * width,
					8 * tile * width,
					at.flags + r * width,
					tile * width,
					at.amplitudes + (amplitudes.baselineStride === 0 ? 0 : 4 * r * amplitudeWidth),
					4 * perTime,
					shared ? 1 : 0,
					at.gains,
					at.gains + (nPol === 2 ? 32 * many : 0),
					beyond - from,
					pairs,
					at.out + 8 * SUMS * r * width,
				);
			}
		}
		for (let r = 0; r < rows; r++) visit(first + r, out, SUMS * r * width);
	}
}

/**
 * One pass over a window for a bandpass: sums over all integrations, one cell per `together` channels and polarisation,
 * cell = block of channels x polarisations + polarisation.
 *
 * @param sums zeros of that shape, filled and returned.
 */
export function sumOverTime(
	window: ReferredWindow,
	array: ArrayBaselines,
	known: KnownGains,
	together: number,
	sums: NormalSums = emptySums(
		Math.ceil(window.data.nChannels / together) * window.data.nPolarizations,
		window.data.nBaselines,
	),
): NormalSums {
	const { nTimes, nBaselines, nChannels, nPolarizations: nPol, frequenciesHz, weights } = window.data;
	const { antenna1, antenna2, nAntennas } = array;
	const fixed = fixedGains(known, frequenciesHz, nAntennas, nPol);
	const { timeGains } = known;
	const product = new Float64Array(2 * nChannels);
	const times = Int32Array.from({ length: nTimes }, (_, t) => t);
	sumLines(
		window,
		times,
		(b, s, from, beyond, out, at) => {
			for (let t = from, o = at; t < beyond; t++, o += 4) {
				let gRe = 1;
				let gIm = 0;
				if (timeGains !== undefined) {
					const i = 2 * ((s * nTimes + t) * nAntennas + antenna1[b]);
					const j = 2 * ((s * nTimes + t) * nAntennas + antenna2[b]);
					gRe = timeGains[i] * timeGains[j] + timeGains[i + 1] * timeGains[j + 1];
					gIm = timeGains[i + 1] * timeGains[j] - timeGains[i] * timeGains[j + 1];
				}
				const weight = weights === undefined ? 1 : weights[(t * nBaselines + b) * nPol + s];
				const power = weight * (gRe * gRe + gIm * gIm);
				out[o] = weight * gRe;
				out[o + 1] = weight * gIm;
				out[o + 2] = power > 0 ? power : 0;
				out[o + 3] = weight;
			}
		},
		(b, line, at) => {
			for (let s = 0; s < nPol; s++) {
				fixedProduct(fixed, antenna1[b], antenna2[b], s, nPol, nChannels, product);
				for (let c = 0; c < nChannels; c++) {
					const re = product[2 * c];
					const im = product[2 * c + 1];
					const power = re * re + im * im;
					if (power === 0) continue;
					const i = at + SUMS * (c * nPol + s);
					const to = (Math.floor(c / together) * nPol + s) * nBaselines + b;
					sums.d[2 * to] += line[i] * re + line[i + 1] * im;
					sums.d[2 * to + 1] += line[i + 1] * re - line[i] * im;
					sums.n[to] += power * line[i + 2];
					sums.p[to] += line[i + 3];
					sums.count[to] += line[i + 4];
				}
			}
		},
	);
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
	const { span, width, pairs, shared, perRow, amplitudeWidth } = rowShape(window);
	const tile = Math.max(1, Math.min(nBaselines, Math.floor(TILE_BYTES / (25 * width))));
	const perBaseline = amplitudes.baselineStride === 0 ? 0 : amplitudeWidth;
	const part = kernelsWith({
		z: 8 * width * tile,
		flags: width * tile,
		amplitudes: 4 * amplitudeWidth * (perBaseline === 0 ? 1 : tile),
		gains: 16 * width * tile,
		out: 2 * 8 * SUMS * tile,
	});
	const { kernels, at } = part;
	const [ownZ, ownFlags, ownAmplitudes] = [part.floats("z"), part.bytes("flags"), part.floats("amplitudes")];
	const [gains, out] = [part.doubles("gains"), part.doubles("out")];
	if (width !== span) ownFlags.fill(1);
	// A pair is a channel where there are two polarisations; channels left out have no gain in any case.
	const step = nPol === 2 ? channelStep : 1;
	for (let first = 0; first < nBaselines; first += tile) {
		const rows = Math.min(tile, nBaselines - first);
		gains.fill(0);
		for (let r = 0; r < rows; r++) {
			for (let s = 0; s < nPol; s++) {
				const own = 2 * (r * width + s);
				fixedProduct(fixed, antenna1[first + r], antenna2[first + r], s, nPol, nChannels, gains, own, 2 * nPol);
				if (step === channelStep) continue;
				for (let c = 0; c < nChannels; c++) if (c % channelStep !== 0) gains.fill(0, own + 2 * c, own + 2 * c + 2);
			}
		}
		for (let t = 0; t < nTimes; t++) {
			const cell = timeCell[t];
			if (cell < 0) continue;
			const row = t * nBaselines + first;
			copyRows(z, 2 * row * span, 2 * span, rows, ownZ, 0, 2 * width);
			copyRows(flags, row * span, span, rows, ownFlags, 0, width);
			const values = t * amplitudes.timeStride + first * amplitudes.baselineStride;
			copyRows(amplitudes.values, values, perRow, perBaseline === 0 ? 1 : rows, ownAmplitudes, 0, amplitudeWidth);
			const { z: zAt, flags: flagsAt, amplitudes: amplitudesAt, gains: gainsAt, out: outAt } = at;
			const own = shared ? 1 : 0;
			kernels.sumRows(zAt, flagsAt, amplitudesAt, 4 * perBaseline, own, gainsAt, rows, pairs, step, outAt);
			for (let r = 0; r < rows; r++) {
				const b = first + r;
				for (let half = 0; half < 2; half++) {
					// Of one polarisation even and odd samples are alike.
					const s = nPol === 2 ? half : 0;
					const w = weights === undefined ? 1 : weights[(t * nBaselines + b) * nPol + s];
					if (!(w > 0)) continue;
					const i = SUMS * (2 * r + half);
					const to = (cell * nPol + s) * nBaselines + b;
					sums.d[2 * to] += w * out[i];
					sums.d[2 * to + 1] += w * out[i + 1];
					sums.n[to] += w * out[i + 2];
					sums.p[to] += w * out[i + 3];
					sums.count[to] += out[i + 4];
				}
			}
		}
	}
	return sums;
}

/**
 * D and N alone of every channel in blocks of integrations, per polarisation, laid out for delay spectra:
 * [block][baseline][channel].
 *
 * @param timeCell block of each integration, ascending; -1 leaves it out.
 */
export function crossSpectraOf(
	window: ReferredWindow,
	timeCell: Int32Array,
	nBlocks: number,
): { d: Float32Array[]; n: Float32Array[] } {
	const { nBaselines, nChannels, nPolarizations: nPol, weights } = window.data;
	const size = nBlocks * nBaselines * nChannels;
	const d = Array.from({ length: nPol }, () => new Float32Array(2 * size));
	const n = Array.from({ length: nPol }, () => new Float32Array(size));
	for (let block = 0; block < nBlocks; block++) {
		const times = Int32Array.from(timeCell.keys()).filter((t) => timeCell[t] === block);
		sumLines(
			window,
			times,
			(b, s, from, beyond, out, at) => {
				for (let k = from, o = at; k < beyond; k++, o += 4) {
					const weight = weights === undefined ? 1 : weights[(times[k] * nBaselines + b) * nPol + s];
					out[o] = weight > 0 ? weight : 0;
					out[o + 1] = 0;
					out[o + 2] = out[o];
					out[o + 3] = out[o];
				}
			},
			(b, line, at) => {
				for (let s = 0; s < nPol; s++) {
					const to = (block * nBaselines + b) * nChannels;
					const [ownD, ownN] = [d[s], n[s]];
					for (let c = 0, i = at + SUMS * s; c < nChannels; c++, i += SUMS * nPol) {
						ownD[2 * (to + c)] = line[i];
						ownD[2 * (to + c) + 1] = line[i + 1];
						ownN[to + c] = line[i + 2];
					}
				}
			},
		);
	}
	return { d, n };
}
