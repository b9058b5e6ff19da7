/** Sources that must be measured together, as lists in one array: group g holds `members[starts[g]..starts[g+1])`. */
export interface BlendGroups {
	starts: Int32Array;
	members: Int32Array;
	/** Group of each source; -1 for a source without a usable position. */
	groupOf: Int32Array;
	count: number;
}

/** Positions beyond this many cells from the origin are in no group: nothing is that far from any image. */
const FARTHEST_CELL = 2 ** 30;
/** Cells farther apart than this hold no two sources closer than the radius. */
const REACH = 2;
/** A grid of more cells than this for each source is mostly empty. */
const CELLS_PER_SOURCE = 64;

/**
 * Connected components of "closer than `radius` pixels", without a limit on neighbours.
 *
 * Union-find over a grid of cells of side radius/sqrt(2): sources of one cell are always connected, so two cells
 * need one connecting pair only, and a catalogue that repeats one position a million times costs no more than another.
 * Groups depend on positions alone, so that membership does not change from epoch to epoch. They are ordered by their
 * first member, and members by input order. Positions that are not finite belong to no group.
 */
export function blendGroups(x: ArrayLike<number>, y: ArrayLike<number>, radius: number): BlendGroups {
	const n = x.length;
	const parent = new Int32Array(n);
	for (let i = 0; i < n; i++) parent[i] = i;
	const find = (i: number) => {
		while (parent[i] !== i) {
			parent[i] = parent[parent[i]];
			i = parent[i];
		}
		return i;
	};
	/** The smaller index is the root, so that the root is the first of its group. */
	const join = (i: number, j: number) => {
		const a = find(i);
		const b = find(j);
		if (a < b) parent[b] = a;
		else parent[a] = b;
	};
	const groupOf = new Int32Array(n).fill(-1);

	const side = radius > 0 ? radius / Math.SQRT2 : 1;
	const cellX = new Int32Array(n);
	const cellY = new Int32Array(n);
	let [left, right, low, high] = [FARTHEST_CELL, -FARTHEST_CELL, FARTHEST_CELL, -FARTHEST_CELL];
	for (let i = 0; i < n; i++) {
		const cx = Math.floor(x[i] / side);
		const cy = Math.floor(y[i] / side);
		if (!(Math.abs(cx) < FARTHEST_CELL && Math.abs(cy) < FARTHEST_CELL)) continue;
		groupOf[i] = 0;
		cellX[i] = cx;
		cellY[i] = cy;
		if (cx < left) left = cx;
		if (cx > right) right = cx;
		if (cy < low) low = cy;
		if (cy > high) high = cy;
	}
	if (radius > 0 && left <= right) {
		// A catalogue on one image fills a grid with a margin for the neighbours; one that is scattered wide is hashed.
		const columns = right - left + 1 + 2 * REACH;
		const cells = columns * (high - low + 1 + 2 * REACH);
		const gridded = cells <= CELLS_PER_SOURCE * n + 1024;
		let slots = 16;
		while (slots < 3 * n) slots *= 2;
		const head = new Int32Array(gridded ? cells : slots).fill(-1);
		const following = new Int32Array(n).fill(-1);
		const slotOf = (cx: number, cy: number): number => {
			if (gridded) return (cy - low + REACH) * columns + cx - left + REACH;
			let hash = Math.imul(cx, 0x9e3779b1) ^ Math.imul(cy, 0x85ebca6b);
			hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
			let slot = (hash ^ (hash >>> 13)) & (slots - 1);
			for (;;) {
				const first = head[slot];
				if (first < 0 || (cellX[first] === cx && cellY[first] === cy)) return slot;
				slot = (slot + 1) & (slots - 1);
			}
		};
		for (let i = 0; i < n; i++) {
			if (groupOf[i] < 0) continue;
			const slot = slotOf(cellX[i], cellY[i]);
			const first = head[slot];
			if (first >= 0) {
				following[i] = following[first];
				following[first] = i;
				join(i, first);
			} else {
				head[slot] = i;
			}
		}
		const limit = radius * radius;
		for (let first = 0; first < n; first++) {
			if (groupOf[first] < 0) continue;
			const own = slotOf(cellX[first], cellY[first]);
			if (head[own] !== first) continue;
			// Half of the 5 x 5 neighbourhood: the other half sees this cell from its side.
			for (let dy = 0; dy <= REACH; dy++) {
				for (let dx = dy === 0 ? 1 : -REACH; dx <= REACH; dx++) {
					const other = head[gridded ? own + dy * columns + dx : slotOf(cellX[first] + dx, cellY[first] + dy)];
					if (other < 0 || find(first) === find(other)) continue;
					search: for (let i = first; i >= 0; i = following[i]) {
						for (let j = other; j >= 0; j = following[j]) {
							const ex = x[i] - x[j];
							const ey = y[i] - y[j];
							if (ex * ex + ey * ey < limit) {
								join(i, j);
								break search;
							}
						}
					}
				}
			}
		}
	}

	const size = new Int32Array(n);
	let count = 0;
	for (let i = 0; i < n; i++) {
		if (groupOf[i] < 0) continue;
		const root = find(i);
		groupOf[i] = root === i ? count++ : groupOf[root];
		size[groupOf[i]]++;
	}
	const starts = new Int32Array(count + 1);
	for (let g = 0; g < count; g++) starts[g + 1] = starts[g] + size[g];
	const next = starts.slice();
	const members = new Int32Array(starts[count]);
	for (let i = 0; i < n; i++) if (groupOf[i] >= 0) members[next[groupOf[i]]++] = i;
	return { starts, members, groupOf, count };
}
