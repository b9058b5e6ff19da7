import type { PixelKernel } from "../sky/beam.ts";
import { fft2d, inverseFft2d, powerOfTwoFrom } from "../sky/fft.ts";
import type { Plane } from "../sky/plane.ts";
import { kernelSum } from "./kernel-overlap.ts";
import { beamCorrelation, type NoiseCorrelation, radiusFor, whiteCorrelation } from "./noise-correlation.ts";
import { type KnownSources, SourceFreeTile } from "./source-free-tile.ts";

/** 13,000 independent beams of a typical image: errors of fluxes are then known to better than one per cent. */
const DEFAULT_PIXELS = 1 << 19;

export interface CorrelationOptions {
	/** Known sources: subtracted, and their cores masked. */
	sources?: KnownSources;
	/** Pixels brighter than this many times the noise, and one beam about them, are sources. */
	clip?: number;
	/** How many pixels to look at, spread evenly over the image. */
	maxPixels?: number;
	/** Independent beams without which no measurement is tried. */
	minBeams?: number;
}

/** Where a large image is looked at: boxes spread evenly over it, and the side of the transform that holds one. */
export interface CorrelationTiles {
	transform: number;
	boxes: { x0: number; y0: number; width: number; height: number }[];
}

export function correlationTiles(
	width: number,
	height: number,
	beam: PixelKernel,
	maxPixels = DEFAULT_PIXELS,
): CorrelationTiles {
	const radius = radiusFor(beam);
	const transform = Math.min(2048, Math.max(64, powerOfTwoFrom(8 * radius)));
	const tile = Math.max(16, transform - radius);
	const columns = Math.max(1, Math.floor(width / tile));
	const rows = Math.max(1, Math.floor(height / tile));
	const tileWidth = Math.min(tile, Math.ceil(width / columns));
	const tileHeight = Math.min(tile, Math.ceil(height / rows));
	const wanted = Math.max(1, Math.min(columns * rows, Math.round(maxPixels / (tileWidth * tileHeight))));
	// An even stride through a serpentine order spreads the tiles over the whole image.
	const stride = (columns * rows) / wanted;
	const boxes = Array.from({ length: wanted }, (_, t) => {
		const index = Math.floor((t + 0.5) * stride);
		const row = Math.floor(index / columns);
		const column = row % 2 === 0 ? index % columns : columns - 1 - (index % columns);
		return {
			x0: Math.max(0, Math.min(width - tileWidth, Math.floor((column * width) / columns))),
			y0: Math.max(0, Math.min(height - tileHeight, Math.floor((row * height) / rows))),
			width: Math.min(tileWidth, width),
			height: Math.min(tileHeight, height),
		};
	});
	return { transform, boxes };
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
	const { clip = 4, maxPixels = DEFAULT_PIXELS, minBeams = 1000, sources } = options;
	const radius = radiusFor(beam);
	const area = kernelSum(beam);
	if (!(area > 0) || !Number.isFinite(area)) return whiteCorrelation();
	const tiles = correlationTiles(image.width, image.height, beam, maxPixels);
	const { transform } = tiles;
	const power = new Float64Array(transform * transform);
	const maskPower = new Float64Array(transform * transform);
	const re = new Float64Array(transform * transform);
	const im = new Float64Array(transform * transform);
	const field = new SourceFreeTile(image, noise, background, beam, clip, sources);
	let pixels = 0;
	for (const { x0, y0, width, height } of tiles.boxes) {
		const { values, free } = field.read(x0, y0, width, height);
		let count = 0;
		let sum = 0;
		re.fill(0);
		im.fill(0);
		for (let y = 0; y < height; y++) {
			for (let x = 0; x < width; x++) {
				if (free[y * width + x] === 0) continue;
				const value = values[y * width + x];
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
