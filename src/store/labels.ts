import type { Queryable, Transaction } from "./database.ts";

/** A candidate with a verdict, or one that a known or hand-made detection speaks of. */
export interface LabelledRow {
	candidate_id: number;
	source: string;
	significance: number;
	tier: string;
	depth: number | null;
	duration_days: number | null;
	chromaticity: number | null;
	statistic: number | null;
	explanation: Record<string, unknown>;
	eta: number | null;
	v: number | null;
	is_event: boolean;
	/** Who says so, when, and of what class a rejection is. */
	origin: "verdict" | "known" | "manual";
	actor: string;
	at: Date;
	reason_class: string | null;
}

const STATISTICS =
	"LEFT JOIN LATERAL (SELECT eta, v FROM light_curve_state l WHERE l.source_id = c.source_id ORDER BY n DESC, band_id LIMIT 1) AS l ON true";
const CANDIDATE =
	"c.id AS candidate_id, s.name AS source, c.significance, c.tier, c.depth, c.duration_days, c.chromaticity, c.statistic, c.explanation, l.eta, l.v";

/** The labelled set: the standing verdict on each candidate, and events that people named, in order of time. */
export const labelledCandidates = (db: Queryable): Promise<LabelledRow[]> =>
	db.query<LabelledRow>(
		"labelled candidates",
		`SELECT * FROM (
		   SELECT ${CANDIDATE}, c.status = 'confirmed' AS is_event, 'verdict' AS origin, e.actor, e.at, e.reason_class
		   FROM candidate c JOIN source s ON s.id = c.source_id ${STATISTICS}
		   JOIN LATERAL (SELECT actor, at, reason_class FROM candidate_event e WHERE e.candidate_id = c.id AND e.kind IN ('confirmed', 'rejected')
		     ORDER BY seq DESC LIMIT 1) AS e ON true
		   WHERE c.status IN ('confirmed', 'rejected')
		   UNION ALL
		   (SELECT DISTINCT ON (c.id) ${CANDIDATE}, b.is_event, b.origin, b.actor, b.at, NULL
		   FROM event_label b JOIN candidate c ON c.source_id = b.source_id AND c.start_mjd <= b.end_mjd AND c.end_mjd >= b.start_mjd
		   JOIN source s ON s.id = c.source_id ${STATISTICS} WHERE c.status = 'open' ORDER BY c.id, b.at DESC)
		 ) AS labelled ORDER BY at, candidate_id`,
	);

/** Candidates that wait for a verdict. */
export const unlabelledCandidates = (
	db: Queryable,
): Promise<Omit<LabelledRow, "is_event" | "origin" | "actor" | "at" | "reason_class">[]> =>
	db.query(
		"unlabelled candidates",
		`SELECT ${CANDIDATE} FROM candidate c JOIN source s ON s.id = c.source_id ${STATISTICS} WHERE c.status = 'open' ORDER BY c.significance DESC, c.id`,
	);

export interface NewLabel {
	sourceId: number;
	startMjd: number;
	endMjd: number;
	isEvent: boolean;
	origin: "known" | "manual";
	actor: string;
	note: string | undefined;
}

export const addLabel = (tx: Transaction, label: NewLabel): Promise<unknown> =>
	tx.execute(
		"add label",
		"INSERT INTO event_label (source_id, start_mjd, end_mjd, is_event, origin, actor, note) VALUES ($1, $2, $3, $4, $5, $6, $7)",
		[label.sourceId, label.startMjd, label.endMjd, label.isEvent, label.origin, label.actor, label.note ?? null],
	);

export interface NamedEvent {
	source: string;
	start_mjd: number;
	end_mjd: number;
	origin: string;
	actor: string;
	note: string | null;
	at: Date;
	/** The candidate that holds it, unless the detector missed it. */
	candidate_id: number | null;
}

/** Events that people named, with the candidate that found each: what the detector missed shows here alone. */
export const namedEvents = (db: Queryable): Promise<NamedEvent[]> =>
	db.query<NamedEvent>(
		"named events",
		`SELECT s.name AS source, b.start_mjd, b.end_mjd, b.origin, b.actor, b.note, b.at,
		 (SELECT min(c.id) FROM candidate c WHERE c.source_id = b.source_id AND c.status <> 'merged' AND c.start_mjd <= b.end_mjd AND c.end_mjd >= b.start_mjd) AS candidate_id
		 FROM event_label b JOIN source s ON s.id = b.source_id WHERE b.is_event ORDER BY b.start_mjd, b.id`,
	);

export interface AccuracyRow {
	month: string;
	tier: string;
	confirmed: number;
	rejected: number;
}

/** What became of the detector's candidates, by the month of the verdict and by tier. */
export const accuracyOverTime = (db: Queryable): Promise<AccuracyRow[]> =>
	db.query<AccuracyRow>(
		"accuracy over time",
		`SELECT to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM') AS month, c.tier,
		 count(*) FILTER (WHERE c.status = 'confirmed')::int AS confirmed, count(*) FILTER (WHERE c.status = 'rejected')::int AS rejected
		 FROM candidate c JOIN LATERAL (SELECT at FROM candidate_event e WHERE e.candidate_id = c.id AND e.kind IN ('confirmed', 'rejected')
		   ORDER BY seq DESC LIMIT 1) AS e ON true WHERE c.status IN ('confirmed', 'rejected') GROUP BY 1, 2 ORDER BY 1, 2`,
	);
