import { currentTraceparent } from "../observability/tracing.ts";
import type { Queryable, Transaction } from "./database.ts";

/** Everything that Caustic announces. A type is added here before anything may publish it. */
export const EVENT_TYPES = [
	"RunStarted",
	"RunCompleted",
	"ImageIngested",
	"ImageRejected",
	"SourcesFound",
	"PhotometryMeasurementCompleted",
	"NormalizationCompleted",
	"NormalizationAlert",
	"AdaptivePhotometryCompleted",
	"StatisticsUpdated",
	"ESECandidateDetected",
	"ESECandidateReviewed",
	"ArrivalGroupAccepted",
	"ArrivalGroupRejected",
	"ArrivalGroupReopened",
	"ArrivalGroupQuarantined",
	"SubbandDuplicated",
	"CalibrationSolved",
	"CalibrationRefused",
	"CalibrationTrend",
	"VisibilitiesConverted",
	"PipelineStageCompleted",
	"DeadLetterCreated",
	"DeadLetterRetried",
] as const;

export type EventType = (typeof EVENT_TYPES)[number];

/** An event in the shape of CloudEvents 1.0, with its place in the audit trail. */
export interface StoredEvent {
	seq: number;
	id: string;
	type: EventType;
	source: string;
	subject: string | null;
	time: Date;
	data: Record<string, unknown>;
	trace_parent: string | null;
	/** Of the transaction that announced it. */
	transaction_id: string;
}

/** Writes an event into the outbox, in the transaction whose result it announces: both are there or neither is. */
export async function publish(
	tx: Transaction,
	type: EventType,
	event: { source: string; subject?: string; data?: Record<string, unknown> },
): Promise<void> {
	await tx.execute(
		"publish",
		"INSERT INTO event (type, source, subject, data, trace_parent) VALUES ($1, $2, $3, $4, $5)",
		[type, event.source, event.subject ?? null, JSON.stringify(event.data ?? {}), currentTraceparent() ?? null],
	);
}

/**
 * Where a reader is: everything up to here it has seen. Written `TRANSACTION-SEQ`, since events are read in the order
 * of the transactions that announced them: the order of `seq` alone is not the order in which rows become visible, and
 * a reader that went by it would pass over one that was numbered early and committed late.
 */
export type EventPlace = string;

export const FIRST_PLACE: EventPlace = "0-0";

export const isEventPlace = (text: string): boolean => /^\d{1,19}-\d{1,16}$/.test(text);

export const placeOf = (event: Pick<StoredEvent, "transaction_id" | "seq">): EventPlace =>
	`${event.transaction_id}-${event.seq}`;

/** Rows of transactions that are over, as are all transactions begun before them: nothing can come before these any more. */
const SETTLED = "transaction_id < pg_snapshot_xmin(pg_current_snapshot())";

/** Events after a place, oldest first; those that may still be preceded by others are held back. */
export function readEvents(
	db: Queryable,
	after: EventPlace,
	limit = 500,
	types: readonly EventType[] = EVENT_TYPES,
): Promise<StoredEvent[]> {
	const [transaction, seq] = after.split("-");
	return db.query<StoredEvent>(
		"read events",
		`SELECT seq, id, type, source, subject, time, data, trace_parent, transaction_id::text FROM event
		 WHERE (transaction_id, seq) > ($1::text::xid8, $2::bigint) AND type = ANY($4) AND ${SETTLED}
		 ORDER BY event.transaction_id, seq LIMIT $3`,
		[transaction, seq, limit, types],
	);
}

/** Place of the newest event that may be read. */
export async function newestPlace(db: Queryable): Promise<EventPlace> {
	const rows = await db.query<{ transaction_id: string; seq: number }>(
		"newest event",
		`SELECT transaction_id::text, seq FROM event WHERE ${SETTLED} ORDER BY event.transaction_id DESC, seq DESC LIMIT 1`,
	);
	return rows.length === 0 ? FIRST_PLACE : placeOf(rows[0]);
}
