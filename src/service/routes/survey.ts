import { createRoute, z } from "@hono/zod-openapi";
import { listBands, listFields } from "../../store/read/fields.ts";
import { stageErrorRates } from "../../store/read/runs.ts";
import { surveySummary } from "../../store/read/survey.ts";
import { jsonAnswers } from "../answers.ts";
import type { Routes } from "../context.ts";
import { noQuery, numberParameter, quantity } from "../parameters.ts";

const survey = z
	.object({
		fields: z.number().int(),
		epochs: z.number().int(),
		bands: z.number().int(),
		images: z.number().int(),
		sources: z.number().int(),
		measurements: z.number().int(),
		candidates_open: z.number().int(),
		candidates_confirmed: z.number().int(),
		dead_letters_open: z.number().int(),
		first_mjd: quantity("First epoch, MJD UTC"),
		last_mjd: quantity("Newest epoch, MJD UTC"),
		database_bytes: z.number(),
	})
	.openapi("Survey");

const field = z
	.object({
		id: z.number().int(),
		name: z.string(),
		ra_deg: z.number(),
		dec_deg: z.number(),
		radius_deg: z.number(),
		images: z.number().int(),
		epochs: z.number().int(),
		first_mjd: quantity("MJD UTC"),
		last_mjd: quantity("MJD UTC"),
	})
	.openapi("Field");

const band = z
	.object({
		id: z.number().int(),
		frequency_mhz: z.number(),
		bandwidth_mhz: z.number().nullable(),
		images: z.number().int(),
	})
	.openapi("Band");

const errorRate = z
	.object({
		stage: z.string(),
		units: z.number().int().openapi({ description: "Units that ended" }),
		failed: z.number().int(),
		retried: z.number().int(),
		median_seconds: quantity("Median duration of a unit, s"),
	})
	.openapi("StageErrorRate");

const samples = z.array(z.number().nullable());
const resources = z
	.object({
		time: z.array(z.number()).openapi({ description: "Unix seconds" }),
		cpu_machine: samples,
		cpu_process: samples,
		memory_process_mb: samples,
		memory_machine_mb: samples,
		event_loop_delay_ms: samples,
		disk_free_mb: samples,
		load: samples,
	})
	.openapi("Resources", { description: "Half an hour of samples, columns of equal length" });

const tags = ["Survey"];

export const surveyRoutes: Routes = (app, { store, resources: history }) => {
	app.openapi(
		createRoute({
			method: "get",
			path: "/api/v1/survey",
			tags,
			summary: "How much there is",
			request: { query: noQuery },
			responses: jsonAnswers(survey, "Counts and the range of time"),
		}),
		async (c) => c.json(await surveySummary(store.database), 200),
	);
	app.openapi(
		createRoute({
			method: "get",
			path: "/api/v1/fields",
			tags,
			summary: "Fields of the survey",
			request: { query: noQuery },
			responses: jsonAnswers(z.object({ items: z.array(field) }), "Every field"),
		}),
		async (c) => c.json({ items: await listFields(store.database) }, 200),
	);
	app.openapi(
		createRoute({
			method: "get",
			path: "/api/v1/bands",
			tags,
			summary: "Subbands in ascending frequency",
			request: { query: noQuery },
			responses: jsonAnswers(z.object({ items: z.array(band) }), "Every subband"),
		}),
		async (c) => c.json({ items: await listBands(store.database) }, 200),
	);
	app.openapi(
		createRoute({
			method: "get",
			path: "/api/v1/error-rates",
			tags: ["Runs"],
			summary: "Share of units that failed, by stage",
			request: {
				query: z.strictObject({
					hours: numberParameter(0.1, 8760, "Look back this far, hours (24 unless told)").optional(),
				}),
			},
			responses: jsonAnswers(z.object({ items: z.array(errorRate) }), "By stage"),
		}),
		async (c) => c.json({ items: await stageErrorRates(store.database, c.req.valid("query").hours ?? 24) }, 200),
	);
	app.openapi(
		createRoute({
			method: "get",
			path: "/api/v1/resources",
			tags: ["Operation"],
			summary: "What the machine and this process used lately",
			request: { query: noQuery },
			responses: jsonAnswers(resources, "Samples of the last half hour"),
		}),
		(c) => c.json(history.columns, 200),
	);
};
