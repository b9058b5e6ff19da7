import { copyRows, kernelsWith, TILE_BYTES } from "./grid-kernels.ts";
import { type ArrayBaselines, FLAG, type WindowData } from "./window-data.ts";

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
export function inspectWindow(data: WindowData, array: ArrayBaselines): WindowInspection {
	const { nTimes, nBaselines, nChannels, nPolarizations: nPol, visibilities, flags } = data;
	const span = nChannels * nPol;
	const scale = typicalAmplitudes(data);
	const counts = Object.fromEntries(
		SAMPLE_CLASSES.map((kind) => [kind, new Float64Array(nPol * array.nAntennas)]),
	) as WindowInspection["counts"];
	const waterfall = new Float32Array(nPol * nTimes * nChannels);
	const tile = Math.max(1, Math.min(nBaselines, Math.floor(TILE_BYTES / (9 * span))));
	const part = kernelsWith({
		z: 8 * span * tile,
		flags: span * tile,
		typical: 16,
		line: 4 * (span + 1),
		sums: 8 * (span + 1),
	});
	const { kernels, at } = part;
	const [ownZ, ownFlags, typical, sums] = [
		part.floats("z"),
		part.bytes("flags"),
		part.floats("typical"),
		part.doubles("sums"),
	];
	const missed = new Int32Array(span);
	// Rows that are all good, per baseline.
	const whole = new Int32Array(nBaselines);
	for (let t = 0; t < nTimes; t++) {
		sums.fill(0);
		missed.fill(0);
		for (let first = 0; first < nBaselines; first += tile) {
			const rows = Math.min(tile, nBaselines - first);
			const row = t * nBaselines + first;
			copyRows(visibilities, 2 * row * span, 2 * span, rows, ownZ, 0, 2 * span);
			copyRows(flags, row * span, span, rows, ownFlags, 0, span);
			for (let r = 0; r < rows; r++) {
				const b = first + r;
				for (let half = 0; half < 2; half++) {
					const own = scale[(nPol === 2 ? half : 0) * nBaselines + b];
					typical[half] = 1 / own;
					typical[2 + half] = Math.min((ABSURD_FACTOR * own) ** 2, LARGEST_SINGLE);
				}
				const { z, flags: flagsAt, typical: inverse, line, sums: sumsAt } = at;
				const own = z + 8 * r * span;
				if (kernels.addAmplitudes(own, flagsAt + r * span, inverse, inverse + 8, span, line, sumsAt) !== 0) whole[b]++;
				else inspectRow(data, array, t, b, scale, counts, sums, missed);
			}
		}
		for (let s = 0; s < nPol; s++) {
			for (let c = 0; c < nChannels; c++) {
				const seen = nBaselines - missed[c * nPol + s];
				waterfall[(s * nTimes + t) * nChannels + c] = seen > 0 ? sums[c * nPol + s] / seen : Number.NaN;
			}
		}
	}
	for (let b = 0; b < nBaselines; b++) {
		for (let s = 0; s < nPol; s++) {
			counts.good[s * array.nAntennas + array.antenna1[b]] += whole[b] * nChannels;
			counts.good[s * array.nAntennas + array.antenna2[b]] += whole[b] * nChannels;
		}
	}
	return { scale, waterfall, counts };
}

const LARGEST_SINGLE = 3.4028234663852886e38;

/** [polarisation][baseline] median |V| of some fifty unflagged samples, evenly spread; NaN where there are none. */
function typicalAmplitudes(data: WindowData): Float64Array {
	const { nTimes, nBaselines, nChannels, nPolarizations: nPol, visibilities, flags } = data;
	const span = nChannels * nPol;
	const scale = new Float64Array(nPol * nBaselines).fill(Number.NaN);
	const total = nTimes * nChannels;
	// An odd stride looks at all kinds of channels.
	const stride = Math.max(1, Math.floor(total / 48)) | 1;
	const most = Math.ceil(total / stride);
	const found = new Float64Array(most * nPol * nBaselines);
	const count = new Int32Array(nPol * nBaselines);
	for (let k = 0; k < total; k += stride) {
		const t = Math.floor(k / nChannels);
		for (let b = 0; b < nBaselines; b++) {
			for (let s = 0; s < nPol; s++) {
				const i = (t * nBaselines + b) * span + (k - t * nChannels) * nPol + s;
				if (flags[i] !== 0) continue;
				const re = visibilities[2 * i];
				const im = visibilities[2 * i + 1];
				const square = re * re + im * im;
				if (!(square > 0 && square < Number.POSITIVE_INFINITY)) continue;
				const o = s * nBaselines + b;
				found[o * most + count[o]++] = square;
			}
		}
	}
	for (let o = 0; o < count.length; o++) {
		const n = count[o];
		if (n > 0) scale[o] = Math.sqrt(found.subarray(o * most, o * most + n).sort()[n >> 1]);
	}
	return scale;
}

/** A row in which something is amiss: every sample by itself. */
function inspectRow(
	{ nBaselines, nChannels, nPolarizations: nPol, visibilities, flags }: WindowData,
	array: ArrayBaselines,
	t: number,
	b: number,
	scale: Float64Array,
	counts: WindowInspection["counts"],
	sums: Float64Array,
	missed: Int32Array,
): void {
	for (let s = 0; s < nPol; s++) {
		const typical = scale[s * nBaselines + b];
		const limit = ABSURD_FACTOR * typical;
		const limitSquared = Number.isFinite(limit) ? limit * limit : Number.MAX_VALUE;
		const inverse = 1 / typical;
		let [input, absent, notFinite, zero, absurd] = [0, 0, 0, 0, 0];
		const at = (t * nBaselines + b) * nChannels * nPol;
		for (let j = s; j < nChannels * nPol; j += nPol) {
			const i = at + j;
			const re = visibilities[2 * i];
			const im = visibilities[2 * i + 1];
			const square = re * re + im * im;
			if (flags[i] === 0 && square > 0 && square <= limitSquared) {
				// Without a typical value of its baseline a sample says nothing of interference.
				if (typical > 0) sums[j] += Math.sqrt(square) * inverse;
				else missed[j]++;
				continue;
			}
			missed[j]++;
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
