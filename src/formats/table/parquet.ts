import { brotliDecompressSync, gunzipSync, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import type { Compressors, FileMetaData, SchemaElement } from "hyparquet";
import { badInput, CausticError } from "../../error.ts";
import { writeAtomically } from "../atomic-file.ts";
import type { ByteSource } from "../byte-source.ts";
import { meaningOf } from "./column-meaning.ts";
import type { Column, Table } from "./table.ts";
import { ValuesBuilder } from "./values-builder.ts";

const GROUP_ROWS = 100_000;
const METADATA_KEY = "caustic";

/** Node's own decompressors, held to the length that the page declares; LZ4 comes from the package. */
async function decompressors(): Promise<Compressors> {
	const { compressors } = await import("hyparquet-compressors");
	const bounded = (length: number) => ({ maxOutputLength: Math.max(1, length) });
	return {
		...compressors,
		ZSTD: (input, length) => zstdDecompressSync(input, bounded(length)),
		GZIP: (input, length) => gunzipSync(input, bounded(length)),
		BROTLI: (input, length) => brotliDecompressSync(input, bounded(length)),
	};
}

function kindOf(element: SchemaElement): Column["kind"] {
	const isPlain = element.converted_type === undefined || /^U?INT_/.test(element.converted_type);
	const isInteger = element.logical_type === undefined || element.logical_type.type === "INTEGER";
	switch (element.type) {
		case "BOOLEAN":
			return "boolean";
		case "FLOAT":
		case "DOUBLE":
			return "number";
		case "INT32":
		case "INT64":
			if (element.converted_type === "DECIMAL") return "number";
			return isPlain && isInteger ? "integer" : "text";
		default:
			return element.converted_type === "DECIMAL" ? "number" : "text";
	}
}

/** Units and descriptions that the writer below puts beside the schema. */
function writtenMeanings(
	metadata: FileMetaData,
): Record<string, { unit?: string; ucd?: string; description?: string }> {
	const text = metadata.key_value_metadata?.find(({ key }) => key === METADATA_KEY)?.value;
	try {
		const parsed = JSON.parse(text ?? "{}") as { columns?: Record<string, { unit?: string }> };
		return parsed.columns ?? {};
	} catch {
		return {};
	}
}

/**
 * Reads a Parquet file row group by row group. Nested columns are passed over and named in `skipped`. A damaged file
 * can keep it busy for ever: called in a thread that can be stopped (columnar-read.ts).
 * @param progress called after each row group
 * @throws CausticError `bad-parquet` when the file is damaged.
 */
export async function readParquet(source: ByteSource, size: number, progress: () => void): Promise<Table> {
	const { parquetMetadataAsync, parquetRead } = await import("hyparquet");
	const file = {
		byteLength: size,
		async slice(start: number, end = size): Promise<ArrayBuffer> {
			if (!(start >= 0 && start <= end && end <= size)) throw new Error(`bytes ${start} to ${end} are not in the file`);
			const bytes = new Uint8Array(end - start);
			const got = await source.read(bytes, start);
			if (got < bytes.length) throw new Error("the file is shorter than it was");
			return bytes.buffer;
		},
	};
	try {
		const metadata = await parquetMetadataAsync(file, { geoparquet: false });
		const compressors = await decompressors();
		const meanings = writtenMeanings(metadata);
		const flat = new Map<string, ValuesBuilder>();
		const skipped: { name: string; reason: string }[] = [];
		// The schema is a tree in depth-first order: children of nested columns are stepped over.
		for (let i = 1; i < metadata.schema.length; i++) {
			const element = metadata.schema[i];
			let inside = element.num_children ?? 0;
			if (inside > 0 || element.repetition_type === "REPEATED") {
				skipped.push({ name: element.name, reason: "a nested column" });
				for (; inside > 0 && i + 1 < metadata.schema.length; inside--) inside += metadata.schema[++i].num_children ?? 0;
				continue;
			}
			flat.set(
				element.name,
				new ValuesBuilder({ name: element.name, kind: kindOf(element), ...meanings[element.name] }),
			);
		}
		let rowStart = 0;
		for (const group of metadata.row_groups) {
			const rows = Number(group.num_rows);
			if (rows > 0 && flat.size > 0) {
				await parquetRead({
					file,
					metadata,
					compressors,
					columns: [...flat.keys()],
					rowStart,
					rowEnd: rowStart + rows,
					onChunk: ({ columnName, columnData }) => flat.get(columnName)?.add(columnData),
				});
			}
			rowStart += rows;
			progress();
		}
		const columns: Column[] = [];
		for (const [name, builder] of flat) {
			const column = builder.finish();
			if (builder.problem !== undefined) skipped.push({ name, reason: builder.problem });
			else if (column.values.length === rowStart) columns.push(column);
			else throw new Error(`column ${name} has ${column.values.length} values for ${rowStart} rows`);
		}
		return { columns, rows: rowStart, ...(skipped.length > 0 ? { skipped } : {}) };
	} catch (error) {
		if (error instanceof CausticError) throw error;
		throw badInput("bad-parquet", `the Parquet data cannot be read (${(error as Error).message})`, {
			subject: source.path,
			remedy: "The file is damaged or cut off: copy it again",
			cause: error,
		});
	}
}

function elementOf(column: Column): SchemaElement {
	const base = { name: column.name, repetition_type: "OPTIONAL" as const };
	if (column.kind === "text") {
		return { ...base, type: "BYTE_ARRAY", converted_type: "UTF8", logical_type: { type: "STRING" } };
	}
	if (column.kind === "boolean") return { ...base, type: "BOOLEAN" };
	return { ...base, type: column.kind === "integer" ? "INT64" : "DOUBLE" };
}

/** Values of some rows as the encoder takes them: null where there is none. */
function slice({ kind, values }: Column, from: number, to: number): unknown[] | Float64Array {
	if (!(values instanceof Float64Array)) return values.slice(from, to);
	const piece = values.subarray(from, to);
	if (kind === "number" && !piece.some(Number.isNaN)) return piece;
	return Array.from(piece, (value) => {
		if (Number.isNaN(value)) return null;
		return kind === "boolean" ? value !== 0 : kind === "integer" ? BigInt(value) : value;
	});
}

/**
 * Writes Parquet: doubles, 64-bit integers, booleans and UTF-8, all nullable; Zstandard; row groups of 100,000 with
 * statistics; units, UCDs and descriptions as JSON under the key `caustic`. Memory is bounded by a row group.
 */
export async function writeParquet(path: string, table: Table): Promise<void> {
	const { ByteWriter, ParquetWriter } = await import("hyparquet-writer");
	const meanings = Object.fromEntries(table.columns.map((column) => [column.name, meaningOf(column)]));
	await writeAtomically(path, async (sink) => {
		const bytes = new ByteWriter();
		const writer = new ParquetWriter({
			writer: bytes,
			schema: [{ name: "table", num_children: table.columns.length }, ...table.columns.map(elementOf)],
			codec: "ZSTD",
			compressors: { ZSTD: (input) => new Uint8Array(zstdCompressSync(input)) },
			kvMetadata: [{ key: METADATA_KEY, value: JSON.stringify({ name: table.name, columns: meanings }) }],
			createdBy: "caustic",
		});
		const drain = async () => {
			await sink.write(bytes.getBytes());
			bytes.index = 0;
		};
		for (let from = 0; from < table.rows; from += GROUP_ROWS) {
			const to = Math.min(table.rows, from + GROUP_ROWS);
			await writer.write({
				columnData: table.columns.map((column) => ({ name: column.name, data: slice(column, from, to) })),
				rowGroupSize: GROUP_ROWS,
			});
			await drain();
		}
		await writer.finish();
		await drain();
	});
}
