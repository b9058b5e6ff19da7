import type { Data } from "apache-arrow";
import { badInput } from "../../error.ts";
import { writeAtomically } from "../atomic-file.ts";
import { meaningOf } from "./column-meaning.ts";
import type { Column, Table } from "./table.ts";
import { ValuesBuilder } from "./values-builder.ts";

const BATCH_ROWS = 1 << 18;

/** Reads an Arrow IPC file. Nested columns are passed over and named in `skipped`. */
export async function readArrow(bytes: Uint8Array, path: string): Promise<Table> {
	const { DataType, tableFromIPC } = await import("apache-arrow");
	try {
		const arrow = tableFromIPC(bytes);
		const columns: Column[] = [];
		const skipped: { name: string; reason: string }[] = [];
		arrow.schema.fields.forEach((field, index) => {
			const type = DataType.isDictionary(field.type) ? field.type.dictionary : field.type;
			const isNumber = DataType.isFloat(type);
			const kind: Column["kind"] | undefined = isNumber
				? "number"
				: DataType.isInt(type)
					? "integer"
					: DataType.isBool(type)
						? "boolean"
						: DataType.isUtf8(type) || DataType.isLargeUtf8(type)
							? "text"
							: undefined;
			if (kind === undefined) {
				skipped.push({ name: field.name, reason: `values of type ${field.type}` });
				return;
			}
			const text = (key: string) => field.metadata.get(key);
			const builder = new ValuesBuilder({
				name: field.name,
				kind,
				unit: text("unit"),
				ucd: text("ucd"),
				description: text("description"),
			});
			const vector = arrow.getChildAt(index);
			builder.add(vector === null ? [] : vector.nullCount === 0 && isNumber ? vector.toArray() : [...vector]);
			columns.push(builder.finish());
		});
		return { columns, rows: arrow.numRows, ...(skipped.length > 0 ? { skipped } : {}) };
	} catch (error) {
		throw badInput("bad-arrow", `the Arrow data cannot be read (${(error as Error).message})`, {
			subject: path,
			remedy: "The file is damaged or cut off: copy it again",
			cause: error,
		});
	}
}

/** One bit per row, lowest first: set where there is a value. */
function validity({ values }: Column, from: number, to: number): { nullBitmap: Uint8Array; nullCount: number } {
	const nullBitmap = new Uint8Array(Math.ceil((to - from) / 8));
	let nullCount = 0;
	for (let row = from; row < to; row++) {
		const value = values[row];
		if (value === null || value !== value) nullCount += 1;
		else nullBitmap[(row - from) >> 3] |= 1 << ((row - from) & 7);
	}
	return { nullBitmap, nullCount };
}

/** Writes an Arrow IPC file (version 5): doubles, 64-bit integers, booleans and UTF-8, all nullable. */
export async function writeArrow(path: string, table: Table): Promise<void> {
	const arrow = await import("apache-arrow");
	const types = { number: arrow.Float64, integer: arrow.Int64, boolean: arrow.Bool, text: arrow.Utf8 };
	const schema = new arrow.Schema(
		table.columns.map((column) => {
			const meaning = Object.entries(meaningOf(column)).filter(([, text]) => text !== undefined);
			return new arrow.Field(column.name, new types[column.kind](), true, new Map(meaning as [string, string][]));
		}),
	);
	const data = (column: Column, from: number, to: number): Data => {
		const length = to - from;
		const nulls = validity(column, from, to);
		const { kind, values } = column;
		if (!(values instanceof Float64Array)) {
			const texts = values.slice(from, to).map((text) => text ?? "");
			const valueOffsets = new Int32Array(length + 1);
			for (let i = 0; i < length; i++) valueOffsets[i + 1] = valueOffsets[i] + Buffer.byteLength(texts[i]);
			return arrow.makeData({
				type: new arrow.Utf8(),
				length,
				valueOffsets,
				data: Buffer.from(texts.join("")),
				...nulls,
			});
		}
		if (kind === "number") {
			return arrow.makeData({ type: new arrow.Float64(), length, data: values.subarray(from, to), ...nulls });
		}
		if (kind === "boolean") {
			const bits = new Uint8Array(Math.ceil(length / 8));
			for (let i = 0; i < length; i++) if (values[from + i] === 1) bits[i >> 3] |= 1 << (i & 7);
			return arrow.makeData({ type: new arrow.Bool(), length, data: bits, ...nulls });
		}
		const integers = new BigInt64Array(length);
		for (let i = 0; i < length; i++) if (!Number.isNaN(values[from + i])) integers[i] = BigInt(values[from + i]);
		return arrow.makeData({ type: new arrow.Int64(), length, data: integers, ...nulls });
	};
	const writer = new arrow.RecordBatchFileWriter();
	for (let from = 0; from === 0 || from < table.rows; from += BATCH_ROWS) {
		const to = Math.min(table.rows, from + BATCH_ROWS);
		const children = table.columns.map((column) => data(column, from, to));
		const struct = arrow.makeData({ type: new arrow.Struct(schema.fields), length: to - from, nullCount: 0, children });
		writer.write(new arrow.RecordBatch(schema, struct));
	}
	writer.close();
	await writeAtomically(path, async (sink) => {
		for await (const chunk of writer) await sink.write(chunk);
	});
}
