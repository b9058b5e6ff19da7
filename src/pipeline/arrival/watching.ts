import { createHash, randomUUID } from "node:crypto";
import { createReadStream, type FSWatcher, watch } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { basename } from "node:path";
import { badInput, CausticError } from "../../error.ts";
import { firstTimeOfUvh5 } from "../../formats/uvh5/read.ts";
import {
	type ArrivalDecision,
	ArrivalGrouping,
	type ArrivalPolicy,
	type ArrivalState,
	type ArrivedFile,
	DEFAULT_ARRIVAL_POLICY,
	type GroupingChanges,
} from "./grouping.ts";
import { listFolder } from "./listing.ts";
import { isIncomplete, parseSubbandName } from "./subband-name.ts";

/** A decision that nobody has taken over yet; the id is given once and names it after a restart too. */
export interface PendingDecision {
	id: string;
	decision: ArrivalDecision;
}

/** Writers make many changes at once: so long they are gathered before the folders are listed, ms. */
const GATHER_MS = 400;

/** What survives a restart: the groups, and the decisions that nobody has taken over yet, oldest first. */
export interface ArrivalRecord {
	state: ArrivalState;
	pending: PendingDecision[];
}

/** What is to be stored: all of it or nothing. */
export interface ArrivalChanges extends GroupingChanges {
	clockS: number;
	/** New decisions, each to be kept until it has been taken over. */
	decided: PendingDecision[];
}

/** Keeps the record; written before a decision is handed on. */
export interface ArrivalStore {
	load(): Promise<ArrivalRecord | undefined>;
	save(changes: ArrivalChanges): Promise<void>;
}

export interface WatchOptions {
	/** Watched with all folders below. */
	folders: readonly string[];
	store: ArrivalStore;
	/**
	 * Takes a decision over and forgets it in the store, in one transaction: true. False when there is too much work already; it
	 * is asked again later, and meanwhile files are noticed and grouped all the same: that is the back-pressure. Should it fail,
	 * the decision comes again, after a restart too.
	 */
	deliver(pending: PendingDecision): Promise<boolean>;
	policy?: ArrivalPolicy;
	/** How often folders are listed, s: network file systems announce nothing. Local changes are noticed at once. */
	pollS?: number;
	/** A file that has not changed for this long is complete, s. Files renamed from `_incomplete` are so at once. */
	stableS?: number;
	/** A decided group is forgotten when its files have been gone for this many days. */
	rememberDays?: number;
	/** Says what is odd about a file or folder; called once per file and state. */
	warn?(path: string, code: string, message: string, remedy?: string): void | Promise<void>;
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
 * Watches folders for subband files and groups them, step by step. Survives restarts: what was decided is stored before it is
 * delivered.
 */
export class ArrivalWatcher {
	private readonly options: WatchOptions;
	private readonly pollS: number;
	private readonly stableS: number;
	private readonly watchers: FSWatcher[] = [];
	private readonly seen = new Map<string, Seen>();
	private grouping = new ArrivalGrouping();
	private pending: PendingDecision[] = [];
	/** The clock when waiting times were last stored. */
	private storedS = Number.NEGATIVE_INFINITY;
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

	/** Groups not yet decided, decisions not yet taken over, and files that are not yet at rest. */
	get backlog(): { open: number; pending: number; unsettled: number } {
		let unsettled = 0;
		for (const file of this.seen.values()) if (!file.done) unsettled++;
		return { open: this.grouping.open.length, pending: this.pending.length, unsettled };
	}

	/** Whether the folders have changed since they were last listed, as far as they say. */
	get hasNews(): boolean {
		return this.noticed;
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
				await this.options.warn?.(
					folder,
					"not-announced",
					`its changes are not announced; it is listed every ${this.pollS} s`,
				);
			}
		}
	}

	private notice(): void {
		this.noticed = true;
		this.wake?.();
	}

	/** Lists the folders once, takes new files in, lets time pass, stores, delivers. */
	async step(signal?: AbortSignal): Promise<void> {
		this.noticed = false;
		this.listed = true;
		const decisions: ArrivalDecision[] = [];
		const present = new Set<string>();
		let took = false;
		for (const folder of this.options.folders) {
			for (const path of await this.list(folder)) {
				if (signal?.aborted === true) return this.store(decisions);
				present.add(path);
				const nowS = this.nowS();
				const file = await this.examine(path, nowS);
				if (file === undefined) continue;
				decisions.push(...this.grouping.see(await this.withHashes(file), nowS));
				took = true;
			}
		}
		const nowS = this.nowS();
		decisions.push(...this.grouping.tick(nowS));
		if (this.listed) {
			for (const path of this.seen.keys()) if (!present.has(path)) this.seen.delete(path);
			decisions.push(...this.settleRivals(present));
			this.grouping.forget((path) => !present.has(path), nowS, (this.options.rememberDays ?? 7) * 86400);
		}
		// Waiting times alone are stored now and then.
		if (took || decisions.length > 0 || nowS - this.storedS >= this.pollS || nowS < this.storedS) {
			await this.store(decisions);
		}
		await this.deliver(signal);
	}

	private async store(decisions: ArrivalDecision[]): Promise<void> {
		for (const decision of decisions) {
			if (decision.kind === "refused")
				await this.options.warn?.(decision.file.path, "subband-refused", decision.reasons.join("; "));
		}
		const decided = decisions.map((decision) => ({ id: randomUUID(), decision }));
		const clockS = this.nowS();
		await this.options.store.save({ ...this.grouping.takeChanges(), clockS, decided });
		this.pending.push(...decided);
		this.storedS = clockS;
	}

	/** Hands on what may be handed on, the oldest first; decisions about one group keep their order. */
	async deliver(signal?: AbortSignal): Promise<void> {
		const held = new Set<string>();
		for (const pending of this.pending.slice()) {
			if (signal?.aborted === true) return;
			const { group, kind } = pending.decision;
			// Where there was no room for one group there is none for those behind it.
			if ((group !== "" && held.has(group)) || (kind === "accepted" && held.size > 0)) {
				held.add(group);
				continue;
			}
			if (await this.options.deliver(pending)) this.pending.splice(this.pending.indexOf(pending), 1);
			else held.add(group);
		}
	}

	/** Whether a later decision about the same group waits: then nobody need act on this one. */
	isOvertaken({ id, decision }: PendingDecision): boolean {
		const at = this.pending.findIndex((other) => other.id === id);
		return this.pending.slice(at + 1).some((other) => other.decision.group === decision.group);
	}

	/** Where all claimants of a subband but one have been taken away, that one is the choice. */
	private settleRivals(present: ReadonlySet<string>): ArrivalDecision[] {
		const decisions: ArrivalDecision[] = [];
		for (const { id, files, rivals } of this.grouping.quarantined) {
			for (const subband of new Set(rivals.map((file) => file.subband))) {
				const claimants = [...files, ...rivals].filter((file) => file.subband === subband);
				const left = claimants.filter((file) => present.has(file.path));
				if (left.length === 1) decisions.push(...this.grouping.choose(id, left[0].path));
			}
		}
		return decisions;
	}

	/** Until something is noticed, or the folders are to be listed again. */
	async pause(signal: AbortSignal, atMostS = this.pollS): Promise<void> {
		if (this.noticed || signal.aborted) {
			await new Promise((resolve) => setTimeout(resolve, GATHER_MS));
			return;
		}
		await new Promise<void>((resolve) => {
			const unsettledS = this.backlog.unsettled > 0 ? Math.max(0.05, this.stableS) : this.pollS;
			const waitS = Math.min(this.pollS, unsettledS, atMostS);
			const done = () => {
				clearTimeout(timer);
				this.wake = undefined;
				signal.removeEventListener("abort", done);
				resolve();
			};
			const timer = setTimeout(done, 1000 * waitS);
			this.wake = () => setTimeout(done, GATHER_MS);
			signal.addEventListener("abort", done, { once: true });
		});
	}

	/** Subband files in the order of their names, that is of time: a backlog of a night is worked off from its beginning. */
	private async list(folder: string): Promise<string[]> {
		try {
			const files = (await listFolder(folder)).filter((path) => path.endsWith(".hdf5"));
			return files.sort((a, b) => (basename(a) < basename(b) ? -1 : 1));
		} catch (error) {
			// A network file system may be away for a while.
			this.listed = false;
			await this.options.warn?.(folder, "folder-away", `it cannot be listed: ${(error as Error).message}`);
			return [];
		}
	}

	/** The file, if it is complete and new. */
	private async examine(path: string, nowS: number): Promise<ArrivedFile | undefined> {
		if (this.grouping.knows(path)) return undefined;
		const name = basename(path);
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
			await this.options.warn?.(
				path,
				"not-a-subband-name",
				"its name is not that of a subband file (YYYY-MM-DDTHH:MM:SS_sbNN.hdf5)",
				"Rename it, or keep it elsewhere",
			);
			return undefined;
		}
		try {
			const startMjd = (this.options.readStartMjd ?? firstTimeOfUvh5)(path);
			return { path, ...parsed, sizeBytes: size, startMjd };
		} catch (error) {
			if (!(error instanceof CausticError)) throw error;
			// Looked at again when it changes.
			await this.options.warn?.(path, error.code, error.message, error.remedy);
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
