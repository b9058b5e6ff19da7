import { badInput } from "../error.ts";
import type { Candidate } from "./candidate.ts";

/**
 * Learning from people: a logistic regression over what the detector and the statistics say of a candidate, fitted to
 * the verdicts of reviewers. Its output is calibrated by construction (the sum of the probabilities equals the number
 * of events in the training set). It never raises or deletes anything by itself: it runs beside the detector's own
 * significance, the two are compared, and a person promotes one.
 */
export interface LabelledCandidate {
	features: number[];
	/** An event (confirmed, known or found by hand) or not (rejected). */
	isEvent: boolean;
	/** Weight of the verdict: votes, trust in a reviewer. Default 1. */
	weight?: number | undefined;
}

export interface Classifier {
	version: number;
	names: string[];
	/** Mean and scale by which features are standardised, weights, and intercept. */
	mean: number[];
	scale: number[];
	weights: number[];
	intercept: number;
	trainedOn: { events: number; others: number };
}

export const FEATURE_NAMES = [
	"root_statistic",
	"log_lambda_ratio",
	"log_leave_one_out_ratio",
	"depth",
	"log_duration_days",
	"chromaticity",
	"log_error_scale",
	"log_null_sigma",
	"log_eta",
	"log_v",
] as const;

/** The features of a candidate; `eta` and `v` are those of its source. */
export function featuresOf(
	candidate: Pick<Candidate, "statistic" | "depth" | "durationDays" | "chromaticity" | "explanation">,
	eta: number | null,
	v: number | null,
): number[] {
	const e = candidate.explanation;
	const log = (value: number, least = 1e-3) => Math.log(Math.max(least, value));
	return [
		Math.sqrt(Math.max(0, candidate.statistic)),
		log(e.lambda_alternative / Math.max(1, e.lambda_null)),
		log(e.lambda_leave_one_out / Math.max(1, e.lambda_null)),
		candidate.depth,
		log(candidate.durationDays),
		candidate.chromaticity,
		log(e.error_scale),
		log(e.null_with_lens.sigma, 1e-5),
		log(eta ?? 1),
		log(v ?? 0.01),
	];
}

/** Fewest verdicts of each kind from which anything is learned. */
export const FEWEST_VERDICTS = 5;

/**
 * Fits by Newton's method with an L2 penalty on the standardised weights (none on the intercept).
 *
 * @throws CausticError `too-few-verdicts` with fewer than five of either kind, `bad-features` for ragged or infinite input
 */
export function trainClassifier(labelled: readonly LabelledCandidate[], version = 1, penalty = 0.3): Classifier {
	const events = labelled.filter((one) => one.isEvent).length;
	const others = labelled.length - events;
	if (events < FEWEST_VERDICTS || others < FEWEST_VERDICTS)
		throw badInput("too-few-verdicts", `${events} events and ${others} others are too few to learn from`, {
			subject: "labelled candidates",
			remedy: `Judge candidates until there are ${FEWEST_VERDICTS} of each`,
		});
	const size = labelled[0].features.length;
	if (!labelled.every(({ features }) => features.length === size && features.every(Number.isFinite)))
		throw badInput("bad-features", "are not numbers of one kind", { subject: "features" });
	const weightOf = ({ weight = 1 }: LabelledCandidate) => weight;
	const total = labelled.reduce((sum, one) => sum + weightOf(one), 0);
	const mean = new Array<number>(size).fill(0);
	const scale = new Array<number>(size).fill(0);
	for (const one of labelled) for (let k = 0; k < size; k++) mean[k] += (weightOf(one) * one.features[k]) / total;
	for (const one of labelled)
		for (let k = 0; k < size; k++) scale[k] += (weightOf(one) * (one.features[k] - mean[k]) ** 2) / total;
	for (let k = 0; k < size; k++) scale[k] = Math.sqrt(scale[k]) || 1;
	const rows = labelled.map((one) => [1, ...one.features.map((value, k) => (value - mean[k]) / scale[k])]);
	const beta = new Array<number>(size + 1).fill(0);
	for (let iteration = 0; iteration < 50; iteration++) {
		const gradient = beta.map((b, k) => (k === 0 ? 0 : -penalty * b));
		const hessian = beta.map((_, k) => beta.map((__, j) => (k === j && k > 0 ? penalty : 0)));
		for (let i = 0; i < rows.length; i++) {
			const p = logistic(rows[i].reduce((sum, value, k) => sum + value * beta[k], 0));
			const w = weightOf(labelled[i]);
			const slack = w * ((labelled[i].isEvent ? 1 : 0) - p);
			const curvature = Math.max(1e-9, w * p * (1 - p));
			for (let k = 0; k <= size; k++) {
				gradient[k] += slack * rows[i][k];
				for (let j = 0; j <= k; j++) hessian[k][j] += curvature * rows[i][k] * rows[i][j];
			}
		}
		const step = solve(hessian, gradient);
		let largest = 0;
		for (let k = 0; k <= size; k++) {
			const move = Math.max(-3, Math.min(3, step[k]));
			beta[k] += move;
			largest = Math.max(largest, Math.abs(move));
		}
		if (largest < 1e-10) break;
	}
	return {
		version,
		names: [...FEATURE_NAMES].slice(0, size),
		mean,
		scale,
		weights: beta.slice(1),
		intercept: beta[0],
		trainedOn: { events, others },
	};
}

/** Probability that a candidate with these features is an event, as the reviewers would judge. */
export function classify(classifier: Classifier, features: readonly number[]): number {
	let sum = classifier.intercept;
	for (let k = 0; k < features.length; k++)
		sum += (classifier.weights[k] * (features[k] - classifier.mean[k])) / classifier.scale[k];
	return logistic(sum);
}

export interface Performance {
	n: number;
	/** Mean squared difference between probability and verdict, and mean negative log-likelihood. */
	brier: number;
	logLoss: number;
	/** Share right when called an event at p >= 0.5, precision and recall there. */
	accuracy: number;
	precision: number | null;
	recall: number | null;
	/** Sum of probabilities over number of events: 1 when calibrated. */
	calibration: number | null;
}

export function performanceOf(classifier: Classifier, judged: readonly LabelledCandidate[]): Performance {
	let [brier, logLoss, right, called, hits, events, expected] = [0, 0, 0, 0, 0, 0, 0];
	for (const { features, isEvent } of judged) {
		const p = classify(classifier, features);
		brier += (p - (isEvent ? 1 : 0)) ** 2;
		logLoss -= Math.log(Math.max(1e-12, isEvent ? p : 1 - p));
		expected += p;
		if (isEvent) events++;
		if (p >= 0.5) called++;
		if (p >= 0.5 === isEvent) right++;
		if (p >= 0.5 && isEvent) hits++;
	}
	const n = judged.length;
	return {
		n,
		brier: brier / n,
		logLoss: logLoss / n,
		accuracy: right / n,
		precision: called > 0 ? hits / called : null,
		recall: events > 0 ? hits / events : null,
		calibration: events > 0 ? expected / events : null,
	};
}

/**
 * Two versions side by side on the same verdicts, neither trained on them: the difference of their losses and its standard
 * error over the candidates, for a person to decide on. Negative: the second is better.
 */
export function compareClassifiers(
	first: Classifier,
	second: Classifier,
	judged: readonly LabelledCandidate[],
): { first: Performance; second: Performance; lossDifference: number; standardError: number } {
	const differences = judged.map(({ features, isEvent }) => {
		const loss = (p: number) => -Math.log(Math.max(1e-12, isEvent ? p : 1 - p));
		return loss(classify(second, features)) - loss(classify(first, features));
	});
	const mean = differences.reduce((a, b) => a + b, 0) / differences.length;
	const variance = differences.reduce((sum, d) => sum + (d - mean) ** 2, 0) / Math.max(1, differences.length - 1);
	return {
		first: performanceOf(first, judged),
		second: performanceOf(second, judged),
		lossDifference: mean,
		standardError: Math.sqrt(variance / differences.length),
	};
}

/** Each candidate judged by a classifier that did not see it: honest performance from few verdicts. */
export function crossValidate(labelled: readonly LabelledCandidate[], folds = 5): Performance {
	const predictions: { p: number; isEvent: boolean }[] = [];
	const events = labelled.filter((one) => one.isEvent);
	const others = labelled.filter((one) => !one.isEvent);
	for (let fold = 0; fold < folds; fold++) {
		const held = [...events, ...others].filter((_, i) => i % folds === fold);
		const rest = [...events, ...others].filter((_, i) => i % folds !== fold);
		const classifier = trainClassifier(rest);
		for (const one of held) predictions.push({ p: classify(classifier, one.features), isEvent: one.isEvent });
	}
	// A classifier whose single feature is the logit of the prediction gives the predictions back.
	const identity: Classifier = {
		version: 0,
		names: ["logit"],
		mean: [0],
		scale: [1],
		weights: [1],
		intercept: 0,
		trainedOn: { events: events.length, others: others.length },
	};
	return performanceOf(
		identity,
		predictions.map(({ p, isEvent }) => ({
			features: [Math.log(Math.max(1e-12, p) / Math.max(1e-12, 1 - p))],
			isEvent,
		})),
	);
}

const logistic = (x: number) => 1 / (1 + Math.exp(-x));

/** Solves a symmetric positive definite system, lower triangle given, by Cholesky. */
function solve(lower: number[][], right: number[]): number[] {
	const n = right.length;
	const x = right.slice();
	for (let i = 0; i < n; i++)
		for (let j = 0; j <= i; j++) {
			let sum = lower[i][j];
			for (let k = 0; k < j; k++) sum -= lower[i][k] * lower[j][k];
			lower[i][j] = i === j ? Math.sqrt(Math.max(sum, 1e-12)) : sum / lower[j][j];
		}
	for (let i = 0; i < n; i++) {
		for (let k = 0; k < i; k++) x[i] -= lower[i][k] * x[k];
		x[i] /= lower[i][i];
	}
	for (let i = n - 1; i >= 0; i--) {
		for (let k = i + 1; k < n; k++) x[i] -= lower[k][i] * x[k];
		x[i] /= lower[i][i];
	}
	return x;
}
