import { createHash } from "node:crypto";
import type { Config } from "../config/schema.ts";
import { currentTraceparent } from "../observability/tracing.ts";
import type { Database, Queryable, Transaction } from "../store/database.ts";
import {
	countStages,
	currentConfiguration,
	findUnfinishedRun,
	finishRun,
	getRun,
	insertRun,
	lockRun,
	type Run,
	type RunInputs,
	type RunKind,
} from "../store/runs.ts";
import { GRAPHS } from "./graph.ts";
import type { StageQueue } from "./queue.ts";
import { isDead } from "./worker-identity.ts";

/** Settings of photometry that say how much at once and how long, and change no number. */
const RESOURCES = new Set([
	"max_concurrent_operations",
	"memory_limit_mb",
	"retry_max_attempts",
	"stage_timeout_seconds",
]);

/** The settings that decide the numbers, and nothing else: a change of them makes new measurements. */
export function configurationHash(config: Config): string {
	const { images, photometry_pipeline: photometry } = config;
	const decisive = {
		version: 1,
		beam_geometry: images.beam_geometry,
		band_tolerance: images.band_tolerance,
		...Object.fromEntries(Object.entries(photometry).filter(([name]) => !RESOURCES.has(name))),
	};
	// In the order of the names, so that the hash does not hang on how the settings were read.
	const text = JSON.stringify(Object.entries(decisive).sort(([p], [q]) => (p < q ? -1 : 1)));
	return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

/** The settings under which the survey was measured last, whatever this command's are; these where nothing is measured. */
export const surveyConfiguration = async (db: Queryable, config: Config): Promise<string> =>
	(await currentConfiguration(db)) ?? configurationHash(config);

function newRunId(now: Date): string {
	const stamp = now.toISOString().slice(0, 19).replace(/[-:]/g, "").replace("T", "-");
	return `${stamp}-${crypto.randomUUID().slice(0, 4)}`;
}

/** Begins a run, or takes up the one with the same inputs and settings that did not end. */
export async function beginRun(
	database: Database,
	queue: StageQueue,
	config: Config,
	inputs: RunInputs,
	kind: RunKind = "images",
): Promise<{ run: Run; resumed: boolean }> {
	const hash = configurationHash(config);
	const unfinished = await findUnfinishedRun(database, inputs, hash);
	if (unfinished !== undefined) {
		await reviveRun(database, queue, config, unfinished.id);
		return { run: unfinished, resumed: true };
	}
	const id = await database.transaction("begin run", (tx) => insertFreshRun(tx, queue, config, inputs, kind));
	return { run: (await getRun(database, id)) as Run, resumed: false };
}

/** A new run with its first units on the way, in the transaction that calls for it; its id. */
export async function insertFreshRun(
	tx: Transaction,
	queue: StageQueue,
	config: Config,
	inputs: RunInputs,
	kind: RunKind,
): Promise<string> {
	const id = newRunId(new Date());
	await insertRun(tx, {
		id,
		kind,
		inputs,
		configuration: config as unknown as Record<string, unknown>,
		configuration_hash: configurationHash(config),
		trace_parent: currentTraceparent() ?? null,
	});
	await advance(tx, queue, config, id);
	return id;
}

/**
 * Moves a run on after a unit has ended: plans every stage whose predecessors are through and ends the run after the
 * last. Called in the transaction that ended the unit, with the run's row locked, so that exactly one caller sees a
 * stage become complete.
 */
export async function advance(tx: Transaction, queue: StageQueue, config: Config, runId: string): Promise<void> {
	const run = await lockRun(tx, runId);
	if (run === undefined || run.status !== "running") return;
	const counts = new Map((await countStages(tx, runId)).map((count) => [count.stage, count]));
	const isThrough = (name: string) => {
		const count = counts.get(name);
		return count !== undefined && count.done + count.failed === count.total;
	};
	const stages = GRAPHS[run.kind];
	for (const stage of stages) {
		if (counts.has(stage.name) || !stage.after.every(isThrough)) continue;
		const units = stage.enabled(config) ? await stage.units(tx, run, config) : [];
		if (units.length === 0) {
			// An empty stage leaves a row all the same: the timeline then says that it had nothing to do.
			await tx.execute(
				"empty stage",
				`INSERT INTO stage_run (run_id, stage, unit, status, started_at, finished_at, output)
				 VALUES ($1, $2, '-', 'done', clock_timestamp(), clock_timestamp(), $3)`,
				[runId, stage.name, JSON.stringify({ empty: true, enabled: stage.enabled(config) })],
			);
			counts.set(stage.name, { stage: stage.name, total: 1, done: 1, failed: 0 });
			continue;
		}
		await tx.execute(
			"plan stage",
			"INSERT INTO stage_run (run_id, stage, unit, status) SELECT $1, $2, unit, 'queued' FROM unnest($3::text[]) AS unit",
			[runId, stage.name, units],
		);
		await sendUnits(tx, queue, run, stage.name, units);
		counts.set(stage.name, { stage: stage.name, total: units.length, done: 0, failed: 0 });
	}
	if (stages.every((stage) => isThrough(stage.name))) {
		await finishRun(tx, runId, "done", await summarize(tx, runId));
	}
}

async function sendUnits(tx: Transaction, queue: StageQueue, run: Run, stage: string, units: string[]): Promise<void> {
	const jobs = units.map((unit) => ({ runId: run.id, stage, unit, traceparent: run.trace_parent ?? undefined }));
	const ids = await queue.send(tx, jobs);
	await tx.execute(
		"note jobs",
		`UPDATE stage_run SET job_id = sent.id FROM unnest($3::text[], $4::uuid[]) AS sent(unit, id)
		 WHERE run_id = $1 AND stage = $2 AND stage_run.unit = sent.unit`,
		[run.id, stage, units, ids],
	);
}

/**
 * Takes up a run whose worker died: units that no living worker holds and no job will bring are sent again. Units
 * whose attempt is still alive elsewhere are left alone; should both finish, the later one stores nothing.
 */
export async function reviveRun(database: Database, queue: StageQueue, config: Config, runId: string): Promise<number> {
	return database.transaction("revive run", async (tx) => {
		const run = await lockRun(tx, runId);
		if (run === undefined || run.status !== "running") return 0;
		const open = await tx.query<{
			stage: string;
			unit: string;
			status: string;
			worker: string | null;
			job_id: string | null;
		}>(
			"open units",
			"SELECT stage, unit, status, worker, job_id FROM stage_run WHERE run_id = $1 AND status IN ('queued', 'running')",
			[runId],
		);
		const waiting = await queue.waiting(
			tx,
			open.flatMap((row) => (row.job_id === null ? [] : [row.job_id])),
		);
		const lost = open.filter((row) => {
			if (row.job_id !== null && waiting.has(row.job_id)) return false;
			return row.status === "queued" || row.worker === null || isDead(row.worker);
		});
		await queue.discard(
			tx,
			lost.flatMap((row) => (row.job_id === null ? [] : [row.job_id])),
		);
		for (const stage of new Set(lost.map((row) => row.stage))) {
			const units = lost.filter((row) => row.stage === stage).map((row) => row.unit);
			await tx.execute(
				"requeue units",
				"UPDATE stage_run SET status = 'queued' WHERE run_id = $1 AND stage = $2 AND unit = ANY($3)",
				[runId, stage, units],
			);
			await sendUnits(tx, queue, run, stage, units);
		}
		await advance(tx, queue, config, runId);
		return lost.length;
	});
}

/** What a run did, from the outputs of its units: counts and times add up, medians are averaged, and of the largest the largest counts. */
export async function summarize(tx: Transaction, runId: string): Promise<Record<string, unknown>> {
	const rows = await tx.query<{ stage: string; key: string; total: number }>(
		"summarize run",
		`SELECT stage, key, CASE WHEN key LIKE 'median\\_%' THEN avg(value::float8)
			WHEN key LIKE 'largest\\_%' THEN max(value::float8) ELSE sum(value::float8) END AS total
		 FROM stage_run, jsonb_each_text(output)
		 WHERE run_id = $1 AND jsonb_typeof(output -> key) = 'number' GROUP BY stage, key ORDER BY stage, key`,
		[runId],
	);
	const summary: Record<string, Record<string, number>> = {};
	for (const { stage, key, total } of rows) {
		summary[stage] ??= {};
		summary[stage][key] = total;
	}
	return summary;
}
