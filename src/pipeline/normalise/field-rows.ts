import type { Queryable } from "../../store/database.ts";

/** A measured value of a field in one subband, with what normalization needs of its source and image. */
export interface FieldRow {
	source_id: number;
	image_id: number;
	mjd: number;
	flux_jy: number;
	flux_err_jy: number;
	flags: string;
	correction_source: string | null;
}

export interface FieldSource {
	id: number;
	ra_deg: number;
	dec_deg: number;
	catalogue_flux_jy: number | null;
	/** Whether a candidate of it is open or confirmed. */
	candidate: boolean;
}

/** Values of the given images; images without a value of a source have no row for it. */
export const rowsOfImages = (db: Queryable, imageIds: number[], configuration: string): Promise<FieldRow[]> =>
	db.query<FieldRow>(
		"rows to normalise",
		`SELECT source_id, image_id, mjd, flux_jy, flux_err_jy, flags, correction_source FROM measurement
		 WHERE image_id = ANY($1) AND method = 'forced' AND configuration = $2 AND flux_jy IS NOT NULL AND flux_err_jy > 0 ORDER BY mjd, image_id, source_id`,
		[imageIds, configuration],
	);

export const sourcesOfRows = (db: Queryable, ids: number[]): Promise<FieldSource[]> =>
	db.query<FieldSource>(
		"sources to normalise",
		`SELECT id, ra_deg, dec_deg, catalogue_flux_jy,
		 EXISTS (SELECT FROM candidate c WHERE c.source_id = source.id AND c.status IN ('open', 'confirmed')) AS candidate
		 FROM source WHERE id = ANY($1) ORDER BY id`,
		[ids],
	);

export interface MeasuredImageRow {
	id: number;
	mjd: number;
	/** Of this run; others are history. */
	fresh: boolean;
}

/** Images of a field in one subband that have been measured with these settings, in order of time. */
export const measuredImages = (
	db: Queryable,
	fieldId: number,
	bandId: number,
	configuration: string,
	runId: string,
): Promise<MeasuredImageRow[]> =>
	db.query<MeasuredImageRow>(
		"measured images",
		`SELECT i.id, i.mjd, EXISTS (SELECT FROM measurement m WHERE m.image_id = i.id AND m.run_id = $4 AND m.configuration = $3) AS fresh
		 FROM image i WHERE field_id = $1 AND band_id = $2 AND EXISTS (SELECT FROM measurement m WHERE m.image_id = i.id AND m.configuration = $3)
		 ORDER BY mjd, id`,
		[fieldId, bandId, configuration, runId],
	);
