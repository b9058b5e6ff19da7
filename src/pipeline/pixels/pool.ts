import { availableParallelism } from "node:os";
import { Piscina } from "piscina";
import { CausticError } from "../../error.ts";
import type { Cutout, CutoutTask } from "./cutout.ts";
import type { FindTask, FoundImage, MeasuredPositions, MeasuredSubband, MeasureTask, SubbandTask } from "./tasks.ts";

/** An error as it crosses a thread: classes do not survive the crossing. */
interface ThreadFailure {
	failed: {
		code: string;
		message: string;
		subject: string | undefined;
		remedy: string | undefined;
		blame: "input" | "operation";
	};
}

/**
 * Threads that read images and work on their pixels. Each task is one image, read by the thread that measures it, so
 * that no pixels are copied; memory is at most `threads` images with their maps.
 */
export class PixelPool {
	readonly threads: number;
	#pool: Piscina | undefined;

	constructor(threads = availableParallelism()) {
		this.threads = Math.max(1, threads);
	}

	/** Begins a thread before there is work: starting takes as long as measuring a thousand sources. */
	warm(): void {
		this.#opened();
	}

	#opened(): Piscina {
		this.#pool ??= new Piscina({
			filename: new URL("./thread.ts", import.meta.url).href,
			minThreads: 1,
			maxThreads: this.threads,
			idleTimeout: 30_000,
			concurrentTasksPerWorker: 1,
		});
		return this.#pool;
	}

	async #run<T>(name: "find" | "measure" | "subbands" | "cutout", task: object): Promise<T> {
		const result = (await this.#opened().run(task, { name })) as T | ThreadFailure;
		if (typeof result === "object" && result !== null && "failed" in result) {
			const { code, message, ...detail } = (result as ThreadFailure).failed;
			throw new CausticError(code, message, detail);
		}
		return result as T;
	}

	find(task: FindTask): Promise<FoundImage> {
		return this.#run("find", task);
	}

	measure(task: MeasureTask): Promise<MeasuredPositions> {
		return this.#run("measure", task);
	}

	subbands(task: SubbandTask): Promise<MeasuredSubband[]> {
		return this.#run("subbands", task);
	}

	cutout(task: CutoutTask): Promise<Cutout> {
		return this.#run("cutout", task);
	}

	async close(): Promise<void> {
		await this.#pool?.close();
	}
}
