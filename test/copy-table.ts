import type { CasaTable } from "../src/formats/casa/table.ts";
import { type ColumnPlan, type TableRows, TableWriter } from "../src/formats/casa/table-writer.ts";
import { allocate, type CasaArray, type CasaData, productOf } from "../src/formats/casa/values.ts";

const isTiled = (managerType: string) => managerType.startsWith("Tiled");

/** Writes everything of a table but its record columns to another place, with our writer, some rows at a time. */
export function copyTable(table: CasaTable, path: string, step = 50): void {
	const { description } = table;
	const managerOf = (sequence: number) =>
		description.managers.find((manager) => manager.sequence === sequence)?.type ?? "";
	const plans: ColumnPlan[] = [];
	for (const column of description.columns) {
		if (column.type === "Record") continue;
		const { name, type, comment, keywords, ndim, shape } = column;
		// An empty cell cannot be written into a tiled column of varying shapes row by row.
		const filled =
			!column.isArray ||
			shape !== undefined ||
			Array.from({ length: table.nRows }, (_, r) => r).every((r) => table.column(name).cellShape(r) !== undefined);
		const tiled = isTiled(managerOf(column.manager)) && filled && table.nRows > 0;
		const cells = column.isArray ? (shape ?? "varying") : undefined;
		plans.push({ name, type, comment, keywords, ndim, cells, ...(tiled ? { tiled: `Tiled${name}` } : {}) });
	}
	const writer = new TableWriter(path, {
		nRows: table.nRows,
		columns: plans,
		keywords: table.keywords,
		type: table.type,
		subType: table.subType,
	});
	for (let first = 0; first < table.nRows; ) {
		let count = Math.min(step, table.nRows - first);
		const tiled = plans.filter((plan) => plan.tiled !== undefined && plan.cells === "varying");
		for (const { name } of tiled) {
			const shape = String(table.column(name).cellShape(first));
			let same = 1;
			while (same < count && String(table.column(name).cellShape(first + same)) === shape) same++;
			count = same;
		}
		const rows: Record<string, TableRows[string]> = {};
		for (const plan of plans) {
			const column = table.column(plan.name);
			if (plan.cells === undefined) rows[plan.name] = column.scalars(first, count);
			else if (plan.cells !== "varying" && plan.type !== "String") {
				const data = allocate(plan.type, productOf(plan.cells) * count);
				column.cells(first, count, data);
				rows[plan.name] = data;
			} else if (plan.tiled !== undefined) {
				const shape = column.cellShape(first) as number[];
				const data = allocate(plan.type, productOf(shape) * count);
				column.cells(first, count, data);
				rows[plan.name] = { shape, data };
			} else rows[plan.name] = Array.from({ length: count }, (_, i): CasaArray | undefined => column.cell(first + i));
		}
		writer.append(count, rows as Record<string, CasaData>);
		first += count;
	}
	writer.finish();
}
