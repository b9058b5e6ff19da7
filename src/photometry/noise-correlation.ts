import { kernelAxes, type PixelKernel } from "../sky/beam.ts";
import { gaussianRow } from "./gaussian-row.ts";
import { GaussianRows } from "./gaussian-rows.ts";
import { kernelOverlap, kernelSquareSum } from "./kernel-overlap.ts";

/**
 * How the noise of neighbouring pixels is correlated: rho(lag), 1 at lag zero, for whole-pixel lags up to `radius` on
 * either axis and zero beyond. `table[(ly + radius) * (2 radius + 1) + lx + radius]`.
 */
export interface NoiseCorrelation {
	radius: number;
	table: Float64Array;
	/** Measured on the image, taken to be the beam's shape for want of a measurement, white, or given by the caller. */
	origin: "measured" | "beam" | "white" | "given";
	/** Independent beams that the measurement rests on; 0 when not measured. */
	beams: number;
}

/** Lags reach this many major axes: beyond, an interferometer's noise says nothing about a beam-sized estimate. */
const RADIUS_BEAMS = 3;
const LARGEST_RADIUS = 256;

/** Radius of the table, in pixels, for a beam. */
export const radiusFor = (kernel: PixelKernel): number =>
	Math.max(1, Math.min(LARGEST_RADIUS, Math.ceil(RADIUS_BEAMS * kernelAxes(kernel).majorPx)));

/** No correlation between pixels. */
export const whiteCorrelation = (): NoiseCorrelation => ({
	radius: 0,
	table: new Float64Array([1]),
	origin: "white",
	beams: 0,
});

/**
 * Correlation of Gaussian shape `kernel`, unit peak. Natural weighting gives the beam itself; white noise smoothed by a
 * kernel gives that kernel widened by sqrt(2).
 */
export function gaussianCorrelation(
	kernel: PixelKernel,
	origin: NoiseCorrelation["origin"] = "given",
): NoiseCorrelation {
	const radius = radiusFor(kernel);
	const size = 2 * radius + 1;
	const table = new Float64Array(size * size);
	for (let y = -radius; y <= radius; y++) {
		gaussianRow(table, (y + radius) * size, size, kernel.a, kernel.b, kernel.c, -radius, y);
	}
	return { radius, table, origin, beams: 0 };
}

/** The correlation assumed when none can be measured: the shape of the beam, as natural weighting gives. */
export const beamCorrelation = (beam: PixelKernel): NoiseCorrelation => gaussianCorrelation(beam, "beam");

/** Beyond it a kernel's overlap holds exp(-9) = 1e-4 of its sum: half of that of an error bar. */
const OVERLAP_EXPONENT = 9;
const ROWS = new GaussianRows();

/**
 * The noise that two unit-peak kernels an offset (dx, dy) pixels apart share, in units of the pixel variance:
 * sum over x, x' of k1(x) rho(x - x') k2(x' - D) = sum over lags of rho(lag) overlap(D - lag).
 */
export function sharedNoise(
	correlation: NoiseCorrelation,
	first: PixelKernel,
	second: PixelKernel,
	dx: number,
	dy: number,
): number {
	const { norm, kernel } = kernelOverlap(first, second);
	const { radius, table } = correlation;
	const size = 2 * radius + 1;
	// Only lags in the box about the ellipse where the overlap exceeds exp(-OVERLAP_EXPONENT) of its peak add to the sum.
	const det = 4 * kernel.a * kernel.c - kernel.b * kernel.b;
	const halfHeight = Math.sqrt((4 * kernel.a * OVERLAP_EXPONENT) / det);
	const y0 = Math.max(-radius, Math.ceil(dy - halfHeight));
	const y1 = Math.min(radius, Math.floor(dy + halfHeight));
	const halfWidth = Math.sqrt((4 * kernel.c * OVERLAP_EXPONENT) / det);
	const x0 = Math.max(-radius, Math.ceil(dx - halfWidth));
	const x1 = Math.min(radius, Math.floor(dx + halfWidth));
	const boxed = ROWS.start(kernel.a, kernel.b, kernel.c, x0 - dx, y0 - dy, y1 - y0 + 1);
	let sum = 0;
	for (let y = y0; y <= y1; y++) {
		let from = x0;
		let to = x1;
		if (!boxed) {
			// Very long kernels at a slant vanish at the box's corner: their rows begin where the ellipse does.
			const ey = y - dy;
			const centre = dx - (kernel.b * ey) / (2 * kernel.a);
			const half = Math.sqrt(Math.max(0, (OVERLAP_EXPONENT - (det / (4 * kernel.a)) * ey * ey) / kernel.a));
			from = Math.max(x0, Math.ceil(centre - half));
			to = Math.min(x1, Math.floor(centre + half));
			if (to < from || !ROWS.start(kernel.a, kernel.b, kernel.c, from - dx, ey, 1)) continue;
		}
		let { k, g } = ROWS;
		const { curve } = ROWS;
		const middle = (y + radius) * size + radius;
		for (let i = middle + from; i <= middle + to; i++) {
			sum += table[i] * k;
			k *= g;
			g *= curve;
		}
		if (boxed) ROWS.next();
	}
	return norm * Math.max(0, sum);
}

/**
 * k^T C k / k^T k: by how much correlation raises the variance of the kernel-weighted estimate. The error of an
 * isolated flux is sqrt(this / sum(k^2/n^2)). Analytic for noise of Gaussian shape: with rho of r times the beam's
 * sigma the error is 2r/sqrt(r^2 + 2) times the local rms.
 */
export const varianceFactor = (correlation: NoiseCorrelation, kernel: PixelKernel): number =>
	correlation.radius === 0 ? 1 : sharedNoise(correlation, kernel, kernel, 0, 0) / kernelSquareSum(kernel);
