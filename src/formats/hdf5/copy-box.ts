/** One axis of a box that is copied: elements along it, and how far apart they are in source and target (elements, either sign). */
export interface CopyAxis {
	count: number;
	from: number;
	to: number;
}

// Axes that remain after merging, fastest first; kept, because boxes are many and small.
const counts = new Float64Array(40);
const froms = new Float64Array(40);
const tos = new Float64Array(40);

/**
 * Copies an N-dimensional box of elements between two strided arrays of bytes. Axes slowest first.
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
	axes: readonly CopyAxis[],
	elementSize: number,
): void {
	// Axes that are one run in both arrays become one axis.
	let n = 0;
	for (let d = axes.length - 1; d >= 0; d--) {
		const { count, from, to } = axes[d];
		if (count === 0) return;
		if (count === 1) continue;
		const inner = n - 1;
		if (inner >= 0 && from === counts[inner] * froms[inner] && to === counts[inner] * tos[inner])
			counts[inner] *= count;
		else {
			counts[n] = count;
			froms[n] = from;
			tos[n] = to;
			n++;
		}
	}
	let run = elementSize;
	let first = 0;
	if (n > 0 && froms[0] === 1 && tos[0] === 1) {
		run *= counts[0];
		first = 1;
	}
	for (; n < first + 2; n++) {
		counts[n] = 1;
		froms[n] = 0;
		tos[n] = 0;
	}
	const aligned =
		source.byteOffset | source.byteLength | sourceAt | target.byteOffset | target.byteLength | targetAt | elementSize;
	const width = (aligned & 7) === 0 && run <= 16 ? 8 : (aligned & 3) === 0 ? 4 : 1;
	const stride = elementSize / width;
	const length = run / width;
	const fast: CopyAxis = { count: counts[first], from: froms[first] * stride, to: tos[first] * stride };
	const slow: CopyAxis = { count: counts[first + 1], from: froms[first + 1] * stride, to: tos[first + 1] * stride };
	const outer: CopyAxis[] = [];
	for (let d = n - 1; d >= first + 2; d--) {
		outer.push({ count: counts[d], from: froms[d] * stride, to: tos[d] * stride });
	}
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
	const at = outer.map(() => 0);
	let f = f0;
	let t = t0;
	for (;;) {
		copy(from, f, to, t, slow, fast, length);
		let d = outer.length - 1;
		for (; d >= 0; d--) {
			const axis = outer[d];
			f += axis.from;
			t += axis.to;
			if (++at[d] < axis.count) break;
			at[d] = 0;
			f -= axis.from * axis.count;
			t -= axis.to * axis.count;
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
