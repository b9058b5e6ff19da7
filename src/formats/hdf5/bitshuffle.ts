import { zstdDecompressSync } from "node:zlib";
import { expandLz4 } from "./lz4.ts";

/** Elements per block when the file does not say: 8 KiB worth, a multiple of 8, at least 128 (Masui et al. 2015). */
const defaultBlock = (elementSize: number) => Math.max(128, Math.floor(8192 / elementSize / 8) * 8);

/**
 * Undoes the bitshuffle filter (HDF5 filter 32008; Masui et al. 2015, Astronomy & Computing 12, 181): bit planes back to
 * elements, block by block, after LZ4 or Zstandard if `compression` is 2 or 3.
 *
 * @returns whether `output` was filled exactly; false means damaged input.
 */
export function expandBitshuffle(
	input: Uint8Array,
	output: Uint8Array,
	elementSize: number,
	blockElements: number,
	compression: 0 | 2 | 3,
): boolean {
	const total = output.length;
	if (elementSize < 1 || total % elementSize !== 0) return false;
	let from = 0;
	let block = (blockElements || defaultBlock(elementSize)) * elementSize;
	if (compression !== 0) {
		if (input.length < 12) return false;
		const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
		if (view.getUint32(0) * 2 ** 32 + view.getUint32(4) !== total) return false;
		block = view.getUint32(8);
		from = 12;
	}
	if (block < 8 * elementSize || block % (8 * elementSize) !== 0) return false;
	const planes = new Uint8Array(Math.min(block, total));
	// Elements beyond a multiple of eight are stored as they are, behind all blocks.
	const whole = total - (total % (8 * elementSize));
	for (let to = 0; to < whole; ) {
		const size = Math.min(block, whole - to);
		let source: Uint8Array;
		if (compression === 0) {
			if (from + size > input.length) return false;
			source = input.subarray(from, from + size);
			from += size;
		} else {
			if (from + 4 > input.length) return false;
			const stored = new DataView(input.buffer, input.byteOffset + from, 4).getUint32(0);
			from += 4;
			if (stored > input.length - from) return false;
			const packed = input.subarray(from, from + stored);
			from += stored;
			if (compression === 2) {
				if (expandLz4(packed, planes, 0, size) !== size) return false;
				source = planes.subarray(0, size);
			} else {
				try {
					source = zstdDecompressSync(packed, { maxOutputLength: size });
				} catch {
					return false;
				}
				if (source.length !== size) return false;
			}
		}
		joinBits(source, output, to, size, elementSize);
		to += size;
	}
	const rest = total - whole;
	if (input.length - from < rest) return false;
	output.set(input.subarray(from, from + rest), whole);
	return true;
}

/**
 * Plane 8 b + k holds bit k of byte b of every element, eight elements to the byte. Eight bytes of eight planes are an
 * 8 x 8 bit matrix, transposed by swapping blocks (Warren, Hacker's Delight 7-3) in two 32-bit halves.
 */
function joinBits(planes: Uint8Array, output: Uint8Array, to: number, size: number, elementSize: number): void {
	const elements = size / elementSize;
	const stride = elements >> 3;
	for (let b = 0; b < elementSize; b++) {
		const plane = b * 8 * stride;
		for (let j = 0; j < stride; j++) {
			const at = plane + j;
			let low =
				planes[at] | (planes[at + stride] << 8) | (planes[at + 2 * stride] << 16) | (planes[at + 3 * stride] << 24);
			let high =
				planes[at + 4 * stride] |
				(planes[at + 5 * stride] << 8) |
				(planes[at + 6 * stride] << 16) |
				(planes[at + 7 * stride] << 24);
			let t = (low ^ (low >>> 7)) & 0x00aa00aa;
			low = low ^ t ^ (t << 7);
			t = (high ^ (high >>> 7)) & 0x00aa00aa;
			high = high ^ t ^ (t << 7);
			t = (low ^ (low >>> 14)) & 0x0000cccc;
			low = low ^ t ^ (t << 14);
			t = (high ^ (high >>> 14)) & 0x0000cccc;
			high = high ^ t ^ (t << 14);
			t = (low & 0x0f0f0f0f) | ((high << 4) & 0xf0f0f0f0);
			high = (high & 0xf0f0f0f0) | ((low >>> 4) & 0x0f0f0f0f);
			low = t;
			let out = to + 8 * j * elementSize + b;
			for (let k = 0; k < 4; k++) {
				output[out] = (low >>> (8 * k)) & 255;
				out += elementSize;
			}
			for (let k = 0; k < 4; k++) {
				output[out] = (high >>> (8 * k)) & 255;
				out += elementSize;
			}
		}
	}
}
