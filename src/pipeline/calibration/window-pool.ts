import { Worker } from "node:worker_threads";
import type { ApparentSources } from "../../calibration/component-model.ts";
import type { DelaySolution } from "../../calibration/delay.ts";
import type { Selection } from "../../calibration/selection.ts";
import type { VisibilitySet } from "../../calibration/visibility-set.ts";
import type { WindowAnswers, WindowPool, WindowRequest } from "../../calibration/window-processor.ts";
import { CausticError } from "../../error.ts";
import type { WorkerReply, WorkerRequest } from "./window-worker.ts";

/** Everything a worker needs to read windows and predict their model by itself. */
export interface WindowSource {
	paths: readonly string[];
	/** Per window the one file that holds it and nothing else, where there is one. */
	files: readonly { path: string; firstHz: number; firstMjd: number }[] | undefined;
	selection: Selection;
	column: "data" | "corrected";
	/** Per window: point sources, or the set's own model column. */
	models: readonly (ApparentSources | "column")[];
	/** Keep samples in memory between passes; otherwise read them anew for each. */
	keep: boolean;
}

/** One file per window: a group of subband files as correlators write them. */
export function windowFiles(set: VisibilitySet): WindowSource["files"] {
	if (set.format !== "uvh5" || set.source.length !== set.spectralWindows.length) return undefined;
	return set.source.map((path, w) => ({
		path,
		firstHz: set.frequenciesHz[set.spectralWindows[w].firstChannel],
		firstMjd: set.timesMjd[0],
	}));
}

export interface ThreadedPool extends WindowPool {
	/** Reads every window. */
	load(onWindow: (done: number, total: number) => void): Promise<void>;
	close(): Promise<void>;
}

/**
 * Windows spread over worker threads; window w always lives on the same worker. Each is answered alike wherever it lives,
 * so results do not depend on the number of workers.
 */
export async function openWindowPool(
	source: WindowSource,
	frequenciesHz: readonly Float64Array[],
	workers: number,
	signal: AbortSignal | undefined,
): Promise<ThreadedPool> {
	const count = Math.max(1, Math.min(workers, frequenciesHz.length));
	const file = import.meta.url.endsWith(".ts") ? "./window-worker.ts" : "./window-worker.js";
	const threads = Array.from({ length: count }, () => new WorkerThread(new URL(file, import.meta.url)));
	const close = async () => {
		await Promise.all(threads.map((thread) => thread.stop()));
	};
	const stop = () => void close();
	signal?.addEventListener("abort", stop, { once: true });
	try {
		await Promise.all(threads.map((thread) => thread.send({ id: 0, kind: "open", source })));
	} catch (error) {
		await close();
		throw error;
	}
	const threadOf = (window: number) => threads[window % count];
	return {
		frequenciesHz,
		async load(onWindow) {
			let done = 0;
			await Promise.all(
				frequenciesHz.map(async (_, window) => {
					await threadOf(window).send({ id: 0, kind: "load", window });
					onWindow(++done, frequenciesHz.length);
				}),
			);
		},
		ask: <K extends WindowRequest["kind"]>(request: (window: number) => Extract<WindowRequest, { kind: K }>) =>
			Promise.all(
				frequenciesHz.map(
					(_, window) =>
						threadOf(window).send({ id: 0, kind: "ask", window, request: request(window) }) as Promise<
							WindowAnswers[K]
						>,
				),
			),
		solveDelays: (problems) =>
			Promise.all(
				problems.map((problem, k) => {
					// The spectra are as large as a window: handed over, not copied.
					const spectra = problem.windows.flatMap(({ d, n }) => [d.buffer, n.buffer] as ArrayBuffer[]);
					const message = { id: 0, kind: "delays" as const, problem };
					return threads[k % count].send(message, spectra) as Promise<DelaySolution>;
				}),
			),
		async close() {
			signal?.removeEventListener("abort", stop);
			await close();
		},
	};
}

/** One thread that answers one message at a time, in order. */
class WorkerThread {
	private readonly worker: Worker;
	private readonly waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: unknown) => void }>();
	private queue: Promise<unknown> = Promise.resolve();
	private nextId = 1;
	private ended: Error | undefined;

	constructor(file: URL) {
		this.worker = new Worker(file);
		this.worker.on("message", (reply: WorkerReply) => {
			const waiting = this.waiting.get(reply.id);
			this.waiting.delete(reply.id);
			if ("error" in reply) waiting?.reject(revive(reply.error));
			else waiting?.resolve(reply.answer);
		});
		this.worker.on("error", (error: Error) => this.end(error));
		this.worker.on("exit", () => this.end(new Error("the calibration worker ended before its work was done")));
	}

	private end(error: Error): void {
		this.ended ??= error;
		for (const { reject } of this.waiting.values()) reject(this.ended);
		this.waiting.clear();
	}

	send(message: WorkerRequest, handOver: readonly ArrayBuffer[] = []): Promise<unknown> {
		const work = this.queue.then(
			() =>
				new Promise<unknown>((resolve, reject) => {
					if (this.ended !== undefined) {
						reject(this.ended);
						return;
					}
					const id = this.nextId++;
					this.waiting.set(id, { resolve, reject });
					this.worker.postMessage({ ...message, id }, handOver);
				}),
		);
		this.queue = work.catch(() => undefined);
		return work;
	}

	async stop(): Promise<void> {
		this.ended ??= new Error("the calibration was stopped");
		await this.worker.terminate();
	}
}

function revive(error: Extract<WorkerReply, { error: unknown }>["error"]): Error {
	if (error.code === "defect") {
		const defect = new Error(error.message);
		if (error.stack !== undefined) defect.stack = error.stack;
		return defect;
	}
	return new CausticError(error.code, error.message, {
		...(error.subject === undefined ? {} : { subject: error.subject }),
		...(error.remedy === undefined ? {} : { remedy: error.remedy }),
		blame: error.blame === "operation" ? "operation" : "input",
	});
}
