import { normalTail } from "./normal-tail.ts";

/** Draws for one probability; its own error is then one or two per cent. */
const DRAWS = 3000;
const KNOT_STEP = 0.5;
const LAST_KNOT = 10;

/**
 * Probability that noise alone reaches `threshold` sigmas in at least one of all contiguous windows of subbands with
 * the given errors (NaN: no value), each window combined by inverse variance.
 *
 * Importance sampling of the union (Naiman & Priebe 2001): a window is made to exceed the threshold and the windows
 * that then do are counted; the probability is the sum of the single ones times the mean of 1/count. Windows overlap,
 * so that 136 windows of 16 subbands count like 40 to 60. The draws are a fixed sequence: the same input gives the same
 * number.
 */
export function windowFalseAlarm(error: Float64Array, threshold: number): number {
	const weight: number[] = [];
	for (const e of error) if (e > 0 && e < Infinity) weight.push(1 / e);
	const n = weight.length;
	const single = normalTail(threshold);
	if (n <= 1 || !(threshold > 0)) return Math.min(1, n === 0 ? Number.NaN : single);
	const windows = (n * (n + 1)) / 2;
	// With unit normals u_k a window's signal to noise is sum(u_k/e_k) / sqrt(sum 1/e_k^2).
	const cumulative = new Float64Array(n + 1);
	for (let k = 0; k < n; k++) cumulative[k + 1] = cumulative[k] + weight[k] * weight[k];
	const draw = sequence();
	const u = new Float64Array(n);
	const sums = new Float64Array(n + 1);
	let total = 0;
	let from = 0;
	let to = 1;
	const rounds = windows > DRAWS ? DRAWS : Math.ceil(DRAWS / windows) * windows;
	for (let round = 0; round < rounds; round++) {
		const norm = Math.sqrt(cumulative[to] - cumulative[from]);
		let own = 0;
		for (let k = 0; k < n; k++) {
			u[k] = draw.normal();
			if (k >= from && k < to) own += u[k] * weight[k];
		}
		// Replace the window's own value by one beyond the threshold, all else given it unchanged.
		const shift = (draw.beyond(threshold) - own / norm) / norm;
		for (let k = from; k < to; k++) u[k] += shift * weight[k];
		for (let k = 0; k < n; k++) sums[k + 1] = sums[k] + u[k] * weight[k];
		let count = 0;
		for (let i = 0; i < n; i++) {
			for (let j = i + 1; j <= n; j++) {
				const excess = sums[j] - sums[i];
				if (excess > 0 && excess * excess >= threshold * threshold * (cumulative[j] - cumulative[i]) * ROUNDING)
					count++;
			}
		}
		total += 1 / Math.max(1, count);
		// Every window in turn; of very many, an even share of them.
		for (let step = windows > DRAWS ? Math.floor(windows / DRAWS) : 1; step > 0; step--) {
			to++;
			if (to > n) {
				from = from + 1 === n ? 0 : from + 1;
				to = from + 1;
			}
		}
	}
	return Math.min(1, single * windows * (total / rounds));
}

const ROUNDING = 1 - 1e-12;

/**
 * The same for many thresholds and one set of errors: the number of independent looks is computed where it is first
 * needed, every half sigma, and interpolated.
 */
export class WindowTrials {
	private readonly error: Float64Array;
	private readonly looks = new Map<number, number>();

	constructor(error: Float64Array) {
		this.error = error;
	}

	falseAlarm(threshold: number): number {
		if (!(threshold >= KNOT_STEP)) return windowFalseAlarm(this.error, threshold);
		const place = Math.min(threshold, LAST_KNOT) / KNOT_STEP;
		const knot = Math.min(Math.floor(place), LAST_KNOT / KNOT_STEP - 1);
		const share = place - knot;
		const looks = Math.exp((1 - share) * Math.log(this.looksAt(knot)) + share * Math.log(this.looksAt(knot + 1)));
		return -Math.expm1(looks * Math.log1p(-normalTail(threshold)));
	}

	/** The number of independent looks that gives the same probability. */
	private looksAt(knot: number): number {
		let looks = this.looks.get(knot);
		if (looks === undefined) {
			const threshold = knot * KNOT_STEP;
			const probability = Math.min(1 - 1e-12, windowFalseAlarm(this.error, threshold));
			looks = Math.max(1, Math.log1p(-probability) / Math.log1p(-normalTail(threshold)));
			this.looks.set(knot, looks);
		}
		return looks;
	}
}

/** A fixed sequence of uniform numbers, and normal ones made of them. */
function sequence() {
	let state = 0x9e3779b9;
	const uniform = () => {
		state = (state + 0x6d2b79f5) | 0;
		let t = Math.imul(state ^ (state >>> 15), state | 1);
		t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
		return (((t ^ (t >>> 14)) >>> 0) + 0.5) / 4294967296;
	};
	return {
		/** Box & Muller 1958. */
		normal: () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()),
		/** A unit normal given that it exceeds t > 0 (Marsaglia 1964). */
		beyond(t: number): number {
			for (;;) {
				const x = Math.sqrt(t * t - 2 * Math.log(uniform()));
				if (uniform() * x <= t) return x;
			}
		},
	};
}
