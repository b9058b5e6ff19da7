import type { PhaseRun } from "../calibration/rephase.ts";
import type { SamplePlace } from "../calibration/visibility-set.ts";
import { compileLoops } from "../sky/compiled-loops.ts";
import { SAMPLE_KERNELS } from "./sample-kernels-binary.ts";

/** Elements to copy: positions of the first, then how many there are and the bytes from one to the next, along two axes. */
type Copy = [
	from: number,
	to: number,
	slow: number,
	slowFrom: number,
	slowTo: number,
	fast: number,
	fastFrom: number,
	fastTo: number,
];

/** The functions of sample-kernels.as. */
interface SampleLoops {
	copyWords(...args: [...Copy, words: number, flip: bigint]): void;
	copyBytes(...args: [...Copy, run: number]): void;
	makeTruths(at: number, rows: number, width: number, count: number): void;
	turnPairs(at: number, channels: number, pairs: number, ...phases: PhaseRun): number;
	notFinite(at: number, floats: number): number;
}

/** Bytes of a file that are read at once. */
const READ_BYTES = 1 << 20;
/** More samples than that are not worth a memory of their own: the general loops take them. */
const MOST_BYTES = 1 << 30;

/** Memory in which compiled loops find samples, and the bytes from which they are taken. */
export interface SampleMemory {
	readonly loops: SampleLoops;
	/** Room for what is read from a file. */
	readonly read: Uint8Array;
	/** Room for samples. */
	readonly place: SamplePlace;
}

const known = new WeakMap<ArrayBufferLike, SampleMemory>();

/** The memory to which a buffer belongs, if it is one's. */
export const sampleMemoryOf = (buffer: ArrayBufferLike): SampleMemory | undefined => known.get(buffer);

/** Compiled once, and handed to threads so that they need not. */
export const compileSampleLoops = (): WebAssembly.Module => compileLoops(SAMPLE_KERNELS);

/** Room for rows without gaps, in a memory where compiled loops work on them; undefined if that would be too large. */
export function sampleMemory(module: WebAssembly.Module, rows: number, width: number): SampleMemory | undefined {
	const samples = rows * width;
	if (samples * 16 > MOST_BYTES) return undefined;
	// The lowest kilobyte is left alone, and parts begin at whole vectors.
	const begin = 1024;
	const visibilities = begin + READ_BYTES;
	const weights = visibilities + 16 * Math.ceil(samples / 2);
	const flags = weights + 16 * Math.ceil(samples / 4);
	const memory = new WebAssembly.Memory({ initial: Math.ceil((flags + samples + 16) / 65536) });
	const { buffer } = memory;
	const made: SampleMemory = {
		loops: new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as SampleLoops,
		read: new Uint8Array(buffer, begin, READ_BYTES),
		place: {
			width,
			at: 0,
			visibilities: new Float32Array(buffer, visibilities, 2 * samples),
			flags: new Uint8Array(buffer, flags, samples),
			weights: new Float32Array(buffer, weights, samples),
		},
	};
	known.set(buffer, made);
	return made;
}
