import { type CopyAxis, copyBox } from "../hdf5/copy-box.ts";
import { AipsReader } from "./aips-io.ts";
import type { TableFile } from "./bucket-file.ts";
import { readRecord } from "./record.ts";
import { misuse, type StoredColumn } from "./stored-column.ts";
import type { ColumnDescription } from "./table-description.ts";
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
	typeOf,
	unpackBits,
	unsupportedTable,
} from "./values.ts";

interface Cube {
	/** Last axis: rows (but for TiledCellStMan, where a cube is a cell). */
	shape: number[];
	tile: number[];
	/** Number of its file, `table.f<N>_TSM<k>`; -1 if it has none. */
	file: number;
	offset: number;
}

/** The tiled storage managers: columns cut into tiles of equal shape, each tile in one piece. */
export class TiledStorage {
	readonly path: string;
	readonly bigEndian: boolean;
	private readonly kind: string;
	private readonly openFile: (number: number) => TableFile;
	private readonly cubes: Cube[];
	private readonly types: CasaType[];
	/** Of TiledShapeStMan and TiledDataStMan: which rows are in which cube. */
	private readonly rowMap: { last: number[]; cube: number[]; position: number[] } | undefined;

	constructor(header: TableFile, openFile: (number: number) => TableFile) {
		this.path = header.path;
		this.openFile = openFile;
		const reader = new AipsReader(header.path, header.read(0, header.size));
		const { type } = reader.root();
		this.kind = type;
		if (type === "TiledColumnStMan" || type === "TiledCellStMan") reader.ipos();
		else if (type !== "TiledShapeStMan" && type !== "TiledDataStMan")
			throw unsupportedTable(header.path, `storage manager ${type}`);
		const { version } = reader.begin("TiledStMan");
		this.bigEndian = version >= 2 ? reader.bool() : true;
		reader.u32();
		if (version >= 3) reader.u64();
		else reader.u32();
		const nColumns = reader.u32();
		if (nColumns > 1000) throw damagedTable(header.path, "it claims an absurd number of columns");
		this.types = Array.from({ length: nColumns }, () => typeOf(header.path, reader.i32()));
		reader.string();
		reader.u32();
		reader.u32();
		const nFiles = reader.u32();
		for (let i = 0; i < nFiles; i++) {
			if (!reader.bool()) continue;
			const fileVersion = reader.u32();
			reader.u32();
			if (fileVersion >= 2) reader.u64();
			else reader.u32();
		}
		const nCubes = reader.u32();
		if (nCubes * 16 > reader.left) throw damagedTable(header.path, "it claims more cubes than its header can hold");
		this.cubes = Array.from({ length: nCubes }, () => readCube(reader));
		if (type === "TiledShapeStMan") {
			reader.ipos();
			const used = reader.u32();
			this.rowMap = readRowMap(reader, used);
		} else if (type === "TiledDataStMan") {
			const used = reader.u32();
			this.rowMap = readRowMap(reader, used);
		}
	}

	column(description: ColumnDescription, number: number): StoredColumn {
		if (!description.isArray)
			throw unsupportedTable(this.path, `the coordinate column ${description.name} in ${this.kind}`);
		if (description.type === "String") throw unsupportedTable(this.path, "text in a tiled storage manager");
		if (this.types[number] === undefined)
			throw damagedTable(this.path, `column ${description.name} is missing in its header`);
		return new TiledColumn(this, description, number);
	}

	/** Where a column's part of a tile begins, and a tile's whole size, in bytes. */
	tileBytes(cube: Cube, number: number): { begin: number; own: number; whole: number } {
		const elements = productOf(cube.tile);
		const bytes = (type: CasaType) => (type === "Bool" ? Math.ceil(elements / 8) : elements * SIZE[type]);
		const sizes = this.types.map(bytes);
		// Columns that share tiles lie in the order of their element sizes, largest first, the later of equals before.
		const order = this.types.map((_, i) => i).sort((a, b) => SIZE[this.types[b]] - SIZE[this.types[a]] || b - a);
		return {
			begin: order.slice(0, order.indexOf(number)).reduce((sum, i) => sum + sizes[i], 0),
			own: sizes[number],
			whole: sizes.reduce((sum, size) => sum + size, 0),
		};
	}

	file(cube: Cube): TableFile {
		return this.openFile(cube.file);
	}

	/** The cube that holds a row and the row's place on its last axis (undefined axis for a cube that is a cell). */
	find(row: number): { cube: Cube; position: number; until: number } | undefined {
		if (this.kind === "TiledCellStMan") {
			const cube = this.cubes[row];
			return cube === undefined || cube.shape.length === 0 ? undefined : { cube, position: -1, until: row + 1 };
		}
		if (this.rowMap === undefined) {
			const cube = this.cubes[0];
			if (cube === undefined || cube.shape.length === 0) return undefined;
			const rows = cube.shape[cube.shape.length - 1];
			return row < rows ? { cube, position: row, until: rows } : undefined;
		}
		const { last, cube, position } = this.rowMap;
		let low = 0;
		let high = last.length;
		while (low < high) {
			const middle = (low + high) >> 1;
			if (last[middle] < row) low = middle + 1;
			else high = middle;
		}
		if (low >= last.length) return undefined;
		const found = this.cubes[cube[low]];
		if (found === undefined || found.shape.length === 0) return undefined;
		return { cube: found, position: position[low] - (last[low] - row), until: last[low] + 1 };
	}
}

function readRowMap(reader: AipsReader, used: number) {
	const last = reader.block().slice(0, used);
	const cube = reader.block().slice(0, used);
	const position = reader.block().slice(0, used);
	if (last.length !== used || cube.length !== used || position.length !== used) {
		throw damagedTable(reader.table, "its map of rows is damaged");
	}
	return { last, cube, position };
}

function readCube(reader: AipsReader): Cube {
	const version = reader.u32();
	readRecord(reader);
	reader.bool();
	const ndim = reader.u32();
	const shape = reader.ipos();
	const tile = reader.ipos();
	const file = reader.i32();
	const offset = version >= 2 ? reader.u64() : reader.u32();
	if (
		shape.length !== ndim ||
		tile.length !== ndim ||
		tile.some((extent) => extent <= 0) ||
		shape.some((extent) => extent < 0)
	) {
		throw damagedTable(reader.table, `a cube has shape [${shape}] in tiles of [${tile}]`);
	}
	return { shape, tile, file, offset };
}

class TiledColumn implements StoredColumn {
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
		const data = allocate(this.type, this.boundedCount(shape));
		this.cells(row, 1, data);
		return { shape, data };
	}

	/** Elements of a cell; refused if its cube's file could not hold them. */
	private boundedCount(shape: readonly number[]): number {
		const count = productOf(shape);
		if (!(count <= 2 ** 31))
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
		const size = SIZE[type];
		const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

		// The common case: a tile holds whole rows, nothing else is in it, and rows lie one behind the other in the file.
		if (!isCell && type !== "Bool" && own === whole && shape.every((s, d) => d === rank - 1 || s === tile[d])) {
			const rowBytes = productOf(shape.slice(0, -1)) * size;
			const at = cube.offset + position * rowBytes;
			if (way === "read") {
				file.readInto(at, bytes);
				orderBytes(data, storage.bigEndian);
			} else {
				const copy = data.slice();
				orderBytes(copy, storage.bigEndian);
				file.write(at, new Uint8Array(copy.buffer, copy.byteOffset, copy.byteLength));
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
			if (way === "read") copyBox(elements, inTile * elementSize, bytes, inData * elementSize, axes, elementSize);
			else {
				// The array is in the machine's order, the tile in the file's.
				if (unpacked === undefined) orderTile(elements, type, storage.bigEndian);
				copyBox(bytes, inData * elementSize, elements, inTile * elementSize, axes, elementSize);
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
