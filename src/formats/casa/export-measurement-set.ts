import { availableParallelism } from "node:os";
import type { SpectralWindow, VisibilityBlock, VisibilitySet } from "../../calibration/visibility-set.ts";
import { compileSampleLoops } from "../sample-kernels.ts";
import { Uvh5Set } from "../uvh5/read.ts";
import { Assembler, assembleRows } from "./assemble-rows.ts";
import { addCounts, type CorrectedBlock, type CorrectionOrder, correctorFor } from "./correction.ts";
import { flagNotFinite } from "./finite.ts";
import { PhaseTurner } from "./phase-turner.ts";
import { type PlacingTask, rowsOf, STATE, sharedRows } from "./place-rows.ts";
import { PlacingThreads } from "./place-thread.ts";
import type { FieldRow, WindowRow } from "./subtables.ts";
import { type PhaseTarget, type Turning, turningOf } from "./turn-to-centre.ts";
import { type DataColumn, MeasurementSetWriter } from "./write-measurement-set.ts";

/** Below this more threads do not pay, bytes. */
const WORTH_A_THREAD = 64 << 20;
/** Rows whose own columns are written together. */
const ROWS_AT_ONCE = 1 << 13;
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
	// Values that are computed here cannot be computed in another thread.
	const isPlain = options.correct === undefined && options.model === undefined;
	const threads =
		isPlain && groups.length === 1 && set instanceof Uvh5Set
			? new PlacingThreads(threadsFor(set, nRows, options), correction?.counts ?? {})
			: undefined;
	let notFinite = 0;
	try {
		if (threads !== undefined) {
			notFinite = await placeAll(set as Uvh5Set, writer, groups[0], turning, threads, options);
		} else {
			const corrector = correction === undefined ? undefined : await correctorFor(set, correction);
			const correct = corrector === undefined ? options.correct : (block: VisibilityBlock) => corrector.correct(block);
			const assembler = new Assembler(set, columns, {
				...(correct === undefined ? {} : { correct }),
				...(options.model === undefined ? {} : { model: options.model }),
			});
			let done = 0;
			const turners = windows.map(({ frequenciesHz }) => new PhaseTurner(frequenciesHz, set.polarizations.length));
			let deltas = new Float64Array(0);
			for await (const rows of assembleRows(set, { groups, chunkBytes: chunkBytesOf(options) }, assembler)) {
				options.signal?.throwIfAborted();
				if (deltas.length < rows.count) deltas = new Float64Array(rows.count);
				turning.replaceUvw(rows, deltas);
				let isFinite = true;
				for (const column of Object.values(rows.data)) {
					if (!turners[rows.window].turn(column, rows.count, turning.rephased ? deltas : undefined)) isFinite = false;
				}
				if (!isFinite) notFinite += flagNotFinite(rows);
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
	} finally {
		await threads?.stop();
	}
	const nChannels = set.frequenciesHz.length;
	const { fields, rephased } = turning;
	return { nRows, nWindows: windows.length, nChannels, notFinite, fields, rephased };
}

const chunkBytesOf = ({ chunkBytes }: ExportOptions): number => chunkBytes ?? 4 << 20;

/** How many threads convert beside this one. */
function threadsFor(set: VisibilitySet, nRows: number, { thread }: ExportOptions): number {
	const others = Math.min(MOST_THREADS, availableParallelism()) - 1;
	if (thread === "only") return Math.max(1, others);
	const pays = set.frequenciesHz.length * set.polarizations.length * 8 * nRows > WORTH_A_THREAD;
	return (thread ?? pays) ? others : 0;
}

/** Converts UVH5 files whose windows are written as one: in pieces of rows, several at a time. Returns the samples that were no numbers. */
async function placeAll(
	set: Uvh5Set,
	writer: MeasurementSetWriter,
	group: readonly SpectralWindow[],
	turning: Turning,
	threads: PlacingThreads,
	options: ExportOptions,
): Promise<number> {
	const { correction } = options;
	const nPol = set.polarizations.length;
	const { nRows, firstChannel } = group[0];
	const nChannels = group.reduce((sum, window) => sum + window.nChannels, 0);
	// Whole chunks of the files, and whole bytes of flags.
	const unit = Math.ceil(set.rowsPerChunk / 8) * 8;
	const wanted = Math.max(1, Math.floor(chunkBytesOf(options) / (nChannels * nPol * 8)));
	const pieceRows = wanted > unit ? Math.floor(wanted / unit) * unit : Math.ceil(wanted / 8) * 8;
	const shared = (bytes: number) => new SharedArrayBuffer(bytes);
	const rows = sharedRows(nRows, nPol);
	set.describeRows(0, nRows, rows);
	const deltas = turning.rephased ? new Float64Array(shared(8 * nRows)) : undefined;
	if (deltas !== undefined) turning.replaceUvw({ ...rows, count: nRows }, deltas);
	const windows = group.map((window) => set.spectralWindows.indexOf(window));
	const state = new Int32Array(shared(16));
	const written = new Uint8Array(shared(Math.ceil(nRows / pieceRows)));
	const task: PlacingTask = {
		windows,
		portable: set.portable(windows),
		frequenciesHz: set.frequenciesHz.slice(firstChannel, firstChannel + nChannels),
		nPol,
		files: writer.sampleFiles(),
		correction: correction === undefined ? undefined : { module: correction.module, order: correction.order },
		nRows,
		pieceRows,
		rows,
		deltas,
		state,
		written,
		loops: compileSampleLoops(),
	};
	// The rows' own columns are written as far as all before them have been converted.
	let appended = 0;
	const append = (atLeast: number) => {
		let beyond = appended / pieceRows;
		while (beyond < written.length && Atomics.load(written, beyond) === 1) beyond++;
		const count = Math.min(nRows, beyond * pieceRows) - appended;
		if (count < atLeast || count === 0) return;
		writer.appendPlaced({ ...rowsOf(rows, appended, count, nPol), count, window: 0 });
		appended += count;
	};
	await threads.place(
		set,
		task,
		options.thread !== "only",
		() => writer.writeSubtables(),
		() => {
			options.signal?.throwIfAborted();
			append(ROWS_AT_ONCE);
			options.progress?.(Atomics.load(state, STATE.done), nRows);
		},
	);
	append(0);
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
