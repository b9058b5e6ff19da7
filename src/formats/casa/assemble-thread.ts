import { Worker } from "node:worker_threads";
import type { VisibilitySet } from "../../calibration/visibility-set.ts";
import { CausticError } from "../../error.ts";
import { type AssemblyPlan, flagNotFinite } from "./assemble-rows.ts";
import type { MeasurementRows } from "./write-measurement-set.ts";

/** What the thread is told at its start. */
export interface AssemblyTask {
	paths: string[];
	plan: AssemblyPlan;
}

/** What it sends: rows whose samples are in shared memory until their slot is given back, then the end. */
export type AssemblyMessage =
	| { kind: "rows"; slot: number; rows: MeasurementRows }
	| { kind: "end" }
	| { kind: "error"; code: string; message: string; subject?: string; remedy?: string; blame: "input" | "operation" };

/**
 * The same rows as `assembleRows`, read and put together in a thread of its own: while one piece is turned and written here,
 * the next is read there.
 */
export async function* assembleInThread(
	set: VisibilitySet,
	plan: AssemblyPlan,
	counts: { notFinite: number },
): AsyncGenerator<MeasurementRows> {
	const task: AssemblyTask = { paths: [...set.source], plan: { ...plan, asRecorded: true } };
	const file = import.meta.url.endsWith(".ts") ? "./assemble-worker.ts" : "./assemble-worker.js";
	const worker = new Worker(new URL(file, import.meta.url), { workerData: task });
	const arrived: AssemblyMessage[] = [];
	let failed: Error | undefined;
	let wake = () => {};
	worker.on("message", (message: AssemblyMessage) => {
		arrived.push(message);
		wake();
	});
	worker.on("error", (error) => {
		failed = error instanceof Error ? error : new Error(String(error));
		wake();
	});
	worker.on("exit", (code) => {
		failed ??= new Error(`the reading thread ended with code ${code}`);
		wake();
	});
	try {
		for (;;) {
			while (arrived.length === 0) {
				if (failed !== undefined) throw failed;
				await new Promise<void>((resolve) => {
					wake = resolve;
				});
			}
			const message = arrived.shift() as AssemblyMessage;
			if (message.kind === "end") {
				return;
			}
			if (message.kind === "error") {
				const { code, message: text, ...detail } = message;
				throw new CausticError(code, text, detail);
			}
			counts.notFinite += flagNotFinite(message.rows);
			yield message.rows;
			worker.postMessage(message.slot, []);
		}
	} finally {
		await worker.terminate();
	}
}
