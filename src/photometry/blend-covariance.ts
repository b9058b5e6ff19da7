import type { PixelKernel } from "../sky/beam.ts";
import { correlatedSum } from "./correlated-sum.ts";
import type { ForcedPlan } from "./forced-plan.ts";
import { kernelSquareSum } from "./kernel-overlap.ts";
import { sharedNoise } from "./noise-correlation.ts";
import { stampEnd, stampStart } from "./stamp.ts";
import { weightMap } from "./stamp-weights.ts";

/**
 * The covariance of the fluxes that were solved together, Jy^2, row-major in the order of `members`. Rows that repeat a
 * position have the values of the first one and are not listed again.
 */
export interface BlendCovariance {
	/** Rows of the input. */
	members: Int32Array;
	covariance: Float64Array;
}

/** Kernels farther apart than this many major axes share no noise worth counting (below 1e-14). */
const FAR_BEAMS = 6;

const kernelOf = (plan: ForcedPlan, s: number): PixelKernel => ({ a: plan.a[s], b: plan.b[s], c: plan.c[s] });

/**
 * P_ij = sum over x, x' of k_i(x)/n(x) rho(x - x') k_j(x')/n(x'): what correlated noise puts into the right-hand sides
 * of two members. By integrals where both stamps are whole (the local rms then comes from the diagonal of the normal
 * matrix), else summed over the pixels that are left.
 */
export function noiseOfPair(
	plan: ForcedPlan,
	first: number,
	second: number,
	firstDiagonal: number,
	secondDiagonal: number,
	whole: boolean,
): number {
	const { x, y, noiseCorrelation } = plan.input;
	const dx = x[second] - x[first];
	const dy = y[second] - y[first];
	const longest = Math.max(plan.half[first], plan.half[second]) / (plan.options.stampBeams / 2);
	if (Math.hypot(dx, dy) > FAR_BEAMS * longest) return 0;
	if (whole) {
		const k1 = kernelOf(plan, first);
		const k2 = kernelOf(plan, second);
		const perNoise = Math.sqrt((firstDiagonal * secondDiagonal) / (kernelSquareSum(k1) * kernelSquareSum(k2)));
		return sharedNoise(noiseCorrelation, k1, k2, dx, dy) * perNoise;
	}
	const { image } = plan.input;
	const bound = (start: number, end: number, limit: number) => [Math.max(0, start), Math.min(limit, end)];
	const box = (s: number, t: number) => {
		const [x0, x1] = bound(
			Math.min(stampStart(x[s], plan.half[s]), stampStart(x[t], plan.half[t])),
			Math.max(stampEnd(x[s], plan.half[s]), stampEnd(x[t], plan.half[t])),
			image.width,
		);
		const [y0, y1] = bound(
			Math.min(stampStart(y[s], plan.half[s]), stampStart(y[t], plan.half[t])),
			Math.max(stampEnd(y[s], plan.half[s]), stampEnd(y[t], plan.half[t])),
			image.height,
		);
		return { x0, x1, y0, y1 };
	};
	const { x0, x1, y0, y1 } = box(first, second);
	if (x1 <= x0 || y1 <= y0) return 0;
	const u = weightMap(plan, first, x0, x1, y0, y1).map;
	const v = first === second ? u : weightMap(plan, second, x0, x1, y0, y1).map;
	return correlatedSum(u, v, x1 - x0, y1 - y0, noiseCorrelation);
}

/** M P M for symmetric M: the covariance M = N^-1 of the normal equations makes of the noise P. */
export function sandwich(inverse: Float64Array, middle: Float64Array, n: number): Float64Array {
	const half = new Float64Array(n * n);
	const out = new Float64Array(n * n);
	multiply(inverse, middle, n, half);
	multiply(half, inverse, n, out);
	for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) out[i * n + j] = out[j * n + i];
	return out;
}

function multiply(p: Float64Array, q: Float64Array, n: number, out: Float64Array): void {
	for (let i = 0; i < n; i++) {
		for (let k = 0; k < n; k++) {
			const value = p[i * n + k];
			if (value === 0) continue;
			for (let j = 0; j < n; j++) out[i * n + j] += value * q[k * n + j];
		}
	}
}
