import { Cursor, damaged, type FileContext, UNDEFINED_ADDRESS, unsupported } from "./cursor.ts";
import { readTreeRecords } from "./record-tree.ts";

/** Where the chunks of one dataset are stored. Chunks are numbered in C order over the grid of chunks. */
export interface ChunkIndex {
	/** Address per chunk, {@link UNDEFINED_ADDRESS} where it was never written. */
	addresses: Float64Array;
	/** Stored bytes per chunk. */
	sizes: Float64Array;
	/** Bit i set: filter i was not applied to this chunk. */
	masks: Uint32Array;
}

/** How a chunked dataset says where its chunks are. */
export type ChunkIndexKind =
	| { kind: "b-tree-1"; address: number }
	| { kind: "single"; address: number; size: number | undefined; mask: number }
	| { kind: "implicit"; address: number }
	| { kind: "fixed-array"; address: number }
	| { kind: "extensible-array"; address: number }
	| { kind: "b-tree-2"; address: number };

export interface ChunkGrid {
	/** Chunks along each dimension. */
	counts: number[];
	/** The same if the dataset were extended to its maximum, Infinity if unlimited: some indexes number chunks by it. */
	mostCounts: number[];
	/** Elements of a chunk along each dimension. */
	chunk: number[];
	/** Bytes of a chunk before filters. */
	bytes: number;
	filtered: boolean;
}

/**
 * Reads the whole index of a dataset's chunks.
 *
 * @throws CausticError `hdf5-damaged` if the file could not hold that many chunks, or chunks lie outside it.
 */
export function readChunkIndex(context: FileContext, how: ChunkIndexKind, grid: ChunkGrid): ChunkIndex {
	const file = context.source.name;
	const total = grid.counts.reduce((a, b) => a * b, 1);
	// Every index but the implicit one takes at least 8 bytes per chunk that exists; absent chunks may outnumber them.
	if (!(total <= 1e6 + context.source.size / 4)) {
		throw damaged(file, `a dataset claims ${total} chunks, more than the file could hold`);
	}
	const index: ChunkIndex = {
		addresses: new Float64Array(total).fill(UNDEFINED_ADDRESS),
		sizes: new Float64Array(total),
		masks: new Uint32Array(total),
	};
	const put = (chunk: number, address: number, size: number, mask: number) => {
		if (chunk >= total || address === UNDEFINED_ADDRESS) return;
		if (context.baseAddress + address + size > context.source.size) {
			throw damaged(file, `chunk ${chunk} of a dataset lies outside the file`);
		}
		index.addresses[chunk] = address;
		index.sizes[chunk] = size;
		index.masks[chunk] = mask;
	};
	if (how.address === UNDEFINED_ADDRESS) return index;
	switch (how.kind) {
		case "b-tree-1":
			readTree1(context, how.address, grid, put);
			break;
		case "single":
			put(0, how.address, how.size ?? grid.bytes, how.mask);
			break;
		case "implicit":
			for (let i = 0; i < total; i++) {
				let number = 0;
				let rest = i;
				for (let d = grid.counts.length - 1, unit = 1; d >= 0; d--) {
					number += (rest % grid.counts[d]) * unit;
					rest = Math.floor(rest / grid.counts[d]);
					unit *= grid.mostCounts[d];
				}
				put(i, how.address + number * grid.bytes, grid.bytes, 0);
			}
			break;
		case "fixed-array":
			readFixedArray(context, how.address, grid, renumbered(grid, put));
			break;
		case "extensible-array":
			readExtensibleArray(context, how.address, grid, renumbered(grid, put));
			break;
		case "b-tree-2":
			readTree2(context, how.address, grid, put);
			break;
	}
	return index;
}

type Put = (chunk: number, address: number, size: number, mask: number) => void;

/** The chunk's number from its coordinates in the grid; beyond the grid it is left out (a dataset that was shrunk). */
function linear(grid: ChunkGrid, coordinate: (dimension: number) => number): number {
	let chunk = 0;
	for (let d = 0; d < grid.counts.length; d++) {
		const at = coordinate(d);
		if (at >= grid.counts[d]) return Infinity;
		chunk = chunk * grid.counts[d] + at;
	}
	return chunk;
}

/**
 * Fixed and extensible arrays number chunks over the maximal extent, the unlimited dimension (if any) slowest. Chunks
 * beyond the present extent are left out.
 */
function renumbered(grid: ChunkGrid, put: Put): Put {
	const rank = grid.counts.length;
	const unlimited = grid.mostCounts.indexOf(Infinity);
	const order = Array.from({ length: rank }, (_, d) => d).filter((d) => d !== unlimited);
	if (unlimited >= 0) order.unshift(unlimited);
	const at = new Array<number>(rank).fill(0);
	return (number, address, size, mask) => {
		let rest = number;
		for (let k = rank - 1; k >= 0; k--) {
			const d = order[k];
			const count = grid.mostCounts[d];
			at[d] = count === Infinity ? rest : rest % count;
			rest = count === Infinity ? 0 : Math.floor(rest / count);
		}
		if (rest === 0)
			put(
				linear(grid, (d) => at[d]),
				address,
				size,
				mask,
			);
	};
}

function readTree1(context: FileContext, root: number, grid: ChunkGrid, put: Put): void {
	const file = context.source.name;
	const rank = grid.counts.length;
	const keySize = 8 + 8 * (rank + 1);
	const seen = new Set<number>();
	const walk = (address: number, deepest: number): void => {
		if (seen.has(address)) throw damaged(file, "the B-tree of a dataset is circular");
		seen.add(address);
		const head = Cursor.at(context, address, 8);
		head.expect("TREE", "B-tree of a dataset");
		if (head.u8() !== 1) throw damaged(file, "the B-tree of a dataset is one of a group");
		const level = head.u8();
		if (level >= deepest) throw damaged(file, "the levels of a dataset's B-tree do not descend");
		const count = head.u16();
		const node = Cursor.at(context, address + 8 + 2 * context.offsetSize, count * (keySize + context.offsetSize));
		for (let i = 0; i < count; i++) {
			const size = node.u32();
			const mask = node.u32();
			let chunk = 0;
			for (let d = 0; d < rank; d++) {
				const at = Math.floor(node.u64() / grid.chunk[d]);
				// Beyond the grid: a dataset that was shrunk.
				chunk = at < grid.counts[d] ? chunk * grid.counts[d] + at : Infinity;
			}
			node.skip(8);
			const child = node.address();
			if (level > 0) walk(child, level);
			else put(chunk, child, size, mask);
		}
	};
	walk(root, 256);
}

/** Bytes in which the size of a filtered chunk is written in the newer indexes. */
const sizeBytes = (elementSize: number, context: FileContext) => elementSize - context.offsetSize - 4;

function readElement(cursor: Cursor, filtered: boolean, sizeWidth: number, grid: ChunkGrid): [number, number, number] {
	const address = cursor.address();
	if (!filtered) return [address, grid.bytes, 0];
	const size = cursor.uint(sizeWidth);
	return [address, size, cursor.u32()];
}

function readFixedArray(context: FileContext, address: number, grid: ChunkGrid, put: Put): void {
	const file = context.source.name;
	const head = Cursor.at(context, address, 8 + context.lengthSize + context.offsetSize);
	head.expect("FAHD", "fixed array of chunks");
	head.skip(1);
	const filtered = head.u8() === 1;
	const elementSize = head.u8();
	const pageBits = head.u8();
	const count = head.length();
	const blockAddress = head.address();
	if (blockAddress === UNDEFINED_ADDRESS) return;
	const width = sizeBytes(elementSize, context);
	if (pageBits > 32 || (filtered && (width < 1 || width > 8)))
		throw damaged(file, "a fixed array has an impossible shape");
	const pageElements = 2 ** pageBits;
	const headSize = 6 + context.offsetSize;
	const pages = count > pageElements ? Math.ceil(count / pageElements) : 0;
	const bitmapSize = Math.ceil(pages / 8);
	const block = Cursor.at(context, blockAddress, headSize + bitmapSize);
	block.expect("FADB", "data block of a fixed array");
	block.position = headSize;
	const bitmap = block.take(bitmapSize);
	const readRun = (at: number, first: number, run: number) => {
		const cursor = Cursor.at(context, at, run * elementSize);
		for (let i = 0; i < run; i++) put(first + i, ...readElement(cursor, filtered, width, grid));
	};
	if (pages === 0) readRun(blockAddress + headSize, 0, count);
	for (let p = 0; p < pages; p++) {
		// The bitmap's first page is the highest bit; pages are checksummed, the block's own checksum follows the bitmap.
		if (!(bitmap[p >> 3] & (0x80 >> (p & 7)))) continue;
		const first = p * pageElements;
		const at = blockAddress + headSize + bitmapSize + 4 + p * (pageElements * elementSize + 4);
		readRun(at, first, Math.min(pageElements, count - first));
	}
}

function readExtensibleArray(context: FileContext, address: number, grid: ChunkGrid, put: Put): void {
	const file = context.source.name;
	const { offsetSize, lengthSize } = context;
	const head = Cursor.at(context, address, 12 + 6 * lengthSize + offsetSize);
	head.expect("EAHD", "extensible array of chunks");
	head.skip(1);
	const filtered = head.u8() === 1;
	const elementSize = head.u8();
	const maxBits = head.u8();
	const indexElements = head.u8();
	const minElements = head.u8();
	const minPointers = head.u8();
	const pageBits = head.u8();
	head.skip(4 * lengthSize);
	const highest = head.length();
	head.skip(lengthSize);
	const indexAddress = head.address();
	if (indexAddress === UNDEFINED_ADDRESS) return;
	const width = sizeBytes(elementSize, context);
	if (
		minElements === 0 ||
		minPointers === 0 ||
		pageBits > 32 ||
		maxBits > 64 ||
		(filtered && (width < 1 || width > 8))
	) {
		throw damaged(file, "an extensible array has an impossible shape");
	}
	const offsetBytes = Math.ceil(maxBits / 8);
	const pageElements = 2 ** pageBits;
	// Super block s holds 2^(s/2) data blocks of 2^((s+1)/2) x minElements elements (both exponents rounded down).
	const blocksOf = (s: number) => 2 ** Math.floor(s / 2);
	const elementsOf = (s: number) => 2 ** Math.floor((s + 1) / 2) * minElements;
	const directSupers = 2 * Math.floor(Math.log2(minPointers));
	let directBlocks = 0;
	for (let s = 0; s < directSupers; s++) directBlocks += blocksOf(s);
	const supers = 1 + maxBits - Math.floor(Math.log2(minElements));
	const indexHead = 6 + offsetSize;
	const pointers = directBlocks + Math.max(0, supers - directSupers);
	const block = Cursor.at(context, indexAddress, indexHead + indexElements * elementSize + pointers * offsetSize);
	block.expect("EAIB", "index block of an extensible array");
	block.position = indexHead;
	let next = 0;
	for (let i = 0; i < indexElements; i++) put(next++, ...readElement(block, filtered, width, grid));
	const readData = (at: number, elements: number, pagesWritten: (page: number) => boolean) => {
		if (at !== UNDEFINED_ADDRESS) {
			const headSize = 6 + offsetSize + offsetBytes;
			Cursor.at(context, at, 4).expect("EADB", "data block of an extensible array");
			const paged = elements > pageElements;
			const run = paged ? pageElements : elements;
			for (let p = 0; p * run < elements; p++) {
				if (paged && !pagesWritten(p)) continue;
				const begin = at + headSize + (paged ? 4 + p * (run * elementSize + 4) : 0);
				const cursor = Cursor.at(context, begin, run * elementSize);
				for (let i = 0; i < run; i++) put(next + p * run + i, ...readElement(cursor, filtered, width, grid));
			}
		}
		next += elements;
	};
	const always = () => true;
	const sizes: number[] = [];
	for (let s = 0; s < directSupers; s++) for (let b = 0; b < blocksOf(s); b++) sizes.push(elementsOf(s));
	const direct = sizes.map(() => block.address());
	sizes.forEach((elements, b) => {
		if (next < highest) readData(direct[b], elements, always);
	});
	for (let s = directSupers; s < supers && next < highest; s++) {
		const superAddress = block.address();
		const blocks = blocksOf(s);
		const elements = elementsOf(s);
		if (superAddress === UNDEFINED_ADDRESS) {
			next += blocks * elements;
			continue;
		}
		const pages = elements > pageElements ? elements / pageElements : 0;
		const bitmapSize = Math.ceil(pages / 8);
		const headSize = 6 + offsetSize + offsetBytes;
		const superBlock = Cursor.at(context, superAddress, headSize + blocks * (bitmapSize + offsetSize));
		superBlock.expect("EASB", "super block of an extensible array");
		superBlock.position = headSize;
		const bitmap = superBlock.take(blocks * bitmapSize);
		for (let b = 0; b < blocks; b++) {
			const written = (page: number) => (bitmap[b * bitmapSize + (page >> 3)] & (0x80 >> (page & 7))) !== 0;
			readData(superBlock.address(), elements, written);
		}
	}
}

function readTree2(context: FileContext, address: number, grid: ChunkGrid, put: Put): void {
	const rank = grid.counts.length;
	readTreeRecords(context, address, (record) => {
		const chunkAddress = record.address();
		let size = grid.bytes;
		let mask = 0;
		if (grid.filtered) {
			const width = record.bytes.length - context.offsetSize - 4 - 8 * rank;
			if (width < 1 || width > 8) throw unsupported(context.source.name, "this B-tree of chunks");
			size = record.uint(width);
			mask = record.u32();
		}
		const scaled: number[] = [];
		for (let d = 0; d < rank; d++) scaled.push(record.uint(8));
		put(
			linear(grid, (d) => scaled[d]),
			chunkAddress,
			size,
			mask,
		);
	});
}
