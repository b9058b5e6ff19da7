import { BlendSolver } from "./blend-solve.ts";
import { correlatedSum } from "./correlated-sum.ts";
import { FORCED_FLAG } from "./flags.ts";
import { emptyFluxes, type ForcedFluxes, setFlux } from "./forced-fluxes.ts";
import { type ForcedInput, type ForcedPlan, planForced } from "./forced-plan.ts";
import { gaussianRow } from "./gaussian-row.ts";
import { GaussianRows } from "./gaussian-rows.ts";
import { refineWithOptimalWeights } from "./optimal-weights.ts";
import { measurePair } from "./pair.ts";
import { stampEnd, stampStart } from "./stamp.ts";
import { LEAST_INVERSE } from "./stamp-loops.ts";
import { centralFlag, NEGLIGIBLE } from "./stamp-weights.ts";
import { validateForced } from "./validation.ts";

export type { ForcedFluxes } from "./forced-fluxes.ts";
export type { ForcedInput, ForcedOptions, ForcedPlan } from "./forced-plan.ts";

/**
 * Forced photometry: the amplitude of a known shape at known positions, by weighted least squares (weights 1/n^2).
 *
 * One row per position. An isolated source's flux is sum(d k/n^2)/sum(k^2/n^2) over a stamp; sources closer than 2.5
 * major axes, directly or in a chain, are solved together as one linear system. Errors are true standard errors: the
 * variance of the linear estimate under the given noise correlation, M Cn M^T, not the local rms.
 */
export function measureForced(input: ForcedInput): ForcedFluxes {
	const plan = planForced(input);
	const out = emptyFluxes(input.x.length);
	measureGroups(plan, out, 0, plan.groups.count);
	flagUnplaced(plan, out);
	if (plan.options.weights === "optimal") refineWithOptimalWeights(plan, out);
	validateForced(plan, out);
	return out;
}

/** Flags the sources that belong to no group because they have no position. */
export function flagUnplaced(plan: ForcedPlan, out: ForcedFluxes): void {
	for (let i = 0; i < out.flags.length; i++) {
		if (plan.groups.groupOf[i] < 0) out.flags[i] |= FORCED_FLAG.bad_position;
	}
}

/** Measures groups [from, to) of a plan. Each group depends on nothing but its own members and pixels. */
export function measureGroups(plan: ForcedPlan, out: ForcedFluxes, from: number, to: number): void {
	const { starts, members } = plan.groups;
	const solver = new BlendSolver(plan);
	for (const g of inMemoryOrder(plan, from, to)) {
		const first = starts[g];
		const size = starts[g + 1] - first;
		if (size === 1) measureSingle(plan, out, members[first]);
		else if (size !== 2 || !measurePair(plan, members[first], members[first + 1], out)) {
			solver.measure(members.subarray(first, first + size), out);
		}
	}
	// Memory order is an accident of the grid; what is reported follows the input.
	out.blends.sort((p, q) => p.members[0] - q.members[0]);
}

/** Rows of pixels that lie together in the caches. */
const BAND_ROWS = 32;

/** Groups sorted by bands of rows, so that neighbouring stamps meet memory that is already near. */
function inMemoryOrder(plan: ForcedPlan, from: number, to: number): Int32Array {
	const { starts, members } = plan.groups;
	const { y, image } = plan.input;
	const bands = Math.ceil(image.height / BAND_ROWS) + 2;
	const bandOf = (g: number) => Math.max(0, Math.min(bands - 1, 1 + Math.floor(y[members[starts[g]]] / BAND_ROWS)));
	const next = new Int32Array(bands + 1);
	for (let g = from; g < to; g++) next[bandOf(g) + 1]++;
	for (let band = 0; band < bands; band++) next[band + 1] += next[band];
	const order = new Int32Array(to - from);
	for (let g = from; g < to; g++) order[next[bandOf(g)]++] = g;
	return order;
}

function measureSingle(plan: ForcedPlan, out: ForcedFluxes, i: number): void {
	const { image, x, y, resolved } = plan.input;
	const { options } = plan;
	const half = plan.half[i];
	if (Number.isNaN(half)) {
		out.flags[i] |= FORCED_FLAG.bad_position;
		return;
	}
	const px = x[i];
	const py = y[i];
	const width = image.width;
	const fullX0 = stampStart(px, half);
	const fullX1 = stampEnd(px, half);
	const fullY0 = stampStart(py, half);
	const fullY1 = stampEnd(py, half);
	const x0 = Math.max(0, fullX0);
	const x1 = Math.min(width, fullX1);
	const y0 = Math.max(0, fullY0);
	const y1 = Math.min(image.height, fullY1);
	const clipped = x0 !== fullX0 || x1 !== fullX1 || y0 !== fullY0 || y1 !== fullY1;

	if (x1 > x0) plan.loops?.touch(x0, x1, y0, y1);
	const central = centralFlag(plan, i);
	if (central !== 0) {
		out.flags[i] |= central;
		return;
	}
	const sums = SUMS;
	let factor = plan.factor[i];
	let coverage = 1;
	if (clipped || Number.isNaN(factor) || !cleanStampSums(plan, i, x0, x1, y0, y1, sums)) {
		validStampSums(plan, i, fullX0, fullX1, fullY0, fullY1, sums);
		const count = sums[5];
		if (count < (fullX1 - fullX0) * (fullY1 - fullY0)) coverage = sums[6];
		if (clipped) out.flags[i] |= FORCED_FLAG.edge;
		if (!(coverage >= options.minCoverage) || !(sums[1] > 0)) {
			out.coverage[i] = coverage;
			out.flags[i] |= FORCED_FLAG.no_data;
			return;
		}
		if (coverage < options.partialCoverage) out.flags[i] |= FORCED_FLAG.partial;
		// By integrals where nothing is lost and the kernel is well sampled; else over the pixels that are left.
		if (coverage < 1 || Number.isNaN(factor)) {
			factor = correlatedSum(weights, weights, fullX1 - fullX0, fullY1 - fullY0, plan.input.noiseCorrelation) / sums[7];
		}
	}
	const flux = sums[0] / sums[1];
	if (resolved !== undefined && resolved[i] !== 0) out.flags[i] |= FORCED_FLAG.resolved;
	out.coverage[i] = coverage;
	out.chi2[i] = sums[2] - 2 * flux * sums[0] + flux * flux * sums[1];
	out.dof[i] = sums[5] - 1;
	out.nBlend[i] = 1;
	out.localRms[i] = sums[3] / sums[4];
	setFlux(out, i, flux, Math.sqrt(factor / sums[1]), options.limitSigma);
}

/** The kernel of the source at hand. */
const ROWS = new GaussianRows();

/**
 * Scratch of the sums over a stamp: r q, q^2, r^2, k/n, k/n^2, the number of valid pixels, and where they were tested one by one the
 * share of k^2 on them and the sum of squares of their weights.
 */
const SUMS = new Float64Array(8);

/**
 * All sums of a stamp without an invalid pixel, in one compiled pass; false if it has one. The kernel runs by recurrence
 * ({@link GaussianRows}), and validity is read off the sums: what is not finite poisons them, and a noise that is not positive
 * shows in the least 1/n.
 */
function cleanStampSums(
	plan: ForcedPlan,
	i: number,
	x0: number,
	x1: number,
	y0: number,
	y1: number,
	sums: Float64Array,
): boolean {
	const { loops } = plan;
	const { x, y } = plan.input;
	// Narrow beams at a slant begin a row below the smallest double, and very large stamps gather rounding.
	if (loops === undefined || x1 - x0 > 1000) return false;
	if (!ROWS.start(plan.a[i], plan.b[i], plan.c[i], x0 - x[i], y0 - y[i], y1 - y0)) return false;
	loops.sumStamp(ROWS, x0, x1, y0, y1);
	sums[0] = loops.sum(0);
	sums[1] = loops.sum(1);
	sums[2] = loops.sum(2);
	sums[3] = loops.sum(3);
	sums[4] = loops.sum(4);
	sums[5] = (x1 - x0) * (y1 - y0);
	return loops.sum(LEAST_INVERSE) > 0 && sums[1] + sums[2] < Infinity;
}

/** k/n of the stamp at hand, over its full box. */
let weights = new Float64Array(0);
/** One row of its kernel. */
let kernelRow = new Float64Array(0);

/**
 * The same sums over the valid pixels of any stamp, each tested by itself; the share of k^2 that they hold, and the sum of
 * squares of {@link weights}, k/n without what is negligible.
 */
function validStampSums(
	plan: ForcedPlan,
	s: number,
	x0: number,
	x1: number,
	y0: number,
	y1: number,
	sums: Float64Array,
): void {
	const { image, noise, background, x, y } = plan.input;
	const pixels = image.data;
	const rms = noise.data;
	const base = background?.data;
	const length = x1 - x0;
	if (kernelRow.length < length) kernelRow = new Float64Array(length);
	if (weights.length < length * (y1 - y0)) weights = new Float64Array(length * (y1 - y0));
	sums.fill(0);
	let all = 0;
	let held = 0;
	for (let row = y0; row < y1; row++) {
		gaussianRow(kernelRow, 0, length, plan.a[s], plan.b[s], plan.c[s], x0 - x[s], row - y[s]);
		const inside = row >= 0 && row < image.height;
		const line = (row - y0) * length;
		for (let i = 0; i < length; i++) {
			const k = kernelRow[i];
			const column = x0 + i;
			all += k * k;
			weights[line + i] = 0;
			if (!inside || column < 0 || column >= image.width) continue;
			const p = row * image.width + column;
			const n = rms[p];
			const d = base === undefined ? pixels[p] : pixels[p] - base[p];
			if (!(n > 0 && n < Infinity && Number.isFinite(d))) continue;
			held += k * k;
			const r = d / n;
			const q = k / n;
			sums[0] += r * q;
			sums[1] += q * q;
			sums[2] += r * r;
			sums[3] += q;
			sums[4] += q / n;
			sums[5]++;
			if (k > NEGLIGIBLE) {
				weights[line + i] = q;
				sums[7] += q * q;
			}
		}
	}
	sums[6] = all > 0 ? held / all : 0;
}
