import { badInput } from "../../error.ts";
import { ColumnBuilder } from "./column-builder.ts";
import type { Column, Table } from "./table.ts";
import { type BinaryCell, readBinaryRows } from "./votable-binary.ts";
import { XmlScanner } from "./xml-scanner.ts";

/** One FIELD of a VOTable. */
export interface VoField {
	name: string;
	datatype: string;
	/** Elements per cell; undefined for a variable number. */
	length: number | undefined;
	isArray: boolean;
	/** The integer that means "no value" (VALUES null). */
	nullValue: string | undefined;
	column: Omit<Column, "values">;
	/** Undefined for fields that a table of scalars cannot hold. */
	builder: ColumnBuilder | undefined;
}

const KIND: Record<string, Column["kind"]> = {
	boolean: "boolean",
	bit: "boolean",
	unsignedByte: "integer",
	short: "integer",
	int: "integer",
	long: "integer",
	float: "number",
	double: "number",
	char: "text",
	unicodeChar: "text",
};
const TRUE = /^(true|t|1)$/i;
const FALSE = /^(false|f|0)$/i;

function readField(scanner: XmlScanner, path: string, count: number): VoField {
	const attributes = scanner.attributes();
	const name = attributes.get("name") ?? attributes.get("ID") ?? `column_${count + 1}`;
	const datatype = attributes.get("datatype") ?? "char";
	const kind = KIND[datatype];
	if (kind === undefined && !/^(float|double)Complex$/.test(datatype)) {
		throw badInput("bad-votable", `field ${name} has the unknown datatype ${JSON.stringify(datatype)}`, {
			subject: path,
		});
	}
	const size = (attributes.get("arraysize") ?? "").trim();
	const isText = kind === "text";
	const isArray = size !== "" && !(size === "1" && !isText);
	const length = size === "" ? 1 : /^\d+$/.test(size) ? Number(size) : undefined;
	const column = { name, kind: kind ?? "number", unit: attributes.get("unit"), ucd: attributes.get("ucd") };
	const isScalar = kind !== undefined && (isText ? !size.includes("x") : !isArray);
	return {
		name,
		datatype,
		length,
		isArray,
		nullValue: undefined,
		column,
		builder: isScalar ? new ColumnBuilder(column) : undefined,
	};
}

function setCell(field: VoField, row: number, scanner: XmlScanner, bytes: Buffer, path: string): void {
	const { builder } = field;
	if (builder === undefined) return;
	if (builder.kind === "text" && KIND[field.datatype] === "text") {
		const text = scanner.text();
		return builder.setText(row, text === "" ? null : text);
	}
	const isPlain = scanner.cdata === undefined;
	const source = isPlain ? bytes : Buffer.from(scanner.cdata ?? "", "utf8");
	const from = isPlain ? scanner.textStart : 0;
	const to = isPlain ? scanner.textEnd : source.length;
	const word = () => source.toString("latin1", from, to).trim();
	const refuse = (): never => {
		throw badInput("bad-votable", `row ${row + 1}, ${field.name}: ${JSON.stringify(word())} is no ${field.datatype}`, {
			subject: path,
		});
	};
	if (builder.kind === "boolean") {
		const text = word();
		const value = TRUE.test(text) ? 1 : FALSE.test(text) ? 0 : Number.NaN;
		if (Number.isNaN(value) && text !== "" && text !== "?") refuse();
		return builder.setNumber(row, value);
	}
	if (field.nullValue !== undefined && word() === field.nullValue) {
		return builder.kind === "text" ? builder.setText(row, null) : builder.setNumber(row, Number.NaN);
	}
	if (field.datatype === "long" && to - from > 15) {
		const text = word();
		const isHuge = /^[+-]?\d+$/.test(text) && !Number.isSafeInteger(Number(text));
		if (isHuge && builder.kind !== "text") builder.becomeText(row);
		if (builder.kind === "text") return builder.setText(row, text === "" ? null : text);
	}
	if (builder.kind === "text") return builder.setText(row, word() || null);
	// Hexadecimal integers are allowed in VOTable.
	const hex = /^0x[0-9a-f]+$/i.exec(to - from > 2 && to - from < 20 && source[from + 1] === 120 ? word() : "");
	if (hex !== null) return builder.setNumber(row, Number(hex[0]));
	if (!builder.setDecimal(row, source, from, to)) refuse();
}

/**
 * Reads the first table with data of a VOTable (versions 1.0 to 1.5): TABLEDATA, BINARY and BINARY2. Arrays and
 * complex numbers are passed over and named in `skipped`.
 * @throws CausticError for damaged XML, unknown datatypes, cells that do not fit theirs, data kept elsewhere.
 */
export function readVotable(bytes: Buffer, path: string): Table {
	const scanner = new XmlScanner(bytes, path);
	let fields: VoField[] = [];
	let table: Table | undefined;
	let inField: VoField | undefined;
	let isVotable = false;
	let tableName: string | undefined;
	let description: string | undefined;
	let frame: string | undefined;
	let parent = "";
	while (table === undefined && scanner.next()) {
		const { name, kind } = scanner;
		if (kind === "close") {
			if (name === "FIELD") inField = undefined;
			else if (name === "DESCRIPTION" && inField !== undefined) inField.column.description = scanner.text().trim();
			else if (name === "DESCRIPTION" && parent === "TABLE" && fields.length === 0) description = scanner.text().trim();
			continue;
		}
		if (name === "VOTABLE") isVotable = true;
		else if (!isVotable) break;
		if (name === "COOSYS") frame ??= scanner.attributes().get("system");
		else if (name === "TABLE") {
			fields = [];
			parent = "TABLE";
			tableName = scanner.attributes().get("name");
			description = undefined;
		} else if (name === "FIELD") {
			const field = readField(scanner, path, fields.length);
			fields.push(field);
			inField = kind === "open" ? field : undefined;
		} else if (name === "VALUES" && inField !== undefined) {
			inField.nullValue = scanner.attributes().get("null");
		} else if (name === "TABLEDATA") {
			const rows = kind === "empty" ? 0 : readTabledata(scanner, fields, bytes, path);
			table = finish(fields, rows);
		} else if (name === "BINARY" || name === "BINARY2") {
			table = finish(fields, readBinary(scanner, fields, path, name === "BINARY2"));
		} else if (name === "FITS") {
			throw badInput("unsupported-votable", "its data are an embedded FITS file", {
				subject: path,
				remedy: "Save it as TABLEDATA or BINARY2, or give the FITS file itself",
			});
		}
	}
	if (!isVotable) throw badInput("bad-votable", "this XML is no VOTable", { subject: path });
	if (table === undefined) throw badInput("bad-votable", "it holds no table with data", { subject: path });
	return {
		...table,
		name: tableName,
		description,
		...(frame === undefined ? {} : { frame }),
	};
}

function finish(fields: VoField[], rows: number): Table {
	const columns: Column[] = [];
	const skipped: { name: string; reason: string }[] = [];
	for (const { builder, name, datatype, column } of fields) {
		if (builder === undefined) skipped.push({ name, reason: `an array of ${datatype}` });
		else columns.push({ ...builder.finish(rows), description: column.description });
	}
	return { columns, rows, ...(skipped.length > 0 ? { skipped } : {}) };
}

function readTabledata(scanner: XmlScanner, fields: VoField[], bytes: Buffer, path: string): number {
	let row = -1;
	let cell = 0;
	const endRow = () => {
		if (row >= 0 && cell !== fields.length) {
			throw badInput("bad-votable", `row ${row + 1} has ${cell} cells for ${fields.length} fields`, { subject: path });
		}
	};
	while (scanner.next()) {
		const { name, kind } = scanner;
		if (name === "TD" && kind !== "open") {
			if (row < 0) throw badInput("bad-votable", "a cell (TD) stands outside any row (TR)", { subject: path });
			// An empty <TD/> has the text before it outside; it is no value.
			if (kind === "close" && cell < fields.length) setCell(fields[cell], row, scanner, bytes, path);
			else if (cell < fields.length) setEmpty(fields[cell], row);
			cell += 1;
		} else if (name === "TR" && kind !== "close") {
			endRow();
			row += 1;
			cell = kind === "empty" ? fields.length : 0;
		} else if (name === "TABLEDATA") {
			endRow();
			return row + 1;
		}
	}
	throw badInput("bad-votable", `the file ends inside the data, after row ${row + 1}`, {
		subject: path,
		remedy: "The file is cut off: copy it again",
	});
}

function setEmpty({ builder }: VoField, row: number): void {
	if (builder?.kind === "text") builder.setText(row, null);
	else builder?.setNumber(row, Number.NaN);
}

function readBinary(scanner: XmlScanner, fields: VoField[], path: string, hasMask: boolean): number {
	while (scanner.next() && scanner.name !== "STREAM");
	const attributes = scanner.name === "STREAM" ? scanner.attributes() : new Map<string, string>();
	if (attributes.has("href") || attributes.get("encoding") !== "base64") {
		throw badInput("unsupported-votable", "its binary data are not inside it in base64", {
			subject: path,
			remedy: "Save it with the data inside",
		});
	}
	if (scanner.kind === "empty" || !scanner.next()) return 0;
	const data = Buffer.from(scanner.text(), "base64");
	const set = (index: number, row: number, value: BinaryCell) => {
		const { builder, datatype, nullValue } = fields[index];
		if (builder === undefined) return;
		if (value === null || (typeof value !== "string" && String(value) === nullValue)) {
			return setEmpty(fields[index], row);
		}
		if (typeof value === "bigint") {
			if (!Number.isSafeInteger(Number(value)) && builder.kind !== "text") builder.becomeText(row);
			return builder.kind === "text" ? builder.setText(row, String(value)) : builder.setNumber(row, Number(value));
		}
		if (typeof value === "string") return builder.setText(row, value);
		return builder.kind === "text" && datatype === "long"
			? builder.setText(row, String(value))
			: builder.setNumber(row, value);
	};
	return readBinaryRows(data, fields, hasMask, path, set);
}
