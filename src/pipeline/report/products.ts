import type { Column, Table } from "../../formats/table/table.ts";
import type { Queryable, Row } from "../../store/database.ts";

const numeric = (name: string, rows: Row[], unit?: string): Column => ({
	name,
	kind: "number",
	...(unit === undefined ? {} : { unit }),
	values: Float64Array.from(rows, (row) => (row[name] === null ? Number.NaN : Number(row[name]))),
});
const text = (name: string, rows: Row[]): Column => ({
	name,
	kind: "text",
	values: rows.map((row) => (row[name] === null ? null : String(row[name]))),
});

/** Every measured point of the survey, raw and normalised side by side: the table of `detect --light-curves` and more. */
export async function lightCurveTable(db: Queryable, configuration: string): Promise<Table> {
	const rows = await db.query(
		"light curve table",
		`SELECT s.name AS source_id, m.mjd, b.frequency_hz / 1e6 AS frequency_mhz, coalesce(flux_norm_jy, flux_jy) AS flux_jy,
		 coalesce(flux_norm_err_jy, flux_err_jy) AS flux_err_jy, flux_jy AS flux_raw_jy, flux_err_jy AS flux_raw_err_jy, correction, correction_err,
		 coalesce(correction_source, 'none') AS correction_source, s.ra_deg, s.dec_deg, f.name AS field_id, i.epoch_id::text AS epoch_id,
		 concat_ws('|', nullif(m.flags, ''), nullif(norm_flags, ''), nullif(check_flags, '')) AS flags
		 FROM measurement m JOIN source s ON s.id = source_id JOIN band b ON b.id = m.band_id JOIN image i ON i.id = image_id JOIN field f ON f.id = i.field_id
		 WHERE method = 'forced' AND configuration = $1 ORDER BY source_id, m.mjd, frequency_mhz, i.id`,
		[configuration],
	);
	return {
		name: "light_curves",
		rows: rows.length,
		columns: [
			text("source_id", rows),
			numeric("mjd", rows, "d"),
			numeric("frequency_mhz", rows, "MHz"),
			numeric("flux_jy", rows, "Jy"),
			numeric("flux_err_jy", rows, "Jy"),
			numeric("flux_raw_jy", rows, "Jy"),
			numeric("flux_raw_err_jy", rows, "Jy"),
			numeric("correction", rows),
			numeric("correction_err", rows),
			text("correction_source", rows),
			numeric("ra_deg", rows, "deg"),
			numeric("dec_deg", rows, "deg"),
			text("field_id", rows),
			text("epoch_id", rows),
			text("flags", rows),
		],
	};
}

/** Candidates as `caustic detect` writes them. */
export async function candidateTable(db: Queryable): Promise<Table> {
	const rows = await db.query(
		"candidate table",
		`SELECT c.id AS candidate_id, s.name AS source_id, significance, false_alarm_probability, tier, first_detected_mjd, start_mjd, peak_mjd, end_mjd, depth,
		 duration_days, chromaticity, statistic, n_measurements, c.flags, c.status FROM candidate c JOIN source s ON s.id = c.source_id
		 WHERE c.status <> 'merged' ORDER BY significance DESC, c.id`,
	);
	return {
		name: "candidates",
		rows: rows.length,
		columns: [
			numeric("candidate_id", rows),
			text("source_id", rows),
			numeric("significance", rows),
			numeric("false_alarm_probability", rows),
			text("tier", rows),
			numeric("first_detected_mjd", rows, "d"),
			numeric("start_mjd", rows, "d"),
			numeric("peak_mjd", rows, "d"),
			numeric("end_mjd", rows, "d"),
			numeric("depth", rows),
			numeric("duration_days", rows, "d"),
			numeric("chromaticity", rows),
			numeric("statistic", rows),
			numeric("n_measurements", rows),
			text("flags", rows),
			text("status", rows),
		],
	};
}

/** Sources with their statistics at the subband where they are brightest. */
export async function sourceTable(db: Queryable): Promise<Table> {
	const rows = await db.query(
		"source table",
		`SELECT DISTINCT ON (s.id) s.name AS source_id, s.origin, s.ra_deg, s.dec_deg, s.ra_err_arcsec, s.dec_err_arcsec, f.name AS field_id,
		 b.frequency_hz / 1e6 AS frequency_mhz, l.n AS n_measurements, l.weighted_mean_jy AS flux_jy, l.eta, l.v, l.modulation_index, sc.significance,
		 s.new_source_significance, s.new_source_verdict
		 FROM source s LEFT JOIN field f ON f.id = s.field_id LEFT JOIN light_curve_state l ON l.source_id = s.id LEFT JOIN band b ON b.id = l.band_id
		 LEFT JOIN source_score sc ON sc.source_id = s.id ORDER BY s.id, l.weighted_mean_jy DESC NULLS LAST`,
	);
	return {
		name: "sources",
		rows: rows.length,
		columns: [
			text("source_id", rows),
			text("origin", rows),
			numeric("ra_deg", rows, "deg"),
			numeric("dec_deg", rows, "deg"),
			numeric("ra_err_arcsec", rows, "arcsec"),
			numeric("dec_err_arcsec", rows, "arcsec"),
			text("field_id", rows),
			numeric("frequency_mhz", rows, "MHz"),
			numeric("n_measurements", rows),
			numeric("flux_jy", rows, "Jy"),
			numeric("eta", rows),
			numeric("v", rows),
			numeric("modulation_index", rows),
			numeric("significance", rows),
			numeric("new_source_significance", rows),
			text("new_source_verdict", rows),
		],
	};
}

/** Every stored measurement with what belongs to it, of all methods and settings. */
export async function measurementTable(db: Queryable): Promise<Table> {
	const rows = await db.query(
		"measurement table",
		`SELECT s.name AS source_id, i.path AS image, m.method, m.configuration, m.mjd, b.frequency_hz / 1e6 AS frequency_mhz, flux_jy, flux_err_jy, local_rms_jy, snr,
		 chi2, dof, n_blend, upper_limit_jy, m.flags, flux_norm_jy, flux_norm_err_jy, correction, correction_err, correction_source, norm_flags,
		 fitted_flux_jy, fitted_flux_err_jy, consensus_flux_jy, consensus_flux_err_jy, consensus_method, history_sigmas, check_flags
		 FROM measurement m JOIN source s ON s.id = source_id JOIN image i ON i.id = image_id JOIN band b ON b.id = m.band_id ORDER BY s.id, m.mjd, i.id`,
	);
	return {
		name: "measurements",
		rows: rows.length,
		columns: [
			text("source_id", rows),
			text("image", rows),
			text("method", rows),
			text("configuration", rows),
			numeric("mjd", rows, "d"),
			numeric("frequency_mhz", rows, "MHz"),
			numeric("flux_jy", rows, "Jy"),
			numeric("flux_err_jy", rows, "Jy"),
			numeric("local_rms_jy", rows, "Jy"),
			numeric("snr", rows),
			numeric("chi2", rows),
			numeric("dof", rows),
			numeric("n_blend", rows),
			numeric("upper_limit_jy", rows, "Jy"),
			text("flags", rows),
			numeric("flux_norm_jy", rows, "Jy"),
			numeric("flux_norm_err_jy", rows, "Jy"),
			numeric("correction", rows),
			numeric("correction_err", rows),
			text("correction_source", rows),
			text("norm_flags", rows),
			numeric("fitted_flux_jy", rows, "Jy"),
			numeric("fitted_flux_err_jy", rows, "Jy"),
			numeric("consensus_flux_jy", rows, "Jy"),
			numeric("consensus_flux_err_jy", rows, "Jy"),
			text("consensus_method", rows),
			numeric("history_sigmas", rows),
			text("check_flags", rows),
		],
	};
}

/** The settings under which the survey was measured last: whose light curves are the survey's. */
export async function currentConfiguration(db: Queryable): Promise<string | undefined> {
	const [row] = await db.query<{ configuration: string }>(
		"current configuration",
		"SELECT configuration_hash AS configuration FROM run WHERE EXISTS (SELECT FROM measurement m WHERE m.configuration = configuration_hash) ORDER BY created_at DESC LIMIT 1",
	);
	return row?.configuration;
}
