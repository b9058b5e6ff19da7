import type { Queryable } from "../database.ts";

/** Every source as one point, in columns of equal length: what the sky map and the eta-V plane draw. */
export interface StatisticsColumns {
	source_id: number[];
	name: string[];
	ra_deg: number[];
	dec_deg: number[];
	/** Weighted mean flux of the subband, or the mean of the subbands' means, Jy/beam. */
	mean_flux_jy: (number | null)[];
	eta: (number | null)[];
	v: (number | null)[];
	n_measurements: number[];
	significance: (number | null)[];
	/** Tier of the source's open or confirmed candidate. */
	candidate_tier: (string | null)[];
	/** Sources that match; more than are given when the limit cut the list, the least variable first. */
	total: number;
}

export async function statisticsColumns(
	db: Queryable,
	filter: { bandId?: number | undefined; fieldId?: number | undefined; limit: number },
): Promise<StatisticsColumns> {
	const state =
		filter.bandId === undefined
			? "SELECT source_id, avg(weighted_mean_jy) AS mean_flux_jy, max(eta) AS eta, max(v) AS v, sum(n) AS n FROM light_curve_state GROUP BY source_id"
			: "SELECT source_id, weighted_mean_jy AS mean_flux_jy, eta, v, n FROM light_curve_state WHERE band_id = $3";
	const values: unknown[] = [filter.limit, filter.fieldId ?? null];
	if (filter.bandId !== undefined) values.push(filter.bandId);
	const rows = await db.query<{
		id: number;
		name: string;
		ra_deg: number;
		dec_deg: number;
		mean_flux_jy: number | null;
		eta: number | null;
		v: number | null;
		n: number;
		significance: number | null;
		tier: string | null;
		total: number;
	}>(
		"statistics columns",
		`WITH state AS (${state}), live AS (SELECT DISTINCT ON (source_id) source_id, tier FROM candidate
		  WHERE status IN ('open', 'confirmed') ORDER BY source_id, significance DESC)
		 SELECT source.id, source.name, source.ra_deg, source.dec_deg, state.mean_flux_jy, state.eta, state.v, coalesce(state.n, 0)::int AS n,
		 score.significance, live.tier, count(*) OVER ()::int AS total
		 FROM source ${filter.bandId === undefined ? "LEFT " : ""}JOIN state ON state.source_id = source.id
		 LEFT JOIN source_score AS score ON score.source_id = source.id LEFT JOIN live ON live.source_id = source.id
		 WHERE $2::bigint IS NULL OR source.field_id = $2
		 ORDER BY live.tier IS NULL, state.eta DESC NULLS LAST, source.id LIMIT $1`,
		values,
	);
	return {
		source_id: rows.map((row) => row.id),
		name: rows.map((row) => row.name),
		ra_deg: rows.map((row) => row.ra_deg),
		dec_deg: rows.map((row) => row.dec_deg),
		mean_flux_jy: rows.map((row) => row.mean_flux_jy),
		eta: rows.map((row) => row.eta),
		v: rows.map((row) => row.v),
		n_measurements: rows.map((row) => row.n),
		significance: rows.map((row) => row.significance),
		candidate_tier: rows.map((row) => row.tier),
		total: rows[0]?.total ?? 0,
	};
}
