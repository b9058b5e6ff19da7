import { decodeWatch, encodeWatch, type Watch } from "../detection/watch.ts";
import type { Queryable, Transaction } from "./database.ts";
import { bytesOf, doublesOf } from "./double-bytes.ts";
import { SCALED_VALUE } from "./measurements.ts";

export interface FreshPoint {
	source_id: number;
	band_id: number;
	mjd: number;
	flux: number | null;
	err: number | null;
	/** Level of the light curve, Jy, and its number of points. */
	level: number | null;
	n: number;
}

/** Points that a run has brought to restless sources (reduced chi-squared above `eta` in some band), source by source in time. */
export const freshPoints = (db: Queryable, runId: string, eta: number): Promise<FreshPoint[]> =>
	db.query<FreshPoint>(
		"fresh points",
		// Restlessness is asked source by source: rows of a run are new to the planner, which takes them for a single one
		// and would join them to themselves by nested loops.
		`WITH fresh AS MATERIALIZED (SELECT * FROM measurement WHERE run_id = $1 AND method = 'forced')
		 SELECT m.source_id, m.band_id, m.mjd, ${SCALED_VALUE}, l.weighted_mean_jy AS level, l.n
		 FROM fresh m JOIN light_curve_state l ON l.source_id = m.source_id AND l.band_id = m.band_id
		 CROSS JOIN LATERAL (SELECT max(r.eta) AS eta FROM light_curve_state r WHERE r.source_id = m.source_id) AS most
		 WHERE most.eta > $2::float8 ORDER BY m.source_id, m.mjd, m.band_id`,
		[runId, eta],
	);

/** Whether a run has brought points to any such source. */
export async function hasRestless(db: Queryable, runId: string, eta: number): Promise<boolean> {
	const [{ present }] = await db.query<{ present: boolean }>(
		"restless sources",
		`SELECT EXISTS (SELECT FROM light_curve_state r WHERE r.eta > $2::float8
		 AND r.source_id IN (SELECT source_id FROM measurement WHERE run_id = $1)) AS present`,
		[runId, eta],
	);
	return present;
}

export interface WatchedSource {
	id: number;
	ra_deg: number;
	dec_deg: number;
	field_id: number | null;
	/** Points of its light curves. */
	points: number;
	/** Newest day of an open or confirmed candidate and a half of its length: so long its event may go on. */
	under_review_until: number | null;
	state: Buffer | null;
}

/** What is known of sources, with the states of their filters. */
export async function watchedSources(
	db: Queryable,
	ids: number[],
): Promise<(Omit<WatchedSource, "state"> & { watch: Watch | null })[]> {
	const rows = await db.query<WatchedSource>(
		"watched sources",
		`SELECT s.id, s.ra_deg, s.dec_deg, s.field_id, coalesce(l.points, 0)::int AS points, c.until AS under_review_until, w.state
		 FROM source s LEFT JOIN detector_watch w ON w.source_id = s.id
		 LEFT JOIN (SELECT source_id, sum(n) AS points FROM light_curve_state WHERE source_id = ANY($1) GROUP BY source_id) l ON l.source_id = s.id
		 LEFT JOIN (SELECT source_id, max(end_mjd + 0.5 * (end_mjd - start_mjd)) AS until FROM candidate
		   WHERE status IN ('open', 'confirmed') GROUP BY source_id) c ON c.source_id = s.id
		 WHERE s.id = ANY($1) ORDER BY s.id`,
		[ids],
	);
	return rows.map(({ state, ...row }) => {
		if (state === null) return { ...row, watch: null };
		try {
			return { ...row, watch: decodeWatch([...doublesOf(state)]) };
		} catch {
			// A state of another version: the filter begins anew.
			return { ...row, watch: null };
		}
	});
}

export async function storeWatches(tx: Transaction, watches: readonly { id: number; watch: Watch }[]): Promise<void> {
	if (watches.length === 0) return;
	await tx.execute(
		"watch staging",
		"CREATE TEMPORARY TABLE IF NOT EXISTS watch_staging (source_id bigint, state bytea) ON COMMIT DROP",
	);
	await tx.copy(
		"watch_staging",
		[
			{ name: "source_id", value: (i) => watches[i].id },
			{ name: "state", value: (i) => bytesOf(encodeWatch(watches[i].watch)) },
		],
		watches.length,
	);
	await tx.execute(
		"store watches",
		`INSERT INTO detector_watch (source_id, state) SELECT source_id, state FROM watch_staging
		 ON CONFLICT (source_id) DO UPDATE SET state = excluded.state, updated_at = now()`,
	);
}
