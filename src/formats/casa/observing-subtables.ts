import type { Polarization } from "../../calibration/visibility-set.ts";
import { polarizationToCasacore } from "../polarization.ts";
import { arrayColumn, bools, doubles, ints, same, scalarColumn } from "./column-plans.ts";
import { DIRECTION, EPOCH, measured, POSITION, SECONDS } from "./measures.ts";
import { SECONDS_PER_DAY } from "./subtables.ts";
import { type ColumnPlan, type TableRows, writeTable } from "./table-writer.ts";
import type { CasaArray } from "./values.ts";

/** Receptors of a product: X and Y, or R and L, are 0 and 1. */
const receptor = (name: string) => (name === "Y" || name === "L" ? 1 : 0);

export function writePolarization(path: string, products: readonly Polarization[]): void {
	const n = products.length;
	const pairs = Int32Array.from(
		products.flatMap((product) => [receptor(product[0]), receptor(product[product.length - 1])]),
	);
	writeTable(
		path,
		{
			nRows: 1,
			columns: [
				arrayColumn(
					"CORR_TYPE",
					"Int",
					"varying",
					1,
					"The polarization type for each correlation product, as a Stokes enum.",
				),
				arrayColumn("CORR_PRODUCT", "Int", "varying", 2, "Indices describing receptors of feed going into correlation"),
				scalarColumn("FLAG_ROW", "Bool", "Row flag"),
				scalarColumn("NUM_CORR", "Int", "Number of correlation products"),
			],
		},
		{
			CORR_TYPE: [{ shape: [n], data: Int32Array.from(products, polarizationToCasacore) }],
			CORR_PRODUCT: [{ shape: [2, n], data: pairs }],
			FLAG_ROW: bools(1),
			NUM_CORR: ints(1, n),
		},
	);
}

export function writeDataDescription(path: string, nWindows: number): void {
	writeTable(
		path,
		{
			nRows: nWindows,
			columns: [
				scalarColumn("FLAG_ROW", "Bool", "Flag this row"),
				scalarColumn("POLARIZATION_ID", "Int", "Pointer to polarization table"),
				scalarColumn("SPECTRAL_WINDOW_ID", "Int", "Pointer to spectralwindow table"),
			],
		},
		{
			FLAG_ROW: bools(nWindows),
			POLARIZATION_ID: ints(nWindows),
			SPECTRAL_WINDOW_ID: Int32Array.from({ length: nWindows }, (_, i) => i),
		},
	);
}

/** One feed per antenna, of two receptors. */
export function writeFeeds(
	path: string,
	nAntennas: number,
	receptors: readonly [string, string],
	timeMjd: number,
): void {
	const n = nAntennas;
	const each = (cell: CasaArray) => same(n, cell);
	writeTable(
		path,
		{
			nRows: n,
			columns: [
				arrayColumn("POSITION", "double", [3], 1, "Position of feed relative to feed reference position", POSITION()),
				arrayColumn(
					"BEAM_OFFSET",
					"double",
					"varying",
					2,
					"Beam position offset (on sky but in antennareference frame)",
					DIRECTION("J2000"),
				),
				arrayColumn(
					"POLARIZATION_TYPE",
					"String",
					"varying",
					1,
					"Type of polarization to which a given RECEPTOR responds",
				),
				arrayColumn("POL_RESPONSE", "Complex", "varying", 2, "D-matrix i.e. leakage between two receptors"),
				arrayColumn(
					"RECEPTOR_ANGLE",
					"double",
					"varying",
					1,
					"The reference angle for polarization",
					measured(["rad"]),
				),
				scalarColumn("ANTENNA_ID", "Int", "ID of antenna in this array"),
				scalarColumn("BEAM_ID", "Int", "Id for BEAM model"),
				scalarColumn("FEED_ID", "Int", "Feed id"),
				scalarColumn("INTERVAL", "double", "Interval for which this set of parameters is accurate", SECONDS()),
				scalarColumn("NUM_RECEPTORS", "Int", "Number of receptors on this feed (probably 1 or 2)"),
				scalarColumn("SPECTRAL_WINDOW_ID", "Int", "ID for this spectral window setup"),
				scalarColumn("TIME", "double", "Midpoint of time for which this set of parameters is accurate", EPOCH()),
			],
		},
		{
			POSITION: doubles(3 * n),
			BEAM_OFFSET: each({ shape: [2, 2], data: doubles(4) }),
			POLARIZATION_TYPE: each({ shape: [2], data: [...receptors] }),
			POL_RESPONSE: each({ shape: [2, 2], data: Float32Array.of(1, 0, 0, 0, 0, 0, 1, 0) }),
			RECEPTOR_ANGLE: each({ shape: [2], data: doubles(2) }),
			ANTENNA_ID: Int32Array.from({ length: n }, (_, i) => i),
			BEAM_ID: ints(n, -1),
			FEED_ID: ints(n),
			INTERVAL: doubles(n),
			NUM_RECEPTORS: ints(n, 2),
			SPECTRAL_WINDOW_ID: ints(n, -1),
			TIME: doubles(n, timeMjd * SECONDS_PER_DAY),
		},
	);
}

const writeEmpty = (path: string, columns: readonly ColumnPlan[]) => {
	const rows: Record<string, TableRows[string]> = {};
	for (const { name } of columns) rows[name] = [];
	writeTable(path, { nRows: 0, columns }, rows);
};

export function writeFlagCommands(path: string): void {
	writeEmpty(path, [
		scalarColumn("APPLIED", "Bool", "True if flag has been applied to main table"),
		scalarColumn("COMMAND", "String", "Flagging command"),
		scalarColumn("INTERVAL", "double", "Time interval for which this flag is valid", SECONDS()),
		scalarColumn("LEVEL", "Int", "Flag level - revision level "),
		scalarColumn("REASON", "String", "Flag reason"),
		scalarColumn("SEVERITY", "Int", "Severity code (0-10) "),
		scalarColumn("TIME", "double", "Midpoint of interval for which this flag is valid", EPOCH()),
		scalarColumn("TYPE", "String", "Type of flag (FLAG or UNFLAG)"),
	]);
}

export function writePointing(path: string): void {
	writeEmpty(path, [
		arrayColumn(
			"DIRECTION",
			"double",
			"varying",
			2,
			"Antenna pointing direction as polynomial in time",
			DIRECTION("J2000"),
		),
		scalarColumn("ANTENNA_ID", "Int", "Antenna Id"),
		scalarColumn("INTERVAL", "double", "Time interval", SECONDS()),
		scalarColumn("NAME", "String", "Pointing position name"),
		scalarColumn("NUM_POLY", "Int", "Series order"),
		arrayColumn("TARGET", "double", "varying", -1, "target direction as polynomial in time", DIRECTION("J2000")),
		scalarColumn("TIME", "double", "Time interval midpoint", EPOCH()),
		scalarColumn("TIME_ORIGIN", "double", "Time origin for direction", EPOCH()),
		scalarColumn("TRACKING", "Bool", "Tracking flag - True if on position"),
	]);
}

export function writeProcessor(path: string): void {
	writeTable(
		path,
		{
			nRows: 1,
			columns: [
				scalarColumn("FLAG_ROW", "Bool", "Row flag"),
				scalarColumn("MODE_ID", "Int", "Processor mode id"),
				scalarColumn("TYPE", "String", "Processor type"),
				scalarColumn("TYPE_ID", "Int", "Processor type id"),
				scalarColumn("SUB_TYPE", "String", "Processor sub type"),
			],
		},
		{ FLAG_ROW: bools(1), MODE_ID: ints(1, -1), TYPE: ["CORRELATOR"], TYPE_ID: ints(1, -1), SUB_TYPE: [""] },
	);
}

export function writeState(path: string): void {
	writeTable(
		path,
		{
			nRows: 1,
			columns: [
				scalarColumn("CAL", "double", "Noise calibration temperature", measured(["K"])),
				scalarColumn("FLAG_ROW", "Bool", "Row flag"),
				scalarColumn("LOAD", "double", "Load temperature", measured(["K"])),
				scalarColumn("OBS_MODE", "String", "Observing mode, e.g., OFF_SPECTRUM"),
				scalarColumn("REF", "Bool", "True for a reference observation"),
				scalarColumn("SIG", "Bool", "True for a source observation"),
				scalarColumn("SUB_SCAN", "Int", "Sub scan number, relative to scan number"),
			],
		},
		{
			CAL: doubles(1),
			FLAG_ROW: bools(1),
			LOAD: doubles(1),
			OBS_MODE: ["OBSERVE_TARGET#ON_SOURCE"],
			REF: bools(1),
			SIG: Uint8Array.of(1),
			SUB_SCAN: ints(1),
		},
	);
}
