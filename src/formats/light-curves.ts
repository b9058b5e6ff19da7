import { badInput } from "../error.ts";
import { readTable } from "./table/read.ts";
import { column, numbers, type Table, texts } from "./table/table.ts";

/** A table of light curves, rows as in the file. */
export interface LightCurves {
	/** As read, for writing it again with more columns. */
	table: Table;
	/** Index into `sources`. */
	sourceIndex: Int32Array;
	mjd: Float64Array;
	frequencyMhz: Float64Array;
	/** Jy; NaN where a row has a problem. */
	fluxJy: Float64Array;
	fluxErrJy: Float64Array;
	sources: { id: string; raDeg?: number; decDeg?: number; fieldId?: string }[];
	/** Rows that carry no measurement, counted from 1, and why. */
	problems: { row: number; reason: string }[];
}

/** Fluxes beyond this are another unit's, or no radio source's. */
const LARGEST_FLUX_JY = 1e6;

/**
 * Reads a table of light curves: `source_id, mjd, frequency_mhz, flux_jy, flux_err_jy`, optional `ra_deg, dec_deg, field_id,
 * epoch_id`, rows in any order. Positions and fields may come from a second table with one row per source.
 * @throws CausticError when a column is missing; rows without a usable value are listed as problems and left out.
 */
export async function readLightCurves(path: string, sourcesPath?: string): Promise<LightCurves> {
	const table = await readTable(path, { text: ["source_id", "field_id", "epoch_id"] });
	if (table.rows === 0)
		throw badInput("no-rows", "holds no rows", { subject: path, remedy: "Give a table with at least one measurement" });
	const ids = texts(table, "source_id");
	const mjd = numbers(table, "mjd");
	const frequencyMhz = numbers(table, "frequency_mhz");
	const fluxJy = Float64Array.from(numbers(table, "flux_jy"));
	const fluxErrJy = numbers(table, "flux_err_jy");
	const optional = (name: string) => (column(table, name) === undefined ? undefined : numbers(table, name));
	const [ra, dec] = [optional("ra_deg"), optional("dec_deg")];
	const fields = column(table, "field_id") === undefined ? undefined : texts(table, "field_id");
	const sources: LightCurves["sources"] = [];
	const place = new Map<string, number>();
	const sourceIndex = new Int32Array(table.rows);
	const problems: LightCurves["problems"] = [];
	for (let row = 0; row < table.rows; row++) {
		const id = ids[row] ?? "";
		let index = place.get(id);
		if (index === undefined) {
			index = sources.length;
			place.set(id, index);
			sources.push({ id });
		}
		sourceIndex[row] = index;
		const source = sources[index];
		if (ra !== undefined && dec !== undefined && source.raDeg === undefined && Number.isFinite(ra[row] + dec[row])) {
			source.raDeg = ra[row];
			source.decDeg = dec[row];
		}
		const field = fields?.[row];
		if (field != null && source.fieldId === undefined) source.fieldId = field;
		const reason = problemOf(id, mjd[row], frequencyMhz[row], fluxJy[row], fluxErrJy[row]);
		if (reason === undefined) continue;
		problems.push({ row: row + 1, reason });
		fluxJy[row] = Number.NaN;
	}
	if (sourcesPath !== undefined) await addSources(sources, place, sourcesPath);
	return { table, sourceIndex, mjd, frequencyMhz, fluxJy, fluxErrJy, sources, problems };
}

function problemOf(id: string, mjd: number, frequencyMhz: number, flux: number, err: number): string | undefined {
	if (id === "") return "no source_id";
	if (!Number.isFinite(mjd)) return "mjd is not a number";
	if (!(mjd > -100_000 && mjd < 200_000)) return `mjd ${mjd} is no Modified Julian Date`;
	if (!(frequencyMhz > 0 && frequencyMhz < 1e7)) return `frequency_mhz ${frequencyMhz} is no frequency in MHz`;
	// An empty flux is a missing value, as after a flag: nothing is wrong with the row.
	if (Number.isNaN(flux) && Number.isNaN(err)) return undefined;
	if (!Number.isFinite(flux)) return "flux_jy is not a number";
	if (Math.abs(flux) > LARGEST_FLUX_JY) return `flux_jy ${flux} is beyond ${LARGEST_FLUX_JY} Jy`;
	if (!(err > 0) || !Number.isFinite(err)) return `flux_err_jy ${err} is no error`;
	return undefined;
}

async function addSources(sources: LightCurves["sources"], place: Map<string, number>, path: string): Promise<void> {
	const table = await readTable(path, { text: ["source_id", "field_id"] });
	const ids = texts(table, "source_id");
	const ra = column(table, "ra_deg") === undefined ? undefined : numbers(table, "ra_deg");
	const dec = column(table, "dec_deg") === undefined ? undefined : numbers(table, "dec_deg");
	const fields = column(table, "field_id") === undefined ? undefined : texts(table, "field_id");
	for (let row = 0; row < table.rows; row++) {
		const index = place.get(ids[row] ?? "");
		if (index === undefined) continue;
		const source = sources[index];
		if (ra !== undefined && dec !== undefined && Number.isFinite(ra[row] + dec[row])) {
			source.raDeg = ra[row];
			source.decDeg = dec[row];
		}
		const field = fields?.[row];
		if (field != null) source.fieldId ??= field;
	}
}
