/** The bytes of numbers as they stand in memory, in the same memory. */
export const rawBytes = (numbers: ArrayBufferView): Uint8Array =>
	new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
