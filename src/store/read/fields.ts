import type { Queryable } from "../database.ts";

export interface FieldRow {
	id: number;
	name: string;
	ra_deg: number;
	dec_deg: number;
	radius_deg: number;
	images: number;
	epochs: number;
	first_mjd: number | null;
	last_mjd: number | null;
}

export const listFields = (db: Queryable): Promise<FieldRow[]> =>
	db.query<FieldRow>(
		"list fields",
		`SELECT field.*, coalesce(i.images, 0)::int AS images, coalesce(e.epochs, 0)::int AS epochs, e.first_mjd, e.last_mjd
		 FROM field
		 LEFT JOIN (SELECT field_id, count(*) AS images FROM image GROUP BY field_id) AS i ON i.field_id = field.id
		 LEFT JOIN (SELECT field_id, count(*) AS epochs, min(mjd) AS first_mjd, max(mjd) AS last_mjd FROM epoch GROUP BY field_id) AS e
		 ON e.field_id = field.id ORDER BY field.name, field.id`,
	);

export interface BandRow {
	id: number;
	frequency_mhz: number;
	bandwidth_mhz: number | null;
	images: number;
}

/** Subbands in ascending frequency. */
export const listBands = (db: Queryable): Promise<BandRow[]> =>
	db.query<BandRow>(
		"list bands",
		`SELECT band.id, frequency_hz / 1e6 AS frequency_mhz, bandwidth_hz / 1e6 AS bandwidth_mhz, coalesce(i.images, 0)::int AS images
		 FROM band LEFT JOIN (SELECT band_id, count(*) AS images FROM image GROUP BY band_id) AS i ON i.band_id = band.id
		 ORDER BY frequency_hz, band.id`,
	);
