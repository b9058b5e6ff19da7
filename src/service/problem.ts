import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { ZodError } from "zod";
import { CausticError } from "../error.ts";
import { currentTraceId } from "../observability/tracing.ts";
import { isPassing } from "../store/database.ts";

/** A failure as RFC 9457 has it, with the code, field and remedy that every error of Caustic carries. */
export interface Problem {
	type: string;
	title: string;
	status: number;
	detail: string;
	instance: string;
	/** Stable and machine-readable. */
	code: string;
	/** What would mend it. */
	remedy?: string | undefined;
	/** Every field at fault. */
	errors?: { field: string; message: string }[] | undefined;
	trace_id?: string | undefined;
}

const STATUS_OF_CODE: Record<string, ContentfulStatusCode> = {
	"out-of-date": 409,
	"not-in-that-state": 409,
	"not-allowed-origin": 403,
	"not-allowed-method": 405,
	"not-allowed-host": 421,
	"too-large": 413,
	"not-json": 415,
	"too-many-streams": 503,
	"too-slow": 503,
	"no-queue": 503,
	"not-allowed-path": 403,
	"database-away": 503,
};

const TITLES: Record<number, string> = {
	400: "Bad request",
	403: "Forbidden",
	404: "Not found",
	405: "Method not allowed",
	409: "Conflict",
	413: "Content too large",
	415: "Unsupported media type",
	421: "Misdirected request",
	500: "Internal error",
	503: "Not available now",
};

const statusOf = (error: CausticError): ContentfulStatusCode =>
	STATUS_OF_CODE[error.code] ??
	(/^no-(image|source|candidate|run|dead-letter|epoch|field|route|component|job|report|image-file|model)$/.test(
		error.code,
	)
		? 404
		: error.blame === "input"
			? 400
			: 500);

const problemType = (code: string) => `/api/docs#${code}`;

/** What a client is told about an error. Of a defect it learns nothing but that there is one; the log has the rest. */
export function problemOf(error: unknown, instance: string): Problem {
	const trace = { trace_id: currentTraceId() };
	if (error instanceof CausticError) {
		const status = statusOf(error);
		return {
			type: problemType(error.code),
			title: TITLES[status] ?? "Error",
			status,
			detail: `${error.subject === undefined ? "" : `${error.subject}: `}${error.message}`,
			instance,
			code: error.code,
			remedy: error.remedy,
			...(status === 400 && error.subject !== undefined
				? { errors: [{ field: error.subject, message: error.message }] }
				: {}),
			...trace,
		};
	}
	if (error instanceof HTTPException) {
		const code = error.status === 400 ? "bad-request" : error.status === 405 ? "not-allowed-method" : "http";
		return {
			type: problemType(code),
			title: TITLES[error.status] ?? "Error",
			status: error.status,
			detail: error.message,
			instance,
			code,
			...trace,
		};
	}
	if (isPassing(error)) {
		return {
			type: problemType("database-away"),
			title: TITLES[503],
			status: 503,
			detail: "the database does not answer",
			instance,
			code: "database-away",
			remedy: "Try again later",
			...trace,
		};
	}
	return {
		type: problemType("unexpected"),
		title: TITLES[500],
		status: 500,
		detail: "an unexpected failure; the log tells more",
		instance,
		code: "unexpected",
		...trace,
	};
}

const PROBLEM_JSON = "application/problem+json";

export function problemResponse(c: Context, problem: Problem): Response {
	if (problem.status === 503) c.header("Retry-After", "5");
	c.header("Cache-Control", "no-store");
	return c.body(JSON.stringify(problem), problem.status as ContentfulStatusCode, { "Content-Type": PROBLEM_JSON });
}

const WHERE: Record<string, string> = { query: "query", param: "path", json: "body", header: "header" };

/** The fields of a request that do not fit, each by its name. */
export function validationProblem(target: string, error: ZodError, instance: string): Problem {
	const errors = error.issues.flatMap((issue) => {
		const path = issue.path.map(String).join(".");
		if (issue.code === "unrecognized_keys") {
			return issue.keys.map((key) => ({
				field: path === "" ? key : `${path}.${key}`,
				message: "there is no such field",
			}));
		}
		const message = issue.message.replace(/^Invalid input: /, "");
		return [{ field: path === "" ? (WHERE[target] ?? target) : path, message }];
	});
	const [first] = errors;
	return {
		type: problemType("bad-request"),
		title: TITLES[400],
		status: 400,
		detail: `${first.field}: ${first.message}`,
		instance,
		code: "bad-request",
		remedy: "See /api/docs for what is accepted",
		errors,
	};
}
