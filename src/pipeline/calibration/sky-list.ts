import { badInput } from "../../error.ts";
import { readTable } from "../../formats/table/read.ts";
import { column, type Table } from "../../formats/table/table.ts";

/** A source of the field as a list gives it. */
export interface SkyListSource {
	name: string;
	raDeg: number;
	decDeg: number;
	fluxJy: number;
	spectralIndex?: number;
}

const COLUMNS = {
	ra: ["ra_deg", "ra"],
	dec: ["dec_deg", "dec"],
	flux: ["flux_jy", "flux", "peak_flux_jy", "int_flux_jy"],
	index: ["spectral_index", "alpha"],
	name: ["source_id", "name"],
};

/**
 * Reads the sources of a field: a table (CSV, VOTable, FITS ...) with `ra_deg`, `dec_deg` (ICRS), `flux_jy`, optional
 * `spectral_index` (S proportional to frequency to that power) and `source_id`. A CSV without a heading is taken as these first
 * three columns.
 *
 * @throws CausticError naming the missing column or the row that is no source.
 */
export async function readSkyList(path: string): Promise<SkyListSource[]> {
	const table = await readTable(path, { text: COLUMNS.name });
	const headless =
		table.columns.length >= 3 && table.columns.every(({ name }) => name.trim() !== "" && Number.isFinite(Number(name)));
	const find = (names: readonly string[]) =>
		names.map((name) => column(table, name)).find((found) => found !== undefined);
	const [ra, dec, flux] = headless
		? table.columns
		: [
				find(COLUMNS.ra),
				find(COLUMNS.dec),
				find(COLUMNS.flux) ?? table.columns.find(({ name }) => /^flux/i.test(name)),
			];
	for (const [name, found] of [
		["ra_deg", ra],
		["dec_deg", dec],
		["flux_jy", flux],
	] as const) {
		if (found === undefined) {
			throw badInput("missing-column", `there is no column ${name}`, {
				subject: path,
				remedy: `Its columns are ${table.columns.map((one) => one.name).join(", ")}`,
			});
		}
	}
	const index = headless ? undefined : find(COLUMNS.index);
	const names = headless ? undefined : find(COLUMNS.name);
	const rows: SkyListSource[] = [];
	const add = (row: number, read: (which: "ra" | "dec" | "flux") => unknown) => {
		const [raDeg, decDeg, fluxJy] = [Number(read("ra")), Number(read("dec")), Number(read("flux"))];
		if (!(raDeg >= -360 && raDeg <= 360 && decDeg >= -90 && decDeg <= 90 && Number.isFinite(fluxJy))) {
			throw badInput("bad-row", `row ${row} is no source: ${raDeg}, ${decDeg} deg, ${fluxJy} Jy`, {
				subject: path,
				remedy: "Give right ascension and declination in degrees and flux densities in Jy",
			});
		}
		const alpha = index === undefined ? Number.NaN : Number(index.values[row - 1]);
		const name = names?.values[row - 1];
		rows.push({
			name: name === undefined || name === null ? `source-${row}` : String(name),
			raDeg,
			decDeg,
			fluxJy,
			...(Number.isFinite(alpha) ? { spectralIndex: alpha } : {}),
		});
	};
	if (headless) add(0, (which) => table.columns[["ra", "dec", "flux"].indexOf(which)].name);
	const at = { ra, dec, flux };
	for (let i = 0; i < table.rows; i++) add(i + 1, (which) => (at[which] as Table["columns"][number]).values[i]);
	return rows;
}
