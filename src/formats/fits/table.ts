import { badInput } from "../../error.ts";
import { writeAtomically } from "../atomic-file.ts";
import { meaningOf } from "../table/column-meaning.ts";
import { Interner } from "../table/interner.ts";
import type { Column, Table } from "../table/table.ts";
import { asciiTable } from "./ascii-table.ts";
import { type BinaryField, binaryFields, forEachRows, isNumeric, readNumbers } from "./binary-table.ts";
import { type CardToWrite, headerBlock } from "./card-text.ts";
import { FitsFile, type FitsHdu } from "./file.ts";
import { pad } from "./write.ts";

const CHUNK_ROWS = 8192;
const INTEGER = new Set(["B", "I", "J", "K"]);
const WHY: Record<string, string> = { C: "complex numbers", M: "complex numbers", X: "bits", P: "arrays", Q: "arrays" };

/** Where the text of a fixed-width field ends: at the first NUL, before trailing blanks. */
function textEnd(bytes: Buffer, from: number, length: number): number {
	let to = from;
	while (to < from + length && bytes[to] !== 0) to += 1;
	while (to > from && bytes[to - 1] === 32) to -= 1;
	return to;
}

async function readTexts(file: FitsFile, hdu: FitsHdu, fields: readonly BinaryField[]): Promise<(string | null)[][]> {
	const [rowBytes] = hdu.header.naxis;
	const columns: (string | null)[][] = fields.map(() => []);
	const interner = new Interner();
	await forEachRows(file, hdu, (view, rows) => {
		const bytes = Buffer.from(view.buffer, view.byteOffset, view.byteLength);
		for (let c = 0; c < fields.length; c++) {
			for (let row = 0; row < rows; row++) {
				const at = row * rowBytes + fields[c].offset;
				if (fields[c].code === "K") {
					const value = view.getBigInt64(at) + BigInt(fields[c].zero);
					columns[c].push(Number(value) === fields[c].nullValue ? null : String(value));
					continue;
				}
				const end = textEnd(bytes, at, fields[c].bytes);
				columns[c].push(end === at ? null : interner.get(bytes, at, end));
			}
		}
	});
	return columns;
}

async function binaryTable(file: FitsFile, hdu: FitsHdu): Promise<Table> {
	const fields = binaryFields(hdu);
	const isText = (field: BinaryField) => field.code === "A" && field.repeat > 0;
	const isScalar = (field: BinaryField) => isNumeric(field) && field.repeat === 1;
	const numeric = fields.filter(isScalar);
	const numbers = await readNumbers(file, hdu, numeric);
	// 64-bit integers that doubles would round are identifiers: they stay text.
	const isHuge = (field: BinaryField) =>
		field.code === "K" &&
		field.scale === 1 &&
		Number.isInteger(field.zero) &&
		numbers[numeric.indexOf(field)].some((value) => Math.abs(value) > Number.MAX_SAFE_INTEGER);
	const textual = fields.filter((field) => isText(field) || isHuge(field));
	const texts = textual.length === 0 ? [] : await readTexts(file, hdu, textual);
	const columns: Column[] = [];
	const skipped: { name: string; reason: string }[] = [];
	for (const field of fields) {
		const { name, unit, description, ucd, code, scale } = field;
		const base = { name, unit, description, ucd };
		if (textual.includes(field)) columns.push({ ...base, kind: "text", values: texts[textual.indexOf(field)] });
		else if (isScalar(field)) {
			const kind = code === "L" ? "boolean" : INTEGER.has(code) && Number.isInteger(scale) ? "integer" : "number";
			columns.push({ ...base, kind, values: numbers[numeric.indexOf(field)] });
		} else skipped.push({ name, reason: WHY[code] ?? `an array of ${field.repeat} values` });
	}
	return { columns, rows: hdu.header.naxis[1], ...(skipped.length > 0 ? { skipped } : {}) };
}

/**
 * Reads the first table of a FITS file (BINTABLE or ASCII TABLE, gzipped or not). Arrays, bits and complex numbers
 * are passed over and named in `skipped`.
 * @throws CausticError when there is no table, or its header and data disagree.
 */
export async function readFitsTable(path: string): Promise<Table> {
	const file = await FitsFile.open(path);
	try {
		for (let index = 1; ; index++) {
			const hdu = await file.hdu(index);
			if (hdu === undefined) break;
			const { header } = hdu;
			const kind = header.text("XTENSION");
			if ((kind !== "BINTABLE" && kind !== "TABLE") || header.get("ZIMAGE") === true) continue;
			if (header.get("ZTABLE") === true) {
				throw badInput("unsupported-compression", "compressed tables are not read", {
					subject: header.source,
					remedy: "Unpack the file with funpack",
				});
			}
			const table = kind === "BINTABLE" ? await binaryTable(file, hdu) : await asciiTable(file, hdu);
			await file.verify();
			const frame = header.text("RADESYS") ?? header.text("RADECSYS");
			return { ...table, name: header.text("EXTNAME"), source: path, ...(frame === undefined ? {} : { frame }) };
		}
		throw badInput("no-table", "no part of the file is a table", {
			subject: path,
			remedy: "Give a FITS file with a BINTABLE or TABLE extension",
		});
	} finally {
		await file.close();
	}
}

interface Layout {
	form: string;
	bytes: number;
	tnull?: number;
	put(view: DataView, at: number, row: number): void;
}

function layoutOf(column: Column, path: string): Layout {
	const { values, kind } = column;
	if (!(values instanceof Float64Array)) {
		let bytes = 1;
		values.forEach((text, row) => {
			if (text !== null && !/^[ -~]*$/.test(text)) {
				throw badInput("bad-fits-table", `row ${row + 1}: FITS tables hold printable ASCII only`, {
					subject: `${path}, column ${column.name}`,
					remedy: "Write .csv, .parquet or .vot instead",
				});
			}
			bytes = Math.max(bytes, text?.length ?? 0);
		});
		return {
			form: `${bytes}A`,
			bytes,
			put: (view, at, row) => {
				const text = values[row] ?? "";
				for (let i = 0; i < text.length; i++) view.setUint8(at + i, text.charCodeAt(i));
			},
		};
	}
	if (kind === "boolean") {
		return {
			form: "L",
			bytes: 1,
			put: (view, at, row) => {
				if (!Number.isNaN(values[row])) view.setUint8(at, values[row] !== 0 ? 84 : 70);
			},
		};
	}
	if (kind === "integer" && values.every((value) => Number.isNaN(value) || Number.isSafeInteger(value))) {
		const tnull = -Number.MAX_SAFE_INTEGER - 1;
		return {
			form: "K",
			bytes: 8,
			tnull: values.some(Number.isNaN) ? tnull : undefined,
			put: (view, at, row) => {
				const value = Number.isNaN(values[row]) ? tnull : values[row];
				view.setInt32(at, Math.floor(value / 4294967296));
				view.setUint32(at + 4, value >>> 0);
			},
		};
	}
	return { form: "D", bytes: 8, put: (view, at, row) => view.setFloat64(at, values[row]) };
}

/** Writes the table as a BINTABLE behind an empty primary HDU, whole or not at all, in bounded memory. */
export async function writeFitsTable(path: string, table: Table, options: { gzip?: boolean } = {}): Promise<void> {
	const layouts = table.columns.map((column) => layoutOf(column, path));
	const rowBytes = layouts.reduce((sum, { bytes }) => sum + bytes, 0);
	const cards: CardToWrite[] = [
		["XTENSION", "BINTABLE", "binary table"],
		["BITPIX", 8],
		["NAXIS", 2],
		["NAXIS1", rowBytes, "bytes per row"],
		["NAXIS2", table.rows, "rows"],
		["PCOUNT", 0],
		["GCOUNT", 1],
		["TFIELDS", layouts.length],
	];
	if (table.name !== undefined && /^[ -~]{1,60}$/.test(table.name)) cards.push(["EXTNAME", table.name]);
	let hasSky = false;
	table.columns.forEach((column, i) => {
		const { unit, ucd, description } = meaningOf(column);
		const n = i + 1;
		hasSky ||= ucd?.startsWith("pos.eq.ra") ?? false;
		cards.push([`TTYPE${n}`, column.name], [`TFORM${n}`, layouts[i].form]);
		if (unit) cards.push([`TUNIT${n}`, unit]);
		if (layouts[i].tnull !== undefined) cards.push([`TNULL${n}`, layouts[i].tnull as number]);
		if (ucd) cards.push([`TUCD${n}`, ucd]);
		if (description && /^[ -~]*$/.test(description)) cards.push([`TCOMM${n}`, description]);
	});
	if (hasSky) cards.push(["RADESYS", "ICRS"]);
	const primary: CardToWrite[] = [
		["SIMPLE", true, "conforms to FITS standard"],
		["BITPIX", 8],
		["NAXIS", 0],
		["EXTEND", true],
	];
	const headers = [headerBlock(primary, path), headerBlock(cards, path)];
	await writeAtomically(
		path,
		async (sink) => {
			for (const header of headers) await sink.write(header);
			for (let from = 0; from < table.rows; from += CHUNK_ROWS) {
				const rows = Math.min(CHUNK_ROWS, table.rows - from);
				const view = new DataView(new ArrayBuffer(rows * rowBytes));
				let offset = 0;
				for (const { bytes, put } of layouts) {
					for (let row = 0; row < rows; row++) put(view, row * rowBytes + offset, from + row);
					offset += bytes;
				}
				await sink.write(new Uint8Array(view.buffer));
			}
			await pad(sink, table.rows * rowBytes);
		},
		options,
	);
}
