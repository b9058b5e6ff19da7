import type { Series } from "./null-model.ts";

/** Error that every measurement has beyond what is reported, fraction of the flux. */
export const ERROR_FLOOR = 0.006;
const SMALLEST_SCALE = 0.7;
const LARGEST_SCALE = 8;
/** Distance from its neighbours, in errors, beyond which a point is an outlier. */
const OUTLIER = 6;

export interface PreparedSeries extends Series {
	/** Reference flux per band, Jy: the median of the data seen. NaN for a band without data. */
	reference: Float64Array;
	/** Factor found for the reported errors. */
	errorScale: number;
	/** Values whose weight was taken away as outliers. */
	outliers: number;
	/** Values with weight. */
	measurements: number;
	/** Epochs with at least one value with weight. */
	usedEpochs: number;
}

/**
 * Brings the corrected fluxes of one source to fractional deviations with honest weights: reference level, error floor,
 * error scale from the disagreement of bands within an epoch (blind to achromatic variability by design; from
 * consecutive epochs when there are fewer than three bands), outliers against their neighbours in time. Uses the
 * first `epochs` epochs only.
 *
 * @param flux,err Jy, epoch by epoch, bands fastest, NaN where missing
 * @param gainError standard error of the field correction per value, fraction, or NaN
 * @returns null if nothing can be said: no band has a positive level
 */
export function prepareSeries(
	mjd: Float64Array,
	frequencyMhz: Float64Array,
	flux: Float64Array,
	err: Float64Array,
	gainError: Float64Array | null,
	epochs = mjd.length,
): PreparedSeries | null {
	const bands = frequencyMhz.length;
	const reference = new Float64Array(bands);
	let usable = 0;
	const column = new Float64Array(epochs);
	for (let k = 0; k < bands; k++) {
		let n = 0;
		for (let i = 0; i < epochs; i++) {
			const value = flux[i * bands + k];
			if (Number.isFinite(value) && err[i * bands + k] > 0) column[n++] = value;
		}
		reference[k] = n > 0 ? median(column.subarray(0, n)) : Number.NaN;
		if (reference[k] > 0) usable++;
		else reference[k] = Number.NaN;
	}
	if (usable === 0) return null;
	const y = new Float64Array(epochs * bands);
	const s = new Float64Array(epochs * bands).fill(Number.POSITIVE_INFINITY);
	for (let i = 0; i < epochs; i++)
		for (let k = 0; k < bands; k++) {
			const at = i * bands + k;
			const level = reference[k];
			if (!(level > 0) || !Number.isFinite(flux[at]) || !(err[at] > 0)) continue;
			y[at] = flux[at] / level - 1;
			const gain = gainError === null || Number.isNaN(gainError[at]) ? 0 : gainError[at];
			s[at] = Math.sqrt((err[at] / level) ** 2 + ERROR_FLOOR ** 2 + gain * gain);
		}
	const errorScale = findErrorScale(y, s, epochs, bands) * memoryOfBands(y, s, epochs, bands);
	const w = new Float64Array(epochs * bands);
	let measurements = 0;
	for (let at = 0; at < w.length; at++)
		if (Number.isFinite(s[at])) {
			w[at] = 1 / (errorScale * errorScale * s[at] * s[at]);
			measurements++;
		}
	const outliers = dropOutliers(y, w, epochs, bands);
	let usedEpochs = 0;
	for (let i = 0; i < epochs; i++) {
		let any = false;
		for (let k = 0; k < bands; k++) any ||= w[i * bands + k] > 0;
		if (any) usedEpochs++;
	}
	return {
		mjd: mjd.subarray(0, epochs),
		frequencyMhz,
		y,
		w,
		reference,
		errorScale,
		outliers,
		measurements: measurements - outliers,
		usedEpochs,
	};
}

function findErrorScale(y: Float64Array, s: Float64Array, epochs: number, bands: number): number {
	const values = new Float64Array(epochs * bands);
	let n = 0;
	if (bands >= 3)
		for (let i = 0; i < epochs; i++) {
			let count = 0;
			let weights = 0;
			let mean = 0;
			for (let k = 0; k < bands; k++) {
				const at = i * bands + k;
				if (!Number.isFinite(s[at])) continue;
				count++;
				weights += 1 / (s[at] * s[at]);
				mean += y[at] / (s[at] * s[at]);
			}
			if (count < 3) continue;
			mean /= weights;
			for (let k = 0; k < bands; k++) {
				const at = i * bands + k;
				if (Number.isFinite(s[at]))
					values[n++] = Math.abs(y[at] - mean) / s[at] / Math.sqrt(Math.max(0.1, 1 - 1 / (s[at] * s[at] * weights)));
			}
		}
	else
		for (let k = 0; k < bands; k++) {
			let last = -1;
			for (let i = 0; i < epochs; i++) {
				const at = i * bands + k;
				if (!Number.isFinite(s[at])) continue;
				if (last >= 0) values[n++] = Math.abs(y[at] - y[last]) / Math.hypot(s[at], s[last]);
				last = at;
			}
		}
	if (n < 30) return 1;
	const scale = 1.4826 * median(values.subarray(0, n));
	return Math.min(LARGEST_SCALE, Math.max(SMALLEST_SCALE, scale));
}

const SEGMENTS = 6;
const LARGEST_MEMORY = 5;

/**
 * How much larger than independent errors the errors of single bands act, because what the bands do not share lasts from
 * epoch to epoch (scintillation that decorrelates across the band): sqrt((1 + r)/(1 - r)) for a correlation r between
 * neighbouring epochs. From the signs of the residuals about the epoch's mean, segment by segment; the median segment
 * counts, so that a chromatic event of less than half the series does not hide itself.
 */
function memoryOfBands(y: Float64Array, s: Float64Array, epochs: number, bands: number): number {
	if (bands < 3) return 1;
	const residual = new Float64Array(epochs * bands);
	const level = new Float64Array(epochs * bands).fill(Number.NaN);
	for (let i = 0; i < epochs; i++) {
		let weights = 0;
		let mean = 0;
		let count = 0;
		for (let k = 0; k < bands; k++) {
			const at = i * bands + k;
			if (!Number.isFinite(s[at])) continue;
			weights += 1 / (s[at] * s[at]);
			mean += y[at] / (s[at] * s[at]);
			count++;
		}
		if (count < 3) continue;
		for (let k = 0; k < bands; k++) if (Number.isFinite(s[i * bands + k])) level[i * bands + k] = mean / weights;
	}
	const column: number[] = [];
	for (let k = 0; k < bands; k++) {
		column.length = 0;
		for (let i = 0; i < epochs; i++) {
			const at = i * bands + k;
			residual[at] = y[at] - level[at];
			if (!Number.isNaN(level[at])) column.push(residual[at]);
		}
		if (column.length === 0) continue;
		const middle = median(Float64Array.from(column));
		for (let i = 0; i < epochs; i++) residual[i * bands + k] -= middle;
	}
	const agreement: number[] = [];
	for (let segment = 0; segment < SEGMENTS; segment++) {
		const from = Math.floor((segment * epochs) / SEGMENTS);
		const to = Math.floor(((segment + 1) * epochs) / SEGMENTS);
		let same = 0;
		let pairs = 0;
		for (let k = 0; k < bands; k++) {
			let last = Number.NaN;
			for (let i = from; i < to; i++) {
				const value = residual[i * bands + k];
				if (Number.isNaN(value)) continue;
				if (!Number.isNaN(last)) {
					pairs++;
					if (last > 0 === value > 0) same++;
				}
				last = value;
			}
		}
		if (pairs >= 20) agreement.push(same / pairs);
	}
	if (agreement.length < 3) return 1;
	const correlation = Math.sin((Math.PI / 2) * (2 * median(Float64Array.from(agreement)) - 1));
	if (!(correlation > 0.1)) return 1;
	return Math.min(LARGEST_MEMORY, Math.sqrt((1 + correlation) / Math.max(0.01, 1 - correlation)));
}

/** Takes the weight from values far from the median of their three neighbours on each side; returns how many. */
function dropOutliers(y: Float64Array, w: Float64Array, epochs: number, bands: number): number {
	let dropped = 0;
	const valid = new Int32Array(epochs);
	const near = new Float64Array(6);
	const drop: number[] = [];
	for (let k = 0; k < bands; k++) {
		let n = 0;
		for (let i = 0; i < epochs; i++) if (w[i * bands + k] > 0) valid[n++] = i * bands + k;
		// At the live edge a jump may be the onset of an event: without a future it stays.
		for (let i = 3; i + 3 < n; i++) {
			for (let m = 0; m < 3; m++) {
				near[m] = y[valid[i - 3 + m]];
				near[3 + m] = y[valid[i + 1 + m]];
			}
			const middle = median(near.slice());
			const deviations = near.map((value) => Math.abs(value - middle));
			const spread = 1.4826 * median(deviations);
			const at = valid[i];
			if (Math.abs(y[at] - middle) > OUTLIER * Math.sqrt(1 / w[at] + spread * spread)) drop.push(at);
		}
	}
	for (const at of drop) {
		w[at] = 0;
		dropped++;
	}
	return dropped;
}

/** Median; sorts its argument. */
function median(values: Float64Array): number {
	values.sort();
	const middle = values.length >> 1;
	return values.length % 2 === 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}
