import { badInput } from "../../error.ts";
import { isNullWord, parseDecimal } from "./decimal.ts";
import { Interner } from "./interner.ts";
import type { Column, Table } from "./table.ts";

const QUOTE = 34;
const NEWLINE = 10;
const RETURN = 13;
const HASH = 35;
const SPACE = 32;
/** So many rows decide what a column holds; a later surprise costs one more pass over the file. */
const SAMPLE_ROWS = 1000;
const MAX_COLUMNS = 10_000;

export interface CsvOptions {
	/** Columns kept as they are spelled (identifiers), by name regardless of case. */
	text?: readonly string[];
}

/** Fields of one line, by position in the bytes; quoted ones are inside their quotes. */
class FieldScanner {
	start = 0;
	end = 0;
	isQuoted = false;
	/** Whether a quoted field holds doubled quotes. */
	isEscaped = false;
	/** Position after the field and its delimiter or line end. */
	next = 0;
	/** Whether the field was the last of its line. */
	isLast = false;
	private readonly bytes: Buffer;
	private readonly delimiter: number;

	constructor(bytes: Buffer, delimiter: number) {
		this.bytes = bytes;
		this.delimiter = delimiter;
	}

	/** Scans the field that begins at the position, by RFC 4180; a quote that never closes is an error. */
	scan(at: number, path: string, line: number): void {
		const { bytes, delimiter } = this;
		const length = bytes.length;
		this.isQuoted = bytes[at] === QUOTE;
		if (this.isQuoted) {
			this.start = at + 1;
			this.isEscaped = false;
			let close = at + 1;
			for (;;) {
				close = bytes.indexOf(QUOTE, close);
				if (close < 0) {
					throw badInput("bad-csv", `a quoted field that begins in line ${line} never ends`, {
						subject: path,
						remedy: 'Close the field with a double quote; inside it a quote is written ""',
					});
				}
				if (bytes[close + 1] !== QUOTE) break;
				this.isEscaped = true;
				close += 2;
			}
			this.end = close;
			at = close + 1;
			while (at < length && bytes[at] !== delimiter && bytes[at] !== NEWLINE && bytes[at] !== RETURN) {
				if (bytes[at] !== SPACE) {
					throw badInput("bad-csv", `text follows a quoted field in line ${line}`, {
						subject: path,
						remedy: 'Inside a quoted field a quote is written ""',
					});
				}
				at += 1;
			}
		} else {
			let from = at;
			while (at < length && bytes[at] !== delimiter && bytes[at] !== NEWLINE && bytes[at] !== RETURN) at += 1;
			let to = at;
			while (from < to && bytes[from] === SPACE) from += 1;
			while (to > from && bytes[to - 1] === SPACE) to -= 1;
			this.start = from;
			this.end = to;
			this.isEscaped = false;
		}
		this.isLast = at >= length || bytes[at] !== delimiter;
		if (at < length && bytes[at] === RETURN) at += 1;
		if (at < length && (bytes[at] === NEWLINE || bytes[at] === delimiter)) at += 1;
		this.next = at;
	}

	text(): string {
		const text = this.bytes.toString("utf8", this.start, this.end);
		return this.isEscaped ? text.replaceAll('""', '"') : text;
	}
}

interface Shape {
	names: string[];
	delimiter: number;
	/** Position of the first data row and its line number. */
	start: number;
	line: number;
}

function skipLine(bytes: Buffer, at: number): number {
	const end = bytes.indexOf(NEWLINE, at);
	return end < 0 ? bytes.length : end + 1;
}

function readShape(bytes: Buffer, path: string): Shape {
	let at = bytes.length >= 3 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
	let line = 1;
	// Comments (ECSV among them) and empty lines before the header.
	while (at < bytes.length && (bytes[at] === HASH || bytes[at] === NEWLINE || bytes[at] === RETURN)) {
		at = skipLine(bytes, at);
		line += 1;
	}
	if (at >= bytes.length) {
		throw badInput("empty-table", "there is no header line with the names of the columns", {
			subject: path,
			remedy: "Begin the file with one, for instance source_id,ra_deg,dec_deg",
		});
	}
	const header = bytes.subarray(at, skipLine(bytes, at));
	let delimiter = 44;
	let most = 0;
	for (const candidate of [44, 9, 59, 124]) {
		let count = 0;
		for (let i = 0, inside = false; i < header.length; i++) {
			if (header[i] === QUOTE) inside = !inside;
			else if (!inside && header[i] === candidate) count += 1;
		}
		if (count > most) {
			most = count;
			delimiter = candidate;
		}
	}
	const names: string[] = [];
	const field = new FieldScanner(bytes, delimiter);
	do {
		field.scan(at, path, line);
		names.push(field.text().trim() || `column_${names.length + 1}`);
		at = field.next;
	} while (!field.isLast && names.length <= MAX_COLUMNS);
	const twice = names.find((name, i) => names.indexOf(name) !== i);
	if (twice !== undefined || names.length > MAX_COLUMNS) {
		throw badInput(
			"bad-csv",
			twice === undefined ? `more than ${MAX_COLUMNS} columns` : `two columns are named ${twice}`,
			{ subject: path, remedy: "Give every column a name of its own in the header line" },
		);
	}
	return { names, delimiter, start: at, line: line + 1 };
}

/** What one pass does with a column. */
type Role = "number" | "text" | "skip";

interface Pass {
	rows: number;
	numbers: Float64Array[];
	texts: (string | null)[][];
	/** By column: what a column of numbers turned out to hold. */
	hasText: boolean[];
	allWhole: boolean[];
	anyNumber: boolean[];
	/** Whole numbers with leading zeros, or too long for a double: identifiers, not quantities. */
	isCode: boolean[];
}

function runPass(bytes: Buffer, shape: Shape, roles: readonly Role[], maxRows: number, path: string): Pass {
	const count = shape.names.length;
	const field = new FieldScanner(bytes, shape.delimiter);
	const interner = new Interner();
	const firstLine = Math.max(2, skipLine(bytes, shape.start) - shape.start);
	let capacity = Math.min(maxRows, 16 + Math.ceil(((bytes.length - shape.start) / firstLine) * 1.1));
	const pass: Pass = {
		rows: 0,
		numbers: roles.map((role) => new Float64Array(role === "number" ? capacity : 0)),
		// Of full length at once: growing a long array by pushes copies it many times.
		texts: roles.map((role) => new Array<string | null>(role === "text" ? capacity : 0)),
		hasText: roles.map(() => false),
		allWhole: roles.map(() => true),
		anyNumber: roles.map(() => false),
		isCode: roles.map(() => false),
	};
	const { numbers, texts, hasText, allWhole, anyNumber, isCode } = pass;
	let at = shape.start;
	let line = shape.line;
	let row = 0;
	while (at < bytes.length && row < maxRows) {
		if (bytes[at] === NEWLINE || bytes[at] === RETURN) {
			at = skipLine(bytes, at);
			line += 1;
			continue;
		}
		if (row === capacity) {
			capacity *= 2;
			for (let c = 0; c < count; c++) {
				if (roles[c] !== "number") continue;
				const larger = new Float64Array(capacity);
				larger.set(numbers[c]);
				numbers[c] = larger;
			}
		}
		let c = 0;
		for (;;) {
			field.scan(at, path, line);
			at = field.next;
			if (c < count) {
				if (roles[c] === "text") {
					if (field.end === field.start && !field.isQuoted) texts[c][row] = null;
					else texts[c][row] = field.isEscaped ? field.text() : interner.get(bytes, field.start, field.end);
				} else if (roles[c] === "number") {
					const { start, end } = field;
					const value = parseDecimal(bytes, start, end);
					numbers[c][row] = value;
					if (value === value) {
						anyNumber[c] = true;
						if (!Number.isSafeInteger(value)) {
							allWhole[c] = false;
							if (end - start > 15 && Number.isInteger(value)) isCode[c] ||= isDigits(bytes, start, end);
						} else {
							if (bytes[start] === 48 && end - start > 1) isCode[c] ||= isDigits(bytes, start, end);
							allWhole[c] &&= !hasPoint(bytes, start, end);
						}
					} else if (!hasText[c] && !isNullWord(bytes, start, end)) hasText[c] = true;
				}
			}
			c += 1;
			if (field.isLast) break;
		}
		if (c !== count) {
			throw badInput("bad-csv", `line ${line} has ${c} fields, the header has ${count}`, {
				subject: path,
				remedy: "Mend the line, or copy the file again if it is cut off",
			});
		}
		row += 1;
		line += 1;
	}
	pass.rows = row;
	for (const values of texts) values.length = Math.min(values.length, row);
	return pass;
}

function isDigits(bytes: Buffer, from: number, to: number): boolean {
	for (let i = from; i < to; i++) if (bytes[i] < 48 || bytes[i] > 57) return false;
	return true;
}

function hasPoint(bytes: Buffer, from: number, to: number): boolean {
	for (let i = from; i < to; i++) if (bytes[i] === 46 || bytes[i] === 101 || bytes[i] === 69) return true;
	return false;
}

const BOOLEAN: Record<string, number> = { true: 1, false: 0 };

/** A column whose every text is true or false. */
function booleans(values: (string | null)[]): Float64Array | undefined {
	const numbers = new Float64Array(values.length);
	let any = false;
	for (let row = 0; row < values.length; row++) {
		const text = values[row];
		const value = text === null ? Number.NaN : BOOLEAN[text.toLowerCase()];
		if (value === undefined) return undefined;
		any ||= text !== null;
		numbers[row] = value;
	}
	return any ? numbers : undefined;
}

/**
 * Reads comma-, tab-, semicolon- or bar-separated text with a header line (RFC 4180; `#` lines before it are comments).
 * A column is of numbers when every field is a number or empty, nan, null, N/A; whole numbers with leading zeros or
 * too long for a double stay text.
 * @throws CausticError naming the line that has too few or too many fields.
 */
export function readCsv(bytes: Buffer, path: string, options: CsvOptions = {}): Table {
	const shape = readShape(bytes, path);
	const asText = new Set((options.text ?? []).map((name) => name.toLowerCase()));
	const given = shape.names.map((name): Role => (asText.has(name.toLowerCase()) ? "text" : "number"));
	const isText = (pass: Pass, c: number) => pass.hasText[c] || pass.isCode[c] || given[c] === "text";
	const sample = runPass(bytes, shape, given, SAMPLE_ROWS, path);
	const roles = given.map((_, c): Role => (isText(sample, c) ? "text" : "number"));
	const pass = runPass(bytes, shape, roles, Infinity, path);
	if (roles.some((role, c) => role === "number" && isText(pass, c))) {
		const again = runPass(
			bytes,
			shape,
			roles.map((role, c): Role => (role === "number" && isText(pass, c) ? "text" : "skip")),
			Infinity,
			path,
		);
		roles.forEach((role, c) => {
			if (role !== "number" || !isText(pass, c)) return;
			roles[c] = "text";
			pass.texts[c] = again.texts[c];
		});
	}
	const columns = shape.names.map((name, c): Column => {
		if (roles[c] === "number") {
			const kind = pass.anyNumber[c] && pass.allWhole[c] ? "integer" : "number";
			return { name, kind, values: pass.numbers[c].slice(0, pass.rows) };
		}
		const logical = given[c] === "text" ? undefined : booleans(pass.texts[c]);
		if (logical !== undefined) return { name, kind: "boolean", values: logical };
		return { name, kind: "text", values: pass.texts[c] };
	});
	return { columns, rows: pass.rows };
}
