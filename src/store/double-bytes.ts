import { endianness } from "node:os";

const isLittleEndian = endianness() === "LE";

/**
 * Doubles as the bytes of one `bytea`, most significant first, as PostgreSQL's own float8send gives them. States of light
 * curves and filters are rows of some thirty doubles, tens of thousands of them an epoch: as text they would cost more
 * to write and to read than the epoch's measurements.
 */
export function bytesOf(doubles: readonly number[]): Buffer {
	const bytes = Buffer.from(Float64Array.from(doubles).buffer);
	return isLittleEndian ? bytes.swap64() : bytes;
}

/** The doubles of such bytes; a rest of fewer than eight bytes is left out, which whoever decodes them then misses. */
export function doublesOf(bytes: Buffer): Float64Array {
	const doubles = new Float64Array(bytes.length >> 3);
	const own = Buffer.from(doubles.buffer);
	bytes.copy(own, 0, 0, own.length);
	if (isLittleEndian) own.swap64();
	return doubles;
}
