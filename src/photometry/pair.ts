import { noiseOfPair } from "./blend-covariance.ts";
import { LARGEST_INFLATION } from "./blend-solve.ts";
import { FORCED_FLAG } from "./flags.ts";
import { type ForcedFluxes, setFlux } from "./forced-fluxes.ts";
import type { ForcedPlan } from "./forced-plan.ts";
import { GaussianRows } from "./gaussian-rows.ts";
import { stampEnd, stampStart } from "./stamp.ts";
import { LEAST_INVERSE, type StampLoops } from "./stamp-loops.ts";

/** The kernels of the pair at hand. */
const FIRST = new GaussianRows();
const SECOND = new GaussianRows();

/**
 * A pair, the commonest blend, in closed form: what {@link BlendSolver} does for any number of members, where both stamps
 * are whole and valid, in a memory of compiled loops, and the two can be told apart. False, with nothing written, where not.
 */
export function measurePair(plan: ForcedPlan, s: number, t: number, out: ForcedFluxes): boolean {
	const { image, x, y, resolved } = plan.input;
	const { half, factor, loops } = plan;
	if (loops === undefined) return false;
	// A factor that is no number belongs to a kernel that has no integrals.
	if (!(factor[s] > 0 && factor[t] > 0)) return false;
	if ((x[s] - x[t]) ** 2 + (y[s] - y[t]) ** 2 < plan.degeneratePx ** 2) return false;
	const sx0 = stampStart(x[s], half[s]);
	const sx1 = stampEnd(x[s], half[s]);
	const sy0 = stampStart(y[s], half[s]);
	const sy1 = stampEnd(y[s], half[s]);
	const tx0 = stampStart(x[t], half[t]);
	const tx1 = stampEnd(x[t], half[t]);
	const ty0 = stampStart(y[t], half[t]);
	const ty1 = stampEnd(y[t], half[t]);
	const x0 = Math.min(sx0, tx0);
	const x1 = Math.max(sx1, tx1);
	const y0 = Math.min(sy0, ty0);
	const y1 = Math.max(sy1, ty1);
	if (!(x0 >= 0 && y0 >= 0 && x1 <= image.width && y1 <= image.height)) return false;
	// Stamps that do not touch have rows of two parts.
	if (sx0 > tx1 || tx0 > sx1 || sy0 > ty1 || ty0 > sy1) return false;
	loops.touch(sx0, sx1, sy0, sy1);
	loops.touch(tx0, tx1, ty0, ty1);
	loops.clear();
	// Rows of the upper stamp alone, of both, and of the lower one alone; of one, both and the same if it is the taller.
	const both0 = Math.max(sy0, ty0);
	const both1 = Math.min(sy1, ty1);
	const upper0 = sy0 < ty0 ? sx0 : tx0;
	const upper1 = sy0 < ty0 ? sx1 : tx1;
	const lower0 = sy1 > ty1 ? sx0 : tx0;
	const lower1 = sy1 > ty1 ? sx1 : tx1;
	if (!addRows(plan, loops, s, t, y0, both0, upper0, upper1)) return false;
	if (!addRows(plan, loops, s, t, both0, both1, x0, x1)) return false;
	if (!addRows(plan, loops, s, t, both1, y1, lower0, lower1)) return false;

	const pixels = (both0 - y0) * (upper1 - upper0) + (both1 - both0) * (x1 - x0) + (y1 - both1) * (lower1 - lower0);
	const rhs1 = loops.sum(5);
	const rhs2 = loops.sum(6);
	const n11 = loops.sum(7);
	const n12 = loops.sum(8);
	const n22 = loops.sum(9);
	const det = n11 * n22 - n12 * n12;
	if (!(det > 0 && n11 * n22 < LARGEST_INFLATION * det)) return false;
	// M = N^-1, the fluxes M b, and their covariance M P M.
	const m11 = n22 / det;
	const m12 = -n12 / det;
	const m22 = n11 / det;
	const p11 = factor[s] * n11;
	const p22 = factor[t] * n22;
	const p12 = noiseOfPair(plan, s, t, n11, n22, true);
	const flux1 = m11 * rhs1 + m12 * rhs2;
	const flux2 = m12 * rhs1 + m22 * rhs2;
	const h11 = m11 * p11 + m12 * p12;
	const h12 = m11 * p12 + m12 * p22;
	const h21 = m12 * p11 + m22 * p12;
	const h22 = m12 * p12 + m22 * p22;
	const covariance = new Float64Array(4);
	covariance[0] = h11 * m11 + h12 * m12;
	covariance[1] = covariance[2] = h11 * m12 + h12 * m22;
	covariance[3] = h21 * m12 + h22 * m22;
	const members = new Int32Array(2);
	members[0] = s;
	members[1] = t;
	out.blends.push({ members, covariance });
	const chi2 = Math.max(0, loops.sum(0) - flux1 * rhs1 - flux2 * rhs2);
	const dof = pixels - 2;
	const { limitSigma } = plan.options;
	out.localRms[s] = loops.sum(1) / loops.sum(3);
	out.localRms[t] = loops.sum(2) / loops.sum(4);
	setFlux(out, s, flux1, Math.sqrt(Math.max(0, covariance[0])), limitSigma);
	setFlux(out, t, flux2, Math.sqrt(Math.max(0, covariance[3])), limitSigma);
	out.coverage[s] = out.coverage[t] = 1;
	out.chi2[s] = out.chi2[t] = chi2;
	out.dof[s] = out.dof[t] = dof;
	out.nBlend[s] = out.nBlend[t] = 2;
	if (resolved !== undefined) {
		if (resolved[s] !== 0) out.flags[s] |= FORCED_FLAG.resolved;
		if (resolved[t] !== 0) out.flags[t] |= FORCED_FLAG.resolved;
	}
	return true;
}

/**
 * Adds pixels [x0, x1) of rows [row, end) to the sums; false if one of them is invalid. Both kernels count everywhere,
 * also where one is beyond its reach: it is nothing there.
 */
function addRows(
	plan: ForcedPlan,
	loops: StampLoops,
	s: number,
	t: number,
	row: number,
	end: number,
	x0: number,
	x1: number,
): boolean {
	if (end <= row) return true;
	const { x, y } = plan.input;
	const { a, b, c } = plan;
	// The recurrence begins at the row's first pixel: it must not have underflowed there, nor gather rounding.
	if (x1 - x0 > 500 || !FIRST.start(a[s], b[s], c[s], x0 - x[s], row - y[s], end - row)) return false;
	if (!SECOND.start(a[t], b[t], c[t], x0 - x[t], row - y[t], end - row)) return false;
	loops.addPair(FIRST, SECOND, x0, x1, row, end);
	// What is not finite poisons the sums, and a noise that is not positive shows in the least 1/n.
	return loops.sum(LEAST_INVERSE) > 0 && loops.sum(0) + loops.sum(7) + loops.sum(9) < Infinity;
}
