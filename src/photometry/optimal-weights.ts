import { choleskyFactor, choleskyInverse, forwardSolve } from "./cholesky.ts";
import { FORCED_FLAG, NOT_MEASURED } from "./flags.ts";
import { type ForcedFluxes, setFlux } from "./forced-fluxes.ts";
import type { ForcedPlan } from "./forced-plan.ts";
import { stampEnd, stampStart } from "./stamp.ts";

/**
 * White noise added to the correlation before it is inverted, as a share of the variance. Smooth noise has powers near
 * zero that only an exact correlation could use; a measured one is known to a per cent, and so is a beam.
 */
const RIDGE = 0.01;
/** Larger sets of pixels are thinned by a stride: smooth noise says the same on neighbouring pixels. */
const MOST_PIXELS = 400;
/** Larger groups keep their least-squares values, whose errors are as right. */
const MOST_MEMBERS = 40;
/** Members whose value is shared with others: what is reported is a sum. */
const SHARED = FORCED_FLAG.degenerate | FORCED_FLAG.duplicate;

/** Solves L^T x = b in place, reading the factor row by row. */
function backwardSolve(factor: Float64Array, n: number, b: Float64Array): void {
	for (let i = n - 1; i >= 0; i--) {
		const row = i * n;
		const value = b[i] / factor[row + i];
		b[i] = value;
		for (let k = 0; k < i; k++) b[k] -= factor[row + k] * value;
	}
}

/** Valid pixels of the stamps of a group, thinned. */
interface Pixels {
	x: Int32Array;
	y: Int32Array;
	/** Image less background over noise, and 1/noise. */
	value: Float64Array;
	inverse: Float64Array;
	/** Same for two groups: the same pixels relative to one another. */
	geometry: string | undefined;
}

/**
 * Generalised least squares, f = (K^T C^-1 K)^-1 K^T C^-1 d with C the noise covariance, for the groups that least
 * squares has measured: the weights with the smallest error. Errors are again those of the weights that are used, under
 * the noise correlation itself, so that the ridge costs a little precision and no truth. A group keeps its least-squares
 * values where these are the more precise (white noise, thinned pixels) or stand for a sum. `chi2` stays that of least squares.
 */
export function refineWithOptimalWeights(plan: ForcedPlan, out: ForcedFluxes): void {
	const { starts, members, count } = plan.groups;
	if (plan.input.noiseCorrelation.radius === 0) return;
	const factors = new Map<string, Float64Array>();
	const blendAt = new Map(out.blends.map((blend, i) => [blend.members[0], i]));
	for (let g = 0; g < count; g++) {
		const group = members.subarray(starts[g], starts[g + 1]);
		if (group.length > MOST_MEMBERS) continue;
		const measured = group.filter((s) => (out.flags[s] & NOT_MEASURED) === 0);
		// A member without a value of its own still disturbs the others: least squares knows how.
		if (measured.length !== group.length || group.some((s) => (out.flags[s] & SHARED) !== 0)) continue;
		const pixels = pixelsOf(plan, group);
		const solution = solve(plan, group, pixels, factors);
		if (solution === undefined) continue;
		const { flux, covariance } = solution;
		const m = group.length;
		const better = group.every((s, i) => covariance[i * m + i] > 0 && covariance[i * m + i] <= out.fluxErr[s] ** 2);
		if (!better) continue;
		group.forEach((s, i) => {
			setFlux(out, s, flux[i], Math.sqrt(covariance[i * m + i]), plan.options.limitSigma);
		});
		const blend = blendAt.get(group[0]);
		if (blend !== undefined) out.blends[blend] = { members: group.slice(), covariance };
	}
}

function pixelsOf(plan: ForcedPlan, group: Int32Array): Pixels {
	const { image, noise, background, x, y } = plan.input;
	const { width, height } = image;
	const seen = new Set<number>();
	let full = 0;
	for (const s of group) {
		const x0 = stampStart(x[s], plan.half[s]);
		const x1 = stampEnd(x[s], plan.half[s]);
		const y0 = stampStart(y[s], plan.half[s]);
		const y1 = stampEnd(y[s], plan.half[s]);
		full += (x1 - x0) * (y1 - y0);
		for (let row = Math.max(0, y0); row < Math.min(height, y1); row++) {
			for (let column = Math.max(0, x0); column < Math.min(width, x1); column++) {
				const p = row * width + column;
				const n = noise.data[p];
				const d = image.data[p] - (background === undefined ? 0 : background.data[p]);
				if (n > 0 && n < Infinity && Number.isFinite(d)) seen.add(p);
			}
		}
	}
	const all = [...seen].sort((p, q) => p - q);
	const stride = Math.ceil(Math.sqrt(all.length / MOST_PIXELS));
	const first = group[0];
	const [originX, originY] = [Math.round(x[first]), Math.round(y[first])];
	const kept =
		stride <= 1
			? all
			: all.filter(
					(p) => (p % width) % stride === originX % stride && Math.floor(p / width) % stride === originY % stride,
				);
	const whole = group.length === 1 && all.length === full;
	return {
		x: Int32Array.from(kept, (p) => p % width),
		y: Int32Array.from(kept, (p) => Math.floor(p / width)),
		value: Float64Array.from(
			kept,
			(p) => (image.data[p] - (background === undefined ? 0 : background.data[p])) / noise.data[p],
		),
		inverse: Float64Array.from(kept, (p) => 1 / noise.data[p]),
		geometry: whole
			? `${stampEnd(x[first], plan.half[first]) - stampStart(x[first], plan.half[first])} ${
					stampEnd(y[first], plan.half[first]) - stampStart(y[first], plan.half[first])
				} ${stride} ${originX - stampStart(x[first], plan.half[first])} ${originY - stampStart(y[first], plan.half[first])}`
			: undefined,
	};
}

/** Factor of the correlation of some pixels, ridge included; undefined when it is no correlation. */
function factorOf(plan: ForcedPlan, { x, y }: Pixels): Float64Array | undefined {
	const { radius, table } = plan.input.noiseCorrelation;
	const size = 2 * radius + 1;
	const n = x.length;
	const matrix = new Float64Array(n * n);
	for (let i = 0; i < n; i++) {
		for (let j = 0; j <= i; j++) {
			const dx = x[i] - x[j];
			const dy = y[i] - y[j];
			if (Math.abs(dx) > radius || Math.abs(dy) > radius) continue;
			matrix[i * n + j] = table[(dy + radius) * size + dx + radius];
		}
		matrix[i * n + i] += RIDGE;
	}
	return choleskyFactor(matrix, n) ? matrix : undefined;
}

function solve(
	plan: ForcedPlan,
	group: Int32Array,
	pixels: Pixels,
	factors: Map<string, Float64Array>,
): { flux: Float64Array; covariance: Float64Array } | undefined {
	const n = pixels.x.length;
	const m = group.length;
	if (n <= m) return undefined;
	const known = pixels.geometry === undefined ? undefined : factors.get(pixels.geometry);
	const factor = known ?? factorOf(plan, pixels);
	if (factor === undefined) return undefined;
	if (pixels.geometry !== undefined) factors.set(pixels.geometry, factor);
	/** The kernels over the noise, then C^-1 times them. */
	const kernels: Float64Array[] = [];
	const weights: Float64Array[] = [];
	for (const s of group) {
		const kernel = new Float64Array(n);
		for (let i = 0; i < n; i++) {
			const dx = pixels.x[i] - plan.input.x[s];
			const dy = pixels.y[i] - plan.input.y[s];
			kernel[i] = pixels.inverse[i] * Math.exp(-(plan.a[s] * dx * dx + plan.b[s] * dx * dy + plan.c[s] * dy * dy));
		}
		const weight = kernel.slice();
		forwardSolve(factor, n, weight);
		backwardSolve(factor, n, weight);
		kernels.push(kernel);
		weights.push(weight);
	}
	const normal = new Float64Array(m * m);
	const excess = new Float64Array(m * m);
	const right = new Float64Array(m);
	for (let i = 0; i < m; i++) {
		right[i] = dot(weights[i], pixels.value);
		for (let j = 0; j < m; j++) {
			normal[i * m + j] = dot(weights[i], kernels[j]);
			excess[i * m + j] = RIDGE * dot(weights[i], weights[j]);
		}
	}
	const triangle = normal.slice();
	if (!choleskyFactor(triangle, m)) return undefined;
	const inverse = choleskyInverse(triangle, m);
	const flux = new Float64Array(m);
	const covariance = new Float64Array(m * m);
	// The variance under the correlation without the ridge: N^-1 (N - ridge W^T W) N^-1.
	for (let i = 0; i < m; i++) {
		for (let j = 0; j < m; j++) {
			flux[i] += inverse[i * m + j] * right[j];
			let sum = inverse[i * m + j];
			for (let k = 0; k < m; k++) {
				for (let l = 0; l < m; l++) sum -= inverse[i * m + k] * excess[k * m + l] * inverse[l * m + j];
			}
			covariance[i * m + j] = sum;
		}
	}
	return { flux, covariance };
}

function dot(u: Float64Array, v: Float64Array): number {
	let sum = 0;
	for (let i = 0; i < u.length; i++) sum += u[i] * v[i];
	return sum;
}
