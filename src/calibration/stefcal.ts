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
	const ratios = new Float64Array((nAntennas * (nAntennas - 1)) / 2);
	let count = 0;
	for (let p = 0; p < nAntennas; p++) {
		if (solved[p] === 0) continue;
		for (let q = p + 1; q < nAntennas; q++) {
			const i = p * nAntennas + q;
			if (solved[q] !== 0 && n[i] > 0) ratios[count++] = Math.sqrt(d[2 * i] ** 2 + d[2 * i + 1] ** 2) / n[i];
		}
	}
	const median = count === 0 ? 1 : ratios.subarray(0, count).sort()[count >> 1];
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
			const snr = (d[2 * i] ** 2 + d[2 * i + 1] ** 2) / n[i];
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
	const { nAntennas } = cell;
	const phaseOnly = options.mode === "p";
	const dense = densePart(cell, solved);
	const { size: m, index, dRe, dIm, n } = dense;
	// Real and imaginary parts and squares apart, so that the inner loop is one run over four arrays.
	const re = new Float64Array(m);
	const im = new Float64Array(m);
	const square = new Float64Array(m);
	const nextRe = new Float64Array(m);
	const nextIm = new Float64Array(m);
	let start = 1e-300;
	for (let p = 0; p < m; p++) {
		re[p] = g[2 * index[p]];
		im[p] = g[2 * index[p] + 1];
		start += re[p] * re[p] + im[p] * im[p];
	}
	let change = Number.POSITIVE_INFINITY;
	// Convergence is judged on averaged iterates only: the plain ones oscillate around the solution by design.
	let bestChange = Number.POSITIVE_INFINITY;
	let sinceBest = 0;
	const finish = (state: CellState, iterations: number): StefcalResult => {
		for (let p = 0; p < m; p++) {
			g[2 * index[p]] = re[p];
			g[2 * index[p] + 1] = im[p];
		}
		return { state, iterations, change };
	};
	if (m === 0 || nAntennas === 0) return finish("no-data", 0);
	for (let iteration = 1; iteration <= options.maxIterations; iteration++) {
		for (let q = 0; q < m; q++) square[q] = re[q] * re[q] + im[q] * im[q];
		let moved = 0;
		let size = 0;
		const averaging = iteration % 2 === 0;
		for (let p = 0; p < m; p++) {
			let a = 0;
			let b = 0;
			let denominator = 0;
			for (let q = 0, i = p * m; q < m; q++, i++) {
				const qRe = re[q];
				const qIm = im[q];
				a += dRe[i] * qRe - dIm[i] * qIm;
				b += dRe[i] * qIm + dIm[i] * qRe;
				denominator += n[i] * square[q];
			}
			if (denominator === 0) {
				nextRe[p] = re[p];
				nextIm[p] = im[p];
				continue;
			}
			a /= denominator;
			b /= denominator;
			if (phaseOnly) {
				const length = Math.sqrt(a * a + b * b);
				if (length > 0) {
					a /= length;
					b /= length;
				}
			}
			if (averaging) {
				a = 0.5 * (a + re[p]);
				b = 0.5 * (b + im[p]);
				if (phaseOnly) {
					const length = Math.sqrt(a * a + b * b);
					if (length > 0) {
						a /= length;
						b /= length;
					}
				}
			}
			nextRe[p] = a;
			nextIm[p] = b;
			moved += (a - re[p]) ** 2 + (b - im[p]) ** 2;
			size += a * a + b * b;
		}
		re.set(nextRe);
		im.set(nextIm);
		change = Math.sqrt(moved / size);
		if (!Number.isFinite(change) || size > 1e12 * start || size < 1e-12 * start) return finish("diverged", iteration);
		if (change < options.tolerance) return finish("converged", iteration);
		if (averaging) {
			if (change < 0.95 * bestChange) {
				bestChange = change;
				sinceBest = 0;
			} else if (++sinceBest >= 8) return finish("stalled", iteration);
		}
	}
	return finish("maxed", options.maxIterations);
}

/** Rows and columns of the antennas that take part, real and imaginary parts apart. */
function densePart(cell: CellMatrix, solved: Uint8Array) {
	const { nAntennas, d, n } = cell;
	const index: number[] = [];
	for (let p = 0; p < nAntennas; p++) if (solved[p] !== 0) index.push(p);
	const m = index.length;
	const out = {
		size: m,
		index,
		dRe: new Float64Array(m * m),
		dIm: new Float64Array(m * m),
		n: new Float64Array(m * m),
	};
	for (let p = 0, i = 0; p < m; p++) {
		const row = index[p] * nAntennas;
		for (let q = 0; q < m; q++, i++) {
			const from = row + index[q];
			if (n[from] === 0) continue;
			out.dRe[i] = d[2 * from];
			out.dIm[i] = d[2 * from + 1];
			out.n[i] = n[from];
		}
	}
	return out;
}
