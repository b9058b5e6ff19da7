import { createRoute, z } from "@hono/zod-openapi";
import { badInput } from "../../error.ts";
import {
	CANDIDATE_STATUSES,
	candidateHistory,
	REJECTION_REASONS,
	REVIEW_KINDS,
	review,
	TIERS,
} from "../../store/candidates.ts";
import { CANDIDATE_ORDERS, countCandidates, getCandidateRow, listCandidates } from "../../store/read/candidates.ts";
import { changeAnswers, jsonAnswers, oneAnswers } from "../answers.ts";
import type { Routes } from "../context.ts";
import {
	freeObject,
	idParameter,
	listParameter,
	moment,
	noQuery,
	numberParameter,
	pageOf,
	paging,
	quantity,
} from "../parameters.ts";

const shape = {
	id: z.number().int(),
	source_id: z.number().int(),
	source: z.string(),
	ra_deg: z.number(),
	dec_deg: z.number(),
	status: z.enum(CANDIDATE_STATUSES),
	significance: z.number().openapi({ description: "Gaussian sigmas equivalent to the false-alarm probability" }),
	false_alarm_probability: z.number(),
	tier: z.enum(TIERS),
	first_detected_mjd: z.number().openapi({ description: "Epoch at which it was first to be seen" }),
	start_mjd: z.number(),
	peak_mjd: z.number(),
	end_mjd: z.number(),
	depth: quantity("Share of the flux lost at the deepest"),
	duration_days: z.number().nullable(),
	chromaticity: z.number().nullable(),
	statistic: z.number().nullable(),
	n_measurements: z.number().int(),
	flags: z.string(),
	explanation: freeObject("What the score consists of"),
	merged_into: z.number().int().nullable(),
	last_seq: z.number().int().openapi({ description: "Give it back as expected_seq with a verdict" }),
	created_at: moment().nullable(),
};
const candidate = z.object(shape).openapi("Candidate");

const historyEvent = z
	.object({
		candidate_id: z.number().int(),
		seq: z.number().int(),
		kind: z.enum(["detected", "updated", "commented", "confirmed", "rejected", "reopened", "merged"]),
		at: moment(),
		actor: z.string(),
		reason_class: z.enum(REJECTION_REASONS).nullable(),
		reason: z.string().nullable(),
		snapshot: freeObject("The score at that time"),
	})
	.openapi("CandidateEvent");

const count = z.object({ status: z.enum(CANDIDATE_STATUSES), tier: z.enum(TIERS), n: z.number().int() });

const verdict = {
	expected_seq: z.number().int().min(0).openapi({ description: "last_seq of the candidate as it was seen" }),
	actor: z.string().trim().min(1).max(200).openapi({ description: "Who judges" }),
	reason: z.string().max(10_000).optional(),
};
const seen = { expected_seq: 1, actor: "reviewer" };
const BODIES = {
	confirm: z.strictObject(verdict).openapi("Confirmation", { example: seen }),
	reopen: z.strictObject(verdict).openapi("Reopening", { example: seen }),
	comment: z
		.strictObject({ ...verdict, reason: z.string().trim().min(1).max(10_000) })
		.openapi("Comment", { example: { ...seen, reason: "ask for an observation at 5 GHz" } }),
	reject: z
		.strictObject({ ...verdict, reason_class: z.enum(REJECTION_REASONS) })
		.openapi("Rejection", { example: { ...seen, reason_class: "calibration", reason: "gain jump at the peak" } }),
};
const SUMMARIES = {
	confirm: "Confirm: it is an extreme scattering event",
	reject: "Reject, with the class of the reason",
	reopen: "Open it again",
	comment: "Say something about it",
};

const params = z.object({ id: idParameter("Candidate") });
const tags = ["Candidates"];
const missing = (id: number) =>
	badInput("no-candidate", "there is no such candidate", {
		subject: `candidate ${id}`,
		remedy: "See /api/v1/candidates",
	});

export const candidateRoutes: Routes = (app, { store, log }) => {
	app.openapi(
		createRoute({
			method: "get",
			path: "/api/v1/candidates",
			tags,
			summary: "Candidates, in the order in which to look at them",
			request: {
				query: z.strictObject({
					status: listParameter(CANDIDATE_STATUSES, "Only with these").optional(),
					tier: listParameter(TIERS, "Only of these").optional(),
					source: idParameter("Only of this source").optional(),
					min_significance: numberParameter(0, 100, "Only at least this significant").optional(),
					sort: z.enum(CANDIDATE_ORDERS).optional().openapi({
						description: "queue (tier, false-alarm probability, age), significance or newest",
						default: "queue",
					}),
					...paging(),
				}),
			},
			responses: jsonAnswers(pageOf(candidate), "A page of candidates"),
		}),
		async (c) => {
			const { status, tier, source, min_significance, sort, limit, cursor } = c.req.valid("query");
			const page = await listCandidates(store.database, {
				status,
				tier,
				sourceId: source,
				minSignificance: min_significance,
				sort: sort ?? "queue",
				limit,
				cursor,
			});
			return c.json(page, 200);
		},
	);
	app.openapi(
		createRoute({
			method: "get",
			path: "/api/v1/candidate-counts",
			tags,
			summary: "How many candidates, by status and tier",
			request: { query: noQuery },
			responses: jsonAnswers(z.object({ items: z.array(count) }), "Counts"),
		}),
		async (c) => c.json({ items: await countCandidates(store.database) }, 200),
	);
	app.openapi(
		createRoute({
			method: "get",
			path: "/api/v1/candidates/{id}",
			tags,
			summary: "One candidate",
			request: { params, query: noQuery },
			responses: oneAnswers(candidate, "The candidate"),
		}),
		async (c) => {
			const { id } = c.req.valid("param");
			const found = await getCandidateRow(store.database, id);
			if (found === undefined) throw missing(id);
			return c.json(found, 200);
		},
	);
	app.openapi(
		createRoute({
			method: "get",
			path: "/api/v1/candidates/{id}/history",
			tags,
			summary: "Everything that happened to it, oldest first, with the score at each time",
			request: { params, query: noQuery },
			responses: oneAnswers(z.object({ items: z.array(historyEvent) }), "The history"),
		}),
		async (c) => {
			const { id } = c.req.valid("param");
			const items = await candidateHistory(store.database, id);
			if (items.length === 0 && (await getCandidateRow(store.database, id)) === undefined) throw missing(id);
			return c.json({ items }, 200);
		},
	);
	for (const kind of REVIEW_KINDS) {
		app.openapi(
			createRoute({
				method: "post",
				path: `/api/v1/candidates/{id}/${kind}`,
				tags,
				summary: SUMMARIES[kind],
				request: {
					params,
					query: noQuery,
					body: { required: true, content: { "application/json": { schema: BODIES[kind] } } },
				},
				responses: changeAnswers(
					z.object({ candidate, event: historyEvent }),
					"The candidate after it, and the event that records it",
				),
			}),
			async (c) => {
				const { id } = c.req.valid("param");
				const body: z.infer<(typeof BODIES)["reject"] | (typeof BODIES)["confirm"]> = c.req.valid("json");
				const { event } = await store.database.transaction("review", (tx) =>
					review(tx, {
						candidateId: id,
						expectedSeq: body.expected_seq,
						kind,
						actor: body.actor,
						reason: body.reason,
						reasonClass: "reason_class" in body ? body.reason_class : undefined,
					}),
				);
				log.info({ candidate: id, kind, actor: event.actor, seq: event.seq }, "candidate_reviewed");
				const after = await getCandidateRow(store.database, id);
				if (after === undefined) throw missing(id);
				return c.json({ candidate: after, event }, 200);
			},
		);
	}
};
