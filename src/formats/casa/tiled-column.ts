import { type CopyAxis, copyBox, planCopy } from "../hdf5/copy-box.ts";
import { rawBytes } from "../raw-bytes.ts";
import { misuse, type StoredColumn } from "./stored-column.ts";
import type { ColumnDescription } from "./table-description.ts";
import type { Cube, TiledStorage } from "./tiled-storage.ts";
import {
	allocate,
	type CasaArray,
	type CasaData,
	type CasaType,
	damagedTable,
	numbersOf,
	orderBytes,
	packBits,
	productOf,
	SIZE,
	unpackBits,
} from "./values.ts";

/** One column of a tiled storage manager. */
export class TiledColumn implements StoredColumn {
	private readonly storage: TiledStorage;
	private readonly description: ColumnDescription;
	private readonly number: number;
	private readonly type: CasaType;

	constructor(storage: TiledStorage, description: ColumnDescription, number: number) {
		this.storage = storage;
		this.description = description;
		this.number = number;
		this.type = description.type;
	}

	scalars(): CasaData {
		throw misuse(this.description.name, "arrays");
	}

	cellShape(row: number): number[] | undefined {
		const place = this.storage.find(row);
		if (place === undefined) return undefined;
		return place.position < 0 ? place.cube.shape : place.cube.shape.slice(0, -1);
	}

	cell(row: number): CasaArray | undefined {
		const shape = this.cellShape(row);
		if (shape === undefined) return undefined;
		const data = allocate(this.type, this.boundedCount(row, shape));
		this.cells(row, 1, data);
		return { shape, data };
	}

	/** Elements of a cell; refused if its cube's file could not hold them. */
	private boundedCount(row: number, shape: readonly number[]): number {
		const count = productOf(shape);
		const place = this.storage.find(row);
		const stored = place === undefined ? 0 : this.storage.file(place.cube).size;
		const bytes = this.type === "Bool" ? count / 8 : count * SIZE[this.type];
		if (!(bytes <= stored))
			throw damagedTable(this.storage.path, `${this.description.name} has cells of shape [${shape}]`);
		return count;
	}

	cells(first: number, count: number, target: Exclude<CasaData, string[]>): void {
		this.each(first, count, target.length, (place, rows, from, per) => {
			const part = target.subarray(from * per, (from + rows) * per);
			this.transfer(place, rows, part, "read");
		});
	}

	replaceCells(first: number, count: number, source: Exclude<CasaData, string[]>): void {
		this.each(first, count, source.length, (place, rows, from, per) => {
			this.transfer(place, rows, source.subarray(from * per, (from + rows) * per), "write");
		});
	}

	/** Calls `visit` for each run of rows in one cube; all must have cells of the same size. */
	private each(
		first: number,
		count: number,
		length: number,
		visit: (place: { cube: Cube; position: number }, rows: number, from: number, per: number) => void,
	): void {
		const per = length / count;
		for (let row = first; row < first + count; ) {
			const place = this.storage.find(row);
			const shape =
				place === undefined ? undefined : place.position < 0 ? place.cube.shape : place.cube.shape.slice(0, -1);
			if (place === undefined || shape === undefined || productOf(shape) * numbersOf(this.type) !== per) {
				throw damagedTable(
					this.storage.path,
					`row ${row} of ${this.description.name} holds ${shape === undefined ? "nothing" : `an array of shape [${shape}]`} where ${per} numbers are expected`,
				);
			}
			const rows = Math.min(place.until, first + count) - row;
			visit(place, rows, row - first, per);
			row += rows;
		}
	}

	/** Moves whole rows [position, position + rows) of a cube between its tiles and an array. */
	private transfer(
		{ cube, position }: { cube: Cube; position: number },
		rows: number,
		data: Exclude<CasaData, string[]>,
		way: "read" | "write",
	): void {
		const { storage, type } = this;
		const isCell = position < 0;
		const { shape, tile } = cube;
		const rank = shape.length;
		const start = shape.map((_, d) => (isCell || d < rank - 1 ? 0 : position));
		const extent = shape.map((size, d) => (isCell || d < rank - 1 ? size : rows));
		if (!isCell && position + rows > shape[rank - 1]) throw damagedTable(storage.path, "a row lies outside its cube");
		if (productOf(extent) === 0) return;
		const file = storage.file(cube);
		const { begin, own, whole } = storage.tileBytes(cube, this.number);
		if (own > file.size) throw damagedTable(storage.path, "a tile is larger than its file");
		const size = SIZE[type];
		const bytes = rawBytes(data);

		// The common case: a tile holds whole rows, nothing else is in it, and rows lie one behind the other in the file.
		const wholeRows = !isCell && own === whole && shape.every((s, d) => d === rank - 1 || s === tile[d]);
		if (wholeRows && type === "Bool" && productOf(tile) % 8 === 0) {
			const first = position * productOf(shape.slice(0, -1));
			const at = cube.offset + Math.floor(first / 8);
			const stored = file.read(at, Math.ceil(((first % 8) + data.length) / 8));
			if (way === "read") unpackBits(stored, first % 8, data.length, data as Uint8Array);
			else {
				packBits(data as Uint8Array, stored, first % 8);
				file.write(at, stored);
			}
			return;
		}
		if (wholeRows && type !== "Bool") {
			const rowBytes = productOf(shape.slice(0, -1)) * size;
			const at = cube.offset + position * rowBytes;
			if (way === "read") {
				file.readInto(at, bytes);
				orderBytes(data, storage.bigEndian);
			} else {
				const copy = data.slice();
				orderBytes(copy, storage.bigEndian);
				file.write(at, rawBytes(copy));
			}
			return;
		}
		const tiles = shape.map((s, d) => Math.ceil(s / tile[d]));
		const low = start.map((s, d) => Math.floor(s / tile[d]));
		const high = start.map((s, d) => Math.ceil((s + extent[d]) / tile[d]));
		const strides = (of: readonly number[]) => of.map((_, d) => productOf(of.slice(0, d)));
		const [tileStride, dataStride, gridStride] = [strides(tile), strides(extent), strides(tiles)];
		const elementSize = type === "Bool" ? 1 : size;
		const unpacked = type === "Bool" ? new Uint8Array(productOf(tile)) : undefined;
		const grid = [...low];
		for (;;) {
			const number = grid.reduce((sum, g, d) => sum + g * gridStride[d], 0);
			const at = cube.offset + number * whole + begin;
			const stored = file.read(at, own);
			const elements = unpacked ?? stored;
			if (unpacked !== undefined) unpackBits(stored, 0, unpacked.length, unpacked);
			let inTile = 0;
			let inData = 0;
			const axes: CopyAxis[] = [];
			for (let d = rank - 1; d >= 0; d--) {
				const from = Math.max(start[d], grid[d] * tile[d]);
				const to = Math.min(start[d] + extent[d], (grid[d] + 1) * tile[d]);
				inTile += (from - grid[d] * tile[d]) * tileStride[d];
				inData += (from - start[d]) * dataStride[d];
				const [a, b] = way === "read" ? [tileStride[d], dataStride[d]] : [dataStride[d], tileStride[d]];
				axes.push({ count: to - from, from: a, to: b });
			}
			if (way === "read")
				copyBox(elements, inTile * elementSize, bytes, inData * elementSize, planCopy(axes), elementSize);
			else {
				// The array is in the machine's order, the tile in the file's.
				if (unpacked === undefined) orderTile(elements, type, storage.bigEndian);
				copyBox(bytes, inData * elementSize, elements, inTile * elementSize, planCopy(axes), elementSize);
				if (unpacked === undefined) orderTile(elements, type, storage.bigEndian);
				else packBits(unpacked, stored, 0);
				file.write(at, stored);
			}
			let d = 0;
			while (d < rank && ++grid[d] >= high[d]) {
				grid[d] = low[d];
				d++;
			}
			if (d === rank) break;
		}
		if (way === "read" && type !== "Bool") orderBytes(data, storage.bigEndian);
	}
}

function orderTile(bytes: Uint8Array, type: CasaType, bigEndian: boolean): void {
	const view = allocate(type, 0);
	const array = new (
		view.constructor as { new (buffer: ArrayBufferLike, offset: number, length: number): typeof view }
	)(bytes.buffer, bytes.byteOffset, bytes.byteLength / view.BYTES_PER_ELEMENT);
	orderBytes(array, bigEndian);
}
