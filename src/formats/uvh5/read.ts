import type {
	BlockOptions,
	SamplePlace,
	SpectralWindow,
	VisibilityBlock,
	VisibilitySet,
} from "../../calibration/visibility-set.ts";
import { badInput } from "../../error.ts";
import { Hdf5File } from "../hdf5/file.ts";
import { exchangeOrder } from "../polarization.ts";
import { median, type RowTable, rowRange, tabulateRows } from "../row-table.ts";
import { compileSampleLoops, sampleMemory } from "../sample-kernels.ts";
import { requireRecordedColumn } from "../turn-rows.ts";
import { type ChannelRun, channelRuns } from "./channel-windows.ts";
import { Uvh5Data } from "./data-reader.ts";
import { readHeader, type Uvh5Header } from "./header.ts";
import { fillRows, moveRows, type PlacedSamples, type RowOrientation, readPlaced, samplePlace } from "./placed-rows.ts";
import { SharedArrays } from "./shared-arrays.ts";
import type { PortableWindows } from "./window-reader.ts";

const DEFAULT_BLOCK_BYTES = 16 << 20;
/** What is read and turned round at once: small enough to stay in the processor's cache. */
const SLAB_BYTES = 2 << 20;

let loops: WebAssembly.Module | undefined;

interface Subband {
	path: string;
	hdf5: Hdf5File;
	header: Uvh5Header;
	data: Uvh5Data;
	run: ChannelRun;
}

/** Arrays for what rows say beside their samples: as in `VisibilityBlock`, and their times. */
export interface RowDescription {
	timesMjd: Float64Array;
	antenna1: Int32Array;
	antenna2: Int32Array;
	field: Int32Array;
	integrationS: Float64Array;
	/** [row][3] */
	uvwM: Float64Array;
}

/**
 * Opens the UVH5 files of one group (or one file) as one visibility set: subbands in ascending frequency whatever the
 * order of the paths, rows and values in the MeasurementSet convention.
 *
 * @throws CausticError if a file is not UVH5, or the files do not belong together.
 */
export function openUvh5(paths: readonly string[]): Uvh5Set {
	const opened: Hdf5File[] = [];
	try {
		const subbands: Subband[] = [];
		const shared = new SharedArrays();
		for (const path of paths) {
			const hdf5 = Hdf5File.open(path);
			opened.push(hdf5);
			const header = readHeader(hdf5, shared);
			const data = Uvh5Data.open(hdf5, header);
			for (const run of channelRuns(path, header.frequenciesHz, header.windows)) {
				subbands.push({ path, hdf5, header, data, run });
			}
		}
		if (subbands.length === 0) {
			throw badInput("no-input", "there is no UVH5 file to read", { remedy: "Name at least one file" });
		}
		return new Uvh5Set(subbands);
	} catch (error) {
		for (const hdf5 of opened) hdf5.close();
		throw error;
	}
}

/** Time of the first row, MJD UTC, without reading the rest: files of one group agree on it to the last bit. */
export function firstTimeOfUvh5(path: string): number {
	const hdf5 = Hdf5File.open(path);
	try {
		const times = hdf5.dataset("/Header/time_array");
		const { type } = times;
		const bytes = new Uint8Array(8);
		if (type.kind !== "float" || type.size !== 8 || type.bigEndian || times.shape.length !== 1 || times.length === 0) {
			throw badInput("uvh5-header", "Header/time_array does not hold times", { subject: path });
		}
		times.readBytes([0], [1], bytes);
		const mjd = new DataView(bytes.buffer).getFloat64(0, true) - 2400000.5;
		if (!(mjd > 15000 && mjd < 120000)) {
			throw badInput("uvh5-header", "Header/time_array does not begin with a date of an observation", {
				subject: path,
			});
		}
		return mjd;
	} finally {
		hdf5.close();
	}
}

/** Files of one group as one set; see {@link openUvh5}. */
export class Uvh5Set implements VisibilitySet {
	readonly format = "uvh5";
	readonly canPlace = true;
	readonly source: string[];
	readonly telescope: string;
	readonly location: Uvh5Header["location"];
	readonly antennas: Uvh5Header["antennas"];
	readonly timesMjd: Float64Array;
	readonly integrationS: number;
	readonly frequenciesHz: Float64Array;
	readonly channelWidthsHz: Float64Array;
	readonly spectralWindows: SpectralWindow[];
	readonly polarizations: Uvh5Header["polarizations"];
	readonly baselines: RowTable["baselines"];
	readonly autocorrelations: Int32Array;
	readonly fields: Uvh5Header["phase"]["fields"];
	readonly nRows: number;
	readonly warnings: string[] = [];
	private readonly subbands: Subband[];
	private readonly rows: RowTable;
	/** Header of the file with the most rows. */
	private readonly reference: Uvh5Header;
	private readonly orientation: RowOrientation;

	constructor(subbands: Subband[]) {
		this.subbands = subbands.sort((a, b) => a.run.lowHz - b.run.lowHz);
		// A subband whose writer stopped early has fewer rows: the longest says what all of them are.
		const reference = subbands.reduce((a, b) => (b.header.nRows > a.header.nRows ? b : a));
		const { header } = reference;
		this.reference = header;
		for (const other of subbands) requireSameObservation(reference, other, this.warnings);
		requireDisjoint(this.subbands);

		this.source = [...new Set(subbands.map((subband) => subband.path))];
		this.telescope = header.telescope;
		this.location = header.location;
		this.antennas = header.antennas;
		this.polarizations = header.polarizations;
		this.fields = header.phase.fields;
		this.integrationS = median(header.integrationS);
		this.rows = tabulateRows(header.timesMjd, header.first, header.second, header.antennas.length);
		this.timesMjd = this.rows.timesMjd;
		this.baselines = this.rows.baselines;
		this.autocorrelations = this.rows.autocorrelations;
		const { exchanged } = this.rows;
		const exchange = exchanged.includes(1) ? exchangeOrder(this.polarizations, reference.path) : undefined;
		this.orientation = { exchanged, exchange };
		this.nRows = [...new Set(subbands.map((s) => s.header))].reduce((sum, h) => sum + h.nRows, 0);
		const total = subbands.reduce((sum, { run }) => sum + run.count, 0);
		this.frequenciesHz = new Float64Array(total);
		this.channelWidthsHz = new Float64Array(total);
		this.spectralWindows = [];
		let first = 0;
		for (const { header: own, run } of this.subbands) {
			for (let i = 0; i < run.count; i++) {
				const stored = run.first + (run.descending ? run.count - 1 - i : i);
				this.frequenciesHz[first + i] = own.frequenciesHz[stored];
				this.channelWidthsHz[first + i] = own.channelWidthsHz[stored];
			}
			const index = this.spectralWindows.length;
			this.spectralWindows.push({
				firstChannel: first,
				nChannels: run.count,
				name: `window-${index}`,
				nRows: own.nRows,
			});
			first += run.count;
		}
		for (const header of new Set(subbands.map((subband) => subband.header))) this.warnings.push(...header.warnings);
		if (subbands.some(({ data }) => data.isNarrowed)) {
			this.warnings.push("visibilities are stored with more than single precision and are read as single precision");
		}
	}

	close(): void {
		for (const { hdf5 } of this.subbands) hdf5.close();
	}

	async *blocks(options: BlockOptions = {}): AsyncGenerator<VisibilityBlock> {
		requireRecordedColumn(options, this.source[0]);
		const [firstWanted, beyondWanted] = options.channels ?? [0, this.frequenciesHz.length];
		for (let w = 0; w < this.subbands.length; w++) {
			const { firstChannel, nChannels } = this.spectralWindows[w];
			const low = Math.max(firstWanted, firstChannel);
			const high = Math.min(beyondWanted, firstChannel + nChannels);
			if (low < high) yield* this.windowBlocks(w, low - firstChannel, high - low, options);
		}
	}

	/** Samples of rows [first, first + count) of a window at rows [to, ...) of a place, in our convention. */
	readRows(window: number, first: number, count: number, place: SamplePlace, to: number): PlacedSamples {
		const { data, run } = this.subbands[window];
		const { descending } = run;
		const box = { row: first, rows: count, channel: run.first, channels: run.count, descending };
		return readPlaced(data, box, place, to, this.orientation);
	}

	/** Rows in a chunk of the file with the largest chunks: pieces of multiples of it touch no chunk twice. */
	get rowsPerChunk(): number {
		return Math.max(...this.subbands.map(({ data }) => data.rowsPerChunk));
	}

	/** What rows [first, first + count) say beside their samples, in our convention. */
	describeRows(first: number, count: number, into: RowDescription): void {
		const { rows, reference } = this;
		for (let i = 0, r = first; i < count; i++, r++) {
			into.timesMjd[i] = this.timesMjd[rows.timeIndex[r]];
			describeRow(rows, reference, r, into, i);
		}
	}

	/** Per row of [first, first + count): index into `timesMjd`, and into `baselines` (-1: autocorrelation). */
	rowIndices(first: number, count: number): { timeIndex: Int32Array; baseline: Int32Array } {
		const { timeIndex, baseline } = this.rows;
		return { timeIndex: timeIndex.subarray(first, first + count), baseline: baseline.subarray(first, first + count) };
	}

	/** Windows of this set for other threads to read. */
	portable(windows: readonly number[]): PortableWindows {
		const chosen = windows.map((w) => this.subbands[w]);
		const datas = [...new Set(chosen.map(({ data }) => data))];
		return {
			files: datas.map((data) => {
				const { path } = chosen.find((subband) => subband.data === data) as Subband;
				return { path, data: data.portable() };
			}),
			windows: chosen.map(({ data, run }) => ({ file: datas.indexOf(data), run })),
			orientation: this.orientation,
		};
	}

	private async *windowBlocks(
		window: number,
		channel: number,
		channels: number,
		options: BlockOptions,
	): AsyncGenerator<VisibilityBlock> {
		const { header, data, run } = this.subbands[window];
		const { rows } = this;
		const nPol = this.polarizations.length;
		const perRow = channels * nPol;
		const [t0, t1] = options.times ?? [0, this.timesMjd.length];
		const wanted = (row: number) =>
			rows.timeIndex[row] >= t0 &&
			rows.timeIndex[row] < t1 &&
			(options.autocorrelations === true || rows.baseline[row] >= 0);
		// Whole chunks at a time, as many as the block may hold; small slabs inside it.
		const unit = data.rowsPerChunk;
		const rowBytes = perRow * 8;
		const inUnits = (bytes: number) => Math.max(1, Math.floor(bytes / rowBytes / unit)) * unit;
		const [rowLow, rowHigh] = rowRange(rows, t0, t1);
		const low = Math.floor(rowLow / unit) * unit;
		const high = Math.min(header.nRows, rowHigh);
		if (low >= high) return;
		const blockRows = Math.min(
			Math.ceil((high - low) / unit) * unit,
			inUnits(options.blockBytes ?? DEFAULT_BLOCK_BYTES),
		);
		const slabRows = Math.min(blockRows, inUnits(SLAB_BYTES));

		const own = options.place === undefined ? blockRows * perRow : 0;
		const leavesUniform = options.place !== undefined && options.uniformWeights === true;
		let uniform: number | undefined;
		let scratch: SamplePlace | undefined;
		const block = {
			timeIndex: new Int32Array(blockRows),
			antenna1: new Int32Array(blockRows),
			antenna2: new Int32Array(blockRows),
			baseline: new Int32Array(blockRows),
			field: new Int32Array(blockRows),
			integrationS: new Float64Array(blockRows),
			uvwM: new Float64Array(3 * blockRows),
			visibilities: new Float32Array(2 * own),
			flags: new Uint8Array(own),
			weights: new Float32Array(own),
		};
		let place: SamplePlace | undefined;
		const stored = run.first + (run.descending ? run.count - channel - channels : channel);
		let nRows = 0;
		const finish = (): VisibilityBlock => ({
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
			uvwM: block.uvwM.subarray(0, 3 * nRows),
			...(uniform === undefined ? {} : { uniformWeight: uniform }),
			visibilities: block.visibilities.subarray(0, nRows * perRow * 2),
			flags: block.flags.subarray(0, nRows * perRow),
			weights: data.hasSamples ? block.weights.subarray(0, nRows * perRow) : undefined,
		});
		for (let begin = low; begin < high; begin += slabRows) {
			const count = Math.min(slabRows, high - begin);
			let last = -1;
			let first = -1;
			let chosen = 0;
			for (let r = begin; r < begin + count; r++) {
				if (!wanted(r)) continue;
				if (first < 0) first = r;
				last = r;
				chosen++;
			}
			if (first < 0) continue;
			// Do not read rows at either end that nobody asked for.
			const nRead = last + 1 - first;
			if (nRows === 0) place = (await options.place?.(blockRows)) ?? { ...block, width: perRow, at: 0 };
			const target = place as SamplePlace;
			// Read where they belong if all of them are wanted: beyond its rows, a place is not ours to write to.
			let source = target;
			let from = nRows;
			if (chosen < nRead) {
				loops ??= compileSampleLoops();
				scratch ??= sampleMemory(loops, slabRows, perRow)?.place ?? samplePlace(slabRows, perRow);
				source = scratch;
				from = 0;
			}
			const box = { row: first, rows: nRead, channel: stored, channels, descending: run.descending };
			const found = readPlaced(data, box, source, from, this.orientation);
			const { flagged, weight } = found;
			for (let r = first; r <= last; r++) {
				if (!wanted(r)) continue;
				block.timeIndex[nRows] = rows.timeIndex[r];
				block.baseline[nRows] = rows.baseline[r];
				describeRow(rows, header, r, block, nRows++);
			}
			const begun = nRows - chosen;
			if (!flagged) fillRows(target.flags, 0, target, begun, chosen, perRow);
			// Weights that are all one number are left unwritten as far as that goes, where that is allowed.
			const leaves = leavesUniform && weight !== undefined && (begun === 0 || weight === uniform);
			if (!leaves && uniform !== undefined) fillRows(target.weights, uniform, target, 0, begun, perRow);
			if (!leaves && weight !== undefined) fillRows(target.weights, weight, target, begun, chosen, perRow);
			uniform = leaves ? weight : undefined;
			if (source !== target) {
				for (let r = first, to = begun; r <= last; ) {
					let run = 0;
					while (r + run <= last && wanted(r + run)) run++;
					if (run > 0) moveRows(source, r - first, target, to, run, perRow, found);
					to += run;
					r += run + 1;
				}
			}
			const next = Math.min(slabRows, high - begin - slabRows);
			if (nRows > 0 && nRows + Math.max(0, next) > blockRows) {
				yield finish();
				nRows = 0;
				uniform = undefined;
			}
		}
		if (nRows > 0) yield finish();
	}
}

/** What row r of a file says beside its samples, in our convention, to place i of the arrays. */
function describeRow(
	rows: RowTable,
	header: Uvh5Header,
	r: number,
	into: Omit<RowDescription, "timesMjd">,
	i: number,
): void {
	into.antenna1[i] = rows.antenna1[r];
	into.antenna2[i] = rows.antenna2[r];
	into.field[i] = header.phase.fieldOfRow[r];
	into.integrationS[i] = header.integrationS[r];
	const sign = rows.exchanged[r] === 1 ? 1 : -1;
	for (let k = 0; k < 3; k++) into.uvwM[3 * i + k] = sign * header.uvwM[3 * r + k];
}

/** Files of one group describe the same rows; a shorter one must be the beginning of the longest. */
function requireSameObservation(reference: Subband, other: Subband, warnings: string[]): void {
	if (reference.header === other.header) return;
	const a = reference.header;
	const b = other.header;
	const refuse = (what: string) =>
		badInput("uvh5-group", `its ${what} differ from those of ${reference.path}`, {
			subject: other.path,
			remedy: "Give the subband files of one group only",
		});
	const n = b.nRows;
	const startsWith = (x: Float64Array | Int32Array, y: Float64Array | Int32Array) => {
		if (x === y) return true;
		for (let i = 0; i < y.length; i++) if (x[i] !== y[i]) return false;
		return true;
	};
	if (!startsWith(a.timesMjd, b.timesMjd)) throw refuse("times");
	if (!startsWith(a.first, b.first) || !startsWith(a.second, b.second)) throw refuse("baselines");
	if (String(a.polarizations) !== String(b.polarizations)) throw refuse("polarisations");
	if (a.telescope !== b.telescope) throw refuse("telescope names");
	if (a.antennas.length !== b.antennas.length || a.antennas.some((x, i) => x.number !== b.antennas[i].number)) {
		throw refuse("antennas");
	}
	const moved = a.antennas.findIndex((x, i) =>
		x.positionItrfM.some((value, k) => !(Math.abs(value - b.antennas[i].positionItrfM[k]) <= 1e-3)),
	);
	if (moved >= 0) throw refuse(`positions of antenna ${a.antennas[moved].name}`);
	if (JSON.stringify(a.phase.fields) !== JSON.stringify(b.phase.fields)) throw refuse("phase centres");
	if (n < a.nRows) warnings.push(`${other.path} ends after ${n} of ${a.nRows} rows`);
}

function requireDisjoint(subbands: readonly Subband[]): void {
	for (let i = 1; i < subbands.length; i++) {
		const below = subbands[i - 1];
		const above = subbands[i];
		if (above.run.lowHz > below.run.highHz) continue;
		throw badInput("uvh5-group", `its frequencies overlap those of ${below.path}`, {
			subject: above.path,
			remedy: "Give each subband once",
		});
	}
}
