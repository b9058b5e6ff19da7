import { SHARE_ENV, Worker } from "node:worker_threads";
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

/** Threads that convert. They start while the task is still being put together. */
export class PlacingThreads {
	private readonly workers: Worker[];
	private readonly counts: Record<string, number>;
	private readonly ends: Promise<void>[];
	private state: Int32Array | undefined;
	private failed: Error | undefined;

	/** @param counts what the correctors count is added to it. */
	constructor(threads: number, counts: Record<string, number>) {
		this.counts = counts;
		const file = import.meta.url.endsWith(".ts") ? "./place-worker.ts" : "./place-worker.js";
		this.workers = Array.from(
			{ length: threads },
			() => new Worker(new URL(file, import.meta.url), { env: SHARE_ENV, trackUnmanagedFds: false }),
		);
		this.ends = this.workers.map((worker) => this.endOf(worker));
	}

	private endOf(worker: Worker): Promise<void> {
		return new Promise((resolve) => {
			worker.on("message", (message: PlacingMessage) => {
				if (message.kind === "error") {
					const { code, message: text, ...detail } = message;
					this.fail(new CausticError(code, text, detail));
				} else addCounts(this.counts, message.counts);
				resolve();
			});
			worker.on("error", (error) => {
				this.fail(error instanceof Error ? error : new Error(String(error)));
				resolve();
			});
			worker.on("exit", (code) => {
				if (code !== 0) this.fail(new Error(`a converting thread ended with code ${code}`));
				resolve();
			});
		});
	}

	private fail(error: Error): void {
		this.failed ??= error;
		if (this.state !== undefined) Atomics.store(this.state, STATE.stop, 1);
	}

	/**
	 * Converts all pieces of a task.
	 *
	 * @param here whether this thread converts too; if not, it only waits.
	 * @param meanwhile what else this thread has to do, done while the others have begun.
	 * @param between called after each piece that was converted here, and now and then while waiting.
	 */
	async place(
		set: Uvh5Set,
		task: PlacingTask,
		here: boolean,
		meanwhile: () => void,
		between: () => void,
	): Promise<void> {
		this.state = task.state;
		const order: PlacingOrder = { paths: [...set.source], task, earthOrientation: earthOrientationInUse() };
		for (const worker of this.workers) worker.postMessage(order, []);
		const ticking = setInterval(() => {
			try {
				between();
			} catch (error) {
				this.fail(error as Error);
			}
		}, 100);
		try {
			meanwhile();
			if (here) {
				const corrector = task.correction === undefined ? undefined : await correctorFor(set, task.correction);
				const correcting = corrector === undefined ? undefined : { set, corrector };
				for (const _ of placePieces(set, task.windows, task, correcting)) {
					between();
					// Messages of the threads come in between.
					await new Promise((resolve) => setImmediate(resolve));
				}
				if (corrector !== undefined) addCounts(this.counts, corrector.counts());
			}
			// A thread that has not begun by now has nothing to do; one that has may have counted.
			const isDone = Atomics.load(task.state, STATE.done) === task.nRows;
			if (!isDone || !here || task.correction !== undefined) await Promise.all(this.ends);
			if (this.failed !== undefined) throw this.failed;
		} finally {
			clearInterval(ticking);
			Atomics.store(task.state, STATE.stop, 1);
		}
	}

	/** Ends the threads, whatever they are doing. */
	async stop(): Promise<void> {
		await Promise.all(this.workers.map((worker) => worker.terminate()));
	}
}
