import { badInput } from "../../error.ts";
import { type BinaryField, forEachRows } from "./binary-table.ts";
import type { FitsFile, FitsHdu } from "./file.ts";

const WINDOW_BYTES = 1 << 22;

/** Where the variable-length cell of each row lies in the heap, and its type. */
export interface HeapColumn {
	width: number;
	count: Float64Array;
	offset: Float64Array;
}

const ELEMENT_BYTES: Record<string, number> = { B: 1, I: 2, J: 4, K: 8, E: 4, D: 8 };

/** Reads the descriptors of variable-length columns; undefined for a column that is absent or of another kind. */
export async function heapColumns(
	file: FitsFile,
	table: FitsHdu,
	fields: (BinaryField | undefined)[],
): Promise<(HeapColumn | undefined)[]> {
	const [rowBytes, rows] = table.header.naxis;
	const columns = fields.map((field): HeapColumn | undefined => {
		const width = ELEMENT_BYTES[field?.element ?? ""];
		return field === undefined || width === undefined || field.repeat === 0
			? undefined
			: { width, count: new Float64Array(rows), offset: new Float64Array(rows) };
	});
	await forEachRows(file, table, (view, here, firstRow) => {
		columns.forEach((column, c) => {
			const field = fields[c];
			if (column === undefined || field === undefined) return;
			for (let row = 0; row < here; row++) {
				const at = row * rowBytes + field.offset;
				const isLong = field.code === "Q";
				column.count[firstRow + row] = isLong ? Number(view.getBigUint64(at)) : view.getUint32(at);
				column.offset[firstRow + row] = isLong ? Number(view.getBigUint64(at + 8)) : view.getUint32(at + 4);
			}
		});
	});
	return columns;
}

/** The heap, read in windows: tiles usually follow one another. */
export class Heap {
	private window: Uint8Array = new Uint8Array(0);
	private start = 0;
	private readonly file: FitsFile;
	private readonly table: FitsHdu;
	private readonly base: number;

	constructor(file: FitsFile, table: FitsHdu) {
		this.file = file;
		this.table = table;
		const [rowBytes, rows] = table.header.naxis;
		this.base = table.header.whole("THEAP", 0, table.dataBytes, rowBytes * rows);
	}

	async cell(column: HeapColumn, row: number): Promise<Uint8Array> {
		const length = column.count[row] * column.width;
		const from = this.base + column.offset[row];
		if (!(from + length <= this.table.dataBytes)) {
			throw badInput("bad-fits-table", `row ${row + 1} points ${from + length} bytes into ${this.table.dataBytes}`, {
				subject: this.table.header.source,
				remedy: "The file is damaged: copy it again",
			});
		}
		if (from < this.start || from + length > this.start + this.window.length) {
			this.window = new Uint8Array(Math.max(length, Math.min(WINDOW_BYTES, this.table.dataBytes - from)));
			await this.file.readData(this.table, this.window, from);
			this.start = from;
		}
		return this.window.subarray(from - this.start, from - this.start + length);
	}
}
