import { closeSync, openSync, writeSync } from "node:fs";
import { failure } from "../../error.ts";
import { rawBytes } from "../raw-bytes.ts";
import { copyBox, planCopy } from "./copy-box.ts";
import { Bytes, encodeDatatype, sizeOf, type WrittenType } from "./encode.ts";
import { writeChunkTree } from "./write-chunk-tree.ts";
import { GROUP_INTERNAL_K, GROUP_LEAF_K, objectHeader, writeGroup } from "./write-group.ts";

interface Node {
	children: Map<string, Node>;
	/** Of a dataset: its header; undefined for groups. */
	address?: number;
}

/**
 * Writes an HDF5 file that every version of the HDF5 library reads (superblock 0). Arrays are uncompressed, in one piece
 * or in chunks. The file is not HDF5 before {@link close}, so that nobody takes half a file for a whole one.
 */
export class Hdf5Writer {
	readonly path: string;
	private readonly descriptor: number;
	private readonly root: Node = { children: new Map() };
	private end = 96;
	private open = true;

	constructor(path: string) {
		this.path = path;
		try {
			this.descriptor = openSync(path, "w");
		} catch (error) {
			throw failure("file-unwritable", (error as Error).message, {
				subject: path,
				remedy: "Check the folder",
				cause: error,
			});
		}
	}

	private put = (address: number, bytes: Uint8Array): void => {
		try {
			for (let done = 0; done < bytes.length; ) {
				done += writeSync(this.descriptor, bytes, done, bytes.length - done, address + done);
			}
		} catch (error) {
			throw failure("file-unwritable", (error as Error).message, {
				subject: this.path,
				remedy: "Check the disk",
				cause: error,
			});
		}
	};

	private allot = (bytes: number): number => {
		const address = this.end;
		this.end += Math.ceil(bytes / 8) * 8;
		return address;
	};

	private place(path: string): Node {
		let node = this.root;
		for (const name of path.split("/").filter((part) => part !== "")) {
			let child = node.children.get(name);
			if (child === undefined) {
				child = { children: new Map() };
				node.children.set(name, child);
			}
			node = child;
		}
		return node;
	}

	/** Makes a group, and those above it. */
	group(path: string): void {
		this.place(path);
	}

	/** Writes a whole array. An empty shape is a scalar. */
	dataset(path: string, type: WrittenType, shape: readonly number[], data: ArrayBufferView): void {
		const rows = this.rows(path, type, shape.length === 0 ? [1] : shape, undefined, shape);
		rows.append(rawBytes(data));
		rows.finish();
	}

	number(path: string, value: number): void {
		this.dataset(path, "float64", [], new Float64Array([value]));
	}

	integer(path: string, value: number): void {
		this.dataset(path, "int64", [], new BigInt64Array([BigInt(value)]));
	}

	text(path: string, value: string): void {
		this.texts(path, [value], []);
	}

	texts(path: string, values: readonly string[], shape: readonly number[] = [values.length]): void {
		const encoded = values.map((value) => new TextEncoder().encode(value));
		const size = Math.max(1, ...encoded.map((bytes) => bytes.length));
		const data = new Uint8Array(size * values.length);
		encoded.forEach((bytes, i) => data.set(bytes, i * size));
		this.dataset(path, { text: size }, shape, data);
	}

	/**
	 * Begins an array that is filled row by row (along its first dimension). Its space is set aside at once.
	 *
	 * @param chunk shape of a chunk, or undefined for one piece.
	 */
	rows(
		path: string,
		type: WrittenType,
		shape: readonly number[],
		chunk?: readonly number[],
		declared: readonly number[] = shape,
	): RowWriter {
		const size = sizeOf(type);
		const extent = chunk?.map((extent, d) => Math.ceil(shape[d] / extent) * extent) ?? shape;
		const address = this.allot(extent.reduce((a, b) => a * b, size));
		const node = this.place(path);
		return new RowWriter(shape, size, chunk, address, this.put, () => {
			const space = new Bytes().u8(1, declared.length, 0, 0, 0, 0, 0, 0);
			for (const dimension of declared) space.u64(dimension);
			const layout = new Bytes().u8(3);
			if (chunk === undefined) {
				layout
					.u8(1)
					.u64(address)
					.u64(shape.reduce((a, b) => a * b, size));
			} else {
				const counts = chunk.map((extent, d) => Math.ceil(shape[d] / extent));
				const bytes = chunk.reduce((a, b) => a * b, size);
				const tree = writeChunkTree(address, counts, chunk, bytes, this.allot, this.put);
				layout.u8(2, chunk.length + 1).u64(tree);
				for (const extent of chunk) layout.u32(extent);
				layout.u32(size);
			}
			const header = objectHeader([
				[0x01, space.done()],
				[0x03, encodeDatatype(type)],
				// Fill value: the default, space allotted at once.
				[
					0x05,
					new Bytes()
						.u8(2, chunk === undefined ? 2 : 1, 2, 1)
						.u32(0)
						.done(),
				],
				[0x08, layout.done()],
			]);
			node.address = this.allot(header.length);
			this.put(node.address, header);
		});
	}

	private writeNode(node: Node): { header: number; tree: number; heap: number } {
		const addresses = new Map<string, number>();
		for (const [name, child] of node.children) addresses.set(name, child.address ?? this.writeNode(child).header);
		return writeGroup(addresses, this.allot, this.put);
	}

	/** Writes groups and superblock: only now is it an HDF5 file. */
	close(): void {
		if (!this.open) return;
		this.open = false;
		try {
			const root = this.writeNode(this.root);
			const head = new Bytes().u8(0x89).text("HDF\r\n").u8(0x1a).text("\n");
			head.u8(0, 0, 0, 0, 0, 8, 8, 0).u16(GROUP_LEAF_K).u16(GROUP_INTERNAL_K).u32(0);
			head.u64(0).u64(undefined).u64(this.end).u64(undefined);
			head.u64(0).u64(root.header).u32(1).u32(0).u64(root.tree).u64(root.heap);
			// The last structure may end before its padding does: the file must reach the end it declares.
			this.put(this.end - 1, new Uint8Array(1));
			this.put(0, head.done());
		} finally {
			closeSync(this.descriptor);
		}
	}

	/** Gives up: closes the file without making it valid. */
	abandon(): void {
		if (this.open) closeSync(this.descriptor);
		this.open = false;
	}
}

/** Fills one array from its first row to its last. */
export class RowWriter {
	private readonly rowBytes: number;
	private readonly nRows: number;
	private readonly shape: readonly number[];
	private readonly size: number;
	private readonly chunk: readonly number[] | undefined;
	private readonly address: number;
	private readonly put: (address: number, bytes: Uint8Array) => void;
	private readonly describe: () => void;
	private readonly band: Uint8Array;
	private readonly packed: Uint8Array;
	private inBand = 0;
	private done = 0;

	constructor(
		shape: readonly number[],
		size: number,
		chunk: readonly number[] | undefined,
		address: number,
		put: (address: number, bytes: Uint8Array) => void,
		describe: () => void,
	) {
		this.shape = shape;
		this.size = size;
		this.chunk = chunk;
		this.address = address;
		this.put = put;
		this.describe = describe;
		this.nRows = shape[0];
		this.rowBytes = shape.slice(1).reduce((a, b) => a * b, size);
		this.band = new Uint8Array(chunk === undefined ? 0 : chunk[0] * this.rowBytes);
		const columns = chunk?.slice(1).reduce((all, extent, d) => all * Math.ceil(shape[d + 1] / extent) * extent, 1) ?? 0;
		this.packed = new Uint8Array(chunk === undefined ? 0 : chunk[0] * columns * size);
	}

	/** Adds whole rows. */
	append(bytes: Uint8Array): void {
		const rows = bytes.length / this.rowBytes;
		if (!Number.isInteger(rows) || this.done + this.inBand + rows > this.nRows) {
			throw failure("hdf5-write", `${rows} rows do not fit behind ${this.done + this.inBand} of ${this.nRows}`);
		}
		if (this.chunk === undefined) {
			this.put(this.address + this.done * this.rowBytes, bytes);
			this.done += rows;
			return;
		}
		for (let from = 0; from < rows; ) {
			const count = Math.min(this.chunk[0] - this.inBand, rows - from);
			this.band.set(bytes.subarray(from * this.rowBytes, (from + count) * this.rowBytes), this.inBand * this.rowBytes);
			this.inBand += count;
			from += count;
			if (this.inBand === this.chunk[0]) this.flush();
		}
	}

	/** A band of chunks, which lie one behind the other in the file. */
	private flush(): void {
		const { shape, size } = this;
		const chunk = this.chunk as readonly number[];
		const rank = shape.length;
		const counts = chunk.map((extent, d) => (d === 0 ? 1 : Math.ceil(shape[d] / extent)));
		const total = counts.reduce((a, b) => a * b, 1);
		const strides = shape.map((_, d) => shape.slice(d + 1).reduce((a, b) => a * b, 1));
		const chunkStrides = chunk.map((_, d) => chunk.slice(d + 1).reduce((a, b) => a * b, 1));
		const chunkElements = chunk.reduce((a, b) => a * b, 1);
		this.packed.fill(0);
		for (let n = 0; n < total; n++) {
			let from = 0;
			const axes = new Array<{ count: number; from: number; to: number }>(rank);
			for (let d = rank - 1, rest = n; d >= 0; rest = Math.floor(rest / counts[d]), d--) {
				const begin = (rest % counts[d]) * chunk[d];
				from += begin * strides[d];
				const extent = d === 0 ? this.inBand : Math.min(chunk[d], shape[d] - begin);
				axes[d] = { count: extent, from: strides[d], to: chunkStrides[d] };
			}
			copyBox(this.band, from * size, this.packed, n * chunkElements * size, planCopy(axes), size);
		}
		this.put(this.address + (this.done / chunk[0]) * this.packed.length, this.packed);
		this.done += this.inBand;
		this.inBand = 0;
	}

	/** Rows added so far. */
	get length(): number {
		return this.done + this.inBand;
	}

	/** Throws unless every row was added. */
	finish(): void {
		if (this.inBand > 0) this.flush();
		if (this.done !== this.nRows) throw failure("hdf5-write", `${this.done} of ${this.nRows} rows were written`);
		this.describe();
	}
}
