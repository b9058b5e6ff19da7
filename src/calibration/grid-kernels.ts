import { compileLoops } from "../sky/compiled-loops.ts";
import { GRID_KERNELS } from "./grid-kernels-binary.ts";

/** The functions of grid-kernels.as; positions are bytes of {@link memory}. */
export interface GridKernels {
	sumRows(
		z: number,
		flags: number,
		amplitudes: number,
		amplitudeRow: number,
		shared: number,
		gains: number,
		rows: number,
		pairs: number,
		step: number,
		out: number,
	): void;
	sumTimes(
		z: number,
		zTime: number,
		flags: number,
		flagTime: number,
		amplitudes: number,
		amplitudeTime: number,
		shared: number,
		even: number,
		odd: number,
		times: number,
		pairs: number,
		out: number,
	): void;
	addAmplitudes(
		z: number,
		flags: number,
		inverse: number,
		limit: number,
		samples: number,
		line: number,
		sums: number,
	): number;
}

/**
 * About how much of the grid is worked on at once: it is copied into the kernels' memory, where it stays in the processor's
 * cache.
 */
export const TILE_BYTES = 128 << 10;

const PAGE = 1 << 16;
let memory: WebAssembly.Memory | undefined;
let functions: GridKernels | undefined;

/**
 * The kernels, and parts of their memory of the sizes asked for: byte positions, and views to fill and to read. A later call
 * gives the same memory to somebody else.
 */
export function kernelsWith<Name extends string>(bytes: Readonly<Record<Name, number>>) {
	memory ??= new WebAssembly.Memory({ initial: 8 });
	if (functions === undefined) {
		functions = new WebAssembly.Instance(compileLoops(GRID_KERNELS), { env: { memory } })
			.exports as unknown as GridKernels;
	}
	const at = {} as Record<Name, number>;
	let end = 1024;
	for (const name of Object.keys(bytes) as Name[]) {
		at[name] = end;
		// Whole vectors, and one to spare: a kernel may look at the end of a row as at a full one.
		end += (Math.ceil(bytes[name] / 16) + 1) * 16;
	}
	const missing = end - memory.buffer.byteLength;
	if (missing > 0) memory.grow(Math.ceil(missing / PAGE));
	const { buffer } = memory;
	return {
		kernels: functions,
		at,
		floats: (name: Name) => new Float32Array(buffer, at[name], bytes[name] >> 2),
		doubles: (name: Name) => new Float64Array(buffer, at[name], bytes[name] >> 3),
		bytes: (name: Name) => new Uint8Array(buffer, at[name], bytes[name]),
	};
}

/** Copies rows into rows of another length, which are not shorter. */
export function copyRows(
	from: Float32Array | Uint8Array,
	first: number,
	length: number,
	rows: number,
	to: Float32Array | Uint8Array,
	at: number,
	width: number,
): void {
	if (length === width) {
		to.set(from.subarray(first, first + rows * length), at);
		return;
	}
	for (let r = 0; r < rows; r++) to.set(from.subarray(first + r * length, first + (r + 1) * length), at + r * width);
}
