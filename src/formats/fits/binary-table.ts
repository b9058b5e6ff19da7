import { badInput } from "../../error.ts";
import type { FitsFile, FitsHdu } from "./file.ts";

/** Bytes per element of each TFORM code (FITS standard 4.0, table 18); X is bits, P and Q are descriptors. */
const WIDTH: Record<string, number> = {
	L: 1,
	X: 1,
	B: 1,
	I: 2,
	J: 4,
	K: 8,
	A: 1,
	E: 4,
	D: 8,
	C: 8,
	M: 16,
	P: 8,
	Q: 16,
};

/** One field of a binary table as its header describes it. */
export interface BinaryField {
	name: string;
	unit: string | undefined;
	description: string | undefined;
	ucd: string | undefined;
	/** TFORM letter; for P and Q the letter of the elements is `element`. */
	code: string;
	element: string | undefined;
	repeat: number;
	/** Byte offset in the row, and bytes taken there. */
	offset: number;
	bytes: number;
	scale: number;
	zero: number;
	nullValue: number | undefined;
}

const MAX_FIELDS = 999;
const CHUNK_BYTES = 1 << 22;

/**
 * The fields of a BINTABLE.
 * @throws CausticError naming the field when TFORM cannot be read or the fields do not fill NAXIS1.
 */
export function binaryFields(hdu: FitsHdu): BinaryField[] {
	const { header } = hdu;
	const count = header.whole("TFIELDS", 0, MAX_FIELDS);
	const fields: BinaryField[] = [];
	let offset = 0;
	for (let n = 1; n <= count; n++) {
		const form = header.text(`TFORM${n}`) ?? "";
		const match = /^(\d*)([LXBIJKAEDCMPQ])([LXBIJKAEDCM]?)/.exec(form.toUpperCase());
		if (match === null) {
			throw badInput("bad-fits-table", `TFORM${n} = ${JSON.stringify(form)} is not a binary table format`, {
				subject: header.source,
				remedy: "The table is damaged",
			});
		}
		const repeat = match[1] === "" ? 1 : Number(match[1]);
		const code = match[2];
		const bytes = code === "X" ? Math.ceil(repeat / 8) : repeat * WIDTH[code];
		fields.push({
			name: header.text(`TTYPE${n}`) ?? `column_${n}`,
			unit: header.text(`TUNIT${n}`),
			description: header.text(`TCOMM${n}`) ?? (header.comment(`TTYPE${n}`) || undefined),
			ucd: header.text(`TUCD${n}`),
			code,
			element: code === "P" || code === "Q" ? match[3] || undefined : undefined,
			repeat,
			offset,
			bytes,
			scale: header.number(`TSCAL${n}`) ?? 1,
			zero: header.number(`TZERO${n}`) ?? 0,
			nullValue: header.number(`TNULL${n}`),
		});
		offset += bytes;
	}
	if (header.naxis.length !== 2 || header.bitpix !== 8 || offset !== header.naxis[0]) {
		throw badInput("bad-fits-table", `its fields take ${offset} bytes, but NAXIS1 = ${header.naxis[0]}`, {
			subject: header.source,
			remedy: "The table is damaged",
		});
	}
	return fields;
}

/** Rows of a binary table, chunk by chunk, so that a table of any length is read in bounded memory. */
export async function forEachRows(
	file: FitsFile,
	hdu: FitsHdu,
	visit: (view: DataView, rows: number, firstRow: number) => void,
): Promise<void> {
	const [rowBytes, rows] = hdu.header.naxis;
	if (rowBytes === 0 || rows === 0) return;
	file.requireData(hdu, rowBytes * rows);
	const perChunk = Math.max(1, Math.min(rows, Math.floor(CHUNK_BYTES / rowBytes)));
	const chunk = new Uint8Array(perChunk * rowBytes);
	for (let row = 0; row < rows; row += perChunk) {
		const here = Math.min(perChunk, rows - row);
		await file.readData(hdu, chunk.subarray(0, here * rowBytes), row * rowBytes);
		visit(new DataView(chunk.buffer, 0, here * rowBytes), here, row);
	}
}

type Getter = (view: DataView, at: number) => number;

const GETTERS: Record<string, Getter> = {
	B: (view, at) => view.getUint8(at),
	I: (view, at) => view.getInt16(at),
	J: (view, at) => view.getInt32(at),
	K: (view, at) => view.getInt32(at) * 4294967296 + view.getUint32(at + 4),
	E: (view, at) => view.getFloat32(at),
	D: (view, at) => view.getFloat64(at),
	// T is true, F is false, a zero byte (and anything else) is no value.
	L: (view, at) => {
		const byte = view.getUint8(at);
		return byte === 84 ? 1 : byte === 70 ? 0 : Number.NaN;
	},
};

/** Whether {@link readNumbers} can read the field: numbers and logicals, arrays of fixed length included. */
export const isNumeric = (field: BinaryField): boolean => GETTERS[field.code] !== undefined;

/**
 * Decodes numeric fields: `repeat` values per row, row after row, scaled by TSCAL and TZERO; TNULL is NaN.
 * 64-bit integers beyond 2^53 are rounded, as doubles are.
 */
export async function readNumbers(
	file: FitsFile,
	hdu: FitsHdu,
	fields: readonly BinaryField[],
): Promise<Float64Array[]> {
	const [rowBytes, rows] = hdu.header.naxis;
	file.requireData(hdu, rowBytes * rows);
	const columns = fields.map((field) => new Float64Array(rows * field.repeat));
	await forEachRows(file, hdu, (view, here, firstRow) => {
		for (let c = 0; c < fields.length; c++) {
			const { code, repeat, offset, scale, zero, nullValue } = fields[c];
			const get = GETTERS[code];
			const width = WIDTH[code];
			const isPlain = scale === 1 && zero === 0;
			const target = columns[c];
			for (let row = 0; row < here; row++) {
				for (let k = 0; k < repeat; k++) {
					const stored = get(view, row * rowBytes + offset + k * width);
					const isNull = stored === nullValue && code !== "E" && code !== "D";
					target[(firstRow + row) * repeat + k] = isNull ? Number.NaN : isPlain ? stored : zero + scale * stored;
				}
			}
		}
	});
	return columns;
}
