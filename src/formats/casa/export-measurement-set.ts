import { availableParallelism } from "node:os";
import type { SpectralWindow, VisibilityBlock, VisibilitySet } from "../../calibration/visibility-set.ts";
import { Assembler, assembleRows, type CorrectedBlock } from "./assemble-rows.ts";
import { assembleInThread } from "./assemble-thread.ts";
import type { FieldRow, WindowRow } from "./subtables.ts";
import { type PhaseTarget, turningOf } from "./turn-to-centre.ts";
import { type DataColumn, MeasurementSetWriter } from "./write-measurement-set.ts";

/** Below this a thread of its own for reading does not pay, bytes. */
const WORTH_A_THREAD = 64 << 20;

export interface ExportOptions {
	/** ICRS place to which phases are turned; by default the fields' own, or for data that do not track, the middle of their path. */
	centre?: PhaseTarget;
	/** Calibrated values of a block of `set.blocks()`; with it CORRECTED_DATA is written beside DATA. */
	correct?: (block: VisibilityBlock) => CorrectedBlock;
	/** Model values of a block, written as MODEL_DATA. */
	model?: (block: VisibilityBlock) => Float32Array;
	/** TELESCOPE_NAME instead of the file's; by default DSA-110 is `DSA_110`, as WSClean and EveryBeam know it. */
	telescope?: string | undefined;
	/** Keep one spectral window per subband, even where subbands join without a gap. */
	keepWindows?: boolean;
	/** About how many bytes of visibilities are assembled at once. 4 MiB by default: they stay in the processor's cache. */
	chunkBytes?: number;
	/** Read in a thread of its own while the last rows are written; by default where it pays. The result is the same. */
	thread?: boolean;
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
	if (options.correct !== undefined) columns.push("CORRECTED_DATA");
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
	const canThread = options.correct === undefined && options.model === undefined && set.format !== "memory";
	const bytes = set.frequenciesHz.length * set.polarizations.length * 8 * groups[0][0].nRows;
	const threaded = canThread && (options.thread ?? (bytes > WORTH_A_THREAD && availableParallelism() > 1));
	const plan = { groups, chunkBytes: options.chunkBytes ?? 4 << 20 };
	const counts = { notFinite: 0 };
	const source = threaded
		? assembleInThread(set, plan, counts)
		: assembleRows(set, plan, new Assembler(set, columns, options), counts);
	try {
		let done = 0;
		for await (const rows of source) {
			options.signal?.throwIfAborted();
			turning.turn(rows, windows[rows.window].frequenciesHz);
			writer.append(rows);
			done += rows.count;
			options.progress?.(done, nRows);
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
