import type { Queryable } from "../database.ts";
import type { DeadLetter } from "../dead-letters.ts";
import { afterCursor, keyColumns, orderBy, type Page, type SortTerm, toPage } from "./cursor.ts";

const TERMS: SortTerm[] = [{ sql: "-id", type: "bigint" }];

/** Newest first. */
export async function pageDeadLetters(
	db: Queryable,
	filter: {
		status?: DeadLetter["status"] | undefined;
		stage?: string | undefined;
		limit: number;
		cursor?: string | undefined;
	},
): Promise<Page<DeadLetter>> {
	const values: unknown[] = [filter.status ?? null, filter.stage ?? null, filter.limit + 1];
	const after = afterCursor(TERMS, "dead-letters", filter.cursor, values);
	const rows = await db.query<DeadLetter>(
		"page dead letters",
		`SELECT *, ${keyColumns(TERMS)} FROM dead_letter WHERE ($1::text IS NULL OR status = $1) AND ($2::text IS NULL OR stage = $2) AND ${after}
		 ORDER BY ${orderBy(TERMS)} LIMIT $3`,
		values,
	);
	return toPage(rows, filter.limit, "dead-letters", TERMS.length);
}

/** A kind of failure and how often it happened: what to mend first. */
export interface FailurePattern {
	stage: string;
	code: string;
	open: number;
	total: number;
	latest_reason: string;
	latest_at: Date;
}

export const failurePatterns = (db: Queryable): Promise<FailurePattern[]> =>
	db.query<FailurePattern>(
		"failure patterns",
		`SELECT stage, code, count(*) FILTER (WHERE status = 'open')::int AS open, count(*)::int AS total,
		 (array_agg(reason ORDER BY id DESC))[1] AS latest_reason, max(updated_at) AS latest_at
		 FROM dead_letter GROUP BY stage, code ORDER BY open DESC, total DESC, stage, code`,
	);
