import type { Island, MapSet } from "./islands.ts";

/** A place in an island where a source peaks. */
export interface Summit {
	x: number;
	y: number;
	/** Value less background, with the sign of the search: positive. */
	value: number;
	snr: number;
}

/**
 * The summits of an island, brightest first: maxima that rise above the saddle to a higher one by at least `prominence`
 * times the noise (so that neither noise on a slope nor a plateau makes a summit) and exceed the seed level.
 *
 * Pixels are taken from the brightest down and joined to the basins of their 8 neighbours (union-find); where two basins
 * meet, the lower one is kept if it is prominent enough, else it is absorbed.
 */
export function summits(
	maps: MapSet,
	island: Island,
	seed: number,
	prominence: number,
	limit: number,
	sign: 1 | -1 = 1,
): { summits: Summit[]; complete: boolean } {
	const { image, noise, background } = maps;
	const width = island.x1 - island.x0;
	const height = island.y1 - island.y0;
	const total = island.pixels;
	const value = new Float64Array(total);
	const cell = new Int32Array(total);
	const where = new Int32Array(width * height).fill(-1);
	let n = 0;
	for (let k = 0; k < island.runs.length; k += 3) {
		const y = island.runs[k];
		for (let x = island.runs[k + 1]; x < island.runs[k + 2]; x++) {
			const p = y * image.width + x;
			value[n] = sign * (image.data[p] - (background === undefined ? 0 : background.data[p]));
			cell[n] = (y - island.y0) * width + x - island.x0;
			where[cell[n]] = n;
			n++;
		}
	}
	const alone = onlySummit(value, cell, where, width, height);
	if (alone >= 0) {
		const x = (cell[alone] % width) + island.x0;
		const y = Math.floor(cell[alone] / width) + island.y0;
		const snr = value[alone] / noise.data[y * image.width + x];
		return { summits: [{ x, y, value: value[alone], snr }], complete: true };
	}
	const order = new Int32Array(total);
	for (let k = 0; k < total; k++) order[k] = k;
	// Ties by position: a plateau then has one first pixel, to which the others join.
	order.sort((p, q) => value[q] - value[p] || p - q);
	const parent = new Int32Array(total).fill(-1);
	const find = (i: number) => {
		while (parent[i] !== i) {
			parent[i] = parent[parent[i]];
			i = parent[i];
		}
		return i;
	};
	const rmsAt = (k: number) => {
		const x = cell[k] % width;
		const y = (cell[k] - x) / width;
		return noise.data[(y + island.y0) * image.width + x + island.x0];
	};
	const kept: number[] = [];
	for (const k of order) {
		parent[k] = k;
		const x = cell[k] % width;
		const y = (cell[k] - x) / width;
		for (let dy = -1; dy <= 1; dy++) {
			for (let dx = -1; dx <= 1; dx++) {
				const xx = x + dx;
				const yy = y + dy;
				if (xx < 0 || yy < 0 || xx >= width || yy >= height) continue;
				const other = where[yy * width + xx];
				if (other < 0 || other === k || parent[other] < 0) continue;
				const a = find(k);
				const b = find(other);
				if (a === b) continue;
				// Roots are summits: the higher one (or the one met first) lives on.
				const [high, low] = value[a] > value[b] || (value[a] === value[b] && a < b) ? [a, b] : [b, a];
				if (value[low] - value[k] > prominence * rmsAt(low)) kept.push(low);
				parent[low] = high;
			}
		}
	}
	kept.push(find(order[0]));
	const found = kept
		.map((k) => {
			const x = (cell[k] % width) + island.x0;
			const y = Math.floor(cell[k] / width) + island.y0;
			return { x, y, value: value[k], snr: value[k] / rmsAt(k) };
		})
		.filter((summit, index) => summit.snr > seed || index === kept.length - 1)
		.sort((p, q) => q.value - p.value || p.y - q.y || p.x - q.x);
	return { summits: found.slice(0, limit), complete: found.length <= limit };
}

/** The one pixel that no neighbour exceeds, as most islands have it; -1 where there are several. */
function onlySummit(value: Float64Array, cell: Int32Array, where: Int32Array, width: number, height: number): number {
	let only = -1;
	for (let k = 0; k < value.length; k++) {
		const x = cell[k] % width;
		const y = (cell[k] - x) / width;
		let exceeded = false;
		for (let yy = Math.max(0, y - 1); yy <= Math.min(height - 1, y + 1) && !exceeded; yy++) {
			for (let xx = Math.max(0, x - 1); xx <= Math.min(width - 1, x + 1); xx++) {
				const other = where[yy * width + xx];
				if (other >= 0 && value[other] > value[k]) {
					exceeded = true;
					break;
				}
			}
		}
		if (exceeded) continue;
		if (only >= 0) return -1;
		only = k;
	}
	return only;
}
