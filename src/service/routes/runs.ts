import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createRoute, z } from "@hono/zod-openapi";
import { badInput } from "../../error.ts";
import { getRunRow, listRunRows, runTimeline } from "../../store/read/runs.ts";
import { allowedPath } from "../allowed-path.ts";
import { jsonAnswers, oneAnswers, orderAnswers, problem } from "../answers.ts";
import type { Routes } from "../context.ts";
import { noQueue } from "../jobs.ts";
import { freeObject, integerParameter, moment, noQuery, pageOf, paging, textParameter } from "../parameters.ts";

const RUN_STATUSES = ["running", "done", "failed"] as const;

const stage = z
	.object({
		stage: z.string(),
		units: z.number().int(),
		queued: z.number().int(),
		running: z.number().int(),
		done: z.number().int(),
		failed: z.number().int(),
		started_at: moment().nullable(),
		finished_at: moment().nullable(),
		busy_seconds: z.number(),
	})
	.openapi("StageProgress");

const shape = {
	id: z.string(),
	kind: z.string(),
	status: z.enum(RUN_STATUSES),
	inputs: freeObject("What it was given"),
	configuration_hash: z.string(),
	trace_id: z.string().nullable(),
	summary: freeObject("Counts by stage"),
	created_at: moment(),
	finished_at: moment().nullable(),
	stages: z.array(stage),
};
const run = z.object(shape).openapi("Run");
const runDetail = z.object({ ...shape, configuration: freeObject("Settings it was begun with") }).openapi("RunDetail");

const timeline = z
	.object({
		units: z.array(
			z.object({
				stage: z.string(),
				unit: z.string(),
				status: z.enum(["queued", "running", "done", "failed"]),
				attempt: z.number().int(),
				worker: z.string().nullable(),
				started_at: moment().nullable(),
				finished_at: moment().nullable(),
				output: freeObject("What the unit left"),
				error: z.string().nullable(),
			}),
		),
		spans: z.array(
			z.object({
				span_id: z.string(),
				parent_span_id: z.string().nullable(),
				name: z.string(),
				start_ms: z.number(),
				duration_ms: z.number(),
				failed: z.boolean(),
				attributes: freeObject("Attributes"),
			}),
		),
		truncated: z.boolean(),
	})
	.openapi("Timeline");

const params = z.object({ id: textParameter("Run") });
const tags = ["Runs"];
const missing = (id: string) =>
	badInput("no-run", "there is no such run", { subject: `run ${id}`, remedy: "See /api/v1/runs" });

const order = z
	.strictObject({
		paths: z
			.array(z.string().min(1).max(4096))
			.min(1)
			.max(10_000)
			.openapi({ description: "FITS images or folders of them, absolute paths as the workers see them" }),
		catalogue: z
			.string()
			.min(1)
			.max(4096)
			.optional()
			.openapi({ description: "Sources to watch: CSV, VOTable or FITS table" }),
	})
	.openapi("RunRequest", { example: { paths: ["/data/night1"], catalogue: "/data/catalogue.csv" } });
const accepted = z
	.object({
		run: z.string(),
		resumed: z.boolean().openapi({ description: "An unfinished run of the same inputs and settings goes on" }),
		status_url: z.string(),
	})
	.openapi("AcceptedRun");

export const runRoutes: Routes = (app, { store, loaded, pipeline }) => {
	app.openapi(
		createRoute({
			method: "post",
			path: "/api/v1/runs",
			tags,
			summary: "Run the whole pipeline over images",
			request: { query: noQuery, body: { required: true, content: { "application/json": { schema: order } } } },
			responses: orderAnswers(accepted, "The run was begun, or goes on"),
		}),
		async (c) => {
			const { paths, catalogue } = c.req.valid("json");
			const { service } = loaded.config;
			const inputs = {
				paths: paths.map((path, i) => allowedPath(path, `paths.${i}`, service)),
				...(catalogue === undefined ? {} : { catalogue: allowedPath(catalogue, "catalogue", service) }),
				trigger: "manual" as const,
			};
			if (pipeline === undefined) throw noQueue();
			const { run, resumed } = await pipeline.begin(inputs);
			const statusUrl = `/api/v1/runs/${run.id}`;
			c.header("Location", statusUrl);
			return c.json({ run: run.id, resumed, status_url: statusUrl }, 202);
		},
	);
	app.openapi(
		createRoute({
			method: "get",
			path: "/api/v1/runs",
			tags,
			summary: "Runs, newest first, with the progress of their stages",
			request: {
				query: z.strictObject({
					status: z.enum(RUN_STATUSES).optional().openapi({ description: "Only with this status" }),
					...paging(50, 200),
				}),
			},
			responses: jsonAnswers(pageOf(run), "A page of runs"),
		}),
		async (c) => c.json(await listRunRows(store.database, c.req.valid("query")), 200),
	);
	app.openapi(
		createRoute({
			method: "get",
			path: "/api/v1/runs/{id}",
			tags,
			summary: "One run with its stages and settings",
			request: { params, query: noQuery },
			responses: oneAnswers(runDetail, "The run"),
		}),
		async (c) => {
			const { id } = c.req.valid("param");
			const found = await getRunRow(store.database, id);
			if (found === undefined) throw missing(id);
			return c.json(found, 200);
		},
	);
	app.openapi(
		createRoute({
			method: "get",
			path: "/api/v1/runs/{id}/report",
			tags,
			summary: "The report that the run left, as a page",
			request: { params, query: noQuery },
			responses: {
				200: { description: "A page that needs nothing else", content: { "text/html": { schema: z.string() } } },
				404: problem("There is no such run, or it left no report"),
			},
		}),
		async (c) => {
			const { id } = c.req.valid("param");
			if ((await getRunRow(store.database, id)) === undefined) throw missing(id);
			// The id is that of a stored run, never a path that somebody made up.
			const page = await readFile(join(store.dataFolder, "reports", `${id}.html`), "utf8").catch(() => undefined);
			if (page === undefined) {
				throw badInput("no-report", "has left no report on this machine", {
					subject: `run ${id}`,
					remedy: "Look on the machine whose worker made it, or run it to its end",
				});
			}
			return c.body(page, 200, {
				"Content-Type": "text/html; charset=utf-8",
				"Content-Security-Policy":
					"default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'",
			}) as never;
		},
	);
	app.openapi(
		createRoute({
			method: "get",
			path: "/api/v1/runs/{id}/timeline",
			tags,
			summary: "Which unit ran when, and the longest spans of the trace",
			request: {
				params,
				query: z.strictObject({ spans: integerParameter(0, 20_000, "Most spans given (2000 unless told)").optional() }),
			},
			responses: oneAnswers(timeline, "The timeline"),
		}),
		async (c) => {
			const { id } = c.req.valid("param");
			const { spans } = c.req.valid("query");
			if ((await getRunRow(store.database, id)) === undefined) throw missing(id);
			return c.json(await runTimeline(store.database, id, spans ?? 2000), 200);
		},
	);
};
