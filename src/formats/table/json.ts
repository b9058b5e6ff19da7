import { badInput } from "../../error.ts";
import type { Column, Table } from "./table.ts";
import { ValuesBuilder } from "./values-builder.ts";

const CHUNK_ROWS = 8192;

const refuse = (path: string, message: string, remedy = "Give an array of objects, one per row") =>
	badInput("bad-json-table", message, { subject: path, remedy });

/** Reads an array of objects: columns are the keys in order of first appearance, a missing key is no value. */
export function readJsonTable(text: string, path: string): Table {
	let parsed: unknown;
	try {
		parsed = JSON.parse(text);
	} catch (error) {
		throw refuse(path, `this is not JSON (${(error as Error).message.slice(0, 120)})`);
	}
	if (!Array.isArray(parsed)) throw refuse(path, "the JSON is not an array");
	const rows = parsed as Record<string, unknown>[];
	const names = new Map<string, { number: boolean; text: boolean; boolean: boolean; whole: boolean }>();
	rows.forEach((row, i) => {
		if (typeof row !== "object" || row === null || Array.isArray(row))
			throw refuse(path, `row ${i + 1} is not an object`);
		for (const [name, value] of Object.entries(row)) {
			let kinds = names.get(name);
			if (kinds === undefined) {
				kinds = { number: false, text: false, boolean: false, whole: true };
				names.set(name, kinds);
			}
			if (value === null) continue;
			if (typeof value === "number") {
				kinds.number = true;
				kinds.whole &&= Number.isSafeInteger(value);
			} else if (typeof value === "string") kinds.text = true;
			else if (typeof value === "boolean") kinds.boolean = true;
			else throw refuse(path, `row ${i + 1}, ${name}: ${JSON.stringify(value).slice(0, 40)} is not a scalar`);
		}
	});
	const columns = [...names].map(([name, { number, text, boolean, whole }]): Column => {
		const kind = text || (number && boolean) ? "text" : boolean ? "boolean" : number && whole ? "integer" : "number";
		const builder = new ValuesBuilder({ name, kind });
		builder.add(rows.map((row) => row[name] ?? null));
		return builder.finish();
	});
	return { columns, rows: rows.length };
}

/** A value as JSON: NaN and infinities, which JSON cannot hold, are null. */
function jsonValue(column: Column, row: number): string {
	const value = column.values[row];
	if (value === null || typeof value === "string") return JSON.stringify(value);
	if (!Number.isFinite(value)) return "null";
	return column.kind === "boolean" ? (value !== 0 ? "true" : "false") : String(value);
}

/** The table as a JSON array of objects in pieces, one row per line. */
export function* jsonChunks(table: Table): IterableIterator<string> {
	const keys = table.columns.map((column) => `${JSON.stringify(column.name)}: `);
	yield "[";
	for (let from = 0; from < table.rows; from += CHUNK_ROWS) {
		const to = Math.min(table.rows, from + CHUNK_ROWS);
		let text = "";
		for (let row = from; row < to; row++) {
			text += row === 0 ? "\n{" : ",\n{";
			table.columns.forEach((column, c) => {
				text += `${c === 0 ? "" : ", "}${keys[c]}${jsonValue(column, row)}`;
			});
			text += "}";
		}
		yield text;
	}
	yield "\n]\n";
}
