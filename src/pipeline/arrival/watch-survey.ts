import type { Config } from "../../config/schema.ts";
import { CausticError, failure } from "../../error.ts";
import type { Logger } from "../../observability/log.ts";
import { beatWatch, claimWatch, endWatch } from "../../store/arrivals.ts";
import { isPassing } from "../../store/database.ts";
import { addDeadLetter } from "../../store/dead-letters.ts";
import { startEmbeddedPostgres } from "../../store/embedded-postgres.ts";
import type { Store } from "../../store/open.ts";
import { getRun, type Run, runningRuns } from "../../store/runs.ts";
import type { Session } from "../session.ts";
import { isDead, workerIdentity } from "../worker-identity.ts";
import { actOnDecision } from "./act-on-decision.ts";
import type { ArrivalDecision } from "./grouping.ts";
import { ImageArrivals } from "./image-arrivals.ts";
import { storedArrivals } from "./stored-arrivals.ts";
import { ArrivalWatcher } from "./watching.ts";

/** While runs are in work their ends are looked for this often, s. */
const LOOK_AGAIN_S = 0.5;
/** After the database or a folder was away, s. */
const RETRY_S = 2;

export interface SurveyWatchOptions {
	folders: readonly string[];
	store: Store;
	session: Session;
	config: Config;
	log: Logger;
	catalogue: string | undefined;
	/** End when everything that is there has been worked on, instead of waiting for more. */
	once: boolean;
	/** One line for a person and the same for machines. */
	say(text: string, detail: Record<string, unknown>): void;
	signal: AbortSignal;
}

export interface WatchOutcome {
	/** Runs that this watch saw end. */
	runs: Run[];
	/** Files, groups and runs that could not be used. */
	rejected: number;
	/** Groups that still wait for subbands. */
	open: number;
}

/**
 * Watches folders: images make runs of the image-side pipeline, groups of subband files are solved and converted. What was
 * decided is stored before anything follows from it, and what follows is stored with it, so that no end of this process loses or
 * doubles a file.
 *
 * @throws CausticError when another process watches for this survey, or a folder cannot be read.
 */
export async function watchSurvey(options: SurveyWatchOptions): Promise<WatchOutcome> {
	const { database } = options.store;
	const identity = workerIdentity();
	const other = await database.transaction("claim watch", (tx) => claimWatch(tx, identity, isDead));
	if (other !== undefined) {
		throw failure("watched", `another process watches for it (${other.split("/").slice(0, 2).join(", process ")})`, {
			subject: options.store.dataFolder,
			remedy: "Stop that one first, or give another --data",
		});
	}
	const outcome: WatchOutcome = { runs: [], rejected: 0, open: 0 };
	try {
		for (;;) {
			try {
				await new SurveyWatch(options, outcome).run(identity);
				return outcome;
			} catch (error) {
				// What was not stored is seen again.
				if (!isPassing(error) || options.signal.aborted) throw error;
				options.log.warn({ error: (error as Error).message }, "watch_interrupted");
				options.say(`${(error as Error).message}: trying again`, {
					kind: "interrupted",
				});
				await new Promise((resolve) => setTimeout(resolve, RETRY_S * 1000));
				await startServerAgain(options.store);
			}
		}
	} finally {
		await endWatch(database, identity).catch(() => {});
	}
}

/** An embedded server that was killed is started by whoever needs it; a watch needs it for as long as it lives. */
async function startServerAgain({ database, dataFolder }: Store): Promise<void> {
	if (database.target.socketDir === undefined) return;
	try {
		await (await startEmbeddedPostgres(dataFolder)).release();
	} catch {
		// The next attempt says whether it answers.
	}
}

class SurveyWatch {
	private readonly options: SurveyWatchOptions;
	private readonly outcome: WatchOutcome;
	private readonly groups: ArrivalWatcher;
	private readonly images: ImageArrivals;
	private readonly groupRuns = new Set<string>();

	constructor(options: SurveyWatchOptions, outcome: WatchOutcome) {
		const { folders, store, session, config, catalogue } = options;
		const { arrival } = config;
		this.options = options;
		this.outcome = outcome;
		this.groups = new ArrivalWatcher({
			folders,
			store: storedArrivals(store.database),
			policy: {
				subbands: arrival.subbands,
				leastSubbands: Math.min(arrival.min_subbands, arrival.subbands),
				windowS: arrival.window_s,
				timeoutS: arrival.timeout_s,
				longestStepS: 60,
			},
			pollS: arrival.poll_s,
			stableS: arrival.stable_s,
			rememberDays: arrival.remember_days,
			deliver: (pending) =>
				actOnDecision(
					{
						database: store.database,
						dataFolder: store.dataFolder,
						queue: session.queue,
						config,
						isOvertaken: (one) => this.groups.isOvertaken(one),
						say: (decision, run) => this.told(decision, run),
					},
					pending,
				),
			warn: (path, code, message, remedy) => this.warn(path, code, message, remedy),
		});
		this.images = new ImageArrivals({
			folders,
			database: store.database,
			config,
			catalogue,
			begin: async (inputs) => (await session.begin(inputs)).run,
			say: options.say,
		});
	}

	async run(identity: string): Promise<void> {
		const { session, signal, once, store, config } = this.options;
		for (const run of await runningRuns(store.database)) {
			if (run.inputs.trigger !== "automatic") continue;
			if (run.kind === "visibilities") this.groupRuns.add(run.id);
			else if (run.kind === "images") this.images.adopt(run);
			else continue;
			await session.revive(run.id);
		}
		await this.groups.start();
		try {
			let listedS = Number.NEGATIVE_INFINITY;
			let soonS = 0;
			let hasEnded = false;
			while (!signal.aborted) {
				// While runs are in work their ends are looked for more often than folders of many files are listed.
				const nowS = performance.now() / 1000;
				const isDue = hasEnded || this.groups.hasNews || nowS - listedS >= soonS;
				if (isDue) {
					listedS = nowS;
					await this.groups.step(signal);
					if (!signal.aborted) await this.images.step();
				} else await this.groups.deliver(signal);
				hasEnded = (await this.noteEnds()) > 0;
				if (!(await beatWatch(store.database, identity))) {
					throw failure("watched", "another process has taken the watch over", { subject: store.dataFolder });
				}
				const { pending, unsettled } = this.groups.backlog;
				const working = this.groupRuns.size + this.images.runs.length > 0;
				if (once && isDue && !hasEnded && !working && pending === 0 && unsettled === 0 && this.images.unsettled === 0)
					break;
				const { poll_s, stable_s } = config.arrival;
				soonS = unsettled + this.images.unsettled > 0 ? Math.min(poll_s, Math.max(0.1, stable_s)) : poll_s;
				await this.groups.pause(signal, working || hasEnded ? LOOK_AGAIN_S : soonS);
			}
		} finally {
			this.outcome.open = this.groups.backlog.open;
			this.groups.stop();
		}
	}

	private told(decision: ArrivalDecision, run: string | undefined): void {
		const { say } = this.options;
		const { kind, group } = decision;
		const detail = { kind, group, revision: decision.revision };
		switch (decision.kind) {
			case "accepted": {
				const missing = decision.missing.map((subband) => `sb${String(subband).padStart(2, "0")}`).join(" ");
				const what = decision.complete ? "complete" : `partial, without ${missing}`;
				if (run === undefined) return;
				this.groupRuns.add(run);
				return say(`group ${group}: ${what}: run ${run}`, { ...detail, complete: decision.complete, missing, run });
			}
			case "rejected":
			case "quarantined":
				this.outcome.rejected++;
				return say(`group ${group}: ${kind}: ${decision.reasons.join("; ")}`, { ...detail, reasons: decision.reasons });
			case "refused":
				this.outcome.rejected++;
				return say(`${decision.file.path}: refused: ${decision.reasons.join("; ")}`, {
					...detail,
					reasons: decision.reasons,
				});
			case "reopened":
				return say(`group ${group}: opened again by ${decision.file.path}`, { ...detail, file: decision.file.path });
			case "duplicate":
				return say(`${decision.file.path}: the same as ${decision.of}, left alone`, {
					...detail,
					file: decision.file.path,
				});
		}
	}

	/** A file that cannot be read is put before a person, and taken when it has changed. */
	private async warn(path: string, code: string, message: string, remedy?: string): Promise<void> {
		const { say, store, log } = this.options;
		if (code === "not-announced" || code === "folder-away" || code === "subband-refused") {
			log.warn({ path, message }, code.replaceAll("-", "_"));
			return;
		}
		this.outcome.rejected++;
		say(`${path}: ${message}`, { kind: "unreadable", path, code });
		await store.database.transaction("store unreadable", (tx) =>
			addDeadLetter(tx, {
				stage: "arrival",
				unit: path,
				subject: path,
				code,
				reason: new CausticError(code, message, { subject: path }).toString(),
				remedy: remedy ?? "Copy it again from its source: it is taken when it has changed",
			}),
		);
	}

	/** Says what became of runs that have ended; how many. */
	private async noteEnds(): Promise<number> {
		const { store, say } = this.options;
		const before = this.outcome.runs.length;
		for (const id of [...this.groupRuns, ...this.images.runs]) {
			const run = await getRun(store.database, id);
			if (run === undefined || run.status === "running") continue;
			if (!this.groupRuns.delete(id)) this.images.ended(run);
			this.outcome.runs.push(run);
			const [{ letters }] = await store.database.query<{ letters: number }>(
				"letters of run",
				"SELECT count(*)::int AS letters FROM dead_letter WHERE run_id = $1 AND status = 'open'",
				[id],
			);
			this.outcome.rejected += letters + (run.status === "failed" && letters === 0 ? 1 : 0);
			say(await this.described(run, letters), { kind: "ended", run: id, status: run.status, letters });
		}
		return this.outcome.runs.length - before;
	}

	private async described(run: Run, letters: number): Promise<string> {
		const rest = letters === 0 ? "" : `, ${letters} rejected (caustic dead-letters list)`;
		const failed = run.status === "failed" ? `: ${String(run.summary.reason)}` : "";
		if (run.inputs.group === undefined) return `run ${run.id}: ${run.status}${failed}${rest}`;
		const [row] = await this.options.store.database.query<{ product: Record<string, unknown> }>(
			"product",
			"SELECT product FROM arrival_group WHERE id = $1",
			[run.inputs.group],
		);
		const { measurement_set, corrected, calibrator, score, reasons } = row?.product ?? {};
		const how =
			corrected === true
				? `calibrated by ${String(calibrator)} (score ${Number(score).toFixed(2)})`
				: Array.isArray(reasons) && reasons.length > 0
					? `not calibrated: ${reasons.join("; ")}`
					: "not calibrated: no calibrator in the beam";
		const made = measurement_set === undefined ? run.status : `${String(measurement_set)}, ${how}`;
		return `group ${run.inputs.group}: ${made}${failed}${rest}`;
	}
}
