/** How the iteration of a cell ended. Only converged cells may give unflagged solutions. */
export type CellState = "converged" | "stalled" | "diverged" | "maxed" | "no-data";

/** Amplitude and phase, or phase alone. */
export type SolveMode = "ap" | "p";

export interface StefcalOptions {
	mode: SolveMode;
	/** Stop at ||dg||/||g|| below this. */
	tolerance: number;
	maxIterations: number;
}

export const STEFCAL_DEFAULTS: StefcalOptions = { mode: "ap", tolerance: 1e-6, maxIterations: 150 };

/** One cell's normal sums as full Hermitian matrices, row-major, weights applied. */
export interface CellMatrix {
	readonly nAntennas: number;
	/** [p][q][re, im]: D_pq, D_qp = conj(D_pq). */
	readonly d: Float64Array;
	/** [p][q]: N_pq, symmetric; 0 where there are no data. */
	readonly n: Float64Array;
}

export const emptyCell = (nAntennas: number): CellMatrix => ({
	nAntennas,
	d: new Float64Array(2 * nAntennas * nAntennas),
	n: new Float64Array(nAntennas * nAntennas),
});

export interface StefcalResult {
	state: CellState;
	iterations: number;
	/** Last ||dg||/||g||. */
	change: number;
}

/**
 * Antennas that keep at least `least` baselines to antennas that are themselves kept; iterated until stable.
 *
 * @param candidates 1 = may be solved; cleared in place where it may not.
 * @returns how many remain.
 */
export function enoughBaselines(cell: CellMatrix, candidates: Uint8Array, least: number): number {
	const { nAntennas, n } = cell;
	for (;;) {
		let removed = false;
		let kept = 0;
		for (let p = 0; p < nAntennas; p++) {
			if (candidates[p] === 0) continue;
			let baselines = 0;
			for (let q = 0; q < nAntennas; q++) if (candidates[q] !== 0 && n[p * nAntennas + q] > 0) baselines++;
			if (baselines < least) {
				candidates[p] = 0;
				removed = true;
			} else kept++;
		}
		if (!removed) return kept;
	}
}

/**
 * Starting gains: amplitude sqrt(median |D|/N), phases carried from the root along the tree of the best-determined
 * baselines. A start of 1 costs ten times the iterations on real data and diverges on bad data.
 *
 * @param solved 1 = take part.
 * @param root where phase is zero; the first taking part if it does not.
 */
export function startingGains(cell: CellMatrix, solved: Uint8Array, root: number, mode: SolveMode, g: Float64Array) {
	const { nAntennas, d, n } = cell;
	const ratios: number[] = [];
	for (let p = 0; p < nAntennas; p++) {
		for (let q = p + 1; q < nAntennas; q++) {
			const i = p * nAntennas + q;
			if (solved[p] !== 0 && solved[q] !== 0 && n[i] > 0) ratios.push(Math.hypot(d[2 * i], d[2 * i + 1]) / n[i]);
		}
	}
	ratios.sort((a, b) => a - b);
	const median = ratios.length === 0 ? 1 : ratios[ratios.length >> 1];
	const amplitude = mode === "p" ? 1 : Math.sqrt(median > 0 ? median : 1);
	const best = new Float64Array(nAntennas).fill(-1);
	const from = new Int32Array(nAntennas).fill(-1);
	const done = new Uint8Array(nAntennas);
	let next = solved[root] !== 0 ? root : solved.indexOf(1);
	while (next >= 0) {
		const parent = from[next];
		if (parent < 0) {
			g[2 * next] = amplitude;
			g[2 * next + 1] = 0;
		} else {
			// D_pq has the phase of g_p conj(g_q).
			const i = parent * nAntennas + next;
			const size = Math.hypot(d[2 * i], d[2 * i + 1]);
			const re = size > 0 ? d[2 * i] / size : 1;
			const im = size > 0 ? -d[2 * i + 1] / size : 0;
			g[2 * next] = g[2 * parent] * re - g[2 * parent + 1] * im;
			g[2 * next + 1] = g[2 * parent] * im + g[2 * parent + 1] * re;
		}
		done[next] = 1;
		for (let q = 0; q < nAntennas; q++) {
			const i = next * nAntennas + q;
			if (done[q] !== 0 || solved[q] === 0 || n[i] <= 0) continue;
			const snr = Math.hypot(d[2 * i], d[2 * i + 1]) / Math.sqrt(n[i]);
			if (snr > best[q]) {
				best[q] = snr;
				from[q] = next;
			}
		}
		next = -1;
		for (let q = 0; q < nAntennas; q++) {
			if (done[q] === 0 && solved[q] !== 0 && (next < 0 || best[q] > best[next])) next = q;
		}
	}
}

/**
 * Gains of one cell by alternating direction implicit iteration, g_p <- sum_q D_pq g_q / sum_q N_pq |g_q|^2, every second
 * iterate averaged with the one before (StEFCal, Salvini & Wijnholds 2014, A&A 571, A97).
 *
 * @param solved 1 = take part. An antenna whose denominator is zero keeps its start; the caller has removed it.
 * @param g [antenna][re, im], in: start, out: solution.
 */
export function stefcal(cell: CellMatrix, solved: Uint8Array, options: StefcalOptions, g: Float64Array): StefcalResult {
	const { nAntennas, d, n } = cell;
	const phaseOnly = options.mode === "p";
	const before = new Float64Array(2 * nAntennas);
	const start = Math.max(1e-300, norm(g, solved, nAntennas));
	let change = Number.POSITIVE_INFINITY;
	// Convergence is judged on averaged iterates only: the plain ones oscillate around the solution by design.
	let bestChange = Number.POSITIVE_INFINITY;
	let sinceBest = 0;
	for (let iteration = 1; iteration <= options.maxIterations; iteration++) {
		before.set(g);
		let moved = 0;
		let size = 0;
		const averaging = iteration % 2 === 0;
		for (let p = 0; p < nAntennas; p++) {
			if (solved[p] === 0) continue;
			let re = 0;
			let im = 0;
			let denominator = 0;
			const row = p * nAntennas;
			for (let q = 0; q < nAntennas; q++) {
				const weight = n[row + q];
				if (weight === 0 || solved[q] === 0) continue;
				const qRe = before[2 * q];
				const qIm = before[2 * q + 1];
				const dRe = d[2 * (row + q)];
				const dIm = d[2 * (row + q) + 1];
				re += dRe * qRe - dIm * qIm;
				im += dRe * qIm + dIm * qRe;
				denominator += weight * (qRe * qRe + qIm * qIm);
			}
			if (denominator === 0) continue;
			re /= denominator;
			im /= denominator;
			if (phaseOnly) {
				const length = Math.hypot(re, im);
				if (length > 0) {
					re /= length;
					im /= length;
				}
			}
			if (averaging) {
				re = 0.5 * (re + before[2 * p]);
				im = 0.5 * (im + before[2 * p + 1]);
				if (phaseOnly) {
					const length = Math.hypot(re, im);
					if (length > 0) {
						re /= length;
						im /= length;
					}
				}
			}
			g[2 * p] = re;
			g[2 * p + 1] = im;
			moved += (re - before[2 * p]) ** 2 + (im - before[2 * p + 1]) ** 2;
			size += re * re + im * im;
		}
		change = Math.sqrt(moved / size);
		if (!Number.isFinite(change) || size > 1e12 * start * start || size < 1e-12 * start * start) {
			return { state: "diverged", iterations: iteration, change };
		}
		if (change < options.tolerance) return { state: "converged", iterations: iteration, change };
		if (averaging) {
			if (change < 0.95 * bestChange) {
				bestChange = change;
				sinceBest = 0;
			} else if (++sinceBest >= 8) return { state: "stalled", iterations: iteration, change };
		}
	}
	return { state: "maxed", iterations: options.maxIterations, change };
}

function norm(g: Float64Array, solved: Uint8Array, nAntennas: number): number {
	let sum = 0;
	for (let p = 0; p < nAntennas; p++) if (solved[p] !== 0) sum += g[2 * p] ** 2 + g[2 * p + 1] ** 2;
	return Math.sqrt(sum);
}
