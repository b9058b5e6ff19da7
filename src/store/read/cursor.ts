import { badInput } from "../../error.ts";

/**
 * Lists are paged by keyset: the cursor is the sort key of the last row shown, so that rows that arrive or go meanwhile
 * neither repeat nor hide others. It is opaque to clients and bound to the order it was made for.
 */
export type CursorValue = string | number;

export interface Page<T> {
	items: T[];
	/** Give it back as `cursor` for the rows that follow; null at the end. */
	next_cursor: string | null;
}

/** Rows of one page; a list never gives more at once. */
export const LARGEST_PAGE = 1000;

export const encodeCursor = (order: string, values: CursorValue[]): string =>
	Buffer.from(JSON.stringify([order, ...values.map(String)])).toString("base64url");

/** @throws CausticError `bad-cursor` when it is none, or one of another order */
export function decodeCursor(cursor: string, order: string, length: number): string[] {
	let parts: unknown;
	try {
		parts = JSON.parse(Buffer.from(cursor, "base64url").toString("utf8"));
	} catch {
		parts = undefined;
	}
	if (
		!Array.isArray(parts) ||
		parts.length !== length + 1 ||
		parts[0] !== order ||
		!parts.every((part) => typeof part === "string")
	) {
		throw badInput("bad-cursor", "is no cursor of this list in this order", {
			subject: "cursor",
			remedy: "Use next_cursor of the page before, with the same filters and order",
		});
	}
	return parts.slice(1) as string[];
}

/** One term of a sort key. The expression must never be NULL; a falling order is written as a negated number. */
export interface SortTerm {
	sql: string;
	type: "float8" | "bigint" | "text" | "timestamptz";
}

/** `WHERE` condition that begins after a cursor, or `true`; its values are appended to `values`. */
export function afterCursor(terms: SortTerm[], order: string, cursor: string | undefined, values: unknown[]): string {
	if (cursor === undefined) return "true";
	const parts = decodeCursor(cursor, order, terms.length);
	for (const [i, term] of terms.entries()) {
		const isNumber = term.type === "float8" || term.type === "bigint";
		const pattern = term.type === "bigint" ? /^-?\d{1,18}$/ : /^-?(\d+(\.\d+)?(e[+-]?\d+)?|Infinity)$/;
		if (isNumber && !pattern.test(parts[i])) {
			throw badInput("bad-cursor", "is no cursor of this list", {
				subject: "cursor",
				remedy: "Use next_cursor of the page before",
			});
		}
	}
	const places = parts.map((part, i) => {
		values.push(part);
		return `$${values.length}::${terms[i].type}`;
	});
	return `(${terms.map((term) => term.sql).join(", ")}) > (${places.join(", ")})`;
}

/**
 * Cuts a page from rows of which one more than `limit` was asked for; the sort key of each row stands in its `key0`,
 * `key1`, ... columns, which are taken off.
 */
export function toPage<T extends object>(rows: T[], limit: number, order: string, terms: number): Page<T> {
	const last = rows.length > limit ? (rows[limit - 1] as Record<string, CursorValue>) : undefined;
	const items = rows.slice(0, limit).map((row) => {
		const rest = { ...row } as Record<string, unknown>;
		for (let i = 0; i < terms; i++) delete rest[`key${i}`];
		return rest as T;
	});
	const next =
		last === undefined
			? null
			: encodeCursor(
					order,
					Array.from({ length: terms }, (_, i) => last[`key${i}`]),
				);
	return { items, next_cursor: next };
}

/** The sort key as columns `key0`, `key1`, ... for a SELECT list. */
export const keyColumns = (terms: SortTerm[]): string => terms.map((term, i) => `${term.sql} AS key${i}`).join(", ");

export const orderBy = (terms: SortTerm[]): string => terms.map((term) => term.sql).join(", ");
