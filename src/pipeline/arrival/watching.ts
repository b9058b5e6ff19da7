import { createHash } from "node:crypto";
import { createReadStream, type FSWatcher, watch } from "node:fs";
import { mkdir, readdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import { dirname, join, sep } from "node:path";
import { badInput, CausticError } from "../../error.ts";
import { firstTimeOfUvh5 } from "../../formats/uvh5/read.ts";
import {
	type ArrivalDecision,
	ArrivalGrouping,
	type ArrivalPolicy,
	type ArrivalState,
	type ArrivedFile,
	DEFAULT_ARRIVAL_POLICY,
} from "./grouping.ts";
import { isIncomplete, parseSubbandName } from "./subband-name.ts";

/** What must survive a restart: the groups, and the decisions that nobody has taken over yet. */
export interface ArrivalRecord {
	state: ArrivalState;
	pending: ArrivalDecision[];
}

/** Keeps the record; written before a decision is handed on. */
export interface ArrivalStore {
	load(): Promise<ArrivalRecord | undefined>;
	save(record: ArrivalRecord): Promise<void>;
}

export interface WatchOptions {
	/** Watched with all folders below. */
	folders: readonly string[];
	store: ArrivalStore;
	/**
	 * Takes a decision over: when the promise is kept it is never delivered again. One at a time; while it works, files are
	 * noticed and remembered, but nothing more is delivered: that is the back-pressure. A decision whose delivery was cut off
	 * comes again after a restart, with the same `group` and `revision`.
	 */
	deliver(decision: ArrivalDecision): Promise<void>;
	policy?: ArrivalPolicy;
	/** How often folders are listed, s: network file systems announce nothing. Local changes are noticed at once. */
	pollS?: number;
	/** A file that has not changed for this long is complete, s. Files renamed from `_incomplete` are so at once. */
	stableS?: number;
	/** A decided group is forgotten when its files have been gone for this many days. */
	rememberDays?: number;
	/** Says what is odd about a file; called once per file and state. */
	warn?(path: string, message: string): void;
	/** For tests: the clock in seconds, and what a file holds as its first time. */
	clockS?(): number;
	readStartMjd?(path: string): number;
}

interface Seen {
	size: number;
	mtimeMs: number;
	/** The clock when it was first seen like this. */
	sinceS: number;
	/** Nothing more is to be done before it changes. */
	done: boolean;
}

/**
 * Watches folders for subband files and groups them, until the signal is aborted. Survives restarts: what was decided is
 * stored before it is delivered.
 *
 * @throws CausticError if a folder cannot be read at the start.
 */
export async function watchArrivals(options: WatchOptions, signal: AbortSignal): Promise<void> {
	const watcher = new ArrivalWatcher(options);
	await watcher.start();
	try {
		while (!signal.aborted) {
			await watcher.step();
			await watcher.pause(signal);
		}
	} finally {
		watcher.stop();
	}
}

/** One watcher, step by step: {@link watchArrivals} is its loop. */
export class ArrivalWatcher {
	private readonly options: WatchOptions;
	private readonly pollS: number;
	private readonly stableS: number;
	private readonly watchers: FSWatcher[] = [];
	private readonly seen = new Map<string, Seen>();
	private grouping = new ArrivalGrouping();
	private pending: ArrivalDecision[] = [];
	private wake: (() => void) | undefined;
	private noticed = false;
	/** Whether the last look at the folders saw all of them. */
	private listed = true;

	constructor(options: WatchOptions) {
		this.options = options;
		this.pollS = options.pollS ?? 10;
		this.stableS = options.stableS ?? 5;
	}

	private nowS(): number {
		return this.options.clockS?.() ?? Date.now() / 1000;
	}

	/** Groups not yet decided, and decisions not yet taken over. */
	get backlog(): { open: number; pending: number } {
		return { open: this.grouping.open.length, pending: this.pending.length };
	}

	/** Loads what was stored and begins to listen. */
	async start(): Promise<void> {
		const record = await this.options.store.load();
		this.grouping = new ArrivalGrouping(this.options.policy ?? DEFAULT_ARRIVAL_POLICY, record?.state);
		this.pending = record?.pending ?? [];
		for (const folder of this.options.folders) {
			try {
				await readdir(folder);
			} catch (error) {
				throw badInput("folder-unreadable", (error as Error).message, {
					subject: folder,
					remedy: "Make the folder or name another",
					cause: error,
				});
			}
			try {
				const watcher = watch(folder, { recursive: true, persistent: false }, () => this.notice());
				watcher.on("error", () => watcher.close());
				this.watchers.push(watcher);
			} catch {
				this.options.warn?.(folder, `its changes are not announced; it is listed every ${this.pollS} s`);
			}
		}
	}

	private notice(): void {
		this.noticed = true;
		this.wake?.();
	}

	/** Lists the folders once, takes new files in, lets time pass, stores, delivers. */
	async step(): Promise<void> {
		this.noticed = false;
		this.listed = true;
		const nowS = this.nowS();
		const decisions: ArrivalDecision[] = [];
		const present = new Set<string>();
		let changed = false;
		for (const folder of this.options.folders) {
			for await (const path of this.list(folder)) {
				present.add(path);
				const file = await this.examine(path, nowS);
				if (file === undefined) continue;
				const fresh = this.grouping.see(await this.withHashes(file), nowS);
				changed = true;
				decisions.push(...fresh);
			}
		}
		for (const path of this.seen.keys()) if (!present.has(path)) this.seen.delete(path);
		decisions.push(...this.grouping.tick(nowS));
		if (this.listed) {
			const days = this.options.rememberDays ?? 7;
			changed = this.grouping.forget((path) => !present.has(path), nowS, days * 86400) > 0 || changed;
		}
		for (const decision of decisions) {
			if (decision.kind === "refused") this.options.warn?.(decision.file.path, decision.reasons.join("; "));
		}
		this.pending.push(...decisions);
		if (changed || decisions.length > 0) await this.save();
		let savedMs = performance.now();
		try {
			while (this.pending.length > 0) {
				await this.options.deliver(this.pending[0]);
				this.pending.shift();
				// A crash may bring back what was delivered within this second.
				if (this.pending.length === 0 || performance.now() - savedMs > 1000) {
					await this.save();
					savedMs = performance.now();
				}
			}
		} catch (error) {
			await this.save();
			throw error;
		}
	}

	private save(): Promise<void> {
		return this.options.store.save({ state: this.grouping.state(), pending: this.pending });
	}

	/** Until something is noticed, or the folders are to be listed again. */
	async pause(signal: AbortSignal): Promise<void> {
		if (this.noticed || signal.aborted) {
			// Writers make many changes at once; a file must rest anyhow.
			await new Promise((resolve) => setTimeout(resolve, 100));
			return;
		}
		await new Promise<void>((resolve) => {
			const unstable = [...this.seen.values()].some((file) => !file.done);
			const waitS = unstable ? Math.min(this.pollS, Math.max(0.05, this.stableS)) : this.pollS;
			const done = () => {
				clearTimeout(timer);
				this.wake = undefined;
				signal.removeEventListener("abort", done);
				resolve();
			};
			const timer = setTimeout(done, 1000 * waitS);
			this.wake = () => setTimeout(done, 100);
			signal.addEventListener("abort", done, { once: true });
		});
	}

	private async *list(folder: string): AsyncGenerator<string> {
		let names: { name: string; isFile(): boolean; parentPath: string }[];
		try {
			names = await readdir(folder, { withFileTypes: true, recursive: true });
		} catch (error) {
			// A network file system may be away for a while.
			this.listed = false;
			this.options.warn?.(folder, `it cannot be listed: ${(error as Error).message}`);
			return;
		}
		const files = names.filter((entry) => entry.isFile() && entry.name.endsWith(".hdf5"));
		// In the order of their names, that is of time: a backlog of a night is worked off from its beginning.
		files.sort((a, b) => (a.name < b.name ? -1 : 1));
		for (const { name, parentPath } of files) yield join(parentPath, name);
	}

	/** The file, if it is complete and new. */
	private async examine(path: string, nowS: number): Promise<ArrivedFile | undefined> {
		if (this.grouping.knows(path)) return undefined;
		const name = path.slice(path.lastIndexOf(sep) + 1);
		if (isIncomplete(name)) return undefined;
		const before = this.seen.get(path);
		let status: { size: number; mtimeMs: number };
		try {
			status = await stat(path);
		} catch {
			return undefined;
		}
		const { size, mtimeMs } = status;
		if (before === undefined || before.size !== size || before.mtimeMs !== mtimeMs) {
			// Old enough when first seen: what lies there at the start need not wait.
			const rested = nowS - mtimeMs / 1000 >= this.stableS;
			this.seen.set(path, { size, mtimeMs, sinceS: nowS, done: false });
			if (!rested) return undefined;
		} else if (before.done || nowS - before.sinceS < this.stableS) return undefined;
		const entry = this.seen.get(path) as Seen;
		entry.done = true;
		const parsed = parseSubbandName(name);
		if (parsed === undefined) {
			this.options.warn?.(path, "its name is not that of a subband file (YYYY-MM-DDTHH:MM:SS_sbNN.hdf5)");
			return undefined;
		}
		try {
			const startMjd = (this.options.readStartMjd ?? firstTimeOfUvh5)(path);
			return { path, ...parsed, sizeBytes: size, startMjd };
		} catch (error) {
			if (!(error instanceof CausticError)) throw error;
			// Looked at again when it changes.
			this.options.warn?.(path, error.toString());
			return undefined;
		}
	}

	/** Two files of one subband are told apart by their content. */
	private async withHashes(file: ArrivedFile): Promise<ArrivedFile> {
		const rival = this.grouping.rivalOf(file);
		if (rival === undefined) return file;
		rival.hash ??= await hashOf(rival.path);
		return { ...file, hash: await hashOf(file.path) };
	}

	stop(): void {
		for (const watcher of this.watchers.splice(0)) watcher.close();
	}
}

async function hashOf(path: string): Promise<string | undefined> {
	try {
		const hash = createHash("sha256");
		for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
		return hash.digest("hex");
	} catch {
		return undefined;
	}
}

/** Keeps the record in one JSON file, replaced as a whole. */
export function arrivalFile(path: string): ArrivalStore {
	return {
		async load() {
			let text: string;
			try {
				text = await readFile(path, "utf8");
			} catch (error) {
				if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
				throw error;
			}
			try {
				return JSON.parse(text) as ArrivalRecord;
			} catch (error) {
				throw badInput("arrival-state", "the stored state of arrivals is damaged", {
					subject: path,
					remedy: "Remove it to begin anew: all files will be seen again",
					cause: error,
				});
			}
		},
		async save(record) {
			await mkdir(dirname(path), { recursive: true });
			const next = `${path}.new`;
			await writeFile(next, JSON.stringify(record));
			await rename(next, path);
		},
	};
}
