import { statSync } from "node:fs";
import { dirname } from "node:path";
import type { Config } from "../../config/schema.ts";
import type { Database } from "../../store/database.ts";
import { knownInputs } from "../../store/images.ts";
import type { Run, RunInputs } from "../../store/runs.ts";
import {
	type DiscoveredFile,
	isFitsName,
	matchesPattern,
	type NamePatterns,
	plainName,
	sortFiles,
} from "../ingest/discover.ts";
import { listFolder } from "./listing.ts";

/** A folder that never rests is not waited for longer than this, s. */
const LONGEST_WAIT_S = 60;
/** A run that failed is begun again so often, after so long, s. */
const MOST_FAILURES = 3;
const FAILURE_PAUSE_S = 30;

export interface ImageArrivalOptions {
	folders: readonly string[];
	database: Database;
	config: Config;
	catalogue: string | undefined;
	/** Begins a run of `caustic run` over these images and maps. */
	begin(inputs: RunInputs): Promise<Run>;
	say(text: string, detail: Record<string, unknown>): void;
	clockS?(): number;
}

interface Seen {
	state: string;
	sinceS: number;
}

/**
 * FITS images as they arrive: those that are complete and new make runs, the same as `caustic run` on them. One run at a time;
 * what arrives meanwhile is in the next. What a survey has already is known by its path, size and time.
 */
export class ImageArrivals {
	private readonly options: ImageArrivalOptions;
	private readonly patterns: NamePatterns;
	private readonly seen = new Map<string, Seen>();
	/** What has been taken, by path: size and time. */
	private readonly taken = new Map<string, string>();
	private readonly inWork = new Map<string, string[]>();
	private failures = 0;
	private notBeforeS = 0;
	/** Images or maps that are not at rest, or wait for a run to end. */
	unsettled = 0;

	constructor(options: ImageArrivalOptions) {
		this.options = options;
		const { noise_patterns, background_patterns, ignore_patterns } = options.config.images;
		this.patterns = { noise: noise_patterns, background: background_patterns, ignore: ignore_patterns };
	}

	private nowS(): number {
		return this.options.clockS?.() ?? Date.now() / 1000;
	}

	/** Runs that this has begun, or found unfinished, and that have not been reported as ended. */
	get runs(): readonly string[] {
		return [...this.inWork.keys()];
	}

	/** A run of before that is still going on: its images are in work. */
	adopt(run: Run): void {
		const paths = run.inputs.paths;
		this.inWork.set(run.id, paths);
		for (const path of paths) this.taken.set(path, stateOf(path)?.state ?? "");
	}

	/** A run has ended. After a failure its images come again, a few times. */
	ended(run: Run): void {
		const paths = this.inWork.get(run.id) ?? [];
		this.inWork.delete(run.id);
		if (run.status !== "failed") {
			this.failures = 0;
			return;
		}
		this.failures++;
		if (this.failures >= MOST_FAILURES) return;
		for (const path of paths) this.taken.delete(path);
		this.notBeforeS = this.nowS() + FAILURE_PAUSE_S;
	}

	/** Looks at the folders once; begins a run when there are images for one and none is in work. */
	async step(): Promise<void> {
		const nowS = this.nowS();
		const { stable_s, images_per_run } = this.options.config.arrival;
		const fresh = await this.fresh();
		const files = new Map<string, DiscoveredFile>();
		const resting = new Set<string>();
		const restless = new Set<string>();
		for (const path of fresh.all) {
			const status = stateOf(path);
			if (status === undefined) continue;
			files.set(path, status.file);
			if (!fresh.unknown.has(path)) continue;
			const before = this.seen.get(path);
			if (before === undefined || before.state !== status.state) {
				this.seen.set(path, { state: status.state, sinceS: nowS });
			}
			const sinceS = Math.min(
				before?.state === status.state ? before.sinceS : nowS,
				Math.max(status.file.modifiedMs / 1000, 0),
			);
			if (nowS - sinceS >= stable_s) resting.add(path);
			else restless.add(dirname(path));
		}
		for (const path of this.seen.keys()) if (!files.has(path)) this.seen.delete(path);
		const sorted = sortFiles([...files.values()], this.patterns);
		const batch: DiscoveredFile[] = [];
		let images = 0;
		let waiting = 0;
		for (const { image, noise, background } of sorted.images) {
			if (!fresh.unknown.has(image.path) || this.looksLikeMap(image.path)) continue;
			waiting++;
			// Image and maps are written one after another: a folder is let come to rest, for a while.
			const waitedS = nowS - (this.seen.get(image.path)?.sinceS ?? nowS);
			const isReady = resting.has(image.path) && (!restless.has(dirname(image.path)) || waitedS > LONGEST_WAIT_S);
			if (!isReady || images >= images_per_run) continue;
			batch.push(image, ...[noise, background].filter((map) => map !== undefined));
			images++;
		}
		this.unsettled = waiting;
		if (images === 0 || this.inWork.size > 0 || nowS < this.notBeforeS) return;
		const paths = [...new Set(batch.map((file) => file.path))].sort();
		const { catalogue } = this.options;
		const run = await this.options.begin({
			paths,
			...(catalogue === undefined ? {} : { catalogue }),
			trigger: "automatic",
		});
		this.inWork.set(run.id, paths);
		for (const file of batch) this.taken.set(file.path, `${file.sizeBytes}:${file.modifiedMs}`);
		this.unsettled -= images;
		this.options.say(`${images} image${images === 1 ? "" : "s"} arrived: run ${run.id}`, { run: run.id, images });
	}

	/** FITS files of the folders that hold something new, and which are new. */
	private async fresh(): Promise<{ all: string[]; unknown: Set<string> }> {
		const all: string[] = [];
		for (const folder of this.options.folders) {
			// A folder that is away for a while is noticed by the watcher of subbands, which says so.
			const found = await listFolder(folder).catch(() => []);
			all.push(...found.filter((path) => isFitsName(path)));
		}
		const unknown = new Set<string>();
		const unsure: { path: string; state: string }[] = [];
		for (const path of all) {
			const state = stateOf(path)?.state;
			if (state === undefined || this.taken.get(path) === state) continue;
			unsure.push({ path, state });
		}
		const known = await knownInputs(
			this.options.database,
			unsure.map(({ path }) => path),
		);
		for (const { path, state } of unsure) {
			const row = known.get(path);
			if (row !== undefined && `${row.size_bytes}:${row.modified_ms}` === state) this.taken.set(path, state);
			else unknown.add(path);
		}
		const folders = new Set([...unknown].map((path) => dirname(path)));
		return { all: all.filter((path) => folders.has(dirname(path))), unknown };
	}

	/** A map whose image is not there yet would pass for an image. */
	private looksLikeMap(path: string): boolean {
		const name = plainName(path);
		return [...this.patterns.noise, ...this.patterns.background].some((pattern) =>
			matchesPattern(pattern.replaceAll("{name}", "*"), name),
		);
	}
}

function stateOf(path: string): { state: string; file: DiscoveredFile } | undefined {
	const status = statSync(path, { throwIfNoEntry: false });
	if (status?.isFile() !== true) return undefined;
	return {
		state: `${status.size}:${status.mtimeMs}`,
		file: { path, sizeBytes: status.size, modifiedMs: status.mtimeMs },
	};
}
