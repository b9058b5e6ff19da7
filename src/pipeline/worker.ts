import type { Config } from "../config/schema.ts";
import { CausticError } from "../error.ts";
import * as metrics from "../observability/metrics.ts";
import { annotate, contextOf, inSpan } from "../observability/tracing.ts";
import { isPassing } from "../store/database.ts";
import { addDeadLetter, resolveDeadLetters } from "../store/dead-letters.ts";
import { publish } from "../store/events.ts";
import { claimUnit, endUnit, finishRun, getRun, lockRun, type Run } from "../store/runs.ts";
import { stageNamed } from "./graph.ts";
import type { FetchedJob, StageQueue } from "./queue.ts";
import { advance, summarize } from "./runner.ts";
import type { Stage, StageContext } from "./stage.ts";
import { workerIdentity } from "./worker-identity.ts";

const POLL_MS = 500;
const HEARTBEAT_MS = 4000;

/** Runs units of stages, several at once, until it is stopped. */
export class StageWorker {
	readonly #context: Omit<StageContext, "config" | "configurationHash">;
	readonly #queue: StageQueue;
	readonly #identity = workerIdentity();
	readonly #slots: number;
	#onEnd: (() => void)[] = [];
	#active = 0;
	#stopped = false;
	#wake: () => void = () => {};
	/** Something was sent since the queue was last asked. */
	#hasNews = false;
	#loop: Promise<void> | undefined;

	constructor(context: Omit<StageContext, "config" | "configurationHash">, queue: StageQueue, slots: number) {
		this.#context = context;
		this.#queue = queue;
		this.#slots = slots;
	}

	start(): void {
		this.#loop = this.#run();
	}

	/** Resolves when the next unit of this worker has ended. */
	unitEnded(): Promise<void> {
		return new Promise((resolve) => this.#onEnd.push(resolve));
	}

	/** Work was sent by this process: it need not wait for the next look at the queue. */
	wake(): void {
		this.#hasNews = true;
		this.#wake();
	}

	/** Takes no new unit and waits for those in work. */
	async stop(): Promise<void> {
		this.#stopped = true;
		this.#wake();
		await this.#loop;
	}

	async #run(): Promise<void> {
		const running = new Set<Promise<void>>();
		while (!this.#stopped) {
			const free = this.#slots - this.#active;
			let jobs: FetchedJob[] = [];
			this.#hasNews = false;
			if (free > 0) {
				try {
					jobs = await this.#queue.fetch(free);
				} catch (error) {
					this.#context.log.warn({ error: (error as Error).message }, "queue_away");
				}
			}
			for (const job of jobs) {
				this.#active += 1;
				const work = this.#handle(job).finally(() => {
					this.#active -= 1;
					running.delete(work);
					this.#wake();
					for (const tell of this.#onEnd.splice(0)) tell();
				});
				running.add(work);
			}
			if (jobs.length === 0 && !this.#hasNews) {
				await new Promise<void>((resolve) => {
					const timer = setTimeout(resolve, POLL_MS);
					this.#wake = () => {
						clearTimeout(timer);
						resolve();
					};
				});
			}
		}
		await Promise.all(running);
	}

	async #handle(job: FetchedJob): Promise<void> {
		const { runId, stage: name, unit, traceparent } = job.data;
		const { database, log } = this.#context;
		const beat = setInterval(() => void this.#queue.heartbeat(job).catch(() => {}), HEARTBEAT_MS);
		try {
			const stage = stageNamed(name);
			const run = await getRun(database, runId);
			if (stage === undefined || run === undefined || run.status !== "running") {
				await this.#queue.complete(job);
				return;
			}
			await inSpan(
				`stage ${name}`,
				{ stage: name, unit, run: runId },
				() => this.#runUnit(job, stage, run, unit),
				contextOf(traceparent),
			);
		} catch (error) {
			// The database itself is away, or the like: the job's heartbeat runs out and another attempt follows.
			log.error({ stage: name, unit, run: runId, error: (error as Error).message }, "unit_lost");
		} finally {
			clearInterval(beat);
		}
	}

	async #runUnit(job: FetchedJob, stage: Stage, run: Run, unit: string): Promise<void> {
		const { database, log } = this.#context;
		const key = { runId: run.id, stage: stage.name, unit };
		const attempt = await claimUnit(database, key, this.#identity);
		if (attempt === undefined) {
			await this.#queue.complete(job);
			return;
		}
		const config = run.configuration as unknown as Config;
		const begun = performance.now();
		const cpu = process.cpuUsage();
		const seconds = () => (performance.now() - begun) / 1000;
		try {
			const context = { ...this.#context, config, configurationHash: run.configuration_hash };
			const result = await withTimeout(
				stage.execute(context, run, unit),
				config.photometry_pipeline.stage_timeout_seconds,
				stage.name,
			);
			await database.transaction(`store ${stage.name}`, async (tx) => {
				// The lock first: units that end together then queue here instead of dead-locking on each other's rows.
				await lockRun(tx, run.id);
				if (!(await endUnit(tx, { ...key, attempt }, "done", { ...result.output, seconds: seconds() })))
					throw new Superseded();
				await result.store(tx);
				const cured = await stage.subjectOf?.(tx, unit);
				if (cured !== undefined) await resolveDeadLetters(tx, stage.name, [cured], `run ${run.id}`);
				await publish(tx, "PipelineStageCompleted", {
					source: `stage/${stage.name}`,
					subject: run.id,
					data: { unit, ...flat(result.output) },
				});
				await advance(tx, this.#queue, config, run.id);
				await this.#queue.complete(job, tx);
			});
			metrics.stageRuns.inc({ stage: stage.name, status: "done" });
			annotate(flat(result.output));
			log.info(
				{ stage: stage.name, unit, run: run.id, ...flat(result.output), duration_seconds: seconds() },
				"stage_completed",
			);
		} catch (error) {
			if (error instanceof Superseded) return;
			if (this.#context.signal.aborted) {
				// Stopped on purpose: whoever goes on with the run takes the unit up.
				await this.#handBack(job, key, "stopped");
				return;
			}
			await this.#onFailure(job, stage, run, unit, attempt, config, error);
		} finally {
			metrics.stageDuration.observe({ stage: stage.name }, seconds());
			const spent = process.cpuUsage(cpu);
			metrics.stageCpu.inc({ stage: stage.name }, (spent.user + spent.system) / 1e6);
		}
	}

	/** Puts a unit back: to be tried again, here or elsewhere. */
	async #handBack(job: FetchedJob, key: { runId: string; stage: string; unit: string }, reason: string): Promise<void> {
		await this.#context.database.execute(
			"requeue unit",
			"UPDATE stage_run SET status = 'queued', error = $4 WHERE run_id = $1 AND stage = $2 AND unit = $3 AND status = 'running'",
			[key.runId, key.stage, key.unit, reason],
		);
		await this.#queue.giveBack(job, reason);
	}

	async #onFailure(
		job: FetchedJob,
		stage: Stage,
		run: Run,
		unit: string,
		attempt: number,
		config: Config,
		error: unknown,
	): Promise<void> {
		const { database, log } = this.#context;
		const key = { runId: run.id, stage: stage.name, unit };
		const reason =
			error instanceof CausticError ? error.toString() : error instanceof Error ? error.message : String(error);
		if (isPassing(error) && attempt < config.photometry_pipeline.retry_max_attempts) {
			metrics.stageRuns.inc({ stage: stage.name, status: "retried" });
			log.warn({ ...key, attempt, reason }, "stage_retried");
			await this.#handBack(job, key, reason);
			return;
		}
		const subject = (await stage.subjectOf?.(database, unit)) ?? unit;
		log.error(
			{ ...key, subject, reason, ...(error instanceof CausticError ? {} : { stack: (error as Error)?.stack }) },
			"stage_failed",
		);
		await database.transaction("store failure", async (tx) => {
			await lockRun(tx, run.id);
			if (!(await endUnit(tx, { ...key, attempt }, "failed", {}, reason))) return;
			await addDeadLetter(tx, {
				runId: run.id,
				stage: stage.name,
				unit,
				subject,
				code: error instanceof CausticError ? error.code : "unexpected",
				reason,
				remedy: error instanceof CausticError ? error.remedy : undefined,
				payload: { inputs: run.inputs },
			});
			if (stage.onFailure === "abort")
				await finishRun(tx, run.id, "failed", {
					...(await summarize(tx, run.id)),
					failed_stage: stage.name,
					reason,
					blame: error instanceof CausticError ? error.blame : "operation",
				});
			else await advance(tx, this.#queue, config, run.id);
			await this.#queue.complete(job, tx);
		});
		metrics.stageRuns.inc({ stage: stage.name, status: stage.onFailure === "abort" ? "failed" : "rejected" });
		metrics.deadLetters.inc({ stage: stage.name });
	}
}

/** Another attempt has the unit now; what this one computed is dropped. */
class Superseded extends Error {}

const flat = (output: Record<string, unknown>) =>
	Object.fromEntries(
		Object.entries(output).filter(([, value]) => typeof value === "number" || typeof value === "string"),
	) as Record<string, number | string>;

async function withTimeout<T>(work: Promise<T>, limitS: number, stage: string): Promise<T> {
	let timer: NodeJS.Timeout | undefined;
	const timeout = new Promise<never>((_, reject) => {
		timer = setTimeout(
			() =>
				reject(
					new CausticError("stage-timeout", `took longer than ${limitS} s`, {
						subject: `stage ${stage}`,
						remedy: "Raise photometry_pipeline.stage_timeout_seconds or look at the input",
						blame: "operation",
					}),
				),
			limitS * 1000,
		);
	});
	try {
		return await Promise.race([work, timeout]);
	} finally {
		clearTimeout(timer);
	}
}
