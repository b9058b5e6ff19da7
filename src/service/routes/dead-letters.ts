import { createRoute, z } from "@hono/zod-openapi";
import { badInput } from "../../error.ts";
import { getDeadLetter, setDeadLetterStatus } from "../../store/dead-letters.ts";
import { failurePatterns, pageDeadLetters } from "../../store/read/dead-letters.ts";
import { changeAnswers, jsonAnswers, oneAnswers } from "../answers.ts";
import type { Routes } from "../context.ts";
import { freeObject, idParameter, moment, noQuery, pageOf, paging, textParameter } from "../parameters.ts";

const STATUSES = ["open", "retried", "resolved"] as const;

const letter = z
	.object({
		id: z.number().int(),
		run_id: z.string().nullable(),
		stage: z.string(),
		unit: z.string(),
		subject: z.string().openapi({ description: "The input that could not be used" }),
		code: z.string(),
		reason: z.string(),
		remedy: z.string().nullable(),
		payload: freeObject("What is needed to run it again"),
		attempts: z.number().int(),
		status: z.enum(STATUSES),
		note: z.string().nullable(),
		created_at: moment(),
		updated_at: moment(),
	})
	.openapi("DeadLetter");

const pattern = z
	.object({
		stage: z.string(),
		code: z.string(),
		open: z.number().int(),
		total: z.number().int(),
		latest_reason: z.string(),
		latest_at: moment(),
	})
	.openapi("FailurePattern");

const params = z.object({ id: idParameter("Dead letter") });
const tags = ["Dead letters"];
const missing = (id: number) =>
	badInput("no-dead-letter", "there is no such dead letter", {
		subject: `dead letter ${id}`,
		remedy: "See /api/v1/dead-letters",
	});

export const deadLetterRoutes: Routes = (app, { store, log }) => {
	app.openapi(
		createRoute({
			method: "get",
			path: "/api/v1/dead-letters",
			tags,
			summary: "Inputs that could not be used, newest first",
			request: {
				query: z.strictObject({
					status: z.enum(STATUSES).optional().openapi({ description: "Only with this status" }),
					stage: textParameter("Only of this stage").optional(),
					...paging(),
				}),
			},
			responses: jsonAnswers(pageOf(letter), "A page of dead letters"),
		}),
		async (c) => c.json(await pageDeadLetters(store.database, c.req.valid("query")), 200),
	);
	app.openapi(
		createRoute({
			method: "get",
			path: "/api/v1/failure-patterns",
			tags,
			summary: "Kinds of failure by how often they happen",
			request: { query: noQuery },
			responses: jsonAnswers(z.object({ items: z.array(pattern) }), "By stage and code"),
		}),
		async (c) => c.json({ items: await failurePatterns(store.database) }, 200),
	);
	app.openapi(
		createRoute({
			method: "get",
			path: "/api/v1/dead-letters/{id}",
			tags,
			summary: "One dead letter",
			request: { params, query: noQuery },
			responses: oneAnswers(letter, "The dead letter"),
		}),
		async (c) => {
			const { id } = c.req.valid("param");
			const found = await getDeadLetter(store.database, id);
			if (found === undefined) throw missing(id);
			return c.json(found, 200);
		},
	);
	app.openapi(
		createRoute({
			method: "post",
			path: "/api/v1/dead-letters/{id}/resolve",
			tags,
			summary: "Put it aside, saying why",
			request: {
				params,
				query: noQuery,
				body: {
					required: true,
					content: {
						"application/json": {
							schema: z
								.strictObject({ note: z.string().trim().min(1).max(2000) })
								.openapi("Resolution", { example: { note: "copied again" } }),
						},
					},
				},
			},
			responses: changeAnswers(letter, "The dead letter after it"),
		}),
		async (c) => {
			const { id } = c.req.valid("param");
			const { note } = c.req.valid("json");
			await setDeadLetterStatus(store.database, id, "resolved", note);
			const found = await getDeadLetter(store.database, id);
			if (found === undefined) throw missing(id);
			log.info({ dead_letter: id, note }, "dead_letter_resolved");
			return c.json(found, 200);
		},
	);
};
