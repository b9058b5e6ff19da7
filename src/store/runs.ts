import type { Queryable, Row, Transaction } from "./database.ts";
import { publish } from "./events.ts";

export type RunStatus = "running" | "done" | "failed";

/** What a run is about: new images, detection on what is stored, its flux scale, or a group of subband files. */
export type RunKind = "images" | "detection" | "normalization" | "visibilities";

export interface RunInputs {
	paths: string[];
	/** Of a detection: the ids to judge, or every source with a light curve. */
	sources?: number[] | "all";
	/** Of a detection: the threshold that was asked for, if it was. */
	threshold?: { preset?: string | undefined; min_sigma?: number | undefined };
	/** Of a detection: only sources of these fields. */
	fields?: number[];
	/** Of a normalization: the ids of the images, or every measured one. */
	images?: number[] | "all";
	/** Of a normalization: how the flux scale is found, where it is not as configured. */
	mode?: "plane" | "ensemble" | "single" | "none";
	catalogue?: string;
	/** Of visibilities: the arrival group whose files the paths are. */
	group?: string;
	/** What set the run going: a command, an arrival, a schedule. */
	trigger: "manual" | "automatic" | "scheduled";
}

export interface Run {
	id: string;
	kind: RunKind;
	status: RunStatus;
	inputs: RunInputs;
	configuration: Row;
	configuration_hash: string;
	trace_parent: string | null;
	summary: Row;
	created_at: Date;
	finished_at: Date | null;
}

export interface StageRun {
	run_id: string;
	stage: string;
	unit: string;
	status: "queued" | "running" | "done" | "failed";
	attempt: number;
	job_id: string | null;
	worker: string | null;
	started_at: Date | null;
	finished_at: Date | null;
	output: Row;
	error: string | null;
}

export async function insertRun(
	tx: Transaction,
	run: Pick<Run, "id" | "kind" | "inputs" | "configuration" | "configuration_hash" | "trace_parent">,
): Promise<void> {
	await tx.execute(
		"insert run",
		"INSERT INTO run (id, kind, status, inputs, configuration, configuration_hash, trace_parent) VALUES ($1, $2, 'running', $3, $4, $5, $6)",
		[
			run.id,
			run.kind,
			JSON.stringify(run.inputs),
			JSON.stringify(run.configuration),
			run.configuration_hash,
			run.trace_parent,
		],
	);
	await publish(tx, "RunStarted", {
		source: "run",
		subject: run.id,
		data: { kind: run.kind, paths: run.inputs.paths },
	});
}

export async function getRun(db: Queryable, id: string): Promise<Run | undefined> {
	return (await db.query<Run>("get run", "SELECT * FROM run WHERE id = $1", [id]))[0];
}

/** Holds the run's row until the transaction ends: units that finish at the same moment take turns in moving the run on. */
export async function lockRun(tx: Transaction, id: string): Promise<Run | undefined> {
	return (await tx.query<Run>("lock run", "SELECT * FROM run WHERE id = $1 FOR UPDATE", [id]))[0];
}

export const listRuns = (db: Queryable, limit = 50): Promise<Run[]> =>
	db.query<Run>("list runs", "SELECT * FROM run ORDER BY created_at DESC, id DESC LIMIT $1", [limit]);

/** Runs that have not ended, oldest first. */
export const runningRuns = (db: Queryable): Promise<Run[]> =>
	db.query<Run>("running runs", "SELECT * FROM run WHERE status = 'running' ORDER BY created_at, id");

/** The run that was begun with these inputs and settings and has not ended, if any. */
export async function findUnfinishedRun(
	db: Queryable,
	inputs: RunInputs,
	configurationHash: string,
): Promise<Run | undefined> {
	const rows = await db.query<Run>(
		"find unfinished run",
		"SELECT * FROM run WHERE status = 'running' AND inputs = $1::jsonb AND configuration_hash = $2 ORDER BY created_at DESC LIMIT 1",
		[JSON.stringify(inputs), configurationHash],
	);
	return rows[0];
}

export async function finishRun(tx: Transaction, id: string, status: RunStatus, summary: Row): Promise<void> {
	await tx.execute("finish run", "UPDATE run SET status = $2, summary = $3, finished_at = now() WHERE id = $1", [
		id,
		status,
		JSON.stringify(summary),
	]);
	await publish(tx, "RunCompleted", { source: "run", subject: id, data: { status, ...summary } });
}

export const listStageRuns = (db: Queryable, runId: string): Promise<StageRun[]> =>
	db.query<StageRun>(
		"list stage runs",
		"SELECT * FROM stage_run WHERE run_id = $1 ORDER BY started_at NULLS LAST, stage, unit",
		[runId],
	);

export interface StageCount {
	stage: string;
	total: number;
	done: number;
	failed: number;
}

export const countStages = (db: Queryable, runId: string): Promise<StageCount[]> =>
	db.query<StageCount>(
		"count stages",
		`SELECT stage, count(*)::int AS total, count(*) FILTER (WHERE status = 'done')::int AS done,
		 count(*) FILTER (WHERE status = 'failed')::int AS failed FROM stage_run WHERE run_id = $1 GROUP BY stage`,
		[runId],
	);

/** Takes a unit for this worker and numbers the attempt; undefined when it is finished already. */
export async function claimUnit(
	db: Queryable,
	key: { runId: string; stage: string; unit: string },
	worker: string,
): Promise<number | undefined> {
	const rows = await db.query<{ attempt: number }>(
		"claim unit",
		`UPDATE stage_run SET status = 'running', attempt = attempt + 1, worker = $4, started_at = clock_timestamp()
		 WHERE run_id = $1 AND stage = $2 AND unit = $3 AND status IN ('queued', 'running') RETURNING attempt`,
		[key.runId, key.stage, key.unit, worker],
	);
	return rows[0]?.attempt;
}

/**
 * Ends a unit. False when another attempt has taken it over meanwhile (a worker that was frozen and thawed): then
 * nothing of this attempt may be stored.
 */
export async function endUnit(
	tx: Transaction,
	key: { runId: string; stage: string; unit: string; attempt: number },
	status: "done" | "failed",
	output: Row,
	error?: string,
): Promise<boolean> {
	const touched = await tx.execute(
		"end unit",
		`UPDATE stage_run SET status = $5, output = $6, error = $7, finished_at = clock_timestamp()
		 WHERE run_id = $1 AND stage = $2 AND unit = $3 AND attempt = $4 AND status = 'running'`,
		[key.runId, key.stage, key.unit, key.attempt, status, JSON.stringify(output), error ?? null],
	);
	return touched === 1;
}

/** Units of a stage whose input was dropped. */
export async function failedUnits(db: Queryable, runId: string, stage: string): Promise<string[]> {
	const rows = await db.query<{ unit: string }>(
		"failed units",
		"SELECT unit FROM stage_run WHERE run_id = $1 AND stage = $2 AND status = 'failed' ORDER BY unit",
		[runId, stage],
	);
	return rows.map((row) => row.unit);
}

/** The settings under which the survey was measured last: whose light curves are the survey's. */
export async function currentConfiguration(db: Queryable): Promise<string | undefined> {
	const [row] = await db.query<{ configuration: string }>(
		"current configuration",
		"SELECT configuration_hash AS configuration FROM run WHERE EXISTS (SELECT FROM measurement m WHERE m.configuration = configuration_hash) ORDER BY created_at DESC LIMIT 1",
	);
	return row?.configuration;
}
