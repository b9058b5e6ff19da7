import { badInput } from "../../error.ts";
import type { Queryable } from "../database.ts";
import { afterCursor, keyColumns, orderBy, type Page, type SortTerm, toPage } from "./cursor.ts";

export interface SourceRow {
	id: number;
	name: string;
	origin: "catalogue" | "found";
	ra_deg: number;
	dec_deg: number;
	ra_err_arcsec: number | null;
	dec_err_arcsec: number | null;
	catalogue_flux_jy: number | null;
	field_id: number | null;
	/** Mean over the subbands of the weighted mean flux, Jy/beam. */
	mean_flux_jy: number | null;
	/** Greatest of the subbands. */
	eta: number | null;
	/** Greatest of the subbands. */
	v: number | null;
	n_measurements: number;
	last_mjd: number | null;
	/** Gaussian sigmas equivalent to the false-alarm probability of the source. */
	significance: number | null;
	false_alarm_probability: number | null;
	/** Candidate of the source that is neither rejected nor merged, the most significant one. */
	candidate_id: number | null;
	candidate_tier: string | null;
	/** Distance from the centre of a cone search. */
	separation_arcsec: number | null;
}

export interface Cone {
	raDeg: number;
	decDeg: number;
	radiusDeg: number;
}

export const SOURCE_ORDERS = ["significance", "eta", "v", "flux", "name", "ra", "separation"] as const;
export type SourceOrder = (typeof SOURCE_ORDERS)[number];

const falling = (sql: string): SortTerm => ({ sql: `-coalesce(${sql}, '-Infinity')`, type: "float8" });
const id: SortTerm = { sql: "source.id", type: "bigint" };
const ORDERS: Record<SourceOrder, SortTerm[]> = {
	significance: [falling("score.significance"), id],
	eta: [falling("state.eta"), id],
	v: [falling("state.v"), id],
	flux: [falling("state.mean_flux_jy"), id],
	name: [{ sql: "source.name", type: "text" }, id],
	ra: [{ sql: "source.ra_deg", type: "float8" }, id],
	separation: [{ sql: "cone.separation_deg", type: "float8" }, id],
};

/** Great-circle distance in degrees by the haversine: exact near zero and across RA 0, unlike the cosine. */
const separation = (ra: string, dec: string) =>
	`degrees(2 * asin(least(1, sqrt(sind((source.dec_deg - ${dec}) / 2) ^ 2 + cosd(source.dec_deg) * cosd(${dec}) * sind((source.ra_deg - ${ra}) / 2) ^ 2))))`;

const COLUMNS = `source.id, source.name, origin, source.ra_deg, source.dec_deg, ra_err_arcsec, dec_err_arcsec, catalogue_flux_jy, source.field_id,
 state.mean_flux_jy, state.eta, state.v, coalesce(state.n, 0)::int AS n_measurements, state.last_mjd, score.significance, score.false_alarm_probability,
 candidate.id AS candidate_id, candidate.tier AS candidate_tier, cone.separation_deg * 3600 AS separation_arcsec`;
const JOINS = `LEFT JOIN LATERAL (SELECT avg(weighted_mean_jy) AS mean_flux_jy, max(eta) AS eta, max(v) AS v, sum(n) AS n, max(last_mjd) AS last_mjd
 FROM light_curve_state WHERE source_id = source.id) AS state ON true
 LEFT JOIN source_score AS score ON score.source_id = source.id
 LEFT JOIN LATERAL (SELECT id, tier FROM candidate WHERE source_id = source.id AND status IN ('open', 'confirmed')
 ORDER BY significance DESC, id LIMIT 1) AS candidate ON true`;

export interface SourceFilter {
	fieldId?: number | undefined;
	origin?: "catalogue" | "found" | undefined;
	/** Part of the name, in any case. */
	name?: string | undefined;
	cone?: Cone | undefined;
	/** Only sources with at least this greatest eta. */
	minEta?: number | undefined;
	sort: SourceOrder;
	limit: number;
	cursor?: string | undefined;
}

/** @throws CausticError `bad-sort` when sorted by separation without a cone */
export async function listSources(db: Queryable, filter: SourceFilter): Promise<Page<SourceRow>> {
	const { cone, sort } = filter;
	if (sort === "separation" && cone === undefined) {
		throw badInput("bad-sort", "separation needs a cone", {
			subject: "sort",
			remedy: "Give ra, dec and radius, or another order",
		});
	}
	const values: unknown[] = [
		filter.fieldId ?? null,
		filter.origin ?? null,
		filter.name === undefined ? null : `%${filter.name.replace(/[\\%_]/g, "\\$&")}%`,
		filter.minEta ?? null,
		filter.limit + 1,
	];
	let coneJoin = "CROSS JOIN (SELECT NULL::float8 AS separation_deg) AS cone";
	let coneCondition = "true";
	if (cone !== undefined) {
		values.push(cone.raDeg, cone.decDeg, cone.radiusDeg);
		const [ra, dec, radius] = [-2, -1, 0].map((back) => `$${values.length + back}::float8`);
		coneJoin = `CROSS JOIN LATERAL (SELECT ${separation(ra, dec)} AS separation_deg) AS cone`;
		// The declination strip is what the index can find.
		coneCondition = `source.dec_deg BETWEEN ${dec} - ${radius} AND ${dec} + ${radius} AND cone.separation_deg <= ${radius}`;
	}
	const terms = ORDERS[sort];
	const after = afterCursor(terms, sort, filter.cursor, values);
	const rows = await db.query<SourceRow>(
		"list sources",
		`SELECT ${COLUMNS}, ${keyColumns(terms)} FROM source ${coneJoin} ${JOINS}
		 WHERE ($1::bigint IS NULL OR source.field_id = $1) AND ($2::text IS NULL OR origin = $2) AND ($3::text IS NULL OR source.name ILIKE $3)
		 AND ($4::float8 IS NULL OR state.eta >= $4) AND ${coneCondition} AND ${after}
		 ORDER BY ${orderBy(terms)} LIMIT $5`,
		values,
	);
	return toPage(rows, filter.limit, sort, terms.length);
}

export interface BandStatistics {
	band_id: number;
	frequency_mhz: number;
	n: number;
	mean_jy: number | null;
	weighted_mean_jy: number | null;
	v: number | null;
	eta: number | null;
	log10_p: number | null;
	modulation_index: number | null;
	last_mjd: number | null;
	flags: string;
}

export interface SourceDetail extends SourceRow {
	major_arcsec: number | null;
	minor_arcsec: number | null;
	pa_deg: number | null;
	field: string | null;
	first_image_id: number | null;
	new_source_significance: number | null;
	/** `new`, or why it is not called so. */
	new_source_verdict: string | null;
	/** Components near the source that belong to another, or of which it has another already. */
	relations: { image_id: number; kind: string; separation_arcsec: number; de_ruiter: number }[];
	statistics: BandStatistics[];
	candidates: { id: number; status: string; tier: string; significance: number; start_mjd: number; end_mjd: number }[];
}

/** One source with its statistics per subband and every candidate it ever had. */
export async function getSource(db: Queryable, sourceId: number): Promise<SourceDetail | undefined> {
	const rows = await db.query<Omit<SourceDetail, "statistics" | "candidates" | "relations">>(
		"get source",
		`SELECT ${COLUMNS}, source.major_arcsec, source.minor_arcsec, source.pa_deg, field.name AS field, first_image_id, new_source_significance, new_source_verdict
		 FROM source CROSS JOIN (SELECT NULL::float8 AS separation_deg) AS cone ${JOINS} LEFT JOIN field ON field.id = source.field_id WHERE source.id = $1`,
		[sourceId],
	);
	if (rows.length === 0) return undefined;
	const [statistics, candidates, relations] = await Promise.all([
		db.query<BandStatistics>(
			"source statistics",
			`SELECT band_id, frequency_hz / 1e6 AS frequency_mhz, n, mean_jy, weighted_mean_jy, v, eta, log10_p, modulation_index, last_mjd, flags
			 FROM light_curve_state JOIN band ON band.id = band_id WHERE source_id = $1 ORDER BY frequency_hz`,
			[sourceId],
		),
		db.query<SourceDetail["candidates"][number]>(
			"source candidates",
			"SELECT id, status, tier, significance, start_mjd, end_mjd FROM candidate WHERE source_id = $1 ORDER BY start_mjd, id",
			[sourceId],
		),
		db.query<SourceDetail["relations"][number]>(
			"source relations",
			"SELECT image_id, kind, separation_arcsec, de_ruiter FROM component_relation WHERE source_id = $1 ORDER BY image_id, number",
			[sourceId],
		),
	]);
	return { ...rows[0], statistics, candidates, relations };
}
