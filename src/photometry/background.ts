import { badInput } from "../error.ts";
import { kernelAxes, type PixelKernel } from "../sky/beam.ts";
import type { Plane } from "../sky/plane.ts";
import { kernelSum } from "./kernel-overlap.ts";
import { type BackgroundNodes, fillUnknown, interpolateRow, type NodeGrid, nodePlaces, valueAt } from "./node-grid.ts";
import { madSigma, medianOf } from "./quickselect.ts";
import { type TileMoments, tileMoments } from "./tile-moments.ts";
import { TRUNCATION, truncatedMeanShare, untruncatedSigma } from "./truncated-normal.ts";

export interface BackgroundOptions {
	/** Side of a tile in geometric-mean beam axes: the distance of the nodes. */
	stepBeams?: number;
	/** Width of the smoothing window, as the side of a box of the same second moment, in tiles. */
	boxSteps?: number;
}

/** Background and noise on the pixels of an image, Jy/beam, NaN where the image is NaN. */
export interface BackgroundNoise {
	background: Plane;
	noise: Plane;
}

export const BACKGROUND_DEFAULTS: Required<BackgroundOptions> = { stepBeams: 4, boxSteps: 8 };

/** Nodes whose window has less than this share of good pixels are unknown. */
const LEAST_VALID = 0.25;
/** Rough cells are so many tiles wide. */
const ROUGH_STEPS = 6;

/**
 * Background and noise maps of an image, in two passes.
 *
 * A rough pass takes median and median absolute deviation in coarse cells. With them bright islands (beyond 4 sigma) are
 * masked with one beam about them, and in each tile of four beams the remaining pixels within 3 sigma are summed. Sums
 * are smoothed over tiles with a window of Gaussian shape, corrected for the truncation, and interpolated bilinearly.
 * The maps have no seams, whatever the division of the work: everything is a function of the tile sums.
 *
 * @throws CausticError `blank-image` when no pixel is finite.
 */
export function backgroundAndNoise(image: Plane, beam: PixelKernel, options: BackgroundOptions = {}): BackgroundNoise {
	return renderBackground(image, backgroundNodes(image, beam, options));
}

/** Pixels from node to node for a beam. */
export function backgroundStep(beam: PixelKernel, stepBeams = BACKGROUND_DEFAULTS.stepBeams): number {
	const { majorPx, minorPx } = kernelAxes(beam);
	const step = Math.ceil(stepBeams * Math.sqrt(majorPx * minorPx));
	if (!(step > 0 && step < 1e5)) {
		throw badInput("bad-beam", "the beam has no finite positive axes on this pixel grid", { subject: "beam" });
	}
	return Math.max(8, step);
}

export function backgroundNodes(image: Plane, beam: PixelKernel, options: BackgroundOptions = {}): BackgroundNodes {
	const { stepBeams, boxSteps } = { ...BACKGROUND_DEFAULTS, ...options };
	const step = backgroundStep(beam, stepBeams);
	const rough = roughNodes(image, step * ROUGH_STEPS, Math.max(1, Math.floor(kernelAxes(beam).minorPx / 2)));
	const moments = tileMoments(image, rough, beam, step, 0, Math.ceil(image.height / step));
	return nodesFromMoments(moments, rough, image, step, boxSteps, kernelSum(beam));
}

/** Median and median absolute deviation in coarse cells, on every `stride`-th pixel. */
export function roughNodes(image: Plane, cell: number, stride: number): BackgroundNodes {
	const columns = Math.max(1, Math.round(image.width / cell));
	const rows = Math.max(1, Math.round(image.height / cell));
	const step = Math.max(image.width / columns, image.height / rows);
	const background = { columns, rows, step, values: new Float64Array(columns * rows) };
	const noise = { columns, rows, step, values: new Float64Array(columns * rows) };
	const side = Math.ceil(step / stride) + 1;
	const samples = new Float64Array(side * side);
	for (let j = 0; j < rows; j++) {
		for (let i = 0; i < columns; i++) {
			let n = 0;
			let seen = 0;
			for (let y = Math.floor(j * step); y < Math.min(image.height, (j + 1) * step); y += stride) {
				for (let x = Math.floor(i * step); x < Math.min(image.width, (i + 1) * step); x += stride) {
					const value = image.data[y * image.width + x];
					seen++;
					if (value - value === 0) samples[n++] = value;
				}
			}
			const known = n >= 16 && n >= 0.1 * seen;
			const centre = known ? medianOf(samples, n) : Number.NaN;
			background.values[j * columns + i] = centre;
			noise.values[j * columns + i] = known ? madSigma(samples, n, centre) : Number.NaN;
		}
	}
	if (!fillUnknown(background) || !fillUnknown(noise)) {
		// A few scattered pixels only: one value for all of them.
		const all = Float64Array.from(image.data.filter((value) => Number.isFinite(value)).slice(0, 1 << 20));
		if (all.length === 0) {
			throw badInput("blank-image", "no pixel of the image has a value", {
				subject: "image",
				remedy: "Leave this image out",
			});
		}
		const centre = medianOf(all, all.length);
		background.values.fill(centre);
		noise.values.fill(madSigma(all, all.length, centre));
	}
	return { background, noise };
}

/** Smooths the sums over tiles and turns them into level and noise at the nodes. */
export function nodesFromMoments(
	moments: TileMoments,
	rough: BackgroundNodes,
	image: Plane,
	step: number,
	boxSteps: number,
	beamArea: number,
): BackgroundNodes {
	const { columns, rows } = moments;
	const sigma = boxSteps / Math.sqrt(12);
	const count = smoothTiles(moments.count, columns, rows, sigma);
	const total = smoothTiles(moments.total, columns, rows, sigma);
	const sum = smoothTiles(moments.sum, columns, rows, sigma);
	const squares = smoothTiles(moments.squares, columns, rows, sigma);
	const background: NodeGrid = { columns, rows, step, values: new Float64Array(columns * rows) };
	const noise: NodeGrid = { columns, rows, step, values: new Float64Array(columns * rows) };
	const places = nodePlaces(image.width, rough.background.columns, rough.background.step);
	const rowPlaces = nodePlaces(image.height, rough.background.rows, rough.background.step);
	const middle = (tile: number, pixels: number) => Math.min(pixels - 1, Math.round((tile + 0.5) * step - 0.5));
	for (let j = 0; j < rows; j++) {
		for (let i = 0; i < columns; i++) {
			const p = j * columns + i;
			const known = count[p] >= LEAST_VALID * total[p] && count[p] * step * step > beamArea;
			const level = valueAt(rough.background, places, rowPlaces, middle(i, image.width), middle(j, image.height));
			const scale = valueAt(rough.noise, places, rowPlaces, middle(i, image.width), middle(j, image.height));
			const mean = sum[p] / count[p];
			const variance = squares[p] / count[p] - mean * mean;
			background.values[p] = known ? level + (scale * mean) / truncatedMeanShare(TRUNCATION) : Number.NaN;
			noise.values[p] = known ? scale * untruncatedSigma(Math.sqrt(Math.max(0, variance)), TRUNCATION) : Number.NaN;
		}
	}
	if (!fillUnknown(background) || !fillUnknown(noise)) {
		background.values.fill(rough.background.values[0]);
		noise.values.fill(rough.noise.values[0]);
	}
	return { background, noise };
}

/** Separable weighted sums over neighbouring tiles; weights of Gaussian shape with the given sigma in tiles, peak 1. */
function smoothTiles(values: Float64Array, columns: number, rows: number, sigma: number): Float64Array {
	const reach = Math.ceil(3 * sigma);
	const weights = Float64Array.from({ length: 2 * reach + 1 }, (_, k) =>
		Math.exp(-((k - reach) ** 2) / (2 * sigma * sigma)),
	);
	const half = new Float64Array(values.length);
	const out = new Float64Array(values.length);
	for (let j = 0; j < rows; j++) {
		for (let i = 0; i < columns; i++) {
			let sum = 0;
			for (let k = Math.max(0, i - reach); k <= Math.min(columns - 1, i + reach); k++) {
				sum += weights[k - i + reach] * values[j * columns + k];
			}
			half[j * columns + i] = sum;
		}
	}
	for (let j = 0; j < rows; j++) {
		for (let k = Math.max(0, j - reach); k <= Math.min(rows - 1, j + reach); k++) {
			const weight = weights[k - j + reach];
			for (let i = 0; i < columns; i++) out[j * columns + i] += weight * half[k * columns + i];
		}
	}
	return out;
}

/** Calls back with every row of the map that nodes describe. */
function eachRow(grid: NodeGrid, { width, height }: Plane, visit: (first: number, line: Float64Array) => void): void {
	const places = nodePlaces(width, grid.columns, grid.step);
	const rowPlaces = nodePlaces(height, grid.rows, grid.step);
	const between = new Float64Array(grid.columns + 1);
	const line = new Float64Array(width);
	for (let y = 0; y < height; y++) {
		interpolateRow(grid, places, rowPlaces, y, between, line);
		visit(y * width, line);
	}
}

/** The map of an image that nodes describe, in memory that threads can share: NaN where the image is not finite. */
export function noiseMap(image: Plane, nodes: NodeGrid, into?: Float32Array): Plane {
	const { width, height } = image;
	const data = into ?? new Float32Array(new SharedArrayBuffer(4 * width * height));
	eachRow(nodes, image, (first, line) => {
		for (let x = 0; x < width; x++) {
			const value = image.data[first + x];
			data[first + x] = value - value === 0 ? line[x] : Number.NaN;
		}
	});
	return { width, height, data };
}

/** Takes a background that nodes describe off an image, in place. */
export function subtractNodes(image: Plane, nodes: NodeGrid): void {
	const { data, width } = image;
	eachRow(nodes, image, (first, line) => {
		for (let x = 0; x < width; x++) data[first + x] -= line[x];
	});
}

/** Takes a background map off an image, in place. */
export function subtractPlane(image: Plane, background: Plane): void {
	const { data } = image;
	const base = background.data;
	for (let p = 0; p < data.length; p++) data[p] -= base[p];
}

function renderBackground(image: Plane, { background, noise }: BackgroundNodes): BackgroundNoise {
	return { background: noiseMap(image, background), noise: noiseMap(image, noise) };
}
