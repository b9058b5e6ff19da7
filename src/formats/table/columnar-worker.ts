import { readFile } from "node:fs/promises";
import { parentPort, workerData } from "node:worker_threads";
import { CausticError } from "../../error.ts";
import { openBytes } from "../byte-source.ts";
import { readArrow } from "./arrow.ts";
import type { ColumnarReply, ColumnarRequest, PackedColumn } from "./columnar-read.ts";
import { readParquet } from "./parquet.ts";
import type { Column, Table } from "./table.ts";

/** Texts travel as numbers into a list of the different ones: an identifier repeated a million times is sent once. */
function pack(column: Column): PackedColumn {
	if (column.values instanceof Float64Array) return { ...column, values: column.values };
	const words: string[] = [];
	const known = new Map<string, number>();
	const codes = Int32Array.from(column.values, (text) => {
		if (text === null) return -1;
		let code = known.get(text);
		if (code === undefined) {
			code = words.length;
			known.set(text, code);
			words.push(text);
		}
		return code;
	});
	return { ...column, values: codes, words };
}

async function read({ path, format }: ColumnarRequest): Promise<Table> {
	if (format === "arrow") return readArrow(await readFile(path), path);
	const source = await openBytes(path);
	try {
		return await readParquet(source, source.maxSize, () => parentPort?.postMessage({ kind: "progress" }, []));
	} finally {
		await source.close();
	}
}

async function reply(request: ColumnarRequest): Promise<void> {
	try {
		const { columns, ...rest } = await read(request);
		const packed = columns.map(pack);
		const message: ColumnarReply = { kind: "table", columns: packed, rest };
		parentPort?.postMessage(
			message,
			packed.map(({ values }) => values.buffer as ArrayBuffer),
		);
	} catch (error) {
		const { code, message, remedy } = error as CausticError;
		const known = error instanceof CausticError ? { code, remedy } : { code: `bad-${request.format}` };
		parentPort?.postMessage({ kind: "error", message, ...known } satisfies ColumnarReply, []);
	}
}

if (parentPort !== null) await reply(workerData as ColumnarRequest);
