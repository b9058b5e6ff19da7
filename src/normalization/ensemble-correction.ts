import { fitSurface, type References, type SurfaceFit, type SurfaceOrder, surfaceAt } from "./field-gradient.ts";
import { leaveOut, refitWithout } from "./flux-scale-fit.ts";

/** What a correction has to meet to be applied. */
export interface CorrectionGate {
	/** Range of c at the references. */
	low: number;
	high: number;
	/** Largest sigma_c / c. */
	fractionalErr: number;
	minReferences: number;
	/** Largest share of one reference's weight. */
	share: number;
}

export const DEFAULT_GATE: CorrectionGate = { low: 0.5, high: 2, fractionalErr: 0.1, minReferences: 3, share: 0.5 };

export type GateReason =
	| "too_few_references"
	| "correction_out_of_range"
	| "correction_uncertain"
	| "one_reference_dominates"
	| "no_solution";

export interface RejectedReference {
	/** Place in the list of references given. */
	reference: number;
	/** S / B. */
	ratio: number;
	/** In sigma, tau included. */
	deviation: number;
}

export interface EnsembleSolution {
	status: "accepted" | "refused";
	reasons: GateReason[];
	surface: SurfaceFit | undefined;
	references: References;
	/** c averaged over the field, and its error. */
	correction: number;
	correctionErr: number;
	/** Smallest and largest c at the references used. */
	lowest: number;
	highest: number;
	tau: number;
	available: number;
	used: number;
	rejected: RejectedReference[];
	/** Weight of the heaviest reference over that of all. */
	largestShare: number;
}

/**
 * Correction of one image from its references: c(x) such that S = c(x) F. Robust weighted mean (or surface, up to
 * `maxOrder`) of the ratios S / B; the values, low and negative ones included, are taken as they are.
 */
export function ensembleCorrection(
	references: References,
	options: { limit?: number; pooledTau?: number; maxOrder?: SurfaceOrder; gate?: Partial<CorrectionGate> } = {},
): EnsembleSolution {
	const gate = { ...DEFAULT_GATE, ...options.gate };
	const limit = options.limit ?? 5;
	const pooledTau = Number.isFinite(options.pooledTau) ? options.pooledTau : undefined;
	let available = 0;
	for (let i = 0; i < references.ratio.length; i++) if (Number.isFinite(references.ratio[i])) available++;
	const surface = fitSurface(references, options.maxOrder ?? 0, { limit, pooledTau });
	const none = { correction: Number.NaN, correctionErr: Number.NaN, lowest: Number.NaN, highest: Number.NaN };
	const solution: EnsembleSolution = {
		status: "refused",
		reasons: [],
		surface,
		references,
		...none,
		tau: Number.NaN,
		available,
		used: 0,
		rejected: [],
		largestShare: Number.NaN,
	};
	if (surface === undefined) {
		solution.reasons.push(available < gate.minReferences ? "too_few_references" : "no_solution");
		return solution;
	}
	const { fit } = surface;
	solution.tau = fit.tau;
	solution.used = fit.used;
	solution.correction = Math.exp(fit.coefficients[0]);
	solution.correctionErr = solution.correction * Math.sqrt(fit.covariance[0]);
	solution.lowest = Infinity;
	solution.highest = -Infinity;
	let total = 0;
	let heaviest = 0;
	for (let i = 0; i < fit.weights.length; i++) {
		if (fit.weights[i] === 0) {
			if (!Number.isFinite(references.ratio[i])) continue;
			const deviation = (references.ratio[i] - fit.factor[i]) / Math.sqrt(fit.variance[i]);
			solution.rejected.push({ reference: i, ratio: references.ratio[i], deviation });
			continue;
		}
		const w = (fit.weights[i] * fit.factor[i] * fit.factor[i]) / fit.variance[i];
		total += w;
		if (w > heaviest) heaviest = w;
		if (fit.factor[i] < solution.lowest) solution.lowest = fit.factor[i];
		if (fit.factor[i] > solution.highest) solution.highest = fit.factor[i];
	}
	solution.largestShare = heaviest / total;
	if (fit.used < gate.minReferences) solution.reasons.push("too_few_references");
	if (!(solution.lowest >= gate.low && solution.highest <= gate.high)) solution.reasons.push("correction_out_of_range");
	if (!(solution.correctionErr / solution.correction <= gate.fractionalErr))
		solution.reasons.push("correction_uncertain");
	if (solution.largestShare > gate.share) solution.reasons.push("one_reference_dominates");
	if (solution.reasons.length === 0) solution.status = "accepted";
	return solution;
}

export interface PlaceCorrection {
	correction: number;
	/** One sigma. */
	error: number;
	/** The place lies outside the references' hull and c varies over the field. */
	outside: boolean;
	/** References behind it, those left out not counted. */
	used: number;
}

/**
 * c at a place with some references left out: those that are the target itself or share a blend with it. O(1) for each
 * target with the other references' weights held; `exact` makes the whole robust fit anew, as is also done below ten
 * references, where one of them may decide how the others are weighted.
 */
export function correctionWithout(
	solution: EnsembleSolution,
	leftOut: readonly number[],
	x: number,
	y: number,
	options: { exact?: boolean; limit?: number; pooledTau?: number } = {},
): PlaceCorrection | undefined {
	const { surface } = solution;
	if (surface === undefined) return undefined;
	const { order, fit, data, hull } = surface;
	const carried = leftOut.filter((i) => fit.weights[i] > 0).length;
	const used = fit.used - carried;
	if (carried === 0) return { ...surfaceAt(order, fit, hull, x, y), used };
	const pooledTau = Number.isFinite(options.pooledTau) ? options.pooledTau : undefined;
	const fewer =
		options.exact || fit.used < 10
			? refitWithout(data, leftOut, { limit: options.limit ?? 5, pooledTau })
			: leaveOut(data, fit, leftOut);
	return fewer === undefined ? undefined : { ...surfaceAt(order, fewer, hull, x, y), used };
}

/**
 * The correction that one reference alone gives: the nearest to the place that the ensemble did not reject and that is
 * not left out. For comparison with the ensemble; its error is that of one ratio.
 */
export function singleReference(
	solution: EnsembleSolution,
	leftOut: readonly number[],
	x: number,
	y: number,
): (PlaceCorrection & { reference: number }) | undefined {
	const { surface, references } = solution;
	if (surface === undefined) return undefined;
	let best = -1;
	let nearest = Infinity;
	for (let i = 0; i < surface.fit.weights.length; i++) {
		if (surface.fit.weights[i] === 0 || leftOut.includes(i) || !(references.ratio[i] > 0)) continue;
		const distance = (references.x[i] - x) ** 2 + (references.y[i] - y) ** 2;
		if (distance < nearest) {
			nearest = distance;
			best = i;
		}
	}
	if (best < 0) return undefined;
	return {
		correction: references.ratio[best],
		error: Math.sqrt(surface.fit.variance[best]),
		outside: false,
		used: 1,
		reference: best,
	};
}
