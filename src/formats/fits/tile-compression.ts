import { gunzipSync } from "node:zlib";
import { badInput } from "../../error.ts";
import { binaryFields, isNumeric, readNumbers } from "./binary-table.ts";
import type { Card } from "./card.ts";
import type { FitsFile, FitsHdu } from "./file.ts";
import { FitsHeader } from "./header.ts";
import { type Pixels, type Precision, roomFor, type Scaling, scaleIntegers, toNativeOrder } from "./pixels.ts";
import { decodeRice, type RiceParameters } from "./rice.ts";
import { Heap, type HeapColumn, heapColumns } from "./tile-heap.ts";

/** An image kept as compressed tiles in a binary table: `header` is the image's, `table` the table's. */
export interface CompressedHdu extends FitsHdu {
	table: FitsHdu;
}

export const isCompressed = (hdu: FitsHdu): hdu is CompressedHdu => "table" in hdu;

/** Cards of the table, and of the compression, that the image does not have. */
const TABLE_CARD =
	/^(XTENSION|BITPIX|NAXIS\d*|PCOUNT|GCOUNT|TFIELDS|THEAP|EXTNAME|T(TYPE|FORM|UNIT|NULL|SCAL|ZERO|DISP|DIM)\d+|Z(IMAGE|TILE\d+|CMPTYPE|NAME\d+|VAL\d+|SIMPLE|EXTEND|TENSION|PCOUNT|GCOUNT|BITPIX|NAXIS\d*|QUANTIZ|DITHER0|HECKSUM|DATASUM))$/;
/** Nothing that is compressed by these methods unpacks to more pixels per byte. */
const MOST_PIXELS_PER_BYTE = 2048;
const NULL_VALUE = -2147483647;
const ZERO_VALUE = -2147483646;
const RANDOM_VALUES = 10_000;

/** The image that a BINTABLE with ZIMAGE = T holds (FITS standard 4.0, section 10.1). */
export function compressedImage(table: FitsHdu): CompressedHdu {
	const cards: Card[] = [];
	const rename = (from: string, to: string) => {
		const value = table.header.get(from);
		if (value !== undefined) cards.push({ keyword: to, value, comment: table.header.comment(from) });
	};
	rename("ZBITPIX", "BITPIX");
	rename("ZNAXIS", "NAXIS");
	const axes = table.header.whole("ZNAXIS", 1, 999);
	for (let axis = 1; axis <= axes; axis++) rename(`ZNAXIS${axis}`, `NAXIS${axis}`);
	for (const [keyword, value, comment] of table.header.entries()) {
		if (!TABLE_CARD.test(keyword)) cards.push({ keyword, value, comment });
	}
	for (const line of table.header.history)
		cards.push({ keyword: "HISTORY", value: undefined, comment: "", text: line });
	return { ...table, header: new FitsHeader(cards, table.header.source), table };
}

/** The 10,000 numbers by which quantised values were dithered (FITS standard 4.0, appendix I). */
function ditherSequence(): Float32Array {
	const values = new Float32Array(RANDOM_VALUES);
	let seed = 1;
	for (let i = 0; i < RANDOM_VALUES; i++) {
		seed = (16807 * seed) % 2147483647;
		values[i] = seed / 2147483647;
	}
	return values;
}

let dither: Float32Array | undefined;

type Method = "RICE_1" | "GZIP_1" | "GZIP_2" | "NOCOMPRESS";

interface Compression {
	method: Method;
	rice: RiceParameters;
	tile: number[];
	/** Whether floating point was quantised, and how dithered: 0 not, 1 or 2 by the methods of those names. */
	dithering: 0 | 1 | 2;
	ditherStart: number;
}

function compression({ header, table }: CompressedHdu): Compression {
	const subject = header.source;
	const refuse = (message: string) =>
		badInput("unsupported-compression", message, { subject, remedy: "Unpack the file with funpack" });
	const { header: cards } = table;
	const method = (cards.text("ZCMPTYPE") ?? "").toUpperCase().replace("RICE_ONE", "RICE_1");
	if (!["RICE_1", "GZIP_1", "GZIP_2", "NOCOMPRESS"].includes(method)) {
		throw refuse(`images compressed by ZCMPTYPE = ${method || "nothing"} are not read`);
	}
	const parameter = (name: string, fallback: number): number => {
		for (let i = 1; i <= 9; i++)
			if (cards.text(`ZNAME${i}`)?.toUpperCase() === name) return cards.number(`ZVAL${i}`) ?? fallback;
		return fallback;
	};
	const bytes = parameter("BYTEPIX", 4);
	const block = parameter("BLOCKSIZE", 32);
	if (method === "RICE_1" && (![1, 2, 4].includes(bytes) || !(block >= 1 && block <= 4096))) {
		throw refuse(`Rice compression with BYTEPIX = ${bytes} and BLOCKSIZE = ${block} is not read`);
	}
	const quantisation = (cards.text("ZQUANTIZ") ?? "NO_DITHER").toUpperCase();
	const dithering = { NO_DITHER: 0, NONE: 0, SUBTRACTIVE_DITHER_1: 1, SUBTRACTIVE_DITHER_2: 2 }[quantisation];
	if (dithering === undefined) throw refuse(`quantisation by ZQUANTIZ = ${quantisation} is not read`);
	return {
		method: method as Method,
		rice: { bytes: bytes as RiceParameters["bytes"], block },
		tile: header.naxis.map((length, i) =>
			cards.whole(`ZTILE${i + 1}`, 1, Number.MAX_SAFE_INTEGER, i === 0 ? length : 1),
		),
		dithering: dithering as Compression["dithering"],
		ditherStart: cards.whole("ZDITHER0", 1, RANDOM_VALUES, 1),
	};
}

/** Bytes of equal significance stand together in GZIP_2: puts them back beside each other. */
function unshuffle(bytes: Uint8Array, width: number): Uint8Array {
	const out = new Uint8Array(bytes.length);
	const count = bytes.length / width;
	for (let k = 0; k < width; k++) for (let i = 0; i < count; i++) out[i * width + k] = bytes[k * count + i];
	return out;
}

/**
 * Reads pixels [first, first + count) of a compressed image: RICE_1, GZIP_1, GZIP_2 and uncompressed tiles, integers
 * or floating point, quantised or not, with subtractive dithering. Only the tiles that are needed are unpacked.
 * @throws CausticError `unsupported-compression` for other methods, `bad-fits-table` for damaged tiles.
 */
export async function readCompressedPixels(
	file: FitsFile,
	hdu: CompressedHdu,
	first: number,
	count: number,
	precision: Precision,
	scaling: Scaling,
	into?: Pixels,
): Promise<Pixels> {
	const { header, table } = hdu;
	const { naxis, bitpix, source } = header;
	const plan = compression(hdu);
	const damaged = (message: string) =>
		badInput("bad-fits-table", message, { subject: source, remedy: "The file is damaged: copy it again" });
	const tiles = naxis.map((length, i) => Math.ceil(length / plan.tile[i]));
	const rows = table.header.naxis[1];
	if (tiles.reduce((product, n) => product * n, 1) !== rows) throw damaged(`${rows} tiles do not make up the image`);
	file.requireData(table);
	if (count > MOST_PIXELS_PER_BYTE * table.dataBytes)
		throw damaged(`${table.dataBytes} bytes cannot hold ${count} pixels`);
	const fields = binaryFields(table);
	const find = (name: string) => fields.find((field) => field.name.toUpperCase() === name);
	const names = ["COMPRESSED_DATA", "GZIP_COMPRESSED_DATA", "UNCOMPRESSED_DATA"];
	const [compressed, gzipped, plain] = await heapColumns(file, table, names.map(find));
	const perTile = async (name: string): Promise<Float64Array | undefined> => {
		const field = find(name);
		if (field !== undefined && isNumeric(field) && field.repeat === 1)
			return (await readNumbers(file, table, [field]))[0];
		const value = table.header.number(name);
		return value === undefined ? undefined : new Float64Array(rows).fill(value);
	};
	const scales = bitpix < 0 ? await perTile("ZSCALE") : undefined;
	const zeros = bitpix < 0 ? await perTile("ZZERO") : undefined;
	const blanks = await perTile("ZBLANK");
	const target = roomFor(count, precision, source, into);
	target.fill(Number.NaN);
	const heap = new Heap(file, table);
	const strides = naxis.map((_, i) => naxis.slice(0, i).reduce((product, length) => product * length, 1));
	const position = naxis.map(() => 0);
	for (let tile = 0; tile < rows; tile++) {
		const origin = position.map((n, i) => n * plan.tile[i]);
		const shape = naxis.map((length, i) => Math.min(plan.tile[i], length - origin[i]));
		const begin = origin.reduce((sum, n, i) => sum + n * strides[i], 0);
		const last = begin + shape.reduce((sum, n, i) => sum + (n - 1) * strides[i], 0);
		if (last >= first && begin < first + count) {
			const pixels = shape.reduce((product, n) => product * n, 1);
			const values = await unpack(tile, pixels);
			copyTile(values, shape, strides, begin, target, first);
		}
		for (let i = 0; i < position.length; i++) {
			position[i] += 1;
			if (position[i] < tiles[i]) break;
			position[i] = 0;
		}
	}
	return target;

	async function unpack(tile: number, pixels: number): Promise<Float64Array> {
		const cell = async (column: HeapColumn | undefined) =>
			column === undefined || !(column.count[tile] > 0) ? undefined : await heap.cell(column, tile);
		const roomy = (bytes: Uint8Array) => {
			if (pixels > MOST_PIXELS_PER_BYTE * bytes.length) throw damaged(`tile ${tile + 1} is too short`);
			return bytes;
		};
		const isQuantised = scales !== undefined && zeros !== undefined;
		const main = await cell(compressed);
		if (main !== undefined) {
			roomy(main);
			const stored = bitpix < 0 && isQuantised ? 32 : bitpix;
			if (plan.method === "RICE_1") {
				const integers = new Int32Array(pixels);
				if (!decodeRice(main, plan.rice, integers)) throw damaged(`tile ${tile + 1} is cut off`);
				return isQuantised ? dequantise(integers, tile) : scaleInts(integers, tile);
			}
			const bytes = plan.method === "NOCOMPRESS" ? main : gunzip(main, pixels, stored, plan.method === "GZIP_2", tile);
			return rawValues(bytes, pixels, stored, isQuantised, tile);
		}
		const fallback = await cell(gzipped);
		if (fallback !== undefined)
			return rawValues(gunzip(roomy(fallback), pixels, bitpix, false, tile), pixels, bitpix, false, tile);
		const verbatim = await cell(plain);
		if (verbatim !== undefined) return rawValues(verbatim, pixels, bitpix, false, tile);
		throw damaged(`tile ${tile + 1} is empty`);
	}

	function gunzip(bytes: Uint8Array, pixels: number, stored: number, isShuffled: boolean, tile: number): Uint8Array {
		const width = Math.abs(stored) / 8;
		try {
			const out = gunzipSync(bytes, { maxOutputLength: pixels * width });
			return isShuffled ? unshuffle(out, width) : out;
		} catch (error) {
			throw damaged(`tile ${tile + 1} cannot be unpacked (${(error as Error).message})`);
		}
	}

	/** Big-endian values as they are stored. */
	function rawValues(
		bytes: Uint8Array,
		pixels: number,
		stored: number,
		isQuantised: boolean,
		tile: number,
	): Float64Array {
		const width = Math.abs(stored) / 8;
		if (bytes.length !== pixels * width)
			throw damaged(`tile ${tile + 1} has ${bytes.length} bytes for ${pixels} pixels`);
		// A copy of its own: aligned, and free to be swapped.
		const native = Uint8Array.from(bytes);
		toNativeOrder(native, width);
		if (stored > 0 && isQuantised) return dequantise(new Int32Array(native.buffer), tile);
		const out = new Float64Array(pixels);
		if (stored > 0) scaleIntegers(native, stored, { ...scaling, blank: blanks?.[tile] ?? scaling.blank }, out, 0);
		else {
			out.set(stored === -32 ? new Float32Array(native.buffer) : new Float64Array(native.buffer));
			for (let i = 0; i < pixels; i++) out[i] = (scaling.bzero + scaling.bscale * out[i]) * scaling.factor;
		}
		return out;
	}

	function scaleInts(integers: Int32Array, tile: number): Float64Array {
		const blank = blanks?.[tile] ?? scaling.blank;
		return Float64Array.from(integers, (value) =>
			value === blank ? Number.NaN : (scaling.bzero + scaling.bscale * value) * scaling.factor,
		);
	}

	/** Quantised floating point: (integer - random + 0.5) x scale + zero with dithering, else integer x scale + zero. */
	function dequantise(integers: Int32Array, tile: number): Float64Array {
		const scale = (scales as Float64Array)[tile];
		const zero = (zeros as Float64Array)[tile];
		const blank = blanks?.[tile] ?? NULL_VALUE;
		const out = new Float64Array(integers.length);
		const random = plan.dithering === 0 ? undefined : (dither ??= ditherSequence());
		let seed = (tile + plan.ditherStart - 1) % RANDOM_VALUES;
		let next = random === undefined ? 0 : Math.floor(random[seed] * 500);
		for (let i = 0; i < integers.length; i++) {
			const value = integers[i];
			if (value === blank) out[i] = Number.NaN;
			else if (random === undefined) out[i] = value * scale + zero;
			else if (plan.dithering === 2 && value === ZERO_VALUE) out[i] = 0;
			else out[i] = (value - random[next] + 0.5) * scale + zero;
			out[i] = (scaling.bzero + scaling.bscale * out[i]) * scaling.factor;
			if (random === undefined) continue;
			next += 1;
			if (next === RANDOM_VALUES) {
				seed = (seed + 1) % RANDOM_VALUES;
				next = Math.floor(random[seed] * 500);
			}
		}
		return out;
	}
}

/** Puts a tile's pixels, row by row along the first axis, where they belong among pixels [first, ...). */
function copyTile(
	values: Float64Array,
	shape: readonly number[],
	strides: readonly number[],
	begin: number,
	target: Pixels,
	first: number,
): void {
	const run = shape[0];
	const index = shape.map(() => 0);
	for (let at = 0; at < values.length; at += run) {
		let place = begin - first;
		for (let i = 1; i < shape.length; i++) place += index[i] * strides[i];
		const from = Math.max(0, -place);
		const to = Math.min(run, target.length - place);
		if (from < to) target.set(values.subarray(at + from, at + to), place + from);
		for (let i = 1; i < shape.length; i++) {
			index[i] += 1;
			if (index[i] < shape[i]) break;
			index[i] = 0;
		}
	}
}
