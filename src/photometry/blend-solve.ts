import { type BlendCovariance, noiseOfPair, sandwich } from "./blend-covariance.ts";
import { blendGroups } from "./blend-groups.ts";
import { BlendScratch, type BlendSystem, blendSystem, DENSE_LIMIT } from "./blend-system.ts";
import { choleskyInverse, choleskySolve, factorWithRidge } from "./cholesky.ts";
import { FORCED_FLAG, NOT_MEASURED } from "./flags.ts";
import { type ForcedFluxes, setFlux } from "./forced-fluxes.ts";
import type { ForcedPlan } from "./forced-plan.ts";
import { neighbourhoods, solveSparse } from "./sparse-blend.ts";
import { stampEnd, stampStart } from "./stamp.ts";
import { centralFlag, coverageOf } from "./stamp-weights.ts";

/** Positions closer than this share of the degenerate distance are one position listed twice. */
const DUPLICATE_SHARE = 0.004;
/** A member seen by less than this share of its kernel cannot disturb its neighbours: it is left out. */
const NUISANCE_COVERAGE = 0.05;
/** Variance inflated beyond this by the neighbours: the member cannot be told from them. */
export const LARGEST_INFLATION = 1e5;

/** The fluxes of a blend's parameters, and their covariance. */
interface Solution {
	flux: Float64Array;
	/** Dense, row-major; absent where the blend is too large, and `covariance` looks at a neighbourhood. */
	matrix: Float64Array | undefined;
	/** Sum of the covariance over a set of parameters: the variance of their summed flux. */
	variance(set: readonly number[]): number;
	/** By how much the neighbours raise the variance of a parameter. */
	inflation(parameter: number): number;
	/** The equations were singular within rounding and had to be held by a small ridge. */
	singular: boolean;
}

/** Solves groups of blended sources of one plan, one after the other. */
export class BlendSolver {
	private readonly plan: ForcedPlan;
	private readonly scratch = new BlendScratch();

	constructor(plan: ForcedPlan) {
		this.plan = plan;
	}

	/** Measures the members (rows of the input) of one group together. */
	measure(members: Int32Array, out: ForcedFluxes): void {
		const { plan } = this;
		const { options } = plan;
		const present = this.present(members, out);
		const parameters = closeSets(present, plan, plan.degeneratePx * DUPLICATE_SHARE);
		/** The first source at each distinct position stands for all of them. */
		const sources: number[] = [];
		for (let k = 0; k < present.length; k++) {
			const s = present[k];
			if (parameters[k] === sources.length) {
				sources.push(s);
			} else {
				out.flags[s] |= FORCED_FLAG.duplicate;
				out.flags[sources[parameters[k]]] |= FORCED_FLAG.duplicate;
			}
		}

		const system = blendSystem(plan, sources, this.scratch);
		const coverage: number[] = [];
		const kept: number[] = [];
		/** Place of each parameter among those kept; -1 when left out. */
		const place: number[] = [];
		for (let p = 0; p < sources.length; p++) {
			coverage.push(system.ownPixels[p] < system.fullPixels[p] ? coverageOf(plan, sources[p]) : 1);
			const keep = coverage[p] >= NUISANCE_COVERAGE && system.diagonal[p] > 0;
			place.push(keep ? kept.length : -1);
			if (keep) kept.push(p);
		}
		for (let k = 0; k < present.length; k++) {
			const s = present[k];
			const p = parameters[k];
			out.coverage[s] = coverage[p];
			if (system.clipped[p] === 1) out.flags[s] |= FORCED_FLAG.edge;
			if (!(coverage[p] >= options.minCoverage && place[p] >= 0)) out.flags[s] |= FORCED_FLAG.no_data;
			else if (coverage[p] < options.partialCoverage) out.flags[s] |= FORCED_FLAG.partial;
			if (plan.input.resolved !== undefined && plan.input.resolved[s] !== 0) out.flags[s] |= FORCED_FLAG.resolved;
		}
		if (kept.length === 0) return;
		const solution = kept.length <= DENSE_LIMIT ? this.dense(system, sources, kept) : this.large(system, sources, kept);
		this.report(system, sources, kept, solution, present, parameters, place, out);
		for (const s of members) if ((out.flags[s] & NOT_MEASURED) === 0) out.nBlend[s] = members.length;
	}

	/**
	 * The members whose stamps reach the image. One that has no value of its own (blank centre, just outside) still
	 * disturbs its neighbours and stays in their equations.
	 */
	private present(members: Int32Array, out: ForcedFluxes): number[] {
		const { plan } = this;
		const { x, y, image } = plan.input;
		const present: number[] = [];
		for (const s of members) {
			const half = plan.half[s];
			if (Number.isNaN(half)) {
				out.flags[s] |= FORCED_FLAG.bad_position;
				continue;
			}
			out.flags[s] |= centralFlag(plan, s);
			const inside =
				stampEnd(x[s], half) > 0 &&
				stampEnd(y[s], half) > 0 &&
				stampStart(x[s], half) < image.width &&
				stampStart(y[s], half) < image.height;
			if (inside) present.push(s);
		}
		return present;
	}

	/** P of two parameters: by integrals where both stamps are whole and well sampled, else over the pixels. */
	private sharedNoise(system: BlendSystem, sources: readonly number[], p: number, q: number): number {
		const { plan } = this;
		const s = sources[p];
		const t = sources[q];
		const whole = (m: number) => system.ownPixels[m] === system.fullPixels[m] && !Number.isNaN(plan.factor[sources[m]]);
		const both = whole(p) && whole(q);
		if (p === q && both) return plan.factor[s] * system.diagonal[p];
		return noiseOfPair(plan, s, t, system.diagonal[p], system.diagonal[q], both);
	}

	/** Covariance of a set of parameters when they alone are solved for, with the parts it is made of. */
	private covariance(system: BlendSystem, sources: readonly number[], parameters: readonly number[]) {
		const n = parameters.length;
		const normal = normalMatrix(system, parameters);
		const noise = new Float64Array(n * n);
		for (let i = 0; i < n; i++) {
			for (let j = 0; j <= i; j++) {
				noise[i * n + j] = this.sharedNoise(system, sources, parameters[i], parameters[j]);
				noise[j * n + i] = noise[i * n + j];
			}
		}
		const { factor, ridge } = factorWithRidge(normal, n);
		const inverse = choleskyInverse(factor, n);
		return { normal, factor, inverse, singular: ridge > 0, matrix: sandwich(inverse, noise, n) };
	}

	private dense(system: BlendSystem, sources: readonly number[], kept: readonly number[]): Solution {
		const n = kept.length;
		const { normal, factor, inverse, singular, matrix } = this.covariance(system, sources, kept);
		const flux = new Float64Array(n);
		for (let i = 0; i < n; i++) flux[i] = system.rhs[kept[i]];
		choleskySolve(factor, n, flux);
		return {
			flux,
			matrix,
			singular,
			inflation: (i) => inverse[i * n + i] * normal[i * n + i],
			variance: (set) => sumOver(matrix, n, set, set),
		};
	}

	/** Conjugate gradients for the fluxes; covariances from each member's neighbourhood, beyond which they vanish. */
	private large(system: BlendSystem, sources: readonly number[], kept: readonly number[]): Solution {
		const { flux, converged } = solveSparse(system, kept);
		const near = neighbourhoods(system, kept);
		const local = (set: readonly number[]) => {
			const all = [...new Set([...set, ...set.flatMap((i) => near(i))])];
			const parameters = all.map((i) => kept[i]);
			return { n: all.length, ...this.covariance(system, sources, parameters) };
		};
		return {
			flux,
			matrix: undefined,
			singular: !converged,
			inflation: (i) => {
				const { inverse, normal } = local([i]);
				return inverse[0] * normal[0];
			},
			variance: (set) => {
				const { matrix, n } = local(set);
				const first = set.map((_, i) => i);
				return sumOver(matrix, n, first, first);
			},
		};
	}

	/** Writes the values: each is one parameter, or the sum over parameters that cannot be told apart. */
	private report(
		system: BlendSystem,
		sources: readonly number[],
		kept: readonly number[],
		solution: Solution,
		present: readonly number[],
		parameters: ArrayLike<number>,
		place: readonly number[],
		out: ForcedFluxes,
	): void {
		const { plan } = this;
		const n = kept.length;
		const { flux, matrix } = solution;
		const labels = closeSets(
			kept.map((p) => sources[p]),
			plan,
			plan.degeneratePx,
		);
		const sets: number[][] = [];
		for (let i = 0; i < n; i++) {
			if (labels[i] === sets.length) sets.push([i]);
			else sets[labels[i]].push(i);
		}
		// |r - K f|^2 = r.r - 2 f.b + f.N f, and N f = b at the solution.
		let chi2 = system.squares;
		for (let i = 0; i < n; i++) chi2 -= flux[i] * system.rhs[kept[i]];
		const measured: number[] = [];
		const rows: number[][] = [];
		for (let k = 0; k < present.length; k++) {
			const s = present[k];
			if ((out.flags[s] & NOT_MEASURED) !== 0) continue;
			const p = parameters[k];
			const i = place[p];
			const set = sets[labels[i]];
			let value = 0;
			for (const j of set) value += flux[j];
			if (set.length > 1 || solution.singular || solution.inflation(i) > LARGEST_INFLATION) {
				out.flags[s] |= FORCED_FLAG.degenerate;
			}
			out.localRms[s] = system.weight[p] / system.weightOverNoise[p];
			out.chi2[s] = Math.max(0, chi2);
			out.dof[s] = Math.max(0, system.pixels - n);
			setFlux(out, s, value, Math.sqrt(Math.max(0, solution.variance(set))), plan.options.limitSigma);
			if (sources[p] === s) {
				measured.push(s);
				rows.push(set);
			}
		}
		if (matrix !== undefined && measured.length > 1) out.blends.push(covarianceOf(measured, rows, matrix, n));
	}
}

/** The covariance of the reported values, each the sum over a set of parameters. */
function covarianceOf(
	measured: readonly number[],
	rows: readonly (readonly number[])[],
	matrix: Float64Array,
	n: number,
): BlendCovariance {
	const m = measured.length;
	const covariance = new Float64Array(m * m);
	for (let i = 0; i < m; i++) {
		for (let j = 0; j < m; j++) covariance[i * m + j] = sumOver(matrix, n, rows[i], rows[j]);
	}
	return { members: Int32Array.from(measured), covariance };
}

function sumOver(matrix: Float64Array, n: number, rows: readonly number[], columns: readonly number[]): number {
	let sum = 0;
	for (const i of rows) for (const j of columns) sum += matrix[i * n + j];
	return sum;
}

function normalMatrix(system: BlendSystem, parameters: readonly number[]): Float64Array {
	const n = parameters.length;
	const { size } = system;
	const matrix = new Float64Array(n * n);
	for (let i = 0; i < n; i++) {
		const p = parameters[i];
		matrix[i * n + i] = system.diagonal[p];
		for (let j = 0; j < i; j++) {
			const q = parameters[j];
			const value = system.dense
				? system.matrix[p * size + q]
				: (system.sparse.get(Math.min(p, q) * size + Math.max(p, q)) ?? 0);
			matrix[i * n + j] = value;
			matrix[j * n + i] = value;
		}
	}
	return matrix;
}

/** Labels 0, 1, ... of the connected sets of sources closer than `radius` pixels, in order of their first member. */
function closeSets(sources: readonly number[], plan: ForcedPlan, radius: number): ArrayLike<number> {
	const { x, y } = plan.input;
	if (sources.length > 2) {
		return blendGroups(
			sources.map((s) => x[s]),
			sources.map((s) => y[s]),
			radius,
		).groupOf;
	}
	if (sources.length < 2) return [0];
	const [s, t] = sources;
	return [0, (x[s] - x[t]) ** 2 + (y[s] - y[t]) ** 2 < radius * radius ? 0 : 1];
}
