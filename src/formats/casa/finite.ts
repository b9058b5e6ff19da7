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
