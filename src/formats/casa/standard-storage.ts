import { AipsReader } from "./aips-io.ts";
import { FIRST_BUCKET, type TableFile } from "./bucket-file.ts";
import type { IndirectArrays } from "./indirect-arrays.ts";
import { StandardColumn } from "./standard-column.ts";
import type { StoredColumn } from "./stored-column.ts";
import type { ColumnDescription } from "./table-description.ts";
import { damagedTable } from "./values.ts";

export interface BucketIndex {
	/** Last row of each bucket. */
	last: number[];
	bucket: number[];
}

/** The StandardStMan: rows in buckets, within each bucket column by column. */
export class StandardStorage {
	private readonly file: TableFile;
	private readonly arrays: () => IndirectArrays;
	private readonly bucketSize: number;
	private readonly nBuckets: number;
	private readonly bigEndian: boolean;
	private readonly indices: BucketIndex[] = [];
	private readonly columnOffset: number[];
	private readonly columnIndex: number[];

	constructor(file: TableFile, blob: Uint8Array, arrays: () => IndirectArrays) {
		this.file = file;
		this.arrays = arrays;
		const self = new AipsReader(file.path, blob);
		self.root("SSM");
		self.string();
		this.columnOffset = self.block();
		this.columnIndex = self.block();

		// The header says its own byte order: a version 2 header, and a big-endian one, begin with the high bytes of the magic
		// number either way, so its length decides.
		const head = file.read(0, FIRST_BUCKET);
		const little = isLittleHeader(head);
		const reader = new AipsReader(file.path, head, 0, little);
		const { version } = reader.root("StandardStMan");
		this.bigEndian = version >= 3 ? reader.bool() : true;
		this.bucketSize = reader.u32();
		this.nBuckets = reader.u32();
		reader.u32();
		reader.u32();
		reader.i32();
		reader.u32();
		const firstIndexBucket = reader.i32();
		const indexOffset = reader.u32();
		reader.i32();
		const indexLength = reader.u32();
		const nIndices = reader.u32();
		if (this.bucketSize < 8 || FIRST_BUCKET + this.nBuckets * this.bucketSize > file.size) {
			throw damagedTable(file.path, `${this.nBuckets} buckets of ${this.bucketSize} bytes do not fit into the file`);
		}
		if (nIndices > 0 && indexLength > 0) {
			const index = new AipsReader(file.path, this.indexBytes(firstIndexBucket, indexOffset, indexLength), 0, little);
			for (let i = 0; i < nIndices; i++) this.indices.push(readIndex(index));
		}
	}

	private bucketAt(bucket: number): number {
		if (!(bucket >= 0 && bucket < this.nBuckets)) throw damagedTable(this.file.path, `there is no bucket ${bucket}`);
		return FIRST_BUCKET + bucket * this.bucketSize;
	}

	private indexBytes(first: number, offset: number, length: number): Uint8Array {
		if (length > this.nBuckets * this.bucketSize)
			throw damagedTable(this.file.path, "the index is longer than the file");
		if (offset > 0) {
			if (offset + length > this.bucketSize) throw damagedTable(this.file.path, "the index is longer than its bucket");
			return this.file.read(this.bucketAt(first) + offset, length);
		}
		const bytes = new Uint8Array(length);
		let bucket = first;
		for (let at = 0; at < length; ) {
			const data = this.file.read(this.bucketAt(bucket), this.bucketSize);
			const part = data.subarray(8, 8 + Math.min(length - at, this.bucketSize - 8));
			bytes.set(part, at);
			at += part.length;
			bucket = new DataView(data.buffer).getInt32(0);
		}
		return bytes;
	}

	column(description: ColumnDescription, number: number): StoredColumn {
		const offset = this.columnOffset[number];
		const index = this.indices[this.columnIndex[number]];
		if (offset === undefined || this.columnIndex[number] === undefined) {
			throw damagedTable(this.file.path, `column ${description.name} has no place in its buckets`);
		}
		return new StandardColumn(this, description, offset, index);
	}

	/** What the table claims to have must be in the index before room is made for it. */
	requireRows(index: BucketIndex | undefined, count: number): void {
		const known = index === undefined || index.last.length === 0 ? 0 : index.last[index.last.length - 1] + 1;
		if (count > known) throw damagedTable(this.file.path, `row ${count - 1} is missing in its index`);
	}

	/** Calls `visit` for each run of rows that share a bucket. */
	runs(
		index: BucketIndex | undefined,
		first: number,
		count: number,
		visit: (bucketAt: number, rowInBucket: number, rows: number, from: number, rowsInBucket: number) => void,
	): void {
		if (count === 0) return;
		if (index === undefined) throw damagedTable(this.file.path, "rows are missing in its index");
		let low = 0;
		let high = index.last.length;
		while (low < high) {
			const middle = (low + high) >> 1;
			if (index.last[middle] < first) low = middle + 1;
			else high = middle;
		}
		for (let row = first; row < first + count; low++) {
			if (low >= index.last.length) throw damagedTable(this.file.path, `row ${row} is missing in its index`);
			const begin = low === 0 ? 0 : index.last[low - 1] + 1;
			const rows = Math.min(index.last[low] + 1, first + count) - row;
			visit(this.bucketAt(index.bucket[low]), row - begin, rows, row - first, index.last[low] + 1 - begin);
			row += rows;
		}
	}

	/** Bytes of a bucket; a column never reaches beyond it. */
	part(bucketAt: number, offset: number, length: number): Uint8Array {
		if (offset + length > this.bucketSize) throw damagedTable(this.file.path, "a column reaches beyond its bucket");
		return this.file.read(bucketAt + offset, length);
	}

	replacePart(bucketAt: number, offset: number, bytes: Uint8Array): void {
		if (offset + bytes.length > this.bucketSize)
			throw damagedTable(this.file.path, "a column reaches beyond its bucket");
		this.file.write(bucketAt + offset, bytes);
	}

	get isBigEndian(): boolean {
		return this.bigEndian;
	}

	get path(): string {
		return this.file.path;
	}

	get indirect(): IndirectArrays {
		return this.arrays();
	}

	/** Bytes kept in string buckets, continued from bucket to bucket. */
	stringBytes(bucket: number, offset: number, length: number): Uint8Array {
		if (length > this.nBuckets * this.bucketSize) throw damagedTable(this.file.path, "a text is longer than the file");
		const bytes = new Uint8Array(length);
		let from = offset;
		let at = 0;
		while (at < length) {
			const data = this.file.view(this.bucketAt(bucket), this.bucketSize);
			// Four numbers precede the text: free list, used, deleted, next bucket.
			const part = data.subarray(16 + from, Math.min(this.bucketSize, 16 + from + length - at));
			if (part.length === 0) throw damagedTable(this.file.path, "a text lies outside its bucket");
			bytes.set(part, at);
			at += part.length;
			if (at < length) bucket = new DataView(data.buffer, data.byteOffset).getInt32(12);
			from = 0;
		}
		return bytes;
	}
}

function isLittleHeader(head: Uint8Array): boolean {
	const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
	// The length of the type's name, StandardStMan or IncrementalStMan, is a small number in one of the two orders.
	return view.getUint32(8, true) < 65536;
}

export { isLittleHeader };

function readIndex(reader: AipsReader): BucketIndex {
	const { version } = reader.root("SSMIndex");
	const used = reader.u32();
	reader.u32();
	reader.i32();
	const { end } = reader.begin("SimpleOrderedMap");
	reader.position = end;
	const last = reader.block();
	const bucket = reader.block();
	if (version > 2 || used > last.length || used > bucket.length) {
		throw damagedTable(reader.table, "the index of its rows is damaged");
	}
	for (let i = 1; i < used; i++) {
		if (last[i] <= last[i - 1]) throw damagedTable(reader.table, "the rows in its index do not ascend");
	}
	return { last: last.slice(0, used), bucket: bucket.slice(0, used) };
}
