import type { Queryable, Transaction } from "./database.ts";

export interface SourceRow {
	id: number;
	name: string;
	origin: "catalogue" | "found";
	ra_deg: number;
	dec_deg: number;
	ra_err_arcsec: number | null;
	dec_err_arcsec: number | null;
	catalogue_flux_jy: number | null;
	major_arcsec: number | null;
	minor_arcsec: number | null;
	pa_deg: number | null;
	first_image_id: number | null;
	new_source_significance: number | null;
	field_id: number | null;
}

const COLUMNS =
	"id, name, origin, ra_deg, dec_deg, ra_err_arcsec, dec_err_arcsec, catalogue_flux_jy, major_arcsec, minor_arcsec, pa_deg, first_image_id, new_source_significance, field_id";

/**
 * Sources within a circle, in the order of their ids. The declination band uses the index; the rest is decided by the
 * chord between unit vectors, so that RA 0 and the poles are no special places.
 */
export const sourcesWithin = (
	db: Queryable,
	raDeg: number,
	decDeg: number,
	radiusDeg: number,
): Promise<SourceRow[]> => {
	const ra = (raDeg * Math.PI) / 180;
	const dec = (decDeg * Math.PI) / 180;
	const chord = 2 * Math.sin((Math.min(radiusDeg, 180) * Math.PI) / 360);
	return db.query<SourceRow>(
		"sources within",
		`SELECT ${COLUMNS} FROM source WHERE dec_deg BETWEEN $1 AND $2
		 AND (cosd(dec_deg) * cosd(ra_deg) - $3) ^ 2 + (cosd(dec_deg) * sind(ra_deg) - $4) ^ 2 + (sind(dec_deg) - $5) ^ 2 <= $6 ORDER BY id`,
		[
			decDeg - radiusDeg,
			decDeg + radiusDeg,
			Math.cos(dec) * Math.cos(ra),
			Math.cos(dec) * Math.sin(ra),
			Math.sin(dec),
			chord * chord,
		],
	);
};

export const sourcesByIds = (db: Queryable, ids: number[]): Promise<SourceRow[]> =>
	db.query<SourceRow>("sources by id", `SELECT ${COLUMNS} FROM source WHERE id = ANY($1) ORDER BY id`, [ids]);

export const sourceNames = async (db: Queryable, names: string[]): Promise<Set<string>> => {
	const rows = await db.query<{ name: string }>("source names", "SELECT name FROM source WHERE name = ANY($1)", [
		names,
	]);
	return new Set(rows.map((row) => row.name));
};

export async function insertSources(tx: Transaction, sources: SourceRow[]): Promise<void> {
	const value = <K extends keyof SourceRow>(key: K) => ({ name: key, value: (i: number) => sources[i][key] });
	await tx.copy(
		"source",
		[
			value("id"),
			value("name"),
			value("origin"),
			value("ra_deg"),
			value("dec_deg"),
			value("ra_err_arcsec"),
			value("dec_err_arcsec"),
			value("catalogue_flux_jy"),
			value("major_arcsec"),
			value("minor_arcsec"),
			value("pa_deg"),
			value("first_image_id"),
			value("new_source_significance"),
			value("field_id"),
		],
		sources.length,
	);
}

/** Better positions as epochs arrive; identity and name stay. */
export async function updatePositions(
	tx: Transaction,
	rows: { id: number; raDeg: number; decDeg: number; raErrArcsec: number; decErrArcsec: number }[],
): Promise<void> {
	await tx.execute(
		"update positions",
		`UPDATE source SET ra_deg = v.ra, dec_deg = v.dec, ra_err_arcsec = v.era, dec_err_arcsec = v.edec
		 FROM unnest($1::bigint[], $2::float8[], $3::float8[], $4::float8[], $5::float8[]) AS v(id, ra, dec, era, edec) WHERE source.id = v.id`,
		[
			rows.map((r) => r.id),
			rows.map((r) => r.raDeg),
			rows.map((r) => r.decDeg),
			rows.map((r) => r.raErrArcsec),
			rows.map((r) => r.decErrArcsec),
		],
	);
}
