import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { Piscina } from "piscina";
import { CausticError } from "../../error.ts";
import * as metrics from "../../observability/metrics.ts";
import type { Cutout, CutoutTask } from "./cutout.ts";
import { Kept } from "./kept.ts";
import { MemoryBudget } from "./memory-budget.ts";
import type { SharedMaps } from "./open-image.ts";
import type {
	FindTask,
	FoundImage,
	ImagePaths,
	ImageTask,
	MeasuredPositions,
	MeasuredSubband,
	MeasureTask,
	SubbandTask,
} from "./tasks.ts";
import type { ThreadAnswer } from "./thread.ts";

/** Bytes of an image and its noise per pixel; the finder needs the residuals beside them. */
const MAPS_BYTES = 8;
const RESIDUAL_BYTES = 4;
/** While maps are being read or made, a third one is there. */
const READING_BYTES = 4;
/** What a thread needs beside pixels. */
const THREAD_BYTES = 48e6;
/** Share of the memory that images may be kept in for their next use, and how long they wait for it. */
const KEPT_SHARE = 0.25;
const KEPT_MS = 60_000;
/** Results of identical requests. */
const RESULT_BYTES = 64e6;

export interface PixelPoolOptions {
	/** All cores when not given. */
	threads?: number;
	/** Memory for pixels of images in work and of those kept, bytes; not bounded when not given. */
	memoryBytes?: number;
}

/**
 * Threads that read images and work on their pixels. Each task is one image, read by the thread that works on it into
 * memory that the others can share: an image that was searched for sources is not read again to be measured. Tasks wait
 * until their pixels fit into the memory that is allowed.
 */
export class PixelPool {
	readonly threads: number;
	readonly #budget: MemoryBudget;
	readonly #maps: Kept<SharedMaps>;
	readonly #results: Kept<MeasuredPositions>;
	#sweep: NodeJS.Timeout | undefined;
	#pool: Piscina | undefined;

	constructor({ threads = availableParallelism(), memoryBytes = Infinity }: PixelPoolOptions = {}) {
		this.threads = Math.max(1, threads);
		this.#maps = new Kept("maps", KEPT_SHARE * Math.min(memoryBytes, 8e9));
		this.#results = new Kept("results", RESULT_BYTES);
		this.#budget = new MemoryBudget(memoryBytes, (bytes) => this.#maps.giveUp(bytes));
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

	async #run<T>(
		name: "find" | "measure" | "subbands" | "hash" | "cutout",
		task: object | string,
	): Promise<ThreadAnswer<T>> {
		const answer = (await this.#opened().run(task, { name })) as ThreadAnswer<T> | { failed: ThreadFailure };
		if ("failed" in answer) {
			const { code, message, ...detail } = answer.failed;
			throw new CausticError(code, message, detail);
		}
		return answer;
	}

	/** One task on one image, with the image of an earlier task where that is kept. */
	async #onImage<T>(
		name: "find" | "measure",
		task: ImageTask & { pixels?: number },
		workBytes: number,
		keep: boolean,
	): Promise<T> {
		const key = await imageKey(task.paths, task.beam);
		const shared = key === undefined ? undefined : this.#maps.hold(key);
		const pixels = task.pixels ?? 0;
		const mapsBytes = shared === undefined ? MAPS_BYTES * pixels : 0;
		const more = THREAD_BYTES + (shared === undefined ? READING_BYTES : 0) * pixels + workBytes * pixels;
		let kept = false;
		try {
			await this.#budget.take(mapsBytes + more, task.paths.image);
			this.#tell();
			try {
				const wanted =
					keep && key !== undefined && shared === undefined && pixels > 0 && this.#maps.hasRoomFor(mapsBytes);
				const answer = await this.#run<T>(name, { ...task, shared, keep: wanted });
				metrics.countCacheRequest("headers", answer.headerWasKept);
				if (wanted && answer.maps !== undefined) kept = this.#maps.keep(key, answer.maps, mapsBytes);
				return answer.value;
			} finally {
				this.#budget.release(more + (kept ? 0 : mapsBytes));
				const excess = this.#maps.excess;
				if (excess > 0) this.#budget.release(this.#maps.giveUp(excess));
				this.#tell();
				this.#forgetLater();
			}
		} finally {
			if (shared !== undefined && key !== undefined) this.#maps.letGo(key);
		}
	}

	#tell(): void {
		metrics.pixelMemory.set(this.#budget.used);
	}

	/** Lets go of images that nobody asked for in a while. */
	#forgetLater(): void {
		this.#sweep ??= setInterval(() => this.#budget.release(this.#maps.giveUpOlder(KEPT_MS)), KEPT_MS).unref();
	}

	find(task: FindTask): Promise<FoundImage> {
		return this.#onImage("find", task, RESIDUAL_BYTES, true);
	}

	async measure(task: MeasureTask): Promise<MeasuredPositions> {
		const key = await requestKey(task);
		const known = key === undefined ? undefined : this.#results.hold(key);
		if (key !== undefined && known !== undefined) {
			this.#results.letGo(key);
			return known;
		}
		const measured = await this.#onImage<MeasuredPositions>("measure", task, 0, task.keep === true);
		if (key !== undefined) {
			this.#results.keep(key, measured, 120 * measured.fluxJy.length + 1000);
			this.#results.giveUp(this.#results.excess);
		}
		return measured;
	}

	async subbands(task: SubbandTask): Promise<MeasuredSubband[]> {
		const bytes = THREAD_BYTES + (MAPS_BYTES + READING_BYTES) * (task.pixels ?? 0);
		await this.#budget.take(bytes, task.paths.image);
		try {
			return (await this.#run<MeasuredSubband[]>("subbands", task)).value;
		} finally {
			this.#budget.release(bytes);
		}
	}

	/** The hash of a file's bytes. */
	async hash(path: string): Promise<string> {
		return (await this.#run<string>("hash", path)).value;
	}

	async cutout(task: CutoutTask): Promise<Cutout> {
		return (await this.#run<Cutout>("cutout", task)).value;
	}

	async close(): Promise<void> {
		clearInterval(this.#sweep);
		await this.#pool?.close();
	}
}

/** An error as it crosses a thread: classes do not survive the crossing. */
export interface ThreadFailure {
	code: string;
	message: string;
	subject: string | undefined;
	remedy: string | undefined;
	blame: "input" | "operation";
}

/** Which pixels a task works on: files by path, size and time of change. Undefined where a file is not there. */
async function imageKey(paths: ImagePaths, beam: ImageTask["beam"]): Promise<string | undefined> {
	try {
		const files = await Promise.all(
			[paths.image, paths.noise, paths.background].map(async (path) => {
				if (path === null) return null;
				const { size, mtimeMs, ino } = await stat(path);
				return [path, size, mtimeMs, ino];
			}),
		);
		return JSON.stringify([files, beam ?? null]);
	} catch {
		// The thread that reads it says what is wrong.
		return undefined;
	}
}

/** Everything that decides the answer to a request. */
async function requestKey(task: MeasureTask): Promise<string | undefined> {
	const image = await imageKey(task.paths, task.beam);
	if (image === undefined) return undefined;
	const hash = createHash("sha256").update(image).update(JSON.stringify(task.settings));
	const { majorArcsec, minorArcsec, paDeg, majorErrArcsec, minorErrArcsec, beam } = task.shapes ?? {};
	hash.update(JSON.stringify(beam ?? null));
	for (const column of [task.raDeg, task.decDeg, majorArcsec, minorArcsec, paDeg, majorErrArcsec, minorErrArcsec]) {
		hash.update(`${column?.length ?? -1} `);
		if (column !== undefined) hash.update(new Uint8Array(column.buffer, column.byteOffset, column.byteLength));
	}
	return hash.digest("base64");
}
