import type { Queryable } from "../database.ts";

/** One source in one subband, one method: columns of equal length, in order of time. */
export interface LightCurve {
	band_id: number;
	frequency_mhz: number;
	method: string;
	/** Mid-exposure, MJD UTC. */
	mjd: number[];
	image_id: number[];
	epoch_id: number[];
	/** As measured, Jy/beam. */
	flux_jy: (number | null)[];
	flux_err_jy: (number | null)[];
	/** On the common flux scale, Jy/beam. */
	flux_norm_jy: (number | null)[];
	flux_norm_err_jy: (number | null)[];
	local_rms_jy: (number | null)[];
	upper_limit_jy: (number | null)[];
	correction: (number | null)[];
	/** Names joined by `|`; empty when clean. */
	flags: string[];
	norm_flags: string[];
	/** The finder's peak in the same image, Jy/beam, where it has one. */
	fitted_flux_jy: (number | null)[];
	fitted_flux_err_jy: (number | null)[];
	/** What forced and fitted flux both support, and which of them it is. */
	consensus_flux_jy: (number | null)[];
	consensus_flux_err_jy: (number | null)[];
	consensus_method: (string | null)[];
	/** Deviation from the source's own past, where it was suspicious enough to be computed. */
	history_sigmas: (number | null)[];
	/** `fitted_differs`, `history_anomaly`, joined by `|`; empty when clean. */
	check_flags: string[];
}

export interface LightCurves {
	source_id: number;
	/** Hash of the settings with which these were measured. */
	configuration: string | null;
	/** Settings of which there are measurements, the newest first. */
	configurations: string[];
	curves: LightCurve[];
}

/**
 * Light curves of a source, by ascending frequency. Measurements of other settings are other measurements: without
 * `configuration`, those of the newest run are given.
 */
export async function lightCurves(
	db: Queryable,
	sourceId: number,
	wanted: { configuration?: string | undefined; bandId?: number | undefined } = {},
): Promise<LightCurves> {
	const available = await db.query<{ configuration: string }>(
		"light curve configurations",
		`SELECT m.configuration FROM measurement AS m LEFT JOIN run ON run.id = run_id WHERE source_id = $1
		 GROUP BY m.configuration ORDER BY max(run.created_at) DESC NULLS LAST, m.configuration`,
		[sourceId],
	);
	const configurations = available.map((row) => row.configuration);
	const configuration = wanted.configuration ?? configurations[0] ?? null;
	const curves = await db.query<LightCurve>(
		"light curves",
		`SELECT m.band_id, band.frequency_hz / 1e6 AS frequency_mhz, method, array_agg(m.mjd ORDER BY m.mjd, m.image_id) AS mjd,
		 ${["m.image_id", "image.epoch_id"].map((c) => `array_agg(${c}::float8 ORDER BY m.mjd, m.image_id) AS ${c.split(".")[1]}`).join(", ")},
		 ${[
				"flux_jy",
				"flux_err_jy",
				"flux_norm_jy",
				"flux_norm_err_jy",
				"local_rms_jy",
				"upper_limit_jy",
				"m.correction",
				"flags",
				"norm_flags",
				"fitted_flux_jy",
				"fitted_flux_err_jy",
				"consensus_flux_jy",
				"consensus_flux_err_jy",
				"consensus_method",
				"history_sigmas",
				"check_flags",
			]
				.map((c) => `array_agg(${c} ORDER BY m.mjd, m.image_id) AS ${c.replace("m.", "")}`)
				.join(", ")}
		 FROM measurement AS m JOIN band ON band.id = m.band_id JOIN image ON image.id = m.image_id
		 WHERE m.source_id = $1 AND configuration = $2 AND ($3::bigint IS NULL OR m.band_id = $3)
		 GROUP BY m.band_id, band.frequency_hz, method ORDER BY band.frequency_hz, m.band_id, method`,
		[sourceId, configuration, wanted.bandId ?? null],
	);
	return { source_id: sourceId, configuration, configurations, curves };
}
