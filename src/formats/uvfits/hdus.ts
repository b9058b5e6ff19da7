import { badInput, type CausticError } from "../../error.ts";
import { binaryFields } from "../fits/binary-table.ts";
import type { FitsHdu } from "../fits/file.ts";
import { BLOCK_BYTES, CARD_BYTES, FitsHeader, MAX_HEADER_BYTES } from "../fits/header.ts";
import type { RandomAccess } from "../random-access.ts";

const MOST_HDUS = 1000;

export const refuseUvfits = (file: string, what: string, remedy = "The file is damaged: copy it again"): CausticError =>
	badInput("uvfits", what, { subject: file, remedy });

/** All headers of a FITS file, with where their data lie; every data area is checked to lie within the file. */
export function readHdus(source: RandomAccess): FitsHdu[] {
	const hdus: FitsHdu[] = [];
	for (let start = 0; start + CARD_BYTES <= source.size && hdus.length < MOST_HDUS; ) {
		const name = hdus.length === 0 ? source.name : `${source.name} (extension ${hdus.length})`;
		let text = "";
		let end = -1;
		for (let at = start; end < 0; at += BLOCK_BYTES) {
			const length = Math.min(BLOCK_BYTES, source.size - at);
			if (length <= 0 || at - start > MAX_HEADER_BYTES) throw refuseUvfits(name, "its header has no END");
			const block = new Uint8Array(length);
			source.read(block, at);
			const piece = new TextDecoder("latin1").decode(block);
			if (at === start && !piece.startsWith(hdus.length === 0 ? "SIMPLE  =" : "XTENSION=")) {
				// What follows the last extension and is none is nobody's data.
				if (hdus.length > 0) return hdus;
				throw badInput("not-fits", "it is not a FITS file", { subject: source.name, remedy: "Give a UVFITS file" });
			}
			for (let card = 0; card + CARD_BYTES <= piece.length; card += CARD_BYTES) {
				if (piece.startsWith("END ", card)) {
					end = text.length + card;
					break;
				}
			}
			text += piece;
		}
		const header = FitsHeader.parse(text.slice(0, end), name);
		const dataStart = start + Math.ceil((end + CARD_BYTES) / BLOCK_BYTES) * BLOCK_BYTES;
		const dataBytes = header.dataBytes();
		if (dataStart + dataBytes > source.size) {
			throw refuseUvfits(
				name,
				`its header promises ${dataBytes} bytes of data, the file has ${Math.max(0, source.size - dataStart)}`,
			);
		}
		hdus.push({ index: hdus.length, header, dataStart, dataBytes });
		start = dataStart + Math.ceil(dataBytes / BLOCK_BYTES) * BLOCK_BYTES;
	}
	if (hdus.length === 0) {
		throw badInput("not-fits", "it is not a FITS file", { subject: source.name, remedy: "Give a UVFITS file" });
	}
	return hdus;
}

/** A small binary table (AN, FQ, SU), read whole. */
export class SmallTable {
	readonly header: FitsHeader;
	readonly nRows: number;
	private readonly bytes: Uint8Array;
	private readonly fields: ReturnType<typeof binaryFields>;

	constructor(source: RandomAccess, hdu: FitsHdu) {
		this.header = hdu.header;
		this.fields = binaryFields(hdu);
		this.nRows = hdu.header.naxis[1];
		this.bytes = new Uint8Array(hdu.header.naxis[0] * this.nRows);
		source.read(this.bytes, hdu.dataStart);
	}

	private field(name: string) {
		return this.fields.find((field) => field.name.trim().toUpperCase() === name);
	}

	has(name: string): boolean {
		const field = this.field(name);
		return field !== undefined && field.repeat > 0;
	}

	/** All values of a numeric column, `repeat` per row. */
	numbers(name: string): { values: Float64Array; repeat: number } {
		const field = this.field(name);
		if (field === undefined) throw refuseUvfits(this.header.source, `it has no column ${name}`);
		const { code, repeat, offset, scale, zero } = field;
		const width = { I: 2, J: 4, K: 8, E: 4, D: 8, B: 1 }[code];
		if (width === undefined) throw refuseUvfits(this.header.source, `column ${name} is not of numbers`);
		const view = new DataView(this.bytes.buffer);
		const rowBytes = this.header.naxis[0];
		const get = (at: number): number => {
			switch (code) {
				case "I":
					return view.getInt16(at);
				case "J":
					return view.getInt32(at);
				case "K":
					return Number(view.getBigInt64(at));
				case "E":
					return view.getFloat32(at);
				case "D":
					return view.getFloat64(at);
				default:
					return view.getUint8(at);
			}
		};
		const values = new Float64Array(this.nRows * repeat);
		for (let r = 0; r < this.nRows; r++) {
			for (let k = 0; k < repeat; k++) values[r * repeat + k] = zero + scale * get(r * rowBytes + offset + k * width);
		}
		return { values, repeat };
	}

	strings(name: string): string[] {
		const field = this.field(name);
		if (field === undefined || field.code !== "A")
			throw refuseUvfits(this.header.source, `it has no column of text ${name}`);
		const rowBytes = this.header.naxis[0];
		const decoder = new TextDecoder("latin1");
		return Array.from({ length: this.nRows }, (_, r) => {
			const at = r * rowBytes + field.offset;
			const text = decoder.decode(this.bytes.subarray(at, at + field.bytes));
			const end = text.indexOf("\0");
			return (end < 0 ? text : text.slice(0, end)).trim();
		});
	}
}
