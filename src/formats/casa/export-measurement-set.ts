import { availableParallelism } from "node:os";
import type { SpectralWindow, VisibilityBlock, VisibilitySet } from "../../calibration/visibility-set.ts";
import { Uvh5Set } from "../uvh5/read.ts";
import { Assembler, assembleRows } from "./assemble-rows.ts";
import { addCounts, type CorrectedBlock, type CorrectionOrder, correctorFor } from "./correction.ts";
import { type PlacingTask, rowsOf, STATE, sharedRows } from "./place-rows.ts";
import { placeInThreads } from "./place-thread.ts";
import type { FieldRow, WindowRow } from "./subtables.ts";
import { type PhaseTarget, turningOf } from "./turn-to-centre.ts";
import { type DataColumn, MeasurementSetWriter } from "./write-measurement-set.ts";

/** Below this more threads do not pay, bytes. */
const WORTH_A_THREAD = 64 << 20;
/** More threads than this are not faster than the disk cache. */
const MOST_THREADS = 4;

export interface ExportOptions {
	/** ICRS place to which phases are turned; by default the fields' own, or for data that do not track, the middle of their path. */
	centre?: PhaseTarget;
	/** Calibrated values of a block of `set.blocks()`; with it CORRECTED_DATA is written beside DATA. */
	correct?: (block: VisibilityBlock) => CorrectedBlock;
	/** The same, for several threads to work out; `counts` gets what their correctors counted. */
	correction?: CorrectionOrder & { counts: Record<string, number> };
	/** Model values of a block, written as MODEL_DATA. */
	model?: (block: VisibilityBlock) => Float32Array;
	/** TELESCOPE_NAME instead of the file's; by default DSA-110 is `DSA_110`, as WSClean and EveryBeam know it. */
	telescope?: string | undefined;
	/** Keep one spectral window per subband, even where subbands join without a gap. */
	keepWindows?: boolean;
	/** About how many bytes of visibilities are assembled at once. 4 MiB by default: they stay in the processor's cache. */
	chunkBytes?: number;
	/**
	 * Whether UVH5 is converted in several threads, this one among them; by default where it pays. With "only" this thread merely
	 * waits. The result is the same.
	 */
	thread?: boolean | "only";
	history?: readonly string[];
	signal?: AbortSignal;
	progress?: (rowsDone: number, rowsTotal: number) => void;
}

export interface ExportReport {
	nRows: number;
	nWindows: number;
	nChannels: number;
	/** Samples that were not numbers: written as flagged zeros. */
	notFinite: number;
	fields: FieldRow[];
	/** Whether phases were turned. */
	rephased: boolean;
}

/**
 * Writes any visibility set as a MeasurementSet that CASA and WSClean take, streaming. Subbands that join are one spectral
 * window of ascending frequencies. Data that do not track a place on the sky are turned to one, with the apparent place of
 * date, diurnal aberration and UT1 in the geometry, and get the uvw of that place.
 *
 * @throws CausticError if the set cannot be written, or has no phase centre and its antennas no place.
 */
export async function exportMeasurementSet(
	set: VisibilitySet,
	path: string,
	options: ExportOptions = {},
): Promise<ExportReport> {
	const groups = options.keepWindows === true ? set.spectralWindows.map((window) => [window]) : joinWindows(set);
	const windows = groups.map((group) => windowRow(set, group));
	const turning = turningOf(set, options.centre);
	const nRows = groups.reduce((sum, group) => sum + group[0].nRows, 0);
	const columns: DataColumn[] = ["DATA"];
	const { correction } = options;
	if (options.correct !== undefined || correction !== undefined) columns.push("CORRECTED_DATA");
	if (options.model !== undefined) columns.push("MODEL_DATA");
	const margin = set.integrationS > 0 ? set.integrationS / 2 / 86400 : 0;
	const writer = new MeasurementSetWriter(path, {
		telescope: options.telescope ?? (set.telescope === "OVRO_MMA" ? "DSA_110" : set.telescope),
		antennas: set.antennas,
		windows,
		polarizations: set.polarizations,
		fields: turning.fields,
		nRows,
		beginMjd: set.timesMjd[0] - margin,
		endMjd: set.timesMjd[set.timesMjd.length - 1] + margin,
		columns,
		history: [
			`converted from ${set.format}: ${set.source.length} file(s), telescope name ${set.telescope}`,
			...set.warnings,
			...(options.history ?? []),
		],
	});
	const chunkBytes = options.chunkBytes ?? 4 << 20;
	const counts = { notFinite: 0 };
	try {
		// Values that are computed here cannot be computed in another thread.
		const isPlain = options.correct === undefined && options.model === undefined;
		if (isPlain && groups.length === 1 && set instanceof Uvh5Set) {
			counts.notFinite = await placeAll(set, writer, groups[0], windows[0].frequenciesHz, chunkBytes, options);
		} else {
			const corrector = correction === undefined ? undefined : await correctorFor(set, correction);
			const correct = corrector === undefined ? options.correct : (block: VisibilityBlock) => corrector.correct(block);
			const assembler = new Assembler(set, columns, {
				...(correct === undefined ? {} : { correct }),
				...(options.model === undefined ? {} : { model: options.model }),
			});
			let done = 0;
			for await (const rows of assembleRows(set, { groups, chunkBytes }, assembler, counts)) {
				options.signal?.throwIfAborted();
				turning.turn(rows, windows[rows.window].frequenciesHz);
				writer.append(rows);
				done += rows.count;
				options.progress?.(done, nRows);
			}
			if (corrector !== undefined) addCounts((correction as NonNullable<typeof correction>).counts, corrector.counts());
		}
		writer.finish();
	} catch (error) {
		writer.abandon();
		throw error;
	}
	const nChannels = set.frequenciesHz.length;
	const { fields, rephased } = turning;
	return { nRows, nWindows: windows.length, nChannels, notFinite: counts.notFinite, fields, rephased };
}

/** Converts UVH5 files whose windows are written as one: in pieces of rows, several at a time. Returns the samples that were no numbers. */
async function placeAll(
	set: Uvh5Set,
	writer: MeasurementSetWriter,
	group: readonly SpectralWindow[],
	frequenciesHz: Float64Array,
	chunkBytes: number,
	options: ExportOptions,
): Promise<number> {
	const { correction } = options;
	const nPol = set.polarizations.length;
	const { nRows } = group[0];
	const rowBytes = frequenciesHz.length * nPol * 8;
	// Whole chunks of the files, and whole bytes of flags.
	const unit = Math.ceil(set.rowsPerChunk / 8) * 8;
	const wanted = Math.max(1, Math.floor(chunkBytes / rowBytes));
	const pieceRows = wanted > unit ? Math.floor(wanted / unit) * unit : Math.ceil(wanted / 8) * 8;
	const rows = sharedRows(nRows, nPol);
	const state = new Int32Array(new SharedArrayBuffer(16));
	const task: PlacingTask = {
		windows: group.map((window) => set.spectralWindows.indexOf(window)),
		frequenciesHz,
		centre: options.centre,
		files: writer.sampleFiles(),
		correction: correction === undefined ? undefined : { module: correction.module, order: correction.order },
		nRows,
		pieceRows,
		rows,
		state,
	};
	const cores = availableParallelism();
	const pays = rowBytes * nRows > WORTH_A_THREAD;
	const others = Math.min(MOST_THREADS, cores) - 1;
	const threads = options.thread === "only" ? Math.max(1, others) : (options.thread ?? pays) ? others : 0;
	await placeInThreads(set, task, correction?.counts ?? {}, threads, options.thread !== "only", () => {
		options.signal?.throwIfAborted();
		options.progress?.(Atomics.load(state, STATE.done), nRows);
	});
	const batch = 1 << 15;
	for (let first = 0; first < nRows; first += batch) {
		const count = Math.min(batch, nRows - first);
		writer.appendPlaced({ ...rowsOf(rows, first, count, nPol), count, window: 0 });
	}
	return Atomics.load(state, STATE.notFinite);
}

/** Neighbouring windows whose channels go on without a gap, with equal widths and rows. */
function joinWindows(set: VisibilitySet): SpectralWindow[][] {
	const groups: SpectralWindow[][] = [];
	const { frequenciesHz, channelWidthsHz } = set;
	for (const window of set.spectralWindows) {
		const group = groups.at(-1);
		const before = group?.at(-1);
		const first = window.firstChannel;
		const width = channelWidthsHz[first];
		const joins =
			before !== undefined &&
			before.nRows === window.nRows &&
			Math.abs(frequenciesHz[first] - frequenciesHz[first - 1] - width) < 1e-4 * width &&
			channelWidthsHz
				.slice(before.firstChannel, first + window.nChannels)
				.every((w) => Math.abs(w - width) < 1e-6 * width);
		if (joins) group?.push(window);
		else groups.push([window]);
	}
	return groups;
}

function windowRow(set: VisibilitySet, group: SpectralWindow[]): WindowRow {
	const first = group[0].firstChannel;
	const last = group[group.length - 1];
	const end = last.firstChannel + last.nChannels;
	return {
		name: group.length === 1 ? group[0].name : `${group[0].name} to ${last.name}`,
		frequenciesHz: set.frequenciesHz.slice(first, end),
		channelWidthsHz: set.channelWidthsHz.slice(first, end),
	};
}
