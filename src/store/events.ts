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
	"StatisticsUpdated",
	"ESECandidateDetected",
	"ESECandidateReviewed",
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
 * Events after `afterSeq`, oldest first. Numbers are given when a row is written but seen when its transaction
 * commits; rows of transactions that may still commit below are held back so that no reader skips one.
 */
export function readEvents(
	db: Queryable,
	afterSeq: number,
	limit = 500,
	types: readonly EventType[] = EVENT_TYPES,
): Promise<StoredEvent[]> {
	return db.query<StoredEvent>(
		"read events",
		`SELECT seq, id, type, source, subject, time, data, trace_parent FROM event
		 WHERE seq > $1 AND type = ANY($3) AND transaction_id < pg_snapshot_xmin(pg_current_snapshot())
		 ORDER BY seq LIMIT $2`,
		[afterSeq, limit, types],
	);
}
