import type { Config } from "../config/schema.ts";
import type { Logger } from "../observability/log.ts";
import { flushSpans, startTracing, storeSpansWith } from "../observability/tracing.ts";
import type { Store } from "../store/open.ts";
import { countStages, getRun, type Run, type RunInputs, type RunKind, type StageCount } from "../store/runs.ts";
import { spanSink } from "../store/spans.ts";
import { scheduleChecks } from "./checks/scheduled.ts";
import { PixelPool } from "./pixels/pool.ts";
import { StageQueue } from "./queue.ts";
import { beginRun, reviveRun } from "./runner.ts";
import { StageWorker } from "./worker.ts";

const LOOK_AGAIN_MS = 250;

/** A process that works on the pipeline: the queue, a worker that takes units from it, and threads for pixels. */
export interface Session {
	queue: StageQueue;
	/** Threads that read images and work on pixels. */
	pixels: PixelPool;
	/** Begins a run, or takes up the unfinished one with the same inputs and settings. */
	begin(inputs: RunInputs, how?: { kind?: RunKind; config?: Config }): Promise<{ run: Run; resumed: boolean }>;
	/** Takes up the units of a run whose worker died. */
	revive(runId: string): Promise<number>;
	/** Waits until the run has ended; calls back with the counts of its stages. Undefined when interrupted before. */
	finished(runId: string, onProgress: (stages: StageCount[]) => void): Promise<Run | undefined>;
	/** Takes no further unit, waits for those in work, and lets go of queue and threads. */
	close(): Promise<void>;
}

export interface SessionOptions {
	store: Store;
	config: Config;
	log: Logger;
	signal: AbortSignal;
	/** Threads for pixels; all cores by default. */
	threads?: number;
	/** Only hand out work and leave it to other processes. */
	isIdle?: boolean;
}

export async function openSession({ store, config, log, signal, threads, isIdle }: SessionOptions): Promise<Session> {
	const { database, dataFolder } = store;
	startTracing(config.observability.otlp_endpoint);
	storeSpansWith(spanSink(database));
	const queue = await StageQueue.open(database, (error) => log.warn({ error: error.message }, "queue_error"));
	const pixels = new PixelPool({
		...(threads === undefined ? {} : { threads }),
		memoryBytes: config.photometry_pipeline.memory_limit_mb * 1e6,
	});
	const worker = new StageWorker(
		{ database, dataFolder, log, pixels, signal },
		queue,
		Math.min(config.photometry_pipeline.max_concurrent_operations, 2 * pixels.threads),
	);
	if (isIdle !== true) {
		pixels.warm();
		worker.start();
	}
	const checks = isIdle === true ? undefined : scheduleChecks(database, config, log);
	return {
		queue,
		pixels,
		async begin(inputs, how) {
			const begun = await beginRun(database, queue, how?.config ?? config, inputs, how?.kind);
			worker.wake();
			return begun;
		},
		async revive(runId) {
			const sent = await reviveRun(database, queue, config, runId);
			worker.wake();
			return sent;
		},
		async finished(runId, onProgress) {
			for (;;) {
				const run = await getRun(database, runId);
				onProgress(await countStages(database, runId));
				if (run === undefined || run.status !== "running") return run;
				if (signal.aborted) return undefined;
				// Units of other processes are noticed by looking again, those of this one at once.
				await Promise.race([worker.unitEnded(), new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS))]);
			}
		},
		async close() {
			await checks?.stop();
			await worker.stop();
			await queue.close();
			await pixels.close();
			await flushSpans();
			storeSpansWith(undefined);
		},
	};
}
