import { Worker } from "node:worker_threads";
import { badInput } from "../../error.ts";
import type { Column, Table } from "./table.ts";

/** A column as it travels between threads: texts as numbers into `words`, -1 for none. */
export type PackedColumn = Omit<Column, "values"> & { values: Float64Array | Int32Array; words?: string[] };

export interface ColumnarRequest {
	path: string;
	format: "parquet" | "arrow";
}

export type ColumnarReply =
	| { kind: "progress" }
	| { kind: "table"; columns: PackedColumn[]; rest: Omit<Table, "columns"> }
	| { kind: "error"; code: string; message: string; remedy?: string };

const MIB = 1024 ** 2;

/** How long a reading may stand still, and how much heap it may take, by the size of the file. */
export interface Containment {
	patienceMs: number;
	heapMb: number;
}

const containment = (bytes: number): Containment => ({
	patienceMs: 10_000 + (20_000 * bytes) / MIB,
	heapMb: Math.min(8192, 1024 + (40 * bytes) / MIB),
});

const unpack = ({ words, ...column }: PackedColumn): Column => {
	const { values } = column;
	if (words === undefined) return { ...column, values: values as Float64Array };
	return { ...column, values: Array.from(values, (code) => (code < 0 ? null : words[code])) };
};

/**
 * Reads Parquet or Arrow in a thread of its own. The libraries that decode these formats believe the counts a file
 * claims: a damaged one can make them loop without end or fill the memory, and a thread can be stopped.
 * @throws CausticError `bad-parquet` or `bad-arrow` when the file is damaged, or its reading makes no progress.
 */
export async function readColumnar(
	request: ColumnarRequest,
	bytes: number,
	{ patienceMs, heapMb }: Containment = containment(bytes),
): Promise<Table> {
	const refuse = (
		message: string,
		remedy = "The file is damaged or cut off: copy it again",
		code = `bad-${request.format}`,
	) => badInput(code, message, { subject: request.path, remedy });
	const file = import.meta.url.endsWith(".ts") ? "./columnar-worker.ts" : "./columnar-worker.js";
	const worker = new Worker(new URL(file, import.meta.url), {
		workerData: request,
		resourceLimits: { maxOldGenerationSizeMb: heapMb },
		// The thread says what it has to say by messages.
		stdout: true,
		stderr: true,
	});
	let timer: NodeJS.Timeout | undefined;
	try {
		return await new Promise<Table>((resolve, reject) => {
			const wait = () => {
				clearTimeout(timer);
				timer = setTimeout(() => {
					reject(refuse(`its reading made no progress in ${(patienceMs / 1000).toFixed(1)} s`));
				}, patienceMs);
			};
			worker.on("message", (reply: ColumnarReply) => {
				if (reply.kind === "progress") wait();
				else if (reply.kind === "table") resolve({ columns: reply.columns.map(unpack), ...reply.rest });
				else reject(refuse(reply.message, reply.remedy, reply.code));
			});
			worker.on("error", (error: NodeJS.ErrnoException) => {
				reject(
					error.code === "ERR_WORKER_OUT_OF_MEMORY"
						? refuse("its reading needs more memory than such a file should")
						: refuse(`it cannot be read (${error.message})`),
				);
			});
			worker.on("exit", () => reject(refuse("its reading ended without a result")));
			wait();
		});
	} finally {
		clearTimeout(timer);
		await worker.terminate();
	}
}
