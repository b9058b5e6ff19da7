import type { ForcedPlan } from "./forced-plan.ts";
import { gaussianRow } from "./gaussian-row.ts";
import { stampEnd, stampStart } from "./stamp.ts";

/** Systems up to this size are kept and solved as dense matrices. */
export const DENSE_LIMIT = 400;

/**
 * The normal equations of a blend: (K^T W K) f = K^T W d over the union of its members' stamps, W = 1/n^2.
 * The arrays are reused by the next blend and may be longer than `size`. Sparse off-diagonal elements are stored once, with i < j; `key = i * size + j`.
 */
export interface BlendSystem {
	size: number;
	/** Whether `matrix` or `sparse` holds the equations. */
	dense: boolean;
	/** Row-major with `size` columns, both triangles and the diagonal, when dense. */
	matrix: Float64Array;
	/** Off-diagonal elements by key when the system is large. */
	sparse: Map<number, number>;
	diagonal: Float64Array;
	rhs: Float64Array;
	/** Sum of (d/n)^2 over the valid pixels of the union, and their number. */
	squares: number;
	pixels: number;
	/** Per member: sums of k/n and k/n^2 over the union. */
	weight: Float64Array;
	weightOverNoise: Float64Array;
	/** Per member over its own stamp: valid pixels, and pixels of the unclipped stamp. */
	ownPixels: Int32Array;
	fullPixels: Int32Array;
	clipped: Uint8Array;
}

/** Everything a blend needs while it is solved, kept from one blend to the next: blends are many and small. */
export class BlendScratch {
	readonly system: BlendSystem = {
		size: 0,
		dense: true,
		matrix: new Float64Array(0),
		sparse: new Map(),
		diagonal: new Float64Array(0),
		rhs: new Float64Array(0),
		squares: 0,
		pixels: 0,
		weight: new Float64Array(0),
		weightOverNoise: new Float64Array(0),
		ownPixels: new Int32Array(0),
		fullPixels: new Int32Array(0),
		clipped: new Uint8Array(0),
	};
	r = new Float64Array(256);
	inverse = new Float64Array(256);
	kernels = new Float64Array(1024);
	stampX0 = new Int32Array(0);
	stampX1 = new Int32Array(0);
	stampY0 = new Int32Array(0);
	stampY1 = new Int32Array(0);
	order = new Int32Array(0);
	reach = new Float64Array(0);
	top = new Float64Array(0);
	bottom = new Float64Array(0);
	readonly active: number[] = [];
	readonly from: number[] = [];
	readonly to: number[] = [];
	readonly totals = new Float64Array(2);
	readonly sums = new Float64Array(4);

	/** A zeroed system for so many members. */
	begin(size: number): BlendSystem {
		const { system } = this;
		if (this.order.length < size) {
			const room = 2 * size;
			this.stampX0 = new Int32Array(room);
			this.stampX1 = new Int32Array(room);
			this.stampY0 = new Int32Array(room);
			this.stampY1 = new Int32Array(room);
			this.order = new Int32Array(room);
			this.reach = new Float64Array(room);
			this.top = new Float64Array(room);
			this.bottom = new Float64Array(room);
			system.matrix = new Float64Array(Math.min(room, DENSE_LIMIT) ** 2);
			system.diagonal = new Float64Array(room);
			system.rhs = new Float64Array(room);
			system.weight = new Float64Array(room);
			system.weightOverNoise = new Float64Array(room);
			system.ownPixels = new Int32Array(room);
			system.fullPixels = new Int32Array(room);
			system.clipped = new Uint8Array(room);
		}
		system.size = size;
		system.dense = size <= DENSE_LIMIT;
		system.sparse.clear();
		if (system.dense) system.matrix.fill(0, 0, size * size);
		for (const values of [system.diagonal, system.rhs, system.weight, system.weightOverNoise]) values.fill(0, 0, size);
		for (const counts of [system.ownPixels, system.fullPixels, system.clipped]) counts.fill(0, 0, size);
		this.totals.fill(0);
		this.active.length = 0;
		return system;
	}

	/** Room for rows of so many pixels and members. */
	reserve(length: number, members: number): void {
		if (this.r.length < length) {
			this.r = new Float64Array(2 * length);
			this.inverse = new Float64Array(2 * length);
		}
		if (this.kernels.length < length * members) this.kernels = new Float64Array(2 * length * members);
	}
}

/**
 * Sums the normal equations over the union of the stamps (not their bounding box, each pixel once). A member's kernel
 * reaches over twice its own stamp, beyond which it is below 1e-10.
 */
export function blendSystem(plan: ForcedPlan, sources: ArrayLike<number>, scratch: BlendScratch): BlendSystem {
	const { image, x, y } = plan.input;
	const { a, b, c, half } = plan;
	const size = sources.length;
	const system = scratch.begin(size);
	const { weight, weightOverNoise, rhs, diagonal, ownPixels } = system;
	const { stampX0, stampX1, stampY0, stampY1, reach, top, bottom, active, from, to, totals, sums } = scratch;
	let firstRow = image.height;
	let lastRow = 0;
	for (let m = 0; m < size; m++) {
		const s = sources[m];
		const fullX0 = stampStart(x[s], half[s]);
		const fullX1 = stampEnd(x[s], half[s]);
		const fullY0 = stampStart(y[s], half[s]);
		const fullY1 = stampEnd(y[s], half[s]);
		stampX0[m] = Math.max(0, fullX0);
		stampX1[m] = Math.min(image.width, fullX1);
		stampY0[m] = Math.max(0, fullY0);
		stampY1[m] = Math.min(image.height, fullY1);
		system.fullPixels[m] = (fullX1 - fullX0) * (fullY1 - fullY0);
		const lost = stampX0[m] - fullX0 + fullX1 - stampX1[m] + stampY0[m] - fullY0 + fullY1 - stampY1[m];
		if (lost > 0) system.clipped[m] = 1;
		firstRow = Math.min(firstRow, stampY0[m]);
		lastRow = Math.max(lastRow, stampY1[m]);
		reach[m] = 2 * half[s];
		top[m] = y[s] - reach[m];
		bottom[m] = y[s] + reach[m];
	}
	const order = inOrderOf(top, size, scratch.order);
	let waiting = 0;
	// Between two rows where a stamp begins or ends the intervals stay as they are.
	for (let begin = firstRow, end = firstRow; begin < lastRow; begin = end) {
		end = lastRow;
		for (let m = 0; m < size; m++) {
			if (stampY0[m] > begin && stampY0[m] < end) end = stampY0[m];
			if (stampY1[m] > begin && stampY1[m] < end) end = stampY1[m];
		}
		for (let row = begin; row < end; row++) {
			while (waiting < size && top[order[waiting]] <= row) active.push(order[waiting++]);
			let left = 0;
			for (let p = 0; p < active.length; p++) if (bottom[active[p]] >= row) active[left++] = active[p];
			active.length = left;
			if (row === begin) mergeIntervals(scratch, row);
			for (let part = 0; part < from.length; part++) {
				const x0 = from[part];
				const length = to[part] - x0;
				scratch.reserve(length, active.length);
				const { r, inverse, kernels } = scratch;
				const invalid = readRow(plan, row * image.width + x0, length, r, inverse, totals);
				for (let p = 0; p < active.length; p++) {
					const m = active[p];
					const s = sources[m];
					const at = p * length;
					gaussianRow(kernels, at, length, a[s], b[s], c[s], x0 - x[s], row - y[s]);
					weightRow(kernels, at, length, r, inverse, sums);
					weight[m] += sums[0];
					weightOverNoise[m] += sums[1];
					rhs[m] += sums[2];
					diagonal[m] += sums[3];
					if (row >= stampY0[m] && row < stampY1[m] && stampX0[m] >= x0 && stampX0[m] < x0 + length) {
						ownPixels[m] += stampX1[m] - stampX0[m];
						if (invalid > 0)
							for (let i = stampX0[m] - x0; i < stampX1[m] - x0; i++) if (inverse[i] === 0) ownPixels[m]--;
					}
					for (let o = 0; o < p; o++) {
						const other = active[o];
						if (Math.abs(x[s] - x[sources[other]]) > reach[m] + reach[other]) continue;
						addOffDiagonal(system, other, m, dot(kernels, at, o * length, length));
					}
				}
			}
		}
	}
	system.squares = totals[0];
	system.pixels = totals[1];
	if (system.dense) for (let m = 0; m < size; m++) system.matrix[m * size + m] = diagonal[m];
	return system;
}

/** Indices of the first `size` keys in ascending order of key; ties by index. */
function inOrderOf(keys: Float64Array, size: number, order: Int32Array): Int32Array {
	for (let m = 0; m < size; m++) order[m] = m;
	if (size > 16) return order.subarray(0, size).sort((p, q) => keys[p] - keys[q] || p - q);
	for (let m = 1; m < size; m++) {
		const own = order[m];
		let place = m;
		while (place > 0 && keys[order[place - 1]] > keys[own]) {
			order[place] = order[place - 1];
			place--;
		}
		order[place] = own;
	}
	return order;
}

/** Reads pixels as d/n and 1/n, both zero where invalid; adds to the totals and returns the number of invalid ones. */
function readRow(
	plan: ForcedPlan,
	base: number,
	length: number,
	r: Float64Array,
	inverse: Float64Array,
	totals: Float64Array,
): number {
	const pixels = plan.input.image.data;
	const rms = plan.input.noise.data;
	const background = plan.input.background?.data;
	let squares = 0;
	let invalid = 0;
	for (let i = 0; i < length; i++) {
		const p = base + i;
		const d = background === undefined ? pixels[p] : pixels[p] - background[p];
		const one = 1 / rms[p];
		const value = d * one;
		if (one > 0 && value - value === 0) {
			inverse[i] = one;
			r[i] = value;
			squares += value * value;
		} else {
			inverse[i] = 0;
			r[i] = 0;
			invalid++;
		}
	}
	totals[0] += squares;
	totals[1] += length - invalid;
	return invalid;
}

/** Turns k into q = k/n in place and sums q, q/n, q r and q^2. */
function weightRow(
	kernels: Float64Array,
	at: number,
	length: number,
	r: Float64Array,
	inverse: Float64Array,
	sums: Float64Array,
): void {
	let weight = 0;
	let overNoise = 0;
	let rhs = 0;
	let square = 0;
	for (let i = 0; i < length; i++) {
		const one = inverse[i];
		const q = kernels[at + i] * one;
		kernels[at + i] = q;
		weight += q;
		overNoise += q * one;
		rhs += q * r[i];
		square += q * q;
	}
	sums[0] = weight;
	sums[1] = overNoise;
	sums[2] = rhs;
	sums[3] = square;
}

function dot(values: Float64Array, first: number, second: number, length: number): number {
	let sum = 0;
	for (let i = 0; i < length; i++) sum += values[first + i] * values[second + i];
	return sum;
}

function addOffDiagonal(system: BlendSystem, first: number, second: number, value: number): void {
	const i = Math.min(first, second);
	const j = Math.max(first, second);
	if (system.dense) {
		system.matrix[i * system.size + j] += value;
		system.matrix[j * system.size + i] += value;
	} else if (value !== 0) {
		const key = i * system.size + j;
		system.sparse.set(key, (system.sparse.get(key) ?? 0) + value);
	}
}

/** The union, as disjoint intervals in ascending order, of the stamps of active members that cross a row. */
function mergeIntervals(scratch: BlendScratch, row: number): void {
	const { active, from, to, stampX0, stampX1, stampY0, stampY1 } = scratch;
	from.length = 0;
	to.length = 0;
	for (let p = 0; p < active.length; p++) {
		const m = active[p];
		let x0 = stampX0[m];
		let x1 = stampX1[m];
		if (row < stampY0[m] || row >= stampY1[m] || x1 <= x0) continue;
		// Swallow the intervals that this one touches, then put the result in their place.
		let place = 0;
		while (place < from.length && to[place] < x0) place++;
		let end = place;
		while (end < from.length && from[end] <= x1) {
			x0 = Math.min(x0, from[end]);
			x1 = Math.max(x1, to[end]);
			end++;
		}
		from.splice(place, end - place, x0);
		to.splice(place, end - place, x1);
	}
}
