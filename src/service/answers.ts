import { z } from "@hono/zod-openapi";

export const problemSchema = z
	.object({
		type: z.string().openapi({ description: "Where the kind of problem is explained" }),
		title: z.string(),
		status: z.number().int(),
		detail: z.string(),
		instance: z.string(),
		code: z.string().openapi({ description: "Stable, for programs" }),
		remedy: z.string().optional(),
		errors: z.array(z.object({ field: z.string(), message: z.string() })).optional(),
		trace_id: z.string().optional(),
	})
	.openapi("Problem");

export const problem = (description: string) => ({
	description,
	content: { "application/problem+json": { schema: problemSchema } },
});

/** Answers of a route that gives JSON: the good one, and the problems that it may meet. */
export const jsonAnswers = <T extends z.ZodType>(schema: T, description: string) => ({
	200: { description, content: { "application/json": { schema } } },
	400: problem("A parameter does not fit; `errors` names each"),
	503: problem("The database does not answer"),
});

/** The same for one thing by its id. */
export const oneAnswers = <T extends z.ZodType>(schema: T, description: string) => ({
	...jsonAnswers(schema, description),
	404: problem("There is no such thing"),
});

/** An answer at once where the work is small, a job to poll where it is not. */
export const orderAnswers = <T extends z.ZodType>(job: T, description: string) => ({
	202: {
		description,
		headers: z.object({ Location: z.string().openapi({ description: "Where to ask how far it is" }) }),
		content: { "application/json": { schema: job } },
	},
	400: problem("A field does not fit; `errors` names each"),
	403: problem("The request comes from a page of another origin, or asks for what it may not"),
	413: problem("The body is too large"),
	415: problem("The body is not JSON"),
	503: problem("The database does not answer, or this service takes no work"),
});

/** The same for a question that is asked with a body. */
export const requestAnswers = <T extends z.ZodType>(schema: T, description: string) => ({
	...oneAnswers(schema, description),
	403: problem("The request comes from a page of another origin, or names a path outside the allowed folders"),
	413: problem("The body is too large"),
	415: problem("The body is not JSON"),
});

/** The same for a change of state. */
export const changeAnswers = <T extends z.ZodType>(schema: T, description: string) => ({
	...oneAnswers(schema, description),
	403: problem("The request comes from a page of another origin"),
	409: problem("The state has changed since it was read, or does not allow it"),
	413: problem("The body is too large"),
	415: problem("The body is not JSON"),
});
