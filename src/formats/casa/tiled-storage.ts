import { AipsReader } from "./aips-io.ts";
import type { TableFile } from "./bucket-file.ts";
import { readRecord } from "./record.ts";
import type { StoredColumn } from "./stored-column.ts";
import type { ColumnDescription } from "./table-description.ts";
import { TiledColumn } from "./tiled-column.ts";
import { type CasaType, damagedTable, productOf, SIZE, typeOf, unsupportedTable } from "./values.ts";

export interface Cube {
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
