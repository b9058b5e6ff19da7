import type { Plane } from "../sky/plane.ts";

/** Pixels joined by sides or corners that exceed the flood level, at least one of them the seed level. */
export interface Island {
	/** From 1, in raster order of the first pixel. */
	id: number;
	/** Triplets (y, x from, x to exclusive), in raster order. */
	runs: Int32Array;
	pixels: number;
	/** Bounding box, ends exclusive. */
	x0: number;
	x1: number;
	y0: number;
	y1: number;
	/** Greatest value in units of the noise. */
	peakSnr: number;
}

export interface MapSet {
	/** Jy/beam. */
	image: Plane;
	noise: Plane;
	background?: Plane;
}

/** Runs of pixels above the flood level in raster order: (y, x from, x to exclusive) triplets, and their highest SNR. */
class Runs {
	count = 0;
	place = new Int32Array(3 * 1024);
	peak = new Float64Array(1024);

	add(y: number, from: number, to: number, peak: number): void {
		if (this.count === this.peak.length) {
			const place = new Int32Array(2 * this.place.length);
			place.set(this.place);
			this.place = place;
			const more = new Float64Array(2 * this.peak.length);
			more.set(this.peak);
			this.peak = more;
		}
		const at = 3 * this.count;
		this.place[at] = y;
		this.place[at + 1] = from;
		this.place[at + 2] = to;
		this.peak[this.count++] = peak;
	}

	/** Adds what exceeds the flood level in pixels [x0, x1) of row y. */
	scan(maps: MapSet, y: number, x0: number, x1: number, flood: number, sign: 1 | -1): void {
		const pixels = maps.image.data;
		const rms = maps.noise.data;
		const base = maps.background?.data;
		const row = y * maps.image.width;
		let from = -1;
		let highest = 0;
		for (let x = x0; x < x1; x++) {
			const p = row + x;
			const n = rms[p];
			const d = base === undefined ? sign * pixels[p] : sign * (pixels[p] - base[p]);
			// An infinite noise fails the first test, NaN fails either.
			if (d > flood * n && n > 0 && d < Infinity) {
				const snr = d / n;
				if (from < 0) {
					from = x;
					highest = snr;
				} else if (snr > highest) {
					highest = snr;
				}
			} else if (from >= 0) {
				this.add(y, from, x, highest);
				from = -1;
			}
		}
		if (from >= 0) this.add(y, from, x1, highest);
	}
}

/**
 * Labels islands by runs with union-find, in one pass over the image. With `sign` -1 islands of negative sources.
 * Pixels without a positive finite noise are in no island, so that a zero in a noise map joins nothing.
 */
export function findIslands(maps: MapSet, flood: number, seed: number, sign: 1 | -1 = 1): Island[] {
	const runs = new Runs();
	for (let y = 0; y < maps.image.height; y++) runs.scan(maps, y, 0, maps.image.width, flood, sign);
	return labelled(runs, seed, 1);
}

/**
 * The same, looking only inside islands found before: what is left of them after sources were subtracted cannot reach
 * beyond. Numbered from 1 in the order of the islands given.
 */
export function findIslandsWithin(
	outer: readonly Island[],
	maps: MapSet,
	flood: number,
	seed: number,
): { island: Island; within: Island }[] {
	const found: { island: Island; within: Island }[] = [];
	const runs = new Runs();
	for (const within of outer) {
		runs.count = 0;
		for (let k = 0; k < within.runs.length; k += 3) {
			runs.scan(maps, within.runs[k], within.runs[k + 1], within.runs[k + 2], flood, 1);
		}
		if (runs.count === 0) continue;
		for (const island of labelled(runs, seed, found.length + 1)) found.push({ island, within });
	}
	return found;
}

/** Joins touching runs (sides and corners) and keeps the islands with a pixel above the seed level. */
function labelled(runs: Runs, seed: number, firstId: number): Island[] {
	const { count, place, peak } = runs;
	const parent = new Int32Array(count);
	for (let k = 0; k < count; k++) parent[k] = k;
	const find = (i: number) => {
		while (parent[i] !== i) {
			parent[i] = parent[parent[i]];
			i = parent[i];
		}
		return i;
	};
	let rowStart = 0;
	let previousStart = 0;
	let previousEnd = 0;
	let candidate = 0;
	for (let k = 0; k < count; k++) {
		const y = place[3 * k];
		if (k === 0 || y !== place[3 * (k - 1)]) {
			const isNext = k > 0 && place[3 * (k - 1)] === y - 1;
			previousStart = isNext ? rowStart : k;
			previousEnd = k;
			rowStart = k;
			candidate = previousStart;
		}
		// Runs of the row above that end before this one begins touch no later one either.
		while (candidate < previousEnd && place[3 * candidate + 2] < place[3 * k + 1]) candidate++;
		for (let o = candidate; o < previousEnd && place[3 * o + 1] <= place[3 * k + 2]; o++) {
			const a = find(o);
			const b = find(k);
			if (a < b) parent[b] = a;
			else parent[a] = b;
		}
	}
	const top = new Float64Array(count);
	const size = new Int32Array(count);
	for (let k = 0; k < count; k++) {
		const root = find(k);
		top[root] = Math.max(top[root], peak[k]);
		size[root]++;
	}
	const index = new Int32Array(count).fill(-1);
	const islands: Island[] = [];
	const filled: number[] = [];
	for (let k = 0; k < count; k++) {
		const root = find(k);
		if (!(top[root] > seed)) continue;
		const [y, from, to] = [place[3 * k], place[3 * k + 1], place[3 * k + 2]];
		if (index[root] < 0) {
			index[root] = islands.length;
			filled.push(0);
			islands.push({
				id: firstId + islands.length,
				runs: new Int32Array(3 * size[root]),
				pixels: 0,
				x0: from,
				x1: to,
				y0: y,
				y1: y + 1,
				peakSnr: top[root],
			});
		}
		const island = islands[index[root]];
		const at = 3 * filled[index[root]]++;
		island.runs[at] = y;
		island.runs[at + 1] = from;
		island.runs[at + 2] = to;
		island.pixels += to - from;
		island.x0 = Math.min(island.x0, from);
		island.x1 = Math.max(island.x1, to);
		island.y1 = y + 1;
	}
	return islands;
}
