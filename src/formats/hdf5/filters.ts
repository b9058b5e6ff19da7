import { inflateSync, zstdDecompressSync } from "node:zlib";
import { expandBitshuffle } from "./bitshuffle.ts";
import { type Cursor, damaged, unsupported } from "./cursor.ts";
import { expandLz4 } from "./lz4.ts";
import { expandLzf } from "./lzf.ts";

/** One step of a dataset's filter pipeline. */
export interface Filter {
	id: number;
	name: string;
	values: number[];
}

const NAMES: Record<number, string> = {
	1: "deflate",
	2: "shuffle",
	3: "fletcher32",
	4: "szip",
	5: "nbit",
	6: "scaleoffset",
	32000: "lzf",
	32001: "blosc",
	32004: "lz4",
	32008: "bitshuffle",
	32013: "zfp",
	32015: "zstd",
	32026: "blosc2",
};
const KNOWN = new Set([1, 2, 3, 32000, 32004, 32008, 32015]);

/** Reads a filter pipeline message (HDF5 File Format Specification IV.A.2.l). */
export function readFilters(cursor: Cursor): Filter[] {
	const version = cursor.u8();
	if (version !== 1 && version !== 2) throw unsupported(cursor.file, `version ${version} of a filter pipeline`);
	const count = cursor.u8();
	if (count > 32) throw damaged(cursor.file, "a dataset has more filters than HDF5 allows");
	if (version === 1) cursor.skip(6);
	const filters: Filter[] = [];
	for (let i = 0; i < count; i++) {
		const id = cursor.u16();
		const nameLength = version === 1 || id >= 256 ? cursor.u16() : 0;
		cursor.skip(2);
		const nValues = cursor.u16();
		cursor.skip(version === 1 ? Math.ceil(nameLength / 8) * 8 : nameLength);
		const values = Array.from({ length: nValues }, () => cursor.u32());
		if (version === 1 && nValues % 2 === 1) cursor.skip(4);
		filters.push({ id, name: NAMES[id] ?? `number ${id}`, values });
	}
	return filters;
}

/** Throws `hdf5-unsupported` for the first filter that could not be undone: before any data are touched. */
export function requireKnownFilters(file: string, dataset: string, filters: Filter[]): void {
	for (const filter of filters) {
		if (!KNOWN.has(filter.id)) throw unsupported(file, `the compression filter ${filter.name} of ${dataset}`);
		if (filter.id === 32008 && ![0, 2, 3].includes(filter.values[4] ?? 0)) {
			throw unsupported(file, `this variant of the filter bitshuffle of ${dataset}`);
		}
	}
}

/**
 * Undoes a chunk's filters, last first. The result has exactly `bytes` bytes.
 *
 * @throws CausticError `hdf5-damaged` if the chunk does not expand to that size.
 */
export function undoFilters(
	file: string,
	filters: Filter[],
	mask: number,
	stored: Uint8Array,
	bytes: number,
	elementSize: number,
): Uint8Array {
	let data = stored;
	// A filter that compresses is undone to the chunk's size, plus the checksum of filters that came before it.
	let extra = 0;
	for (let i = 0; i < filters.length; i++) if (filters[i].id === 3 && !(mask & (1 << i))) extra += 4;
	for (let i = filters.length - 1; i >= 0; i--) {
		if (mask & (1 << i)) continue;
		const filter = filters[i];
		switch (filter.id) {
			case 1:
				data = inflate(file, data, bytes + extra);
				break;
			case 2:
				data = unshuffle(data, filter.values[0] ?? elementSize);
				break;
			case 3:
				data = checked(file, data);
				extra -= 4;
				break;
			case 32000: {
				const output = new Uint8Array(bytes + extra);
				const count = expandLzf(data, output);
				if (count < 0) throw damaged(file, "an LZF chunk is damaged");
				data = output.subarray(0, count);
				break;
			}
			case 32004:
				data = expandLz4Chunk(file, data, bytes + extra);
				break;
			case 32008: {
				const output = new Uint8Array(bytes + extra);
				const [, , size, block, compression] = filter.values;
				if (!expandBitshuffle(data, output, size ?? elementSize, block ?? 0, (compression ?? 0) as 0 | 2 | 3)) {
					throw damaged(file, "a bitshuffle chunk is damaged");
				}
				data = output;
				break;
			}
			case 32015:
				try {
					data = zstdDecompressSync(data, { maxOutputLength: bytes + extra });
				} catch {
					throw damaged(file, "a Zstandard chunk is damaged");
				}
				break;
		}
	}
	if (data.length !== bytes) throw damaged(file, `a chunk expands to ${data.length} bytes instead of ${bytes}`);
	return data;
}

function inflate(file: string, data: Uint8Array, bytes: number): Uint8Array {
	try {
		return inflateSync(data, { maxOutputLength: bytes });
	} catch {
		throw damaged(file, "a deflate chunk is damaged");
	}
}

function unshuffle(data: Uint8Array, elementSize: number): Uint8Array {
	if (elementSize <= 1) return data;
	const output = new Uint8Array(data.length);
	const elements = Math.floor(data.length / elementSize);
	let from = 0;
	for (let b = 0; b < elementSize; b++) {
		for (let i = 0, to = b; i < elements; i++, to += elementSize) output[to] = data[from++];
	}
	output.set(data.subarray(from), elements * elementSize);
	return output;
}

/** Fletcher's checksum over 16-bit words as HDF5 computes it, high byte first. */
function checked(file: string, data: Uint8Array): Uint8Array {
	const length = data.length - 4;
	if (length < 0) throw damaged(file, "a chunk is shorter than its checksum");
	let sum1 = 0;
	let sum2 = 0;
	for (let i = 0; i < length; i += 2) {
		sum1 = (sum1 + ((data[i] << 8) | (i + 1 < length ? data[i + 1] : 0))) % 65535;
		sum2 = (sum2 + sum1) % 65535;
	}
	const stored = new DataView(data.buffer, data.byteOffset + length, 4).getUint32(0, true);
	// 0 and 65535 are the same residue, and the library leaves either.
	const same = (sum: number, word: number) => sum === word % 65535;
	if (!same(sum2, stored >>> 16) || !same(sum1, stored & 0xffff)) throw damaged(file, "a chunk has the wrong checksum");
	return data.subarray(0, length);
}

function expandLz4Chunk(file: string, data: Uint8Array, bytes: number): Uint8Array {
	const broken = () => damaged(file, "an LZ4 chunk is damaged");
	if (data.length < 12) throw broken();
	const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
	const block = view.getUint32(8);
	if (view.getUint32(0) * 2 ** 32 + view.getUint32(4) !== bytes || block === 0) throw broken();
	const output = new Uint8Array(bytes);
	let from = 12;
	for (let to = 0; to < bytes; to += block) {
		const size = Math.min(block, bytes - to);
		if (from + 4 > data.length) throw broken();
		const stored = view.getUint32(from);
		from += 4;
		if (stored > data.length - from) throw broken();
		const packed = data.subarray(from, from + stored);
		from += stored;
		if (stored === size) output.set(packed, to);
		else if (expandLz4(packed, output, to, to + size) !== size) throw broken();
	}
	return output;
}
