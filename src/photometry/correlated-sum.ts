import { fft2d, inverseFft2d, powerOfTwoFrom } from "../sky/fft.ts";
import type { NoiseCorrelation } from "./noise-correlation.ts";

/** Above this many products the sum goes through a Fourier transform. */
const DIRECT_LIMIT = 4e6;

/**
 * sum over x, x' of u(x) rho(x - x') v(x') for two maps on one small grid (row-major, width x height): the variance
 * (u = v) or covariance that correlated noise of unit variance gives to two linear estimates.
 */
export function correlatedSum(
	u: Float64Array,
	v: Float64Array,
	width: number,
	height: number,
	correlation: NoiseCorrelation,
): number {
	const { radius, table } = correlation;
	const n = width * height;
	if (radius === 0) {
		let sum = 0;
		for (let i = 0; i < n; i++) sum += u[i] * v[i];
		return sum;
	}
	const lags = (2 * radius + 1) ** 2;
	if (n * Math.min(n, lags) > DIRECT_LIMIT) return transformedSum(u, v, width, height, correlation);
	const size = 2 * radius + 1;
	// Kernels are mostly zero in the corners of their box: each row of v is read between its first and last value.
	const first = new Int32Array(height).fill(width);
	const last = new Int32Array(height);
	for (let y = 0; y < height; y++) {
		for (let x = 0; x < width; x++) {
			if (v[y * width + x] === 0) continue;
			if (first[y] > x) first[y] = x;
			last[y] = x + 1;
		}
	}
	let sum = 0;
	for (let y = 0; y < height; y++) {
		for (let x = 0; x < width; x++) {
			const value = u[y * width + x];
			if (value === 0) continue;
			// u = v: rho is even, so that the rows below are the mirror of those above.
			const y0 = u === v ? y : Math.max(0, y - radius);
			const y1 = Math.min(height, y + radius + 1);
			let inner = 0;
			for (let yy = y0; yy < y1; yy++) {
				const lag = (yy - y + radius) * size + radius - x;
				const row = yy * width;
				const x0 = Math.max(first[yy], x - radius);
				const x1 = Math.min(last[yy], x + radius + 1);
				let line = 0;
				for (let xx = x0; xx < x1; xx++) line += table[lag + xx] * v[row + xx];
				inner += u === v && yy !== y ? 2 * line : line;
			}
			sum += value * inner;
		}
	}
	return sum;
}

/** The same through the convolution theorem, zero-padded so that nothing wraps. */
function transformedSum(
	u: Float64Array,
	v: Float64Array,
	width: number,
	height: number,
	correlation: NoiseCorrelation,
): number {
	const radiusX = Math.min(correlation.radius, width - 1);
	const radiusY = Math.min(correlation.radius, height - 1);
	const size = 2 * correlation.radius + 1;
	const w = powerOfTwoFrom(width + radiusX);
	const h = powerOfTwoFrom(height + radiusY);
	const re = new Float64Array(w * h);
	const im = new Float64Array(w * h);
	for (let y = 0; y < height; y++) re.set(v.subarray(y * width, (y + 1) * width), y * w);
	for (let y = -radiusY; y <= radiusY; y++) {
		for (let x = -radiusX; x <= radiusX; x++) {
			im[((y + h) % h) * w + ((x + w) % w)] =
				correlation.table[(y + correlation.radius) * size + x + correlation.radius];
		}
	}
	// Two real maps in one transform; the product of their spectra is the spectrum of rho * v.
	fft2d(re, im, w, h);
	const productRe = new Float64Array(w * h);
	const productIm = new Float64Array(w * h);
	for (let q = 0; q < h; q++) {
		for (let p = 0; p < w; p++) {
			const i = q * w + p;
			const j = ((h - q) % h) * w + ((w - p) % w);
			const aRe = (re[i] + re[j]) / 2;
			const aIm = (im[i] - im[j]) / 2;
			const bRe = (im[i] + im[j]) / 2;
			const bIm = (re[j] - re[i]) / 2;
			productRe[i] = aRe * bRe - aIm * bIm;
			productIm[i] = aRe * bIm + aIm * bRe;
		}
	}
	inverseFft2d(productRe, productIm, w, h);
	let sum = 0;
	for (let y = 0; y < height; y++) {
		for (let x = 0; x < width; x++) sum += u[y * width + x] * productRe[y * w + x];
	}
	return sum;
}
