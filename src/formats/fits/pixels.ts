import { endianness } from "node:os";
import { badInput } from "../../error.ts";
import { planeMemory } from "../../sky/plane-memory.ts";
import type { FitsFile, FitsHdu } from "./file.ts";

export type Precision = "float32" | "float64";
export type Pixels = Float32Array | Float64Array;

/** How stored numbers become physical ones: BZERO + BSCALE x stored, then the unit's factor; BLANK is no data. */
export interface Scaling {
	bscale: number;
	bzero: number;
	/** Stored integer that means "no data". */
	blank: number | undefined;
	factor: number;
}

const isLittleEndian = endianness() === "LE";
/** Integers and conversions go through a buffer of this many bytes. */
const CHUNK_BYTES = 1 << 22;
/** An image of more pixels than this is not one that is held in memory: 8 Gpx. */
const MAX_PIXELS = 2 ** 33;

/** Turns big-endian numbers of 2, 4 or 8 bytes into the machine's own, in place. */
export function toNativeOrder(bytes: Uint8Array, width: number): void {
	if (!isLittleEndian || width === 1) return;
	const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	if (width === 2) buffer.swap16();
	else if (width === 4) buffer.swap32();
	else buffer.swap64();
}

/**
 * Pixels in memory that worker threads can share without a copy; single precision with room for one more plane behind it
 * ({@link nextPlane}), as an image is followed by its noise.
 */
export function sharedPixels(count: number, precision: Precision, subject: string): Pixels {
	if (count > MAX_PIXELS) {
		throw badInput("image-too-large", `${count} pixels are more than fit in memory`, {
			subject,
			remedy: "Cut the image into parts",
		});
	}
	try {
		return precision === "float64"
			? new Float64Array(new SharedArrayBuffer(count * 8))
			: (planeMemory(count, 2)?.[0] ?? new Float32Array(new SharedArrayBuffer(count * 4)));
	} catch (error) {
		throw badInput("image-too-large", `there is no memory for ${count} pixels`, {
			subject,
			remedy: "Cut the image into parts, or use a machine with more memory",
			cause: error,
		});
	}
}

/** The room that was given if it is of the right size and kind, else new pixels. */
export function roomFor(count: number, precision: Precision, subject: string, into: Pixels | undefined): Pixels {
	const isRight = into?.length === count && into instanceof Float64Array === (precision === "float64");
	return into !== undefined && isRight ? into : sharedPixels(count, precision, subject);
}

export function scalingOf(hdu: FitsHdu, factor = 1): Scaling {
	const { header } = hdu;
	const blank = header.bitpix > 0 ? header.number("BLANK") : undefined;
	return { bscale: header.number("BSCALE") ?? 1, bzero: header.number("BZERO") ?? 0, blank, factor };
}

/** Stored integers (native order) to physical values, from `at` on in the target. */
export function scaleIntegers(bytes: Uint8Array, bitpix: number, scaling: Scaling, target: Pixels, at: number): void {
	const slope = scaling.bscale * scaling.factor;
	const zero = scaling.bzero * scaling.factor;
	const blank = scaling.blank;
	const { buffer, byteOffset, byteLength } = bytes;
	if (bitpix === 64) {
		const low = new Uint32Array(buffer, byteOffset, byteLength / 4);
		const high = new Int32Array(buffer, byteOffset, byteLength / 4);
		for (let i = 0; i < byteLength / 8; i++) {
			const value = high[2 * i + 1] * 4294967296 + low[2 * i];
			target[at + i] = value === blank ? Number.NaN : zero + slope * value;
		}
		return;
	}
	const stored =
		bitpix === 8
			? bytes
			: bitpix === 16
				? new Int16Array(buffer, byteOffset, byteLength / 2)
				: new Int32Array(buffer, byteOffset, byteLength / 4);
	for (let i = 0; i < stored.length; i++) {
		const value = stored[i];
		target[at + i] = value === blank ? Number.NaN : zero + slope * value;
	}
}

function scaleFloats(target: Pixels, from: number, to: number, { bscale, bzero, factor }: Scaling): void {
	if (bscale === 1 && bzero === 0 && factor === 1) return;
	const slope = bscale * factor;
	const zero = bzero * factor;
	for (let i = from; i < to; i++) target[i] = zero + slope * target[i];
}

/**
 * Fills the target with pixels of its own type. The bytes of a chunk are swapped while they are still in the cache
 * and while the next chunk is being read.
 */
async function readInPlace(
	file: FitsFile,
	hdu: FitsHdu,
	first: number,
	target: Pixels,
	scaling: Scaling,
): Promise<void> {
	const width = target.BYTES_PER_ELEMENT;
	const bytes = new Uint8Array(target.buffer, target.byteOffset, target.byteLength);
	let next = 0;
	const lane = async () => {
		while (next < bytes.length) {
			const at = next;
			const piece = bytes.subarray(at, at + CHUNK_BYTES);
			next += piece.length;
			await file.readData(hdu, piece, first * width + at);
			toNativeOrder(piece, width);
			scaleFloats(target, at / width, (at + piece.length) / width, scaling);
		}
	};
	// A gzipped file is read in order, by one.
	await Promise.all(file.isSequential ? [lane()] : [lane(), lane()]);
}

/**
 * Reads `count` pixels of an uncompressed image from pixel `first` on, scaled, into memory that workers can share.
 * Floating point of the wanted precision lands where it stays and is swapped in place; the rest goes through a
 * small buffer. Nothing is allocated before the file was found long enough.
 */
export async function readPixels(
	file: FitsFile,
	hdu: FitsHdu,
	first: number,
	count: number,
	precision: Precision,
	scaling: Scaling,
	into?: Pixels,
): Promise<Pixels> {
	const { bitpix, source } = hdu.header;
	const width = Math.abs(bitpix) / 8;
	file.requireData(hdu, (first + count) * width);
	const target = roomFor(count, precision, source, into);
	if (bitpix === (precision === "float64" ? -64 : -32)) {
		await readInPlace(file, hdu, first, target, scaling);
		return target;
	}
	const chunk = new Uint8Array(Math.min(CHUNK_BYTES, count * width));
	for (let done = 0; done < count; ) {
		const piece = chunk.subarray(0, Math.min(chunk.length, (count - done) * width));
		await file.readData(hdu, piece, (first + done) * width);
		toNativeOrder(piece, width);
		const values = piece.length / width;
		if (bitpix > 0) scaleIntegers(piece, bitpix, scaling, target, done);
		else {
			target.set(
				bitpix === -32 ? new Float32Array(piece.buffer, 0, values) : new Float64Array(piece.buffer, 0, values),
				done,
			);
			scaleFloats(target, done, done + values, scaling);
		}
		done += values;
	}
	return target;
}
