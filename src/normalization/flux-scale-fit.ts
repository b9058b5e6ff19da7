import { invertSymmetric, multiply, quadraticForm } from "./normal-equations.ts";
import { excessVariance, HUBER_VARIANCE, huberWeight, madScale, median, weightedMedian } from "./robust-location.ts";

/**
 * The robust fit behind every correction: ratios r_i = S_i / B_i of references to their baselines are described by
 * r_i = exp(phi_i . a) + noise, so that the factor is positive, c and 1/c are treated alike, and yet a faint or negative
 * measurement is as good as any other.
 */
export interface ScaleData {
	/** S / B of each reference. */
	ratio: Float64Array;
	/** (e / B)^2: variance that does not follow the factor. */
	noiseVariance: Float64Array;
	/** (b / B)^2 + tau_i^2: fractional variance, which is multiplied by the factor squared. The fitted factor is used and
	 * not the measured ratio, since otherwise a low point would be given the smaller error and pull the fit down. */
	relativeVariance: Float64Array;
	/** Values of the basis functions, reference after reference. The first is 1. */
	basis: Float64Array;
	/** Number of basis functions. */
	terms: number;
}

export interface ScaleFitOptions {
	/** References further off than this many sigma are rejected. */
	limit: number;
	/** Scatter of the references beyond noise, as other epochs of the field show it. What this image alone tells is
	 * uncertain by a fifth even with ten references: the two are combined as {@link POOLED_STRENGTH} says. */
	pooledTau?: number;
	/** Coefficients to begin with. */
	start?: Float64Array;
	/** Steps before the rejections are looked at again. Few do when the fit is one step of a larger alternation. */
	steps?: number;
}

export interface ScaleFit {
	terms: number;
	/** Of ln c. */
	coefficients: Float64Array;
	/** Covariance of the coefficients, tau included. */
	covariance: Float64Array;
	/** Covariance over the inverse of the retained references' information. */
	inflation: number;
	/** Inverse of the weighted normal matrix, for leaving references out. */
	inverse: Float64Array;
	/** Fractional scatter of the references beyond noise. */
	tau: number;
	/** Factor fitted at each reference. */
	factor: Float64Array;
	/** Variance of each ratio, tau included. */
	variance: Float64Array;
	/** Huber's weight of each reference, 0 for a rejected one. */
	weights: Float64Array;
	used: number;
	converged: boolean;
}

/** Degrees of freedom that a scatter pooled over epochs counts for; below ten references it is used alone. */
const POOLED_STRENGTH = 20;

/** One standard deviation of the weak prior that keeps gradients finite where few references bind them. */
const GRADIENT_PRIOR = 0.5;

/** Fit of ln c; undefined when there are fewer usable references than terms or no positive scale. */
export function fitScale(data: ScaleData, options: ScaleFitOptions): ScaleFit | undefined {
	const { ratio, noiseVariance, relativeVariance, basis, terms } = data;
	const n = ratio.length;
	const usable = new Uint8Array(n);
	let count = 0;
	for (let i = 0; i < n; i++) {
		const good = Number.isFinite(ratio[i]) && noiseVariance[i] + relativeVariance[i] > 0;
		usable[i] = good && Number.isFinite(noiseVariance[i] + relativeVariance[i]) ? 1 : 0;
		count += usable[i];
	}
	if (count < Math.max(1, terms)) return undefined;

	const steps = options.steps ?? 80;
	const coefficients = new Float64Array(terms);
	const pooled2 = options.pooledTau === undefined ? undefined : options.pooledTau ** 2;
	let tau2 = pooled2 ?? 0;
	let ownTau2 = 0;
	if (options.start !== undefined) coefficients.set(options.start.subarray(0, terms));
	else {
		const weights = Float64Array.from(ratio, (_, i) =>
			usable[i] === 0 ? 0 : 1 / (noiseVariance[i] + relativeVariance[i]),
		);
		let centre = weightedMedian(ratio, weights);
		if (!(centre > 0)) centre = median(ratio.filter((value, i) => usable[i] === 1 && value > 0));
		if (!(centre > 0)) return undefined;
		coefficients[0] = Math.log(centre);
		if (pooled2 === undefined && count >= 4) {
			const scatter =
				madScale(
					ratio.filter((_, i) => usable[i] === 1),
					centre,
				) / centre;
			const noise = median(noiseVariance.filter((_, i) => usable[i] === 1)) / (centre * centre);
			tau2 = Math.max(0, scatter * scatter - noise);
		}
	}

	const kept = usable.slice();
	const factor = new Float64Array(n);
	// One block: a typed array costs more to make than to fill at the size of a reference list.
	const block = new Float64Array(3 * n);
	const squared = block.subarray(0, n);
	const base = block.subarray(n, 2 * n);
	const residuals = block.subarray(2 * n);
	const variance = new Float64Array(n);
	const weights = new Float64Array(n);
	const matrix = new Float64Array(terms * terms);
	const gradient = new Float64Array(terms);
	const evaluate = () => {
		for (let i = 0; i < n; i++) {
			let eta = 0;
			for (let k = 0; k < terms; k++) eta += coefficients[k] * basis[i * terms + k];
			const c = Math.exp(Math.min(20, Math.max(-20, eta)));
			factor[i] = c;
			squared[i] = c * c;
			base[i] = noiseVariance[i] + c * c * relativeVariance[i];
			residuals[i] = ratio[i] - c;
		}
	};
	let converged = false;
	for (let pass = 0; pass < 4; pass++) {
		let retained = 0;
		for (let i = 0; i < n; i++) retained += kept[i];
		if (retained < terms) return undefined;
		converged = false;
		for (let round = 0; round < steps && !converged; round++) {
			evaluate();
			const before = tau2;
			if (pooled2 === undefined || retained >= 10) {
				const dof = retained - terms;
				ownTau2 = excessVariance(residuals, base, squared, kept, dof, options.limit, { start: ownTau2 });
				const share = pooled2 === undefined ? 1 : dof / (dof + POOLED_STRENGTH);
				tau2 = share * ownTau2 + (1 - share) * (pooled2 ?? 0);
			}
			matrix.fill(0);
			gradient.fill(0);
			for (let i = 0; i < n; i++) {
				variance[i] = base[i] + squared[i] * tau2;
				weights[i] = kept[i] === 0 ? 0 : huberWeight(residuals[i] / Math.sqrt(variance[i]));
				if (weights[i] === 0) continue;
				// Newton's method for Huber's loss: beyond the tuning the slope of psi is zero, of which a tenth is kept against
				// overshooting. Plain reweighting takes four times as many rounds.
				const slope = weights[i] === 1 ? 1 : (round < 2 ? 1 : 0.1) * weights[i];
				const w = (slope * squared[i]) / variance[i];
				const pull = (weights[i] * factor[i] * residuals[i]) / variance[i];
				for (let k = 0; k < terms; k++) {
					const phi = basis[i * terms + k];
					gradient[k] += pull * phi;
					for (let l = 0; l <= k; l++) matrix[k * terms + l] += w * phi * basis[i * terms + l];
				}
			}
			for (let k = 1; k < terms; k++) {
				matrix[k * terms + k] += 1 / GRADIENT_PRIOR ** 2;
				gradient[k] -= coefficients[k] / GRADIENT_PRIOR ** 2;
			}
			for (let k = 0; k < terms; k++) for (let l = 0; l < k; l++) matrix[l * terms + k] = matrix[k * terms + l];
			const solver = invertSymmetric(matrix, terms);
			if (solver === undefined) return undefined;
			const step = multiply(solver, gradient, terms);
			let largest = 0;
			for (let k = 0; k < terms; k++) largest = Math.max(largest, Math.abs(step[k]));
			const damping = largest > 0.5 ? 0.5 / largest : 1;
			for (let k = 0; k < terms; k++) coefficients[k] += damping * step[k];
			converged = largest < 1e-8 && Math.abs(tau2 - before) <= 1e-4 * tau2 + 1e-12;
		}
		evaluate();
		let changed = false;
		for (let i = 0; i < n; i++) {
			if (usable[i] === 0) continue;
			variance[i] = base[i] + squared[i] * tau2;
			const keep = Math.abs(residuals[i]) <= options.limit * Math.sqrt(variance[i]) ? 1 : 0;
			if (keep !== kept[i]) changed = true;
			kept[i] = keep;
			if (keep === 0) weights[i] = 0;
		}
		if (!changed) break;
	}

	// The error rests on the information of all retained references with tau inside their variances. The sandwich estimate
	// agrees with it for many references; for ten its own scatter of a fifth would be passed on to every error bar.
	matrix.fill(0);
	const weighted = new Float64Array(terms * terms);
	let used = 0;
	for (let i = 0; i < n; i++) {
		if (weights[i] === 0) continue;
		used++;
		const w = squared[i] / variance[i];
		for (let k = 0; k < terms; k++) {
			for (let l = 0; l < terms; l++) {
				const product = w * basis[i * terms + k] * basis[i * terms + l];
				matrix[k * terms + l] += product;
				weighted[k * terms + l] += weights[i] * product;
			}
		}
	}
	for (let k = 1; k < terms; k++) {
		matrix[k * terms + k] += 1 / GRADIENT_PRIOR ** 2;
		weighted[k * terms + k] += 1 / GRADIENT_PRIOR ** 2;
	}
	if (used < terms) return undefined;
	const covariance = invertSymmetric(matrix, terms);
	const inverse = invertSymmetric(weighted, terms);
	if (covariance === undefined || inverse === undefined) return undefined;
	// A scatter found from the same few residuals leaves Student's tails: variance dof / (dof - 2).
	const dof = used - terms;
	const student = pooled2 === undefined && tau2 > 0 ? (dof > 2 ? Math.min(3, dof / (dof - 2)) : 3) : 1;
	const inflation = HUBER_VARIANCE * student;
	for (let k = 0; k < covariance.length; k++) covariance[k] *= inflation;
	return {
		terms,
		coefficients,
		covariance,
		inverse,
		tau: Math.sqrt(tau2),
		factor,
		variance,
		inflation,
		weights,
		used,
		converged,
	};
}

/** c and its error at a place whose basis functions are given. */
export function scaleAt(
	fit: { coefficients: Float64Array; covariance: Float64Array; terms: number },
	basis: ArrayLike<number>,
	offset = 0,
): { correction: number; error: number } {
	let eta = 0;
	for (let k = 0; k < fit.terms; k++) eta += fit.coefficients[k] * basis[offset + k];
	const correction = Math.exp(eta);
	return { correction, error: correction * Math.sqrt(quadraticForm(fit.covariance, basis, offset, fit.terms)) };
}

/**
 * The fit without some of its references, in O(terms^2): one Newton step with the weights of the others held, which for
 * one reference is the formula of the hat matrix, and for the weighted mean the exact result.
 */
export function leaveOut(data: ScaleData, fit: ScaleFit, references: readonly number[]) {
	const { terms } = fit;
	const matrix = invertSymmetric(fit.inverse, terms);
	const information = invertSymmetric(fit.covariance, terms);
	if (matrix === undefined || information === undefined) return undefined;
	const pull = new Float64Array(terms);
	for (const i of references) {
		if (fit.weights[i] === 0) continue;
		const full = (fit.factor[i] * fit.factor[i]) / fit.variance[i];
		const w = fit.weights[i] * full;
		const g = (fit.weights[i] * fit.factor[i] * (data.ratio[i] - fit.factor[i])) / fit.variance[i];
		for (let k = 0; k < terms; k++) {
			const phi = data.basis[i * terms + k];
			pull[k] += g * phi;
			for (let l = 0; l < terms; l++) {
				matrix[k * terms + l] -= w * phi * data.basis[i * terms + l];
				information[k * terms + l] -= (full / fit.inflation) * phi * data.basis[i * terms + l];
			}
		}
	}
	const inverse = invertSymmetric(matrix, terms);
	const covariance = invertSymmetric(information, terms);
	if (inverse === undefined || covariance === undefined) return undefined;
	const step = multiply(inverse, pull, terms);
	const coefficients = fit.coefficients.map((value, k) => value - step[k]);
	return { terms, coefficients, covariance };
}

/** The fit without some of its references, made anew: weights, scatter and rejections of the others included. */
export function refitWithout(data: ScaleData, references: readonly number[], options: ScaleFitOptions) {
	const ratio = data.ratio.slice();
	for (const i of references) ratio[i] = Number.NaN;
	return fitScale({ ...data, ratio }, options);
}
