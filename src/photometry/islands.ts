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

/**
 * Labels islands by runs with union-find, in one pass over the image. With `sign` -1 islands of negative sources.
 * Pixels without a positive finite noise are in no island, so that a zero in a noise map joins nothing.
 */
export function findIslands(maps: MapSet, flood: number, seed: number, sign: 1 | -1 = 1): Island[] {
	const { width, height } = maps.image;
	const pixels = maps.image.data;
	const rms = maps.noise.data;
	const base = maps.background?.data;
	let room = 1 << 14;
	let runs = new Int32Array(3 * room);
	let parent = new Int32Array(room);
	let peak = new Float64Array(room);
	let count = 0;
	const find = (i: number) => {
		while (parent[i] !== i) {
			parent[i] = parent[parent[i]];
			i = parent[i];
		}
		return i;
	};
	let previousStart = 0;
	let previousEnd = 0;
	for (let y = 0; y < height; y++) {
		const rowStart = count;
		let from = -1;
		let highest = 0;
		let candidate = previousStart;
		const row = y * width;
		for (let x = 0; x <= width; x++) {
			const p = row + x;
			let inside = false;
			if (x < width) {
				const n = rms[p];
				const d = base === undefined ? sign * pixels[p] : sign * (pixels[p] - base[p]);
				// An infinite noise fails the first test, NaN fails either.
				inside = d > flood * n && n > 0 && d < Infinity;
				if (inside) {
					const snr = d / n;
					if (from < 0) {
						from = x;
						highest = snr;
					} else if (snr > highest) {
						highest = snr;
					}
				}
			}
			if (inside || from < 0) continue;
			if (count === room) {
				room *= 2;
				runs = enlarged(runs, 3 * room);
				parent = enlarged(parent, room);
				const more = new Float64Array(room);
				more.set(peak);
				peak = more;
			}
			runs[3 * count] = y;
			runs[3 * count + 1] = from;
			runs[3 * count + 2] = x;
			parent[count] = count;
			peak[count] = highest;
			// Runs of the row above that end before this one begins touch no later one either.
			while (candidate < previousEnd && runs[3 * candidate + 2] < from) candidate++;
			for (let k = candidate; k < previousEnd && runs[3 * k + 1] <= x; k++) {
				const a = find(k);
				const b = find(count);
				if (a < b) parent[b] = a;
				else parent[a] = b;
			}
			count++;
			from = -1;
		}
		previousStart = rowStart;
		previousEnd = count;
	}

	const top = new Float64Array(count);
	const size = new Int32Array(count);
	for (let k = 0; k < count; k++) {
		const root = find(k);
		top[root] = Math.max(top[root], peak[k]);
		size[root]++;
	}
	const place = new Int32Array(count).fill(-1);
	const islands: Island[] = [];
	const filled: number[] = [];
	for (let k = 0; k < count; k++) {
		const root = find(k);
		if (!(top[root] > seed)) continue;
		if (place[root] < 0) {
			place[root] = islands.length;
			filled.push(0);
			islands.push({
				id: islands.length + 1,
				runs: new Int32Array(3 * size[root]),
				pixels: 0,
				x0: width,
				x1: 0,
				y0: runs[3 * k],
				y1: 0,
				peakSnr: top[root],
			});
		}
		const island = islands[place[root]];
		island.runs.set(runs.subarray(3 * k, 3 * k + 3), 3 * filled[place[root]]++);
		island.pixels += runs[3 * k + 2] - runs[3 * k + 1];
		island.x0 = Math.min(island.x0, runs[3 * k + 1]);
		island.x1 = Math.max(island.x1, runs[3 * k + 2]);
		island.y1 = runs[3 * k] + 1;
	}
	return islands;
}

function enlarged(values: Int32Array<ArrayBuffer>, length: number): Int32Array<ArrayBuffer> {
	const more = new Int32Array(length);
	more.set(values);
	return more;
}
