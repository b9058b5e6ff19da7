import type { Queryable, Row } from "../database.ts";

/** Subband groups for those who look: how many of each state, and the last ones. */
export interface ArrivalSummary {
	groups: Record<"open" | "complete" | "partial" | "rejected" | "quarantined", number>;
	/** Subband files that are known: of groups, rivals and copies. */
	files: number;
	/** Decisions that wait to be acted on. */
	waiting: number;
	/** Groups in work. */
	in_work: number;
	/** Seconds since the watcher last gave a sign; null when none watches. */
	watcher_silent_s: number | null;
	latest: ArrivalRow[];
}

export interface ArrivalRow {
	id: string;
	state: string;
	subbands: number;
	waited_s: number;
	run_id: string | null;
	run_status: string | null;
	product: Row;
}

const STATES = ["open", "complete", "partial", "rejected", "quarantined"] as const;

export async function arrivalSummary(db: Queryable, latest = 8): Promise<ArrivalSummary> {
	const counts = await db.query<{ state: (typeof STATES)[number]; n: number }>(
		"arrival states",
		"SELECT state, count(*)::int AS n FROM arrival_group GROUP BY state",
	);
	const [rest] = await db.query<{ files: number; waiting: number; in_work: number; watcher_silent_s: number | null }>(
		"arrival counts",
		`SELECT (SELECT count(*) FROM subband_file)::int AS files, (SELECT count(*) FROM arrival_decision)::int AS waiting,
		 (SELECT count(*) FROM run WHERE kind = 'visibilities' AND status = 'running')::int AS in_work,
		 (SELECT extract(epoch FROM now() - beat_at)::float8 FROM arrival_watch WHERE watcher <> '') AS watcher_silent_s`,
	);
	const rows = await db.query<ArrivalRow>(
		"latest arrivals",
		`SELECT g.id, g.state, g.waited_s, g.run_id, run.status AS run_status, g.product,
		 (SELECT count(*) FROM subband_file WHERE group_id = g.id AND role = 'member')::int AS subbands
		 FROM arrival_group g LEFT JOIN run ON run.id = g.run_id ORDER BY g.first_stamp_s DESC, g.id DESC LIMIT $1`,
		[latest],
	);
	const groups = Object.fromEntries(STATES.map((state) => [state, 0])) as ArrivalSummary["groups"];
	for (const { state, n } of counts) groups[state] = n;
	return { groups, ...rest, latest: rows };
}
