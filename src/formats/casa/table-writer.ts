import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { failure } from "../../error.ts";
import { OutputFile } from "./output-file.ts";
import type { CasaRecord } from "./record.ts";
import type { ColumnDescription, ManagerDescription, TableDescription } from "./table-description.ts";
import { type CasaArray, type CasaData, type CasaType, productOf } from "./values.ts";
import { writeTableDescription } from "./write-description.ts";
import { type RowValues, StandardWriter } from "./write-standard.ts";
import { TiledWriter } from "./write-tiled.ts";

/** A column to be written. */
export interface ColumnPlan {
	name: string;
	type: CasaType;
	/** Absent for scalars. An array: its fixed shape, fastest axis first, or "varying". */
	cells?: readonly number[] | "varying";
	/** Number of axes of varying cells, -1 if any. */
	ndim?: number;
	comment?: string;
	keywords?: CasaRecord;
	/** Name of a tiled storage manager of its own; else the cells stand with the scalars. */
	tiled?: string;
}

export interface TablePlan {
	nRows: number;
	columns: readonly ColumnPlan[];
	keywords?: CasaRecord;
	/** First lines of `table.info`. */
	type?: string;
	subType?: string;
	/** Name, version and comment of the table's description. */
	name?: string;
	version?: string;
	comment?: string;
}

/** Cells of a tiled column of varying shapes: rows of one shape, one behind the other. */
export interface TiledCells {
	shape: readonly number[];
	data: Exclude<CasaData, string[]>;
}

/** Values of some rows, by column. */
export type TableRows = Readonly<Record<string, CasaData | readonly (CasaArray | undefined)[] | TiledCells>>;

export const describeColumn = (plan: ColumnPlan, manager: number): ColumnDescription => {
	const fixed = Array.isArray(plan.cells) ? [...(plan.cells as readonly number[])] : undefined;
	const tiled = plan.tiled !== undefined;
	const managerType = tiled ? (fixed === undefined ? "TiledShapeStMan" : "TiledColumnStMan") : "StandardStMan";
	const isArray = plan.cells !== undefined;
	// Fixed cells beside the scalars are direct.
	const option = fixed === undefined ? 0 : tiled ? 4 : 5;
	return {
		name: plan.name,
		storedName: plan.name,
		comment: plan.comment ?? "",
		type: plan.type,
		isArray,
		option,
		isDirect: option === 5,
		ndim: isArray ? (fixed?.length ?? plan.ndim ?? -1) : 0,
		shape: fixed,
		describedShape: fixed ?? [],
		storedShape: fixed,
		maxLength: 0,
		keywords: plan.keywords ?? new Map(),
		managerType,
		managerGroup: plan.tiled ?? "StandardStMan",
		manager,
	};
};

/**
 * Writes a casacore table (plain, little-endian) row by row: scalars and small arrays in one StandardStMan, large arrays in
 * tiled storage managers. `table.dat` comes last: before it, casacore sees no table.
 */
export class TableWriter {
	readonly path: string;
	private readonly plan: TablePlan;
	private readonly description: TableDescription;
	private readonly standard: StandardWriter | undefined;
	private readonly standardColumns: ColumnDescription[];
	private readonly tiled: { plan: ColumnPlan; manager: number; writer: TiledWriter }[] = [];
	private readonly files: OutputFile[] = [];
	private readonly standardManager: number;
	private done = 0;

	constructor(path: string, plan: TablePlan) {
		this.path = path;
		this.plan = plan;
		try {
			makeFolder(path);
		} catch (error) {
			throw failure("file-unwritable", (error as Error).message, {
				subject: path,
				remedy: "Check the folder",
				cause: error,
			});
		}
		const tiledPlans = plan.columns.filter((column) => column.tiled !== undefined);
		this.standardManager = tiledPlans.length;
		const columns = plan.columns.map((column) =>
			describeColumn(column, column.tiled === undefined ? this.standardManager : tiledPlans.indexOf(column)),
		);
		this.standardColumns = columns.filter((column) => column.manager === this.standardManager);
		const managers: ManagerDescription[] = tiledPlans.map((column, sequence) => ({
			type: describeColumn(column, sequence).managerType,
			sequence,
			blob: new Uint8Array(0),
		}));
		tiledPlans.forEach((column, manager) => {
			const fixed = Array.isArray(column.cells) ? (column.cells as readonly number[]) : undefined;
			const writer = new TiledWriter(column.type, manager, column.tiled as string, fixed, (cube) =>
				this.open(`table.f${manager}_TSM${cube}`),
			);
			this.tiled.push({ plan: column, manager, writer });
		});
		if (this.standardColumns.length > 0) {
			managers.push({ type: "StandardStMan", sequence: this.standardManager, blob: new Uint8Array(0) });
			this.standard = new StandardWriter(
				this.standardColumns,
				plan.nRows,
				this.open(`table.f${this.standardManager}`),
				() => this.open(`table.f${this.standardManager}i`),
			);
		}
		this.description = {
			nRows: plan.nRows,
			bigEndian: false,
			name: plan.name ?? "",
			version: plan.version ?? "",
			comment: plan.comment ?? "",
			keywords: plan.keywords ?? new Map(),
			privateKeywords: new Map(),
			columns,
			managers,
			nextSequence: managers.length,
		};
	}

	private open(name: string): OutputFile {
		const file = new OutputFile(join(this.path, name));
		this.files.push(file);
		return file;
	}

	/** The file that holds a tiled column of fixed cells, for who writes them there himself; see `TiledWriter.reserve`. */
	fileOf(name: string): string {
		const manager = this.tiled.find(({ plan }) => plan.name === name)?.manager;
		return join(this.path, `table.f${manager}_TSM0`);
	}

	/** Leaves out a tiled column after all. */
	drop(name: string): void {
		const place = this.tiled.findIndex(({ plan }) => plan.name === name);
		const { manager, writer } = this.tiled[place];
		writer.close();
		rmSync(this.fileOf(name), { force: true });
		this.tiled.splice(place, 1);
		const { description } = this;
		description.columns = description.columns.filter((column) => column.name !== name);
		description.managers = description.managers.filter(({ sequence }) => sequence !== manager);
	}

	/**
	 * Adds rows: scalars and fixed cells flat, varying cells one by one (undefined: empty), tiled varying cells as a run. Cells of
	 * the tiled columns `reserved` are written by somebody else.
	 */
	append(count: number, rows: TableRows, reserved: readonly string[] = []): void {
		const get = (name: string) => {
			const values = rows[name];
			if (values === undefined) throw failure("table-write", `rows lack the column ${name}`, { subject: this.path });
			return values;
		};
		this.standard?.append(
			count,
			this.standardColumns.map(({ name }) => get(name) as RowValues),
		);
		for (const { plan, writer } of this.tiled) {
			if (reserved.includes(plan.name)) {
				writer.reserve(count);
				continue;
			}
			const values = get(plan.name);
			if (Array.isArray(plan.cells)) {
				writer.append(plan.cells as readonly number[], count, values as Exclude<CasaData, string[]>);
			} else {
				const { shape, data } = values as TiledCells;
				writer.append(shape, count, data);
			}
		}
		this.done += count;
	}

	/** Completes all files. Throws if rows are missing. */
	finish(): void {
		const { plan, description } = this;
		if (this.done !== plan.nRows) {
			this.abandon();
			throw failure("table-write", `${this.done} of ${plan.nRows} rows were written`, { subject: this.path });
		}
		if (this.standard !== undefined) {
			for (const manager of description.managers) {
				if (manager.sequence === this.standardManager) manager.blob = this.standard.finish("StandardStMan");
			}
		}
		for (const { manager, writer } of this.tiled) {
			const header = this.open(`table.f${manager}`);
			header.write(0, writer.finish());
		}
		this.abandon();
		writeFileSync(join(this.path, "table.info"), `Type = ${plan.type ?? ""}\nSubType = ${plan.subType ?? ""}\n`);
		writeFileSync(join(this.path, "table.dat"), writeTableDescription(description));
	}

	/** Closes all files, finished or not. */
	abandon(): void {
		for (const file of this.files.splice(0)) file.close();
	}
}

/** With the folders above it. Node's own recursion goes on for ever where one cannot be made, as under /proc. */
function makeFolder(path: string): void {
	if (existsSync(path)) return;
	const above = dirname(path);
	if (above !== path) makeFolder(above);
	mkdirSync(path);
}

/** Writes a whole table at once. */
export function writeTable(path: string, plan: TablePlan, rows: TableRows): void {
	const writer = new TableWriter(path, plan);
	writer.append(plan.nRows, rows);
	writer.finish();
}

/** Cells of one shape out of flat values. */
export function cellsOf(shape: readonly number[], data: Exclude<CasaData, string[]>): CasaArray[] {
	const width = data.length / Math.max(1, Math.round(data.length / productOf(shape)));
	return Array.from({ length: Math.round(data.length / width) }, (_, i) => ({
		shape: [...shape],
		data: data.slice(i * width, (i + 1) * width) as Exclude<CasaData, string[]>,
	}));
}
