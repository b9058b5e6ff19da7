import type { SpectralWindow, VisibilityBlock, VisibilitySet } from "../../calibration/visibility-set.ts";
import { badInput } from "../../error.ts";
import { compileSampleLoops, sampleMemory } from "../sample-kernels.ts";
import { samplePlace } from "../uvh5/placed-rows.ts";
import type { CorrectedBlock } from "./correction.ts";
import type { DataColumn, MeasurementRows } from "./write-measurement-set.ts";

/** Where assembled samples go; all arrays hold the same number of samples. */
interface SampleBuffers {
	data: Partial<Record<DataColumn, Float32Array>>;
	flags: Uint8Array;
	weights: Float32Array;
}

/** Values computed from a block of `VisibilitySet.blocks()`. */
export interface BlockValues {
	correct?: (block: VisibilityBlock) => CorrectedBlock;
	model?: (block: VisibilityBlock) => Float32Array;
}

/** What is assembled: windows that are written as one, and about how many bytes at once. */
export interface AssemblyPlan {
	groups: readonly (readonly SpectralWindow[])[];
	chunkBytes: number;
}

/** All rows in order of time, then of window; one window goes through in one piece. */
export async function* assembleRows(
	set: VisibilitySet,
	{ groups, chunkBytes }: AssemblyPlan,
	assembler: Assembler,
): AsyncGenerator<MeasurementRows> {
	const step = groups.length === 1 ? set.timesMjd.length : 1;
	for (let t = 0; t < set.timesMjd.length; t += step) {
		for (let g = 0; g < groups.length; g++) {
			const perRow = groups[g].reduce((sum, { nChannels }) => sum + nChannels, 0) * set.polarizations.length * 8;
			const rowsAtOnce = Math.max(1, Math.floor(chunkBytes / perRow));
			yield* assembler.read(groups[g], g, t, t + step, rowsAtOnce);
		}
	}
}

/** Puts the blocks of joined windows side by side. */
export class Assembler {
	private readonly set: VisibilitySet;
	private readonly values: BlockValues;
	private readonly columns: readonly DataColumn[];
	private readonly buffers: (samples: number) => SampleBuffers;
	private firstTime = -1;

	constructor(set: VisibilitySet, columns: readonly DataColumn[], values: BlockValues) {
		this.set = set;
		this.values = values;
		this.columns = columns;
		this.buffers = reusedBuffers(columns);
	}

	/** Rows of times [t0, t1) over all channels of a group, some at a time; they are the receiver's until it asks for more. */
	async *read(
		group: readonly SpectralWindow[],
		window: number,
		t0: number,
		t1: number,
		rowsAtOnce: number,
	): AsyncGenerator<MeasurementRows> {
		const { set } = this;
		const nPol = set.polarizations.length;
		const nChannels = group.reduce((sum, { nChannels: n }) => sum + n, 0);
		// Where nothing is computed from them, samples go straight to their place among the group's.
		const isPlaced = set.canPlace === true && this.values.correct === undefined && this.values.model === undefined;
		let buffers: SampleBuffers | undefined;
		const placeAt = (at: number) => async (rows: number) => {
			buffers ??= this.buffers(rows * nChannels * nPol);
			const { data, flags, weights } = buffers;
			return { width: nChannels * nPol, at, visibilities: data.DATA as Float32Array, flags, weights };
		};
		let at = 0;
		const readers = group.map(({ firstChannel, nChannels: own }) => {
			const place = isPlaced ? { place: placeAt(at) } : {};
			at += own * nPol;
			const blocks = set.blocks({
				...place,
				channels: [firstChannel, firstChannel + own],
				times: [t0, t1],
				autocorrelations: true,
				blockBytes: rowsAtOnce * own * nPol * 8,
			});
			return blocks[Symbol.asyncIterator]();
		});
		for (;;) {
			let rows: MeasurementRows | undefined;
			at = 0;
			buffers = undefined;
			for (let i = 0; i < group.length; i++) {
				const { done, value: block } = await readers[i].next();
				if (done === true) {
					if (i === 0) return;
					throw this.unequal();
				}
				rows ??= this.begin(block, window, buffers ?? this.buffers(block.nRows * nChannels * nPol), nChannels * nPol);
				if (block.nRows !== rows.count || block.timeIndex[0] !== this.firstTime) throw this.unequal();
				if (!isPlaced) this.put(rows, block, at, nChannels);
				at += group[i].nChannels * nPol;
			}
			if (rows === undefined) return;
			yield rows;
		}
	}

	private unequal() {
		return badInput("visibility-set", "its subbands have different rows at one time", {
			subject: this.set.source[0],
			remedy: "Keep one spectral window per subband",
		});
	}

	/** What all windows of a group have in common. */
	private begin(
		block: VisibilityBlock,
		window: number,
		{ data, flags, weights }: SampleBuffers,
		width: number,
	): MeasurementRows {
		const { set } = this;
		const size = block.nRows * width;
		this.firstTime = block.timeIndex[0];
		return {
			count: block.nRows,
			window,
			timesMjd: Float64Array.from(block.timeIndex, (t) => set.timesMjd[t]),
			integrationS: block.integrationS.slice(),
			antenna1: block.antenna1.slice(),
			antenna2: block.antenna2.slice(),
			field: block.field.slice(),
			uvwM: block.uvwM.slice(),
			flags: flags.subarray(0, size),
			weights: weights.subarray(0, size),
			data: Object.fromEntries(this.columns.map((name) => [name, data[name]?.subarray(0, 2 * size)])),
		};
	}

	/** One window's samples at their place among the group's. */
	private put(rows: MeasurementRows, block: VisibilityBlock, at: number, nChannels: number): void {
		const { set, values } = this;
		const nPol = set.polarizations.length;
		const corrected = values.correct?.(block);
		const wide = nChannels * nPol;
		const narrow = block.nChannels * nPol;
		this.place(rows.data.DATA as Float32Array, block.visibilities, 2 * narrow, 2 * wide, 2 * at);
		if (corrected !== undefined) {
			this.place(rows.data.CORRECTED_DATA as Float32Array, corrected.visibilities, 2 * narrow, 2 * wide, 2 * at);
		}
		if (values.model !== undefined) {
			this.place(rows.data.MODEL_DATA as Float32Array, values.model(block), 2 * narrow, 2 * wide, 2 * at);
		}
		this.place(rows.flags, corrected?.flags ?? block.flags, narrow, wide, at);
		const weights = corrected?.weights ?? block.weights;
		if (weights !== undefined) this.place(rows.weights, weights, narrow, wide, at);
		else for (let r = 0; r < rows.count; r++) rows.weights.fill(1, r * wide + at, r * wide + at + narrow);
	}

	private place<T extends Float32Array | Uint8Array>(
		target: T,
		source: T,
		narrow: number,
		wide: number,
		at: number,
	): void {
		if (narrow === wide) target.set(source);
		else if (source instanceof Float32Array) spreadFloats(target as Float32Array, source, narrow, wide, at);
		else spreadBytes(target as Uint8Array, source as Uint8Array, narrow, wide, at);
	}
}

/** Arrays that are used again and again; those that samples are read to are in a memory of compiled loops. */
function reusedBuffers(columns: readonly DataColumn[]): (samples: number) => SampleBuffers {
	let kept: SampleBuffers | undefined;
	let module: WebAssembly.Module | undefined;
	return (samples) => {
		if (kept === undefined || kept.flags.length < samples) {
			module ??= compileSampleLoops();
			const { visibilities, flags, weights } = sampleMemory(module, samples, 1)?.place ?? samplePlace(samples, 1);
			kept = {
				data: Object.fromEntries(
					columns.map((name) => [name, name === "DATA" ? visibilities : new Float32Array(2 * samples)]),
				),
				flags,
				weights,
			};
		}
		return kept;
	};
}

// Loops of their own, each for one type: a loop that has seen several runs at a tenth of the speed.
function spreadFloats(target: Float32Array, source: Float32Array, narrow: number, wide: number, at: number): void {
	for (let from = 0, to = at; from < source.length; to += wide) {
		for (let i = 0; i < narrow; i++) target[to + i] = source[from++];
	}
}

function spreadBytes(target: Uint8Array, source: Uint8Array, narrow: number, wide: number, at: number): void {
	for (let from = 0, to = at; from < source.length; to += wide) {
		for (let i = 0; i < narrow; i++) target[to + i] = source[from++];
	}
}
