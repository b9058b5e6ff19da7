import type { PixelKernel } from "../sky/beam.ts";
import type { Plane } from "../sky/plane.ts";
import { type BackgroundNodes, interpolateRow, nodePlaces } from "./node-grid.ts";
import { TRUNCATION } from "./truncated-normal.ts";

/**
 * Sums over the pixels of square tiles, in units of the rough noise about the rough level: per tile the share of good
 * pixels, their sum and sum of squares (each over the tile's area), and the tile's share inside the image.
 */
export interface TileMoments {
	columns: number;
	rows: number;
	count: Float64Array;
	total: Float64Array;
	sum: Float64Array;
	squares: Float64Array;
}

/** Islands beyond this many sigmas are sources, above or below. */
const ISLAND = 4;
/** The kernel's level at the edge of an island's mask: one major axis away. */
const MASK_EDGE = 1 / 16;

/** Sums of tile rows [from, to); the rest stay zero. Reads the image once, holding a strip of a few rows of masks. */
export function tileMoments(
	image: Plane,
	rough: BackgroundNodes,
	beam: PixelKernel,
	step: number,
	from: number,
	to: number,
): TileMoments {
	const { width, height } = image;
	const columns = Math.ceil(width / step);
	const rows = Math.ceil(height / step);
	const moments: TileMoments = {
		columns,
		rows,
		count: new Float64Array(columns * rows),
		total: new Float64Array(columns * rows),
		sum: new Float64Array(columns * rows),
		squares: new Float64Array(columns * rows),
	};
	const spans = maskSpans(beam);
	const reach = (spans.length - 1) / 2;
	const places = nodePlaces(width, rough.background.columns, rough.background.step);
	const rowPlaces = nodePlaces(height, rough.background.rows, rough.background.step);
	const line = new Float64Array(rough.background.columns + 1);
	const level = new Float64Array(width);
	const scale = new Float64Array(width);
	// A ring of rows: values in units of the noise, and masks that later rows may still blank.
	const ring = 2 * reach + 1;
	const values = new Float32Array(ring * width);
	const masks = new Uint8Array(ring * width);
	const firstRow = from * step;
	const lastRow = Math.min(height, to * step);
	for (let y = firstRow - reach; y < lastRow + reach; y++) {
		if (y >= 0 && y < height) {
			const slot = (y % ring) * width;
			interpolateRow(rough.background, places, rowPlaces, y, line, level);
			interpolateRow(rough.noise, places, rowPlaces, y, line, scale);
			const base = y * width;
			let runStart = -1;
			for (let x = 0; x < width; x++) {
				const z = (image.data[base + x] - level[x]) / scale[x];
				values[slot + x] = z;
				const bright = z > ISLAND || z < -ISLAND;
				if (bright && runStart < 0) runStart = x;
				if (!bright && runStart >= 0) {
					blank(masks, ring, width, height, y, runStart, x, spans);
					runStart = -1;
				}
			}
			if (runStart >= 0) blank(masks, ring, width, height, y, runStart, width, spans);
		}
		// Row y - reach has now been seen by every row that can blank it.
		const done = y - reach;
		if (done >= 0 && done < height) {
			const slot = (done % ring) * width;
			if (done >= firstRow && done < lastRow) addRow(moments, values, masks, slot, width, step, done);
			masks.fill(0, slot, slot + width);
		}
	}
	const area = 1 / (step * step);
	for (const list of [moments.count, moments.total, moments.sum, moments.squares]) {
		for (let p = 0; p < list.length; p++) list[p] *= area;
	}
	return moments;
}

function addRow(
	moments: TileMoments,
	values: Float32Array,
	masks: Uint8Array,
	slot: number,
	width: number,
	step: number,
	y: number,
): void {
	const tileRow = Math.floor(y / step) * moments.columns;
	for (let i = 0; i < moments.columns; i++) {
		const end = Math.min(width, (i + 1) * step);
		let count = 0;
		let sum = 0;
		let squares = 0;
		for (let x = i * step; x < end; x++) {
			const z = values[slot + x];
			if (masks[slot + x] === 0 && z >= -TRUNCATION && z <= TRUNCATION) {
				count++;
				sum += z;
				squares += z * z;
			}
		}
		moments.count[tileRow + i] += count;
		moments.total[tileRow + i] += end - i * step;
		moments.sum[tileRow + i] += sum;
		moments.squares[tileRow + i] += squares;
	}
}

/** Masks one beam about the bright pixels [x0, x1) of row y. */
function blank(
	masks: Uint8Array,
	ring: number,
	width: number,
	height: number,
	y: number,
	x0: number,
	x1: number,
	spans: readonly { left: number; right: number }[],
): void {
	const reach = (spans.length - 1) / 2;
	for (let dy = -reach; dy <= reach; dy++) {
		const row = y + dy;
		if (row < 0 || row >= height) continue;
		const { left, right } = spans[dy + reach];
		if (left > right) continue;
		const slot = (row % ring) * width;
		masks.fill(1, slot + Math.max(0, x0 + left), slot + Math.min(width, x1 + right));
	}
}

/** For each dy from -reach to reach the span of dx in which the kernel exceeds MASK_EDGE; empty spans have left > right. */
function maskSpans({ a, b, c }: PixelKernel): { left: number; right: number }[] {
	const exponent = -Math.log(MASK_EDGE);
	const reach = Math.max(1, Math.ceil(Math.sqrt((4 * a * exponent) / (4 * a * c - b * b))));
	return Array.from({ length: 2 * reach + 1 }, (_, k) => {
		const dy = k - reach;
		const root = b * b * dy * dy - 4 * a * (c * dy * dy - exponent);
		if (root < 0) return { left: 1, right: 0 };
		return {
			left: Math.ceil((-b * dy - Math.sqrt(root)) / (2 * a)),
			right: Math.floor((-b * dy + Math.sqrt(root)) / (2 * a)),
		};
	});
}
