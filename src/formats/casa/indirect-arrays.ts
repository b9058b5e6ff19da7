import { AipsReader } from "./aips-io.ts";
import type { TableFile } from "./bucket-file.ts";
import {
	type CasaArray,
	type CasaData,
	type CasaType,
	damagedTable,
	decode,
	orderBytes,
	packBits,
	productOf,
	SIZE,
	unpackBits,
} from "./values.ts";

const MOST_AXES = 16;

/** `table.f<N>i`: arrays whose shapes vary, each with its shape in front (casacore's StManArrayFile). */
export class IndirectArrays {
	private readonly file: TableFile;
	private readonly bigEndian: boolean;
	/** Version 1 precedes each array by a reference count. */
	private readonly counted: boolean;

	constructor(file: TableFile, bigEndian: boolean) {
		this.file = file;
		this.bigEndian = bigEndian;
		this.counted = new AipsReader(file.path, file.read(0, 4), 0, !bigEndian).u32() >= 1;
	}

	/** Shape of the array at `offset`, and where its values begin. */
	shape(offset: number): { shape: number[]; data: number } {
		const head = offset + (this.counted ? 4 : 0);
		const room = Math.min(4 + 4 * MOST_AXES, this.file.size - head);
		const reader = new AipsReader(this.file.path, this.file.read(head, Math.max(0, room)), 0, !this.bigEndian);
		const ndim = reader.u32();
		if (ndim > MOST_AXES) throw damagedTable(this.file.path, `an array at byte ${offset} has ${ndim} axes`);
		const shape = Array.from({ length: ndim }, () => reader.i32());
		if (shape.some((extent) => extent < 0))
			throw damagedTable(this.file.path, `an array at byte ${offset} has shape [${shape}]`);
		return { shape, data: head + 4 + 4 * ndim };
	}

	read(offset: number, type: CasaType): CasaArray {
		const { shape, data } = this.shape(offset);
		const count = productOf(shape);
		if (count === 0)
			return { shape, data: type === "String" ? [] : decode(type, new Uint8Array(0), 0, 0, this.bigEndian) };
		if (type === "String") {
			const offsets = new AipsReader(this.file.path, this.file.read(data, 4 * count), 0, !this.bigEndian);
			const texts = Array.from({ length: count }, () => {
				const at = offsets.u32();
				if (at === 0) return "";
				const length = new AipsReader(this.file.path, this.file.read(at, 4), 0, !this.bigEndian).u32();
				return new TextDecoder().decode(this.file.read(at + 4, length));
			});
			return { shape, data: texts };
		}
		if (type === "Bool") {
			const bytes = this.file.read(data, Math.ceil(count / 8));
			const values = new Uint8Array(count);
			unpackBits(bytes, 0, count, values);
			return { shape, data: values };
		}
		return { shape, data: decode(type, this.file.read(data, count * SIZE[type]), 0, count, this.bigEndian) };
	}

	/** Overwrites the values of an array that exists, with as many. */
	replace(offset: number, type: CasaType, values: Exclude<CasaData, string[]>): void {
		const { shape, data } = this.shape(offset);
		const count = productOf(shape);
		if (type === "Bool") {
			if (values.length !== count)
				throw damagedTable(this.file.path, `an array of shape [${shape}] cannot take ${values.length} values`);
			const bytes = new Uint8Array(Math.ceil(count / 8));
			packBits(values as Uint8Array, bytes, 0);
			this.file.write(data, bytes);
			return;
		}
		if (values.byteLength !== count * SIZE[type]) {
			throw damagedTable(this.file.path, `an array of shape [${shape}] cannot take ${values.byteLength} bytes`);
		}
		const copy = values.slice();
		orderBytes(copy, this.bigEndian);
		this.file.write(data, new Uint8Array(copy.buffer));
	}
}

/** Cells of equal shape through a function that reads one: for managers that keep each cell somewhere else. */
export function cellsOneByOne(
	column: string,
	first: number,
	count: number,
	target: Exclude<CasaData, string[]>,
	read: (row: number) => CasaArray | undefined,
): void {
	const per = target.length / count;
	for (let i = 0; i < count; i++) {
		const cell = read(first + i);
		if (cell === undefined || cell.data.length !== per || Array.isArray(cell.data)) {
			throw damagedTable(
				column,
				`row ${first + i} holds ${cell === undefined ? "nothing" : `an array of shape [${cell.shape}]`} where ${per} numbers are expected`,
			);
		}
		(target as Float64Array).set(cell.data as Float64Array, i * per);
	}
}
