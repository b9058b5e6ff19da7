import { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { compress } from "hono/compress";
import { methodNotAllowed } from "hono/method-not-allowed";
import { routePath } from "hono/route";
import { badInput } from "../error.ts";
import { httpRequests } from "../observability/metrics.ts";
import { contextOf, inSpan, untraced } from "../observability/tracing.ts";
import type { ServiceContext } from "./context.ts";
import type { DashboardFiles } from "./dashboard-files.ts";
import { documentation } from "./documentation.ts";
import { bodySize, isExpected, knownHost, sameOrigin, securityHeaders, timeLimit } from "./guards.ts";
import { problemOf, problemResponse, validationProblem } from "./problem.ts";
import { candidateModelRoutes } from "./routes/candidate-model.ts";
import { candidateRoutes } from "./routes/candidates.ts";
import { deadLetterRoutes } from "./routes/dead-letters.ts";
import { detectionRoutes } from "./routes/detection.ts";
import { eventRoutes } from "./routes/events.ts";
import { exportRoutes } from "./routes/exports.ts";
import { healthRoutes } from "./routes/health.ts";
import { imageRoutes } from "./routes/images.ts";
import { metricsRoutes } from "./routes/metrics.ts";
import { photometryRoutes } from "./routes/photometry.ts";
import { runRoutes } from "./routes/runs.ts";
import { sourceRoutes } from "./routes/sources.ts";
import { surveyRoutes } from "./routes/survey.ts";

const LONGEST_ANSWER_MS = 30_000;

const ROUTES = [
	healthRoutes,
	metricsRoutes,
	surveyRoutes,
	imageRoutes,
	sourceRoutes,
	candidateRoutes,
	candidateModelRoutes,
	photometryRoutes,
	runRoutes,
	detectionRoutes,
	deadLetterRoutes,
	exportRoutes,
	eventRoutes,
];

function notAllowed(c: Context, methods: string[]): Response {
	const allowed = methods.join(", ");
	c.header("Allow", allowed);
	const refused = badInput("not-allowed-method", `takes no ${c.req.method}`, {
		subject: c.req.path,
		remedy: `Use one of ${allowed}`,
	});
	return problemResponse(c, problemOf(refused, c.req.path));
}

/** The whole HTTP face of Caustic: API, health, metrics and dashboard. */
export function createApp(context: ServiceContext, dashboard: DashboardFiles): OpenAPIHono {
	const { log, loaded } = context;
	const { host, allowed_hosts } = loaded.config.service;
	const app = new OpenAPIHono({
		strict: false,
		defaultHook: (result, c) => {
			if (!result.success) return problemResponse(c, validationProblem(result.target, result.error, c.req.path));
			return undefined;
		},
	});

	app.onError((error, c) => {
		const problem = problemOf(error, c.req.path);
		if (problem.status >= 500) {
			const detail = isExpected(error) ? { reason: String(error) } : { stack: error.stack };
			log.error({ method: c.req.method, path: c.req.path, ...detail }, "request_failed");
		}
		return problemResponse(c, problem);
	});

	app.use(async (c, next) => {
		const begun = performance.now();
		const isRead = c.req.method === "GET" || c.req.method === "HEAD";
		// Reads are asked all day by every open page: only what changes something is worth a stored trace.
		await (isRead
			? untraced(next)
			: inSpan(`http ${c.req.method}`, { path: c.req.path }, next, contextOf(c.req.header("traceparent"))));
		const seconds = (performance.now() - begun) / 1000;
		const path = routePath(c, -1);
		const route = path === "*" || path === "/*" ? "dashboard" : path;
		httpRequests.observe({ route, method: c.req.method, status: `${Math.floor(c.res.status / 100)}xx` }, seconds);
		log[isRead ? "debug" : "info"](
			{ method: c.req.method, route, status: c.res.status, duration_seconds: Math.round(seconds * 1e4) / 1e4 },
			"http_request",
		);
	});
	app.use(securityHeaders);
	app.use(knownHost(host, allowed_hosts));
	app.use(compress());
	app.use(
		"/api/*",
		methodNotAllowed({ app, onMethodNotAllowed: notAllowed }),
		sameOrigin,
		bodySize,
		timeLimit(LONGEST_ANSWER_MS),
	);
	app.use("/api/v1/*", async (c, next) => {
		await next();
		c.header("Cache-Control", "no-store");
	});

	for (const add of ROUTES) add(app, context);
	documentation(app, context.version);

	app.notFound((c) => {
		const { path } = c.req;
		const isRead = c.req.method === "GET" || c.req.method === "HEAD";
		const found = isRead && !/^\/(api|health|metrics)(\/|$)/.test(path) ? dashboard.answer(c) : undefined;
		if (found !== undefined) return found;
		const missing = badInput("no-route", "there is nothing at this address", {
			subject: path,
			remedy: "See /api/docs",
		});
		return problemResponse(c, problemOf(missing, path));
	});
	return app;
}
