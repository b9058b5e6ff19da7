import { closeSync, existsSync, openSync, renameSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { badInput } from "../../error.ts";
import { OutputFile } from "./output-file.ts";
import { CasaTable } from "./table.ts";
import { type ColumnPlan, describeColumn } from "./table-writer.ts";
import { allocate, type CasaData, productOf } from "./values.ts";
import { writeTableDescription } from "./write-description.ts";
import { TiledWriter } from "./write-tiled.ts";

/**
 * Adds an array column to a table, shaped row by row like another one and filled with zeros, in a tiled storage manager of its
 * own. The table's description is replaced in one step: a reader sees the old table or the new one.
 *
 * The caller holds the table's lock and opens it again afterwards.
 */
export function addColumnLike(path: string, like: string, plan: Pick<ColumnPlan, "name" | "type" | "comment">): void {
	const table = new CasaTable(path);
	const files: string[] = [];
	try {
		const source = table.column(like);
		if (table.has(plan.name)) {
			throw badInput("table-column", `it already has a column ${plan.name}`, { subject: path });
		}
		const fixed = source.description.shape;
		const sequence = table.description.nextSequence;
		const group = `Tiled${plan.name}`;
		const writer = new TiledWriter(plan.type, sequence, group, fixed, (cube) => {
			const file = join(path, `table.f${sequence}_TSM${cube}`);
			files.push(file);
			return new OutputFile(file);
		});
		// Rows of one shape at a time; a few MB of zeros for all of them.
		for (let row = 0; row < table.nRows; ) {
			const shape = fixed ?? source.cellShape(row);
			if (shape === undefined) throw badInput("table-column", `${like} is empty in row ${row}`, { subject: path });
			const width = productOf(shape);
			let count = 1;
			const most = Math.max(1, Math.min(table.nRows - row, Math.floor((1 << 20) / width)));
			if (fixed !== undefined) count = most;
			else while (count < most && String(source.cellShape(row + count)) === String(shape)) count++;
			writer.append(shape, count, allocate(plan.type, width * count) as Exclude<CasaData, string[]>);
			row += count;
		}
		const header = join(path, `table.f${sequence}`);
		files.push(header);
		writeFileSync(header, writer.finish());
		writer.close();
		const ndim = fixed?.length ?? source.description.ndim;
		const cells = fixed ?? ("varying" as const);
		const column = describeColumn({ ...plan, cells, ndim, tiled: group }, sequence);
		const description = {
			...table.description,
			nRows: table.nRows,
			columns: [...table.description.columns, column],
			managers: [
				...table.description.managers,
				{ type: fixed === undefined ? "TiledShapeStMan" : "TiledColumnStMan", sequence, blob: new Uint8Array(0) },
			],
			nextSequence: sequence + 1,
		};
		const next = join(path, "table.dat.new");
		files.push(next);
		writeFileSync(next, writeTableDescription(description));
		forgetLock(path);
		renameSync(next, join(path, "table.dat"));
	} catch (error) {
		for (const file of files) rmSync(file, { force: true });
		throw error;
	} finally {
		table.close();
	}
}

/**
 * `table.lock` repeats the numbers of rows and columns; a length of zero says that `table.dat` is to be believed, and the next
 * casacore program fills it in.
 */
function forgetLock(path: string): void {
	const file = join(path, "table.lock");
	if (!existsSync(file)) return;
	const descriptor = openSync(file, "r+");
	try {
		writeSync(descriptor, new Uint8Array(4), 0, 4, 260);
	} finally {
		closeSync(descriptor);
	}
}
