import type { PixelKernel } from "../sky/beam.ts";
import { kernelSum } from "./kernel-overlap.ts";

/** Integrated flux (Jy) of a component: peak times the ratio of its area to the beam's. */
export const integratedFlux = (peak: number, kernel: PixelKernel, beam: PixelKernel): number =>
	(peak * kernelSum(kernel)) / kernelSum(beam);

/**
 * Its error from the covariance of peak and shape, every covariance included. `covariance` is square with `columns`
 * columns; the component's parameters (peak, x, y, a, b, c; as many as are free) begin at `offset`. With a fixed shape
 * the relative error is the peak's.
 */
export function integratedError(
	parameters: ArrayLike<number>,
	covariance: Float64Array,
	free: number,
	columns: number,
	offset: number,
	beam: PixelKernel,
): number {
	const peak = parameters[0];
	const a = parameters[3];
	const b = parameters[4];
	const c = parameters[5];
	const flux = integratedFlux(peak, { a, b, c }, beam);
	if (free < 6) return (Math.sqrt(covariance[offset * columns + offset]) * flux) / peak;
	// S = peak / sqrt(4ac - b^2) up to a constant.
	const det = 4 * a * c - b * b;
	const gradient = [flux / peak, 0, 0, (-2 * c * flux) / det, (b * flux) / det, (-2 * a * flux) / det];
	let variance = 0;
	for (let p = 0; p < 6; p++) {
		for (let q = 0; q < 6; q++) {
			variance += gradient[p] * gradient[q] * covariance[(offset + p) * columns + offset + q];
		}
	}
	return Math.sqrt(variance);
}
