import type { Antenna } from "../../calibration/visibility-set.ts";
import { arrayColumn, bools, doubles, ints, same, scalarColumn } from "./column-plans.ts";
import { DIRECTION, EPOCH, frequency, measured, POSITION } from "./measures.ts";
import type { CasaRecord } from "./record.ts";
import { writeTable } from "./table-writer.ts";
import type { CasaArray } from "./values.ts";

const RAD = Math.PI / 180;
/** Seconds of MJD, the unit of every time in a MeasurementSet. */
export const SECONDS_PER_DAY = 86400;

export function writeAntennas(path: string, antennas: readonly Antenna[]): void {
	const n = antennas.length;
	writeTable(
		path,
		{
			nRows: n,
			columns: [
				arrayColumn("OFFSET", "double", [3], 1, "Axes offset of mount to FEED REFERENCE point", POSITION()),
				arrayColumn("POSITION", "double", [3], 1, "Antenna X,Y,Z phase reference position", POSITION()),
				scalarColumn("TYPE", "String", "Antenna type (e.g. SPACE-BASED)"),
				scalarColumn("DISH_DIAMETER", "double", "Physical diameter of dish", measured(["m"])),
				scalarColumn("FLAG_ROW", "Bool", "Flag for this row"),
				scalarColumn("MOUNT", "String", "Mount type e.g. alt-az, equatorial, etc."),
				scalarColumn("NAME", "String", "Antenna name, e.g. VLA22, CA03"),
				scalarColumn("STATION", "String", "Station (antenna pad) name"),
			],
		},
		{
			OFFSET: doubles(3 * n),
			POSITION: Float64Array.from(antennas.flatMap((antenna) => antenna.positionItrfM)),
			TYPE: same(n, "GROUND-BASED"),
			DISH_DIAMETER: Float64Array.from(antennas, (antenna) => antenna.diameterM || 0),
			FLAG_ROW: bools(n),
			MOUNT: same(n, "ALT-AZ"),
			NAME: antennas.map((antenna) => antenna.name),
			STATION: antennas.map((antenna) => antenna.name),
		},
	);
}

/** A field with its direction in ICRS or J2000. */
export interface FieldRow {
	name: string;
	raDeg: number;
	decDeg: number;
	timeMjd: number;
}

export function writeFields(path: string, fields: readonly FieldRow[], frame: "ICRS" | "J2000"): void {
	const n = fields.length;
	const directions = fields.map(({ raDeg, decDeg }): CasaArray => {
		// casacore writes right ascensions within (-pi, pi].
		const ra = ((((raDeg + 180) % 360) + 360) % 360) - 180;
		return { shape: [2, 1], data: Float64Array.of(ra * RAD, decDeg * RAD) };
	});
	writeTable(
		path,
		{
			nRows: n,
			columns: [
				arrayColumn(
					"DELAY_DIR",
					"double",
					"varying",
					2,
					"Direction of delay center (e.g. RA, DEC)as polynomial in time.",
					DIRECTION(frame),
				),
				arrayColumn("PHASE_DIR", "double", "varying", 2, "Direction of phase center (e.g. RA, DEC).", DIRECTION(frame)),
				arrayColumn(
					"REFERENCE_DIR",
					"double",
					"varying",
					2,
					"Direction of REFERENCE center (e.g. RA, DEC).as polynomial in time.",
					DIRECTION(frame),
				),
				scalarColumn("CODE", "String", "Special characteristics of field, e.g. Bandpass calibrator"),
				scalarColumn("FLAG_ROW", "Bool", "Row Flag"),
				scalarColumn("NAME", "String", "Name of this field"),
				scalarColumn("NUM_POLY", "Int", "Polynomial order of _DIR columns"),
				scalarColumn("SOURCE_ID", "Int", "Source id"),
				scalarColumn("TIME", "double", "Time origin for direction and rate", EPOCH()),
			],
		},
		{
			DELAY_DIR: directions,
			PHASE_DIR: directions,
			REFERENCE_DIR: directions,
			CODE: same(n, ""),
			FLAG_ROW: bools(n),
			NAME: fields.map((field) => field.name),
			NUM_POLY: ints(n),
			SOURCE_ID: Int32Array.from(fields, (_, i) => i),
			TIME: Float64Array.from(fields, (field) => field.timeMjd * SECONDS_PER_DAY),
		},
	);
}

/** A spectral window of a MeasurementSet or calibration table. */
export interface WindowRow {
	name: string;
	/** Ascending. */
	frequenciesHz: Float64Array;
	channelWidthsHz: Float64Array;
	/** The middle of the band if not given. */
	referenceFrequencyHz?: number;
}

export function writeSpectralWindows(path: string, windows: readonly WindowRow[]): void {
	const n = windows.length;
	const TOPO = 5;
	const cells = (of: (window: WindowRow) => Float64Array) =>
		windows.map((window): CasaArray => ({ shape: [of(window).length], data: of(window).slice() }));
	const middle = ({ frequenciesHz }: WindowRow) => (frequenciesHz[0] + frequenciesHz[frequenciesHz.length - 1]) / 2;
	writeTable(
		path,
		{
			nRows: n,
			columns: [
				scalarColumn("MEAS_FREQ_REF", "Int", "Frequency Measure reference"),
				arrayColumn(
					"CHAN_FREQ",
					"double",
					"varying",
					1,
					"Center frequencies for each channel in the data matrix",
					frequency(),
				),
				scalarColumn("REF_FREQUENCY", "double", "The reference frequency", frequency()),
				arrayColumn("CHAN_WIDTH", "double", "varying", 1, "Channel width for each channel", measured(["Hz"])),
				arrayColumn(
					"EFFECTIVE_BW",
					"double",
					"varying",
					1,
					"Effective noise bandwidth of each channel",
					measured(["Hz"]),
				),
				arrayColumn(
					"RESOLUTION",
					"double",
					"varying",
					1,
					"The effective noise bandwidth for each channel",
					measured(["Hz"]),
				),
				scalarColumn("FLAG_ROW", "Bool", "Row flag"),
				scalarColumn("FREQ_GROUP", "Int", "Frequency group"),
				scalarColumn("FREQ_GROUP_NAME", "String", "Frequency group name"),
				scalarColumn("IF_CONV_CHAIN", "Int", "The IF conversion chain number"),
				scalarColumn("NAME", "String", "Spectral window name"),
				scalarColumn("NET_SIDEBAND", "Int", "Net sideband"),
				scalarColumn("NUM_CHAN", "Int", "Number of spectral channels"),
				scalarColumn("TOTAL_BANDWIDTH", "double", "The total bandwidth for this window", measured(["Hz"])),
			],
		},
		{
			MEAS_FREQ_REF: ints(n, TOPO),
			CHAN_FREQ: cells((window) => window.frequenciesHz),
			REF_FREQUENCY: Float64Array.from(windows, (window) => window.referenceFrequencyHz ?? middle(window)),
			CHAN_WIDTH: cells((window) => window.channelWidthsHz),
			EFFECTIVE_BW: cells((window) => window.channelWidthsHz),
			RESOLUTION: cells((window) => window.channelWidthsHz),
			FLAG_ROW: bools(n),
			FREQ_GROUP: ints(n),
			FREQ_GROUP_NAME: same(n, "none"),
			IF_CONV_CHAIN: ints(n),
			NAME: windows.map((window) => window.name),
			NET_SIDEBAND: ints(n, 1),
			NUM_CHAN: Int32Array.from(windows, (window) => window.frequenciesHz.length),
			TOTAL_BANDWIDTH: Float64Array.from(windows, (window) => window.channelWidthsHz.reduce((a, b) => a + b, 0)),
		},
	);
}

export interface ObservationRow {
	telescope: string;
	observer: string;
	project: string;
	beginMjd: number;
	endMjd: number;
}

export function writeObservation(path: string, row: ObservationRow): void {
	writeTable(
		path,
		{
			nRows: 1,
			columns: [
				arrayColumn("TIME_RANGE", "double", [2], 1, "Start and end of observation", EPOCH()),
				arrayColumn("LOG", "String", "varying", 1, "Observing log"),
				arrayColumn("SCHEDULE", "String", "varying", 1, "Observing schedule"),
				scalarColumn("FLAG_ROW", "Bool", "Row flag"),
				scalarColumn("OBSERVER", "String", "Name of observer(s)"),
				scalarColumn("PROJECT", "String", "Project identification string"),
				scalarColumn("RELEASE_DATE", "double", "Release date when data becomes public", EPOCH()),
				scalarColumn("SCHEDULE_TYPE", "String", "Observing schedule type"),
				scalarColumn("TELESCOPE_NAME", "String", "Telescope Name (e.g. WSRT, VLBA)"),
			],
		},
		{
			TIME_RANGE: Float64Array.of(row.beginMjd * SECONDS_PER_DAY, row.endMjd * SECONDS_PER_DAY),
			LOG: [undefined],
			SCHEDULE: [undefined],
			FLAG_ROW: bools(1),
			OBSERVER: [row.observer],
			PROJECT: [row.project],
			RELEASE_DATE: doubles(1),
			SCHEDULE_TYPE: [""],
			TELESCOPE_NAME: [row.telescope],
		},
	);
}

/** What was done to the data, line by line. */
export function writeHistory(path: string, lines: readonly { timeMjd: number; message: string }[]): void {
	const n = lines.length;
	const none = same<CasaArray | undefined>(n, { shape: [1], data: [""] });
	writeTable(
		path,
		{
			nRows: n,
			columns: [
				arrayColumn("APP_PARAMS", "String", "varying", 1, "Application parameters"),
				arrayColumn("CLI_COMMAND", "String", "varying", 1, "CLI command sequence"),
				scalarColumn("APPLICATION", "String", "Application name"),
				scalarColumn("MESSAGE", "String", "Log message"),
				scalarColumn("OBJECT_ID", "Int", "Originating ObjectID"),
				scalarColumn("OBSERVATION_ID", "Int", "Observation id (index in OBSERVATION table)"),
				scalarColumn("ORIGIN", "String", "(Source code) origin from which message originated"),
				scalarColumn("PRIORITY", "String", "Message priority"),
				scalarColumn("TIME", "double", "Timestamp of message", EPOCH()),
			],
		},
		{
			APP_PARAMS: none,
			CLI_COMMAND: none,
			APPLICATION: same(n, "caustic"),
			MESSAGE: lines.map((line) => line.message),
			OBJECT_ID: ints(n),
			OBSERVATION_ID: ints(n),
			ORIGIN: same(n, "caustic"),
			PRIORITY: same(n, "NORMAL"),
			TIME: Float64Array.from(lines, (line) => line.timeMjd * SECONDS_PER_DAY),
		},
	);
}

/** Keywords that name subtables. */
export function subtableKeywords(names: readonly string[]): CasaRecord {
	return new Map(
		names.map((name) => [name, { type: "Table" as const, isArray: false, value: `././${name}`, comment: "" }] as const),
	);
}
