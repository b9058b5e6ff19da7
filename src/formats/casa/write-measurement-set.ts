import { renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Antenna, Polarization } from "../../calibration/visibility-set.ts";
import { EPOCH, measured, SECONDS } from "./measures.ts";
import {
	writeDataDescription,
	writeFeeds,
	writeFlagCommands,
	writePointing,
	writePolarization,
	writeProcessor,
	writeState,
} from "./observing-subtables.ts";
import { type RowSummary, rowSummary, summariseRows } from "./row-summary.ts";
import {
	type FieldRow,
	SECONDS_PER_DAY,
	subtableKeywords,
	type WindowRow,
	writeAntennas,
	writeFields,
	writeHistory,
	writeObservation,
	writeSpectralWindows,
} from "./subtables.ts";
import { type ColumnPlan, type TableRows, TableWriter } from "./table-writer.ts";
import { WeightSpectrum } from "./weight-spectrum.ts";

const SUBTABLES = [
	"ANTENNA",
	"DATA_DESCRIPTION",
	"FEED",
	"FLAG_CMD",
	"FIELD",
	"HISTORY",
	"OBSERVATION",
	"POINTING",
	"POLARIZATION",
	"PROCESSOR",
	"SPECTRAL_WINDOW",
	"STATE",
] as const;

export type DataColumn = "DATA" | "CORRECTED_DATA" | "MODEL_DATA";

/** Files of the columns of samples. */
export type SampleFiles = Record<"FLAG" | "WEIGHT_SPECTRUM", string> & Partial<Record<DataColumn, string>>;

export interface MeasurementSetPlan {
	telescope: string;
	antennas: readonly Antenna[];
	/** Ascending frequencies; rows name a window by its index. */
	windows: readonly WindowRow[];
	polarizations: readonly Polarization[];
	/** Directions are written as J2000 (from which ICRS differs by less than 0.03 arcsec). */
	fields: readonly FieldRow[];
	nRows: number;
	beginMjd: number;
	endMjd: number;
	columns: readonly DataColumn[];
	history: readonly string[];
}

/** What rows of one window say beside their samples; arrays as in `VisibilityBlock`. */
export interface RowValuesOfSet {
	count: number;
	window: number;
	timesMjd: Float64Array;
	integrationS: Float64Array;
	antenna1: Int32Array;
	antenna2: Int32Array;
	field: Int32Array;
	uvwM: Float64Array;
}

/** Rows of one window in the MeasurementSet convention, antenna1 <= antenna2; arrays as in `VisibilityBlock`. */
export interface MeasurementRows extends RowValuesOfSet {
	flags: Uint8Array;
	weights: Float32Array;
	data: Readonly<Partial<Record<DataColumn, Float32Array>>>;
}

const COMMENTS: Record<DataColumn, string> = {
	DATA: "The data column",
	CORRECTED_DATA: "The corrected data column",
	MODEL_DATA: "The model data column",
};

/**
 * Writes a MeasurementSet version 2 (casacore Note 229), row by row. It appears under its name when it is whole; until then it
 * is a hidden folder beside it. WEIGHT_SPECTRUM, which the standard leaves optional, is written if weights vary along any row:
 * otherwise WEIGHT says all there is.
 */
export class MeasurementSetWriter {
	readonly path: string;
	private readonly partial: string;
	private readonly plan: MeasurementSetPlan;
	private readonly table: TableWriter;
	private readonly uniform: boolean;
	/** Undefined where rows have different shapes: then it is always written. */
	private readonly spectrum: WeightSpectrum | undefined;
	private done = 0;
	private hasSubtables = false;

	constructor(path: string, plan: MeasurementSetPlan) {
		this.path = path.replace(/\/+$/, "");
		this.plan = plan;
		this.partial = join(dirname(this.path), `.${basename(this.path)}.partial`);
		rmSync(this.partial, { recursive: true, force: true });
		const channels = plan.windows.map((window) => window.frequenciesHz.length);
		this.uniform = channels.every((count) => count === channels[0]);
		const shape = [plan.polarizations.length, channels[0]];
		const wide = (name: string, type: "Complex" | "Bool" | "float", comment: string): ColumnPlan => ({
			name,
			type,
			cells: this.uniform ? shape : "varying",
			ndim: 2,
			tiled: `Tiled${name}`,
			comment,
		});
		const perProduct = (name: string, comment: string): ColumnPlan => ({
			name,
			type: "float",
			cells: [plan.polarizations.length],
			comment,
		});
		const int = (name: string, comment: string): ColumnPlan => ({ name, type: "Int", comment });
		const time = (name: string, comment: string): ColumnPlan => ({ name, type: "double", comment, keywords: EPOCH() });
		const category = new Map([
			[
				"CATEGORY",
				{ type: "String" as const, isArray: true, value: { shape: [0], data: [] }, comment: "", described: [-1] },
			],
		]);
		const keywords = new Map([
			["MS_VERSION", { type: "float" as const, isArray: false, value: 2, comment: "MS version number, i.e., 2.0" }],
			...subtableKeywords(SUBTABLES),
		]);
		this.table = new TableWriter(this.partial, {
			nRows: plan.nRows,
			keywords,
			type: "Measurement Set",
			subType: "",
			columns: [
				{
					name: "UVW",
					type: "double",
					cells: [3],
					tiled: "TiledUVW",
					comment: "Vector with uvw coordinates (in meters)",
					keywords: measured(["m", "m", "m"], { type: "uvw", Ref: "J2000" }),
				},
				wide("FLAG", "Bool", "The data flags, array of bools with same shape as data"),
				{
					name: "FLAG_CATEGORY",
					type: "Bool",
					cells: "varying",
					ndim: 3,
					comment: "The flag category, NUM_CAT flags for each datum",
					keywords: category,
				},
				perProduct("WEIGHT", "Weight for each polarization spectrum"),
				perProduct("SIGMA", "Estimated rms noise for channel with unity bandpass response"),
				int("ANTENNA1", "ID of first antenna in interferometer"),
				int("ANTENNA2", "ID of second antenna in interferometer"),
				int("ARRAY_ID", "ID of array or subarray"),
				int("DATA_DESC_ID", "The data description table index"),
				{ name: "EXPOSURE", type: "double", comment: "The effective integration time", keywords: SECONDS() },
				int("FEED1", "The feed index for ANTENNA1"),
				int("FEED2", "The feed index for ANTENNA2"),
				int("FIELD_ID", "Unique id for this pointing"),
				{ name: "FLAG_ROW", type: "Bool", comment: "Row flag - flag all data in this row if True" },
				{ name: "INTERVAL", type: "double", comment: "The sampling interval", keywords: SECONDS() },
				int("OBSERVATION_ID", "ID for this observation, index in OBSERVATION table"),
				int("PROCESSOR_ID", "Id for backend processor, index in PROCESSOR table"),
				int("SCAN_NUMBER", "Sequential scan number from on-line system"),
				int("STATE_ID", "ID for this observing state"),
				time("TIME", "Modified Julian Day"),
				time("TIME_CENTROID", "Modified Julian Day"),
				...plan.columns.map((name) => wide(name, "Complex", COMMENTS[name])),
				wide("WEIGHT_SPECTRUM", "float", "Weight for each data point"),
			],
		});
		if (this.uniform) {
			const file = this.table.fileOf("WEIGHT_SPECTRUM");
			this.spectrum = new WeightSpectrum(file, plan.nRows, channels[0], plan.polarizations.length);
		}
	}

	/** Adds rows. */
	append(rows: MeasurementRows): void {
		const { count } = rows;
		const nPol = this.plan.polarizations.length;
		const nChannels = this.plan.windows[rows.window].frequenciesHz.length;
		const summary = rowSummary(count, nPol);
		summariseRows(rows, nChannels, nPol, summary);
		const shape = [nPol, nChannels];
		const wide = (data: Float32Array | Uint8Array) => (this.uniform ? data : { shape, data });
		const samples: Record<string, TableRows[string]> = { FLAG: wide(rows.flags) };
		for (const column of this.plan.columns) {
			const data = rows.data[column];
			if (data !== undefined) samples[column] = wide(data);
		}
		if (this.spectrum === undefined) samples.WEIGHT_SPECTRUM = wide(rows.weights);
		else if (summary.varied.includes(1)) this.spectrum.write(this.done, count, rows.weights);
		this.appendRows({ ...rows, ...summary }, samples, this.spectrum === undefined ? [] : ["WEIGHT_SPECTRUM"]);
	}

	/** Adds rows whose samples (and weights, where they vary along a row) others have written to {@link sampleFiles}. */
	appendPlaced(rows: RowValuesOfSet & RowSummary): void {
		this.appendRows(rows, {}, ["FLAG", "WEIGHT_SPECTRUM", ...this.plan.columns]);
	}

	/** Files in which samples of row r begin at element `r * channels * products` (FLAG: that bit). */
	sampleFiles(): SampleFiles {
		const fileOf = (name: keyof SampleFiles) => [name, this.table.fileOf(name)];
		return Object.fromEntries((["FLAG", "WEIGHT_SPECTRUM", ...this.plan.columns] as const).map(fileOf)) as SampleFiles;
	}

	private appendRows(
		rows: RowValuesOfSet & RowSummary,
		samples: Record<string, TableRows[string]>,
		reserved: readonly string[],
	): void {
		const { count } = rows;
		const zeros = new Int32Array(count);
		const seconds = rows.timesMjd.map((mjd) => mjd * SECONDS_PER_DAY);
		this.spectrum?.note(this.done, rows.weight, rows.varied);
		this.done += count;
		const values: Record<string, TableRows[string]> = {
			UVW: rows.uvwM,
			FLAG_CATEGORY: new Array<undefined>(count).fill(undefined),
			WEIGHT: rows.weight,
			SIGMA: rows.sigma,
			ANTENNA1: rows.antenna1,
			ANTENNA2: rows.antenna2,
			ARRAY_ID: zeros,
			DATA_DESC_ID: new Int32Array(count).fill(rows.window),
			EXPOSURE: rows.integrationS,
			FEED1: zeros,
			FEED2: zeros,
			FIELD_ID: rows.field,
			FLAG_ROW: rows.flagRow,
			INTERVAL: rows.integrationS,
			OBSERVATION_ID: zeros,
			PROCESSOR_ID: zeros,
			SCAN_NUMBER: new Int32Array(count).fill(1),
			STATE_ID: zeros,
			TIME: seconds,
			TIME_CENTROID: seconds,
			...samples,
		};
		this.table.append(count, values, reserved);
	}

	/** Writes the subtables, if that has not been done: they need no rows. */
	writeSubtables(): void {
		if (this.hasSubtables) return;
		this.hasSubtables = true;
		const { plan, partial } = this;
		const isCircular = plan.polarizations.some((product) => /[RL]/.test(product));
		writeAntennas(join(partial, "ANTENNA"), plan.antennas);
		writeDataDescription(join(partial, "DATA_DESCRIPTION"), plan.windows.length);
		writeFeeds(join(partial, "FEED"), plan.antennas.length, isCircular ? ["R", "L"] : ["X", "Y"], plan.beginMjd);
		writeFlagCommands(join(partial, "FLAG_CMD"));
		writeFields(join(partial, "FIELD"), plan.fields, "J2000");
		writeHistory(
			join(partial, "HISTORY"),
			plan.history.map((message) => ({ timeMjd: plan.endMjd, message })),
		);
		writeObservation(join(partial, "OBSERVATION"), { ...plan, observer: "", project: "" });
		writePointing(join(partial, "POINTING"));
		writePolarization(join(partial, "POLARIZATION"), plan.polarizations);
		writeProcessor(join(partial, "PROCESSOR"));
		writeSpectralWindows(join(partial, "SPECTRAL_WINDOW"), plan.windows);
		writeState(join(partial, "STATE"));
	}

	/** Completes the set and gives it its name, replacing one that was there. Throws if rows are missing. */
	finish(): void {
		const { partial } = this;
		try {
			if (this.spectrum?.finish() === false) this.table.drop("WEIGHT_SPECTRUM");
			this.table.finish();
			this.writeSubtables();
			rmSync(this.path, { recursive: true, force: true });
			renameSync(partial, this.path);
		} catch (error) {
			this.abandon();
			throw error;
		}
	}

	/** Removes what was written. */
	abandon(): void {
		this.spectrum?.close();
		this.table.abandon();
		rmSync(this.partial, { recursive: true, force: true });
	}
}
