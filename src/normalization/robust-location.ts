import { normalCumulative } from "./distributions.ts";

/**
 * Robust location and scale of measurements with known errors: medians, the MAD with its small-sample factors,
 * Huber's weights, and the scatter beyond the errors.
 */

/** Huber's tuning: 95 % efficiency for Gaussian errors. */
export const HUBER = 1.345;

/** Median of the finite values; NaN when there is none. The input is left as it is. */
export function median(values: ArrayLike<number>): number {
	const finite = Float64Array.from(values).filter((value) => !Number.isNaN(value));
	if (finite.length === 0) return Number.NaN;
	finite.sort();
	const middle = finite.length >> 1;
	return finite.length % 2 === 1 ? finite[middle] : 0.5 * (finite[middle - 1] + finite[middle]);
}

/** Value at which half of the weight is reached, halfway between two values when it falls between them. */
export function weightedMedian(values: Float64Array, weights: Float64Array): number {
	const order = Array.from(values.keys()).filter((i) => weights[i] > 0 && !Number.isNaN(values[i]));
	order.sort((a, b) => values[a] - values[b]);
	let total = 0;
	for (const i of order) total += weights[i];
	let sum = 0;
	for (let k = 0; k < order.length; k++) {
		sum += weights[order[k]];
		if (sum > total / 2) return values[order[k]];
		if (sum === total / 2) return 0.5 * (values[order[k]] + values[order[Math.min(k + 1, order.length - 1)]]);
	}
	return Number.NaN;
}

/** What 1.4826 MAD is multiplied by to be unbiased for n Gaussian values (Croux & Rousseeuw 1992). */
export function madSmallSampleFactor(n: number): number {
	const table = [Number.NaN, Number.NaN, 1.196, 1.495, 1.363, 1.206, 1.2, 1.14, 1.129, 1.107];
	return n < 10 ? (table[n] ?? Number.NaN) : n / (n - 0.8);
}

/** 1.4826 times the median absolute deviation from `centre`, unbiased in small samples; NaN for n < 2. */
export function madScale(values: ArrayLike<number>, centre: number = median(values)): number {
	const deviations = Float64Array.from(values, (value) => Math.abs(value - centre)).filter((v) => !Number.isNaN(v));
	return 1.4826 * median(deviations) * madSmallSampleFactor(deviations.length);
}

/** Weight of a residual of z sigma: 1 within Huber's tuning, falling as 1/|z| beyond. */
export const huberWeight = (z: number) => {
	const size = Math.abs(z);
	return size <= HUBER ? 1 : HUBER / size;
};

const density = (z: number) => Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI);

/** Mean of min(|z|, tuning)^2 over a unit normal cut off at `limit` sigma: what "chi-squared per point" is to be. */
function expectedSquare(tuning: number, limit: number): number {
	const outside = 2 * normalCumulative(-tuning);
	const beyond = 2 * normalCumulative(-limit);
	const inner = 1 - outside - 2 * tuning * density(tuning);
	return (inner + tuning * tuning * (outside - beyond)) / (1 - beyond);
}
const cachedExpectation = new Map<number, number>();
const expectation = (tuning: number, limit: number) => {
	const key = tuning * 1e3 + limit;
	let value = cachedExpectation.get(key);
	if (value === undefined) {
		value = expectedSquare(tuning, limit);
		if (cachedExpectation.size < 64) cachedExpectation.set(key, value);
	}
	return value;
};

/** Variance of Huber's estimate of a mean relative to that of the weighted mean, for Gaussian errors: 1 / 0.95. */
export const HUBER_VARIANCE = expectedSquare(HUBER, 40) / (1 - 2 * normalCumulative(-HUBER)) ** 2;

/**
 * Variance beyond the errors, by the method of Mandel & Paule (1970) made robust: the t >= 0 for which
 * sum psi^2(residual / sqrt(variance + t perUnit)) equals its expectation for `dof` degrees of freedom, with Huber's psi
 * (or one cut off at `tuning` sigma).
 *
 * @param residuals deviations from the fit
 * @param variance known variance of each
 * @param perUnit what one unit of t adds to each variance
 * @param kept 0 for values to leave out
 * @param dof number kept less the number of parameters fitted
 */
export function excessVariance(
	residuals: Float64Array,
	variance: Float64Array,
	perUnit: Float64Array,
	kept: Uint8Array,
	dof: number,
	limit: number,
	options: { start?: number; tuning?: number } = {},
): number {
	if (!(dof > 0)) return 0;
	const start = options.start ?? 0;
	const tuning = options.tuning ?? HUBER;
	const expected = expectation(tuning, limit) * dof;
	const cut = tuning * tuning;
	const n = residuals.length;
	const excess = (t: number) => {
		let sum = -expected;
		for (let i = 0; i < n; i++) {
			if (kept[i] === 0) continue;
			const z2 = (residuals[i] * residuals[i]) / (variance[i] + t * perUnit[i]);
			sum += z2 < cut ? z2 : cut;
		}
		return sum;
	};
	let low = 0;
	let high = start;
	let atLow: number;
	let atHigh = start > 0 ? excess(start) : 1;
	if (atHigh > 0 && start > 0) {
		low = start;
		atLow = atHigh;
		high = start * 1.2;
		atHigh = excess(high);
	} else {
		// Close below the start first: from one round to the next the answer hardly moves.
		if (start > 0) low = start * 0.8;
		atLow = excess(low);
		if (!(atLow > 0) && low > 0) {
			high = low;
			atHigh = atLow;
			low = 0;
			atLow = excess(0);
		}
		if (!(atLow > 0)) return 0;
		if (high === 0) {
			let mean = 0;
			for (let i = 0; i < n; i++) mean += kept[i] === 0 ? 0 : variance[i] / perUnit[i];
			high = Math.max(mean / dof, 1e-12);
			atHigh = excess(high);
		}
	}
	for (let step = 0; atHigh > 0 && step < 200; step++) {
		low = high;
		atLow = atHigh;
		high *= 4;
		atHigh = excess(high);
	}
	// Illinois variant of the secant method: keeps the bracket, converges in a few steps.
	for (let step = 0; step < 40 && high - low > 1e-6 * high; step++) {
		let t = low + ((high - low) * atLow) / (atLow - atHigh);
		if (!(t > low && t < high)) t = 0.5 * (low + high);
		const at = excess(t);
		if (Math.abs(at) < 1e-7 * expected) return t;
		if (at > 0) {
			low = t;
			atLow = at;
			atHigh *= 0.5;
		} else {
			high = t;
			atHigh = at;
			atLow *= 0.5;
		}
	}
	return 0.5 * (low + high);
}

/**
 * The level at which a series rests, when it may be in an event for up to half of the time: the middle of the
 * narrowest window that holds 40 % of the values (a shorth, Andrews et al. 1972), widths counted in the scatter expected
 * at that level. Among windows of nearly the same width the highest is taken, since what has to be survived is a long dip
 * between two equal levels.
 *
 * @param noise typical error of a value
 * @param floor fraction of the level by which a steady series scatters beyond it
 */
export function restingLevel(values: ArrayLike<number>, noise = 0, floor = 0): number {
	const sorted = Float64Array.from(values)
		.filter((value) => !Number.isNaN(value))
		.sort();
	const n = sorted.length;
	if (n < 5) return median(sorted);
	const h = Math.max(3, Math.ceil(0.4 * n));
	const width = (i: number) => {
		const expected = Math.hypot(noise, floor * 0.5 * (sorted[i] + sorted[i + h - 1]));
		return (sorted[i + h - 1] - sorted[i]) / (expected > 0 ? expected : 1);
	};
	let narrowest = Infinity;
	for (let i = 0; i + h <= n; i++) narrowest = Math.min(narrowest, width(i));
	// Widths of windows of 40 % of a normal sample differ by chance by about this much.
	const slack = narrowest * (1 + Math.min(0.7, 4 / Math.sqrt(n)));
	for (let i = n - h; i >= 0; i--) {
		if (width(i) > slack) continue;
		// Slide down to the best window of this group: the highest one within reach, not its ragged upper edge.
		let best = i;
		for (let k = i; k >= 0 && sorted[k + h - 1] >= sorted[i]; k--) if (width(k) < width(best)) best = k;
		return median(sorted.subarray(best, best + h));
	}
	return median(sorted);
}

export interface RobustLocation {
	value: number;
	/** One-sigma error, the scatter beyond the errors included. */
	error: number;
	/** Standard deviation beyond the errors. */
	excess: number;
	/** Share of each value in the result, summing to 1; 0 for what was rejected. */
	weights: Float64Array;
	used: number;
	/** The scatter was more than twice what the errors say: the value is the resting level, not the mean. */
	restless: boolean;
}

/**
 * Robust weighted mean of values with known variances: Huber's estimate, with the scatter beyond the errors found and
 * values beyond `limit` sigma rejected. A series that scatters by more than twice its errors is taken at its
 * {@link restingLevel} and only what lies near that level is averaged, so that an event over half of the time does not
 * move it.
 *
 * @param floor fraction of the value by which a steady series may scatter beyond its errors when the resting level is
 *        looked for
 */
export function robustLocation(
	values: Float64Array,
	variance: Float64Array,
	options: { limit?: number; floor?: number; fixedExcess?: number; start?: number } = {},
): RobustLocation {
	const limit = options.limit ?? 5;
	const n = values.length;
	const kept = new Uint8Array(n);
	const inverse = new Float64Array(n);
	let count = 0;
	for (let i = 0; i < n; i++) {
		if (Number.isFinite(values[i]) && variance[i] > 0 && Number.isFinite(variance[i])) {
			kept[i] = 1;
			inverse[i] = 1 / variance[i];
			count++;
		}
	}
	const weights = new Float64Array(n);
	if (count === 0) {
		return { value: Number.NaN, error: Number.NaN, excess: Number.NaN, weights, used: 0, restless: false };
	}
	let value = options.start ?? weightedMedian(values, inverse);
	const standardised = (centre: number, floor: number) =>
		Float64Array.from(values, (v, i) =>
			kept[i] === 1 ? (v - centre) / Math.sqrt(variance[i] + (floor * centre) ** 2) : Number.NaN,
		);
	let restless = false;
	if (count >= 8) {
		const floor = options.floor ?? 0;
		// The distance of the quartiles and not the MAD, which misses a dip that lasts for just half of the time.
		const z = standardised(value, floor)
			.filter((v) => !Number.isNaN(v))
			.sort();
		const spread = (z[Math.floor(0.75 * (z.length - 1))] - z[Math.ceil(0.25 * (z.length - 1))]) / 1.349;
		if (spread > 2) {
			restless = true;
			const usual = Math.max(floor, 0.02);
			const noise = Math.sqrt(median(variance.filter((_, i) => kept[i] === 1)));
			value = restingLevel(
				values.map((v, i) => (kept[i] === 1 ? v : Number.NaN)),
				noise,
				usual,
			);
			const z = standardised(value, usual);
			// Within the level the excess is that of the series at rest; the event is no part of it.
			let near = 0;
			for (let i = 0; i < n; i++) if (kept[i] === 1 && Math.abs(z[i]) < 3) near++;
			if (near >= Math.max(3, 0.2 * count)) {
				for (let i = 0; i < n; i++) if (!(Math.abs(z[i]) < 3)) kept[i] = 0;
			}
		}
	}
	const ones = new Float64Array(n).fill(1);
	const residuals = new Float64Array(n);
	let excess2 = (options.fixedExcess ?? 0) ** 2;
	const usable = kept.slice();
	for (let pass = 0; pass < 3; pass++) {
		let retained = 0;
		for (let i = 0; i < n; i++) retained += kept[i];
		for (let round = 0; round < 60; round++) {
			for (let i = 0; i < n; i++) residuals[i] = values[i] - value;
			if (options.fixedExcess === undefined) {
				excess2 = excessVariance(residuals, variance, ones, kept, retained - 1, limit, { start: excess2 });
			}
			let sum = 0;
			let total = 0;
			for (let i = 0; i < n; i++) {
				if (kept[i] === 0) continue;
				const q2 = variance[i] + excess2;
				const w = huberWeight(residuals[i] / Math.sqrt(q2)) / q2;
				weights[i] = w;
				sum += w * residuals[i];
				total += w;
			}
			const step = sum / total;
			value += step;
			if (Math.abs(step) * Math.sqrt(total) < 1e-9) break;
		}
		let changed = false;
		for (let i = 0; i < n; i++) {
			if (usable[i] === 0) continue;
			const keep = Math.abs(values[i] - value) <= limit * Math.sqrt(variance[i] + excess2) ? 1 : 0;
			if (keep !== kept[i]) {
				kept[i] = keep;
				changed = true;
			}
		}
		if (!changed) break;
	}
	let total = 0;
	let information = 0;
	let used = 0;
	for (let i = 0; i < n; i++) {
		if (kept[i] === 0) {
			weights[i] = 0;
			continue;
		}
		used++;
		total += weights[i];
		information += 1 / (variance[i] + excess2);
	}
	for (let i = 0; i < n; i++) weights[i] /= total;
	// A scatter found from the same values leaves Student's tails: variance dof / (dof - 2).
	const student = options.fixedExcess === undefined && excess2 > 0 ? (used > 3 ? (used - 1) / (used - 3) : 3) : 1;
	const error = Math.sqrt((HUBER_VARIANCE * Math.min(3, student)) / information);
	return { value, error, excess: Math.sqrt(excess2), weights, used, restless };
}
