import type { Queryable } from "../database.ts";
import { afterCursor, keyColumns, orderBy, type Page, type SortTerm, toPage } from "./cursor.ts";

export interface ImageRow {
	id: number;
	path: string;
	noise_path: string | null;
	background_path: string | null;
	field_id: number;
	field: string;
	epoch_id: number;
	band_id: number;
	/** Mid-exposure, MJD UTC. */
	mjd: number;
	duration_s: number | null;
	/** Header cards from which the time was taken. */
	time_source: string;
	frequency_mhz: number;
	bandwidth_mhz: number | null;
	stokes: string | null;
	beam_major_arcsec: number;
	beam_minor_arcsec: number;
	beam_pa_deg: number;
	width: number;
	height: number;
	ra_deg: number;
	dec_deg: number;
	radius_deg: number;
	noise_median_jy: number | null;
	quality: Record<string, unknown>;
	correction: number | null;
	correction_err: number | null;
	correction_status: string | null;
	n_references: number | null;
}

const COLUMNS = `image.id, image.path, noise_path, background_path, image.field_id, field.name AS field, epoch_id, band_id, image.mjd, duration_s,
 time_source, frequency_hz / 1e6 AS frequency_mhz, bandwidth_hz / 1e6 AS bandwidth_mhz, stokes, beam_major_deg * 3600 AS beam_major_arcsec,
 beam_minor_deg * 3600 AS beam_minor_arcsec, beam_pa_deg, width, height, image.ra_deg, image.dec_deg, image.radius_deg, noise_median_jy, quality,
 c.correction, c.correction_err, c.status AS correction_status, c.n_references`;
const JOINS = "JOIN field ON field.id = image.field_id LEFT JOIN flux_correction AS c ON c.image_id = image.id";

const TERMS: SortTerm[] = [
	{ sql: "-image.mjd", type: "float8" },
	{ sql: "image.id", type: "bigint" },
];

export interface ImageFilter {
	fieldId?: number | undefined;
	epochId?: number | undefined;
	bandId?: number | undefined;
	runId?: string | undefined;
	limit: number;
	cursor?: string | undefined;
}

/** Newest first. */
export async function listImages(db: Queryable, filter: ImageFilter): Promise<Page<ImageRow>> {
	const values: unknown[] = [
		filter.fieldId ?? null,
		filter.epochId ?? null,
		filter.bandId ?? null,
		filter.runId ?? null,
		filter.limit + 1,
	];
	const after = afterCursor(TERMS, "images", filter.cursor, values);
	const rows = await db.query<ImageRow>(
		"list images",
		`SELECT ${COLUMNS}, ${keyColumns(TERMS)} FROM image ${JOINS}
		 WHERE ($1::bigint IS NULL OR image.field_id = $1) AND ($2::bigint IS NULL OR epoch_id = $2) AND ($3::bigint IS NULL OR band_id = $3)
		 AND ($4::text IS NULL OR image.id IN (SELECT image_id FROM run_image WHERE run_id = $4)) AND ${after}
		 ORDER BY ${orderBy(TERMS)} LIMIT $5`,
		values,
	);
	return toPage(rows, filter.limit, "images", TERMS.length);
}

export async function getImage(db: Queryable, id: number): Promise<ImageRow | undefined> {
	return (await db.query<ImageRow>("get image", `SELECT ${COLUMNS} FROM image ${JOINS} WHERE image.id = $1`, [id]))[0];
}
