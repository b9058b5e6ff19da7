import type { ArrayBaselines } from "./window-data.ts";

/**
 * Weighted least squares of antenna delays from baseline delays, tau_p - tau_q, with the reference fixed at 0.
 * Solved by Cholesky factorisation of the normal matrix (a weighted graph Laplacian without the reference).
 *
 * @returns delays and the diagonal of the inverse (variances where weights are 1/sigma^2); NaN where not connected.
 */
export function antennaLeastSquares(
	array: ArrayBaselines,
	values: Float64Array,
	weights: Float64Array,
	reference: number,
): { solution: Float64Array; variance: Float64Array } {
	const { nAntennas, antenna1, antenna2 } = array;
	const connected = new Uint8Array(nAntennas);
	connected[reference] = 1;
	for (let grown = true; grown; ) {
		grown = false;
		for (let b = 0; b < values.length; b++) {
			if (weights[b] > 0 && connected[antenna1[b]] !== connected[antenna2[b]]) {
				connected[antenna1[b]] = 1;
				connected[antenna2[b]] = 1;
				grown = true;
			}
		}
	}
	const index = new Int32Array(nAntennas).fill(-1);
	let size = 0;
	for (let p = 0; p < nAntennas; p++) if (connected[p] !== 0 && p !== reference) index[p] = size++;
	const matrix = new Float64Array(size * size);
	const right = new Float64Array(size);
	for (let b = 0; b < values.length; b++) {
		const w = weights[b];
		if (!(w > 0)) continue;
		const i = index[antenna1[b]];
		const j = index[antenna2[b]];
		if (connected[antenna1[b]] === 0) continue;
		if (i >= 0) {
			matrix[i * size + i] += w;
			right[i] += w * values[b];
		}
		if (j >= 0) {
			matrix[j * size + j] += w;
			right[j] -= w * values[b];
		}
		if (i >= 0 && j >= 0) {
			matrix[i * size + j] -= w;
			matrix[j * size + i] -= w;
		}
	}
	for (let i = 0; i < size; i++) {
		for (let j = 0; j <= i; j++) {
			let sum = matrix[i * size + j];
			for (let k = 0; k < j; k++) sum -= matrix[i * size + k] * matrix[j * size + k];
			matrix[i * size + j] = i === j ? Math.sqrt(Math.max(sum, 1e-300)) : sum / matrix[j * size + j];
		}
	}
	const solution = new Float64Array(nAntennas).fill(Number.NaN);
	const variance = new Float64Array(nAntennas).fill(Number.NaN);
	solution[reference] = 0;
	variance[reference] = 0;
	const solve = (x: Float64Array) => {
		for (let i = 0; i < size; i++) {
			for (let k = 0; k < i; k++) x[i] -= matrix[i * size + k] * x[k];
			x[i] /= matrix[i * size + i];
		}
		for (let i = size - 1; i >= 0; i--) {
			for (let k = i + 1; k < size; k++) x[i] -= matrix[k * size + i] * x[k];
			x[i] /= matrix[i * size + i];
		}
	};
	solve(right);
	const unit = new Float64Array(size);
	for (let p = 0; p < nAntennas; p++) {
		if (index[p] < 0) continue;
		solution[p] = right[index[p]];
		unit.fill(0);
		unit[index[p]] = 1;
		solve(unit);
		variance[p] = unit[index[p]];
	}
	return { solution, variance };
}
