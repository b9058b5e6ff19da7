import type { Random } from "../src/simulation/random.ts";
import type { PixelKernel } from "../src/sky/beam.ts";
import { fft2d, inverseFft2d } from "../src/sky/fft.ts";
import type { Plane } from "../src/sky/plane.ts";

/** A plane of one value. */
export const flatPlane = (width: number, height: number, value: number): Plane => ({
	width,
	height,
	data: new Float32Array(width * height).fill(value),
});

/**
 * Gaussian noise of unit variance with autocorrelation of the given Gaussian shape (none: white), periodic, on a square
 * whose side is a power of two.
 */
export function correlatedNoise(random: Random, side: number, correlation: PixelKernel | undefined): Float64Array {
	const re = new Float64Array(side * side);
	for (let i = 0; i < re.length; i++) re[i] = random.normal();
	if (correlation === undefined) return re;
	const im = new Float64Array(side * side);
	const rho = new Float64Array(side * side);
	const rhoIm = new Float64Array(side * side);
	for (let y = 0; y < side; y++) {
		for (let x = 0; x < side; x++) {
			const dx = x < side / 2 ? x : x - side;
			const dy = y < side / 2 ? y : y - side;
			rho[y * side + x] = Math.exp(-(correlation.a * dx * dx + correlation.b * dx * dy + correlation.c * dy * dy));
		}
	}
	fft2d(re, im, side, side);
	fft2d(rho, rhoIm, side, side);
	for (let i = 0; i < re.length; i++) {
		const amplitude = Math.sqrt(Math.max(0, rho[i]));
		re[i] *= amplitude;
		im[i] *= amplitude;
	}
	inverseFft2d(re, im, side, side);
	return re;
}

/** The shape widened `factor` times. */
export const widened = ({ a, b, c }: PixelKernel, factor: number): PixelKernel => ({
	a: a / factor ** 2,
	b: b / factor ** 2,
	c: c / factor ** 2,
});

/** Adds a source of the given peak to a plane. */
export function addSource(plane: Plane, kernel: PixelKernel, x: number, y: number, peak: number, reach = 40): void {
	for (let row = Math.max(0, Math.ceil(y - reach)); row <= Math.min(plane.height - 1, y + reach); row++) {
		for (let column = Math.max(0, Math.ceil(x - reach)); column <= Math.min(plane.width - 1, x + reach); column++) {
			const dx = column - x;
			const dy = row - y;
			plane.data[row * plane.width + column] +=
				peak * Math.exp(-(kernel.a * dx * dx + kernel.b * dx * dy + kernel.c * dy * dy));
		}
	}
}

export const mean = (values: ArrayLike<number>): number => {
	let sum = 0;
	for (let i = 0; i < values.length; i++) sum += values[i];
	return sum / values.length;
};

export const standardDeviation = (values: ArrayLike<number>): number => {
	const centre = mean(values);
	let sum = 0;
	for (let i = 0; i < values.length; i++) sum += (values[i] - centre) ** 2;
	return Math.sqrt(sum / (values.length - 1));
};
