import { Worker } from "node:worker_threads";
import { CausticError } from "../../error.ts";
import { earthOrientationInUse } from "../../sky/earth-orientation.ts";
import type { EarthOrientationTable } from "../../sky/earth-orientation-table.ts";
import type { Uvh5Set } from "../uvh5/read.ts";
import { addCounts, correctorFor } from "./correction.ts";
import { type PlacingTask, placePieces, STATE } from "./place-rows.ts";

/** What a thread is told at its start. */
export interface PlacingOrder {
	paths: string[];
	task: PlacingTask;
	/** The table that this thread uses instead of the built-in one. */
	earthOrientation: EarthOrientationTable | undefined;
}

/** What it says at its end. */
export type PlacingMessage =
	| { kind: "end"; counts: Record<string, number> }
	| { kind: "error"; code: string; message: string; subject?: string; remedy?: string; blame: "input" | "operation" };

/**
 * Converts all pieces of a task in this thread and `threads` others.
 *
 * @param counts what the correctors counted is added to it.
 * @param here whether this thread converts too; if not, it only waits.
 * @param between called after each piece that was converted here, and now and then while waiting.
 */
export async function placeInThreads(
	set: Uvh5Set,
	task: PlacingTask,
	counts: Record<string, number>,
	threads: number,
	here: boolean,
	between: () => void,
): Promise<void> {
	const order: PlacingOrder = { paths: [...set.source], task, earthOrientation: earthOrientationInUse() };
	const file = import.meta.url.endsWith(".ts") ? "./place-worker.ts" : "./place-worker.js";
	const workers = Array.from(
		{ length: threads },
		() => new Worker(new URL(file, import.meta.url), { workerData: order }),
	);
	let failed: Error | undefined;
	const fail = (error: Error) => {
		failed ??= error;
		Atomics.store(task.state, STATE.stop, 1);
	};
	const ends = workers.map(
		(worker) =>
			new Promise<void>((resolve) => {
				worker.on("message", (message: PlacingMessage) => {
					if (message.kind === "error") {
						const { code, message: text, ...detail } = message;
						fail(new CausticError(code, text, detail));
					} else addCounts(counts, message.counts);
					resolve();
				});
				worker.on("error", (error) => {
					fail(error instanceof Error ? error : new Error(String(error)));
					resolve();
				});
				worker.on("exit", (code) => {
					if (code !== 0) fail(new Error(`a converting thread ended with code ${code}`));
					resolve();
				});
			}),
	);
	const ticking = setInterval(() => {
		try {
			between();
		} catch (error) {
			fail(error as Error);
		}
	}, 100);
	try {
		if (here) {
			const corrector = task.correction === undefined ? undefined : await correctorFor(set, task.correction);
			for (const _ of placePieces(set, task, corrector)) {
				between();
				// Messages of the threads come in between.
				await new Promise((resolve) => setImmediate(resolve));
			}
			if (corrector !== undefined) addCounts(counts, corrector.counts());
		}
		// A thread that has not begun by now has nothing to do; one that has may have counted.
		const isDone = Atomics.load(task.state, STATE.done) === task.nRows;
		if (!isDone || !here || task.correction !== undefined) await Promise.all(ends);
		if (failed !== undefined) throw failed;
	} finally {
		clearInterval(ticking);
		Atomics.store(task.state, STATE.stop, 1);
		await Promise.all(workers.map((worker) => worker.terminate()));
	}
}
