import { sampleMemoryOf } from "../sample-kernels.ts";
import type { ChunkGrid, ChunkIndex } from "./chunk-index.ts";
import { type CopyAxis, type CopyPlan, copyBox, copyBoxWithin, planCopy } from "./copy-box.ts";
import { damaged, type FileContext, UNDEFINED_ADDRESS } from "./cursor.ts";
import { type Filter, undoFilters } from "./filters.ts";

/** Chunks that lie one behind the other are fetched in one read of up to this many bytes. */
const READ_AHEAD = 1 << 20;
/** A compressed chunk may expand by this factor at most (Zstandard and deflate stay below in practice). */
const MOST_EXPANSION = 4096;

/** Where the elements of a box go: element (i, j, ...) to number `at + i * strides[0] + j * strides[1] ...` of `bytes`. */
export interface BoxPlace {
	bytes: Uint8Array;
	at: number;
	/** In elements, of either sign. */
	strides: readonly number[];
	/** See `Hdf5Dataset.readInto`. */
	flip?: boolean;
}

/** A chunked dataset whose index has been read. */
export interface ChunkedArray {
	context: FileContext;
	name: string;
	shape: readonly number[];
	/** Bytes of an element. */
	size: number;
	filters: readonly Filter[];
	fill: Uint8Array | undefined;
	grid: ChunkGrid;
	index: ChunkIndex;
}

/** Strides of a box in C order, in elements. */
export const denseStrides = (count: readonly number[]): number[] =>
	count.map((_, d) => count.slice(d + 1).reduce((a, b) => a * b, 1));

/** Whether a box of that many elements stands in C order, without gaps. */
export function isDense(count: readonly number[], strides: readonly number[]): boolean {
	let run = 1;
	for (let d = count.length - 1; d >= 0; run *= count[d--]) if (count[d] > 1 && strides[d] !== run) return false;
	return true;
}

// One thread reads one box at a time, and fresh memory costs as much as the reading.
let ownBuffer = new Uint8Array(0);
/** The highest of eight bytes' bits: where two floats are, the sign of the second. */
const HIGHEST = 1n << 63n;

/**
 * Reads a box out of the chunks that hold it, in the order in which they lie in the file. Chunks whose elements (of 1 or 4
 * bytes) are all the same, as flags and counts of samples mostly are, are not spread but noticed; see `Hdf5Dataset.readInto`.
 */
export function readChunks(
	array: ChunkedArray,
	start: readonly number[],
	count: readonly number[],
	place: BoxPlace,
	lazy: boolean,
): number | undefined {
	const { context, grid, index, size, filters, fill } = array;
	const { source } = context;
	const { chunk, bytes: chunkBytes } = grid;
	const { addresses, sizes } = index;
	const rank = chunk.length;
	const wanted = chunksOf(grid, start, count);
	sortByAddress(wanted, addresses);

	const strides = denseStrides(chunk);
	const axes = chunk.map((): CopyAxis => ({ count: 0, from: 0, to: 0 }));
	const memory = sampleMemoryOf(place.bytes.buffer);
	const flip = place.flip === true ? HIGHEST : 0n;
	/** How chunks are copied of which every element is wanted. */
	let whole: CopyPlan | undefined;
	const put = (number: number, data: Uint8Array, dataAt: number, isFill: boolean) => {
		let rest = number;
		let from = 0;
		let to = place.at;
		let isWhole = !isFill;
		for (let d = rank - 1; d >= 0; d--) {
			const begin = (rest % grid.counts[d]) * chunk[d];
			rest = Math.floor(rest / grid.counts[d]);
			const low = Math.max(begin, start[d]);
			const high = Math.min(begin + chunk[d], start[d] + count[d]);
			from += isFill ? 0 : (low - begin) * strides[d];
			to += (low - start[d]) * place.strides[d];
			const axis = axes[d];
			axis.count = high - low;
			if (axis.count < chunk[d]) isWhole = false;
			axis.from = isFill ? 0 : strides[d];
			axis.to = place.strides[d];
		}
		if (isWhole) whole ??= planCopy(axes);
		const plan = isWhole ? whole : planCopy(axes);
		if (memory !== undefined && data === memory.read) {
			const { byteOffset } = place.bytes;
			copyBoxWithin(memory, data.byteOffset + dataAt + from * size, byteOffset + to * size, plan, size, flip);
		} else copyBox(data, dataAt + from * size, place.bytes, to * size, plan, size);
	};

	// The value of all chunks so far, or, once the place holds it everywhere, of those that need not be written.
	let common: number | undefined = size === 1 ? 0 : undefined;
	let written = false;
	const spread = () => {
		if (common !== undefined) fillBox(place, count, size, common);
		written = true;
	};
	/** Whether a uniform chunk needs nothing more. */
	const isCommon = (word: number | undefined): boolean => {
		if (word === undefined) return false;
		if (common === undefined && !written) common = word;
		return word === common;
	};
	const take = (number: number, data: Uint8Array, dataAt: number, isFill: boolean, word: number | undefined) => {
		if (isCommon(word)) return;
		if (!written) spread();
		put(number, data, dataAt, isFill);
	};

	for (let i = 0; i < wanted.length; ) {
		const address = addresses[wanted[i]];
		if (address === UNDEFINED_ADDRESS) {
			const value = Uint8Array.from(fill ?? new Uint8Array(size));
			if (flip !== 0n) value[7] ^= 0x80;
			take(wanted[i++], value, 0, true, size === 1 || size === 4 ? uniformWord(value, 0, size, size) : undefined);
			continue;
		}
		// Neighbours on disk are read together.
		let end = i;
		let bytes = 0;
		while (
			end < wanted.length &&
			addresses[wanted[end]] === address + bytes &&
			(end === i || bytes + sizes[wanted[end]] <= READ_AHEAD)
		) {
			bytes += sizes[wanted[end++]];
		}
		const fits = memory !== undefined && bytes <= memory.read.length;
		if (!fits && ownBuffer.length < bytes) ownBuffer = new Uint8Array(Math.max(bytes, READ_AHEAD));
		const buffer = fits ? memory.read : ownBuffer;
		source.read(buffer.subarray(0, bytes), context.baseAddress + address);
		if (filters.length === 0) {
			for (let k = i; k < end; k++) {
				if (sizes[wanted[k]] < chunkBytes) throw damaged(source.name, `a chunk of ${array.name} is too short`);
			}
			if (isCommon(uniformWord(buffer, 0, bytes, size))) {
				i = end;
				continue;
			}
		}
		for (let from = 0; i < end; i++) {
			const stored = sizes[wanted[i]];
			if (filters.length === 0) {
				take(wanted[i], buffer, from, false, uniformWord(buffer, from, chunkBytes, size));
			} else {
				if (chunkBytes > 65536 + MOST_EXPANSION * stored) {
					throw damaged(source.name, `a chunk of ${array.name} claims to expand beyond reason`);
				}
				const packed = buffer.subarray(from, from + stored);
				const mask = index.masks[wanted[i]];
				const data = undoFilters(source.name, filters as Filter[], mask, packed, chunkBytes, size);
				take(wanted[i], data, 0, false, uniformWord(data, 0, chunkBytes, size));
			}
			from += stored;
		}
	}
	if (written) return undefined;
	if (!lazy) spread();
	return common;
}

/** Numbers of the chunks that a box touches. */
function chunksOf(grid: ChunkGrid, start: readonly number[], count: readonly number[]): number[] {
	const { chunk, counts } = grid;
	const first = start.slice(0, chunk.length).map((at, d) => Math.floor(at / chunk[d]));
	const beyond = first.map((_, d) => Math.ceil((start[d] + count[d]) / chunk[d]));
	const wanted: number[] = [];
	const at = [...first];
	for (;;) {
		let number = 0;
		for (let d = 0; d < chunk.length; d++) number = number * counts[d] + at[d];
		wanted.push(number);
		let d = chunk.length - 1;
		while (d >= 0 && ++at[d] >= beyond[d]) at[d] = first[d--];
		if (d < 0) return wanted;
	}
}

/** Chunks mostly lie in the order of their numbers already. */
function sortByAddress(numbers: number[], addresses: Float64Array): void {
	for (let i = 1; i < numbers.length; i++) {
		if (addresses[numbers[i]] < addresses[numbers[i - 1]]) {
			numbers.sort((a, b) => addresses[a] - addresses[b]);
			return;
		}
	}
}

/** The element of 1 or 4 bytes that all of these bytes repeat, if they do. */
function uniformWord(bytes: Uint8Array, from: number, count: number, size: number): number | undefined {
	if (size !== 1 && size !== 4) return undefined;
	const last = from + count - size;
	if (last < from || count % size !== 0) return undefined;
	// Cheap to say no.
	for (let k = 0; k < size; k++) if (bytes[from + k] !== bytes[last + k]) return undefined;
	if (Buffer.compare(bytes.subarray(from, last), bytes.subarray(from + size, from + count)) !== 0) return undefined;
	if (size === 1) return bytes[from];
	return bytes[from] | (bytes[from + 1] << 8) | (bytes[from + 2] << 16) | (bytes[from + 3] << 24);
}

function fillBox(place: BoxPlace, count: readonly number[], size: number, word: number): void {
	const { bytes, at, strides } = place;
	const elements = strides.reduce((total, _, d) => total * count[d], 1);
	if (isDense(count, strides) && (size === 1 || ((bytes.byteOffset | bytes.byteLength) & 3) === 0)) {
		const units = size === 1 ? bytes : new Int32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 2);
		units.fill(word, at, at + elements);
		return;
	}
	// Filled in whatever order is fastest: runs of neighbours first, from their lower end.
	let low = at;
	const axes = strides.map((step, d) => {
		if (step < 0) low += step * (count[d] - 1);
		return { count: count[d], step: Math.abs(step) };
	});
	axes.sort((a, b) => a.step - b.step);
	let run = 1;
	while (axes.length > 0 && (axes[0].count === 1 || axes[0].step === run)) run *= axes.shift()?.count ?? 1;
	const isAligned = size === 1 || ((bytes.byteOffset | bytes.byteLength) & 3) === 0;
	const units =
		size === 1 || !isAligned ? bytes : new Int32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 2);
	const value = new Uint8Array(new Int32Array([word]).buffer);
	fillAxes(axes, axes.length - 1, low, (from) => {
		if (isAligned) units.fill(word, from, from + run);
		else for (let i = 0; i < run; i++) bytes.set(value, (from + i) * size);
	});
}

function fillAxes(
	axes: readonly { count: number; step: number }[],
	axis: number,
	from: number,
	fill: (from: number) => void,
): void {
	if (axis < 0) {
		fill(from);
		return;
	}
	const { count, step } = axes[axis];
	for (let i = 0; i < count; i++) fillAxes(axes, axis - 1, from + i * step, fill);
}
