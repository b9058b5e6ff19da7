import { choleskyFactor, choleskyInverse, choleskySolve } from "./cholesky.ts";

/** Parameters of one component in the vector of a fit: peak, x, y, and the kernel's a, b, c (pixels). */
export const PARAMETERS = 6;

/** The pixels of a fit and their values: positions, data (less background) and local rms. */
export interface FitPixels {
	count: number;
	x: Float64Array;
	y: Float64Array;
	data: Float64Array;
	rms: Float64Array;
}

/** Which parameters of a component move: all six, peak and position, or the peak alone. */
export type Freedom = 1 | 3 | 6;

export interface FitProblem {
	pixels: FitPixels;
	/** Start, PARAMETERS per component. */
	start: Float64Array;
	freedom: readonly Freedom[];
	/** From where positions and shapes are limited, PARAMETERS per component; the start when not given. */
	anchor?: Float64Array;
	/** How far x and y may move, pixels. */
	positionLimit: number;
	/** The axes may grow or shrink by no more than this factor; no such limit when not given. */
	shapeRatio?: number;
	/** Bounds of the axes' sigmas, pixels. */
	leastSigma: number;
	greatestSigma: number;
	maxIterations: number;
	/** Whether a component may be centred here: on or close to a pixel that has a value. */
	isInside(x: number, y: number): boolean;
}

export interface FitResult {
	parameters: Float64Array;
	chi2: number;
	converged: boolean;
	iterations: number;
	/** Places of the free parameters in the full vector. */
	free: Int32Array;
	/** Errors of the free parameters if the noise were white; infinite where the pixels do not tell. */
	formalErrors: Float64Array;
}

/** The places of the parameters that move. */
export function freeParameters(freedom: readonly Freedom[]): Int32Array {
	const list: number[] = [];
	for (let c = 0; c < freedom.length; c++) for (let k = 0; k < freedom[c]; k++) list.push(c * PARAMETERS + k);
	return Int32Array.from(list);
}

/** Eigenvalues of a kernel's quadratic form, 1/(2 sigma^2): of the major axis first. */
function curvatures(a: number, b: number, c: number): [number, number] {
	const mean = (a + c) / 2;
	const half = Math.hypot((a - c) / 2, b / 2);
	return [mean - half, mean + half];
}

/** Whether a kernel has two positive axes within the bounds. */
function shapeAllowed(a: number, b: number, c: number, least: number, greatest: number): boolean {
	const [low, high] = curvatures(a, b, c);
	return low >= 1 / (2 * greatest * greatest) && high <= 1 / (2 * least * least);
}

function allowed(problem: FitProblem, parameters: Float64Array): boolean {
	const { freedom, positionLimit, leastSigma, greatestSigma, shapeRatio } = problem;
	const anchor = problem.anchor ?? problem.start;
	for (let c = 0; c < freedom.length; c++) {
		const p = c * PARAMETERS;
		if (!(Math.abs(parameters[p]) < Infinity)) return false;
		if (freedom[c] >= 3) {
			const dx = parameters[p + 1] - anchor[p + 1];
			const dy = parameters[p + 2] - anchor[p + 2];
			if (!(dx * dx + dy * dy <= positionLimit * positionLimit)) return false;
			if (!problem.isInside(parameters[p + 1], parameters[p + 2])) return false;
		}
		if (freedom[c] < 6) continue;
		const [a, b, k] = parameters.subarray(p + 3, p + 6);
		if (!shapeAllowed(a, b, k, leastSigma, greatestSigma)) return false;
		if (shapeRatio === undefined) continue;
		const now = curvatures(a, b, k);
		const then = curvatures(anchor[p + 3], anchor[p + 4], anchor[p + 5]);
		for (let axis = 0; axis < 2; axis++) {
			// Curvature goes as the inverse square of the axis.
			const growth = Math.sqrt(then[axis] / now[axis]);
			if (!(growth <= shapeRatio && growth >= 1 / shapeRatio)) return false;
		}
	}
	return true;
}

/** Model values at the pixels, and optionally their derivatives by the free parameters (row-major, one row a pixel). */
export function evaluate(
	pixels: FitPixels,
	parameters: Float64Array,
	freedom: readonly Freedom[],
	model: Float64Array,
	jacobian: Float64Array | undefined,
	columns: number,
): void {
	const { count, x, y } = pixels;
	model.fill(0, 0, count);
	let column = 0;
	for (let c = 0; c < freedom.length; c++) {
		const p = c * PARAMETERS;
		const peak = parameters[p];
		const x0 = parameters[p + 1];
		const y0 = parameters[p + 2];
		const a = parameters[p + 3];
		const b = parameters[p + 4];
		const cc = parameters[p + 5];
		const free = freedom[c];
		for (let i = 0; i < count; i++) {
			const dx = x[i] - x0;
			const dy = y[i] - y0;
			const k = Math.exp(-(a * dx * dx + b * dx * dy + cc * dy * dy));
			const value = peak * k;
			model[i] += value;
			if (jacobian === undefined) continue;
			const at = i * columns + column;
			jacobian[at] = k;
			if (free >= 3) {
				jacobian[at + 1] = value * (2 * a * dx + b * dy);
				jacobian[at + 2] = value * (b * dx + 2 * cc * dy);
			}
			if (free === 6) {
				jacobian[at + 3] = -value * dx * dx;
				jacobian[at + 4] = -value * dx * dy;
				jacobian[at + 5] = -value * dy * dy;
			}
		}
		column += free;
	}
}

function chiSquared(pixels: FitPixels, model: Float64Array): number {
	let sum = 0;
	for (let i = 0; i < pixels.count; i++) {
		const r = (pixels.data[i] - model[i]) / pixels.rms[i];
		sum += r * r;
	}
	return sum;
}

/** Relative change of chi-squared, and of a parameter in units of its formal error, at which a fit has converged. */
const CHI2_TOLERANCE = 1e-9;
const STEP_TOLERANCE = 1e-4;
/** A full step smaller than this that still lowers nothing is rounding. */
const ROUNDING_STEP = 0.01;

/**
 * Least squares with weights 1/rms^2 by Levenberg and Marquardt with analytic derivatives. Steps that leave the bounds
 * are refused as if they had raised chi-squared, so that a fit ends on its bounds or within them.
 */
export function fitGaussians(problem: FitProblem): FitResult {
	const { pixels, freedom, maxIterations } = problem;
	const free = freeParameters(freedom);
	const n = free.length;
	const { count, data, rms } = pixels;
	let parameters = problem.start.slice();
	const model = new Float64Array(count);
	const jacobian = new Float64Array(count * n);
	const hessian = new Float64Array(n * n);
	const gradient = new Float64Array(n);
	const damped = new Float64Array(n * n);
	const step = new Float64Array(n);
	evaluate(pixels, parameters, freedom, model, jacobian, n);
	let chi2 = chiSquared(pixels, model);
	let damping = 1e-3;
	let converged = false;
	let iterations = 0;
	while (!converged && iterations < maxIterations) {
		iterations++;
		hessian.fill(0);
		gradient.fill(0);
		for (let i = 0; i < count; i++) {
			const weight = 1 / (rms[i] * rms[i]);
			const residual = (data[i] - model[i]) * weight;
			const row = i * n;
			for (let p = 0; p < n; p++) {
				const j = jacobian[row + p];
				gradient[p] += j * residual;
				const scaled = j * weight;
				const at = p * n;
				for (let q = 0; q <= p; q++) hessian[at + q] += scaled * jacobian[row + q];
			}
		}
		let improved = false;
		let firstStep = Infinity;
		for (let attempt = 0; attempt < 12 && !improved; attempt++) {
			for (let p = 0; p < n; p++) {
				for (let q = 0; q <= p; q++) damped[p * n + q] = hessian[p * n + q];
				damped[p * n + p] *= 1 + damping;
				step[p] = gradient[p];
			}
			if (!choleskyFactor(damped, n)) {
				damping = Math.max(1e-6, damping * 10);
				continue;
			}
			choleskySolve(damped, n, step);
			const trial = parameters.slice();
			let largest = 0;
			for (let p = 0; p < n; p++) {
				trial[free[p]] += step[p];
				largest = Math.max(largest, Math.abs(step[p]) * Math.sqrt(hessian[p * n + p]));
			}
			if (attempt === 0) firstStep = largest;
			if (allowed(problem, trial)) {
				evaluate(pixels, trial, freedom, model, undefined, n);
				const next = chiSquared(pixels, model);
				if (next <= chi2) {
					converged = chi2 - next <= CHI2_TOLERANCE * chi2 + 1e-12 || largest < STEP_TOLERANCE;
					parameters = trial;
					chi2 = next;
					improved = true;
					damping = Math.max(1e-9, damping * 0.1);
					continue;
				}
			}
			damping = Math.max(1e-6, damping * 8);
		}
		evaluate(pixels, parameters, freedom, model, jacobian, n);
		if (!improved) {
			// No step down even with heavy damping: at the minimum within rounding, or held by the bounds.
			converged = firstStep < ROUNDING_STEP;
			break;
		}
	}
	return { parameters, chi2, converged, iterations, free, formalErrors: formalErrors(hessian, n) };
}

function formalErrors(hessian: Float64Array, n: number): Float64Array {
	const factor = hessian.slice();
	if (!choleskyFactor(factor, n)) return new Float64Array(n).fill(Infinity);
	const inverse = choleskyInverse(factor, n);
	return Float64Array.from({ length: n }, (_, p) => Math.sqrt(inverse[p * n + p]));
}
