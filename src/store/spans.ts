import type { SpanRecord } from "../observability/tracing.ts";
import type { Database, Queryable } from "./database.ts";

export interface StoredSpan {
	trace_id: string;
	span_id: string;
	parent_span_id: string | null;
	name: string;
	start_ms: number;
	duration_ms: number;
	failed: boolean;
	attributes: Record<string, unknown>;
}

/** A sink for finished spans. Its own statements are not traced, or storing spans would make spans without end. */
export const spanSink = (database: Database) => (spans: SpanRecord[]) => database.storeSpans(spans);

export const spansOfTrace = (db: Queryable, traceId: string): Promise<StoredSpan[]> =>
	db.query<StoredSpan>("spans of trace", "SELECT * FROM span WHERE trace_id = $1 ORDER BY start_ms", [traceId]);
