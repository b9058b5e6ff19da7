import { badInput } from "../../error.ts";
import { ColumnBuilder } from "../table/column-builder.ts";
import type { Table } from "../table/table.ts";
import { forEachRows } from "./binary-table.ts";
import type { FitsFile, FitsHdu } from "./file.ts";

/** Reads an ASCII TABLE extension (FITS standard 4.0, section 7.2): columns at TBCOLn in the forms A, I, F, E and D. */
export async function asciiTable(file: FitsFile, hdu: FitsHdu): Promise<Table> {
	const { header } = hdu;
	const [rowBytes, rows] = header.naxis;
	if (header.naxis.length !== 2 || header.bitpix !== 8) {
		throw badInput("bad-fits-table", "a TABLE extension has NAXIS = 2 and BITPIX = 8", { subject: header.source });
	}
	const fields = Array.from({ length: header.whole("TFIELDS", 0, 999) }, (_, i) => {
		const n = i + 1;
		const form = (header.text(`TFORM${n}`) ?? "").toUpperCase();
		const match = /^([AIFED])(\d+)(?:\.(\d+))?$/.exec(form);
		const offset = header.whole(`TBCOL${n}`, 1, Math.max(1, rowBytes)) - 1;
		const width = Number(match?.[2] ?? 0);
		if (match === null || offset + width > rowBytes) {
			throw badInput("bad-fits-table", `TFORM${n} = ${JSON.stringify(form)} does not fit a row of ${rowBytes}`, {
				subject: header.source,
				remedy: "The table is damaged",
			});
		}
		const scale = header.number(`TSCAL${n}`) ?? 1;
		const zero = header.number(`TZERO${n}`) ?? 0;
		const isWhole = match[1] === "I" && scale === 1 && Number.isInteger(zero);
		const name = header.text(`TTYPE${n}`) ?? `column_${n}`;
		return {
			name,
			offset,
			width,
			scale,
			zero,
			isText: match[1] === "A",
			/** A number without a point has one before its last `decimals` digits. */
			decimals: match[1] === "I" ? 0 : Number(match[3] ?? 0),
			nullText: header.text(`TNULL${n}`),
			builder: new ColumnBuilder({
				name,
				kind: match[1] === "A" ? "text" : isWhole ? "integer" : "number",
				unit: header.text(`TUNIT${n}`),
			}),
		};
	});
	await forEachRows(file, hdu, (view, here, firstRow) => {
		const bytes = Buffer.from(view.buffer, view.byteOffset, view.byteLength);
		for (const { name, offset, width, scale, zero, isText, decimals, nullText, builder } of fields) {
			for (let i = 0; i < here; i++) {
				const at = i * rowBytes + offset;
				const text = bytes.toString("latin1", at, at + width).trim();
				const row = firstRow + i;
				if (isText) builder.setText(row, text === "" || text === nullText ? null : text);
				else if (text === "" || text === nullText) builder.setNumber(row, Number.NaN);
				else {
					const value = /^[+-]?(\d+\.?\d*|\.\d+)([ED][+-]?\d+)?$/i.test(text)
						? Number(text.replace(/d/i, "E"))
						: Number.NaN;
					if (Number.isNaN(value)) {
						throw badInput("bad-fits-table", `row ${row + 1}: ${JSON.stringify(text)} is not a number`, {
							subject: `${header.source}, column ${name}`,
							remedy: "The table is damaged",
						});
					}
					const implied = decimals > 0 && !/[.ed]/i.test(text) ? value / 10 ** decimals : value;
					builder.setNumber(row, zero + scale * implied);
				}
			}
		}
	});
	return { columns: fields.map(({ builder }) => builder.finish(rows)), rows };
}
