import { createRoute, z } from "@hono/zod-openapi";
import type { Config } from "../../config/schema.ts";
import { badInput } from "../../error.ts";
import { detectionRequests } from "../../observability/metrics.ts";
import { judgeStored, storeJudgement } from "../../pipeline/detection/judge-stored.ts";
import { surveyConfiguration } from "../../pipeline/runner.ts";
import { type RequestedResult, resultsOf } from "../../pipeline/stages/detect-requested.ts";
import { sourcesByIds } from "../../store/sources.ts";
import { oneAnswers, orderAnswers } from "../answers.ts";
import type { Routes, ServiceContext } from "../context.ts";
import { acceptedJob, jobShape, jobState, noQueue } from "../jobs.ts";
import { noQuery, quantity, textParameter } from "../parameters.ts";

const MOST_NAMED = 10_000;

const id = z.number().int().min(1).max(Number.MAX_SAFE_INTEGER);
const SCOPES = ["source", "sources", "all"] as const;

const request = z
	.strictObject({
		source: id.optional().openapi({ description: "One source: the answer comes at once" }),
		sources: z
			.array(id)
			.min(1)
			.max(MOST_NAMED)
			.optional()
			.openapi({ description: "Several: a job, with an outcome for each" }),
		all: z.literal(true).optional().openapi({ description: "Every source with a light curve: a job" }),
		preset: z
			.enum(["conservative", "moderate", "sensitive"])
			.optional()
			.openapi({ description: "Threshold by false-alarm probability; as configured unless told" }),
		min_sigma: z.number().min(0).max(20).optional().openapi({ description: "Threshold in sigmas instead" }),
	})
	.superRefine((body, context) => {
		const given = SCOPES.filter((name) => body[name] !== undefined);
		if (given.length !== 1) {
			context.addIssue({ code: "custom", path: [given[1] ?? "source"], message: `give one of ${SCOPES.join(", ")}` });
		}
		if (body.preset !== undefined && body.min_sigma !== undefined) {
			context.addIssue({ code: "custom", path: ["min_sigma"], message: "give either a preset or min_sigma" });
		}
	})
	.openapi("DetectionRequest", { example: { sources: [1, 2], preset: "moderate" } });

const result = z
	.object({
		source_id: z.number().int(),
		status: z.enum(["done", "no_source", "no_measurements", "failed"]),
		significance: quantity("Gaussian sigmas equivalent to the false-alarm probability"),
		false_alarm_probability: z.number().nullable(),
		n_measurements: z.number().int(),
		candidates: z.array(z.object({ id: z.number().int(), outcome: z.string() })),
	})
	.openapi("DetectionResult");

const job = z
	.object({
		...jobShape,
		examined: z.number().int(),
		candidates: z.number().int(),
		new_candidates: z.number().int(),
		results: z.array(result).openapi({ description: "Of the batches that ended, when the sources were named" }),
	})
	.openapi("DetectionJob");

const tags = ["Detection"];

type Request = z.infer<typeof request>;

/** The configured settings with what was asked for instead. */
function settingsOf(config: Config, body: Request): Config {
	const { preset, min_sigma } = body;
	if (preset === undefined && min_sigma === undefined) return config;
	// A preset that is asked for also replaces a threshold that is configured in sigmas.
	return {
		...config,
		ese_detection: { ...config.ese_detection, ...(preset === undefined ? {} : { preset }), min_sigma },
	};
}

async function detectOne({ store }: ServiceContext, config: Config, sourceId: number): Promise<RequestedResult> {
	const sources = await sourcesByIds(store.database, [sourceId]);
	if (sources.length === 0) {
		throw badInput("no-source", "there is no such source", {
			subject: `source ${sourceId}`,
			remedy: "See /api/v1/sources",
		});
	}
	const judgement = await judgeStored(
		store.database,
		sources,
		config.ese_detection,
		await surveyConfiguration(store.database, config),
	);
	const recorded = await store.database.transaction("store detection", (tx) => storeJudgement(tx, judgement));
	return resultsOf([sourceId], judgement, recorded)[0];
}

export const detectionRoutes: Routes = (app, context) => {
	const { store, loaded, pipeline } = context;
	app.openapi(
		createRoute({
			method: "post",
			path: "/api/v1/detect",
			tags,
			summary: "Look for extreme scattering events in what is stored",
			description:
				"One `source` is judged at once. `sources` and `all` make a job (202): poll `status_url`, or follow /api/v1/events. " +
				"The same request while its job runs gives that job.",
			request: {
				query: noQuery,
				body: { required: true, content: { "application/json": { schema: request } } },
			},
			responses: {
				...oneAnswers(result, "The verdict on one source"),
				...orderAnswers(acceptedJob, "A job was begun"),
			},
		}),
		async (c) => {
			const body = c.req.valid("json");
			const config = settingsOf(loaded.config, body);
			const scope = body.source !== undefined ? "one" : body.sources !== undefined ? "many" : "all";
			try {
				if (body.source !== undefined) {
					const answer = await detectOne(context, config, body.source);
					detectionRequests.inc({ scope, status: "done" });
					return c.json(answer, 200);
				}
				if (pipeline === undefined) throw noQueue();
				const { run } = await pipeline.begin(
					{
						paths: [],
						sources: body.sources === undefined ? "all" : [...new Set(body.sources)],
						threshold: { preset: body.preset, min_sigma: body.min_sigma },
						trigger: "manual",
					},
					{ kind: "detection", config },
				);
				detectionRequests.inc({ scope, status: "accepted" });
				const statusUrl = `/api/v1/detect/${run.id}`;
				c.header("Location", statusUrl);
				return c.json({ job: run.id, status_url: statusUrl }, 202);
			} catch (error) {
				detectionRequests.inc({ scope, status: "failed" });
				throw error;
			}
		},
	);
	app.openapi(
		createRoute({
			method: "get",
			path: "/api/v1/detect/{job}",
			tags,
			summary: "How far a detection job is, with what it found so far",
			request: { params: z.object({ job: textParameter("Job") }), query: noQuery },
			responses: oneAnswers(job, "The job"),
		}),
		async (c) => {
			const { job: jobId } = c.req.valid("param");
			const { units, sum, shape } = await jobState(store.database, jobId, "detection", "detect-requested");
			const place = (unit: string) => Number(unit.split(":")[0].split("-")[0]);
			return c.json(
				{
					...shape,
					examined: sum("examined"),
					candidates: sum("candidates"),
					new_candidates: sum("new_candidates"),
					results: units
						.toSorted((a, b) => place(a.unit) - place(b.unit))
						.flatMap((unit) => (unit.output.results as RequestedResult[] | undefined) ?? []),
				},
				200,
			);
		},
	);
};
