import type { Column, Table } from "./table.ts";

const CHUNK_ROWS = 8192;

/** RFC 4180: quotes around text with a delimiter, a quote, a line end or blanks at its ends. */
function quoted(text: string): string {
	return text === "" || /[",\r\n]|^[\s#]|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** One value as CSV: shortest round-trip numbers, NaN and null empty, true and false. */
export function csvField(column: Column, row: number): string {
	const value = column.values[row];
	if (value === null) return "";
	if (typeof value === "string") return quoted(value);
	if (Number.isNaN(value)) return "";
	if (column.kind === "boolean") return value !== 0 ? "true" : "false";
	return String(value);
}

/** The table as CSV text in pieces, header line first. */
export function* csvChunks(table: Table): IterableIterator<string> {
	yield `${table.columns.map((column) => quoted(column.name)).join(",")}\n`;
	const { columns } = table;
	for (let from = 0; from < table.rows; from += CHUNK_ROWS) {
		const to = Math.min(table.rows, from + CHUNK_ROWS);
		let text = "";
		for (let row = from; row < to; row++) {
			for (let c = 0; c < columns.length; c++)
				text += c === 0 ? csvField(columns[c], row) : `,${csvField(columns[c], row)}`;
			// A line of one empty field would be read as an empty line.
			text += columns.length === 1 && csvField(columns[0], row) === "" ? '""\n' : "\n";
		}
		yield text;
	}
}

/** The whole table as CSV (RFC 4180, lines end in \n): for standard output and HTTP. */
export function toCsv(table: Table): string {
	return [...csvChunks(table)].join("");
}

function terminalField(column: Column, row: number): string {
	const value = column.values[row];
	if (value === null) return "";
	if (typeof value === "string") return value.replaceAll(/\s/g, " ");
	if (Number.isNaN(value)) return "";
	if (column.kind === "boolean") return value !== 0 ? "true" : "false";
	if (column.kind === "integer" || Number.isInteger(value)) return String(value);
	const size = Math.abs(value);
	return size >= 1e-4 && size < 1e7 ? String(Number(value.toPrecision(size >= 100 ? 9 : 6))) : value.toExponential(4);
}

/** The first rows of a table for people: aligned, numbers to the right, rounded; the last line says what is left out. */
export function toTerminal(table: Table, maxRows: number): string {
	const rows = Math.min(table.rows, maxRows);
	const lines: string[] = Array.from({ length: rows + 1 }, () => "");
	table.columns.forEach((column, c) => {
		const fields = [column.name, ...Array.from({ length: rows }, (_, row) => terminalField(column, row))];
		const width = Math.max(...fields.map((field) => field.length));
		const isRight = column.values instanceof Float64Array;
		fields.forEach((field, i) => {
			lines[i] += (c === 0 ? "" : "  ") + (isRight ? field.padStart(width) : field.padEnd(width));
		});
	});
	const left = table.rows - rows;
	return `${lines.map((line) => line.trimEnd()).join("\n")}\n${left > 0 ? `... ${left} more rows\n` : ""}`;
}
