import { badInput } from "../error.ts";
import { add, multiply, negative, productError, quotient, scaled } from "./double-double.ts";
import { logChi2Probability } from "./incomplete-gamma.ts";
import { addToFront, inFront, type PairFront, pairExtremes } from "./pair-fronts.ts";

export { validate } from "./bounds.ts";

/**
 * Running statistics of one light curve (one source in one subband): power sums in twice the digits of a double, the
 * extremes, and the fronts for pair statistics. A plain record: it can be stored, sent to a worker and merged.
 * `Lo` fields are the low parts of the sums beside them. Weights are 1/error^2.
 */
export interface LightCurveState {
	/** Measurements contained. */
	n: number;
	/** Sum of flux, Jy. */
	fluxSum: number;
	fluxSumLo: number;
	/** Sum of flux^2, Jy^2. */
	squareSum: number;
	squareSumLo: number;
	/** Sum of error^2, Jy^2. */
	varianceSum: number;
	varianceSumLo: number;
	/** Sum of weights, Jy^-2. */
	weightSum: number;
	weightSumLo: number;
	/** Sum of weight^2, Jy^-4. */
	weightSquareSum: number;
	weightSquareSumLo: number;
	/** Sum of weight * flux, Jy^-1. */
	weightedFluxSum: number;
	weightedFluxSumLo: number;
	/** Sum of weight * flux^2. */
	weightedSquareSum: number;
	weightedSquareSumLo: number;
	minFlux: number;
	maxFlux: number;
	minError: number;
	firstMjd: number;
	lastMjd: number;
	/** Points that no other beats upward and downward: see pair-fronts.ts. */
	highFront: PairFront;
	lowFront: PairFront;
	/** 1 if a front had to be thinned, so that the pair extremes are lower bounds. */
	frontsThinned: number;
}

/** What can be said of a light curve. Numbers that are not defined for it (too few points, no positive mean) are null. */
export interface LightCurveSummary {
	n: number;
	/** Unweighted mean, Jy. */
	mean: number | null;
	/** Inverse-variance weighted mean and its error, Jy. */
	weightedMean: number | null;
	weightedMeanErr: number | null;
	/** Sample standard deviation (N - 1), Jy. */
	std: number | null;
	/** Weighted standard deviation with the reliability-weights correction, Jy. */
	weightedStd: number | null;
	/** std / mean; null unless the mean is above 3 of its standard errors. */
	v: number | null;
	/** Weighted sum of squares about the weighted mean, its degrees of freedom, and chi2 / dof. */
	chi2: number | null;
	dof: number;
	eta: number | null;
	/** log10 of the probability of such a chi2 by chance. */
	logP: number | null;
	/** Debiased modulation index, sgn(x) sqrt|x| / mean with x = std^2 - mean(error^2). */
	modulationIndex: number | null;
	/** Largest |flux - mean| / std: descriptive only, bounded by (n - 1)/sqrt(n) whatever the event. */
	sigmaDeviation: number | null;
	/** Largest |Vs| over all pairs of epochs. */
	vsMax: number | null;
	/** Largest |m| among pairs with |Vs| >= 4.3, the |Vs| of that pair and its two times (MJD, brighter first). */
	mPair: number | null;
	mPairVs: number | null;
	mPairMjd: [number, number] | null;
	/** The pair extremes are lower bounds. */
	pairsApproximate: boolean;
	minFlux: number | null;
	maxFlux: number | null;
	minError: number | null;
	firstMjd: number | null;
	lastMjd: number | null;
}

/** A state whose update asks for more than it holds: read the rows again and call {@link rebuild}. */
export type UpdateOutcome = "updated" | "needs-rebuild";

export const emptyState = (): LightCurveState => ({
	n: 0,
	fluxSum: 0,
	fluxSumLo: 0,
	squareSum: 0,
	squareSumLo: 0,
	varianceSum: 0,
	varianceSumLo: 0,
	weightSum: 0,
	weightSumLo: 0,
	weightSquareSum: 0,
	weightSquareSumLo: 0,
	weightedFluxSum: 0,
	weightedFluxSumLo: 0,
	weightedSquareSum: 0,
	weightedSquareSumLo: 0,
	minFlux: Infinity,
	maxFlux: -Infinity,
	minError: Infinity,
	firstMjd: Infinity,
	lastMjd: -Infinity,
	highFront: [],
	lowFront: [],
	frontsThinned: 0,
});

/**
 * Why a row cannot be used for statistics, or null if it can. Negative fluxes are data; a missing flux or an error
 * that is not positive is not.
 */
export function measurementFault(mjd: number, flux: number, err: number): string | null {
	if (!Number.isFinite(mjd)) return "time is not a number";
	if (!Number.isFinite(flux)) return "flux is not a number";
	if (!Number.isFinite(err)) return "flux error is not a number";
	if (!(err > 0)) return "flux error is not positive";
	if (Math.abs(flux) > 1e60 || err > 1e60 || err < 1e-60) return "flux or error beyond 1e±60 Jy";
	return null;
}

function refuse(mjd: number, flux: number, err: number): void {
	const fault = measurementFault(mjd, flux, err);
	if (fault !== null)
		throw badInput("bad-measurement", fault, {
			subject: `measurement at MJD ${mjd}`,
			remedy: "Leave flagged rows out of the statistics",
		});
}

/** Adds `sign` times one point to the power sums; each product is exact to twice the digits of a double. */
function accumulate(state: LightCurveState, sign: number, flux: number, err: number): void {
	const square = flux * flux;
	const variance = err * err;
	const weight = 1 / variance;
	const weighted = weight * flux;
	const weightedLo = productError(weight, flux, weighted);
	const weightedSquare = weighted * flux;
	const weightSquare = weight * weight;
	state.n += sign;
	let s: number;
	let v: number;
	let e: number;
	// Each block: (hi, lo) += sign * (x, xLo), the sloppy-low double-double addition with renormalisation.
	let x = sign * flux;
	s = state.fluxSum + x;
	v = s - state.fluxSum;
	e = state.fluxSum - (s - v) + (x - v) + state.fluxSumLo;
	state.fluxSum = s + e;
	state.fluxSumLo = e - (state.fluxSum - s);

	x = sign * square;
	s = state.squareSum + x;
	v = s - state.squareSum;
	e = state.squareSum - (s - v) + (x - v) + (state.squareSumLo + sign * productError(flux, flux, square));
	state.squareSum = s + e;
	state.squareSumLo = e - (state.squareSum - s);

	x = sign * variance;
	s = state.varianceSum + x;
	v = s - state.varianceSum;
	e = state.varianceSum - (s - v) + (x - v) + (state.varianceSumLo + sign * productError(err, err, variance));
	state.varianceSum = s + e;
	state.varianceSumLo = e - (state.varianceSum - s);

	x = sign * weight;
	s = state.weightSum + x;
	v = s - state.weightSum;
	e = state.weightSum - (s - v) + (x - v) + state.weightSumLo;
	state.weightSum = s + e;
	state.weightSumLo = e - (state.weightSum - s);

	x = sign * weightSquare;
	s = state.weightSquareSum + x;
	v = s - state.weightSquareSum;
	e =
		state.weightSquareSum -
		(s - v) +
		(x - v) +
		(state.weightSquareSumLo + sign * productError(weight, weight, weightSquare));
	state.weightSquareSum = s + e;
	state.weightSquareSumLo = e - (state.weightSquareSum - s);

	x = sign * weighted;
	s = state.weightedFluxSum + x;
	v = s - state.weightedFluxSum;
	e = state.weightedFluxSum - (s - v) + (x - v) + (state.weightedFluxSumLo + sign * weightedLo);
	state.weightedFluxSum = s + e;
	state.weightedFluxSumLo = e - (state.weightedFluxSum - s);

	x = sign * weightedSquare;
	s = state.weightedSquareSum + x;
	v = s - state.weightedSquareSum;
	e =
		state.weightedSquareSum -
		(s - v) +
		(x - v) +
		(state.weightedSquareSumLo + sign * (productError(weighted, flux, weightedSquare) + weightedLo * flux));
	state.weightedSquareSum = s + e;
	state.weightedSquareSumLo = e - (state.weightedSquareSum - s);
}

/**
 * Adds one measurement in place.
 *
 * @param mjd mid-exposure time, MJD UTC
 * @param flux Jy, either sign
 * @param err standard error, Jy, > 0
 * @throws CausticError `bad-measurement` for numbers that are no measurement
 */
export function addMeasurement(state: LightCurveState, mjd: number, flux: number, err: number): void {
	refuse(mjd, flux, err);
	accumulate(state, 1, flux, err);
	if (flux < state.minFlux) state.minFlux = flux;
	if (flux > state.maxFlux) state.maxFlux = flux;
	if (err < state.minError) state.minError = err;
	if (mjd < state.firstMjd) state.firstMjd = mjd;
	if (mjd > state.lastMjd) state.lastMjd = mjd;
	if (addToFront(state.highFront, 1, flux, err, mjd)) state.frontsThinned = 1;
	if (addToFront(state.lowFront, -1, flux, err, mjd)) state.frontsThinned = 1;
}

/**
 * Takes one measurement out in place, exactly as it was added. Extremes, pair fronts and the first and last time cannot
 * be un-added: if the point carries one of them, nothing is changed and the answer is `needs-rebuild`.
 */
export function removeMeasurement(state: LightCurveState, mjd: number, flux: number, err: number): UpdateOutcome {
	refuse(mjd, flux, err);
	if (
		state.n < 1 ||
		flux <= state.minFlux ||
		flux >= state.maxFlux ||
		err <= state.minError ||
		mjd <= state.firstMjd ||
		mjd >= state.lastMjd ||
		state.frontsThinned !== 0 ||
		inFront(state.highFront, flux, err) ||
		inFront(state.lowFront, flux, err)
	)
		return "needs-rebuild";
	accumulate(state, -1, flux, err);
	return "updated";
}

/** Replaces one measurement by another in place; on `needs-rebuild` nothing is changed. */
export function correctMeasurement(
	state: LightCurveState,
	before: { mjd: number; flux: number; err: number },
	after: { mjd: number; flux: number; err: number },
): UpdateOutcome {
	refuse(after.mjd, after.flux, after.err);
	if (removeMeasurement(state, before.mjd, before.flux, before.err) === "needs-rebuild") return "needs-rebuild";
	addMeasurement(state, after.mjd, after.flux, after.err);
	return "updated";
}

/** The state of the union of two disjoint sets of measurements; the arguments are left as they are. */
export function mergeStates(a: LightCurveState, b: LightCurveState): LightCurveState {
	const merged = emptyState();
	merged.n = a.n + b.n;
	for (const name of SUMS) {
		const low = `${name}Lo` as const;
		const sum = add({ hi: a[name], lo: a[low] }, { hi: b[name], lo: b[low] });
		merged[name] = sum.hi;
		merged[low] = sum.lo;
	}
	merged.minFlux = Math.min(a.minFlux, b.minFlux);
	merged.maxFlux = Math.max(a.maxFlux, b.maxFlux);
	merged.minError = Math.min(a.minError, b.minError);
	merged.firstMjd = Math.min(a.firstMjd, b.firstMjd);
	merged.lastMjd = Math.max(a.lastMjd, b.lastMjd);
	let thinned = a.frontsThinned !== 0 || b.frontsThinned !== 0;
	for (const [name, side] of [
		["highFront", 1],
		["lowFront", -1],
	] as const) {
		merged[name] = a[name].slice();
		for (let i = 0; i < b[name].length; i += 3)
			thinned = addToFront(merged[name], side, b[name][i], b[name][i + 1], b[name][i + 2]) || thinned;
	}
	merged.frontsThinned = thinned ? 1 : 0;
	return merged;
}

const SUMS = [
	"fluxSum",
	"squareSum",
	"varianceSum",
	"weightSum",
	"weightSquareSum",
	"weightedFluxSum",
	"weightedSquareSum",
] as const;

/** The state of the given rows: parallel columns of equal length, any order. */
export function rebuild(rows: {
	mjd: ArrayLike<number>;
	flux: ArrayLike<number>;
	err: ArrayLike<number>;
}): LightCurveState {
	const state = emptyState();
	for (let i = 0; i < rows.flux.length; i++) addMeasurement(state, rows.mjd[i], rows.flux[i], rows.err[i]);
	return state;
}

/** Below this share of the sums it is the difference of, a sum of squares is rounding and stands for zero. */
const ROUNDING = 2 ** -94;

/** All statistics of a state. One definition each; `std` is the sample form, chi2 is about the weighted mean. */
export function summarize(state: LightCurveState): LightCurveSummary {
	const { n } = state;
	const sum = (name: (typeof SUMS)[number]) => ({ hi: state[name], lo: state[`${name}Lo`] });
	const known = n > 0;
	const mean = known ? quotient(sum("fluxSum"), { hi: n, lo: 0 }) : null;
	const weightedMean = known ? quotient(sum("weightedFluxSum"), sum("weightSum")) : null;
	const summary: LightCurveSummary = {
		n,
		mean,
		weightedMean,
		weightedMeanErr: known ? 1 / Math.sqrt(state.weightSum) : null,
		std: null,
		weightedStd: null,
		v: null,
		chi2: null,
		dof: Math.max(0, n - 1),
		eta: null,
		logP: null,
		modulationIndex: null,
		sigmaDeviation: null,
		vsMax: null,
		mPair: null,
		mPairVs: null,
		mPairMjd: null,
		pairsApproximate: state.frontsThinned !== 0,
		minFlux: known ? state.minFlux : null,
		maxFlux: known ? state.maxFlux : null,
		minError: known ? state.minError : null,
		firstMjd: known ? state.firstMjd : null,
		lastMjd: known ? state.lastMjd : null,
	};
	if (n < 2 || mean === null) return summary;
	// n * sum(S^2) - (sum S)^2 = n (n - 1) s^2, and likewise weighted.
	const squares = scaled(sum("squareSum"), n);
	let spread = add(squares, negative(multiply(sum("fluxSum"), sum("fluxSum"))));
	if (spread.hi <= squares.hi * ROUNDING) spread = { hi: 0, lo: 0 };
	const pairsCount = n * (n - 1);
	const std = Math.sqrt(spread.hi / pairsCount);
	const weightedSquares = multiply(sum("weightSum"), sum("weightedSquareSum"));
	let weightedSpread = add(weightedSquares, negative(multiply(sum("weightedFluxSum"), sum("weightedFluxSum"))));
	if (weightedSpread.hi <= weightedSquares.hi * ROUNDING) weightedSpread = { hi: 0, lo: 0 };
	const chi2 = quotient(weightedSpread, sum("weightSum"));
	const effective = add(multiply(sum("weightSum"), sum("weightSum")), negative(sum("weightSquareSum")));
	const excess = add(spread, negative(scaled(sum("varianceSum"), n - 1))).hi / pairsCount;
	summary.std = std;
	summary.chi2 = chi2;
	summary.eta = chi2 / (n - 1);
	summary.logP = logChi2Probability(chi2, n - 1) / Math.LN10;
	summary.weightedStd = effective.hi > 0 ? Math.sqrt(quotient(weightedSpread, effective)) : null;
	if (mean > (3 * std) / Math.sqrt(n) && mean > 0) {
		summary.v = std / mean;
		summary.modulationIndex = (Math.sign(excess) * Math.sqrt(Math.abs(excess))) / mean;
	}
	if (std > 0) summary.sigmaDeviation = Math.max(state.maxFlux - mean, mean - state.minFlux) / std;
	const pairs = pairExtremes(state.highFront, state.lowFront);
	summary.vsMax = pairs.vsMax;
	summary.mPair = pairs.mPair;
	summary.mPairVs = pairs.mPairVs;
	summary.mPairMjd = pairs.mPairMjd;
	return summary;
}

/** The state as one row of doubles, for a store: the fixed fields in order, then both fronts with their lengths. */
export function encodeState(state: LightCurveState): number[] {
	return [
		state.n,
		...SUMS.flatMap((name) => [state[name], state[`${name}Lo`]]),
		...EDGES.map((name) => state[name]),
		state.frontsThinned,
		state.highFront.length,
		...state.highFront,
		state.lowFront.length,
		...state.lowFront,
	];
}

const EDGES = ["minFlux", "maxFlux", "minError", "firstMjd", "lastMjd"] as const;

/** @throws CausticError `bad-state` if the row is not one that {@link encodeState} wrote */
export function decodeState(row: ArrayLike<number>): LightCurveState {
	const state = emptyState();
	let at = 0;
	const next = () => {
		if (at >= row.length || Number.isNaN(row[at]))
			throw badInput("bad-state", "stored statistics are cut short or not numbers", {
				subject: "light-curve state",
				remedy: "Rebuild it from the measurements",
			});
		return row[at++];
	};
	state.n = next();
	for (const name of SUMS) {
		state[name] = next();
		state[`${name}Lo`] = next();
	}
	for (const name of EDGES) state[name] = next();
	state.frontsThinned = next();
	for (const front of [state.highFront, state.lowFront]) {
		const length = next();
		for (let i = 0; i < length; i++) front.push(next());
	}
	return state;
}
