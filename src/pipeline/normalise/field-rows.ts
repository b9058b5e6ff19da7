import type { Queryable } from "../../store/database.ts";

/** A measured value of a field in one subband, with what normalization needs of its source and image. */
export interface FieldRow {
	source_id: number;
	image_id: number;
	mjd: number;
	flux_jy: number;
	flux_err_jy: number;
	flags: string;
}

export interface FieldSource {
	id: number;
	ra_deg: number;
	dec_deg: number;
	catalogue_flux_jy: number | null;
	/** Whether a candidate of it is open or confirmed. */
	candidate: boolean;
}

const VALUE = "method = 'forced' AND configuration = $2 AND flux_jy IS NOT NULL AND flux_err_jy > 0";

/** Values of the given images, of the given sources or of all; images without a value of a source have no row for it. */
export const rowsOfImages = (
	db: Queryable,
	imageIds: number[],
	configuration: string,
	sourceIds?: number[],
): Promise<FieldRow[]> =>
	db.query<FieldRow>(
		"rows to normalise",
		`SELECT source_id, image_id, mjd, flux_jy, flux_err_jy, flags FROM measurement
		 WHERE image_id = ANY($1) AND ${VALUE}${sourceIds === undefined ? "" : " AND source_id = ANY($3)"} ORDER BY mjd, image_id, source_id`,
		sourceIds === undefined ? [imageIds, configuration] : [imageIds, configuration, sourceIds],
	);

/** How bright a source is in some images: means over them. */
export interface SourceLevel {
	source_id: number;
	flux_jy: number;
	snr: number;
}

export const levelsOfSources = (db: Queryable, imageIds: number[], configuration: string): Promise<SourceLevel[]> =>
	db.query<SourceLevel>(
		"levels of sources",
		`SELECT source_id, avg(flux_jy) AS flux_jy, avg(flux_jy / flux_err_jy) AS snr FROM measurement
		 WHERE image_id = ANY($1) AND ${VALUE} GROUP BY source_id ORDER BY source_id`,
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

/** What the images tell of each source's shape: medians over its components. */
export interface SourceShape {
	source_id: number;
	/** Integrated over peak flux density, and its error. */
	compactness: number;
	compactness_err: number;
}

export const shapesOfSources = (db: Queryable, imageIds: number[], sourceIds: number[]): Promise<SourceShape[]> =>
	db.query<SourceShape>(
		"shapes of sources",
		`SELECT source_id, percentile_cont(0.5) WITHIN GROUP (ORDER BY int_flux_jy / peak_flux_jy) AS compactness,
		 percentile_cont(0.5) WITHIN GROUP (ORDER BY int_flux_err_jy / peak_flux_jy) AS compactness_err
		 FROM component WHERE image_id = ANY($1) AND source_id = ANY($2) AND peak_flux_jy > 0 GROUP BY source_id`,
		[imageIds, sourceIds],
	);

export interface MeasuredImageRow {
	id: number;
	mjd: number;
}

/** Images of a field in one subband that a run has measured with these settings, in order of time. */
export const imagesOfRun = (
	db: Queryable,
	fieldId: number,
	bandId: number,
	configuration: string,
	runId: string,
): Promise<MeasuredImageRow[]> =>
	db.query<MeasuredImageRow>(
		"images to normalise",
		`SELECT id, mjd FROM image WHERE field_id = $1 AND band_id = $2
		 AND id IN (SELECT image_id FROM measurement WHERE run_id = $4 AND configuration = $3) ORDER BY mjd, id`,
		[fieldId, bandId, configuration, runId],
	);

/** Images of a field in one subband that have been measured with these settings, in order of time. */
export const measuredImages = (
	db: Queryable,
	fieldId: number,
	bandId: number,
	configuration: string,
): Promise<MeasuredImageRow[]> =>
	db.query<MeasuredImageRow>(
		"measured images",
		`SELECT i.id, i.mjd FROM image i WHERE field_id = $1 AND band_id = $2
		 AND EXISTS (SELECT FROM measurement m WHERE m.image_id = i.id AND m.configuration = $3) ORDER BY mjd, id`,
		[fieldId, bandId, configuration],
	);
