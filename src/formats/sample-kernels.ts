import type { SamplePlace } from "../calibration/visibility-set.ts";
import { SAMPLE_KERNELS } from "./sample-kernels-binary.ts";

/** The functions of sample-kernels.as. */
interface SampleLoops {
	copyWords(
		from: number,
		to: number,
		slow: number,
		slowFrom: number,
		slowTo: number,
		fast: number,
		fastFrom: number,
		fastTo: number,
		words: number,
		flip: bigint,
	): void;
	copyBytes(
		from: number,
		to: number,
		slow: number,
		slowFrom: number,
		slowTo: number,
		fast: number,
		fastFrom: number,
		fastTo: number,
		run: number,
	): void;
	makeTruths(at: number, rows: number, width: number, count: number): void;
	turnPairs(
		at: number,
		channels: number,
		pairs: number,
		re0: number,
		im0: number,
		re1: number,
		im1: number,
		stepRe: number,
		stepIm: number,
	): number;
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
export const compileSampleLoops = (): WebAssembly.Module =>
	new WebAssembly.Module(Uint8Array.from(atob(SAMPLE_KERNELS), (char) => char.charCodeAt(0)));

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
