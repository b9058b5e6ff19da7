import { fisherSurvival } from "./distributions.ts";
import { convexHull, nearestInHull } from "./field-coordinates.ts";
import { fitScale, type ScaleData, type ScaleFit, type ScaleFitOptions, scaleAt } from "./flux-scale-fit.ts";
import { invertSymmetric, multiply, quadraticForm } from "./normal-equations.ts";

/** Total order of the polynomial in ln c: constant, plane, second-order surface. */
export type SurfaceOrder = 0 | 1 | 2;

/** Number of terms of each order. */
export const SURFACE_TERMS = [1, 3, 6] as const;
/** Fewest references for each order: three for each parameter. */
export const SURFACE_REFERENCES = [3, 9, 18] as const;

/** Basis at a place of the unit disc: 1, x, y, then defocus and the two astigmatisms (Zernike's terms, unnormalised). */
export function surfaceBasis(
	x: number,
	y: number,
	order: SurfaceOrder,
	out: Float64Array | number[],
	offset = 0,
): void {
	out[offset] = 1;
	if (order === 0) return;
	out[offset + 1] = x;
	out[offset + 2] = y;
	if (order === 1) return;
	out[offset + 3] = 2 * (x * x + y * y) - 1;
	out[offset + 4] = x * x - y * y;
	out[offset + 5] = 2 * x * y;
}

export function basisMatrix(x: ArrayLike<number>, y: ArrayLike<number>, order: SurfaceOrder): Float64Array {
	const terms = SURFACE_TERMS[order];
	const out = new Float64Array(x.length * terms);
	for (let i = 0; i < x.length; i++) surfaceBasis(x[i], y[i], order, out, i * terms);
	return out;
}

/** References in field coordinates, without a basis yet. */
export interface References extends Omit<ScaleData, "basis" | "terms"> {
	x: Float64Array;
	y: Float64Array;
}

export interface OrderTest {
	lower: SurfaceOrder;
	higher: SurfaceOrder;
	/** Probability of so large a gain by chance; NaN when the higher order could not be tried. */
	pValue: number;
	/** Ratio of the leave-one-out prediction errors, higher over lower. Below 1: the higher order predicts better. */
	predictionRatio: number;
	accepted: boolean;
	/** Why the higher order was not tried. */
	reason?: string;
}

export interface SurfaceFit {
	order: SurfaceOrder;
	fit: ScaleFit;
	data: ScaleData;
	tests: OrderTest[];
	/** Corners of the references' convex hull; empty when c is constant. */
	hull: { x: number; y: number }[];
}

/** Sums over the references of their squared residuals in a weighted linear fit of `y`, as they are and left out. */
function sumsOfSquares(y: Float64Array, weights: Float64Array, basis: Float64Array, terms: number) {
	const matrix = new Float64Array(terms * terms);
	const right = new Float64Array(terms);
	for (let i = 0; i < y.length; i++) {
		if (weights[i] === 0) continue;
		for (let k = 0; k < terms; k++) {
			const phi = weights[i] * basis[i * terms + k];
			right[k] += phi * y[i];
			for (let l = 0; l < terms; l++) matrix[k * terms + l] += phi * basis[i * terms + l];
		}
	}
	const inverse = invertSymmetric(matrix, terms);
	if (inverse === undefined) return { residual: Number.NaN, predicted: Number.NaN };
	const a = multiply(inverse, right, terms);
	let residual = 0;
	let predicted = 0;
	for (let i = 0; i < y.length; i++) {
		if (weights[i] === 0) continue;
		let model = 0;
		for (let k = 0; k < terms; k++) model += a[k] * basis[i * terms + k];
		const leverage = weights[i] * quadraticForm(inverse, basis, i * terms, terms);
		residual += weights[i] * (y[i] - model) ** 2;
		predicted += weights[i] * ((y[i] - model) / Math.max(1e-9, 1 - leverage)) ** 2;
	}
	return { residual, predicted };
}

/** ln c that each reference by itself would give, to first order about the fit, and its weight. */
function linearised(references: References, fit: ScaleFit) {
	const n = references.ratio.length;
	const weights = new Float64Array(n);
	const response = new Float64Array(n);
	for (let i = 0; i < n; i++) {
		if (fit.weights[i] === 0) continue;
		weights[i] = (fit.weights[i] * fit.factor[i] * fit.factor[i]) / fit.variance[i];
		response[i] = Math.log(fit.factor[i]) + (references.ratio[i] - fit.factor[i]) / fit.factor[i];
	}
	return { weights, response };
}

/**
 * Whether a higher order is worth a robust fit of its own: the plain F test with the constant's weights, whose
 * probability is far above what decides when there is no gradient. Saves two fits of three.
 */
function worthTrying(references: References, constant: ScaleFit, higher: SurfaceOrder): boolean {
	const { weights, response } = linearised(references, constant);
	const terms = SURFACE_TERMS[higher];
	const low = sumsOfSquares(response, weights, basisMatrix(references.x, references.y, 0), 1).residual;
	const high = sumsOfSquares(response, weights, basisMatrix(references.x, references.y, higher), terms).residual;
	const dof = constant.used - terms;
	return !(fisherSurvival((low - high) / (terms - 1) / (high / dof), terms - 1, dof) > 0.2);
}

/** Whether the retained references lie on all sides of the field's centre: `each` or more in every quadrant. */
function onAllSides(references: References, weights: Float64Array, each: number): boolean {
	const quadrants = [0, 0, 0, 0];
	for (let i = 0; i < weights.length; i++) {
		if (weights[i] > 0) quadrants[(references.x[i] >= 0 ? 1 : 0) + (references.y[i] >= 0 ? 2 : 0)]++;
	}
	return quadrants.every((count) => count >= each);
}

/**
 * F test and prediction test of one order against a lower one, with the weights of the higher order's fit in both, so
 * that a gradient is not weighted down as if its far ends were outliers. The F statistic is Wald's for M-estimates
 * (Huber & Ronchetti 2009, section 7.10): the plain ratio of sums of squares with weights that depend on the residuals
 * would find a needless gradient three times as often as its probability says.
 */
function compareOrders(
	references: References,
	lower: SurfaceOrder,
	higher: SurfaceOrder,
	fit: ScaleFit,
	pLimit: number,
) {
	const test: OrderTest = { lower, higher, pValue: Number.NaN, predictionRatio: Number.NaN, accepted: false };
	const n = references.ratio.length;
	const terms = SURFACE_TERMS[higher];
	const fewer = SURFACE_TERMS[lower];
	const basis = basisMatrix(references.x, references.y, higher);
	const { weights, response } = linearised(references, fit);
	const information = new Float64Array(terms * terms);
	let squares = 0;
	let slopes = 0;
	for (let i = 0; i < n; i++) {
		if (fit.weights[i] === 0) continue;
		const full = (fit.factor[i] * fit.factor[i]) / fit.variance[i];
		squares += (fit.weights[i] * (references.ratio[i] - fit.factor[i])) ** 2 / fit.variance[i];
		slopes += fit.weights[i] === 1 ? 1 : 0;
		for (let k = 0; k < terms; k++) {
			for (let l = 0; l < terms; l++) information[k * terms + l] += full * basis[i * terms + k] * basis[i * terms + l];
		}
	}
	const covariance = invertSymmetric(information, terms);
	if (covariance === undefined || slopes === 0) return { ...test, reason: "the references lie on a line" };
	const dof = fit.used - terms;
	const m = slopes / fit.used;
	// Huber's correction of the covariance for few degrees of freedom.
	const correction = 1 + (terms / fit.used) * ((1 - m) / m);
	const scale = (correction * correction * (squares / dof)) / (m * m);
	const extra = terms - fewer;
	const block = new Float64Array(extra * extra);
	for (let k = 0; k < extra; k++) {
		for (let l = 0; l < extra; l++) block[k * extra + l] = scale * covariance[(fewer + k) * terms + fewer + l];
	}
	const inverse = invertSymmetric(block, extra);
	if (inverse === undefined) return { ...test, reason: "the references lie on a line" };
	test.pValue = fisherSurvival(quadraticForm(inverse, fit.coefficients, fewer, extra) / extra, extra, dof);
	const low = sumsOfSquares(response, weights, basisMatrix(references.x, references.y, lower), fewer);
	test.predictionRatio = sumsOfSquares(response, weights, basis, terms).predicted / low.predicted;
	test.accepted = test.pValue < pLimit && test.predictionRatio < 1;
	return test;
}

/**
 * The lowest order that describes the flux scale over the field. A higher one is taken only when an F test says that
 * its gain has a chance below `pLimit` *and* it predicts references left out better, and only with three references for
 * each parameter on all sides of the field (an information criterion alone takes a needless gradient in one field of
 * ten).
 */
export function fitSurface(
	references: References,
	maxOrder: SurfaceOrder,
	options: ScaleFitOptions & { pLimit?: number; order?: SurfaceOrder },
): SurfaceFit | undefined {
	const pLimit = options.pLimit ?? 0.01;
	const at = (order: SurfaceOrder, start?: Float64Array) => {
		const data: ScaleData = {
			ratio: references.ratio,
			noiseVariance: references.noiseVariance,
			relativeVariance: references.relativeVariance,
			basis: basisMatrix(references.x, references.y, order),
			terms: SURFACE_TERMS[order],
		};
		const from = start === undefined ? undefined : new Float64Array(SURFACE_TERMS[order]);
		if (start !== undefined) from?.set(start.subarray(0, SURFACE_TERMS[order]));
		const fit = fitScale(data, {
			limit: options.limit,
			pooledTau: options.pooledTau,
			start: from,
			steps: options.steps,
		});
		return fit === undefined ? undefined : { fit, data };
	};
	const usedHull = (order: SurfaceOrder, fit: ScaleFit) =>
		order === 0
			? []
			: convexHull(
					references.x.filter((_, i) => fit.weights[i] > 0),
					references.y.filter((_, i) => fit.weights[i] > 0),
				);
	if (options.order !== undefined) {
		const asked = at(options.order, options.start);
		if (asked !== undefined)
			return { order: options.order, ...asked, tests: [], hull: usedHull(options.order, asked.fit) };
	}
	const constant = at(0, options.start);
	if (constant === undefined) return undefined;
	let best: { order: SurfaceOrder; fit: ScaleFit; data: ScaleData } = { order: 0, ...constant };
	const tests: OrderTest[] = [];
	for (const higher of [1, 2] as const) {
		if (higher > maxOrder) break;
		const refuse = (reason: string) =>
			tests.push({
				lower: best.order,
				higher,
				pValue: Number.NaN,
				predictionRatio: Number.NaN,
				accepted: false,
				reason,
			});
		if (constant.fit.used < SURFACE_REFERENCES[higher]) {
			refuse(`${constant.fit.used} references, ${SURFACE_REFERENCES[higher]} needed`);
			break;
		}
		if (best.order === 0 && !worthTrying(references, constant.fit, higher)) {
			refuse("no sign of a gradient");
			continue;
		}
		const tried = at(higher, best.fit.coefficients);
		if (tried === undefined || tried.fit.used < SURFACE_REFERENCES[higher]) {
			refuse("the fit did not succeed");
			continue;
		}
		if (!onAllSides(references, tried.fit.weights, higher)) {
			refuse("the references do not lie on all sides of the field");
			break;
		}
		// Past a refused plane, the surface is a second chance to be fooled: it has to be twice as sure.
		const limit = higher - best.order > 1 ? pLimit / 2 : pLimit;
		const test = compareOrders(references, best.order, higher, tried.fit, limit);
		tests.push(test);
		if (test.accepted) best = { order: higher, ...tried };
	}
	return { ...best, tests, hull: usedHull(best.order, best.fit) };
}

/**
 * c and its error at a place. Beyond the references' hull the surface is held at its value on the hull's edge, of order
 * 0 in the outward direction, and what it would have changed by is added to the error.
 */
export function surfaceAt(
	order: SurfaceOrder,
	fit: { coefficients: Float64Array; covariance: Float64Array; terms: number },
	hull: { x: number; y: number }[],
	x: number,
	y: number,
): { correction: number; error: number; outside: boolean } {
	const basis = [1, 0, 0, 0, 0, 0];
	if (order === 0) return { ...scaleAt(fit, basis), outside: false };
	const near = nearestInHull(hull, x, y);
	surfaceBasis(near.x, near.y, order, basis);
	const held = scaleAt(fit, basis);
	if (near.distance === 0) return { ...held, outside: false };
	surfaceBasis(x, y, order, basis);
	const beyond = scaleAt(fit, basis);
	const change = beyond.correction - held.correction;
	const error = Number.isFinite(change) ? Math.hypot(held.error, change) : Number.NaN;
	return { correction: held.correction, error, outside: true };
}
