import { failure } from "../../error.ts";
import { rawBytes } from "../raw-bytes.ts";
import { AipsWriter } from "./aips-io.ts";
import { FIRST_BUCKET } from "./bucket-file.ts";
import type { OutputFile } from "./output-file.ts";
import { writeValues } from "./record.ts";
import type { ColumnDescription } from "./table-description.ts";
import { type CasaArray, type CasaData, packBits, productOf, SIZE } from "./values.ts";

/** Rows in a bucket of a small table, as casacore's own default; large tables have more. */
const FEWEST_ROWS = 32;
const BUCKET_BYTES = 65536;

/** A text field or a place in another file. */
const placeBytes = (column: ColumnDescription) => (column.type === "String" ? 12 : 8);

/** Elements of a column that stand in the bucket itself; 0 if they stand elsewhere. */
const inline = (column: ColumnDescription) =>
	column.type === "String"
		? 0
		: !column.isArray
			? 1
			: column.isDirect && column.shape !== undefined
				? productOf(column.shape)
				: 0;

/** Values of some rows: scalars or fixed cells flat, other cells one by one. */
export type RowValues = CasaData | readonly (CasaArray | undefined)[];

/**
 * Writes the file(s) of one StandardStMan, little-endian, row by row: `table.f<N>` and, if there are arrays of varying shape,
 * `table.f<N>i`. Nothing but the bucket being filled is held in memory.
 */
export class StandardWriter {
	readonly rowsPerBucket: number;
	readonly bucketSize: number;
	private readonly columns: readonly ColumnDescription[];
	private readonly offsets: number[] = [];
	private readonly file: OutputFile;
	private readonly arrays: IndirectWriter;
	private readonly nRows: number;
	private readonly nData: number;
	private readonly bucket: Uint8Array;
	private done = 0;
	/** The string bucket being filled. */
	private strings: { number: number; bytes: Uint8Array; used: number } | undefined;
	private nextBucket: number;

	constructor(columns: readonly ColumnDescription[], nRows: number, file: OutputFile, indirect: () => OutputFile) {
		this.columns = columns;
		this.nRows = nRows;
		this.file = file;
		// casacore opens the file of such arrays even if all cells are empty.
		const isIndirect = (column: ColumnDescription) =>
			column.isArray && column.type !== "String" && inline(column) === 0;
		this.arrays = new IndirectWriter(columns.some(isIndirect) ? indirect() : undefined);
		const rowBytes = columns.reduce((sum, column) => {
			const elements = inline(column);
			return (
				sum +
				(elements === 0 ? placeBytes(column) : column.type === "Bool" ? elements / 8 : elements * SIZE[column.type])
			);
		}, 0);
		const fitting = Math.floor(BUCKET_BYTES / rowBytes / 8) * 8;
		this.rowsPerBucket = Math.max(8, Math.min(Math.max(FEWEST_ROWS, Math.ceil(nRows / 8) * 8), fitting));
		let offset = 0;
		for (const column of columns) {
			this.offsets.push(offset);
			const elements = inline(column) * this.rowsPerBucket;
			if (elements === 0) offset += placeBytes(column) * this.rowsPerBucket;
			else offset += column.type === "Bool" ? Math.ceil(elements / 8) : elements * SIZE[column.type];
		}
		this.bucketSize = Math.max(512, offset);
		this.bucket = new Uint8Array(this.bucketSize);
		this.nData = Math.ceil(nRows / this.rowsPerBucket);
		this.nextBucket = this.nData;
	}

	private at(bucket: number): number {
		return FIRST_BUCKET + bucket * this.bucketSize;
	}

	/** Adds rows; `values` per column in the columns' order. */
	append(count: number, values: readonly RowValues[]): void {
		if (this.done + count > this.nRows)
			throw failure("table-write", `there are more than ${this.nRows} rows`, { subject: this.file.path });
		for (let from = 0; from < count; ) {
			const inBucket = this.done % this.rowsPerBucket;
			const rows = Math.min(this.rowsPerBucket - inBucket, count - from);
			this.columns.forEach((column, c) => {
				this.fill(column, this.offsets[c], inBucket, rows, values[c], from);
			});
			this.done += rows;
			from += rows;
			if (this.done % this.rowsPerBucket === 0) this.flush();
		}
	}

	private flush(): void {
		this.file.write(this.at(Math.ceil(this.done / this.rowsPerBucket) - 1), this.bucket);
		this.bucket.fill(0);
	}

	private fill(
		column: ColumnDescription,
		offset: number,
		row: number,
		rows: number,
		values: RowValues,
		from: number,
	): void {
		const elements = inline(column);
		if (elements > 0) {
			if (column.type === "Bool") {
				packBits(values as Uint8Array, this.bucket.subarray(offset), row * elements, rows * elements, from * elements);
				return;
			}
			const numbers = values as Exclude<CasaData, string[]>;
			const size = SIZE[column.type] * elements;
			const bytes = new Uint8Array(numbers.buffer, numbers.byteOffset + from * size, rows * size);
			this.bucket.set(bytes, offset + row * size);
			return;
		}
		const view = new DataView(this.bucket.buffer);
		for (let i = 0; i < rows; i++) {
			const value = values[from + i] as CasaArray | string | undefined;
			if (column.type === "String") {
				const bytes = typeof value === "string" ? new TextEncoder().encode(value) : textsOf(column, value);
				this.putText(view, offset + 12 * (row + i), bytes);
			} else {
				const place = value === undefined ? 0 : this.arrays.add(column.type, value as CasaArray);
				view.setBigInt64(offset + 8 * (row + i), BigInt(place), true);
			}
		}
	}

	/** Bucket, offset and length of a text; a text of up to eight bytes stands in their place. */
	private putText(view: DataView, at: number, bytes: Uint8Array): void {
		if (bytes.length <= 8) {
			this.bucket.set(bytes, at);
			view.setInt32(at + 8, bytes.length, true);
			return;
		}
		const room = this.bucketSize - 16;
		if (this.strings === undefined || this.strings.used + bytes.length > room) this.turnStrings(false);
		let strings = this.strings as NonNullable<typeof this.strings>;
		view.setInt32(at, strings.number, true);
		view.setInt32(at + 4, strings.used, true);
		view.setInt32(at + 8, bytes.length, true);
		for (let from = 0; ; ) {
			const part = bytes.subarray(from, from + room - strings.used);
			strings.bytes.set(part, 16 + strings.used);
			strings.used += part.length;
			from += part.length;
			if (from === bytes.length) return;
			strings = this.turnStrings(true);
		}
	}

	/** Writes the string bucket and begins the next one, in which a long text may go on. */
	private turnStrings(continues: boolean): { number: number; bytes: Uint8Array; used: number } {
		const number = this.nextBucket++;
		if (this.strings !== undefined) this.writeStrings(this.strings, continues ? number : -1);
		this.strings = { number, bytes: new Uint8Array(this.bucketSize), used: 0 };
		return this.strings;
	}

	private writeStrings(
		{ number, bytes, used }: { number: number; bytes: Uint8Array; used: number },
		next: number,
	): void {
		const view = new DataView(bytes.buffer);
		view.setInt32(4, used);
		view.setInt32(8, this.bucketSize - 16 - used);
		view.setInt32(12, next);
		this.file.write(this.at(number), bytes);
	}

	/** Writes what is left, the index and the header; the blob for `table.dat` is returned. */
	finish(name: string): Uint8Array {
		if (this.done !== this.nRows) {
			throw failure("table-write", `${this.done} of ${this.nRows} rows were written`, { subject: this.file.path });
		}
		if (this.done % this.rowsPerBucket !== 0) this.flush();
		if (this.strings !== undefined) this.writeStrings(this.strings, -1);
		this.arrays.finish();
		const index = this.index();
		const firstIndex = this.nextBucket;
		// A short index stands behind the two pointers of its bucket; a long one is continued from bucket to bucket.
		const single = index.length + 8 <= this.bucketSize;
		const nIndex = single ? 1 : Math.ceil(index.length / (this.bucketSize - 8));
		for (let i = 0; i < nIndex; i++) {
			const bytes = new Uint8Array(this.bucketSize);
			const view = new DataView(bytes.buffer);
			const next = i + 1 < nIndex ? firstIndex + i + 1 : -1;
			view.setInt32(0, next);
			view.setInt32(4, next);
			bytes.set(index.subarray(i * (this.bucketSize - 8), (i + 1) * (this.bucketSize - 8)), 8);
			this.file.write(this.at(firstIndex + i), bytes);
		}
		const header = new AipsWriter(true).root("StandardStMan", 3).bool(false);
		header
			.u32(this.bucketSize, firstIndex + nIndex, 2, 0)
			.i32(-1)
			.u32(nIndex)
			.i32(firstIndex);
		header
			.u32(single ? 8 : 0)
			.i32(this.strings?.number ?? -1)
			.u32(index.length, 1);
		const head = new Uint8Array(FIRST_BUCKET);
		head.set(header.end().done());
		this.file.write(0, head);
		const blob = new AipsWriter().root("SSM", 2).string(name).block(this.offsets);
		return blob
			.block(this.columns.map(() => 0))
			.end()
			.done();
	}

	private index(): Uint8Array {
		const buckets = Array.from({ length: this.nData }, (_, i) => i);
		const last = buckets.map((i) => Math.min(this.nRows, (i + 1) * this.rowsPerBucket) - 1);
		const writer = new AipsWriter(true).root("SSMIndex", 1);
		writer.u32(this.nData, this.rowsPerBucket).i32(this.columns.length);
		writer.begin("SimpleOrderedMap", 1).i32(0).u32(0, 1).end();
		return writer.block(last).block(buckets).end().done();
	}
}

/** An array of texts as string buckets hold it: its shape (unless fixed), then the texts, big-endian. */
function textsOf(column: ColumnDescription, value: CasaArray | undefined): Uint8Array {
	if (value === undefined) return new Uint8Array(0);
	const writer = new AipsWriter();
	if (column.shape === undefined || !column.isDirect)
		writer
			.u32(value.shape.length)
			.i32(...value.shape)
			.u32(1);
	writeValues(writer, "String", value.data);
	return writer.done();
}

/** Appends arrays to `table.f<N>i`. */
class IndirectWriter {
	private readonly file: OutputFile | undefined;
	private end = 16;

	constructor(file: OutputFile | undefined) {
		this.file = file;
	}

	/** @returns the array's place. */
	add(type: string, { shape, data }: CasaArray): number {
		const at = Math.ceil(this.end / 8) * 8;
		const head = new Int32Array([shape.length, ...shape]);
		const numbers = data as Exclude<CasaData, string[]>;
		let body = rawBytes(numbers);
		if (type === "Bool") {
			body = new Uint8Array(Math.ceil(numbers.length / 8));
			packBits(numbers as Uint8Array, body, 0);
		}
		const bytes = new Uint8Array(head.byteLength + body.length);
		bytes.set(new Uint8Array(head.buffer));
		bytes.set(body, head.byteLength);
		this.file?.write(at, bytes);
		this.end = at + bytes.length;
		return at;
	}

	finish(): void {
		const head = new DataView(new ArrayBuffer(16));
		head.setBigInt64(4, BigInt(this.end), true);
		this.file?.write(0, new Uint8Array(head.buffer));
	}
}
