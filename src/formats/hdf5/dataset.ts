import { badInput } from "../../error.ts";
import { type ChunkGrid, type ChunkIndex, readChunkIndex } from "./chunk-index.ts";
import { type CopyAxis, copyBox } from "./copy-box.ts";
import { Cursor, damaged, type FileContext, UNDEFINED_ADDRESS, unsupported } from "./cursor.ts";
import { type Datatype, describe, readDatatype } from "./datatype.ts";
import { type Filter, readFilters, requireKnownFilters, undoFilters } from "./filters.ts";
import { globalHeapObject } from "./global-heap.ts";
import { type Layout, readLayout } from "./layout.ts";
import { type HeaderMessage, MESSAGE } from "./object-header.ts";

/** Chunks that lie one behind the other are fetched in one read of up to this many bytes. */
const READ_AHEAD = 4 << 20;
/** A compressed chunk may expand by this factor at most (Zstandard and deflate stay below in practice). */
const MOST_EXPANSION = 4096;

const NOTHING = new Uint8Array(0);
/** Where chunks are read to, kept from read to read: fresh memory costs more than reading into it. */
let spare = NOTHING;

/** The part of a box that one chunk holds. */
export interface ChunkPart {
	/** The chunk's bytes begin at `at` and are `bytes` many; other things may stand around them. */
	data: Uint8Array;
	at: number;
	bytes: number;
	/** First element of the part, counted from the chunk's first, and how far its neighbours are, per dimension. */
	first: number;
	strides: readonly number[];
	/** Where the part stands in the whole array. */
	low: number[];
	count: number[];
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
	private index: ChunkIndex | undefined;

	constructor(context: FileContext, name: string, header: HeaderMessage[]) {
		const file = context.source.name;
		this.context = context;
		this.name = name;
		const find = (type: number) => header.find((message) => message.type === type)?.cursor;
		const space = find(MESSAGE.dataspace);
		const type = find(MESSAGE.datatype);
		const layout = find(MESSAGE.layout);
		if (space === undefined || type === undefined || layout === undefined) {
			throw damaged(file, `${name} has no shape, type or layout`);
		}
		if (find(MESSAGE.externalFiles) !== undefined) throw unsupported(file, `external storage of ${name}`);
		[this.shape, this.mostShape] = readDataspace(space, name);
		this.type = readDatatype(type);
		this.layout = readLayout(layout);
		const filters = find(MESSAGE.filters);
		this.filters = filters === undefined ? [] : readFilters(filters);
		this.fill = readFill(header, this.type.size);
		if (this.layout.kind === "chunked" && this.layout.chunk.length !== this.shape.length) {
			throw damaged(file, `the chunks of ${name} have another number of dimensions than its shape`);
		}
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
		const { shape, layout } = this;
		const file = this.context.source.name;
		const size = this.type.size;
		for (let d = 0; d < shape.length; d++) {
			if (!(start[d] >= 0 && count[d] >= 0 && start[d] + count[d] <= shape[d])) {
				throw badInput("hdf5-range", `${this.name} has shape (${shape}); there is no box of (${count}) at (${start})`, {
					subject: file,
				});
			}
		}
		if (target.length !== count.slice(0, shape.length).reduce((a, b) => a * b, size)) {
			throw badInput("hdf5-range", `the array for ${this.name} has the wrong size`, { subject: file });
		}
		if (target.length === 0) return;
		if (layout.kind === "chunked") {
			requireKnownFilters(file, this.name, this.filters as Filter[]);
			this.readChunks(layout.chunk, start, count, target);
			return;
		}
		if (layout.kind === "contiguous" && layout.address === UNDEFINED_ADDRESS) {
			this.fillWith(target);
			return;
		}
		// One read per longest run of neighbouring elements.
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
			else if (at + run > layout.data.length) throw damaged(file, `${this.name} is shorter than its shape`);
			else part.set(layout.data.subarray(at, at + run));
		}
	}

	private fillWith(target: Uint8Array): void {
		if (this.fill === undefined) target.fill(0);
		else for (let i = 0; i < target.length; i += this.fill.length) target.set(this.fill, i);
	}

	private readChunks(chunk: number[], start: readonly number[], count: readonly number[], target: Uint8Array): void {
		const { shape } = this;
		const size = this.type.size;
		const rank = shape.length;
		const chunkBytes = chunk.reduce((a, b) => a * b, size);
		const counts = shape.map((extent, d) => Math.ceil(extent / chunk[d]));
		const targetStrides = count.map((_, d) => count.slice(d + 1).reduce((a, b) => a * b, 1));
		const chunkStrides = chunk.map((_, d) => chunk.slice(d + 1).reduce((a, b) => a * b, 1));
		const put = (number: number, data: Uint8Array, dataAt: number, isFill: boolean) => {
			let rest = number;
			let from = 0;
			let to = 0;
			const axes = new Array<CopyAxis>(rank);
			for (let d = rank - 1; d >= 0; d--) {
				const begin = (rest % counts[d]) * chunk[d];
				rest = Math.floor(rest / counts[d]);
				const low = Math.max(begin, start[d]);
				const high = Math.min(begin + chunk[d], start[d] + count[d]);
				from += isFill ? 0 : (low - begin) * chunkStrides[d];
				to += (low - start[d]) * targetStrides[d];
				axes[d] = { count: high - low, from: isFill ? 0 : chunkStrides[d], to: targetStrides[d] };
			}
			copyBox(data, dataAt + from * size, target, to * size, axes, size);
		};

		// Flags are mostly clear: chunks of zeros are not spread but left out.
		const skipZeros = size === 1;
		if (skipZeros) target.fill(0);
		// Counts of samples are mostly all the same: chunks of the value that fills the target already are left out as well.
		let common: number | undefined;
		let begins = true;
		const isCommon = (data: Uint8Array, dataAt: number): boolean => {
			if (size !== 4) return false;
			const word = uniformWord(data, dataAt, chunkBytes);
			if (begins && word !== undefined && target.byteOffset % 4 === 0) {
				new Int32Array(target.buffer, target.byteOffset, target.byteLength >> 2).fill(word);
				common = word;
			}
			begins = false;
			return word !== undefined && word === common;
		};
		this.walkChunks(chunk, start, count, (number, data, dataAt) => {
			if (data === undefined) {
				begins = false;
				put(number, this.fill ?? new Uint8Array(size), 0, true);
			} else if (!(skipZeros ? isZero(data, dataAt, chunkBytes) : isCommon(data, dataAt))) {
				put(number, data, dataAt, false);
			}
		});
	}

	/**
	 * Shows every chunk that has a part in a box, in the order of the file: for who wants the elements elsewhere than in a dense
	 * array. The bytes are only good until `visit` returns.
	 *
	 * @returns false, and nothing shown, where the data are not chunked or a chunk was never written.
	 */
	eachChunk(start: readonly number[], count: readonly number[], visit: (part: ChunkPart) => void): boolean {
		const { shape, layout } = this;
		if (layout.kind !== "chunked" || count.some((extent) => extent === 0)) return false;
		const file = this.context.source.name;
		requireKnownFilters(file, this.name, this.filters as Filter[]);
		const { chunk } = layout;
		const rank = shape.length;
		const size = this.type.size;
		const length = chunk.reduce((a, b) => a * b, 1);
		const counts = shape.map((extent, d) => Math.ceil(extent / chunk[d]));
		const strides = chunk.map((_, d) => chunk.slice(d + 1).reduce((a, b) => a * b, 1));
		if (!this.wantedChunks(chunk, start, count).complete) return false;
		this.walkChunks(chunk, start, count, (number, data, at) => {
			if (data === undefined) return;
			const part: ChunkPart = { data, at, bytes: length * size, first: 0, low: [], count: [], strides };
			let rest = number;
			for (let d = rank - 1; d >= 0; d--) {
				const begin = (rest % counts[d]) * chunk[d];
				rest = Math.floor(rest / counts[d]);
				const low = Math.max(begin, start[d]);
				part.low[d] = low;
				part.count[d] = Math.min(begin + chunk[d], start[d] + count[d]) - low;
				part.first += (low - begin) * strides[d];
			}
			visit(part);
		});
		return true;
	}

	/** Numbers of the chunks in a box, in the order of the file, and whether all of them were written. */
	private wantedChunks(chunk: number[], start: readonly number[], count: readonly number[]) {
		const { shape, context } = this;
		const rank = shape.length;
		const grid: ChunkGrid = {
			counts: shape.map((extent, d) => Math.ceil(extent / chunk[d])),
			mostCounts: this.mostShape.map((extent, d) => Math.ceil(extent / chunk[d])),
			chunk,
			bytes: chunk.reduce((a, b) => a * b, this.type.size),
			filtered: this.filters.length > 0,
		};
		const layout = this.layout as Layout & { kind: "chunked" };
		this.index ??= readChunkIndex(context, layout.index, grid);
		const index = this.index;
		const first = start.map((at, d) => Math.floor(at / chunk[d]));
		const beyond = start.map((at, d) => Math.ceil((at + count[d]) / chunk[d]));
		const wanted: number[] = [];
		let complete = true;
		const at = [...first];
		for (;;) {
			let number = 0;
			for (let d = 0; d < rank; d++) number = number * grid.counts[d] + at[d];
			wanted.push(number);
			complete &&= index.addresses[number] !== UNDEFINED_ADDRESS;
			let d = rank - 1;
			while (d >= 0 && ++at[d] >= beyond[d]) at[d] = first[d--];
			if (d < 0) break;
		}
		wanted.sort((a, b) => index.addresses[a] - index.addresses[b]);
		return { wanted, index, complete };
	}

	/** Reads the chunks of a box, filters undone; one never written has no data. */
	private walkChunks(
		chunk: number[],
		start: readonly number[],
		count: readonly number[],
		visit: (number: number, data: Uint8Array | undefined, at: number) => void,
	): void {
		const { context } = this;
		const { source } = context;
		const size = this.type.size;
		const chunkBytes = chunk.reduce((a, b) => a * b, size);
		const { wanted, index } = this.wantedChunks(chunk, start, count);
		let buffer = spare;
		spare = NOTHING;
		for (let i = 0; i < wanted.length; ) {
			const address = index.addresses[wanted[i]];
			if (address === UNDEFINED_ADDRESS) {
				visit(wanted[i++], undefined, 0);
				continue;
			}
			// Neighbours on disk are read together.
			let end = i;
			let bytes = 0;
			while (
				end < wanted.length &&
				index.addresses[wanted[end]] === address + bytes &&
				(end === i || bytes + index.sizes[wanted[end]] <= READ_AHEAD)
			) {
				bytes += index.sizes[wanted[end++]];
			}
			if (buffer.length < bytes) buffer = new Uint8Array(bytes);
			source.read(buffer.subarray(0, bytes), context.baseAddress + address);
			let from = 0;
			for (; i < end; i++) {
				const stored = index.sizes[wanted[i]];
				if (this.filters.length === 0) {
					if (stored < chunkBytes) throw damaged(source.name, `a chunk of ${this.name} is too short`);
					visit(wanted[i], buffer, from);
				} else {
					if (chunkBytes > 65536 + MOST_EXPANSION * stored) {
						throw damaged(source.name, `a chunk of ${this.name} claims to expand beyond reason`);
					}
					const packed = buffer.subarray(from, from + stored);
					const mask = index.masks[wanted[i]];
					visit(wanted[i], undoFilters(source.name, this.filters as Filter[], mask, packed, chunkBytes, size), 0);
				}
				from += stored;
			}
		}
		spare = buffer;
	}

	/** The whole array as numbers (integers, enumerations and floats of any width, scalars as one). */
	numbers(): Float64Array {
		const bytes = this.wholeBytes();
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
				const text = new TextDecoder().decode(end < 0 ? field : field.subarray(0, end));
				output.push(type.padding === "space-padded" ? text.trimEnd() : text);
			}
		} else if (type.kind === "variable-string") {
			const cursor = new Cursor(this.context, bytes);
			for (let i = 0; i < this.length; i++) {
				const length = cursor.u32();
				const address = cursor.address();
				const object = cursor.u32();
				if (length === 0 || address <= 0) output.push("");
				else
					output.push(
						new TextDecoder().decode(globalHeapObject(this.context, address, object, length)).replace(/\0+$/, ""),
					);
			}
		} else {
			throw badInput("hdf5-type", `${this.name} is ${describe(type)}, not text`, { subject: this.context.source.name });
		}
		return output;
	}

	private wholeBytes(): Uint8Array {
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

/** The 32-bit word that all of these bytes repeat, if they do. */
export function uniformWord(bytes: Uint8Array, from: number, count: number): number | undefined {
	const last = from + count - 4;
	if (last < from || count % 4 !== 0) return undefined;
	// Cheap to say no.
	for (let k = 0; k < 4; k++) if (bytes[from + k] !== bytes[last + k]) return undefined;
	if (Buffer.compare(bytes.subarray(from, last), bytes.subarray(from + 4, from + count)) !== 0) return undefined;
	return bytes[from] | (bytes[from + 1] << 8) | (bytes[from + 2] << 16) | (bytes[from + 3] << 24);
}

const ZEROS = new Uint8Array(1 << 16);

export function isZero(bytes: Uint8Array, from: number, count: number): boolean {
	for (let i = from, left = count; left > 0; i += ZEROS.length, left -= ZEROS.length) {
		const n = Math.min(left, ZEROS.length);
		// Cheap to say no.
		if (bytes[i] !== 0) return false;
		if (Buffer.compare(bytes.subarray(i, i + n), n === ZEROS.length ? ZEROS : ZEROS.subarray(0, n)) !== 0) return false;
	}
	return true;
}

/**
 * Turns raw elements into doubles: element i begins at `i * stride + offset`.
 *
 * @throws CausticError `hdf5-type` if they are not numbers.
 */
export function convertNumbers(
	file: string,
	name: string,
	type: Datatype,
	bytes: Uint8Array,
	offset: number,
	stride: number,
	output: Float64Array | Float32Array,
	outputOffset = 0,
	outputStride = 1,
	count = output.length,
): void {
	const base = type.kind === "enum" ? type.base : type;
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	if (base.kind !== "integer" && base.kind !== "float") {
		throw badInput("hdf5-type", `${name} is ${describe(type)}, not numbers`, { subject: file });
	}
	const little = !base.bigEndian;
	if (little && stride === base.size && outputStride === 1 && (bytes.byteOffset + offset) % base.size === 0) {
		const plain = plainNumbers(base, bytes, offset, count);
		if (plain !== undefined) {
			output.set(plain, outputOffset);
			return;
		}
	}
	let get: (at: number) => number;
	if (base.kind === "float") {
		if (base.size === 8) get = (at) => view.getFloat64(at, little);
		else if (base.size === 4) get = (at) => view.getFloat32(at, little);
		else throw unsupported(file, `half precision in ${name}`);
	} else if (base.signed) {
		if (base.size === 1) get = (at) => view.getInt8(at);
		else if (base.size === 2) get = (at) => view.getInt16(at, little);
		else if (base.size === 4) get = (at) => view.getInt32(at, little);
		else if (base.size === 8) get = (at) => Number(view.getBigInt64(at, little));
		else throw unsupported(file, `an integer of ${base.size} bytes in ${name}`);
	} else if (base.size === 1) get = (at) => view.getUint8(at);
	else if (base.size === 2) get = (at) => view.getUint16(at, little);
	else if (base.size === 4) get = (at) => view.getUint32(at, little);
	else if (base.size === 8) get = (at) => Number(view.getBigUint64(at, little));
	else throw unsupported(file, `an integer of ${base.size} bytes in ${name}`);
	for (let i = 0; i < count; i++) output[outputOffset + i * outputStride] = get(i * stride + offset);
}

/** Numbers that stand in the file as they stand in memory, one behind the other. */
function plainNumbers(
	base: Extract<Datatype, { kind: "integer" | "float" }>,
	bytes: Uint8Array,
	offset: number,
	count: number,
): Float64Array | Float32Array | Int32Array | Int16Array | undefined {
	const at = bytes.byteOffset + offset;
	if (!HOST_IS_LITTLE || offset + count * base.size > bytes.length) return undefined;
	if (base.kind === "float") {
		if (base.size === 8) return new Float64Array(bytes.buffer, at, count);
		return base.size === 4 ? new Float32Array(bytes.buffer, at, count) : undefined;
	}
	if (!base.signed) return undefined;
	if (base.size === 4) return new Int32Array(bytes.buffer, at, count);
	return base.size === 2 ? new Int16Array(bytes.buffer, at, count) : undefined;
}

const HOST_IS_LITTLE = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

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
