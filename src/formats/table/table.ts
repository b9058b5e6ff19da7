import { badInput } from "../../error.ts";

/**
 * One column of a table. Numbers, integers and booleans (1, 0) are doubles and NaN is "no value"; texts are strings
 * and null is "no value".
 */
export interface Column {
	name: string;
	kind: "number" | "integer" | "text" | "boolean";
	/** In the spelling of the IVOA and of FITS: `Jy`, `deg`, `arcsec`, `d`, `MHz`. */
	unit?: string;
	description?: string;
	/** Unified content descriptor (IVOA UCD 1+), for instance `pos.eq.ra;meta.main`. */
	ucd?: string;
	values: Float64Array | (string | null)[];
}

/** Columns of one length in a fixed order. */
export interface Table {
	columns: Column[];
	rows: number;
	name?: string;
	description?: string;
	/** The file it was read from: named in errors. */
	source?: string;
	/** The frame of its positions when the file declares one: `ICRS`, `eq_FK5`, `FK4`. */
	frame?: string;
	/** What the file holds and a table of scalars cannot: arrays, complex numbers. */
	skipped?: { name: string; reason: string }[];
}

/** The column of that name, exactly or else regardless of case; undefined when there is none. */
export function column(table: Table, name: string): Column | undefined {
	const lower = name.toLowerCase();
	return (
		table.columns.find((candidate) => candidate.name === name) ??
		table.columns.find((candidate) => candidate.name.toLowerCase() === lower)
	);
}

const subjectOf = (table: Table) => table.source ?? table.name ?? "table";

function required(table: Table, name: string, aliases: readonly string[]): Column {
	for (const candidate of [name, ...aliases]) {
		const found = column(table, candidate);
		if (found !== undefined) return found;
	}
	const also = aliases.length === 0 ? "" : ` (also accepted: ${aliases.join(", ")})`;
	throw badInput("missing-column", `there is no column ${name}${also}`, {
		subject: subjectOf(table),
		remedy: `Its columns are ${table.columns.map((candidate) => candidate.name).join(", ") || "none"}`,
	});
}

/**
 * The numbers of a column, NaN where there is no value.
 * @throws CausticError naming the column when it is missing, and the first row when a value is no number.
 */
export function numbers(table: Table, name: string, aliases: readonly string[] = []): Float64Array {
	const found = required(table, name, aliases);
	if (found.values instanceof Float64Array) return found.values;
	const values = new Float64Array(found.values.length);
	for (let row = 0; row < values.length; row++) {
		const text = found.values[row]?.trim();
		values[row] = text === undefined || text === "" || /^nan$/i.test(text) ? Number.NaN : Number(text);
		if (Number.isNaN(values[row]) && text !== undefined && text !== "" && !/^nan$/i.test(text)) {
			throw badInput("not-a-number", `${JSON.stringify(text)} in row ${row + 1} is not a number`, {
				subject: `${subjectOf(table)}, column ${found.name}`,
				remedy: "Write numbers with a decimal point, and leave the field empty where there is none",
			});
		}
	}
	return values;
}

/**
 * The values of a column as text: identifiers keep their spelling, whole numbers get no decimal point.
 * @throws CausticError naming the column when it is missing.
 */
export function texts(table: Table, name: string, aliases: readonly string[] = []): (string | null)[] {
	const { kind, values } = required(table, name, aliases);
	if (!(values instanceof Float64Array)) return values;
	return Array.from(values, (value) =>
		Number.isNaN(value) ? null : kind === "boolean" ? (value !== 0 ? "true" : "false") : String(value),
	);
}
