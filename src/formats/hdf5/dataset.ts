import { badInput } from "../../error.ts";
import type { RandomAccess } from "../random-access.ts";
import { sampleMemoryOf } from "../sample-kernels.ts";
import { type ChunkGrid, type ChunkIndex, readChunkIndex } from "./chunk-index.ts";
import { convertNumbers } from "./convert-numbers.ts";
import { copyBox, planCopy } from "./copy-box.ts";
import { Cursor, damaged, type FileContext, UNDEFINED_ADDRESS, unsupported } from "./cursor.ts";
import { type Datatype, describe, readDatatype } from "./datatype.ts";
import { type Filter, readFilters, requireKnownFilters } from "./filters.ts";
import { globalHeapObject } from "./global-heap.ts";
import { type Layout, readLayout } from "./layout.ts";
import { type HeaderMessage, MESSAGE } from "./object-header.ts";
import { type BoxPlace, denseStrides, isDense, readChunks } from "./read-chunks.ts";

const utf8 = new TextDecoder();

/** A dataset of which everything has been read but its data. Can be cloned. */
export interface PortableDataset {
	name: string;
	shape: readonly number[];
	mostShape: readonly number[];
	type: Datatype;
	filters: readonly Filter[];
	layout: Layout;
	fill: Uint8Array | undefined;
	grid: ChunkGrid | undefined;
	index: ChunkIndex | undefined;
	context: Omit<FileContext, "source">;
}

/**
 * One array of an HDF5 file. Reading is by box: `start` and `count` per dimension, slowest first; the result is dense, in C
 * order. A never-written part reads as the fill value.
 */
export class Hdf5Dataset {
	/** Path inside the file, for messages. */
	readonly name: string;
	/** Empty for a scalar. */
	readonly shape: readonly number[];
	readonly type: Datatype;
	readonly filters: readonly Filter[];
	private readonly context: FileContext;
	private readonly layout: Layout;
	private readonly fill: Uint8Array | undefined;
	private readonly mostShape: readonly number[];
	private grid: ChunkGrid | undefined;
	private index: ChunkIndex | undefined;

	private constructor(source: RandomAccess, known: PortableDataset) {
		this.context = { source, ...known.context };
		this.name = known.name;
		this.shape = known.shape;
		this.mostShape = known.mostShape;
		this.type = known.type;
		this.filters = known.filters;
		this.layout = known.layout;
		this.fill = known.fill;
		this.grid = known.grid;
		this.index = known.index;
	}

	/** The dataset that an object header describes. */
	static from({ source, ...context }: FileContext, name: string, header: HeaderMessage[]): Hdf5Dataset {
		const file = source.name;
		const find = (type: number) => header.find((message) => message.type === type)?.cursor;
		const space = find(MESSAGE.dataspace);
		const type = find(MESSAGE.datatype);
		const layout = find(MESSAGE.layout);
		if (space === undefined || type === undefined || layout === undefined) {
			throw damaged(file, `${name} has no shape, type or layout`);
		}
		if (find(MESSAGE.externalFiles) !== undefined) throw unsupported(file, `external storage of ${name}`);
		const [shape, mostShape] = readDataspace(space, name);
		const filters = find(MESSAGE.filters);
		const known: PortableDataset = {
			name,
			shape,
			mostShape,
			type: readDatatype(type),
			layout: readLayout(layout),
			filters: filters === undefined ? [] : readFilters(filters),
			fill: undefined,
			grid: undefined,
			index: undefined,
			context,
		};
		known.fill = readFill(header, known.type.size);
		if (known.layout.kind === "chunked" && known.layout.chunk.length !== shape.length) {
			throw damaged(file, `the chunks of ${name} have another number of dimensions than its shape`);
		}
		return new Hdf5Dataset(source, known);
	}

	/** The dataset that {@link portable} told of, of the same file. */
	static restore(source: RandomAccess, known: PortableDataset): Hdf5Dataset {
		return new Hdf5Dataset(source, known);
	}

	/** What another thread needs to read this dataset, the index of its chunks included. */
	portable(): PortableDataset {
		if (this.layout.kind === "chunked") this.indexChunks(this.layout);
		const { name, shape, mostShape, type, filters, layout, fill, grid, index } = this;
		const { source: _, ...context } = this.context;
		return { name, shape, mostShape, type, filters, layout, fill, grid, index, context };
	}

	/** Number of elements. */
	get length(): number {
		return this.shape.reduce((a, b) => a * b, 1);
	}

	/** Shape of a chunk; undefined if the data are in one piece. */
	get chunk(): readonly number[] | undefined {
		return this.layout.kind === "chunked" ? this.layout.chunk : undefined;
	}

	/**
	 * Reads a box of raw elements into `target`, which must hold exactly its bytes.
	 *
	 * @throws CausticError `hdf5-damaged`, `hdf5-unsupported` (a filter that this reader does not know) or `file-truncated`.
	 */
	readBytes(start: readonly number[], count: readonly number[], target: Uint8Array): void {
		if (target.length !== count.slice(0, this.shape.length).reduce((a, b) => a * b, this.type.size)) {
			throw badInput("hdf5-range", `the array for ${this.name} has the wrong size`, {
				subject: this.context.source.name,
			});
		}
		this.readInto(start, count, { bytes: target, at: 0, strides: denseStrides(count) }, false);
	}

	/**
	 * Reads a box of raw elements to where `place` says. If `lazy` and all elements (of 1 or 4 bytes) are the same, that value
	 * is returned as a signed 32-bit word and nothing is written. With `flip`, if the place's memory allows it
	 * ({@link canFlip}), the highest bit of each element of eight bytes is changed: of two floats the sign of the second.
	 *
	 * @throws CausticError as `readBytes` does.
	 */
	readInto(start: readonly number[], count: readonly number[], place: BoxPlace, lazy: boolean): number | undefined {
		const { shape, layout, type } = this;
		const file = this.context.source.name;
		for (let d = 0; d < shape.length; d++) {
			if (!(start[d] >= 0 && count[d] >= 0 && start[d] + count[d] <= shape[d])) {
				throw badInput("hdf5-range", `${this.name} has shape (${shape}); there is no box of (${count}) at (${start})`, {
					subject: file,
				});
			}
		}
		const elements = count.slice(0, shape.length).reduce((a, b) => a * b, 1);
		if (elements === 0) return undefined;
		if (layout.kind === "chunked") {
			const { grid, index } = this.indexChunks(layout);
			const { context, name, filters, fill } = this;
			return readChunks(
				{ context, name, filters, fill, shape, size: type.size, grid, index },
				start,
				count,
				place,
				lazy,
			);
		}
		if (isDense(count, place.strides)) {
			const from = place.at * type.size;
			this.readPiece(start, count, place.bytes.subarray(from, from + elements * type.size));
			return undefined;
		}
		const bytes = new Uint8Array(elements * type.size);
		this.readPiece(start, count, bytes);
		const strides = denseStrides(count);
		const axes = shape.map((_, d) => ({ count: count[d], from: strides[d], to: place.strides[d] }));
		copyBox(bytes, 0, place.bytes, place.at * type.size, planCopy(axes), type.size);
		return undefined;
	}

	/** Where the chunks are; read once. */
	private indexChunks(layout: Layout & { kind: "chunked" }): { grid: ChunkGrid; index: ChunkIndex } {
		requireKnownFilters(this.context.source.name, this.name, this.filters as Filter[]);
		this.grid ??= {
			counts: this.shape.map((extent, d) => Math.ceil(extent / layout.chunk[d])),
			mostCounts: this.mostShape.map((extent, d) => Math.ceil(extent / layout.chunk[d])),
			chunk: layout.chunk,
			bytes: layout.chunk.reduce((a, b) => a * b, this.type.size),
			filtered: this.filters.length > 0,
		};
		this.index ??= readChunkIndex(this.context, layout.index, this.grid);
		return { grid: this.grid, index: this.index };
	}

	/** Whether `flip` of a place in this memory is honoured. */
	canFlip(buffer: ArrayBufferLike): boolean {
		const { layout, type, filters } = this;
		const memory = sampleMemoryOf(buffer);
		if (memory === undefined || layout.kind !== "chunked" || type.size !== 8 || filters.length > 0) return false;
		return layout.chunk.reduce((a, b) => a * b, 8) <= memory.read.length;
	}

	/** A box of data that are in one piece, one read per longest run of neighbouring elements. */
	private readPiece(start: readonly number[], count: readonly number[], target: Uint8Array): void {
		const { shape, layout } = this;
		if (layout.kind === "chunked") return;
		const size = this.type.size;
		if (layout.kind === "contiguous" && layout.address === UNDEFINED_ADDRESS) {
			this.fillWith(target);
			return;
		}
		let runAxis = shape.length;
		let run = size;
		while (runAxis > 0) {
			runAxis--;
			run *= count[runAxis];
			if (count[runAxis] !== shape[runAxis]) break;
		}
		const strides = shape.map((_, d) => shape.slice(d + 1).reduce((a, b) => a * b, size));
		const runs = target.length / run;
		for (let r = 0; r < runs; r++) {
			let rest = r;
			let at = 0;
			for (let d = shape.length - 1; d >= 0; d--) {
				const extent = d < runAxis ? count[d] : 1;
				at += (start[d] + (rest % extent)) * strides[d];
				rest = Math.floor(rest / extent);
			}
			const part = target.subarray(r * run, (r + 1) * run);
			if (layout.kind === "contiguous") this.context.source.read(part, this.context.baseAddress + layout.address + at);
			else if (at + run > layout.data.length)
				throw damaged(this.context.source.name, `${this.name} is shorter than its shape`);
			else part.set(layout.data.subarray(at, at + run));
		}
	}

	private fillWith(target: Uint8Array): void {
		if (this.fill === undefined) target.fill(0);
		else for (let i = 0; i < target.length; i += this.fill.length) target.set(this.fill, i);
	}

	/** The whole array as numbers (integers, enumerations and floats of any width, scalars as one). */
	numbers(bytes = this.wholeBytes()): Float64Array {
		const output = new Float64Array(this.length);
		convertNumbers(this.context.source.name, this.name, this.type, bytes, 0, this.type.size, output);
		return output;
	}

	/** The whole array as strings, padding removed. */
	strings(): string[] {
		const { type } = this;
		const bytes = this.wholeBytes();
		const output: string[] = [];
		if (type.kind === "string") {
			for (let i = 0; i < this.length; i++) {
				const field = bytes.subarray(i * type.size, (i + 1) * type.size);
				const end = type.padding === "space-padded" ? -1 : field.indexOf(0);
				const text = utf8.decode(end < 0 ? field : field.subarray(0, end));
				output.push(type.padding === "space-padded" ? text.trimEnd() : text);
			}
		} else if (type.kind === "variable-string") {
			const cursor = new Cursor(this.context, bytes);
			for (let i = 0; i < this.length; i++) {
				const length = cursor.u32();
				const address = cursor.address();
				const object = cursor.u32();
				if (length === 0 || address <= 0) output.push("");
				else output.push(utf8.decode(globalHeapObject(this.context, address, object, length)).replace(/\0+$/, ""));
			}
		} else {
			throw badInput("hdf5-type", `${this.name} is ${describe(type)}, not text`, { subject: this.context.source.name });
		}
		return output;
	}

	/** The whole array as it stands in the file. */
	wholeBytes(): Uint8Array {
		const { source } = this.context;
		const bytes = this.length * this.type.size;
		// Whole reads are for header arrays; nothing compresses them more than this.
		if (!(bytes <= 1 << 20 || bytes <= 64 * source.size) || bytes > 2 ** 31) {
			throw damaged(source.name, `${this.name} claims ${bytes} bytes, more than the file could hold`);
		}
		const target = new Uint8Array(bytes);
		this.readBytes(
			this.shape.map(() => 0),
			this.shape,
			target,
		);
		return target;
	}
}

function readDataspace(cursor: Cursor, name: string): [number[], number[]] {
	const version = cursor.u8();
	const rank = cursor.u8();
	const flags = cursor.u8();
	if (version !== 1 && version !== 2) throw unsupported(cursor.file, `version ${version} of the shape of ${name}`);
	const kind = version === 2 ? cursor.u8() : rank === 0 ? 0 : 1;
	if (version === 1) cursor.skip(5);
	if (kind === 2) return [[0], [0]];
	if (rank > 32) throw damaged(cursor.file, `${name} has ${rank} dimensions`);
	const shape = Array.from({ length: rank }, () => cursor.length());
	if (!(shape.reduce((a, b) => a * b, 1) <= 2 ** 50))
		throw damaged(cursor.file, `${name} has an absurd shape (${shape})`);
	const most = flags & 1 ? shape.map(() => readMost(cursor)) : shape;
	return [shape, most];
}

/** A maximal extent: all bits set is unlimited. */
function readMost(cursor: Cursor): number {
	const bytes = cursor.take(cursor.context.lengthSize);
	if (bytes.every((byte) => byte === 0xff)) return Infinity;
	return new Cursor(cursor.context, bytes).length();
}

function readFill(header: HeaderMessage[], size: number): Uint8Array | undefined {
	for (const { type, cursor } of header) {
		if (type === MESSAGE.fillValue) {
			const version = cursor.u8();
			if (version >= 3) {
				if (!(cursor.u8() & 0x20)) continue;
			} else {
				cursor.skip(2);
				if (cursor.u8() === 0) continue;
			}
		} else if (type !== MESSAGE.oldFillValue) continue;
		const length = cursor.u32();
		if (length === size) return cursor.take(length).slice();
	}
	return undefined;
}
