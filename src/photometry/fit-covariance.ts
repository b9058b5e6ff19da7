import { choleskyInverse, factorWithRidge } from "./cholesky.ts";
import { evaluate, type FitPixels, type Freedom, freeParameters } from "./gaussian-fit.ts";
import type { NoiseCorrelation } from "./noise-correlation.ts";

/**
 * The covariance of least-squares parameters under correlated noise: H^-1 (J^T W Cn W J) H^-1 with H = J^T W J,
 * W = 1/n^2 and Cn = n n' rho (the sandwich of White 1980 with a known noise). Row-major over the free parameters, in
 * the order of `freeParameters`.
 */
export function fitCovariance(
	pixels: FitPixels,
	parameters: Float64Array,
	freedom: readonly Freedom[],
	correlation: NoiseCorrelation,
): { covariance: Float64Array; singular: boolean } {
	const n = freeParameters(freedom).length;
	const { count, x, y, rms } = pixels;
	const model = new Float64Array(count);
	const jacobian = new Float64Array(count * n);
	evaluate(pixels, parameters, freedom, model, jacobian, n);
	// U = J / n: H = U^T U and the middle of the sandwich is U^T rho U.
	for (let i = 0; i < count; i++) for (let p = 0; p < n; p++) jacobian[i * n + p] /= rms[i];
	const normal = new Float64Array(n * n);
	for (let i = 0; i < count; i++) {
		for (let p = 0; p < n; p++) {
			const value = jacobian[i * n + p];
			for (let q = 0; q <= p; q++) normal[p * n + q] += value * jacobian[i * n + q];
		}
	}
	mirror(normal, n);
	const middle = new Float64Array(n * n);
	const { radius, table } = correlation;
	const size = 2 * radius + 1;
	const row = new Float64Array(n);
	const column = Int32Array.from(x.subarray(0, count));
	const line = Int32Array.from(y.subarray(0, count));
	for (let i = 0; i < count; i++) {
		// Half of the pairs: rho is even, and the pair with itself counts half.
		for (let p = 0; p < n; p++) row[p] = 0.5 * jacobian[i * n + p];
		const cx = column[i] + radius;
		const cy = line[i] + radius;
		for (let j = 0; j < i; j++) {
			const lx = cx - column[j];
			const ly = cy - line[j];
			if (lx < 0 || ly < 0 || lx >= size || ly >= size) continue;
			const rho = table[ly * size + lx];
			const at = j * n;
			for (let p = 0; p < n; p++) row[p] += rho * jacobian[at + p];
		}
		for (let p = 0; p < n; p++) for (let q = 0; q < n; q++) middle[p * n + q] += jacobian[i * n + p] * row[q];
	}
	for (let p = 0; p < n; p++) {
		for (let q = 0; q <= p; q++) {
			const value = middle[p * n + q] + middle[q * n + p];
			middle[p * n + q] = value;
			middle[q * n + p] = value;
		}
	}
	const { factor, ridge } = factorWithRidge(normal, n);
	const inverse = choleskyInverse(factor, n);
	const half = product(inverse, middle, n);
	return { covariance: product(half, inverse, n), singular: ridge > 0 };
}

function mirror(matrix: Float64Array, n: number): void {
	for (let p = 0; p < n; p++) for (let q = 0; q < p; q++) matrix[q * n + p] = matrix[p * n + q];
}

function product(left: Float64Array, right: Float64Array, n: number): Float64Array {
	const out = new Float64Array(n * n);
	for (let i = 0; i < n; i++) {
		for (let k = 0; k < n; k++) {
			const value = left[i * n + k];
			for (let j = 0; j < n; j++) out[i * n + j] += value * right[k * n + j];
		}
	}
	return out;
}
