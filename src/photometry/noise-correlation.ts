import { badInput } from "../error.ts";
import { kernelAxes, type PixelKernel } from "../sky/beam.ts";
import { fft2d, inverseFft2d, powerOfTwoFrom } from "../sky/fft.ts";
import type { Plane } from "../sky/plane.ts";
import { gaussianRow } from "./gaussian-row.ts";
import { kernelOverlap, kernelSquareSum, kernelSum } from "./kernel-overlap.ts";

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

const radiusFor = (kernel: PixelKernel): number =>
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

/** exp(-16) = 1e-7. */
const OVERLAP_EXPONENT = 16;
let ROW = new Float64Array(64);

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
	// Only lags in the ellipse where the overlap exceeds 1e-7 of its peak add to the sum.
	const det = 4 * kernel.a * kernel.c - kernel.b * kernel.b;
	const halfHeight = Math.sqrt((4 * kernel.a * OVERLAP_EXPONENT) / det);
	const y0 = Math.max(-radius, Math.ceil(dy - halfHeight));
	const y1 = Math.min(radius, Math.floor(dy + halfHeight));
	if (ROW.length < size) ROW = new Float64Array(size);
	const row = ROW;
	let sum = 0;
	for (let y = y0; y <= y1; y++) {
		const ey = y - dy;
		const centre = dx - (kernel.b * ey) / (2 * kernel.a);
		const half = Math.sqrt(Math.max(0, (OVERLAP_EXPONENT - (det / (4 * kernel.a)) * ey * ey) / kernel.a));
		const x0 = Math.max(-radius, Math.ceil(centre - half));
		const x1 = Math.min(radius, Math.floor(centre + half));
		if (x1 < x0) continue;
		gaussianRow(row, 0, x1 - x0 + 1, kernel.a, kernel.b, kernel.c, x0 - dx, ey);
		const base = (y + radius) * size + radius + x0;
		for (let i = 0; i <= x1 - x0; i++) sum += table[base + i] * row[i];
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

export interface CorrelationOptions {
	/** Positions (0-based pixels) of known sources, masked with one beam about them. */
	maskX?: ArrayLike<number>;
	maskY?: ArrayLike<number>;
	/** Pixels brighter than this many times the noise, and one beam about them, are sources. */
	clip?: number;
	/** How many pixels to look at, spread evenly over the image. */
	maxPixels?: number;
	/** Independent beams without which no measurement is tried. */
	minBeams?: number;
}

/**
 * Measures the noise autocorrelation of an image: rho = IFFT|FFT(z m)|^2 / IFFT|FFT(m)|^2 with z the image in units of
 * its noise and m the mask of source-free valid pixels, summed over tiles spread over the image. The table is tapered
 * between 2 and 3 major axes and its negative powers are set to zero, so that it is a correlation (positive definite).
 * Falls back to the beam's shape where fewer than `minBeams` independent beams are free of sources.
 */
export function measureNoiseCorrelation(
	image: Plane,
	noise: Plane,
	background: Plane | undefined,
	beam: PixelKernel,
	options: CorrelationOptions = {},
): NoiseCorrelation {
	const { clip = 4, maxPixels = 1 << 20, minBeams = 1000, maskX = [], maskY = [] } = options;
	if (maskX.length !== maskY.length) {
		throw badInput("bad-mask", `${maskX.length} x for ${maskY.length} y`, { subject: "source mask" });
	}
	const radius = radiusFor(beam);
	const area = kernelSum(beam);
	if (!(area > 0) || !Number.isFinite(area)) return whiteCorrelation();
	const { width, height } = image;
	const side = Math.max(64, powerOfTwoFrom(8 * radius));
	const transform = Math.min(side, 2048);
	const tile = Math.max(16, transform - radius);
	const columns = Math.max(1, Math.floor(width / tile));
	const rows = Math.max(1, Math.floor(height / tile));
	const tileWidth = Math.min(tile, Math.ceil(width / columns));
	const tileHeight = Math.min(tile, Math.ceil(height / rows));
	const wanted = Math.max(1, Math.min(columns * rows, Math.round(maxPixels / (tileWidth * tileHeight))));
	// An even stride through a serpentine order spreads the tiles over the whole image.
	const stride = (columns * rows) / wanted;

	const power = new Float64Array(transform * transform);
	const maskPower = new Float64Array(transform * transform);
	const re = new Float64Array(transform * transform);
	const im = new Float64Array(transform * transform);
	const free = new Uint8Array(tileWidth * tileHeight);
	let pixels = 0;
	for (let t = 0; t < wanted; t++) {
		const index = Math.floor((t + 0.5) * stride);
		const tileRow = Math.floor(index / columns);
		const tileColumn = tileRow % 2 === 0 ? index % columns : columns - 1 - (index % columns);
		const x0 = Math.min(width - tileWidth, Math.floor((tileColumn * width) / columns));
		const y0 = Math.min(height - tileHeight, Math.floor((tileRow * height) / rows));
		maskTile(free, image, noise, background, beam, x0, y0, tileWidth, tileHeight, clip, maskX, maskY);
		let count = 0;
		let sum = 0;
		re.fill(0);
		im.fill(0);
		for (let y = 0; y < tileHeight; y++) {
			for (let x = 0; x < tileWidth; x++) {
				if (free[y * tileWidth + x] === 0) continue;
				const p = (y0 + y) * width + x0 + x;
				const value = (image.data[p] - (background === undefined ? 0 : background.data[p])) / noise.data[p];
				re[y * transform + x] = value;
				im[y * transform + x] = 1;
				sum += value;
				count++;
			}
		}
		if (count < 2 * area) continue;
		pixels += count;
		const mean = sum / count;
		for (let i = 0; i < re.length; i++) if (im[i] !== 0) re[i] -= mean;
		fft2d(re, im, transform, transform);
		addPowers(power, maskPower, re, im, transform);
	}
	const beams = pixels / area;
	if (beams < minBeams) return beamCorrelation(beam);

	// Both powers are real and even: one inverse transform brings back both autocorrelations.
	inverseFft2d(power, maskPower, transform, transform);
	const numerator = power;
	const denominator = maskPower;
	const at = (x: number, y: number) => ((y + transform) % transform) * transform + ((x + transform) % transform);
	const zero = numerator[0] / denominator[0];
	if (!(zero > 0)) return beamCorrelation(beam);
	const size = 2 * radius + 1;
	const table = new Float64Array(size * size);
	for (let y = -radius; y <= radius; y++) {
		for (let x = -radius; x <= radius; x++) {
			const pairs = denominator[at(x, y)];
			const rho = pairs > area ? numerator[at(x, y)] / pairs / zero : 0;
			table[(y + radius) * size + x + radius] = rho * taper(Math.hypot(x, y) / radius);
		}
	}
	return { radius, table: positiveDefinite(table, radius), origin: "measured", beams };
}

/** Marks with 1 the valid, source-free pixels of a tile. */
function maskTile(
	free: Uint8Array,
	image: Plane,
	noise: Plane,
	background: Plane | undefined,
	beam: PixelKernel,
	x0: number,
	y0: number,
	tileWidth: number,
	tileHeight: number,
	clip: number,
	maskX: ArrayLike<number>,
	maskY: ArrayLike<number>,
): void {
	const { width, height } = image;
	const reach = Math.ceil(kernelAxes(beam).majorPx);
	// One beam about a source: where the unit-peak kernel is above 1/16, an ellipse of twice the half-power size.
	const reachX = Math.ceil(Math.sqrt((Math.log(16) * 4 * beam.c) / (4 * beam.a * beam.c - beam.b * beam.b)));
	const reachY = Math.ceil(Math.sqrt((Math.log(16) * 4 * beam.a) / (4 * beam.a * beam.c - beam.b * beam.b)));
	const offsets: number[] = [];
	for (let dy = -reachY; dy <= reachY; dy++) {
		for (let dx = -reachX; dx <= reachX; dx++) {
			if (beam.a * dx * dx + beam.b * dx * dy + beam.c * dy * dy <= Math.log(16)) offsets.push(dx, dy);
		}
	}
	const blank = (cx: number, cy: number) => {
		for (let o = 0; o < offsets.length; o += 2) {
			const x = cx + offsets[o];
			const y = cy + offsets[o + 1];
			if (x >= 0 && y >= 0 && x < tileWidth && y < tileHeight) free[y * tileWidth + x] = 0;
		}
	};
	for (let y = 0; y < tileHeight; y++) {
		for (let x = 0; x < tileWidth; x++) {
			const p = (y0 + y) * width + x0 + x;
			const n = noise.data[p];
			const z = (image.data[p] - (background === undefined ? 0 : background.data[p])) / n;
			free[y * tileWidth + x] = n > 0 && Number.isFinite(z) ? 1 : 0;
		}
	}
	let valid = 0;
	for (const one of free) valid += one;
	// Bright pixels just outside the tile reach into it.
	for (let y = Math.max(0, y0 - reach); y < Math.min(height, y0 + tileHeight + reach); y++) {
		for (let x = Math.max(0, x0 - reach); x < Math.min(width, x0 + tileWidth + reach); x++) {
			const p = y * width + x;
			const n = noise.data[p];
			const z = (image.data[p] - (background === undefined ? 0 : background.data[p])) / n;
			if (n > 0 && Math.abs(z) > clip) blank(x - x0, y - y0);
		}
	}
	const brightOnly = free.slice();
	for (let s = 0; s < maskX.length; s++) {
		const x = Math.round(maskX[s]) - x0;
		const y = Math.round(maskY[s]) - y0;
		if (x > -reach && y > -reach && x < tileWidth + reach && y < tileHeight + reach) blank(x, y);
	}
	let left = 0;
	for (const one of free) left += one;
	// A catalogue so dense that little is left would select the emptiest patches only: then mask the bright ones alone.
	if (left < 0.3 * valid) free.set(brightOnly);
}

/** Adds |FFT(re part)|^2 and |FFT(im part)|^2 of two real maps that were transformed together. */
function addPowers(power: Float64Array, maskPower: Float64Array, re: Float64Array, im: Float64Array, n: number): void {
	for (let v = 0; v < n; v++) {
		const mirrorRow = ((n - v) % n) * n;
		for (let u = 0; u < n; u++) {
			const p = v * n + u;
			const q = mirrorRow + ((n - u) % n);
			const zr = (re[p] + re[q]) / 2;
			const zi = (im[p] - im[q]) / 2;
			const mr = (im[p] + im[q]) / 2;
			const mi = (re[q] - re[p]) / 2;
			power[p] += zr * zr + zi * zi;
			maskPower[p] += mr * mr + mi * mi;
		}
	}
}

/** 1 up to two thirds of the radius, then a raised cosine down to 0. */
const taper = (r: number): number => (r <= 2 / 3 ? 1 : r >= 1 ? 0 : 0.5 * (1 + Math.cos(3 * Math.PI * (r - 2 / 3))));

/** The nearest correlation whose power is nowhere negative, with 1 at lag zero. */
function positiveDefinite(table: Float64Array, radius: number): Float64Array {
	const size = 2 * radius + 1;
	const n = powerOfTwoFrom(2 * size);
	const re = new Float64Array(n * n);
	const im = new Float64Array(n * n);
	const at = (x: number, y: number) => ((y + n) % n) * n + ((x + n) % n);
	for (let y = -radius; y <= radius; y++) {
		for (let x = -radius; x <= radius; x++) re[at(x, y)] = table[(y + radius) * size + x + radius];
	}
	fft2d(re, im, n, n);
	for (let i = 0; i < re.length; i++) re[i] = Math.max(0, re[i]);
	im.fill(0);
	inverseFft2d(re, im, n, n);
	const out = new Float64Array(size * size);
	for (let y = -radius; y <= radius; y++) {
		for (let x = -radius; x <= radius; x++) out[(y + radius) * size + x + radius] = re[at(x, y)] / re[0];
	}
	return out;
}
