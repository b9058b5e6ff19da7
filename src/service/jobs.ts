import { z } from "@hono/zod-openapi";
import { badInput, failure } from "../error.ts";
import type { Queryable } from "../store/database.ts";
import { getRun, listStageRuns, type Run, type RunKind, type StageRun } from "../store/runs.ts";
import { moment } from "./parameters.ts";

/** What a client is told when long work was begun. */
export const acceptedJob = z.object({ job: z.string(), status_url: z.string() }).openapi("AcceptedJob");

/** The part of a job's answer that all jobs have. */
export const jobShape = {
	job: z.string(),
	status: z.enum(["running", "done", "failed"]),
	created_at: moment(),
	finished_at: moment().nullable(),
	batches: z.number().int(),
	batches_done: z.number().int(),
	batches_failed: z.number().int(),
};

export interface JobState {
	run: Run;
	/** Of the stage that the job was asked for. */
	units: StageRun[];
	/** Sum of a count over the units. */
	sum(key: string): number;
	shape: {
		job: string;
		status: Run["status"];
		created_at: string;
		finished_at: string | null;
		batches: number;
		batches_done: number;
		batches_failed: number;
	};
}

/** @throws CausticError `no-job` when there is no run of this kind and id */
export async function jobState(db: Queryable, id: string, kind: RunKind, stage: string): Promise<JobState> {
	const run = await getRun(db, id);
	if (run === undefined || run.kind !== kind) {
		throw badInput("no-job", "there is no such job", { subject: `job ${id}` });
	}
	const units = (await listStageRuns(db, id)).filter((unit) => unit.stage === stage && unit.unit !== "-");
	return {
		run,
		units,
		sum: (key) => units.reduce((total, unit) => total + Number(unit.output[key] ?? 0), 0),
		shape: {
			job: run.id,
			status: run.status,
			created_at: run.created_at.toISOString(),
			finished_at: run.finished_at?.toISOString() ?? null,
			batches: units.length,
			batches_done: units.filter((unit) => unit.status === "done").length,
			batches_failed: units.filter((unit) => unit.status === "failed").length,
		},
	};
}

export const noQueue = () =>
	failure("no-queue", "this service takes no work", {
		subject: "service",
		remedy: "Begin it with caustic run, or serve with a queue",
	});
