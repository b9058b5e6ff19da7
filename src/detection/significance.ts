import { CALIBRATION } from "./calibration-table.ts";

/**
 * From scores to probabilities. The chance that a source without an event scores as high, after the whole procedure, is
 * measured on simulated skies without events: counted below the threshold of the tail and, beyond it, a generalised
 * Pareto distribution fitted to the square root of the score (Pickands 1975). Never an asymptotic chi-squared: the
 * maximum over thousands of templates and an imperfect null do not follow one.
 */
export interface NullTail {
	/** Scores at the quantiles below the threshold, ascending, with the share of nulls that score at least as much. */
	body: { score: number; exceeded: number }[];
	/** sqrt(score) from which the fit holds, and the share of nulls beyond it. */
	threshold: number;
	exceeded: number;
	scale: number;
	shape: number;
	/** Number of nulls behind the fit, and the highest of their scores. */
	nulls: number;
	highest: number;
}

export interface Significance {
	/** Per source, 0..1; never below {@link leastProbability}, where it is an upper limit. */
	falseAlarmProbability: number;
	/**
	 * Gaussian sigmas of the same one-sided probability. Below the least probability stated they follow the fitted tail
	 * on: a scale by which strong events are ranked and sorted into tiers, no more a probability.
	 */
	sigma: number;
	/** Less than one null in all would score as much: the probability is the fit's, not a count. */
	extrapolated: boolean;
}

/** Each source looked at once, with all its data; or anew at every epoch, the highest score counting. */
export type Looks = "once" | "every-epoch";

const TAILS: Partial<Record<Looks, NullTail>> = CALIBRATION;
const tailOf = (looks: Looks): NullTail => TAILS[looks] ?? CALIBRATION.once;

/** Where the scale of sigmas ends. */
const LEAST = 1e-12;
/** How far beyond one in the number of nulls a probability is stated: one decade of extrapolation. */
const EXTRAPOLATED = 0.1;

/** The smallest probability that is stated: what lies below it no count supports. */
export const leastProbability = (looks: Looks = "once", tail: NullTail = tailOf(looks)): number =>
	EXTRAPOLATED / tail.nulls;

export function significanceOf(score: number, looks: Looks = "once", tail: NullTail = tailOf(looks)): Significance {
	let p: number;
	const root = Math.sqrt(Math.max(0, score));
	if (!(score > 0)) p = 1;
	else if (root <= tail.threshold) {
		const { body } = tail;
		p = 1;
		for (let i = 0; i < body.length; i++) {
			if (score < body[i].score) {
				const before = i === 0 ? { score: 0, exceeded: 1 } : body[i - 1];
				const share = (score - before.score) / (body[i].score - before.score);
				p = before.exceeded * (body[i].exceeded / before.exceeded) ** share;
				break;
			}
			p = body[i].exceeded;
		}
	} else p = tail.exceeded * paretoSurvival(root - tail.threshold, tail.scale, tail.shape);
	p = Math.min(1, Math.max(LEAST, p));
	return {
		falseAlarmProbability: Math.max(p, leastProbability(looks, tail)),
		sigma: sigmaOf(p),
		extrapolated: p < 1 / tail.nulls,
	};
}

/** A score just below that whose significance is `sigma`. */
export function scoreAtSigma(sigma: number, looks: Looks = "once"): number {
	let low = 0;
	let high = 1e6;
	for (let i = 0; i < 60; i++) {
		const middle = (low + high) / 2;
		if (significanceOf(middle, looks).sigma < sigma) low = middle;
		else high = middle;
	}
	return low;
}

/** The score whose false-alarm probability is `p`, by the fitted tail where it is smaller than any stated. */
export function scoreAt(p: number, looks: Looks = "once", tail: NullTail = tailOf(looks)): number {
	const sigma = sigmaOf(p);
	let low = 0;
	let high = 1e7;
	for (let i = 0; i < 200; i++) {
		const middle = (low + high) / 2;
		const found = significanceOf(middle, looks, tail);
		if (p < 0.5 ? found.sigma < sigma : found.falseAlarmProbability > p) low = middle;
		else high = middle;
	}
	return high;
}

function paretoSurvival(excess: number, scale: number, shape: number): number {
	if (Math.abs(shape) < 1e-6) return Math.exp(-excess / scale);
	return Math.max(0, 1 + (shape * excess) / scale) ** (-1 / shape);
}

/** Where the distribution is kept as it is counted, up to the tail. */
const BODY_QUANTILES = [0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99, 0.994, 0.996, 0.998];

/**
 * Fits the tail to the scores of sources without events.
 *
 * @param scores one per null source, at least 200
 * @param quantile where the tail begins
 */
export function fitNullTail(scores: ArrayLike<number>, quantile = 0.95): NullTail {
	const sorted = Float64Array.from(scores).sort();
	const n = sorted.length;
	const at = (q: number) => sorted[Math.min(n - 1, Math.floor(q * n))];
	const threshold = Math.sqrt(Math.max(at(quantile), 1e-3));
	const excess: number[] = [];
	for (const score of sorted) if (Math.sqrt(score) > threshold) excess.push(Math.sqrt(score) - threshold);
	// Maximum likelihood over the shape, the scale following by a one-dimensional search (Grimshaw 1993 in spirit).
	let best = { logLikelihood: -Infinity, scale: 1, shape: 0 };
	const mean = excess.reduce((sum, e) => sum + e, 0) / Math.max(1, excess.length);
	for (let shape = -0.2; shape <= 0.4001; shape += 0.01)
		for (let factor = 0.4; factor <= 2; factor *= 1.02) {
			const scale = mean * factor;
			let logLikelihood = 0;
			for (const e of excess) {
				const z = 1 + (shape * e) / scale;
				if (z <= 0) {
					logLikelihood = -Infinity;
					break;
				}
				logLikelihood -= Math.log(scale) + (Math.abs(shape) < 1e-6 ? e / scale : (1 + 1 / shape) * Math.log(z));
			}
			// A weak pull towards an exponential tail: a few dozen excesses do not determine the shape.
			logLikelihood -= 0.5 * (shape / 0.1) ** 2;
			if (logLikelihood > best.logLikelihood) best = { logLikelihood, scale, shape };
		}
	const quantiles = BODY_QUANTILES.filter((q) => q < quantile);
	const body = [...new Set([...quantiles, quantile].map(at))]
		.filter((score) => score > 0)
		.map((score) => ({ score, exceeded: sorted.filter((other) => other >= score).length / n }));
	return {
		body,
		threshold,
		exceeded: excess.length / n,
		scale: best.scale,
		// A bounded tail would promise impossible scores: never less than exponential.
		shape: Math.max(0, best.shape),
		nulls: n,
		highest: sorted[n - 1],
	};
}

/** One-sided Gaussian sigmas of a probability; 0 for p >= 0.5. Acklam's rational start, one Newton step in log space. */
export function sigmaOf(p: number): number {
	if (!(p < 0.5)) return 0;
	if (p <= 0) return Infinity;
	const t = Math.sqrt(-2 * Math.log(p));
	let x = t - (2.515517 + 0.802853 * t + 0.010328 * t * t) / (1 + 1.432788 * t + 0.189269 * t * t + 0.001308 * t ** 3);
	for (let i = 0; i < 3; i++) {
		const q = upperGaussian(x);
		const density = Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI);
		x += ((Math.log(q) - Math.log(p)) * q) / density;
	}
	return x;
}

/** Probability that a standard normal exceeds x (x >= 0): series near zero, Lentz's continued fraction beyond. */
function upperGaussian(x: number): number {
	const density = Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI);
	if (x < 2.5) {
		let term = x;
		let sum = x;
		for (let k = 1; k < 80; k++) {
			term *= (x * x) / (2 * k + 1);
			sum += term;
		}
		return 0.5 - density * sum;
	}
	let f = 0;
	for (let k = 60; k >= 1; k--) f = k / (x + f);
	return density / (x + f);
}
