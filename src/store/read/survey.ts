import type { Queryable } from "../database.ts";

/** How much there is: the first thing to look at. */
export interface SurveySummary {
	fields: number;
	epochs: number;
	bands: number;
	images: number;
	sources: number;
	measurements: number;
	candidates_open: number;
	candidates_confirmed: number;
	dead_letters_open: number;
	first_mjd: number | null;
	last_mjd: number | null;
	database_bytes: number;
}

export async function surveySummary(db: Queryable): Promise<SurveySummary> {
	// Exact while small; beyond that the planner's estimate, since counting a billion rows is no answer for a first page.
	const [row] = await db.query<SurveySummary & { measurements_estimate: number }>(
		"survey summary",
		`SELECT (SELECT count(*) FROM field)::int AS fields, (SELECT count(*) FROM epoch)::int AS epochs,
		 (SELECT count(*) FROM band)::int AS bands, (SELECT count(*) FROM image)::int AS images,
		 (SELECT count(*) FROM source)::int AS sources,
		 (SELECT greatest(reltuples, 0) FROM pg_class WHERE oid = 'measurement'::regclass)::float8 AS measurements_estimate,
		 (SELECT count(*) FROM candidate WHERE status = 'open')::int AS candidates_open,
		 (SELECT count(*) FROM candidate WHERE status = 'confirmed')::int AS candidates_confirmed,
		 (SELECT count(*) FROM dead_letter WHERE status = 'open')::int AS dead_letters_open,
		 (SELECT min(mjd) FROM epoch) AS first_mjd, (SELECT max(mjd) FROM epoch) AS last_mjd,
		 pg_database_size(current_database())::float8 AS database_bytes`,
	);
	const { measurements_estimate: estimate, ...summary } = row;
	if (estimate > 2e6) return { ...summary, measurements: Math.round(estimate) };
	const [{ measurements }] = await db.query<{ measurements: number }>(
		"count measurements",
		"SELECT count(*) AS measurements FROM measurement",
	);
	return { ...summary, measurements };
}
