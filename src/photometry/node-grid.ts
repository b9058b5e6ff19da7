/**
 * A smooth map by its values at a lattice of nodes: node (i, j) sits at pixel ((i + 0.5) step - 0.5, same for y), the
 * centre of tile (i, j). NaN where nothing is known.
 */
export interface NodeGrid {
	columns: number;
	rows: number;
	/** Pixels from node to node. */
	step: number;
	values: Float64Array;
}

/** Level and noise of an image at the nodes, from which the maps of any rows can be made. */
export interface BackgroundNodes {
	background: NodeGrid;
	noise: NodeGrid;
}

/** Replaces unknown nodes by the mean of the nearest known ones, ring by ring; false if no node is known. */
export function fillUnknown(grid: NodeGrid): boolean {
	const { columns, rows, values } = grid;
	let unknown: number[] = [];
	for (let p = 0; p < values.length; p++) if (Number.isNaN(values[p])) unknown.push(p);
	if (unknown.length === values.length) return false;
	while (unknown.length > 0) {
		const found: number[] = [];
		const level: number[] = [];
		const left: number[] = [];
		for (const p of unknown) {
			const x = p % columns;
			const y = (p - x) / columns;
			let sum = 0;
			let count = 0;
			for (let j = Math.max(0, y - 1); j <= Math.min(rows - 1, y + 1); j++) {
				for (let i = Math.max(0, x - 1); i <= Math.min(columns - 1, x + 1); i++) {
					const value = values[j * columns + i];
					if (Number.isNaN(value)) continue;
					sum += value;
					count++;
				}
			}
			if (count === 0) {
				left.push(p);
			} else {
				found.push(p);
				level.push(sum / count);
			}
		}
		for (let k = 0; k < found.length; k++) values[found[k]] = level[k];
		unknown = left;
	}
	return true;
}

/** Where columns (or rows) of pixels lie between nodes: the node before and the share of the one after. */
export interface NodePlaces {
	index: Int32Array;
	share: Float64Array;
}

export function nodePlaces(pixels: number, nodes: number, step: number): NodePlaces {
	const index = new Int32Array(pixels);
	const share = new Float64Array(pixels);
	for (let x = 0; x < pixels; x++) {
		const u = Math.max(0, Math.min(nodes - 1, (x + 0.5) / step - 0.5));
		const i = Math.min(Math.floor(u), Math.max(0, nodes - 2));
		index[x] = i;
		share[x] = u - i;
	}
	return { index, share };
}

/** The map at one pixel. */
export function valueAt(grid: NodeGrid, places: NodePlaces, rowPlaces: NodePlaces, x: number, y: number): number {
	const i = places.index[x];
	const j = rowPlaces.index[y];
	const i1 = Math.min(grid.columns - 1, i + 1);
	const j1 = Math.min(grid.rows - 1, j + 1);
	const s = places.share[x];
	const t = rowPlaces.share[y];
	const { columns, values } = grid;
	const low = (1 - s) * values[j * columns + i] + s * values[j * columns + i1];
	const high = (1 - s) * values[j1 * columns + i] + s * values[j1 * columns + i1];
	return (1 - t) * low + t * high;
}

/** One row of the map, bilinear between nodes and constant beyond the outermost, into out[0..width). */
export function interpolateRow(
	grid: NodeGrid,
	places: NodePlaces,
	rowPlaces: NodePlaces,
	y: number,
	line: Float64Array,
	out: Float64Array | Float32Array,
): void {
	const { columns, values, rows } = grid;
	const j = rowPlaces.index[y];
	const t = rowPlaces.share[y];
	const below = j * columns;
	const above = Math.min(rows - 1, j + 1) * columns;
	for (let i = 0; i < columns; i++) line[i] = (1 - t) * values[below + i] + t * values[above + i];
	line[columns] = line[columns - 1];
	const { index, share } = places;
	for (let x = 0; x < index.length; x++) {
		const i = index[x];
		out[x] = line[i] + share[x] * (line[i + 1] - line[i]);
	}
}
