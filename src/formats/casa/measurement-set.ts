import type {
	Antenna,
	ArrayLocation,
	BlockOptions,
	Field,
	Polarization,
	SpectralWindow,
	VisibilityBlock,
	VisibilitySet,
} from "../../calibration/visibility-set.ts";
import { badInput } from "../../error.ts";
import { geodeticFromItrf } from "../../sky/geodetic.ts";
import { exchangeOrder, polarizationFromCasacore } from "../polarization.ts";
import { median, type RowTable, rowRange, tabulateRows } from "../row-table.ts";
import { turnRows } from "../turn-rows.ts";
import { readAntennas, readSpectralWindows } from "./read-subtables.ts";
import { requireParts } from "./required-parts.ts";
import { type CasaColumn, CasaTable } from "./table.ts";

const SECONDS_PER_DAY = 86400;
const DEFAULT_BLOCK_BYTES = 16 << 20;
const SLAB_BYTES = 4 << 20;
export const DATA_COLUMNS = { data: "DATA", corrected: "CORRECTED_DATA", model: "MODEL_DATA" } as const;

const REMEDIES: Record<keyof typeof DATA_COLUMNS, string> = {
	data: "Give a MeasurementSet with visibilities",
	corrected: "Calibrate it first",
	model: "Write a model into it first, or solve against the calibrator's",
};

/** One DATA_DESC_ID that has rows. */
export interface MeasurementWindow {
	/** Row numbers, ascending. */
	rows: Int32Array;
	nChannels: number;
	/** The file stores the highest frequency first. */
	descending: boolean;
}

/**
 * Opens a MeasurementSet version 2 (casacore Note 229), written by whomever: windows in ascending frequency, rows with
 * exchanged antennas put in order, a sample flagged if FLAG or FLAG_ROW says so.
 *
 * @throws CausticError naming the missing column or subtable.
 */
export function openMeasurementSet(path: string): MeasurementSet {
	const table = new CasaTable(path);
	try {
		return new MeasurementSet(table);
	} catch (error) {
		table.close();
		throw error;
	}
}

/** First index whose row is not below `row`. */
function lowerBound(rows: Int32Array, row: number): number {
	let low = 0;
	let high = rows.length;
	while (low < high) {
		const middle = (low + high) >> 1;
		if (rows[middle] < row) low = middle + 1;
		else high = middle;
	}
	return low;
}

export class MeasurementSet implements VisibilitySet {
	readonly format = "measurement-set";
	readonly source: string[];
	readonly telescope: string;
	readonly location: ArrayLocation | undefined;
	readonly antennas: Antenna[];
	readonly timesMjd: Float64Array;
	readonly integrationS: number;
	readonly frequenciesHz: Float64Array;
	readonly channelWidthsHz: Float64Array;
	readonly spectralWindows: SpectralWindow[] = [];
	readonly polarizations: Polarization[];
	readonly baselines: RowTable["baselines"];
	readonly autocorrelations: Int32Array;
	readonly fields: Field[];
	readonly nRows: number;
	readonly warnings: string[] = [];
	readonly table: CasaTable;
	/** What each window's rows are in the table; same order as `spectralWindows`. */
	readonly windows: MeasurementWindow[] = [];
	readonly rows: RowTable;
	readonly exchange: Int32Array | undefined;
	private readonly fieldOfRow: Int32Array;
	private readonly rowIntegrationS: Float64Array;
	private readonly flagRow: Uint8Array;

	constructor(table: CasaTable) {
		this.table = table;
		this.source = [table.path];
		requireParts(table);
		this.nRows = table.nRows;
		this.antennas = readAntennas(table.subtable("ANTENNA"));
		this.telescope = this.readTelescope();
		this.location = this.meanPlace();
		this.fields = this.readFields();

		const ints = (name: string, limit: number) => {
			const values = Int32Array.from(table.column(name).numbers());
			const bad = values.findIndex((value) => !(value >= 0 && value < limit));
			if (bad < 0) return values;
			throw badInput("measurement-set", `${name} is ${values[bad]} in row ${bad}; there are ${limit}`, {
				subject: table.path,
			});
		};
		const first = ints("ANTENNA1", this.antennas.length);
		const second = ints("ANTENNA2", this.antennas.length);
		this.fieldOfRow = ints("FIELD_ID", this.fields.length);
		const times = table
			.column("TIME")
			.numbers()
			.map((seconds) => seconds / SECONDS_PER_DAY);
		const bad = times.findIndex((mjd) => !(mjd > 15000 && mjd < 120000));
		if (bad >= 0) {
			throw badInput("measurement-set", `TIME in row ${bad} is MJD ${times[bad]}, which is no date of an observation`, {
				subject: table.path,
			});
		}
		this.rows = tabulateRows(times, first, second, this.antennas.length);
		this.timesMjd = this.rows.timesMjd;
		this.baselines = this.rows.baselines;
		this.autocorrelations = this.rows.autocorrelations;
		this.flagRow = table.has("FLAG_ROW")
			? (table.column("FLAG_ROW").scalars() as Uint8Array)
			: new Uint8Array(this.nRows);
		const exposure = ["EXPOSURE", "INTERVAL"].find((name) => table.has(name));
		this.rowIntegrationS =
			exposure === undefined ? new Float64Array(this.nRows).fill(Number.NaN) : table.column(exposure).numbers();
		this.integrationS = median(this.rowIntegrationS.filter((seconds) => seconds > 0));

		const described = this.readDescriptions();
		const dataDescription = ints("DATA_DESC_ID", described.length);
		const counts = new Int32Array(described.length);
		for (const id of dataDescription) counts[id]++;
		const used = described
			.map((description, id) => ({ ...description, id }))
			.filter(({ id }) => counts[id] > 0)
			.sort((a, b) => a.lowHz - b.lowHz);
		if (used.length === 0) {
			throw badInput("measurement-set", "it has no rows", {
				subject: table.path,
				remedy: "Give a MeasurementSet with data",
			});
		}
		this.polarizations = used[0].polarizations;
		for (const { polarizations, id } of used) {
			if (String(polarizations) === String(this.polarizations)) continue;
			throw badInput(
				"measurement-set",
				`data description ${id} has ${polarizations}, another ${this.polarizations}: they cannot be read together`,
				{ subject: table.path, remedy: "Split it by polarisation set up first" },
			);
		}
		this.exchange = this.rows.exchanged.includes(1) ? exchangeOrder(this.polarizations, table.path) : undefined;
		const total = used.reduce((sum, { frequenciesHz }) => sum + frequenciesHz.length, 0);
		this.frequenciesHz = new Float64Array(total);
		this.channelWidthsHz = new Float64Array(total);
		let at = 0;
		for (const { id, name, frequenciesHz, channelWidthsHz, descending } of used) {
			const nChannels = frequenciesHz.length;
			if (channelWidthsHz.length !== nChannels) {
				throw badInput(
					"measurement-set",
					`window ${name} has ${nChannels} frequencies and ${channelWidthsHz.length} channel widths`,
					{ subject: table.path, remedy: "The set is damaged: copy it again from its source" },
				);
			}
			const [hz, widths] = descending
				? [frequenciesHz.slice().reverse(), channelWidthsHz.slice().reverse()]
				: [frequenciesHz, channelWidthsHz];
			this.frequenciesHz.set(hz, at);
			this.channelWidthsHz.set(widths.map(Math.abs), at);
			const rows = new Int32Array(counts[id]);
			for (let r = 0, n = 0; r < this.nRows; r++) if (dataDescription[r] === id) rows[n++] = r;
			this.windows.push({ rows, nChannels, descending });
			this.spectralWindows.push({ firstChannel: at, nChannels, name, nRows: rows.length });
			at += nChannels;
		}
	}

	private readTelescope(): string {
		const table = this.table.subtable("OBSERVATION");
		try {
			return table.nRows > 0 ? table.column("TELESCOPE_NAME").strings()[0] : "";
		} finally {
			table.close();
		}
	}

	/** The middle of the antennas, if they are on Earth. */
	private meanPlace(): ArrayLocation | undefined {
		const onEarth = this.antennas.filter(({ positionItrfM }) => Math.abs(Math.hypot(...positionItrfM) - 6.37e6) < 5e4);
		if (onEarth.length === 0) {
			this.warnings.push("its antennas are not on Earth: no place of the array is known");
			return undefined;
		}
		const mean = [0, 1, 2].map((k) => onEarth.reduce((sum, a) => sum + a.positionItrfM[k], 0) / onEarth.length);
		return geodeticFromItrf(mean[0], mean[1], mean[2]);
	}

	private readFields(): Field[] {
		const table = this.table.subtable("FIELD");
		try {
			const column = table.column("PHASE_DIR");
			const info = column.description.keywords.get("MEASINFO")?.value;
			const reference = info instanceof Map ? info.get("Ref")?.value : undefined;
			const frame = reference === "ICRS" ? "ICRS" : "FK5";
			if (reference !== undefined && reference !== "ICRS" && reference !== "J2000") {
				this.warnings.push(`the phase centres are in the frame ${String(reference)}; they are read as J2000`);
			}
			return table
				.column("NAME")
				.strings()
				.map((name, i): Field => {
					const direction = column.cell(i)?.data as Float64Array | undefined;
					if (direction === undefined || direction.length < 2) {
						throw badInput("measurement-set", `field ${i} has no PHASE_DIR`, { subject: this.table.path });
					}
					if (direction.length > 2)
						this.warnings.push(`the phase centre of field ${name} moves; its first place is taken`);
					const raDeg = ((((direction[0] * 180) / Math.PI) % 360) + 360) % 360;
					return {
						name,
						phaseCentre: { kind: "sidereal", raDeg, decDeg: (direction[1] * 180) / Math.PI, frame, epochYear: 2000 },
					};
				});
		} finally {
			table.close();
		}
	}

	private readDescriptions() {
		const windows = readSpectralWindows(this.table.subtable("SPECTRAL_WINDOW"));
		const polarization = this.table.subtable("POLARIZATION");
		const description = this.table.subtable("DATA_DESCRIPTION");
		try {
			const products = Array.from({ length: polarization.nRows }, (_, i) =>
				Array.from((polarization.column("CORR_TYPE").cell(i)?.data ?? []) as Int32Array, (code) =>
					polarizationFromCasacore(code, this.table.path),
				),
			);
			const windowIds = description.column("SPECTRAL_WINDOW_ID").numbers();
			const polarizationIds = description.column("POLARIZATION_ID").numbers();
			return Array.from(windowIds, (windowId, id) => {
				const window = windows[windowId];
				const polarizations = products[polarizationIds[id]];
				if (
					window === undefined ||
					polarizations === undefined ||
					polarizations.length === 0 ||
					window.frequenciesHz.length === 0
				) {
					throw badInput("measurement-set", `data description ${id} leads to no spectral window or polarisations`, {
						subject: this.table.path,
					});
				}
				const { frequenciesHz } = window;
				const descending = frequenciesHz.length > 1 && frequenciesHz[1] < frequenciesHz[0];
				for (let c = 1; c < frequenciesHz.length; c++) {
					const step = frequenciesHz[c] - frequenciesHz[c - 1];
					if (descending ? step < 0 : step > 0) continue;
					throw badInput("measurement-set", `window ${window.name} neither ascends nor descends at channel ${c}`, {
						subject: this.table.path,
					});
				}
				return {
					...window,
					polarizations,
					descending,
					lowHz: Math.min(frequenciesHz[0], frequenciesHz[frequenciesHz.length - 1]),
				};
			});
		} finally {
			polarization.close();
			description.close();
		}
	}

	close(): void {
		this.table.close();
	}

	/** @throws CausticError `no-column`. */
	private dataColumn(which: keyof typeof DATA_COLUMNS): CasaColumn {
		const name = DATA_COLUMNS[which];
		if (this.table.has(name)) return this.table.column(name);
		throw badInput("no-column", `it has no column ${name}`, {
			subject: this.table.path,
			remedy: REMEDIES[which],
		});
	}

	async *blocks(options: BlockOptions = {}): AsyncGenerator<VisibilityBlock> {
		const [firstWanted, beyondWanted] = options.channels ?? [0, this.frequenciesHz.length];
		for (let w = 0; w < this.windows.length; w++) {
			const { firstChannel, nChannels } = this.spectralWindows[w];
			const low = Math.max(firstWanted, firstChannel);
			const high = Math.min(beyondWanted, firstChannel + nChannels);
			if (low < high) yield* this.windowBlocks(w, low - firstChannel, high - low, options);
		}
	}

	private *windowBlocks(
		window: number,
		channel: number,
		channels: number,
		options: BlockOptions,
	): Generator<VisibilityBlock> {
		const { rows: table, fieldOfRow, flagRow } = this;
		const { nChannels, descending } = this.windows[window];
		const data = this.dataColumn(options.column ?? "data");
		const flag = this.table.column("FLAG");
		const uvw = this.table.column("UVW");
		const [t0, t1] = options.times ?? [0, this.timesMjd.length];
		const [low, high] = rowRange(table, t0, t1);
		const ownRows = this.windows[window].rows;
		const rows = ownRows
			.subarray(lowerBound(ownRows, low), lowerBound(ownRows, high))
			.filter(
				(row) =>
					table.timeIndex[row] >= t0 &&
					table.timeIndex[row] < t1 &&
					(options.autocorrelations === true || table.baseline[row] >= 0),
			);
		if (rows.length === 0) return;
		const weight = this.weights(rows[0], nChannels);
		const nPol = this.polarizations.length;
		const whole = nChannels * nPol;
		const perRow = channels * nPol;
		const blockRows = Math.max(
			1,
			Math.min(rows.length, Math.floor((options.blockBytes ?? DEFAULT_BLOCK_BYTES) / (perRow * 8))),
		);
		const slabRows = Math.max(1, Math.min(blockRows, Math.floor(SLAB_BYTES / (whole * 8))));
		const raw = new Float32Array(slabRows * whole * 2);
		const rawFlags = new Uint8Array(slabRows * whole);
		const rawWeights = weight === undefined ? undefined : new Float32Array(slabRows * whole);
		const rawUvw = new Float64Array(slabRows * 3);
		const slab = {
			rows: new Int32Array(slabRows),
			signs: new Int8Array(slabRows),
			exchanged: new Uint8Array(slabRows),
		};
		const block = {
			timeIndex: new Int32Array(blockRows),
			antenna1: new Int32Array(blockRows),
			antenna2: new Int32Array(blockRows),
			baseline: new Int32Array(blockRows),
			field: new Int32Array(blockRows),
			integrationS: new Float64Array(blockRows),
			row: new Int32Array(blockRows),
			uvwM: new Float64Array(3 * blockRows),
			visibilities: new Float32Array(blockRows * perRow * 2),
			flags: new Uint8Array(blockRows * perRow),
			weights: weight === undefined ? undefined : new Float32Array(blockRows * perRow),
		};
		// Of a descending window the wanted channels are counted from the other end.
		const stored = descending ? nChannels - channel - channels : channel;
		for (let begin = 0; begin < rows.length; begin += blockRows) {
			const nRows = Math.min(blockRows, rows.length - begin);
			for (let done = 0; done < nRows; ) {
				const first = rows[begin + done];
				let count = 1;
				while (count < slabRows && done + count < nRows && rows[begin + done + count] === first + count) count++;
				data.cells(first, count, raw.subarray(0, count * whole * 2));
				flag.cells(first, count, rawFlags.subarray(0, count * whole));
				uvw.cells(first, count, rawUvw.subarray(0, 3 * count));
				if (rawWeights !== undefined) weight?.(first, count, rawWeights);
				for (let i = 0; i < count; i++) {
					const row = first + i;
					const to = done + i;
					const sign = table.exchanged[row] === 1 ? -1 : 1;
					block.timeIndex[to] = table.timeIndex[row];
					block.antenna1[to] = table.antenna1[row];
					block.antenna2[to] = table.antenna2[row];
					block.baseline[to] = table.baseline[row];
					block.field[to] = fieldOfRow[row];
					block.integrationS[to] = this.rowIntegrationS[row];
					block.row[to] = row;
					for (let k = 0; k < 3; k++) block.uvwM[3 * to + k] = sign * rawUvw[3 * i + k];
					slab.rows[i] = i;
					slab.signs[i] = sign;
					slab.exchanged[i] = table.exchanged[row];
				}
				turnRows(
					{ visibilities: raw, flags: rawFlags.subarray(0, count * whole), weights: rawWeights },
					slab.rows.subarray(0, count),
					slab.signs,
					this.exchange,
					slab.exchanged,
					whole,
					stored * nPol,
					block,
					done,
					channels,
					nPol,
					descending,
				);
				for (let i = 0; i < count; i++) {
					if (flagRow[first + i] !== 0) block.flags.fill(1, (done + i) * perRow, (done + i + 1) * perRow);
				}
				done += count;
			}
			yield {
				spectralWindow: window,
				firstChannel: this.spectralWindows[window].firstChannel + channel,
				nChannels: channels,
				nRows,
				timeIndex: block.timeIndex.subarray(0, nRows),
				antenna1: block.antenna1.subarray(0, nRows),
				antenna2: block.antenna2.subarray(0, nRows),
				baseline: block.baseline.subarray(0, nRows),
				field: block.field.subarray(0, nRows),
				integrationS: block.integrationS.subarray(0, nRows),
				row: block.row.subarray(0, nRows),
				uvwM: block.uvwM.subarray(0, 3 * nRows),
				visibilities: block.visibilities.subarray(0, nRows * perRow * 2),
				flags: block.flags.subarray(0, nRows * perRow),
				weights: block.weights?.subarray(0, nRows * perRow),
			};
		}
	}

	/** Reads weights per channel: WEIGHT_SPECTRUM where it is filled, else WEIGHT for every channel. */
	private weights(
		row: number,
		nChannels: number,
	): ((first: number, count: number, target: Float32Array) => void) | undefined {
		const nPol = this.polarizations.length;
		const whole = nChannels * nPol;
		const filled = (name: string, size: number) =>
			this.table.has(name) && (this.table.column(name).cellShape(row) ?? [0]).reduce((a, b) => a * b, 1) === size;
		if (filled("WEIGHT_SPECTRUM", whole)) {
			const column = this.table.column("WEIGHT_SPECTRUM");
			return (first, count, target) => column.cells(first, count, target.subarray(0, count * whole));
		}
		if (!filled("WEIGHT", nPol)) return undefined;
		const column = this.table.column("WEIGHT");
		return (first, count, target) => {
			const perRow = new Float32Array(count * nPol);
			column.cells(first, count, perRow);
			for (let r = 0; r < count; r++) {
				const begin = r * whole;
				for (let p = 0; p < nPol; p++) target[begin + p] = perRow[r * nPol + p];
				// What stands there is doubled until the row is full.
				for (let done = nPol; done < whole; done *= 2) {
					target.copyWithin(begin + done, begin, begin + Math.min(done, whole - done));
				}
			}
		};
	}
}
