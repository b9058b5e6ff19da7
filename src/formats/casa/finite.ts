import type { MeasurementRows } from "./write-measurement-set.ts";

/**
 * Whether the floats [from, beyond) are all finite, looked at as words: where an exponent has all its bits set, adding to it
 * carries into the sign.
 */
export function allFinite(words: Int32Array, from: number, beyond: number): boolean {
	let carried = 0;
	let i = from;
	for (; i + 4 <= beyond; i += 4) {
		carried |=
			((words[i] & 0x7f800000) + 0x00800000) |
			((words[i + 1] & 0x7f800000) + 0x00800000) |
			((words[i + 2] & 0x7f800000) + 0x00800000) |
			((words[i + 3] & 0x7f800000) + 0x00800000);
	}
	for (; i < beyond; i++) carried |= (words[i] & 0x7f800000) + 0x00800000;
	return carried >= 0;
}

/** Floats as words. */
export const wordsOf = (floats: Float32Array): Int32Array =>
	new Int32Array(floats.buffer, floats.byteOffset, floats.length);

/**
 * A sample that is no number becomes a flagged zero: imagers multiply before they look at flags.
 *
 * @returns how many were not flagged before.
 */
export function flagNotFinite({ data, flags }: Pick<MeasurementRows, "data" | "flags">): number {
	const run = 256;
	let found = 0;
	for (const values of Object.values(data)) {
		if (values === undefined) continue;
		const words = wordsOf(values);
		for (let i = 0; i < flags.length; i += run) {
			const end = Math.min(flags.length, i + run);
			if (allFinite(words, 2 * i, 2 * end)) continue;
			for (let k = i; k < end; k++) {
				if (Number.isFinite(values[2 * k]) && Number.isFinite(values[2 * k + 1])) continue;
				values[2 * k] = 0;
				values[2 * k + 1] = 0;
				if (flags[k] === 0) found++;
				flags[k] = 1;
			}
		}
	}
	return found;
}
