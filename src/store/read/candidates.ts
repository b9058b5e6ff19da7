import type { Candidate, CandidateStatus, Tier } from "../candidates.ts";
import type { Queryable } from "../database.ts";
import { afterCursor, keyColumns, orderBy, type Page, type SortTerm, toPage } from "./cursor.ts";

export interface CandidateRow extends Candidate {
	source: string;
	ra_deg: number;
	dec_deg: number;
	/** When it was first stored. */
	created_at: Date | null;
}

export const CANDIDATE_ORDERS = ["queue", "significance", "newest"] as const;
export type CandidateOrder = (typeof CANDIDATE_ORDERS)[number];

const id: SortTerm = { sql: "candidate.id", type: "bigint" };
const ORDERS: Record<CandidateOrder, SortTerm[]> = {
	// What a reviewer should look at first: by tier, then the less likely false alarm, then the older one.
	queue: [
		{ sql: "CASE candidate.tier WHEN 'high' THEN 0 WHEN 'medium' THEN 1 ELSE 2 END::float8", type: "float8" },
		{ sql: "candidate.false_alarm_probability", type: "float8" },
		{ sql: "candidate.first_detected_mjd", type: "float8" },
		id,
	],
	significance: [{ sql: "-candidate.significance", type: "float8" }, id],
	newest: [
		{ sql: "-candidate.first_detected_mjd", type: "float8" },
		{ sql: "-candidate.id", type: "bigint" },
	],
};

const FROM = `FROM candidate JOIN source ON source.id = candidate.source_id
 LEFT JOIN candidate_event AS first ON first.candidate_id = candidate.id AND first.seq = 1`;
const COLUMNS = "candidate.*, source.name AS source, source.ra_deg, source.dec_deg, first.at AS created_at";

export interface CandidateFilter {
	status?: CandidateStatus[] | undefined;
	tier?: Tier[] | undefined;
	sourceId?: number | undefined;
	minSignificance?: number | undefined;
	sort: CandidateOrder;
	limit: number;
	cursor?: string | undefined;
}

export async function listCandidates(db: Queryable, filter: CandidateFilter): Promise<Page<CandidateRow>> {
	const terms = ORDERS[filter.sort];
	const values: unknown[] = [
		filter.status ?? null,
		filter.tier ?? null,
		filter.sourceId ?? null,
		filter.minSignificance ?? null,
		filter.limit + 1,
	];
	const after = afterCursor(terms, filter.sort, filter.cursor, values);
	const rows = await db.query<CandidateRow>(
		"list candidates",
		`SELECT ${COLUMNS}, ${keyColumns(terms)} ${FROM}
		 WHERE ($1::text[] IS NULL OR candidate.status = ANY($1)) AND ($2::text[] IS NULL OR candidate.tier = ANY($2))
		 AND ($3::bigint IS NULL OR candidate.source_id = $3) AND ($4::float8 IS NULL OR candidate.significance >= $4) AND ${after}
		 ORDER BY ${orderBy(terms)} LIMIT $5`,
		values,
	);
	return toPage(rows, filter.limit, filter.sort, terms.length);
}

export async function getCandidateRow(db: Queryable, candidateId: number): Promise<CandidateRow | undefined> {
	const rows = await db.query<CandidateRow>("candidate detail", `SELECT ${COLUMNS} ${FROM} WHERE candidate.id = $1`, [
		candidateId,
	]);
	return rows[0];
}

export interface CandidateCount {
	status: CandidateStatus;
	tier: Tier;
	n: number;
}

export const countCandidates = (db: Queryable): Promise<CandidateCount[]> =>
	db.query<CandidateCount>(
		"count candidates",
		"SELECT status, tier, count(*)::int AS n FROM candidate GROUP BY status, tier ORDER BY status, tier",
	);
