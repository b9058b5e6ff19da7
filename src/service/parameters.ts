import { z } from "@hono/zod-openapi";
import { LARGEST_PAGE } from "../store/read/cursor.ts";

/** Values in addresses are text: they are read strictly, so that an empty or half-numeric value is no number. */
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

export const numberParameter = (low: number, high: number, description: string) =>
	z
		.string()
		.regex(NUMBER, `expected a number from ${low} to ${high}`)
		.transform(Number)
		.refine((value) => value >= low && value <= high, `expected a number from ${low} to ${high}`)
		.openapi({ type: "number", minimum: low, maximum: high, description });

export const integerParameter = (low: number, high: number, description: string) =>
	z
		.string()
		.regex(/^-?\d{1,16}$/, `expected a whole number from ${low} to ${high}`)
		.transform(Number)
		.refine((value) => value >= low && value <= high, `expected a whole number from ${low} to ${high}`)
		.openapi({ type: "integer", minimum: low, maximum: high, description });

const LARGEST_ID = Number.MAX_SAFE_INTEGER;
export const idParameter = (description: string) => integerParameter(1, LARGEST_ID, description);

export const textParameter = (description: string, longest = 200) =>
	z.string().min(1).max(longest).openapi({ description });

/** Several names joined by commas. */
export const listParameter = <const T extends readonly [string, ...string[]]>(names: T, description: string) =>
	z
		.string()
		.transform((text) => text.split(","))
		.pipe(z.array(z.enum(names, `expected of ${names.join(", ")}, joined by commas`)).max(names.length))
		.openapi({ type: "string", description: `${description}: ${names.join(", ")}, joined by commas` });

/** `limit` and `cursor` of a list. */
export const paging = (usual = 100, most = LARGEST_PAGE) => ({
	limit: integerParameter(1, most, `Rows of a page (${usual} unless told)`)
		.optional()
		.transform((value) => value ?? usual)
		.openapi({ type: "integer", minimum: 1, maximum: most, default: usual, description: "Rows of a page" }),
	cursor: textParameter("next_cursor of the page before", 2000).optional(),
});

/** A list's answer. */
export const pageOf = <T extends z.ZodType>(item: T) =>
	z.object({
		items: z.array(item),
		next_cursor: z
			.string()
			.nullable()
			.openapi({ description: "Give it as `cursor` for the next page; null at the end" }),
	});

/** No parameters: any is an error. */
export const noQuery = z.strictObject({});

/** A nullable number with its meaning. */
export const quantity = (description: string) => z.number().nullable().openapi({ description });
export const moment = () => z.string().openapi({ format: "date-time" });
export const freeObject = (description: string) => z.record(z.string(), z.unknown()).openapi({ description });
