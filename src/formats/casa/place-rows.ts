import { closeSync, openSync, writeSync } from "node:fs";
import type { SamplePlace } from "../../calibration/visibility-set.ts";
import { failure } from "../../error.ts";
import { rawBytes } from "../raw-bytes.ts";
import { sampleMemory } from "../sample-kernels.ts";
import { moveRows, type PlacedSamples, samplePlace } from "../uvh5/placed-rows.ts";
import type { RowDescription, Uvh5Set } from "../uvh5/read.ts";
import type { PortableWindows } from "../uvh5/window-reader.ts";
import type { CorrectionOrder, Corrector } from "./correction.ts";
import { flagNotFinite } from "./finite.ts";
import { PhaseTurner } from "./phase-turner.ts";
import { type RowSummary, summarisePlain, summariseRows } from "./row-summary.ts";
import { packBits } from "./values.ts";
import type { DataColumn, SampleFiles } from "./write-measurement-set.ts";

/** What several threads convert together: pieces of rows, each written to its own place in the files of the columns. */
export interface PlacingTask {
	/** Windows of the set, written as one. */
	windows: readonly number[];
	/** The same, for threads that have not opened the set. */
	portable: PortableWindows;
	frequenciesHz: Float64Array;
	nPol: number;
	files: SampleFiles;
	/** Where CORRECTED_DATA is wanted. */
	correction: CorrectionOrder | undefined;
	nRows: number;
	/** Rows of a piece, a multiple of eight: bits of different pieces share no byte. */
	pieceRows: number;
	/** In shared memory; weights and flags of rows are filled in as they are converted, the rest is there before. */
	rows: PlacedRows;
	/** How much larger w becomes, m, per row, in shared memory; undefined if no phases are turned. */
	deltas: Float64Array | undefined;
	/** [next piece, rows done, samples that were no numbers, 1 = stop], in shared memory. */
	state: Int32Array;
	/** Per piece: 1 once it has been written; in shared memory. */
	written: Uint8Array;
	loops: WebAssembly.Module;
}

/** Who reads windows: a set, or a reader of windows that another thread has opened. */
export interface RowReader {
	readRows(window: number, first: number, count: number, place: SamplePlace, to: number): PlacedSamples;
}

/** What calibrates, with the set that it calibrates. */
export interface SetCorrector {
	set: Uvh5Set;
	corrector: Corrector;
}

export type PlacedRows = RowDescription & RowSummary;

export const STATE = { next: 0, done: 1, notFinite: 2, stop: 3 } as const;

/** Arrays for all rows in memory that threads share. */
export function sharedRows(n: number, nPol: number): PlacedRows {
	const shared = (bytes: number) => new SharedArrayBuffer(bytes);
	return {
		timesMjd: new Float64Array(shared(8 * n)),
		integrationS: new Float64Array(shared(8 * n)),
		antenna1: new Int32Array(shared(4 * n)),
		antenna2: new Int32Array(shared(4 * n)),
		field: new Int32Array(shared(4 * n)),
		uvwM: new Float64Array(shared(24 * n)),
		weight: new Float32Array(shared(4 * n * nPol)),
		sigma: new Float32Array(shared(4 * n * nPol)),
		flagRow: new Uint8Array(shared(n)),
		varied: new Uint8Array(shared(n)),
	};
}

/** Some of the rows of such arrays. */
export function rowsOf(rows: PlacedRows, first: number, count: number, nPol: number): PlacedRows {
	const end = first + count;
	return {
		timesMjd: rows.timesMjd.subarray(first, end),
		integrationS: rows.integrationS.subarray(first, end),
		antenna1: rows.antenna1.subarray(first, end),
		antenna2: rows.antenna2.subarray(first, end),
		field: rows.field.subarray(first, end),
		uvwM: rows.uvwM.subarray(3 * first, 3 * end),
		weight: rows.weight.subarray(nPol * first, nPol * end),
		sigma: rows.sigma.subarray(nPol * first, nPol * end),
		flagRow: rows.flagRow.subarray(first, end),
		varied: rows.varied.subarray(first, end),
	};
}

/** Samples that are calibrated: read here window by window, then put where both columns are assembled. */
class CorrectedPieces {
	readonly visibilities: Float32Array;
	private readonly set: Uvh5Set;
	private readonly corrector: Corrector;
	private readonly dense: SamplePlace[];

	private readonly described: RowDescription;

	constructor({ set, corrector }: SetCorrector, windows: readonly number[], pieceRows: number, width: number) {
		this.set = set;
		this.corrector = corrector;
		this.described = sharedRows(pieceRows, 1);
		this.visibilities = new Float32Array(2 * pieceRows * width);
		const nPol = set.polarizations.length;
		this.dense = windows.map((w) => samplePlace(pieceRows, set.spectralWindows[w].nChannels * nPol));
	}

	/** One window of rows: as recorded and corrected, with the flags and weights of the corrected. */
	read(i: number, w: number, first: number, count: number, place: SamplePlace): void {
		// As the file has them: uvw, too, before phases are turned.
		const rows = this.described;
		this.set.describeRows(first, count, rows);
		const dense = this.dense[i];
		const perRow = dense.width;
		const { firstChannel, nChannels } = this.set.spectralWindows[w];
		const { flagged, weight } = this.set.readRows(w, first, count, dense, 0);
		if (!flagged) dense.flags.fill(0);
		if (weight !== undefined) dense.weights.fill(weight);
		moveRows(dense, 0, place, 0, count, perRow, { flagged: false, weight: 0 });
		const samples = count * perRow;
		const corrected = this.corrector.correct({
			...this.set.rowIndices(first, count),
			spectralWindow: w,
			firstChannel,
			nChannels,
			nRows: count,
			antenna1: rows.antenna1,
			antenna2: rows.antenna2,
			field: rows.field,
			integrationS: rows.integrationS,
			uvwM: rows.uvwM,
			visibilities: dense.visibilities.subarray(0, 2 * samples),
			flags: dense.flags.subarray(0, samples),
			weights: dense.weights.subarray(0, samples),
		});
		const { visibilities, flags = dense.flags, weights = dense.weights } = corrected;
		const source = { width: perRow, at: 0, visibilities, flags, weights };
		const target = { ...place, visibilities: this.visibilities };
		moveRows(source, 0, target, 0, count, perRow, { flagged: true, weight: undefined });
	}
}

/**
 * Converts the pieces that no other thread has taken, one per step; what comes out does not depend on who does which.
 *
 * @param reader of `windows`: numbers by which it knows the task's windows.
 */
export function* placePieces(
	reader: RowReader,
	windows: readonly number[],
	task: PlacingTask,
	correcting: SetCorrector | undefined,
): Generator<void> {
	const { state, nRows, pieceRows, frequenciesHz, nPol, portable } = task;
	const width = frequenciesHz.length * nPol;
	const turner = new PhaseTurner(frequenciesHz, nPol);
	const place = sampleMemory(task.loops, pieceRows, width)?.place ?? samplePlace(pieceRows, width);
	const bits = new Uint8Array((pieceRows * width) / 8);
	let flagsAreClear = true;
	const corrected =
		correcting === undefined ? undefined : new CorrectedPieces(correcting, task.windows, pieceRows, width);
	const files = Object.fromEntries(
		Object.entries(task.files).map(([name, path]) => [name, { path, descriptor: openSync(path, "r+") }]),
	) as Record<keyof SampleFiles, { path: string; descriptor: number }>;
	const write = (name: keyof SampleFiles, at: number, bytes: Uint8Array) => {
		const { path, descriptor } = files[name];
		try {
			for (let done = 0; done < bytes.length; ) {
				done += writeSync(descriptor, bytes, done, bytes.length - done, at + done);
			}
		} catch (error) {
			const remedy = "Check the disk";
			throw failure("file-unwritable", (error as Error).message, { subject: path, remedy, cause: error });
		}
	};
	const perWindow = portable.windows.map(({ run }) => run.count * nPol);
	const found: (number | undefined)[] = [];
	try {
		while (Atomics.load(state, STATE.stop) === 0) {
			const piece = Atomics.add(state, STATE.next, 1);
			const first = piece * pieceRows;
			if (first >= nRows) return;
			const count = Math.min(pieceRows, nRows - first);
			const samples = count * width;
			const [flags, weights] = [place.flags.subarray(0, samples), place.weights.subarray(0, samples)];
			const data: Partial<Record<DataColumn, Float32Array>> = { DATA: place.visibilities.subarray(0, 2 * samples) };
			if (corrected !== undefined) data.CORRECTED_DATA = corrected.visibilities.subarray(0, 2 * samples);
			if (!flagsAreClear) flags.fill(0);
			flagsAreClear = true;

			const rows = rowsOf(task.rows, first, count, nPol);
			for (let i = 0, at = 0; i < windows.length; at += perWindow[i++]) {
				if (corrected !== undefined) {
					corrected.read(i, task.windows[i], first, count, { ...place, at });
					flagsAreClear = false;
					found[i] = undefined;
					continue;
				}
				const { flagged, weight } = reader.readRows(windows[i], first, count, { ...place, at }, 0);
				if (flagged) flagsAreClear = false;
				found[i] = weight;
			}
			const deltas = task.deltas?.subarray(first, first + count);
			let isFinite = true;
			for (const column of Object.values(data)) if (!turner.turn(column, count, deltas)) isFinite = false;
			if (!isFinite) {
				Atomics.add(state, STATE.notFinite, flagNotFinite({ data, flags }));
				flagsAreClear = false;
			}
			const common = found.every((weight) => weight !== undefined && weight === found[0]) ? found[0] : undefined;
			if (common !== undefined && flagsAreClear) summarisePlain(count, common, rows);
			else {
				for (let i = 0, at = 0; i < windows.length; at += perWindow[i++]) {
					const weight = found[i];
					if (weight === undefined) continue;
					for (let r = 0, k = at; r < count; r++, k += width) weights.fill(weight, k, k + perWindow[i]);
				}
				summariseRows({ count, flags, weights }, frequenciesHz.length, nPol, rows);
			}
			for (const [name, column] of Object.entries(data)) {
				write(name as DataColumn, first * width * 8, rawBytes(column));
			}
			// Where nothing is flagged the file's zeros say so.
			if (!flagsAreClear) {
				packBits(flags, bits, 0);
				write("FLAG", (first * width) / 8, bits.subarray(0, Math.ceil(samples / 8)));
			}
			if (rows.varied.includes(1)) write("WEIGHT_SPECTRUM", first * width * 4, rawBytes(weights));
			Atomics.store(task.written, piece, 1);
			Atomics.add(state, STATE.done, count);
			yield;
		}
	} finally {
		for (const { descriptor } of Object.values(files)) closeSync(descriptor);
	}
}
