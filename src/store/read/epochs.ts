import type { Queryable } from "../database.ts";
import { afterCursor, keyColumns, orderBy, type Page, type SortTerm, toPage } from "./cursor.ts";

export interface EpochRow {
	id: number;
	field_id: number;
	field: string;
	/** Mid-exposure, MJD UTC. */
	mjd: number;
	images: number;
	measurements: number;
	/** Extremes over the epoch's images. */
	correction_low: number | null;
	correction_high: number | null;
	/** Images whose correction was not applied as it stands. */
	suspicious_images: number;
}

const TERMS: SortTerm[] = [
	{ sql: "-epoch.mjd", type: "float8" },
	{ sql: "epoch.id", type: "bigint" },
];

/** Newest first. */
export async function listEpochs(
	db: Queryable,
	filter: { fieldId?: number | undefined; limit: number; cursor?: string | undefined },
): Promise<Page<EpochRow>> {
	const values: unknown[] = [filter.fieldId ?? null, filter.limit + 1];
	const after = afterCursor(TERMS, "epochs", filter.cursor, values);
	const rows = await db.query<EpochRow>(
		"list epochs",
		`SELECT epoch.id, epoch.field_id, field.name AS field, epoch.mjd, i.images::int, i.measurements::int, i.correction_low, i.correction_high,
		 i.suspicious_images::int, key0, key1
		 FROM (SELECT epoch.*, ${keyColumns(TERMS)} FROM epoch WHERE ($1::bigint IS NULL OR field_id = $1) AND ${after}
		  ORDER BY ${orderBy(TERMS)} LIMIT $2) AS epoch
		 JOIN field ON field.id = epoch.field_id
		 CROSS JOIN LATERAL (SELECT count(*) AS images, coalesce(sum((SELECT count(*) FROM measurement WHERE image_id = image.id)), 0) AS measurements,
		  min(c.correction) AS correction_low, max(c.correction) AS correction_high,
		  count(*) FILTER (WHERE c.status <> 'applied') AS suspicious_images
		  FROM image LEFT JOIN flux_correction AS c ON c.image_id = image.id WHERE image.epoch_id = epoch.id) AS i
		 ORDER BY key0, key1`,
		values,
	);
	return toPage(rows, filter.limit, "epochs", TERMS.length);
}
