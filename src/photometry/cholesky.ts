/**
 * Cholesky factor L of a symmetric positive definite matrix, in place in the lower triangle (row-major, n x n).
 * Returns false, leaving the matrix half done, if it is not positive definite within rounding.
 */
export function choleskyFactor(matrix: Float64Array, n: number): boolean {
	for (let j = 0; j < n; j++) {
		const rowJ = j * n;
		const original = matrix[rowJ + j];
		let diagonal = original;
		for (let k = 0; k < j; k++) diagonal -= matrix[rowJ + k] * matrix[rowJ + k];
		if (!(diagonal > 1e-15 * original)) return false;
		const pivot = Math.sqrt(diagonal);
		matrix[rowJ + j] = pivot;
		const inverse = 1 / pivot;
		for (let i = j + 1; i < n; i++) {
			const rowI = i * n;
			let sum = matrix[rowI + j];
			for (let k = 0; k < j; k++) sum -= matrix[rowI + k] * matrix[rowJ + k];
			matrix[rowI + j] = sum * inverse;
		}
	}
	return true;
}

/** Solves L L^T x = b in place, with the factor of {@link choleskyFactor}. */
export function choleskySolve(factor: Float64Array, n: number, b: Float64Array): void {
	forwardSolve(factor, n, b);
	for (let i = n - 1; i >= 0; i--) {
		let sum = b[i];
		for (let k = i + 1; k < n; k++) sum -= factor[k * n + i] * b[k];
		b[i] = sum / factor[i * n + i];
	}
}

/** Solves L x = b in place. */
export function forwardSolve(factor: Float64Array, n: number, b: Float64Array): void {
	for (let i = 0; i < n; i++) {
		const row = i * n;
		let sum = b[i];
		for (let k = 0; k < i; k++) sum -= factor[row + k] * b[k];
		b[i] = sum / factor[row + i];
	}
}

/** The full inverse (symmetric, row-major) from the factor of {@link choleskyFactor}. */
export function choleskyInverse(factor: Float64Array, n: number): Float64Array {
	const inverse = new Float64Array(n * n);
	const column = new Float64Array(n);
	for (let j = 0; j < n; j++) {
		column.fill(0);
		column[j] = 1;
		choleskySolve(factor, n, column);
		for (let i = 0; i < n; i++) inverse[i * n + j] = column[i];
	}
	return inverse;
}

/**
 * Cholesky factor of a copy; a matrix that is singular within rounding is held by the smallest ridge, a share of its
 * largest diagonal element, that lets it be factorised.
 */
export function factorWithRidge(matrix: Float64Array, n: number): { factor: Float64Array; ridge: number } {
	let largest = 0;
	for (let i = 0; i < n; i++) largest = Math.max(largest, matrix[i * n + i]);
	for (let ridge = 0; ; ridge = ridge === 0 ? 1e-12 : ridge * 100) {
		const factor = matrix.slice();
		for (let i = 0; i < n; i++) factor[i * n + i] += ridge * largest;
		if (choleskyFactor(factor, n)) return { factor, ridge };
		// Only values that are not numbers fail with a ridge as large as the matrix.
		if (ridge > 1) return { factor: factor.fill(Number.NaN), ridge };
	}
}
