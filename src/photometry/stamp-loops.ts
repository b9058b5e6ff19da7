import { compileLoops } from "../sky/compiled-loops.ts";
import type { Plane } from "../sky/plane.ts";
import { memoryOf } from "../sky/plane-memory.ts";
import type { GaussianRows } from "./gaussian-rows.ts";
import { STAMP_LOOPS } from "./stamp-loops-binary.ts";

/** A stamp: positions of its first pixel in the three planes, the background's share, pixels of a row, rows, bytes from row to row. */
type Stamp = [image: number, noise: number, base: number, share: number, count: number, rows: number, stride: number];
/** A kernel at the stamp's first pixel, as {@link GaussianRows} follows it. */
type Kernel = [k: number, g: number, curve: number, step: number, rowCurve: number, gStep: number];

/** The functions of stamp-loops.as. */
interface CompiledLoops {
	touch(image: number, noise: number, base: number, last: number, rows: number, stride: number): number;
	sumStamp(...args: [...Stamp, ...Kernel]): void;
	addPair(...args: [...Stamp, ...Kernel, ...Kernel]): void;
	clear(): void;
	sum(index: number): number;
}

let compiled: WebAssembly.Module | undefined;
/** One instance for each memory that this thread has met. */
const instances = new WeakMap<WebAssembly.Memory, CompiledLoops>();

function loopsIn(memory: WebAssembly.Memory): CompiledLoops {
	let loops = instances.get(memory);
	if (loops === undefined) {
		compiled ??= compileLoops(STAMP_LOOPS);
		loops = new WebAssembly.Instance(compiled, { env: { memory } }).exports as unknown as CompiledLoops;
		instances.set(memory, loops);
	}
	return loops;
}

/** Which number of {@link StampLoops.sum} is the least 1/n: where it is not positive, a noise is not. */
export const LEAST_INVERSE = 10;

/** The compiled sums over stamps of one image, where its planes lie in one memory (see plane-memory.ts). */
export class StampLoops {
	private readonly loops: CompiledLoops;
	private readonly width: number;
	private readonly image: number;
	private readonly noise: number;
	private readonly base: number;
	/** Without a background nothing of it is subtracted: a test in the loop would cost more. */
	private readonly share: number;
	/** Keeps the loads of {@link touch} from being optimised away. */
	private touched = 0;

	private constructor(loops: CompiledLoops, image: Plane, noise: Plane, background: Plane | undefined) {
		this.loops = loops;
		this.width = image.width;
		this.image = image.data.byteOffset;
		this.noise = noise.data.byteOffset;
		this.base = (background ?? image).data.byteOffset;
		this.share = background === undefined ? 0 : 1;
	}

	/** Undefined where the planes do not lie in one memory. */
	static of(image: Plane, noise: Plane, background: Plane | undefined): StampLoops | undefined {
		const memory = memoryOf(image.data);
		if (memory === undefined || memoryOf(noise.data) !== memory) return undefined;
		if (background !== undefined && memoryOf(background.data) !== memory) return undefined;
		return new StampLoops(loopsIn(memory), image, noise, background);
	}

	/** Brings the cache lines of a stamp, pixels [x0, x1) of rows [y0, y1), together. */
	touch(x0: number, x1: number, y0: number, y1: number): void {
		const { image, noise, base, width } = this;
		const at = 4 * (y0 * width + x0);
		this.touched ^= this.loops.touch(image + at, noise + at, base + at, 4 * (x1 - x0 - 1), y1 - y0, 4 * width);
	}

	/** What the latest call left: {@link LEAST_INVERSE}, or a sum of {@link sumStamp} or {@link addPair}. */
	sum(index: number): number {
		return this.loops.sum(index);
	}

	/** Begins the sums of {@link addPair} anew. */
	clear(): void {
		this.loops.clear();
	}

	/**
	 * Sums of a stamp over the kernel that `rows` follows from its first pixel on, with r = d/n and q = k/n: 0 r q, 1 q^2, 2 r^2, 3 q,
	 * 4 q/n.
	 */
	sumStamp(rows: GaussianRows, x0: number, x1: number, y0: number, y1: number): void {
		const { image, noise, base, share, width } = this;
		const at = 4 * (y0 * width + x0);
		const { k, g, curve, step, rowCurve, gStep } = rows;
		this.loops.sumStamp(
			image + at,
			noise + at,
			base + at,
			share,
			x1 - x0,
			y1 - y0,
			4 * width,
			k,
			g,
			curve,
			step,
			rowCurve,
			gStep,
		);
	}

	/**
	 * Adds the sums of a stamp over two kernels: 0 r^2; 1 and 2 q of each, 3 and 4 q/n, 5 and 6 q r; 7 q q of the first, 8 of both,
	 * 9 of the second.
	 */
	addPair(first: GaussianRows, second: GaussianRows, x0: number, x1: number, y0: number, y1: number): void {
		const { image, noise, base, share, width } = this;
		const at = 4 * (y0 * width + x0);
		this.loops.addPair(
			image + at,
			noise + at,
			base + at,
			share,
			x1 - x0,
			y1 - y0,
			4 * width,
			first.k,
			first.g,
			first.curve,
			first.step,
			first.rowCurve,
			first.gStep,
			second.k,
			second.g,
			second.curve,
			second.step,
			second.rowCurve,
			second.gStep,
		);
	}
}
