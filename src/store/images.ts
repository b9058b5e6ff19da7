import type { Queryable, Transaction } from "./database.ts";
import type { BandRow, EpochRow, FieldRow } from "./survey-rows.ts";

export interface ImageRow {
	id: number;
	content_hash: string;
	path: string;
	noise_path: string | null;
	background_path: string | null;
	field_id: number;
	epoch_id: number;
	band_id: number;
	mjd: number;
	duration_s: number | null;
	time_source: string;
	frequency_hz: number;
	bandwidth_hz: number | null;
	stokes: string | null;
	beam_major_deg: number;
	beam_minor_deg: number;
	beam_pa_deg: number;
	width: number;
	height: number;
	ra_deg: number;
	dec_deg: number;
	radius_deg: number;
	noise_median_jy: number | null;
	/** How far the image's positions lie from the survey's: added to a source's position before it is measured. */
	offset_east_arcsec: number;
	offset_north_arcsec: number;
}

export type NewImage = Omit<ImageRow, "id" | "noise_median_jy" | "offset_east_arcsec" | "offset_north_arcsec">;

const IMAGE_COLUMNS =
	"id, content_hash, path, noise_path, background_path, field_id, epoch_id, band_id, mjd, duration_s, time_source, frequency_hz, bandwidth_hz, stokes, beam_major_deg, beam_minor_deg, beam_pa_deg, width, height, ra_deg, dec_deg, radius_deg, noise_median_jy, offset_east_arcsec, offset_north_arcsec";

export async function insertImage(tx: Transaction, id: number, image: NewImage): Promise<void> {
	const columns = Object.keys(image) as (keyof NewImage)[];
	await tx.execute(
		"insert image",
		`INSERT INTO image (id, ${columns.join(", ")}) VALUES ($1, ${columns.map((_, i) => `$${i + 2}`).join(", ")})`,
		[id, ...columns.map((column) => image[column])],
	);
}

export const imagesByHash = async (db: Queryable, hashes: string[]): Promise<Map<string, number>> => {
	const rows = await db.query<{ id: number; content_hash: string }>(
		"images by hash",
		"SELECT id, content_hash FROM image WHERE content_hash = ANY($1)",
		[hashes],
	);
	return new Map(rows.map((row) => [row.content_hash, row.id]));
};

export async function getImage(db: Queryable, id: number): Promise<ImageRow | undefined> {
	return (await db.query<ImageRow>("get image", `SELECT ${IMAGE_COLUMNS} FROM image WHERE id = $1`, [id]))[0];
}

/** Images of a run in the order of observation. */
/** Those of the ids that there are. */
export const existingImages = async (db: Queryable, ids: number[]): Promise<number[]> => {
	const rows = await db.query<{ id: number }>("existing images", "SELECT id FROM image WHERE id = ANY($1)", [ids]);
	return rows.map((row) => row.id);
};

export const fieldsOfImages = async (db: Queryable, ids: number[]): Promise<number[]> => {
	const rows = await db.query<{ field_id: number }>(
		"fields of images",
		"SELECT DISTINCT field_id FROM image WHERE id = ANY($1) ORDER BY 1",
		[ids],
	);
	return rows.map((row) => row.field_id);
};

export const imagesOfRun = (db: Queryable, runId: string): Promise<ImageRow[]> =>
	db.query<ImageRow>(
		"images of run",
		`SELECT ${IMAGE_COLUMNS} FROM image JOIN run_image ON image_id = id WHERE run_id = $1 ORDER BY mjd, frequency_hz, id`,
		[runId],
	);

export const fieldRows = (db: Queryable): Promise<FieldRow[]> =>
	db.query<FieldRow>(
		"fields",
		'SELECT id, name, ra_deg AS "raDeg", dec_deg AS "decDeg", radius_deg AS "radiusDeg" FROM field ORDER BY id',
	);

export const bandRows = (db: Queryable): Promise<BandRow[]> =>
	db.query<BandRow>(
		"bands",
		'SELECT id, frequency_hz AS "frequencyHz", bandwidth_hz AS "bandwidthHz" FROM band ORDER BY id',
	);

/** Epochs that images of the given time range could belong to. */
export const epochRows = (db: Queryable, fromMjd: number, toMjd: number): Promise<EpochRow[]> =>
	db.query<EpochRow>(
		"epochs",
		'SELECT id, field_id AS "fieldId", mjd FROM epoch WHERE mjd BETWEEN $1 AND $2 ORDER BY id',
		[fromMjd, toMjd],
	);

export interface InputFile {
	path: string;
	size_bytes: number;
	modified_ms: number;
	content_hash: string | null;
	kind: "image" | "noise" | "background" | "ignored" | "rejected";
	reason: string | null;
}

export const knownInputs = async (db: Queryable, paths: string[]): Promise<Map<string, InputFile>> => {
	const rows = await db.query<InputFile>(
		"known inputs",
		"SELECT path, size_bytes, modified_ms, content_hash, kind, reason FROM input_file WHERE path = ANY($1)",
		[paths],
	);
	return new Map(rows.map((row) => [row.path, row]));
};

/** Every file that was looked at, with what became of it. */
export async function recordInputs(tx: Transaction, files: InputFile[]): Promise<void> {
	await tx.execute(
		"record inputs",
		`INSERT INTO input_file (path, size_bytes, modified_ms, content_hash, kind, reason)
		 SELECT * FROM unnest($1::text[], $2::int8[], $3::float8[], $4::text[], $5::text[], $6::text[])
		 ON CONFLICT (path) DO UPDATE SET size_bytes = excluded.size_bytes, modified_ms = excluded.modified_ms,
		 content_hash = excluded.content_hash, kind = excluded.kind, reason = excluded.reason, seen_at = now()`,
		[
			files.map((file) => file.path),
			files.map((file) => file.size_bytes),
			files.map((file) => file.modified_ms),
			files.map((file) => file.content_hash),
			files.map((file) => file.kind),
			files.map((file) => file.reason),
		],
	);
}

/** Which of the images have been measured with these settings already. */
export const imagesMeasured = async (db: Queryable, ids: number[], configuration: string): Promise<Set<number>> => {
	const rows = await db.query<{ unit: string }>(
		"images measured",
		`SELECT DISTINCT unit FROM stage_run JOIN run ON run.id = run_id
		 WHERE stage = 'measure' AND stage_run.status = 'done' AND configuration_hash = $2 AND unit = ANY($1)`,
		[ids.map(String), configuration],
	);
	return new Set(rows.map((row) => Number(row.unit)));
};

export async function addRunImages(tx: Transaction, runId: string, ids: number[]): Promise<void> {
	await tx.execute(
		"run images",
		"INSERT INTO run_image (run_id, image_id) SELECT $1, unnest($2::bigint[]) ON CONFLICT DO NOTHING",
		[runId, ids],
	);
}
