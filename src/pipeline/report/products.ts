import type { Table } from "../../formats/table/table.ts";
import type { Database, Row } from "../../store/database.ts";
import { currentConfiguration } from "../../store/runs.ts";
import { gather, type Wanted } from "./gather.ts";

const numeric = (name: string, unit?: string): Wanted => ({ name, ...(unit === undefined ? {} : { unit }) });
const text = (name: string): Wanted => ({ name, text: true });

/** Every measured point of the survey, raw and normalised side by side: the table of `detect --light-curves` and more. */
export function lightCurveTable(db: Database, configuration: string, source?: number): Promise<Table> {
	const rows = db.batches<Row>(
		"light curve table",
		`SELECT s.name AS source_id, m.mjd, b.frequency_hz / 1e6 AS frequency_mhz, coalesce(flux_norm_jy, flux_jy) AS flux_jy,
		 coalesce(flux_norm_err_jy, flux_err_jy) AS flux_err_jy, flux_jy AS flux_raw_jy, flux_err_jy AS flux_raw_err_jy, correction, correction_err,
		 coalesce(correction_source, 'none') AS correction_source, s.ra_deg, s.dec_deg, f.name AS field_id, i.epoch_id::text AS epoch_id,
		 concat_ws('|', nullif(m.flags, ''), nullif(norm_flags, ''), nullif(check_flags, '')) AS flags
		 FROM measurement m JOIN source s ON s.id = source_id JOIN band b ON b.id = m.band_id JOIN image i ON i.id = image_id JOIN field f ON f.id = i.field_id
		 WHERE method = 'forced' AND configuration = $1 AND ($2::bigint IS NULL OR m.source_id = $2) ORDER BY source_id, m.mjd, frequency_mhz, i.id`,
		[configuration, source ?? null],
	);
	return gather(
		"light_curves",
		[
			text("source_id"),
			numeric("mjd", "d"),
			numeric("frequency_mhz", "MHz"),
			numeric("flux_jy", "Jy"),
			numeric("flux_err_jy", "Jy"),
			numeric("flux_raw_jy", "Jy"),
			numeric("flux_raw_err_jy", "Jy"),
			numeric("correction"),
			numeric("correction_err"),
			text("correction_source"),
			numeric("ra_deg", "deg"),
			numeric("dec_deg", "deg"),
			text("field_id"),
			text("epoch_id"),
			text("flags"),
		],
		rows,
	);
}

/** Candidates as `caustic detect` writes them. */
export function candidateTable(db: Database): Promise<Table> {
	const rows = db.batches<Row>(
		"candidate table",
		`SELECT c.id AS candidate_id, s.name AS source_id, significance, false_alarm_probability, tier, first_detected_mjd, start_mjd, peak_mjd, end_mjd, depth,
		 duration_days, chromaticity, statistic, n_measurements, c.flags, c.status FROM candidate c JOIN source s ON s.id = c.source_id
		 WHERE c.status <> 'merged' ORDER BY significance DESC, c.id`,
	);
	return gather(
		"candidates",
		[
			numeric("candidate_id"),
			text("source_id"),
			numeric("significance"),
			numeric("false_alarm_probability"),
			text("tier"),
			numeric("first_detected_mjd", "d"),
			numeric("start_mjd", "d"),
			numeric("peak_mjd", "d"),
			numeric("end_mjd", "d"),
			numeric("depth"),
			numeric("duration_days", "d"),
			numeric("chromaticity"),
			numeric("statistic"),
			numeric("n_measurements"),
			text("flags"),
			text("status"),
		],
		rows,
	);
}

/** Sources with their statistics at the subband where they are brightest. */
export function sourceTable(db: Database): Promise<Table> {
	const rows = db.batches<Row>(
		"source table",
		`SELECT DISTINCT ON (s.id) s.name AS source_id, s.origin, s.ra_deg, s.dec_deg, s.ra_err_arcsec, s.dec_err_arcsec, f.name AS field_id,
		 b.frequency_hz / 1e6 AS frequency_mhz, l.n AS n_measurements, l.weighted_mean_jy AS flux_jy, l.eta, l.v, l.modulation_index, sc.significance,
		 s.new_source_significance, s.new_source_verdict
		 FROM source s LEFT JOIN field f ON f.id = s.field_id LEFT JOIN light_curve_state l ON l.source_id = s.id LEFT JOIN band b ON b.id = l.band_id
		 LEFT JOIN source_score sc ON sc.source_id = s.id ORDER BY s.id, l.weighted_mean_jy DESC NULLS LAST`,
	);
	return gather(
		"sources",
		[
			text("source_id"),
			text("origin"),
			numeric("ra_deg", "deg"),
			numeric("dec_deg", "deg"),
			numeric("ra_err_arcsec", "arcsec"),
			numeric("dec_err_arcsec", "arcsec"),
			text("field_id"),
			numeric("frequency_mhz", "MHz"),
			numeric("n_measurements"),
			numeric("flux_jy", "Jy"),
			numeric("eta"),
			numeric("v"),
			numeric("modulation_index"),
			numeric("significance"),
			numeric("new_source_significance"),
			text("new_source_verdict"),
		],
		rows,
	);
}

/** Every stored measurement with what belongs to it, of all methods and settings. */
export function measurementTable(db: Database, source?: number): Promise<Table> {
	const rows = db.batches<Row>(
		"measurement table",
		`SELECT s.name AS source_id, i.path AS image, m.method, m.configuration, m.mjd, b.frequency_hz / 1e6 AS frequency_mhz, flux_jy, flux_err_jy, local_rms_jy, snr,
		 chi2, dof, n_blend, upper_limit_jy, m.flags, flux_norm_jy, flux_norm_err_jy, correction, correction_err, correction_source, norm_flags,
		 fitted_flux_jy, fitted_flux_err_jy, consensus_flux_jy, consensus_flux_err_jy, consensus_method, history_sigmas, check_flags
		 FROM measurement m JOIN source s ON s.id = source_id JOIN image i ON i.id = image_id JOIN band b ON b.id = m.band_id
		 WHERE $1::bigint IS NULL OR m.source_id = $1 ORDER BY s.id, m.mjd, i.id`,
		[source ?? null],
	);
	return gather(
		"measurements",
		[
			text("source_id"),
			text("image"),
			text("method"),
			text("configuration"),
			numeric("mjd", "d"),
			numeric("frequency_mhz", "MHz"),
			numeric("flux_jy", "Jy"),
			numeric("flux_err_jy", "Jy"),
			numeric("local_rms_jy", "Jy"),
			numeric("snr"),
			numeric("chi2"),
			numeric("dof"),
			numeric("n_blend"),
			numeric("upper_limit_jy", "Jy"),
			text("flags"),
			numeric("flux_norm_jy", "Jy"),
			numeric("flux_norm_err_jy", "Jy"),
			numeric("correction"),
			numeric("correction_err"),
			text("correction_source"),
			text("norm_flags"),
			numeric("fitted_flux_jy", "Jy"),
			numeric("fitted_flux_err_jy", "Jy"),
			numeric("consensus_flux_jy", "Jy"),
			numeric("consensus_flux_err_jy", "Jy"),
			text("consensus_method"),
			numeric("history_sigmas"),
			text("check_flags"),
		],
		rows,
	);
}

/** Fluxes of subbands combined, of all settings. */
export function binnedTable(db: Database, source?: number): Promise<Table> {
	const rows = db.batches<Row>(
		"binned table",
		`SELECT s.name AS source_id, s.ra_deg, s.dec_deg, b.epoch_id::text AS epoch_id, b.configuration, b.mjd, b.bin, b.frequency_hz / 1e6 AS frequency_mhz,
		 b.from_hz / 1e6 AS from_mhz, b.to_hz / 1e6 AS to_mhz, b.n_subbands, b.flux_jy, b.flux_err_jy, b.snr, b.false_alarm_probability, b.flags
		 FROM binned_measurement b JOIN source s ON s.id = source_id
		 WHERE $1::bigint IS NULL OR b.source_id = $1 ORDER BY s.id, b.mjd, b.epoch_id, b.configuration, b.bin`,
		[source ?? null],
	);
	return gather(
		"binned",
		[
			text("source_id"),
			numeric("ra_deg", "deg"),
			numeric("dec_deg", "deg"),
			text("epoch_id"),
			text("configuration"),
			numeric("mjd", "d"),
			numeric("bin"),
			numeric("frequency_mhz", "MHz"),
			numeric("from_mhz", "MHz"),
			numeric("to_mhz", "MHz"),
			numeric("n_subbands"),
			numeric("flux_jy", "Jy"),
			numeric("flux_err_jy", "Jy"),
			numeric("snr"),
			numeric("false_alarm_probability"),
			text("flags"),
		],
		rows,
	);
}

/** What can be exported, by name. */
export const PRODUCTS = ["light-curves", "measurements", "binned", "sources", "candidates"] as const;
export type Product = (typeof PRODUCTS)[number];

/** A product of the survey as it stands; of one source where one is given, which sources and candidates disregard. */
export async function productTable(db: Database, product: Product, source?: number): Promise<Table> {
	switch (product) {
		case "light-curves":
			return lightCurveTable(db, (await currentConfiguration(db)) ?? "", source);
		case "measurements":
			return measurementTable(db, source);
		case "binned":
			return binnedTable(db, source);
		case "sources":
			return sourceTable(db);
		case "candidates":
			return candidateTable(db);
	}
}
