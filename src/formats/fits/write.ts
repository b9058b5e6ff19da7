import { badInput } from "../../error.ts";
import type { Plane } from "../../sky/plane.ts";
import { type ByteSink, writeAtomically } from "../atomic-file.ts";
import { type CardToWrite, headerBlock } from "./card-text.ts";
import { toNativeOrder } from "./pixels.ts";

export interface WriteImageOptions {
	/** -32 (default) and -64 keep floating point; 16 and 32 quantise between the least and the greatest pixel. */
	bitpix?: -32 | -64 | 16 | 32;
	gzip?: boolean;
}

const CHUNK_PIXELS = 1 << 19;
const BLOCK = 2880;
const STRUCTURE = /^(SIMPLE|BITPIX|NAXIS\d*|EXTEND|BSCALE|BZERO|BLANK|END)$/;

/** BSCALE and BZERO that use the integers from -(2^(b-1) - 1) to 2^(b-1) - 1; the one below is BLANK. */
function quantisation(data: Plane["data"], bitpix: 16 | 32): { bscale: number; bzero: number; blank: number } {
	let low = Infinity;
	let high = -Infinity;
	for (let i = 0; i < data.length; i++) {
		if (data[i] < low) low = data[i];
		if (data[i] > high) high = data[i];
	}
	const most = 2 ** (bitpix - 1) - 1;
	const range = high > low ? high - low : 1;
	return { bscale: range / (2 * most), bzero: low <= high ? low + (high - low) / 2 : 0, blank: -most - 1 };
}

type Stored = Float32Array | Float64Array | Int16Array | Int32Array;

function storedArray(bitpix: number, length: number): Stored {
	if (bitpix === -32) return new Float32Array(length);
	if (bitpix === -64) return new Float64Array(length);
	return bitpix === 16 ? new Int16Array(length) : new Int32Array(length);
}

/** Puts big-endian stored values of some pixels into the array and gives back their bytes. */
function store(
	pixels: Plane["data"],
	into: Stored,
	bitpix: number,
	scale: { bscale: number; bzero: number; blank: number },
): Uint8Array {
	if (bitpix < 0) into.set(pixels);
	else {
		const { bscale, bzero, blank } = scale;
		for (let i = 0; i < pixels.length; i++) {
			const value = pixels[i];
			into[i] = Number.isNaN(value) ? blank : Math.round((value - bzero) / bscale);
		}
	}
	const width = Math.abs(bitpix) / 8;
	const bytes = new Uint8Array(into.buffer, 0, pixels.length * width);
	toNativeOrder(bytes, width);
	return bytes;
}

/** Fills up to a multiple of 2880 bytes. */
export async function pad(sink: ByteSink, written: number, fill = 0): Promise<void> {
	const missing = (BLOCK - (written % BLOCK)) % BLOCK;
	if (missing > 0) await sink.write(new Uint8Array(missing).fill(fill));
}

/**
 * Writes a plane as a primary image, whole or not at all. `cards` are everything beyond the structure (SIMPLE,
 * BITPIX, NAXISn, BSCALE, BZERO, BLANK are made here); a `CTYPE3` or `CTYPE4` card adds a degenerate axis.
 * @throws CausticError for a plane whose shape does not fit its data, infinite pixels with integer BITPIX, or cards
 * that FITS cannot hold.
 */
export async function writeFitsImage(
	path: string,
	plane: Plane,
	cards: readonly CardToWrite[],
	options: WriteImageOptions = {},
): Promise<void> {
	const { width, height, data } = plane;
	const bitpix = options.bitpix ?? -32;
	if (width < 1 || height < 1 || data.length !== width * height) {
		throw badInput("bad-plane", `${width} x ${height} pixels, but ${data.length} values`, { subject: path });
	}
	const isInteger = bitpix > 0;
	const scale = isInteger ? quantisation(data, bitpix as 16 | 32) : { bscale: 1, bzero: 0, blank: 0 };
	if (!Number.isFinite(scale.bscale)) {
		throw badInput("bad-plane", "infinite pixels cannot be stored as integers", {
			subject: path,
			remedy: "Write floating point (bitpix -32), or NaN for pixels without data",
		});
	}
	let axes = 2;
	for (const [keyword] of cards) axes = Math.max(axes, Number(/^CTYPE([3-9])$/i.exec(keyword)?.[1] ?? 0));
	const structure: CardToWrite[] = [
		["SIMPLE", true, "conforms to FITS standard"],
		["BITPIX", bitpix, "array data type"],
		["NAXIS", axes, "number of array dimensions"],
		["NAXIS1", width],
		["NAXIS2", height],
	];
	for (let axis = 3; axis <= axes; axis++) structure.push([`NAXIS${axis}`, 1]);
	structure.push(["EXTEND", true]);
	if (isInteger) structure.push(["BSCALE", scale.bscale], ["BZERO", scale.bzero], ["BLANK", scale.blank]);
	const header = headerBlock(
		[...structure, ...cards.filter(([keyword]) => !STRUCTURE.test(keyword.toUpperCase()))],
		path,
	);
	await writeAtomically(
		path,
		async (sink) => {
			await sink.write(header);
			// While one chunk is being written the next one is made.
			const length = Math.min(CHUNK_PIXELS, data.length);
			const buffers = [storedArray(bitpix, length), storedArray(bitpix, length)];
			let writing: Promise<void> = Promise.resolve();
			for (let from = 0; from < data.length; from += CHUNK_PIXELS) {
				buffers.reverse();
				const bytes = store(data.subarray(from, from + CHUNK_PIXELS), buffers[0], bitpix, scale);
				await writing;
				writing = sink.write(bytes);
				// A failure is reported by the await above or below.
				writing.catch(() => {});
			}
			await writing;
			await pad(sink, (data.length * Math.abs(bitpix)) / 8);
		},
		{ gzip: options.gzip },
	);
}
