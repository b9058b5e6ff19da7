import type { Queryable } from "../database.ts";
import { afterCursor, keyColumns, orderBy, type Page, type SortTerm, toPage } from "./cursor.ts";

/** The flux correction of one image: normalised flux = raw flux x correction. */
export interface CorrectionRow {
	image_id: number;
	path: string;
	epoch_id: number;
	field_id: number;
	band_id: number;
	frequency_mhz: number;
	/** Mid-exposure, MJD UTC. */
	mjd: number;
	correction: number;
	correction_err: number | null;
	/** Scatter of the references about the correction, relative. */
	scatter: number | null;
	n_references: number;
	n_rejected: number;
	/** Where it came from: the ensemble or a step of the fallback chain. */
	source: string;
	status: string;
	reference_set_id: number | null;
	noise_median_jy: number | null;
	details: Record<string, unknown>;
}

const TERMS: SortTerm[] = [
	{ sql: "image.mjd", type: "float8" },
	{ sql: "image.id", type: "bigint" },
];

/** Oldest first. */
export async function listCorrections(
	db: Queryable,
	filter: {
		fieldId?: number | undefined;
		bandId?: number | undefined;
		epochId?: number | undefined;
		status?: string | undefined;
		limit: number;
		cursor?: string | undefined;
	},
): Promise<Page<CorrectionRow>> {
	const values: unknown[] = [
		filter.fieldId ?? null,
		filter.bandId ?? null,
		filter.epochId ?? null,
		filter.status ?? null,
		filter.limit + 1,
	];
	const after = afterCursor(TERMS, "corrections", filter.cursor, values);
	const rows = await db.query<CorrectionRow>(
		"list corrections",
		`SELECT c.image_id, image.path, image.epoch_id, image.field_id, image.band_id, image.frequency_hz / 1e6 AS frequency_mhz, image.mjd,
		 c.correction, c.correction_err, c.scatter, c.n_references, c.n_rejected, c.source, c.status, c.reference_set_id, image.noise_median_jy,
		 c.details, ${keyColumns(TERMS)}
		 FROM flux_correction AS c JOIN image ON image.id = c.image_id
		 WHERE ($1::bigint IS NULL OR image.field_id = $1) AND ($2::bigint IS NULL OR image.band_id = $2)
		 AND ($3::bigint IS NULL OR image.epoch_id = $3) AND ($4::text IS NULL OR c.status = $4) AND ${after}
		 ORDER BY ${orderBy(TERMS)} LIMIT $5`,
		values,
	);
	return toPage(rows, filter.limit, "corrections", TERMS.length);
}
