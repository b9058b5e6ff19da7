import { Cursor, damaged, type FileContext, UNDEFINED_ADDRESS, unsupported } from "./cursor.ts";

/**
 * Small objects of varying size, in blocks that double in size row by row (HDF5 File Format Specification III.G): where
 * groups with many links keep them. Managed and tiny objects are read; filtered heaps are refused by name.
 */
export class FractalHeap {
	readonly idLength: number;
	private readonly context: FileContext;
	private readonly tableWidth: number;
	private readonly startSize: number;
	private readonly largestDirect: number;
	private readonly offsetBytes: number;
	private readonly lengthBytes: number;
	private readonly rootAddress: number;
	private readonly rootRows: number;
	private readonly checksummed: boolean;

	constructor(context: FileContext, address: number) {
		this.context = context;
		const { offsetSize, lengthSize } = context;
		const head = Cursor.at(context, address, 22 + 12 * lengthSize + 3 * offsetSize);
		head.expect("FRHP", "fractal heap");
		head.skip(1);
		this.idLength = head.u16();
		const filterLength = head.u16();
		if (filterLength > 0) throw unsupported(context.source.name, "a compressed fractal heap");
		this.checksummed = (head.u8() & 2) !== 0;
		const largestObject = head.u32();
		head.skip(lengthSize);
		head.skip(offsetSize);
		head.skip(lengthSize);
		head.skip(offsetSize);
		head.skip(8 * lengthSize);
		this.tableWidth = head.u16();
		this.startSize = head.length();
		this.largestDirect = head.length();
		const heapBits = head.u16();
		head.skip(2);
		this.rootAddress = head.address();
		this.rootRows = head.u16();
		if (this.tableWidth === 0 || this.startSize === 0 || heapBits === 0 || heapBits > 64) {
			throw damaged(context.source.name, "a fractal heap has an impossible shape");
		}
		this.offsetBytes = Math.ceil(heapBits / 8);
		const bytesFor = (value: number) => Math.max(1, Math.ceil(Math.log2(value + 1) / 8));
		this.lengthBytes = Math.min(Math.ceil(Math.log2(this.largestDirect) / 8), bytesFor(largestObject));
	}

	/** The bytes of the object with this identifier. */
	object(id: Uint8Array): Uint8Array {
		const file = this.context.source.name;
		const cursor = new Cursor(this.context, id);
		const kind = (cursor.u8() >> 4) & 3;
		if (kind === 2) return cursor.take(Math.min(id[0] & 15, cursor.left - 1) + 1);
		if (kind !== 0) throw unsupported(file, "a huge object in a fractal heap");
		const offset = cursor.uint(this.offsetBytes);
		const length = cursor.uint(this.lengthBytes);
		const block = this.blockWith(offset);
		if (offset + length > block.end) throw damaged(file, "an object crosses the end of its heap block");
		return Cursor.at(this.context, block.address + offset - block.begin, length).bytes;
	}

	private rowBlockSize(row: number): number {
		return row < 2 ? this.startSize : this.startSize * 2 ** (row - 1);
	}

	/** The direct block that holds the heap offset. */
	private blockWith(offset: number): { address: number; begin: number; end: number } {
		const { context } = this;
		let address = this.rootAddress;
		let begin = 0;
		let rows = this.rootRows;
		if (rows === 0) {
			return this.direct(address, 0, this.startSize, offset);
		}
		for (let depth = 0; depth < 64; depth++) {
			if (address === UNDEFINED_ADDRESS) break;
			let row = 0;
			let rowBegin = begin;
			while (row < rows && offset >= rowBegin + this.rowBlockSize(row) * this.tableWidth) {
				rowBegin += this.rowBlockSize(row) * this.tableWidth;
				row++;
			}
			if (row >= rows) break;
			const size = this.rowBlockSize(row);
			const column = Math.floor((offset - rowBegin) / size);
			const entry = row * this.tableWidth + column;
			const headSize = 5 + context.offsetSize + this.offsetBytes;
			const head = Cursor.at(context, address, 4);
			head.expect("FHIB", "indirect block of a fractal heap");
			const child = Cursor.at(context, address + headSize + entry * context.offsetSize, context.offsetSize).address();
			const childBegin = rowBegin + column * size;
			if (size <= this.largestDirect) return this.direct(child, childBegin, size, offset);
			address = child;
			begin = childBegin;
			// An indirect child of this size spans as many rows as fill it.
			rows = Math.floor(Math.log2(size / (this.startSize * this.tableWidth))) + 1;
		}
		throw damaged(context.source.name, "an object lies outside its fractal heap");
	}

	private direct(address: number, begin: number, size: number, offset: number) {
		const { context } = this;
		Cursor.at(context, address, 4).expect("FHDB", "direct block of a fractal heap");
		const head = 5 + context.offsetSize + this.offsetBytes + (this.checksummed ? 4 : 0);
		if (offset < begin + head || offset >= begin + size) {
			throw damaged(context.source.name, "an object lies outside its heap block");
		}
		return { address, begin, end: begin + size };
	}
}
