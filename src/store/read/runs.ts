import type { Queryable } from "../database.ts";
import type { Run } from "../runs.ts";
import { afterCursor, keyColumns, orderBy, type Page, type SortTerm, toPage } from "./cursor.ts";

/** How far one stage of a run is. */
export interface StageProgress {
	stage: string;
	units: number;
	queued: number;
	running: number;
	done: number;
	failed: number;
	started_at: Date | null;
	/** Null while units are left. */
	finished_at: Date | null;
	/** Sum over the units: exceeds the wall clock where units ran side by side. */
	busy_seconds: number;
}

export interface RunRow {
	id: string;
	kind: string;
	status: Run["status"];
	inputs: Run["inputs"];
	configuration_hash: string;
	trace_id: string | null;
	summary: Record<string, unknown>;
	created_at: Date;
	finished_at: Date | null;
	stages: StageProgress[];
}

const TERMS: SortTerm[] = [
	{ sql: "-extract(epoch FROM run.created_at)::float8", type: "float8" },
	{ sql: "run.id", type: "text" },
];
const COLUMNS =
	"run.id, run.kind, run.status, run.inputs, run.configuration_hash, substr(run.trace_parent, 4, 32) AS trace_id, run.summary, run.created_at, run.finished_at";

/** Newest first, each with the progress of its stages. */
export async function listRunRows(
	db: Queryable,
	filter: { status?: Run["status"] | undefined; limit: number; cursor?: string | undefined },
): Promise<Page<RunRow>> {
	const values: unknown[] = [filter.status ?? null, filter.limit + 1];
	const after = afterCursor(TERMS, "runs", filter.cursor, values);
	const rows = await db.query<RunRow>(
		"list runs",
		`SELECT ${COLUMNS}, ${keyColumns(TERMS)} FROM run WHERE ($1::text IS NULL OR status = $1) AND ${after} ORDER BY ${orderBy(TERMS)} LIMIT $2`,
		values,
	);
	const page = toPage(rows, filter.limit, "runs", TERMS.length);
	const stages = await stageProgress(
		db,
		page.items.map((run) => run.id),
	);
	return { ...page, items: page.items.map((run) => ({ ...run, stages: stages.get(run.id) ?? [] })) };
}

export async function getRunRow(
	db: Queryable,
	id: string,
): Promise<(RunRow & { configuration: Record<string, unknown> }) | undefined> {
	const rows = await db.query<RunRow & { configuration: Record<string, unknown> }>(
		"run detail",
		`SELECT ${COLUMNS}, run.configuration FROM run WHERE id = $1`,
		[id],
	);
	if (rows.length === 0) return undefined;
	return { ...rows[0], stages: (await stageProgress(db, [id])).get(id) ?? [] };
}

/** Progress by run, stages in the order in which they began. */
async function stageProgress(db: Queryable, runIds: string[]): Promise<Map<string, StageProgress[]>> {
	const rows = await db.query<StageProgress & { run_id: string }>(
		"stage progress",
		`SELECT run_id, stage, count(*)::int AS units, count(*) FILTER (WHERE status = 'queued')::int AS queued,
		 count(*) FILTER (WHERE status = 'running')::int AS running, count(*) FILTER (WHERE status = 'done')::int AS done,
		 count(*) FILTER (WHERE status = 'failed')::int AS failed, min(started_at) AS started_at,
		 CASE WHEN count(*) FILTER (WHERE status IN ('queued', 'running')) = 0 THEN max(finished_at) END AS finished_at,
		 coalesce(sum(extract(epoch FROM finished_at - started_at)), 0)::float8 AS busy_seconds
		 FROM stage_run WHERE run_id = ANY($1) GROUP BY run_id, stage ORDER BY min(started_at) NULLS LAST, max(finished_at) NULLS LAST, stage`,
		[runIds],
	);
	const byRun = new Map<string, StageProgress[]>();
	for (const { run_id, ...stage } of rows) {
		const list = byRun.get(run_id) ?? [];
		list.push(stage);
		byRun.set(run_id, list);
	}
	return byRun;
}

/** One unit of a stage on the timeline. */
export interface TimelineUnit {
	stage: string;
	unit: string;
	status: "queued" | "running" | "done" | "failed";
	attempt: number;
	worker: string | null;
	started_at: Date | null;
	finished_at: Date | null;
	output: Record<string, unknown>;
	error: string | null;
}

/** A span of the run's trace, times in Unix milliseconds. */
export interface TimelineSpan {
	span_id: string;
	parent_span_id: string | null;
	name: string;
	start_ms: number;
	duration_ms: number;
	failed: boolean;
	attributes: Record<string, unknown>;
}

export interface RunTimeline {
	units: TimelineUnit[];
	spans: TimelineSpan[];
	/** Whether there are more of either than is given. */
	truncated: boolean;
}

const MOST_UNITS = 20_000;

/** What ran when. Of the spans the longest are given, in order of time. */
export async function runTimeline(db: Queryable, runId: string, mostSpans = 2000): Promise<RunTimeline> {
	const [units, spans] = await Promise.all([
		db.query<TimelineUnit>(
			"timeline units",
			`SELECT stage, unit, status, attempt, worker, started_at, finished_at, output, error FROM stage_run WHERE run_id = $1
			 ORDER BY started_at NULLS LAST, stage, unit LIMIT $2`,
			[runId, MOST_UNITS + 1],
		),
		db.query<TimelineSpan>(
			"timeline spans",
			`SELECT span_id, parent_span_id, name, start_ms, duration_ms, failed, attributes
			 FROM span WHERE trace_id = (SELECT substr(trace_parent, 4, 32) FROM run WHERE id = $1) ORDER BY duration_ms DESC LIMIT $2`,
			[runId, mostSpans + 1],
		),
	]);
	const truncated = units.length > MOST_UNITS || spans.length > mostSpans;
	const kept = spans.slice(0, mostSpans).sort((a, b) => a.start_ms - b.start_ms || b.duration_ms - a.duration_ms);
	return { units: units.slice(0, MOST_UNITS), spans: kept, truncated };
}

/** Share of units that failed lately, over all runs: the error rate of the pipeline. */
export interface StageErrorRate {
	stage: string;
	units: number;
	failed: number;
	retried: number;
	median_seconds: number | null;
}

export const stageErrorRates = (db: Queryable, hours: number): Promise<StageErrorRate[]> =>
	db.query<StageErrorRate>(
		"stage error rates",
		`SELECT stage, count(*)::int AS units, count(*) FILTER (WHERE status = 'failed')::int AS failed,
		 count(*) FILTER (WHERE attempt > 1)::int AS retried,
		 percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM finished_at - started_at))::float8 AS median_seconds
		 FROM stage_run WHERE finished_at > now() - $1 * interval '1 hour' GROUP BY stage ORDER BY stage`,
		[hours],
	);
