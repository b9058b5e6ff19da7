import { badInput } from "../error.ts";
import { type SkyFrame, toIcrs } from "../sky/frames.ts";
import { readTable } from "./table/read.ts";
import { type Column, column, numbers, type Table, texts } from "./table/table.ts";

/** Positions to measure at, in the order of the file: every array has one value per row of it. */
export interface Catalogue {
	/** Unique; the row number (from 1) where the file has no identifiers. */
	sourceId: string[];
	/** ICRS, 0 to 360; NaN where the row has a problem. */
	raDeg: Float64Array;
	decDeg: Float64Array;
	/** NaN where absent. */
	fluxJy: Float64Array;
	majorArcsec: Float64Array;
	minorArcsec: Float64Array;
	paDeg: Float64Array;
	majorErrArcsec: Float64Array;
	minorErrArcsec: Float64Array;
	/** Rows that cannot be measured and why; `row` counts the data rows of the file from 1. */
	problems: { row: number; reason: string }[];
	/** What was converted. */
	notes: string[];
}

export interface CatalogueOptions {
	/** Take rows that repeat an identifier, as positions to measure are no identities. */
	mayRepeat?: boolean;
}

const IDS = ["id", "name", "component_id"];
const DEGREES: Record<string, number> = { "": 1, deg: 1, degree: 1, degrees: 1, d: 1, rad: 180 / Math.PI };
const HOURS = new Set(["h", "hour", "hours", "hourangle", "hms", "h:m:s"]);
const JANSKY: Record<string, number> = { "": 1, jy: 1, mjy: 1e-3, ujy: 1e-6 };
const ARCSECONDS: Record<string, number> = { "": 1, arcsec: 1, arcmin: 60, deg: 3600 };
/** 12:34:56.7, 12h34m56.7s, 12 34 56.7, -30d15m. */
const SEXAGESIMAL = /^([+-])?(\d{1,3})(?:[:hd°]\s*|\s+)(\d{1,2})(?:(?:[:m']\s*|\s+)(\d{1,2}(?:\.\d*)?)?s?"?)?$/i;

function sexagesimal(text: string): number | undefined {
	const match = SEXAGESIMAL.exec(text.trim());
	if (match === null) return undefined;
	const [, sign, whole, minutes, seconds = "0"] = match;
	if (Number(minutes) >= 60 || Number(seconds) >= 60) return undefined;
	const value = Number(whole) + Number(minutes) / 60 + Number(seconds) / 3600;
	return sign === "-" ? -value : value;
}

interface Angles {
	values: Float64Array;
	/** Whether values were hours and are now degrees. */
	wereHours: boolean;
}

/** One coordinate in degrees: numbers by their unit, or sexagesimal text (right ascension then in hours). */
function angles(table: Table, name: string, alias: string, isRa: boolean): Angles {
	const found = column(table, name) ?? column(table, alias);
	const subject = `${table.source ?? "catalogue"}, column ${found?.name ?? name}`;
	const unit = (found?.unit ?? "").toLowerCase().trim();
	const hasHours = isRa && HOURS.has(unit);
	const isText = found !== undefined && found.kind === "text";
	if (isText && found.values.some((value) => typeof value === "string" && sexagesimal(value) !== undefined)) {
		if (column(table, name) !== undefined) {
			throw badInput(
				"bad-catalogue",
				`${JSON.stringify(found.values.find((value) => value !== null))} is not in degrees`,
				{
					subject,
					remedy: `Write degrees, or name the column ${alias} for ${isRa ? "hours, minutes, seconds" : "degrees, minutes, seconds"}`,
				},
			);
		}
		const scale = isRa && !unit.startsWith("d") ? 15 : 1;
		const values = Float64Array.from(found.values as (string | null)[], (text, row) => {
			if (text === null || text.trim() === "") return Number.NaN;
			const value = sexagesimal(text);
			if (value === undefined) {
				throw badInput("bad-catalogue", `row ${row + 1}: ${JSON.stringify(text)} is not an angle`, {
					subject,
					remedy: "Write every angle of the column in one way",
				});
			}
			return value * scale;
		});
		return { values, wereHours: scale === 15 };
	}
	const values = numbers(table, name, [alias]);
	const scale = hasHours ? 15 : DEGREES[unit];
	if (scale === undefined) {
		throw badInput("bad-unit", `${JSON.stringify(found?.unit)} is not a unit of angle that is understood`, {
			subject,
			remedy: "Give degrees",
		});
	}
	return { values: scale === 1 ? values.slice() : values.map((value) => value * scale), wereHours: hasHours };
}

/** An optional quantity, in the unit that the column names or else the one of its name. */
function quantity(table: Table, name: string, units: Record<string, number>): Float64Array {
	const found: Column | undefined = column(table, name);
	if (found === undefined) return new Float64Array(table.rows).fill(Number.NaN);
	const unit = (found.unit ?? "").toLowerCase().replace(/\/beam$/, "");
	const scale = units[unit];
	if (scale === undefined) {
		throw badInput("bad-unit", `the unit ${JSON.stringify(found.unit)} is not understood`, {
			subject: `${table.source ?? "catalogue"}, column ${found.name}`,
			remedy: `Use ${Object.keys(units).filter(Boolean).join(", ")}`,
		});
	}
	const values = numbers(table, name);
	return scale === 1 ? values : values.map((value) => value * scale);
}

function identifiers(table: Table, mayRepeat: boolean): string[] {
	const name = ["source_id", ...IDS].find((candidate) => column(table, candidate) !== undefined);
	if (name === undefined) return Array.from({ length: table.rows }, (_, row) => String(row + 1));
	const subject = `${table.source ?? "catalogue"}, column ${name}`;
	const seen = new Map<string, number>();
	return texts(table, name).map((text, row) => {
		const id = text?.trim() ?? "";
		if (id === "") {
			throw badInput("bad-catalogue", `row ${row + 1} has no identifier`, {
				subject,
				remedy: "Give every row one, or leave the column out",
			});
		}
		const first = seen.get(id);
		if (first !== undefined && !mayRepeat) {
			throw badInput("bad-catalogue", `rows ${first} and ${row + 1} are both ${JSON.stringify(id)}`, {
				subject,
				remedy: "Give every source an identifier of its own",
			});
		}
		seen.set(id, row + 1);
		return id;
	});
}

/** The frame that a table declares; undefined for ICRS and when it declares none. */
function frameOf(table: Table): SkyFrame | undefined {
	const name = (table.frame ?? "").toLowerCase().replace(/^eq_/, "").replace(/\(.*$/, "").trim();
	if (name === "" || name === "icrs") return undefined;
	if (name === "fk5" || name === "j2000") return { name: "fk5", equinox: 2000 };
	if (name === "fk4" || name === "b1950") return { name: "fk4", equinox: 1950 };
	throw badInput("bad-catalogue", `positions in the frame ${table.frame} are not read`, {
		subject: table.source ?? "catalogue",
		remedy: "Convert them to ICRS",
	});
}

/**
 * Reads a list of positions: `ra_deg`, `dec_deg` (aliases `ra`, `dec`), optional `source_id`, `flux_jy`,
 * `major_arcsec`, `minor_arcsec`, `pa_deg` (sizes as fitted, beam included) with `major_err_arcsec`,
 * `minor_err_arcsec`, in any format that {@link readTable} reads. Rows without a position stay,
 * as NaN with a problem; FK5 and FK4 positions, and hours, are converted and noted.
 * @throws CausticError naming column and row for a declination beyond 90 degrees, a right ascension beyond a turn,
 * an identifier given twice, an unknown unit, a missing column.
 */
export async function readCatalogue(path: string, options: CatalogueOptions = {}): Promise<Catalogue> {
	return catalogueOf(await readTable(path, { text: ["source_id", ...IDS] }), options);
}

/** The catalogue in a table: see {@link readCatalogue}. */
export function catalogueOf(table: Table, options: CatalogueOptions = {}): Catalogue {
	const subject = table.source ?? "catalogue";
	const ra = angles(table, "ra_deg", "ra", true);
	const dec = angles(table, "dec_deg", "dec", false);
	const frame = frameOf(table);
	const problems: Catalogue["problems"] = [];
	const notes: string[] = [];
	if (ra.wereHours) notes.push("right ascensions in hours were converted to degrees");
	if (frame !== undefined) notes.push(`positions in ${table.frame} were converted to ICRS`);
	for (let row = 0; row < table.rows; row++) {
		let lon = ra.values[row];
		let lat = dec.values[row];
		if (Number.isNaN(lon) || Number.isNaN(lat)) {
			problems.push({ row: row + 1, reason: Number.isNaN(lon) ? "no right ascension" : "no declination" });
			lon = Number.NaN;
			lat = Number.NaN;
		} else if (!(Math.abs(lat) <= 90)) {
			throw badInput("bad-catalogue", `row ${row + 1}: declination ${lat} is beyond 90 degrees`, {
				subject,
				remedy: "Check the unit and the order of the columns",
			});
		} else if (!(lon >= -180 && lon <= 360)) {
			throw badInput("bad-catalogue", `row ${row + 1}: right ascension ${lon} is not within -180 to 360 degrees`, {
				subject,
				remedy: "Check the unit of the column",
			});
		} else {
			if (lon < 0 || lon === 360) lon = lon < 0 ? lon + 360 : 0;
			if (frame !== undefined) [lon, lat] = toIcrs(frame, lon, lat);
		}
		ra.values[row] = lon;
		dec.values[row] = lat;
	}
	return {
		sourceId: identifiers(table, options.mayRepeat ?? false),
		raDeg: ra.values,
		decDeg: dec.values,
		fluxJy: quantity(table, "flux_jy", JANSKY),
		majorArcsec: quantity(table, "major_arcsec", ARCSECONDS),
		minorArcsec: quantity(table, "minor_arcsec", ARCSECONDS),
		paDeg: quantity(table, "pa_deg", DEGREES),
		majorErrArcsec: quantity(table, "major_err_arcsec", ARCSECONDS),
		minorErrArcsec: quantity(table, "minor_err_arcsec", ARCSECONDS),
		problems,
		notes,
	};
}
