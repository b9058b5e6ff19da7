import { AipsReader } from "./aips-io.ts";
import { cellsOneByOne } from "./indirect-arrays.ts";
import type { BucketIndex, StandardStorage } from "./standard-storage.ts";
import { misuse, type StoredColumn } from "./stored-column.ts";
import type { ColumnDescription } from "./table-description.ts";
import {
	allocate,
	type CasaArray,
	type CasaData,
	type CasaType,
	damagedTable,
	decode,
	numbersOf,
	orderBytes,
	packBits,
	productOf,
	SIZE,
	unpackBits,
} from "./values.ts";

/** One column of a StandardStMan. */
export class StandardColumn implements StoredColumn {
	private readonly storage: StandardStorage;
	private readonly description: ColumnDescription;
	private readonly offset: number;
	private readonly index: BucketIndex | undefined;
	private readonly type: CasaType;

	constructor(
		storage: StandardStorage,
		description: ColumnDescription,
		offset: number,
		index: BucketIndex | undefined,
	) {
		this.storage = storage;
		this.description = description;
		this.offset = offset;
		this.index = index;
		this.type = description.type;
	}

	scalars(first: number, count: number): CasaData {
		const { description, type } = this;
		if (description.isArray) throw misuse(description.name, "arrays");
		this.storage.requireRows(this.index, first + count);
		if (type === "String") return this.strings(first, count);
		const data = allocate(type, count);
		this.numbers(first, count, 1, data);
		return data;
	}

	/** `per` numbers in a row, inline in the buckets. */
	private numbers(first: number, count: number, per: number, target: Exclude<CasaData, string[]>): void {
		const { storage, type } = this;
		const width = numbersOf(type);
		storage.runs(this.index, first, count, (bucketAt, row, rows, from) => {
			if (type === "Bool") {
				const begin = row * per;
				const firstByte = begin >> 3;
				const bytes = storage.part(bucketAt, this.offset + firstByte, Math.ceil((begin + rows * per) / 8) - firstByte);
				unpackBits(bytes, begin & 7, rows * per, target as Uint8Array, from * per);
				return;
			}
			const size = SIZE[type] * per;
			const bytes = storage.part(bucketAt, this.offset + row * size, rows * size);
			(target as Float64Array).set(
				decode(type, bytes, 0, rows * per, storage.isBigEndian) as Float64Array,
				from * per * width,
			);
		});
	}

	private strings(first: number, count: number): string[] {
		const { storage, description } = this;
		const texts = new Array<string>(count).fill("");
		const decoder = new TextDecoder();
		storage.runs(this.index, first, count, (bucketAt, row, rows, from) => {
			if (description.maxLength > 0) {
				const size = description.maxLength;
				const bytes = storage.part(bucketAt, this.offset + row * size, rows * size);
				for (let i = 0; i < rows; i++) {
					const field = bytes.subarray(i * size, (i + 1) * size);
					const end = field.indexOf(0);
					texts[from + i] = decoder.decode(end < 0 ? field : field.subarray(0, end));
				}
				return;
			}
			const bytes = storage.part(bucketAt, this.offset + row * 12, rows * 12);
			for (let i = 0; i < rows; i++) {
				const [bucket, offset, length] = decode("Int", bytes, 12 * i, 3, storage.isBigEndian) as Int32Array;
				if (length < 0) throw damagedTable(storage.path, `${description.name} has a text of negative length`);
				texts[from + i] = decoder.decode(
					length <= 8 ? bytes.subarray(12 * i, 12 * i + length) : storage.stringBytes(bucket, offset, length),
				);
			}
		});
		return texts;
	}

	private get fixed(): number[] {
		if (this.description.shape === undefined)
			throw damagedTable(this.storage.path, `${this.description.name} has no shape`);
		return this.description.shape;
	}

	/** Where an indirect array lies; 0 if the cell is empty. */
	private place(row: number): number {
		let at = 0;
		this.storage.runs(this.index, row, 1, (bucketAt, inBucket) => {
			const bytes = this.storage.part(bucketAt, this.offset + 8 * inBucket, 8);
			at = new AipsReader(this.storage.path, bytes, 0, !this.storage.isBigEndian).u64();
		});
		return at;
	}

	cellShape(row: number): number[] | undefined {
		const { description, type } = this;
		if (description.isDirect && description.shape !== undefined) return this.fixed;
		if (type === "String") return this.cell(row)?.shape;
		const place = this.place(row);
		return place === 0 ? undefined : this.storage.indirect.shape(place).shape;
	}

	cell(row: number): CasaArray | undefined {
		const { description, type, storage } = this;
		if (!description.isArray) throw misuse(description.name, "scalars");
		if (type === "String") return this.stringCell(row);
		if (description.isDirect) {
			const data = allocate(type, productOf(this.fixed));
			this.numbers(row, 1, productOf(this.fixed), data);
			return { shape: this.fixed, data };
		}
		const place = this.place(row);
		return place === 0 ? undefined : storage.indirect.read(place, type);
	}

	private stringCell(row: number): CasaArray | undefined {
		const { storage, description } = this;
		let found: CasaArray | undefined;
		storage.runs(this.index, row, 1, (bucketAt, inBucket) => {
			const place = storage.part(bucketAt, this.offset + 12 * inBucket, 12);
			const [bucket, offset, length] = decode("Int", place, 0, 3, storage.isBigEndian) as Int32Array;
			if (length === 0) {
				if (description.shape !== undefined) {
					found = { shape: description.shape, data: new Array<string>(productOf(description.shape)).fill("") };
				}
				return;
			}
			if (length < 0) throw damagedTable(storage.path, `${description.name} has a text of negative length`);
			const reader = new AipsReader(storage.path, storage.stringBytes(bucket, offset, length));
			let shape = description.shape;
			let filled = true;
			if (shape === undefined) {
				const ndim = reader.u32();
				if (ndim > 16) throw damagedTable(storage.path, `${description.name} has ${ndim} axes`);
				shape = Array.from({ length: ndim }, () => reader.i32());
				filled = reader.u32() !== 0;
			}
			const count = productOf(shape);
			if (!filled) found = { shape, data: new Array<string>(count).fill("") };
			else found = { shape, data: reader.values("String", count) };
		});
		return found;
	}

	cells(first: number, count: number, target: Exclude<CasaData, string[]>): void {
		if (count === 0) return;
		if (this.description.isDirect && this.type !== "String") {
			const per = productOf(this.fixed);
			if (target.length !== per * count * numbersOf(this.type))
				throw misuse(this.description.name, `arrays of shape [${this.fixed}]`);
			this.numbers(first, count, per, target);
		} else cellsOneByOne(this.description.name, first, count, target, (row) => this.cell(row));
	}

	replaceScalars(first: number, values: Exclude<CasaData, string[]>): void {
		if (this.description.isArray) throw misuse(this.description.name, "arrays");
		this.replaceNumbers(first, values.length / numbersOf(this.type), 1, values);
	}

	replaceCells(first: number, count: number, source: Exclude<CasaData, string[]>): void {
		if (this.description.isDirect) {
			this.replaceNumbers(first, count, productOf(this.fixed), source);
			return;
		}
		const per = source.length / count;
		for (let i = 0; i < count; i++) {
			const place = this.place(first + i);
			if (place === 0)
				throw damagedTable(this.description.name, `row ${first + i} is empty and cannot be replaced in place`);
			this.storage.indirect.replace(place, this.type, source.subarray(i * per, (i + 1) * per));
		}
	}

	private replaceNumbers(first: number, count: number, per: number, source: Exclude<CasaData, string[]>): void {
		const { storage, type } = this;
		storage.runs(this.index, first, count, (bucketAt, row, rows, from) => {
			if (type === "Bool") {
				const begin = row * per;
				const firstByte = begin >> 3;
				const bytes = storage.part(bucketAt, this.offset + firstByte, Math.ceil((begin + rows * per) / 8) - firstByte);
				packBits(source as Uint8Array, bytes, begin & 7, rows * per, from * per);
				storage.replacePart(bucketAt, this.offset + firstByte, bytes);
				return;
			}
			const width = per * numbersOf(type);
			const part = source.slice(from * width, (from + rows) * width);
			orderBytes(part, storage.isBigEndian);
			storage.replacePart(bucketAt, this.offset + row * SIZE[type] * per, new Uint8Array(part.buffer));
		});
	}
}
