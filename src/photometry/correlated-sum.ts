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
	// Kernels are mostly zero in the corners of their box: each row is read between its first and last value.
	const ofV = extents(v, width, height);
	const ofU = u === v ? ofV : extents(u, width, height);
	let sum = 0;
	for (let y = 0; y < height; y++) {
		// u = v: rho is even, so that the rows below are the mirror of those above.
		const y0 = u === v ? y : Math.max(0, y - radius);
		const y1 = Math.min(height, y + radius + 1);
		for (let x = ofU.first[y]; x < ofU.last[y]; x += 4) {
			// Four pixels of u at once: each rho and each v that is read serves all of them.
			const at = y * width + x;
			const left = ofU.last[y] - x;
			const u0 = u[at];
			const u1 = left > 1 ? u[at + 1] : 0;
			const u2 = left > 2 ? u[at + 2] : 0;
			const u3 = left > 3 ? u[at + 3] : 0;
			for (let yy = y0; yy < y1; yy++) {
				const lag = (yy - y + radius) * size + radius - x;
				const row = yy * width;
				const from = ofV.first[yy];
				const to = ofV.last[yy];
				// Where all four are within the radius of the correlation.
				const x0 = Math.max(from, x + 3 - radius);
				const x1 = Math.min(to, x + radius + 1);
				let l0 = 0;
				let l1 = 0;
				let l2 = 0;
				let l3 = 0;
				if (x0 < x1) {
					let r1 = table[lag + x0 - 1];
					let r2 = table[lag + x0 - 2];
					let r3 = table[lag + x0 - 3];
					for (let xx = x0; xx < x1; xx++) {
						const value = v[row + xx];
						const r0 = table[lag + xx];
						l0 += r0 * value;
						l1 += r1 * value;
						l2 += r2 * value;
						l3 += r3 * value;
						r3 = r2;
						r2 = r1;
						r1 = r0;
					}
				}
				const line = u0 * l0 + u1 * l1 + u2 * l2 + u3 * l3;
				sum += u === v && yy !== y ? 2 * line : line;
				if (from >= x0 && to <= x1) continue;
				// Where only some of them are.
				for (let xx = Math.max(from, x - radius); xx < Math.min(to, x + radius + 4); xx++) {
					if (xx >= x0 && xx < x1) continue;
					for (let j = 0; j < Math.min(4, left); j++) {
						if (Math.abs(xx - x - j) > radius) continue;
						const product = u[at + j] * table[lag + xx - j] * v[row + xx];
						sum += u === v && yy !== y ? 2 * product : product;
					}
				}
			}
		}
	}
	return sum;
}

/** First and one past the last value of each row that is not zero; `width` and 0 where there is none. */
function extents(map: Float64Array, width: number, height: number): { first: Int32Array; last: Int32Array } {
	const first = new Int32Array(height).fill(width);
	const last = new Int32Array(height);
	for (let y = 0; y < height; y++) {
		const row = y * width;
		let x = 0;
		while (x < width && map[row + x] === 0) x++;
		if (x === width) continue;
		first[y] = x;
		let end = width;
		while (map[row + end - 1] === 0) end--;
		last[y] = end;
	}
	return { first, last };
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
