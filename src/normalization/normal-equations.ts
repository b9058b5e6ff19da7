/** Symmetric positive definite systems of a few unknowns, stored row by row. */

/** Inverse of a symmetric positive definite p x p matrix by Cholesky's method; undefined when it is not one. */
export function invertSymmetric(matrix: Float64Array, p: number): Float64Array | undefined {
	const lower = new Float64Array(p * p);
	for (let i = 0; i < p; i++) {
		for (let j = 0; j <= i; j++) {
			let sum = matrix[i * p + j];
			for (let k = 0; k < j; k++) sum -= lower[i * p + k] * lower[j * p + k];
			if (i === j) {
				// Relative to the diagonal: a singular matrix leaves rounding here, of either sign.
				if (!(sum > 1e-13 * matrix[i * p + i])) return undefined;
				lower[i * p + i] = Math.sqrt(sum);
			} else lower[i * p + j] = sum / lower[j * p + j];
		}
	}
	const inverse = new Float64Array(p * p);
	const column = new Float64Array(p);
	for (let c = 0; c < p; c++) {
		for (let i = 0; i < p; i++) {
			let sum = i === c ? 1 : 0;
			for (let k = 0; k < i; k++) sum -= lower[i * p + k] * column[k];
			column[i] = sum / lower[i * p + i];
		}
		for (let i = p - 1; i >= 0; i--) {
			let sum = column[i];
			for (let k = i + 1; k < p; k++) sum -= lower[k * p + i] * column[k];
			column[i] = sum / lower[i * p + i];
			inverse[i * p + c] = column[i];
		}
	}
	return inverse;
}

/** v^T M v of a p x p matrix with the row of `vectors` that begins at `offset`. */
export function quadraticForm(matrix: Float64Array, vectors: ArrayLike<number>, offset: number, p: number): number {
	let sum = 0;
	for (let i = 0; i < p; i++) {
		let row = 0;
		for (let j = 0; j < p; j++) row += matrix[i * p + j] * vectors[offset + j];
		sum += vectors[offset + i] * row;
	}
	return sum;
}

/** M v of a p x p matrix. */
export function multiply(matrix: Float64Array, vector: Float64Array, p: number): Float64Array {
	const out = new Float64Array(p);
	for (let i = 0; i < p; i++) for (let j = 0; j < p; j++) out[i] += matrix[i * p + j] * vector[j];
	return out;
}
