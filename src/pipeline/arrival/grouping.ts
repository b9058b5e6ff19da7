import { badInput } from "../../error.ts";

/** A subband file that is complete on disk. */
export interface ArrivedFile {
	path: string;
	/** The time in its name, seconds since 1970 UTC. */
	stampS: number;
	subband: number;
	sizeBytes: number;
	/** `time_array[0]`, MJD: the same to the last bit in all files of a group. Absent only where files are not at hand. */
	startMjd?: number;
	/** Of its content; needed only to tell a copy from another file of the same subband. */
	hash?: string;
}

export interface ArrivalPolicy {
	/** Files of a complete group. */
	subbands: number;
	/** Names of one group lie within this time; above their spread (82 s) and below the distance of groups (234 s). */
	windowS: number;
	/** How long a group may wait for its missing files. */
	timeoutS: number;
	/** A group with at least this many subbands is accepted as partial when the time is up. */
	leastSubbands: number;
	/** The most that one step of the clock counts: a jump, a suspended machine or a restart ends no group. */
	longestStepS: number;
}

/** Figures of DSA-110, from six thousand arrivals (docs/science/visibilities.md). */
export const DEFAULT_ARRIVAL_POLICY: ArrivalPolicy = {
	subbands: 16,
	windowS: 120,
	timeoutS: 600,
	leastSubbands: 12,
	longestStepS: 60,
};

/** What was decided about a group or a file. `group` and `revision` together are unique: a handler may see one twice. */
export type ArrivalDecision =
	/** The group may be processed; `revision` counts how often it was accepted. */
	| { kind: "accepted"; group: string; revision: number; complete: boolean; files: ArrivedFile[]; missing: number[] }
	/** Too few files when the time was up; they are kept, and a late one opens the group again. */
	| { kind: "rejected"; group: string; revision: number; files: ArrivedFile[]; missing: number[]; reasons: string[] }
	/** A file came after the group had been decided. */
	| { kind: "reopened"; group: string; revision: number; file: ArrivedFile }
	/** The same content twice: the second is left alone. */
	| { kind: "duplicate"; group: string; revision: number; file: ArrivedFile; of: string }
	/** Two files claim one subband with different content: nothing is done with the group before someone chooses. */
	| { kind: "quarantined"; group: string; revision: number; files: ArrivedFile[]; reasons: string[] }
	/** The file belongs to no group. */
	| { kind: "refused"; group: string; revision: number; file: ArrivedFile; reasons: string[] };

export type GroupState = "open" | "complete" | "partial" | "rejected" | "quarantined";

export interface ArrivalGroup {
	id: string;
	state: GroupState;
	/** Earliest and latest time in the names. */
	firstStampS: number;
	lastStampS: number;
	startMjd?: number;
	/** Seconds it has waited since it was opened, or opened again. */
	waitedS: number;
	/** Decisions taken so far. */
	revision: number;
	/** One per subband, in the order of arrival. */
	files: ArrivedFile[];
	/** Other files that claim a subband that is there. */
	rivals: ArrivedFile[];
	/** Paths of copies, left alone. */
	copies: string[];
	/** Since when none of its files exists any more. */
	goneSinceS?: number;
}

/** What has changed since it was last asked: what is to be stored. */
export interface GroupingChanges {
	groups: ArrivalGroup[];
	/** Ids of groups that are remembered no longer. */
	forgotten: string[];
}

/** Everything the grouping remembers, as plain data for storing. */
export interface ArrivalState {
	version: 1;
	groups: ArrivalGroup[];
	/** The clock at the last step, seconds; undefined before the first. */
	clockS?: number;
}

const stampText = (seconds: number) => new Date(Math.round(seconds * 1000)).toISOString().slice(0, 19);

const pathsOf = (group: ArrivalGroup) =>
	[...group.files, ...group.rivals].map((file) => file.path).concat(group.copies);

/**
 * Puts subband files into groups. Sixteen writers name their files by their own clocks, so that names agree to some seconds
 * only: a group is a cluster of names in time, confirmed by the first integration's time inside the files.
 *
 * No clock, no disk: `nowS` is given, and may jump. The same files in any order give the same groups.
 */
export class ArrivalGrouping {
	readonly policy: ArrivalPolicy;
	private readonly groups: ArrivalGroup[];
	private readonly byPath = new Map<string, ArrivalGroup>();
	/** Groups by their earliest name's time in units of the window: a file's group is in its own unit or a neighbour. */
	private readonly byTime = new Map<number, ArrivalGroup[]>();
	private readonly undecided = new Set<ArrivalGroup>();
	private readonly changed = new Set<ArrivalGroup>();
	private readonly forgotten = new Set<string>();
	private clockS: number | undefined;

	constructor(policy: ArrivalPolicy = DEFAULT_ARRIVAL_POLICY, state?: ArrivalState) {
		if (
			!(
				policy.leastSubbands >= 1 &&
				policy.leastSubbands <= policy.subbands &&
				policy.windowS > 0 &&
				policy.timeoutS > 0
			)
		) {
			throw badInput("arrival-policy", `${JSON.stringify(policy)} is no policy for arrivals`, {
				remedy: "Give 1 <= leastSubbands <= subbands and times above 0",
			});
		}
		if (state !== undefined && state.version !== 1) {
			throw badInput("arrival-state", `the stored state of arrivals is of version ${String(state.version)}`, {
				remedy: "Use the version of Caustic that wrote it, or remove it to begin anew",
			});
		}
		this.policy = policy;
		this.groups = structuredClone(state?.groups ?? []);
		this.clockS = state?.clockS;
		for (const group of this.groups) {
			for (const path of pathsOf(group)) this.byPath.set(path, group);
			this.bucket(group).push(group);
			if (group.state === "open") this.undecided.add(group);
		}
	}

	private bucket(group: { firstStampS: number }): ArrivalGroup[] {
		const unit = Math.floor(group.firstStampS / this.policy.windowS);
		let groups = this.byTime.get(unit);
		if (groups === undefined) {
			groups = [];
			this.byTime.set(unit, groups);
		}
		return groups;
	}

	private unbucket(group: ArrivalGroup): void {
		const groups = this.bucket(group);
		groups.splice(groups.indexOf(group), 1);
		if (groups.length === 0) this.byTime.delete(Math.floor(group.firstStampS / this.policy.windowS));
	}

	private setState(group: ArrivalGroup, state: GroupState): void {
		group.state = state;
		this.changed.add(group);
		if (state === "open") this.undecided.add(group);
		else this.undecided.delete(group);
	}

	/** What has changed since the last call: groups with a new state, file or waiting time, and those forgotten. */
	takeChanges(): GroupingChanges {
		const changes = { groups: structuredClone([...this.changed]), forgotten: [...this.forgotten] };
		this.changed.clear();
		this.forgotten.clear();
		return changes;
	}

	/** Groups of which two files claim one subband. */
	get quarantined(): readonly ArrivalGroup[] {
		return this.groups.filter((group) => group.state === "quarantined");
	}

	/** Plain data from which an equal grouping is made. */
	state(): ArrivalState {
		return structuredClone({ version: 1, groups: this.groups, clockS: this.clockS });
	}

	/** Whether this path was seen before: after a restart all files are seen again. */
	knows(path: string): boolean {
		return this.byPath.has(path);
	}

	/** Groups that are not decided, and how long the next may still wait. */
	get open(): readonly ArrivalGroup[] {
		return [...this.undecided];
	}

	group(id: string): ArrivalGroup | undefined {
		return this.groups.find((group) => group.id === id);
	}

	/** Takes a file in. A path seen before is nothing new. */
	see(file: ArrivedFile, nowS: number): ArrivalDecision[] {
		const decisions = this.tick(nowS);
		if (this.byPath.has(file.path)) return decisions;
		const { policy } = this;
		if (!(file.subband >= 0 && file.subband < policy.subbands)) {
			const reasons = [`subband ${file.subband} is not one of 0 to ${policy.subbands - 1}`];
			return [...decisions, { kind: "refused", group: "", revision: 0, file, reasons }];
		}
		const group = this.find(file) ?? this.begin(file);
		this.byPath.set(file.path, group);
		this.changed.add(group);
		const rival = group.files.find((other) => other.subband === file.subband);
		if (rival !== undefined) return [...decisions, this.doubled(group, file, rival)];
		group.files.push(file);
		if (file.stampS < group.firstStampS) {
			this.unbucket(group);
			group.firstStampS = file.stampS;
			this.bucket(group).push(group);
		}
		group.lastStampS = Math.max(group.lastStampS, file.stampS);
		group.startMjd ??= file.startMjd;
		if (group.state === "partial" || group.state === "rejected") {
			this.setState(group, "open");
			group.waitedS = 0;
			group.revision++;
			decisions.push({ kind: "reopened", group: group.id, revision: group.revision, file });
		}
		if (group.state === "open" && group.files.length === policy.subbands) decisions.push(this.decide(group));
		return decisions;
	}

	/** The file that already stands for this one's subband, if any: hash both before {@link see} to tell a copy. */
	rivalOf(file: ArrivedFile): ArrivedFile | undefined {
		return this.find(file)?.files.find((other) => other.subband === file.subband && other.path !== file.path);
	}

	/** Lets time pass. Going back counts nothing, a long step counts as a short one. */
	tick(nowS: number): ArrivalDecision[] {
		const step = this.clockS === undefined ? 0 : Math.min(Math.max(0, nowS - this.clockS), this.policy.longestStepS);
		this.clockS = nowS;
		const decisions: ArrivalDecision[] = [];
		if (step === 0) return decisions;
		for (const group of this.undecided) {
			group.waitedS += step;
			this.changed.add(group);
			if (group.waitedS >= this.policy.timeoutS) decisions.push(this.decide(group));
		}
		return decisions;
	}

	/**
	 * Chooses between files that claim one subband; the others of that subband are left out for good.
	 *
	 * @throws CausticError if the group is not in quarantine or has no such file.
	 */
	choose(id: string, path: string): ArrivalDecision[] {
		const group = this.group(id);
		const chosen = [...(group?.files ?? []), ...(group?.rivals ?? [])].find((file) => file.path === path);
		if (group === undefined || group.state !== "quarantined" || chosen === undefined) {
			throw badInput("arrival-group", `there is no file ${path} to choose in a quarantined group ${id}`);
		}
		group.files = [...group.files.filter((file) => file.subband !== chosen.subband), chosen];
		group.rivals = group.rivals.filter((file) => file.subband !== chosen.subband);
		this.changed.add(group);
		if (group.rivals.length > 0) return [];
		this.setState(group, "open");
		group.waitedS = 0;
		return group.files.length === this.policy.subbands ? [this.decide(group)] : [];
	}

	/**
	 * Forgets decided groups all of whose files have been gone for a time: archived, or removed. Files that come back are new
	 * arrivals.
	 *
	 * @param isGone whether a path no longer exists; ask only when all folders could be listed.
	 * @returns how many were forgotten.
	 */
	forget(isGone: (path: string) => boolean, nowS: number, afterS: number): number {
		let count = 0;
		for (let i = this.groups.length - 1; i >= 0; i--) {
			const group = this.groups[i];
			if (group.state === "open" || group.state === "quarantined" || !pathsOf(group).every(isGone)) {
				if (group.goneSinceS !== undefined) this.changed.add(group);
				group.goneSinceS = undefined;
				continue;
			}
			if (group.goneSinceS === undefined) this.changed.add(group);
			group.goneSinceS ??= nowS;
			if (nowS - group.goneSinceS < afterS) continue;
			this.groups.splice(i, 1);
			this.unbucket(group);
			for (const path of pathsOf(group)) this.byPath.delete(path);
			this.changed.delete(group);
			this.forgotten.add(group.id);
			count++;
		}
		return count;
	}

	/** The group whose names and first time this file's agree with; the nearest of several. */
	private find(file: ArrivedFile): ArrivalGroup | undefined {
		const { windowS } = this.policy;
		let best: ArrivalGroup | undefined;
		let least = Infinity;
		const unit = Math.floor(file.stampS / windowS);
		for (const group of [unit - 1, unit, unit + 1].flatMap((near) => this.byTime.get(near) ?? [])) {
			const spread = Math.max(group.lastStampS, file.stampS) - Math.min(group.firstStampS, file.stampS);
			if (spread > windowS) continue;
			if (group.startMjd !== undefined && file.startMjd !== undefined && group.startMjd !== file.startMjd) continue;
			const distance = Math.abs(file.stampS - (group.firstStampS + group.lastStampS) / 2);
			if (distance < least) {
				least = distance;
				best = group;
			}
		}
		return best;
	}

	private begin(file: ArrivedFile): ArrivalGroup {
		let id = stampText(file.stampS);
		const near = [-1, 0, 1].flatMap((k) => this.bucket({ firstStampS: file.stampS + k * this.policy.windowS }));
		for (let n = 2; near.some((group) => group.id === id); n++) id = `${stampText(file.stampS)}#${n}`;
		const group: ArrivalGroup = {
			id,
			state: "open",
			firstStampS: file.stampS,
			lastStampS: file.stampS,
			waitedS: 0,
			revision: 0,
			files: [],
			rivals: [],
			copies: [],
		};
		this.groups.push(group);
		this.bucket(group).push(group);
		this.undecided.add(group);
		this.changed.add(group);
		return group;
	}

	private doubled(group: ArrivalGroup, file: ArrivedFile, rival: ArrivedFile): ArrivalDecision {
		const same = file.hash !== undefined && file.hash === rival.hash;
		group.revision++;
		if (same) {
			group.copies.push(file.path);
			return { kind: "duplicate", group: group.id, revision: group.revision, file, of: rival.path };
		}
		group.rivals.push(file);
		const reasons = [`${file.path} and ${rival.path} are both subband ${file.subband}, with different content`];
		if (group.state !== "open") reasons.push(`the group was ${group.state} before`);
		this.setState(group, "quarantined");
		return {
			kind: "quarantined",
			group: group.id,
			revision: group.revision,
			files: [...group.files, ...group.rivals],
			reasons,
		};
	}

	private decide(group: ArrivalGroup): ArrivalDecision {
		const { subbands, leastSubbands, timeoutS } = this.policy;
		const files = [...group.files].sort((a, b) => a.subband - b.subband);
		const present = new Set(files.map((file) => file.subband));
		const missing = Array.from({ length: subbands }, (_, i) => i).filter((subband) => !present.has(subband));
		group.revision++;
		const common = { group: group.id, revision: group.revision, files, missing };
		if (missing.length === 0 || files.length >= leastSubbands) {
			this.setState(group, missing.length === 0 ? "complete" : "partial");
			return { kind: "accepted", complete: missing.length === 0, ...common };
		}
		this.setState(group, "rejected");
		const reasons = [
			`${files.length} of ${subbands} subbands after ${timeoutS} s, at least ${leastSubbands} are needed`,
			`missing: ${missing.map((subband) => `sb${String(subband).padStart(2, "0")}`).join(" ")}`,
		];
		return { kind: "rejected", reasons, ...common };
	}
}
