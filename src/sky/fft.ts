import { badInput } from "../error.ts";

/** The smallest power of two that is at least n. */
export const powerOfTwoFrom = (n: number): number => 2 ** Math.ceil(Math.log2(Math.max(1, n)));

/**
 * Discrete Fourier transform of a fixed length that is a power of two, in place, on separate real and imaginary
 * arrays: forward X[k] = sum x[j] exp(-2 pi i j k/n); the inverse carries the factor 1/n.
 *
 * Decimation in time (Cooley & Tukey 1965): bit reversal, then two binary stages at a time as one of radix four.
 */
export class Fft {
	readonly n: number;
	private readonly reversed: Uint32Array;
	private readonly cos: Float64Array;
	private readonly sin: Float64Array;

	/** @throws CausticError `bad-fft-length` when n is not a power of two from 1 to 2^26. */
	constructor(n: number) {
		if (!Number.isInteger(n) || n < 1 || n > 2 ** 26 || 2 ** Math.round(Math.log2(n)) !== n) {
			throw badInput("bad-fft-length", `${n} is not a power of two from 1 to 2^26`, { subject: "Fourier transform" });
		}
		this.n = n;
		this.reversed = new Uint32Array(n);
		for (let i = 1; i < n; i++) this.reversed[i] = (this.reversed[i >> 1] >> 1) | (i & 1 ? n >> 1 : 0);
		this.cos = new Float64Array(n);
		this.sin = new Float64Array(n);
		for (let i = 0; i < n; i++) {
			this.cos[i] = Math.cos((2 * Math.PI * i) / n);
			this.sin[i] = -Math.sin((2 * Math.PI * i) / n);
		}
	}

	/** Transforms the n values from `offset` on in place. */
	forward(re: Float64Array, im: Float64Array, offset = 0): void {
		const { n, reversed, cos, sin } = this;
		for (let i = 0; i < n; i++) {
			const j = reversed[i];
			if (j > i) {
				const p = offset + i;
				const q = offset + j;
				const r = re[p];
				re[p] = re[q];
				re[q] = r;
				const s = im[p];
				im[p] = im[q];
				im[q] = s;
			}
		}
		let length = 1;
		if (Math.log2(n) % 2 === 1) {
			for (let p = offset; p < offset + n; p += 2) {
				const r = re[p + 1];
				const s = im[p + 1];
				re[p + 1] = re[p] - r;
				im[p + 1] = im[p] - s;
				re[p] += r;
				im[p] += s;
			}
			length = 2;
		}
		for (; length < n; length *= 4) {
			const step = n / (4 * length);
			for (let j = 0; j < length; j++) {
				const c1 = cos[j * step];
				const s1 = sin[j * step];
				const c2 = cos[2 * j * step];
				const s2 = sin[2 * j * step];
				const c3 = cos[3 * j * step];
				const s3 = sin[3 * j * step];
				for (let p = offset + j; p < offset + n; p += 4 * length) {
					const q = p + length;
					const r = q + length;
					const s = r + length;
					const bRe = re[q] * c2 - im[q] * s2;
					const bIm = re[q] * s2 + im[q] * c2;
					const cRe = re[r] * c1 - im[r] * s1;
					const cIm = re[r] * s1 + im[r] * c1;
					const dRe = re[s] * c3 - im[s] * s3;
					const dIm = re[s] * s3 + im[s] * c3;
					const sumRe = re[p] + bRe;
					const sumIm = im[p] + bIm;
					const differenceRe = re[p] - bRe;
					const differenceIm = im[p] - bIm;
					const oddRe = cRe + dRe;
					const oddIm = cIm + dIm;
					// -i (c - d)
					const turnedRe = cIm - dIm;
					const turnedIm = dRe - cRe;
					re[p] = sumRe + oddRe;
					im[p] = sumIm + oddIm;
					re[q] = differenceRe + turnedRe;
					im[q] = differenceIm + turnedIm;
					re[r] = sumRe - oddRe;
					im[r] = sumIm - oddIm;
					re[s] = differenceRe - turnedRe;
					im[s] = differenceIm - turnedIm;
				}
			}
		}
	}

	/** The inverse of {@link forward}, with its 1/n. */
	inverse(re: Float64Array, im: Float64Array, offset = 0): void {
		// Exchanging the parts conjugates both sides of the transform.
		this.forward(im, re, offset);
		const scale = 1 / this.n;
		for (let p = offset; p < offset + this.n; p++) {
			re[p] *= scale;
			im[p] *= scale;
		}
	}
}

/** Columns are gathered this many at a time, so that every cache line fetched is used whole. */
const COLUMNS = 16;

function transform2d(
	re: Float64Array,
	im: Float64Array,
	width: number,
	height: number,
	direction: "forward" | "inverse",
): void {
	if (re.length !== width * height || im.length !== re.length) {
		throw badInput("bad-fft-shape", `${re.length} and ${im.length} values do not fill ${width} x ${height}`, {
			subject: "Fourier transform",
		});
	}
	const rows = new Fft(width);
	for (let y = 0; y < height; y++) rows[direction](re, im, y * width);
	const columns = width === height ? rows : new Fft(height);
	const partRe = new Float64Array(COLUMNS * height);
	const partIm = new Float64Array(COLUMNS * height);
	for (let x0 = 0; x0 < width; x0 += COLUMNS) {
		const count = Math.min(COLUMNS, width - x0);
		for (let y = 0; y < height; y++) {
			for (let k = 0; k < count; k++) {
				partRe[k * height + y] = re[y * width + x0 + k];
				partIm[k * height + y] = im[y * width + x0 + k];
			}
		}
		for (let k = 0; k < count; k++) columns[direction](partRe, partIm, k * height);
		for (let y = 0; y < height; y++) {
			for (let k = 0; k < count; k++) {
				re[y * width + x0 + k] = partRe[k * height + y];
				im[y * width + x0 + k] = partIm[k * height + y];
			}
		}
	}
}

/**
 * Two-dimensional transform in place, row-major with x fastest; width and height are powers of two.
 * Two real maps go through in one call, one in each part.
 */
export function fft2d(re: Float64Array, im: Float64Array, width: number, height: number): void {
	transform2d(re, im, width, height, "forward");
}

/** The inverse of {@link fft2d}, with its factor 1/(width height). */
export function inverseFft2d(re: Float64Array, im: Float64Array, width: number, height: number): void {
	transform2d(re, im, width, height, "inverse");
}
