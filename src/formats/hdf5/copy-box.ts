/** One axis of a box that is copied: elements along it, and how far apart they are in source and target (elements). */
export interface CopyAxis {
	count: number;
	from: number;
	to: number;
}

/**
 * Copies an N-dimensional box of elements between two strided arrays of bytes. Axes slowest first.
 *
 * Chunks of visibilities are rarely laid out like the array wanted (one polarisation per chunk is usual), so the two
 * innermost axes are plain strided loops over 32-bit words, 1 to 4 of them to the element.
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
	const merged: CopyAxis[] = [];
	for (let d = axes.length - 1; d >= 0; d--) {
		const axis = axes[d];
		if (axis.count === 0) return;
		if (axis.count === 1) continue;
		const inner = merged[0];
		if (inner !== undefined && axis.from === inner.count * inner.from && axis.to === inner.count * inner.to) {
			inner.count *= axis.count;
		} else {
			merged.unshift({ ...axis });
		}
	}
	let run = elementSize;
	const last = merged.at(-1);
	if (last !== undefined && last.from === 1 && last.to === 1) {
		run *= last.count;
		merged.pop();
	}
	while (merged.length < 2) merged.unshift({ count: 1, from: 0, to: 0 });
	const outer = merged.slice(0, -2);
	const [slow, fast] = merged.slice(-2);
	const words = isAligned(source, sourceAt, elementSize) && isAligned(target, targetAt, elementSize);
	const unit = words ? 4 : 1;
	const from = words ? wordsOf(source) : source;
	const to = words ? wordsOf(target) : target;
	const stride = elementSize / unit;
	const length = run / unit;
	const copy = length > 24 ? copyRuns : length === 2 ? copyPairs : length === 1 ? copySingles : copyShort;
	const at = outer.map(() => 0);
	let f = sourceAt / unit;
	let t = targetAt / unit;
	for (;;) {
		copy(from, f, to, t, slow, fast, stride, length);
		let d = outer.length - 1;
		for (; d >= 0; d--) {
			const axis = outer[d];
			f += axis.from * stride;
			t += axis.to * stride;
			if (++at[d] < axis.count) break;
			at[d] = 0;
			f -= axis.from * stride * axis.count;
			t -= axis.to * stride * axis.count;
		}
		if (d < 0) return;
	}
}

const isAligned = (bytes: Uint8Array, at: number, elementSize: number) =>
	((bytes.byteOffset | bytes.byteLength | at | elementSize) & 3) === 0;

const wordsOf = (bytes: Uint8Array) => new Int32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 2);

type Units = Int32Array | Uint8Array;

function copyRuns(
	from: Units,
	f0: number,
	to: Units,
	t0: number,
	slow: CopyAxis,
	fast: CopyAxis,
	stride: number,
	length: number,
): void {
	for (let s = 0; s < slow.count; s++) {
		for (let i = 0; i < fast.count; i++) {
			const f = f0 + (s * slow.from + i * fast.from) * stride;
			to.set(from.subarray(f, f + length), t0 + (s * slow.to + i * fast.to) * stride);
		}
	}
}

function copyShort(
	from: Units,
	f0: number,
	to: Units,
	t0: number,
	slow: CopyAxis,
	fast: CopyAxis,
	stride: number,
	length: number,
): void {
	for (let s = 0; s < slow.count; s++) {
		let f = f0 + s * slow.from * stride;
		let t = t0 + s * slow.to * stride;
		for (let i = 0; i < fast.count; i++) {
			for (let k = 0; k < length; k++) to[t + k] = from[f + k];
			f += fast.from * stride;
			t += fast.to * stride;
		}
	}
}

function copyPairs(
	from: Units,
	f0: number,
	to: Units,
	t0: number,
	slow: CopyAxis,
	fast: CopyAxis,
	stride: number,
): void {
	const fromStep = fast.from * stride;
	const toStep = fast.to * stride;
	for (let s = 0; s < slow.count; s++) {
		let f = f0 + s * slow.from * stride;
		let t = t0 + s * slow.to * stride;
		for (let i = 0; i < fast.count; i++) {
			to[t] = from[f];
			to[t + 1] = from[f + 1];
			f += fromStep;
			t += toStep;
		}
	}
}

function copySingles(
	from: Units,
	f0: number,
	to: Units,
	t0: number,
	slow: CopyAxis,
	fast: CopyAxis,
	stride: number,
): void {
	const fromStep = fast.from * stride;
	const toStep = fast.to * stride;
	for (let s = 0; s < slow.count; s++) {
		let f = f0 + s * slow.from * stride;
		let t = t0 + s * slow.to * stride;
		for (let i = 0; i < fast.count; i++) {
			to[t] = from[f];
			f += fromStep;
			t += toStep;
		}
	}
}
