import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { badInput } from "../../error.ts";
import { openForReading } from "../random-access.ts";
import { TableFile } from "./bucket-file.ts";
import { IncrementalStorage } from "./incremental-storage.ts";
import { IndirectArrays } from "./indirect-arrays.ts";
import type { CasaRecord } from "./record.ts";
import { StandardStorage } from "./standard-storage.ts";
import type { StoredColumn } from "./stored-column.ts";
import {
	type ColumnDescription,
	readTableDescription,
	rowsInLock,
	type TableDescription,
} from "./table-description.ts";
import { TiledStorage } from "./tiled-storage.ts";
import { type CasaArray, type CasaData, damagedTable, unsupportedTable } from "./values.ts";

type Storage = { column(description: ColumnDescription, number: number): StoredColumn };

const TILED = new Set(["TiledColumnStMan", "TiledShapeStMan", "TiledCellStMan", "TiledDataStMan"]);

/** One column of a table, with its description. */
export class CasaColumn {
	readonly description: ColumnDescription;
	readonly nRows: number;
	private readonly stored: StoredColumn;
	private readonly table: string;

	constructor(table: string, description: ColumnDescription, nRows: number, stored: StoredColumn) {
		this.table = table;
		this.description = description;
		this.nRows = nRows;
		this.stored = stored;
	}

	private check(first: number, count: number): void {
		if (!(first >= 0 && count >= 0 && first + count <= this.nRows)) {
			throw badInput("table-range", `${this.description.name} has ${this.nRows} rows, not ${first + count}`, {
				subject: this.table,
			});
		}
	}

	/** Scalars of rows [first, first + count), all rows by default. */
	scalars(first = 0, count = this.nRows - first): CasaData {
		this.check(first, count);
		return this.stored.scalars(first, count);
	}

	/** Scalars of any number type but Int64 as doubles. */
	numbers(first = 0, count = this.nRows - first): Float64Array {
		const data = this.scalars(first, count);
		if (Array.isArray(data) || data instanceof BigInt64Array || data.length !== count) throw this.wrongType("numbers");
		return Float64Array.from(data);
	}

	strings(): string[] {
		const data = this.scalars();
		if (!Array.isArray(data)) throw this.wrongType("text");
		return data;
	}

	private wrongType(wanted: string) {
		const { name, type } = this.description;
		return badInput("table-type", `column ${name} holds ${type}, not ${wanted}`, { subject: this.table });
	}

	/** One cell of a column of arrays; undefined if the cell is empty. */
	cell(row: number): CasaArray | undefined {
		this.check(row, 1);
		return this.stored.cell(row);
	}

	cellShape(row: number): number[] | undefined {
		this.check(row, 1);
		return this.stored.cellShape(row);
	}

	/** Cells of equal shape, one behind the other, into `target`. */
	cells(first: number, count: number, target: Exclude<CasaData, string[]>): void {
		this.check(first, count);
		if (count > 0) this.stored.cells(first, count, target);
	}

	/** Replaces cells in place; they keep their shapes. */
	replaceCells(first: number, count: number, source: Exclude<CasaData, string[]>): void {
		this.check(first, count);
		if (this.stored.replaceCells === undefined) {
			throw unsupportedTable(this.table, `changing ${this.description.name} where it is stored`);
		}
		this.stored.replaceCells(first, count, source);
	}

	get canReplaceScalars(): boolean {
		return this.stored.replaceScalars !== undefined;
	}

	replaceScalars(first: number, values: Exclude<CasaData, string[]>): void {
		if (this.stored.replaceScalars === undefined) {
			throw unsupportedTable(this.table, `changing ${this.description.name} where it is stored`);
		}
		this.stored.replaceScalars(first, values);
	}
}

/** A casacore table opened for reading. */
export class CasaTable {
	readonly path: string;
	readonly nRows: number;
	readonly description: TableDescription;
	/** First line of `table.info`: `Measurement Set`, `Calibration` ...; empty if there is none. */
	readonly type: string;
	readonly subType: string;
	private readonly files = new Map<string, TableFile>();
	private readonly storages = new Map<number, Storage>();
	private readonly columns = new Map<string, CasaColumn>();

	/** @throws CausticError `not-a-table`, `table-damaged` or `table-unsupported`. */
	constructor(path: string) {
		this.path = path.replace(/\/+$/, "");
		const main = join(this.path, "table.dat");
		if (!existsSync(main) || !statSync(this.path).isDirectory()) {
			throw badInput("not-a-table", existsSync(this.path) ? "it is not a casacore table" : "there is no such table", {
				subject: this.path,
				remedy: "Give the folder that holds table.dat",
			});
		}
		for (const [name, kind] of [
			["table.mf", "MultiFile"],
			["table.mfh5", "MultiHDF5"],
		]) {
			if (existsSync(join(this.path, name))) throw unsupportedTable(this.path, `${kind} storage`);
		}
		this.description = readTableDescription(this.path, readWhole(main));
		const lock = join(this.path, "table.lock");
		this.nRows = (existsSync(lock) ? rowsInLock(this.path, readWhole(lock)) : undefined) ?? this.description.nRows;
		const info = join(this.path, "table.info");
		const text = existsSync(info) ? readFileSync(info, "utf8") : "";
		this.type = /^Type = (.*)$/m.exec(text)?.[1] ?? "";
		this.subType = /^SubType = (.*)$/m.exec(text)?.[1] ?? "";
	}

	get keywords(): CasaRecord {
		return this.description.keywords;
	}

	get columnNames(): string[] {
		return this.description.columns.map((column) => column.name);
	}

	has(column: string): boolean {
		return this.description.columns.some((candidate) => candidate.name === column);
	}

	/** @throws CausticError `table-column` if there is none of that name. */
	column(name: string): CasaColumn {
		let column = this.columns.get(name);
		if (column === undefined) {
			const description = this.description.columns.find((candidate) => candidate.name === name);
			if (description === undefined) {
				throw badInput("table-column", `it has no column ${name}`, {
					subject: this.path,
					remedy: "Check that it is the table it should be",
				});
			}
			const siblings = this.description.columns.filter((other) => other.manager === description.manager);
			const stored = this.storage(description.manager).column(description, siblings.indexOf(description));
			column = new CasaColumn(this.path, description, this.nRows, stored);
			this.columns.set(name, column);
		}
		return column;
	}

	/** Path of the subtable that a keyword names; undefined if there is no such keyword. */
	subtablePath(keyword: string): string | undefined {
		const field = this.keywords.get(keyword);
		if (field === undefined || field.type !== "Table") return undefined;
		// `././NAME` is inside the table, `./NAME` beside it; other paths occur in tables of other programs.
		const value = field.value as string;
		const inside = join(this.path, value.replace(/^(\.\/)+/, ""));
		if (value.startsWith("././")) return inside;
		const named = value.startsWith("./") ? join(dirname(this.path), value) : value.startsWith("/") ? value : inside;
		return existsSync(named) ? named : inside;
	}

	/** @throws CausticError if there is none of that name. */
	subtable(keyword: string): CasaTable {
		const path = this.subtablePath(keyword) ?? join(this.path, keyword);
		return new CasaTable(path);
	}

	hasSubtable(keyword: string): boolean {
		return existsSync(join(this.subtablePath(keyword) ?? join(this.path, keyword), "table.dat"));
	}

	private file(suffix: string): TableFile {
		let file = this.files.get(suffix);
		if (file === undefined) {
			file = new TableFile(this.path, join(this.path, `table.f${suffix}`));
			this.files.set(suffix, file);
		}
		return file;
	}

	private storage(sequence: number): Storage {
		let storage = this.storages.get(sequence);
		if (storage !== undefined) return storage;
		const manager = this.description.managers.find((candidate) => candidate.sequence === sequence);
		if (manager === undefined) throw damagedTable(this.path, `storage manager ${sequence} is missing`);
		let indirect: IndirectArrays | undefined;
		const arrays = () => {
			indirect ??= new IndirectArrays(this.file(`${sequence}i`), this.description.bigEndian);
			return indirect;
		};
		const nColumns = this.description.columns.filter((column) => column.manager === sequence).length;
		if (manager.type === "StandardStMan") storage = new StandardStorage(this.file(`${sequence}`), manager.blob, arrays);
		else if (manager.type === "IncrementalStMan") {
			storage = new IncrementalStorage(this.file(`${sequence}`), nColumns, arrays);
		} else if (TILED.has(manager.type)) {
			storage = new TiledStorage(this.file(`${sequence}`), (k) => this.file(`${sequence}_TSM${k}`));
		} else throw unsupportedTable(this.path, `the storage manager ${manager.type}`);
		this.storages.set(sequence, storage);
		return storage;
	}

	close(): void {
		for (const file of this.files.values()) file.close();
	}
}

function readWhole(path: string): Uint8Array {
	const source = openForReading(path);
	try {
		if (source.size > 1 << 30) throw damagedTable(path, "the description is absurdly long");
		const bytes = new Uint8Array(source.size);
		source.read(bytes, 0);
		return bytes;
	} finally {
		source.close();
	}
}
