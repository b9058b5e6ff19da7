import type { Column, Table } from "../../formats/table/table.ts";
import type { Row } from "../../store/database.ts";

/** A column to be: the name is also that of the statement's. */
export type Wanted = { name: string; unit?: string } | { name: string; text: true };

/** Rows that grow beyond their arrays double them. */
const FIRST_ROWS = 4096;

/**
 * A table of any number of rows, from batches: numbers go into doubles, equal texts are kept once. Memory is 8 bytes
 * a value, whatever the objects of a batch weigh.
 */
export async function gather(
	name: string,
	columns: readonly Wanted[],
	batches: AsyncIterable<Row[]> | Iterable<Row[]>,
): Promise<Table> {
	const values = columns.map((column) => ("text" in column ? ([] as (string | null)[]) : new Float64Array(FIRST_ROWS)));
	const known = new Map<string, string>();
	const once = (value: unknown): string | null => {
		if (value === null || value === undefined) return null;
		const text = String(value);
		const kept = known.get(text);
		if (kept !== undefined) return kept;
		known.set(text, text);
		return text;
	};
	let rows = 0;
	for await (const batch of batches) {
		for (let c = 0; c < columns.length; c++) {
			const { name: key } = columns[c];
			let into = values[c];
			if (!(into instanceof Float64Array)) {
				for (const row of batch) into.push(once(row[key]));
				continue;
			}
			if (rows + batch.length > into.length) {
				const larger: Float64Array<ArrayBuffer> = new Float64Array(Math.max(2 * into.length, rows + batch.length));
				larger.set(into.subarray(0, rows));
				into = larger;
				values[c] = larger;
			}
			for (let i = 0; i < batch.length; i++) {
				const value = batch[i][key];
				into[rows + i] = value === null || value === undefined ? Number.NaN : Number(value);
			}
		}
		rows += batch.length;
	}
	return {
		name,
		rows,
		columns: columns.map((column, c): Column => {
			const filled = values[c];
			return filled instanceof Float64Array
				? {
						name: column.name,
						kind: "number",
						...("unit" in column && column.unit !== undefined ? { unit: column.unit } : {}),
						values: filled.subarray(0, rows),
					}
				: { name: column.name, kind: "text", values: filled };
		}),
	};
}
