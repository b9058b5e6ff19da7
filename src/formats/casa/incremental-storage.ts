import { AipsReader } from "./aips-io.ts";
import { FIRST_BUCKET, type TableFile } from "./bucket-file.ts";
import { cellsOneByOne, type IndirectArrays } from "./indirect-arrays.ts";
import { isLittleHeader } from "./standard-storage.ts";
import { misuse, type StoredColumn } from "./stored-column.ts";
import type { ColumnDescription } from "./table-description.ts";
import {
	allocate,
	type CasaArray,
	type CasaData,
	damagedTable,
	decode,
	numbersOf,
	productOf,
	SIZE,
	unpackBits,
} from "./values.ts";

/** A value holds from its row until the next one's. */
interface Run {
	row: number;
	/** Position of the value in the bucket. */
	at: number;
}

interface Bucket {
	bytes: Uint8Array;
	firstRow: number;
	endRow: number;
	columns: Run[][];
}

/** The IncrementalStMan: only changes of a value are stored. */
export class IncrementalStorage {
	readonly path: string;
	readonly bigEndian: boolean;
	private readonly file: TableFile;
	private readonly arrays: () => IndirectArrays;
	private readonly bucketSize: number;
	private readonly nBuckets: number;
	/** Start row of each bucket, then the row behind the last. */
	private readonly rows: number[];
	private readonly buckets: number[];
	private readonly nColumns: number;
	private kept: { number: number; bucket: Bucket } | undefined;

	constructor(file: TableFile, nColumns: number, arrays: () => IndirectArrays) {
		this.file = file;
		this.path = file.path;
		this.nColumns = nColumns;
		this.arrays = arrays;
		const head = file.read(0, FIRST_BUCKET);
		const reader = new AipsReader(file.path, head, 0, isLittleHeader(head));
		const { version } = reader.root("IncrementalStMan");
		this.bigEndian = version >= 5 ? reader.bool() : true;
		this.bucketSize = reader.u32();
		this.nBuckets = reader.u32();
		const end = FIRST_BUCKET + this.nBuckets * this.bucketSize;
		if (this.bucketSize < 8 || end > file.size) {
			throw damagedTable(file.path, `${this.nBuckets} buckets of ${this.bucketSize} bytes do not fit into the file`);
		}
		const tail = file.read(end, file.size - end);
		const index = new AipsReader(file.path, tail, 0, !this.bigEndian && isLittleHeader(tail));
		index.root("ISMIndex");
		const used = index.u32();
		this.rows = index.block().slice(0, used + 1);
		this.buckets = index.block().slice(0, used);
		if (this.rows.length !== used + 1 || this.buckets.length !== used) {
			throw damagedTable(file.path, "the index of its rows is damaged");
		}
		for (let i = 1; i <= used; i++) {
			if (this.rows[i] < this.rows[i - 1]) throw damagedTable(file.path, "the rows in its index do not ascend");
		}
	}

	get indirect(): IndirectArrays {
		return this.arrays();
	}

	/** Rows cost nothing here: what the table claims to have must be in the index before room is made for it. */
	requireRows(count: number): void {
		if (count > this.rows[this.rows.length - 1]) {
			throw damagedTable(this.path, `row ${count - 1} is missing in its index`);
		}
	}

	column(description: ColumnDescription, number: number): StoredColumn {
		return new IncrementalColumn(this, description, number);
	}

	/** The bucket that holds a row. */
	bucketOf(row: number): Bucket {
		let low = 0;
		let high = this.buckets.length;
		while (low < high) {
			const middle = (low + high) >> 1;
			if (this.rows[middle + 1] <= row) low = middle + 1;
			else high = middle;
		}
		if (low >= this.buckets.length) throw damagedTable(this.path, `row ${row} is missing in its index`);
		if (this.kept?.number !== low) this.kept = { number: low, bucket: this.readBucket(low) };
		return this.kept.bucket;
	}

	private readBucket(number: number): Bucket {
		const which = this.buckets[number];
		if (which >= this.nBuckets) throw damagedTable(this.path, `there is no bucket ${which}`);
		const bytes = this.file.read(FIRST_BUCKET + which * this.bucketSize, this.bucketSize);
		const reader = new AipsReader(this.path, bytes, 0, !this.bigEndian);
		const place = reader.u32();
		const wide = place >= 2 ** 31;
		reader.position = place % 2 ** 31;
		if (reader.position > bytes.length) throw damagedTable(this.path, "the index of a bucket lies outside it");
		const firstRow = this.rows[number];
		const columns: Run[][] = [];
		for (let c = 0; c < this.nColumns; c++) {
			const count = reader.u32();
			if (count * 8 > reader.left) throw damagedTable(this.path, "the index of a bucket is too long");
			const starts = Array.from({ length: count }, () => (wide ? reader.u64() : reader.u32()));
			columns.push(starts.map((start) => ({ row: firstRow + start, at: 4 + reader.u32() })));
		}
		return { bytes, firstRow, endRow: this.rows[number + 1], columns };
	}
}

class IncrementalColumn implements StoredColumn {
	private readonly storage: IncrementalStorage;
	private readonly description: ColumnDescription;
	private readonly number: number;

	constructor(storage: IncrementalStorage, description: ColumnDescription, number: number) {
		this.storage = storage;
		this.description = description;
		this.number = number;
	}

	/** Calls `visit` for each run of rows with one value. */
	private runs(
		first: number,
		count: number,
		visit: (bytes: Uint8Array, at: number, from: number, rows: number) => void,
	): void {
		for (let row = first; row < first + count; ) {
			const bucket = this.storage.bucketOf(row);
			const runs = bucket.columns[this.number];
			let i = 0;
			while (i + 1 < runs.length && runs[i + 1].row <= row) i++;
			if (runs.length === 0 || runs[i].row > row) {
				throw damagedTable(this.storage.path, `${this.description.name} has no value in row ${row}`);
			}
			for (; i < runs.length && row < first + count; i++) {
				const end = Math.min(runs[i + 1]?.row ?? bucket.endRow, first + count);
				if (end <= row) throw damagedTable(this.storage.path, "the rows in a bucket do not ascend");
				visit(bucket.bytes, runs[i].at, row - first, end - row);
				row = end;
			}
		}
	}

	private piece(bytes: Uint8Array, at: number, length: number): Uint8Array {
		if (at + length > bytes.length) throw damagedTable(this.storage.path, "a value lies outside its bucket");
		return bytes.subarray(at, at + length);
	}

	scalars(first: number, count: number): CasaData {
		const { description, storage } = this;
		const { type } = description;
		if (description.isArray) throw misuse(description.name, "arrays");
		storage.requireRows(first + count);
		if (type === "String") {
			const texts = new Array<string>(count).fill("");
			this.runs(first, count, (bytes, at, from, rows) => {
				const length = new AipsReader(storage.path, this.piece(bytes, at, 4), 0, !storage.bigEndian).u32();
				if (length < 4) throw damagedTable(storage.path, `${description.name} has a text of negative length`);
				const text = new TextDecoder().decode(this.piece(bytes, at + 4, length - 4));
				texts.fill(text, from, from + rows);
			});
			return texts;
		}
		const data = allocate(type, count);
		this.runs(first, count, (bytes, at, from, rows) => {
			if (type === "Bool") {
				(data as Uint8Array).fill(this.piece(bytes, at, 1)[0] & 1, from, from + rows);
				return;
			}
			const value = decode(type, this.piece(bytes, at, SIZE[type]), 0, 1, storage.bigEndian) as Float64Array;
			const width = numbersOf(type);
			for (let i = 0; i < rows; i++) (data as Float64Array).set(value, (from + i) * width);
		});
		return data;
	}

	private place(row: number): number {
		let place = 0;
		this.runs(row, 1, (bytes, at) => {
			place = new AipsReader(this.storage.path, this.piece(bytes, at, 8), 0, !this.storage.bigEndian).u64();
		});
		return place;
	}

	cellShape(row: number): number[] | undefined {
		const { description } = this;
		if (description.isDirect) return description.shape;
		const place = this.place(row);
		return place === 0 ? undefined : this.storage.indirect.shape(place).shape;
	}

	cell(row: number): CasaArray | undefined {
		const { description, storage } = this;
		const { type, shape } = description;
		if (!description.isArray) throw misuse(description.name, "scalars");
		if (description.isDirect && shape !== undefined && type !== "String") {
			const count = productOf(shape);
			let data: Exclude<CasaData, string[]> = allocate(type, 0);
			this.runs(row, 1, (bytes, at) => {
				if (type === "Bool") {
					data = allocate(type, count);
					unpackBits(this.piece(bytes, at, Math.ceil(count / 8)), 0, count, data as Uint8Array);
				} else data = decode(type, this.piece(bytes, at, count * SIZE[type]), 0, count, storage.bigEndian);
			});
			return { shape, data };
		}
		const place = this.place(row);
		return place === 0 ? undefined : storage.indirect.read(place, type);
	}

	cells(first: number, count: number, target: Exclude<CasaData, string[]>): void {
		cellsOneByOne(this.description.name, first, count, target, (row) => this.cell(row));
	}
}
