import type { SampleMemory } from "../sample-kernels.ts";

/** One axis of a box that is copied: elements along it, and how far apart they are in source and target (elements, either sign). */
export interface CopyAxis {
	count: number;
	from: number;
	to: number;
}

/** A box to copy, its axes merged where they are one run in both arrays. All in elements. */
export interface CopyPlan {
	/** Elements that lie one behind the other in both arrays. */
	run: number;
	fast: CopyAxis;
	slow: CopyAxis;
	/** Slowest first; mostly none. */
	outer: readonly CopyAxis[];
}

const ONE: CopyAxis = { count: 1, from: 0, to: 0 };

/** Merges axes, slowest first. Undefined if there is nothing to copy. */
export function planCopy(axes: readonly CopyAxis[]): CopyPlan | undefined {
	const merged: CopyAxis[] = [];
	for (let d = axes.length - 1; d >= 0; d--) {
		const { count, from, to } = axes[d];
		if (count === 0) return undefined;
		if (count === 1) continue;
		const inner = merged[merged.length - 1];
		if (inner !== undefined && from === inner.count * inner.from && to === inner.count * inner.to) inner.count *= count;
		else merged.push({ count, from, to });
	}
	const run = merged[0]?.from === 1 && merged[0].to === 1 ? (merged.shift() as CopyAxis).count : 1;
	return { run, fast: merged[0] ?? ONE, slow: merged[1] ?? ONE, outer: merged.slice(2).reverse() };
}

/**
 * Copies an N-dimensional box of elements between two strided arrays of bytes.
 *
 * Chunks of visibilities are rarely laid out like the array wanted (one polarisation per chunk is usual), so the two
 * innermost axes are plain strided loops over words of 64 or 32 bits. Complex numbers go as one 64-bit word; no arithmetic
 * touches it.
 */
export function copyBox(
	source: Uint8Array,
	sourceAt: number,
	target: Uint8Array,
	targetAt: number,
	plan: CopyPlan | undefined,
	elementSize: number,
): void {
	if (plan === undefined) return;
	const run = plan.run * elementSize;
	const aligned =
		source.byteOffset | source.byteLength | sourceAt | target.byteOffset | target.byteLength | targetAt | elementSize;
	const width = (aligned & 7) === 0 && run <= 16 ? 8 : (aligned & 3) === 0 ? 4 : 1;
	const stride = elementSize / width;
	const length = run / width;
	const scaled = ({ count, from, to }: CopyAxis): CopyAxis => ({ count, from: from * stride, to: to * stride });
	const fast = scaled(plan.fast);
	const slow = scaled(plan.slow);
	const outer = plan.outer.length === 0 ? plan.outer : plan.outer.map(scaled);
	if (width === 8) {
		const copy = length === 1 ? copyDoubles : copyDoublePairs;
		over(outer, sourceAt / 8, targetAt / 8, doublesOf(source), doublesOf(target), copy, slow, fast, length);
	} else if (width === 4) {
		const copy = length > 24 ? copyRuns : length === 1 ? copySingles : copyShort;
		over(outer, sourceAt / 4, targetAt / 4, wordsOf(source), wordsOf(target), copy, slow, fast, length);
	} else {
		over(outer, sourceAt, targetAt, source, target, length > 24 ? copyRuns : copyBytes, slow, fast, length);
	}
}

/**
 * The same within a memory of compiled loops: byte `sourceAt` of its buffer to byte `targetAt`.
 *
 * @param flip bits that are changed in each eight bytes, of elements of eight bytes or multiples of them.
 */
export function copyBoxWithin(
	{ loops }: SampleMemory,
	sourceAt: number,
	targetAt: number,
	plan: CopyPlan | undefined,
	elementSize: number,
	flip: bigint,
): void {
	if (plan === undefined) return;
	const { slow, fast, outer } = plan;
	const run = plan.run * elementSize;
	const [slowFrom, slowTo] = [slow.from * elementSize, slow.to * elementSize];
	const [fastFrom, fastTo] = [fast.from * elementSize, fast.to * elementSize];
	const copy = (from: number, to: number) =>
		elementSize % 8 === 0
			? loops.copyWords(from, to, slow.count, slowFrom, slowTo, fast.count, fastFrom, fastTo, run / 8, flip)
			: loops.copyBytes(from, to, slow.count, slowFrom, slowTo, fast.count, fastFrom, fastTo, run);
	if (outer.length === 0) copy(sourceAt, targetAt);
	else walk(outer, elementSize, sourceAt, targetAt, copy);
}

type Copy<T> = (from: T, f0: number, to: T, t0: number, slow: CopyAxis, fast: CopyAxis, length: number) => void;

/** Calls `copy` at every place of the outer axes. */
function over<T>(
	outer: readonly CopyAxis[],
	f0: number,
	t0: number,
	from: T,
	to: T,
	copy: Copy<T>,
	slow: CopyAxis,
	fast: CopyAxis,
	length: number,
): void {
	if (outer.length === 0) {
		copy(from, f0, to, t0, slow, fast, length);
		return;
	}
	walk(outer, 1, f0, t0, (f, t) => copy(from, f, to, t, slow, fast, length));
}

/** Every place of some axes, whose steps are multiplied by `unit`. */
function walk(
	outer: readonly CopyAxis[],
	unit: number,
	f0: number,
	t0: number,
	visit: (f: number, t: number) => void,
): void {
	const at = outer.map(() => 0);
	let f = f0;
	let t = t0;
	for (;;) {
		visit(f, t);
		let d = outer.length - 1;
		for (; d >= 0; d--) {
			const axis = outer[d];
			f += axis.from * unit;
			t += axis.to * unit;
			if (++at[d] < axis.count) break;
			at[d] = 0;
			f -= axis.from * axis.count * unit;
			t -= axis.to * axis.count * unit;
		}
		if (d < 0) return;
	}
}

const wordsOf = (bytes: Uint8Array) => new Int32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 2);
const doublesOf = (bytes: Uint8Array) => new Float64Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 3);

function copyRuns(
	from: Int32Array | Uint8Array,
	f0: number,
	to: Int32Array | Uint8Array,
	t0: number,
	slow: CopyAxis,
	fast: CopyAxis,
	length: number,
): void {
	for (let s = 0; s < slow.count; s++) {
		for (let i = 0; i < fast.count; i++) {
			const f = f0 + s * slow.from + i * fast.from;
			to.set(from.subarray(f, f + length), t0 + s * slow.to + i * fast.to);
		}
	}
}

// Loops of their own, each for one type: a loop that has seen several runs at a tenth of the speed.
function copyDoubles(
	from: Float64Array,
	f0: number,
	to: Float64Array,
	t0: number,
	slow: CopyAxis,
	fast: CopyAxis,
): void {
	const { count, from: fromStep, to: toStep } = fast;
	for (let s = 0; s < slow.count; s++) {
		let f = f0 + s * slow.from;
		let t = t0 + s * slow.to;
		for (let i = 0; i < count; i++) {
			to[t] = from[f];
			f += fromStep;
			t += toStep;
		}
	}
}

function copyDoublePairs(
	from: Float64Array,
	f0: number,
	to: Float64Array,
	t0: number,
	slow: CopyAxis,
	fast: CopyAxis,
): void {
	const { count, from: fromStep, to: toStep } = fast;
	for (let s = 0; s < slow.count; s++) {
		let f = f0 + s * slow.from;
		let t = t0 + s * slow.to;
		for (let i = 0; i < count; i++) {
			to[t] = from[f];
			to[t + 1] = from[f + 1];
			f += fromStep;
			t += toStep;
		}
	}
}

function copySingles(from: Int32Array, f0: number, to: Int32Array, t0: number, slow: CopyAxis, fast: CopyAxis): void {
	const { count, from: fromStep, to: toStep } = fast;
	for (let s = 0; s < slow.count; s++) {
		let f = f0 + s * slow.from;
		let t = t0 + s * slow.to;
		for (let i = 0; i < count; i++) {
			to[t] = from[f];
			f += fromStep;
			t += toStep;
		}
	}
}

function copyShort(
	from: Int32Array,
	f0: number,
	to: Int32Array,
	t0: number,
	slow: CopyAxis,
	fast: CopyAxis,
	length: number,
): void {
	const { count, from: fromStep, to: toStep } = fast;
	for (let s = 0; s < slow.count; s++) {
		let f = f0 + s * slow.from;
		let t = t0 + s * slow.to;
		for (let i = 0; i < count; i++) {
			for (let k = 0; k < length; k++) to[t + k] = from[f + k];
			f += fromStep;
			t += toStep;
		}
	}
}

function copyBytes(
	from: Uint8Array,
	f0: number,
	to: Uint8Array,
	t0: number,
	slow: CopyAxis,
	fast: CopyAxis,
	length: number,
): void {
	const { count, from: fromStep, to: toStep } = fast;
	for (let s = 0; s < slow.count; s++) {
		let f = f0 + s * slow.from;
		let t = t0 + s * slow.to;
		for (let i = 0; i < count; i++) {
			for (let k = 0; k < length; k++) to[t + k] = from[f + k];
			f += fromStep;
			t += toStep;
		}
	}
}
