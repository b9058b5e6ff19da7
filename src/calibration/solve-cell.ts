import type { NormalSums } from "./normal-sums.ts";
import {
	type CellMatrix,
	type CellState,
	emptyCell,
	enoughBaselines,
	type SolveMode,
	STEFCAL_DEFAULTS,
	startingGains,
	stefcal,
} from "./stefcal.ts";
import type { ArrayBaselines } from "./window-data.ts";

export interface CellOptions {
	mode: SolveMode;
	/** Below this signal to noise a solution is flagged. */
	minimumSnr: number;
	/** Baselines to other solved antennas that an antenna needs. */
	minimumBaselines: number;
	/** Preferred antenna of zero starting phase, compact index. Phases are referred afterwards. */
	root: number;
	tolerance?: number;
	maxIterations?: number;
}

/** Why an antenna has no solution in a cell. */
export const UNSOLVED = {
	solved: 0,
	/** No unflagged data, or fewer baselines than asked for. */
	baselines: 1,
	/** The iteration of the cell did not converge. */
	convergence: 2,
	/** Below the minimum signal to noise. */
	snr: 3,
	/** Left out before the solve: dead, flagged at input. */
	excluded: 4,
	/** Filled by interpolation over neighbouring channels; usable. */
	interpolated: 5,
} as const;

/** Solutions of many cells: the raw outcome, before reference and tables. */
export interface CellSolutions {
	readonly nCells: number;
	readonly nAntennas: number;
	/** [cell][antenna][re, im]; 1 where unsolved. */
	readonly gains: Float64Array;
	/** [cell][antenna] standard error of each of Re g and Im g. */
	readonly errors: Float64Array;
	/** [cell][antenna] |g|/error; 0 where unsolved. */
	readonly snr: Float64Array;
	/** [cell][antenna], a value of {@link UNSOLVED}. */
	readonly reasons: Uint8Array;
	readonly states: CellState[];
	readonly iterations: Int32Array;
	/** [cell] sum of w|r|^2 over the solved baselines, and of 2 x samples: their ratio is the reduced chi-squared. */
	readonly chi2: Float64Array;
	readonly dof: Float64Array;
	/** [polarisation][antenna] the same, over all cells and the antenna's solved baselines. */
	readonly antennaChi2: Float64Array;
	readonly antennaDof: Float64Array;
	/** [polarisation][baseline] the same. */
	readonly baselineChi2: Float64Array;
	readonly baselineDof: Float64Array;
}

/** Lays the sums of one cell out as a Hermitian matrix, times the weight of each baseline. */
export function loadCell(
	sums: NormalSums,
	array: ArrayBaselines,
	cellIndex: number,
	weightOf: (baseline: number) => number,
	cell: CellMatrix,
): void {
	const { nAntennas } = cell;
	const { antenna1, antenna2 } = array;
	for (let b = 0; b < sums.nBaselines; b++) {
		const i = cellIndex * sums.nBaselines + b;
		const w = weightOf(b);
		const pq = antenna1[b] * nAntennas + antenna2[b];
		const qp = antenna2[b] * nAntennas + antenna1[b];
		const re = w * sums.d[2 * i];
		const im = w * sums.d[2 * i + 1];
		cell.d[2 * pq] = re;
		cell.d[2 * pq + 1] = im;
		cell.d[2 * qp] = re;
		cell.d[2 * qp + 1] = -im;
		const n = w * sums.n[i];
		cell.n[pq] = n;
		cell.n[qp] = n;
	}
}

/**
 * Solves every cell of the sums. Weights are 1/sigma^2 of one real component per sample, so that the errors are
 * thermal ones and chi-squared is 1 for a perfect model.
 *
 * @param nPolarizations the cell index modulo this is the polarisation.
 * @param weights [polarisation][baseline] 1/sigma^2; 0 leaves a baseline out.
 * @param excluded [polarisation][antenna] 1 = not to be solved.
 */
export function solveCells(
	sums: NormalSums,
	array: ArrayBaselines,
	nPolarizations: number,
	weights: Float64Array,
	excluded: Uint8Array,
	options: CellOptions,
): CellSolutions {
	const { nAntennas, antenna1, antenna2 } = array;
	const { nCells, nBaselines } = sums;
	const out: CellSolutions = {
		nCells,
		nAntennas,
		gains: new Float64Array(2 * nCells * nAntennas),
		errors: new Float64Array(nCells * nAntennas),
		snr: new Float64Array(nCells * nAntennas),
		reasons: new Uint8Array(nCells * nAntennas),
		states: [],
		iterations: new Int32Array(nCells),
		chi2: new Float64Array(nCells),
		dof: new Float64Array(nCells),
		antennaChi2: new Float64Array(nPolarizations * nAntennas),
		antennaDof: new Float64Array(nPolarizations * nAntennas),
		baselineChi2: new Float64Array(nPolarizations * nBaselines),
		baselineDof: new Float64Array(nPolarizations * nBaselines),
	};
	const cell = emptyCell(nAntennas);
	const solved = new Uint8Array(nAntennas);
	const g = new Float64Array(2 * nAntennas);
	const least = Math.max(options.mode === "p" ? 2 : 3, options.minimumBaselines);
	const iteration = {
		mode: options.mode,
		tolerance: options.tolerance ?? STEFCAL_DEFAULTS.tolerance,
		maxIterations: options.maxIterations ?? STEFCAL_DEFAULTS.maxIterations,
	};
	// The last good cell of each polarisation is where the next one starts: neighbours in time or frequency are alike.
	const warm = Array.from({ length: nPolarizations }, () => ({ known: false, g: new Float64Array(2 * nAntennas) }));
	const took = new Uint8Array(nPolarizations * nAntennas);
	for (let c = 0; c < nCells; c++) {
		const s = c % nPolarizations;
		loadCell(sums, array, c, (b) => weights[s * nBaselines + b], cell);
		const reasons = out.reasons.subarray(c * nAntennas, (c + 1) * nAntennas);
		for (let p = 0; p < nAntennas; p++) {
			const skip = excluded[s * nAntennas + p] !== 0;
			solved[p] = skip ? 0 : 1;
			reasons[p] = skip ? UNSOLVED.excluded : UNSOLVED.solved;
		}
		let state: CellState = "no-data";
		let iterations = 0;
		let fresh = true;
		// Antennas below the minimum SNR leave, which may cost others their baselines: again, from where it stood.
		for (;;) {
			const remaining = enoughBaselines(cell, solved, least);
			if (remaining < least + 1) {
				solved.fill(0);
				if (fresh) state = "no-data";
				break;
			}
			if (fresh) {
				const near = warm[s];
				const covers = near.known && solved.every((take, p) => take === 0 || took[s * nAntennas + p] !== 0);
				if (covers) g.set(near.g);
				else startingGains(cell, solved, options.root, options.mode, g);
				const result = stefcal(cell, solved, iteration, g);
				iterations += result.iterations;
				state = result.state;
				if (covers && state !== "converged") {
					// A neighbour that misled: from the data themselves.
					startingGains(cell, solved, options.root, options.mode, g);
					const again = stefcal(cell, solved, iteration, g);
					iterations += again.iterations;
					state = again.state;
				}
			} else {
				const result = stefcal(cell, solved, iteration, g);
				iterations += result.iterations;
				state = result.state;
			}
			fresh = false;
			if (state !== "converged") break;
			let weak = 0;
			for (let p = 0; p < nAntennas; p++) {
				if (solved[p] === 0) continue;
				let information = 0;
				for (let q = 0; q < nAntennas; q++) {
					if (solved[q] !== 0) information += cell.n[p * nAntennas + q] * (g[2 * q] ** 2 + g[2 * q + 1] ** 2);
				}
				const error = 1 / Math.sqrt(information);
				const amplitude = Math.hypot(g[2 * p], g[2 * p + 1]);
				out.errors[c * nAntennas + p] = error;
				out.snr[c * nAntennas + p] = amplitude / error;
				if (!(amplitude / error >= options.minimumSnr)) {
					reasons[p] = UNSOLVED.snr;
					weak++;
				}
			}
			if (weak === 0) break;
			for (let p = 0; p < nAntennas; p++) if (reasons[p] === UNSOLVED.snr) solved[p] = 0;
		}
		out.states.push(state);
		out.iterations[c] = iterations;
		const ok = state === "converged";
		warm[s].known = ok;
		if (ok) {
			warm[s].g.set(g);
			took.set(solved, s * nAntennas);
		}
		for (let p = 0; p < nAntennas; p++) {
			const i = c * nAntennas + p;
			if (ok && solved[p] !== 0) {
				out.gains[2 * i] = g[2 * p];
				out.gains[2 * i + 1] = g[2 * p + 1];
				continue;
			}
			if (reasons[p] === UNSOLVED.solved)
				reasons[p] = ok || state === "no-data" ? UNSOLVED.baselines : UNSOLVED.convergence;
			out.gains[2 * i] = 1;
			out.errors[i] = 0;
			out.snr[i] = 0;
		}
		if (!ok) continue;
		// Real parameters of the cell, less the one phase that nothing fixes.
		let parameters = -1;
		for (let p = 0; p < nAntennas; p++) parameters += solved[p] === 0 ? 0 : options.mode === "p" ? 1 : 2;
		out.dof[c] -= parameters;
		for (let b = 0; b < nBaselines; b++) {
			const p = antenna1[b];
			const q = antenna2[b];
			const i = c * nBaselines + b;
			if (solved[p] === 0 || solved[q] === 0 || sums.count[i] === 0) continue;
			const w = weights[s * nBaselines + b];
			if (w === 0) continue;
			const gRe = g[2 * p] * g[2 * q] + g[2 * p + 1] * g[2 * q + 1];
			const gIm = g[2 * p + 1] * g[2 * q] - g[2 * p] * g[2 * q + 1];
			const residual =
				sums.p[i] - 2 * (gRe * sums.d[2 * i] + gIm * sums.d[2 * i + 1]) + (gRe * gRe + gIm * gIm) * sums.n[i];
			const chi2 = w * Math.max(0, residual);
			const dof = 2 * sums.count[i];
			out.chi2[c] += chi2;
			out.dof[c] += dof;
			out.antennaChi2[s * nAntennas + p] += chi2;
			out.antennaChi2[s * nAntennas + q] += chi2;
			out.antennaDof[s * nAntennas + p] += dof;
			out.antennaDof[s * nAntennas + q] += dof;
			out.baselineChi2[s * nBaselines + b] += chi2;
			out.baselineDof[s * nBaselines + b] += dof;
		}
	}
	return out;
}
