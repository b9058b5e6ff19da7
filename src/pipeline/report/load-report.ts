import type { Database } from "../../store/database.ts";
import type { Run } from "../../store/runs.ts";
import type { ReportCandidate, RunReportData } from "./run-report.ts";

const number = (value: number | null): number => value ?? Number.NaN;

/** At most this many candidates are shown with their light curves. */
const CANDIDATES_SHOWN = 50;

/** Reads what the report of a run shows: the survey as it stands, in the fields that the run touched. */
export async function loadReport(database: Database, run: Run): Promise<RunReportData> {
	const fields = await database.query<{ id: number; name: string; raDeg: number; decDeg: number; radiusDeg: number }>(
		"report fields",
		`SELECT id, name, ra_deg AS "raDeg", dec_deg AS "decDeg", radius_deg AS "radiusDeg" FROM field WHERE id IN
		 (SELECT field_id FROM image JOIN run_image ON image_id = image.id WHERE run_id = $1) OR NOT EXISTS (SELECT FROM run_image WHERE run_id = $1) ORDER BY id`,
		[run.id],
	);
	const ids = fields.map((field) => field.id);
	const [counts] = await database.query<RunReportData["counts"]>(
		"report counts",
		// The survey's points are counted by the statistics, which know them; only the run's own are looked at.
		`SELECT (SELECT count(*) FROM image WHERE field_id = ANY($1)) AS images, (SELECT count(*) FROM epoch WHERE field_id = ANY($1)) AS epochs,
		 (SELECT count(*) FROM source WHERE field_id = ANY($1)) AS sources,
		 (SELECT coalesce(sum(n), 0) FROM light_curve_state l JOIN source ON source.id = source_id WHERE field_id = ANY($1) AND l.configuration = $2)::int AS measurements,
		 (SELECT count(*) FROM measurement WHERE run_id = $3 AND flux_jy IS NULL) AS flagged,
		 (SELECT count(*) FROM candidate JOIN source ON source.id = source_id WHERE field_id = ANY($1) AND status IN ('open', 'confirmed')) AS candidates`,
		[ids, run.configuration_hash, run.id],
	);
	const sources = await database.query<{
		name: string;
		raDeg: number;
		decDeg: number;
		meanJy: number | null;
		catalogueJy: number | null;
		eta: number | null;
		v: number | null;
		isCandidate: boolean;
	}>(
		"report sources",
		`SELECT DISTINCT ON (s.id) s.name, s.ra_deg AS "raDeg", s.dec_deg AS "decDeg", l.weighted_mean_jy AS "meanJy", s.catalogue_flux_jy AS "catalogueJy", l.eta, l.v,
		 EXISTS (SELECT FROM candidate c WHERE c.source_id = s.id AND c.status IN ('open', 'confirmed')) AS "isCandidate"
		 FROM source s LEFT JOIN light_curve_state l ON l.source_id = s.id WHERE s.field_id = ANY($1) ORDER BY s.id, l.weighted_mean_jy DESC NULLS LAST`,
		[ids],
	);
	const catalogue = await database.query<RunReportData["catalogue"][number]>(
		"report catalogue",
		`SELECT s.name, b.frequency_hz / 1e6 AS "bandMhz", s.catalogue_flux_jy AS "catalogueJy", l.weighted_mean_jy AS "meanJy"
		 FROM source s JOIN light_curve_state l ON l.source_id = s.id JOIN band b ON b.id = l.band_id
		 WHERE s.field_id = ANY($1) AND s.catalogue_flux_jy > 0 AND l.weighted_mean_jy IS NOT NULL ORDER BY s.id, b.frequency_hz`,
		[ids],
	);
	const corrections = await database.query<{
		mjd: number;
		bandMhz: number;
		correction: number;
		correctionErr: number | null;
		scatter: number | null;
		references: number;
		source: string;
		status: string;
	}>(
		"report corrections",
		`SELECT i.mjd, b.frequency_hz / 1e6 AS "bandMhz", c.correction, c.correction_err AS "correctionErr", c.scatter, c.n_references AS references,
		 c.source, c.status
		 FROM flux_correction c JOIN image i ON i.id = c.image_id JOIN band b ON b.id = i.band_id WHERE i.field_id = ANY($1) ORDER BY i.mjd`,
		[ids],
	);
	const rejected = await database.query<{ subject: string; reason: string }>(
		"report rejected",
		"SELECT subject, reason FROM dead_letter WHERE run_id = $1 AND status = 'open' ORDER BY id",
		[run.id],
	);
	const [{ ignored }] = await database.query<{ ignored: number }>(
		"report ignored",
		"SELECT count(*) AS ignored FROM input_file WHERE kind = 'ignored'",
	);
	return {
		run: {
			id: run.id,
			createdAt: run.created_at.toISOString(),
			configurationHash: run.configuration_hash,
			paths: run.inputs.paths,
		},
		counts,
		fields,
		sources: sources.map((row) => ({
			...row,
			meanJy: number(row.meanJy),
			catalogueJy: number(row.catalogueJy),
			eta: number(row.eta),
			v: number(row.v),
		})),
		catalogue,
		corrections: corrections.map((row) => ({
			...row,
			correctionErr: number(row.correctionErr),
			scatter: number(row.scatter),
		})),
		candidates: await loadCandidates(database, ids, run.configuration_hash),
		rejected,
		ignored,
	};
}

async function loadCandidates(
	database: Database,
	fieldIds: number[],
	configuration: string,
): Promise<ReportCandidate[]> {
	const rows = await database.query<
		Omit<ReportCandidate, "points" | "depth" | "durationDays"> & {
			sourceId: number;
			depth: number | null;
			durationDays: number | null;
		}
	>(
		"report candidates",
		`SELECT c.id, s.id AS "sourceId", s.name, significance, false_alarm_probability AS "falseAlarmProbability", tier, start_mjd AS "startMjd", end_mjd AS "endMjd",
		 peak_mjd AS "peakMjd", depth, duration_days AS "durationDays", flags FROM candidate c JOIN source s ON s.id = c.source_id
		 WHERE s.field_id = ANY($1) AND status IN ('open', 'confirmed') ORDER BY significance DESC, c.id LIMIT $2`,
		[fieldIds, CANDIDATES_SHOWN],
	);
	const points = await database.query<{
		sourceId: number;
		bandMhz: number;
		mjd: number;
		fluxJy: number;
		errJy: number;
	}>(
		"report light curves",
		`SELECT source_id AS "sourceId", frequency_hz / 1e6 AS "bandMhz", mjd, coalesce(flux_norm_jy, flux_jy) AS "fluxJy", coalesce(flux_norm_err_jy, flux_err_jy) AS "errJy"
		 FROM measurement JOIN band ON band.id = band_id WHERE source_id = ANY($1) AND configuration = $2 AND flux_jy IS NOT NULL ORDER BY mjd`,
		[rows.map((row) => row.sourceId), configuration],
	);
	const bySource = Map.groupBy(points, (point) => point.sourceId);
	return rows.map(({ sourceId, ...row }) => ({
		...row,
		depth: number(row.depth),
		durationDays: number(row.durationDays),
		points: bySource.get(sourceId) ?? [],
	}));
}
