import { badInput } from "../../error.ts";

/** What a binary cell can be; null is "no value" and arrays are null too. */
export type BinaryCell = number | bigint | string | null;

interface BinaryField {
	name: string;
	datatype: string;
	length: number | undefined;
	isArray: boolean;
}

const BYTES: Record<string, number> = {
	boolean: 1,
	unsignedByte: 1,
	char: 1,
	short: 2,
	unicodeChar: 2,
	int: 4,
	float: 4,
	long: 8,
	double: 8,
	floatComplex: 8,
	doubleComplex: 16,
};

function scalar(view: DataView, at: number, datatype: string): BinaryCell {
	switch (datatype) {
		case "boolean": {
			const byte = view.getUint8(at);
			return byte === 84 || byte === 116 || byte === 49 ? 1 : byte === 70 || byte === 102 || byte === 48 ? 0 : null;
		}
		case "bit":
			// The bits after the first are filling; astropy sets one of those instead of the first.
			return view.getUint8(at) === 0 ? 0 : 1;
		case "unsignedByte":
			return view.getUint8(at);
		case "short":
			return view.getInt16(at);
		case "int":
			return view.getInt32(at);
		case "long":
			return view.getBigInt64(at);
		case "float":
			return view.getFloat32(at);
		default:
			return view.getFloat64(at);
	}
}

/**
 * Rows of the BINARY and BINARY2 serializations of VOTable 1.4 (sections 5.3, 5.4): big-endian cells one after
 * another, variable arrays behind their length, in BINARY2 a bit mask of missing cells before each row.
 * @returns the number of rows
 */
export function readBinaryRows(
	data: Buffer,
	fields: readonly BinaryField[],
	hasMask: boolean,
	path: string,
	set: (field: number, row: number, value: BinaryCell) => void,
): number {
	const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
	const maskBytes = hasMask ? Math.ceil(fields.length / 8) : 0;
	let at = 0;
	let row = 0;
	const require = (bytes: number) => {
		if (at + bytes <= data.length) return;
		throw badInput("bad-votable", `the binary data end inside row ${row + 1}`, {
			subject: path,
			remedy: "The file is cut off or damaged",
		});
	};
	while (at < data.length) {
		const mask = at;
		require(maskBytes);
		at += maskBytes;
		for (let f = 0; f < fields.length; f++) {
			const { datatype, length, isArray } = fields[f];
			const isNull = hasMask && (data[mask + (f >> 3)] & (0x80 >> (f & 7))) !== 0;
			let count = length ?? 1;
			if (length === undefined) {
				require(4);
				count = view.getUint32(at);
				at += 4;
			}
			const bytes = datatype === "bit" ? Math.ceil(count / 8) : count * BYTES[datatype];
			require(bytes);
			if (isNull) set(f, row, null);
			else if (datatype === "char") set(f, row, text(data.toString("utf8", at, at + bytes)));
			else if (datatype === "unicodeChar") {
				set(
					f,
					row,
					text(
						Buffer.from(data.subarray(at, at + bytes - (bytes % 2)))
							.swap16()
							.toString("utf16le"),
					),
				);
			} else set(f, row, isArray ? null : scalar(view, at, datatype));
			at += bytes;
		}
		if (at === mask) throw badInput("bad-votable", "its fields take no bytes", { subject: path });
		row += 1;
	}
	return row;
}

/** Fixed-length strings are filled with NUL or blanks. */
function text(value: string): string | null {
	const end = value.indexOf("\0");
	const kept = (end < 0 ? value : value.slice(0, end)).trimEnd();
	return kept === "" ? null : kept;
}
