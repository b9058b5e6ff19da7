import { failure } from "../error.ts";
import type { Queryable, Transaction } from "./database.ts";
import { doublesOf } from "./double-bytes.ts";

/** The value of a light curve as `flux` and `err`: on the common scale where there is one, as measured otherwise. */
export const SCALED_VALUE =
	"coalesce(flux_norm_jy, flux_jy) AS flux, CASE WHEN flux_norm_jy IS NULL THEN flux_err_jy ELSE flux_norm_err_jy END AS err";

/** Fluxes of many sources in one image, by column; NaN where there is no number. */
export interface MeasuredImage {
	imageId: number;
	bandId: number;
	mjd: number;
	method: string;
	configuration: string;
	runId: string;
	sourceId: Float64Array;
	fluxJy: Float64Array;
	fluxErrJy: Float64Array;
	localRmsJy: Float64Array;
	snr: Float64Array;
	chi2: Float64Array;
	dof: Int32Array;
	nBlend: Int32Array;
	upperLimitJy: Float64Array;
	flags: string[];
	/** The finder's flux of the same source and what both methods support, where the two were compared. */
	fitted?: {
		fittedFluxJy: Float64Array;
		fittedFluxErrJy: Float64Array;
		consensusFluxJy: Float64Array;
		consensusFluxErrJy: Float64Array;
		consensusMethod: string[];
		checkFlags: string[];
	};
}

/**
 * Stores the raw values of an image. The key is source, image, method and configuration: measuring again replaces,
 * and never doubles. Values that had been normalised lose their normalised part, which belonged to the old raw value.
 */
export async function storeMeasurements(tx: Transaction, m: MeasuredImage): Promise<void> {
	const { fitted } = m;
	await holdParents(tx, m);
	await tx.execute(
		"delete measurements",
		"DELETE FROM measurement WHERE image_id = $1 AND method = $2 AND configuration = $3 AND source_id = ANY($4::bigint[])",
		[m.imageId, m.method, m.configuration, Array.from(m.sourceId)],
	);
	await tx.copy(
		"measurement",
		[
			{ name: "source_id", value: (i) => m.sourceId[i] },
			{ name: "image_id", value: () => m.imageId },
			{ name: "method", value: () => m.method },
			{ name: "configuration", value: () => m.configuration },
			{ name: "band_id", value: () => m.bandId },
			{ name: "mjd", value: () => m.mjd },
			{ name: "flux_jy", value: (i) => m.fluxJy[i] },
			{ name: "flux_err_jy", value: (i) => m.fluxErrJy[i] },
			{ name: "local_rms_jy", value: (i) => m.localRmsJy[i] },
			{ name: "snr", value: (i) => m.snr[i] },
			{ name: "chi2", value: (i) => m.chi2[i] },
			{ name: "dof", value: (i) => m.dof[i] },
			{ name: "n_blend", value: (i) => m.nBlend[i] },
			{ name: "upper_limit_jy", value: (i) => m.upperLimitJy[i] },
			{ name: "flags", value: (i) => m.flags[i] },
			{ name: "run_id", value: () => m.runId },
			...(fitted === undefined
				? []
				: [
						{ name: "fitted_flux_jy", value: (i: number) => fitted.fittedFluxJy[i] },
						{ name: "fitted_flux_err_jy", value: (i: number) => fitted.fittedFluxErrJy[i] },
						{ name: "consensus_flux_jy", value: (i: number) => fitted.consensusFluxJy[i] },
						{ name: "consensus_flux_err_jy", value: (i: number) => fitted.consensusFluxErrJy[i] },
						{ name: "consensus_method", value: (i: number) => fitted.consensusMethod[i] },
						{ name: "check_flags", value: (i: number) => fitted.checkFlags[i] },
					]),
		],
		m.sourceId.length,
	);
}

/** Image and sources exist and stay until the transaction ends: what foreign keys would ask row by row. */
async function holdParents(tx: Transaction, { imageId, sourceId }: MeasuredImage): Promise<void> {
	const image = await tx.query("hold image", "SELECT id FROM image WHERE id = $1 FOR KEY SHARE", [imageId]);
	const wanted = new Set(sourceId);
	const [{ held }] = await tx.query<{ held: number }>(
		"hold sources",
		"SELECT count(*) AS held FROM (SELECT FROM source WHERE id = ANY($1::bigint[]) FOR KEY SHARE) AS present",
		[[...wanted]],
	);
	if (image.length === 1 && held === wanted.size) return;
	throw failure("no-parent", `${wanted.size - held} of ${wanted.size} sources are not in the database`, {
		subject: image.length === 1 ? `image ${imageId}` : `image ${imageId}, itself not in the database`,
		remedy: "caustic db check says what else is missing",
	});
}

export const sourcesMeasuredIn = async (
	db: Queryable,
	imageId: number,
	configuration: string,
): Promise<Set<number>> => {
	const rows = await db.query<{ source_id: number }>(
		"sources measured in",
		"SELECT source_id FROM measurement WHERE image_id = $1 AND method = 'forced' AND configuration = $2",
		[imageId, configuration],
	);
	return new Set(rows.map((row) => row.source_id));
};

export interface MeasurementRow {
	source_id: number;
	image_id: number;
	band_id: number;
	mjd: number;
	flux_jy: number | null;
	flux_err_jy: number | null;
	local_rms_jy: number | null;
	snr: number | null;
	flags: string;
	flux_norm_jy: number | null;
	flux_norm_err_jy: number | null;
	correction: number | null;
	correction_source: string | null;
	norm_flags: string;
}

const COLUMNS =
	"source_id, image_id, band_id, mjd, flux_jy, flux_err_jy, local_rms_jy, snr, flags, flux_norm_jy, flux_norm_err_jy, correction, correction_source, norm_flags";

export const measurementsOfImages = (
	db: Queryable,
	imageIds: number[],
	configuration: string,
): Promise<MeasurementRow[]> =>
	db.query<MeasurementRow>(
		"measurements of images",
		`SELECT ${COLUMNS} FROM measurement WHERE image_id = ANY($1) AND method = 'forced' AND configuration = $2 ORDER BY mjd, image_id, source_id`,
		[imageIds, configuration],
	);

/** Whole light curves of sources, in order of time. */
export const lightCurvesOf = (db: Queryable, sourceIds: number[], configuration: string): Promise<MeasurementRow[]> =>
	db.query<MeasurementRow>(
		"light curves",
		`SELECT ${COLUMNS} FROM measurement WHERE source_id = ANY($1) AND method = 'forced' AND configuration = $2 ORDER BY source_id, mjd, band_id, image_id`,
		[sourceIds, configuration],
	);

/** Light curves by column: of each point its source, band, time, flux and error on the common scale where there is one. */
export interface LightCurveColumns {
	sourceId: Float64Array;
	bandId: Float64Array;
	mjd: Float64Array;
	/** Jy; NaN where nothing was measured. */
	flux: Float64Array;
	err: Float64Array;
}

/**
 * Light curves of sources, whole or their newest points, as they are searched for events. The columns come packed by the
 * database: many rows cost little.
 */
export async function lightCurveColumns(
	db: Queryable,
	sourceIds: number[],
	configuration: string,
	newest?: number,
): Promise<LightCurveColumns> {
	const value = "coalesce(m.flux_norm_jy, m.flux_jy, 'NaN')";
	const error = "coalesce(CASE WHEN m.flux_norm_jy IS NULL THEN m.flux_err_jy ELSE m.flux_norm_err_jy END, 'NaN')";
	const rows = await db.query<{ source_id: number; mjd: Buffer; band: Buffer; flux: Buffer; err: Buffer }>(
		"packed light curves",
		`SELECT s.id AS source_id, p.* FROM unnest($1::bigint[]) AS s(id), LATERAL (
		   SELECT string_agg(float8send(q.mjd), ''::bytea) AS mjd, string_agg(float8send(q.band_id::float8), ''::bytea) AS band,
		   string_agg(float8send(q.flux), ''::bytea) AS flux, string_agg(float8send(q.err), ''::bytea) AS err
		   FROM (SELECT m.mjd, m.band_id, m.image_id, ${value} AS flux, ${error} AS err FROM measurement m
		     WHERE m.source_id = s.id AND m.method = 'forced' AND m.configuration = $2 ORDER BY m.mjd DESC, m.band_id, m.image_id LIMIT $3) AS q
		 ) AS p WHERE p.mjd IS NOT NULL ORDER BY s.id`,
		[sourceIds, configuration, newest ?? null],
	);
	const total = rows.reduce((sum, row) => sum + row.mjd.length / 8, 0);
	const columns: LightCurveColumns = {
		sourceId: new Float64Array(total),
		bandId: new Float64Array(total),
		mjd: new Float64Array(total),
		flux: new Float64Array(total),
		err: new Float64Array(total),
	};
	let at = 0;
	for (const row of rows) {
		const n = row.mjd.length / 8;
		columns.sourceId.fill(row.source_id, at, at + n);
		for (const [name, bytes] of [
			["mjd", row.mjd],
			["bandId", row.band],
			["flux", row.flux],
			["err", row.err],
		] as const)
			columns[name].set(doublesOf(bytes), at);
		at += n;
	}
	return columns;
}

/** Normalised values of one image, written beside the raw ones. */
export interface NormalizedImage {
	imageId: number;
	configuration: string;
	referenceSetId: number | null;
	sourceId: Float64Array;
	fluxNormJy: Float64Array;
	fluxNormErrJy: Float64Array;
	correction: Float64Array;
	correctionErr: Float64Array;
	correctionSource: string[];
	flags: string[];
}

export async function storeNormalized(tx: Transaction, images: NormalizedImage[]): Promise<void> {
	const rows = images.flatMap((image) => Array.from(image.sourceId, (_, i) => ({ image, i })));
	if (rows.length === 0) return;
	await tx.execute(
		"normalized staging",
		`CREATE TEMPORARY TABLE IF NOT EXISTS normalized_staging (source_id bigint, image_id bigint, configuration text, flux float8, err float8,
		 correction float8, correction_err float8, correction_source text, flags text, reference_set_id bigint) ON COMMIT DROP`,
	);
	await tx.execute("normalized staging clear", "TRUNCATE normalized_staging");
	await tx.copy(
		"normalized_staging",
		[
			{ name: "source_id", value: (r) => rows[r].image.sourceId[rows[r].i] },
			{ name: "image_id", value: (r) => rows[r].image.imageId },
			{ name: "configuration", value: (r) => rows[r].image.configuration },
			{ name: "flux", value: (r) => rows[r].image.fluxNormJy[rows[r].i] },
			{ name: "err", value: (r) => rows[r].image.fluxNormErrJy[rows[r].i] },
			{ name: "correction", value: (r) => rows[r].image.correction[rows[r].i] },
			{ name: "correction_err", value: (r) => rows[r].image.correctionErr[rows[r].i] },
			{ name: "correction_source", value: (r) => rows[r].image.correctionSource[rows[r].i] },
			{ name: "flags", value: (r) => rows[r].image.flags[rows[r].i] },
			{ name: "reference_set_id", value: (r) => rows[r].image.referenceSetId },
		],
		rows.length,
	);
	await tx.execute("normalized staging analyze", "ANALYZE normalized_staging");
	await tx.execute(
		"store normalized",
		`UPDATE measurement m SET flux_norm_jy = s.flux, flux_norm_err_jy = s.err, correction = s.correction, correction_err = s.correction_err,
		 correction_source = s.correction_source, norm_flags = s.flags, reference_set_id = s.reference_set_id
		 FROM normalized_staging s WHERE m.source_id = s.source_id AND m.image_id = s.image_id AND m.method = 'forced' AND m.configuration = s.configuration`,
	);
}
