import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { badInput } from "../../error.ts";
import type { Routes } from "../context.ts";
import { COMPONENTS, type Component, type HealthStatus } from "../health.ts";
import { noQuery } from "../parameters.ts";

const status = z.enum(["pass", "warn", "fail"]);
const component = z.object({
	status,
	output: z.string(),
	observedValue: z.number().optional(),
	observedUnit: z.string().optional(),
	time: z.string(),
});
const overall = z
	.object({ status, checks: z.record(z.string(), component) })
	.openapi("Health", { description: "After draft-inadarei-api-health-check" });

const HEALTH_JSON = "application/health+json";
const tags = ["Health"];
const answers = <T extends z.ZodType>(schema: T) => ({
	200: { description: "Well enough", content: { [HEALTH_JSON]: { schema } } },
	503: { description: "Not well", content: { [HEALTH_JSON]: { schema } } },
});

const answer = <T extends { status: HealthStatus }>(c: Context, health: T) => {
	c.header("Cache-Control", "no-store");
	const headers = { "Content-Type": HEALTH_JSON };
	return health.status === "fail" ? c.json(health, 503, headers) : c.json(health, 200, headers);
};

export const healthRoutes: Routes = (app, { health }) => {
	app.openapi(
		createRoute({
			method: "get",
			path: "/health/live",
			tags,
			summary: "The process answers",
			request: { query: noQuery },
			responses: answers(z.object({ status, uptime_seconds: z.number() })),
		}),
		(c) => answer(c, { status: "pass" as HealthStatus, uptime_seconds: Math.round(process.uptime()) }),
	);
	app.openapi(
		createRoute({
			method: "get",
			path: "/health/ready",
			tags,
			summary: "All that is needed to serve is there",
			request: { query: noQuery },
			responses: answers(overall),
		}),
		async (c) => answer(c, await health.all()),
	);
	app.openapi(
		createRoute({
			method: "get",
			path: "/health/{component}",
			tags,
			summary: `One part: ${COMPONENTS.join(", ")}`,
			request: { params: z.object({ component: z.string() }), query: noQuery },
			responses: answers(component),
		}),
		async (c) => {
			const { component: name } = c.req.valid("param");
			if (!(COMPONENTS as readonly string[]).includes(name)) {
				throw badInput("no-component", "there is no such part", {
					subject: name,
					remedy: `One of live, ready, ${COMPONENTS.join(", ")}`,
				});
			}
			return answer(c, await health.check(name as Component));
		},
	);
};
