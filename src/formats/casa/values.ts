import { endianness } from "node:os";
import { badInput, type CausticError } from "../../error.ts";

/** Element types of casacore tables, in the order of casacore's `DataType` codes 0 to 12, then those that have others. */
export type CasaType =
	| "Bool"
	| "Char"
	| "uChar"
	| "Short"
	| "uShort"
	| "Int"
	| "uInt"
	| "float"
	| "double"
	| "Complex"
	| "DComplex"
	| "String"
	| "Table"
	| "Record"
	| "Int64";

export const CASA_TYPES: readonly CasaType[] = [
	"Bool",
	"Char",
	"uChar",
	"Short",
	"uShort",
	"Int",
	"uInt",
	"float",
	"double",
	"Complex",
	"DComplex",
	"String",
	"Table",
];
export const CODE_RECORD = 25;
export const CODE_INT64 = 29;
export const CODE_ARRAY_INT64 = 30;

/**
 * Values of one type: Bool as bytes 0 and 1, Complex and DComplex as interleaved (real, imaginary), Int64 as bigint.
 */
export type CasaData =
	| Uint8Array
	| Int8Array
	| Int16Array
	| Uint16Array
	| Int32Array
	| Uint32Array
	| Float32Array
	| Float64Array
	| BigInt64Array
	| string[];

/** An array as casacore has it: fastest axis first. */
export interface CasaArray {
	shape: number[];
	data: CasaData;
}

/** Bytes of one element in a file; Bool and String have layouts of their own. */
export const SIZE: Record<CasaType, number> = {
	Bool: 0,
	Char: 1,
	uChar: 1,
	Short: 2,
	uShort: 2,
	Int: 4,
	uInt: 4,
	float: 4,
	double: 8,
	Complex: 8,
	DComplex: 16,
	String: 0,
	Table: 0,
	Record: 0,
	Int64: 8,
};

/** Numbers per element: two for complex. */
export const NUMBERS: Record<string, number> = { Complex: 2, DComplex: 2 };
export const numbersOf = (type: CasaType): number => NUMBERS[type] ?? 1;

export const damagedTable = (table: string, what: string): CausticError =>
	badInput("table-damaged", what, { subject: table, remedy: "Copy the table again from its source" });

export const unsupportedTable = (table: string, what: string): CausticError =>
	badInput("table-unsupported", `not supported: ${what}`, {
		subject: table,
		remedy: "Copy the table with casacore (taql, or table.copy with valuecopy) into standard storage managers",
	});

const isLittleEndian = endianness() === "LE";

type Numeric = Exclude<CasaData, string[]>;

/** Beyond what typed arrays of any width take. */
const MOST_ELEMENTS = 2 ** 31;

/** A typed array of `count` elements of a numeric type (Bool: bytes). */
export function allocate(type: CasaType, count: number): Numeric {
	if (!(count <= MOST_ELEMENTS)) {
		throw badInput("table-damaged", `${count} values of ${type} are more than can be held at once`, {
			remedy: "The table is damaged: copy it again from its source",
		});
	}
	switch (type) {
		case "Bool":
		case "uChar":
			return new Uint8Array(count);
		case "Char":
			return new Int8Array(count);
		case "Short":
			return new Int16Array(count);
		case "uShort":
			return new Uint16Array(count);
		case "Int":
			return new Int32Array(count);
		case "uInt":
			return new Uint32Array(count);
		case "float":
			return new Float32Array(count);
		case "Complex":
			return new Float32Array(2 * count);
		case "double":
			return new Float64Array(count);
		case "DComplex":
			return new Float64Array(2 * count);
		case "Int64":
			return new BigInt64Array(count);
		default:
			throw new TypeError(`no numeric array of ${type}`);
	}
}

/** Reverses the bytes of each number in place if the file's order is not the machine's. */
export function orderBytes(data: Numeric, bigEndian: boolean): void {
	const width = data.BYTES_PER_ELEMENT;
	if (width === 1 || bigEndian !== isLittleEndian) return;
	const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
	if (width === 2) bytes.swap16();
	else if (width === 4) bytes.swap32();
	else bytes.swap64();
}

/** Copies `count` numbers of a type from bytes as they are in a file. */
export function decode(type: CasaType, bytes: Uint8Array, at: number, count: number, bigEndian: boolean): Numeric {
	const data = allocate(type, count);
	new Uint8Array(data.buffer).set(bytes.subarray(at, at + data.byteLength));
	orderBytes(data, bigEndian);
	return data;
}

/** Bits to bytes 0 and 1: bit `first + i`, the lowest of a byte first. */
export function unpackBits(bytes: Uint8Array, first: number, count: number, target: Uint8Array, at = 0): void {
	let i = 0;
	for (; i < count && ((first + i) & 7) !== 0; i++) target[at + i] = (bytes[(first + i) >> 3] >> ((first + i) & 7)) & 1;
	// Eight at a time: flags are many, and mostly all clear.
	for (; i + 8 <= count; i += 8) {
		const byte = bytes[(first + i) >> 3];
		const to = at + i;
		if (byte === 0) {
			target[to] = target[to + 1] = target[to + 2] = target[to + 3] = 0;
			target[to + 4] = target[to + 5] = target[to + 6] = target[to + 7] = 0;
			continue;
		}
		target[to] = byte & 1;
		target[to + 1] = (byte >> 1) & 1;
		target[to + 2] = (byte >> 2) & 1;
		target[to + 3] = (byte >> 3) & 1;
		target[to + 4] = (byte >> 4) & 1;
		target[to + 5] = (byte >> 5) & 1;
		target[to + 6] = (byte >> 6) & 1;
		target[to + 7] = (byte >> 7) & 1;
	}
	for (; i < count; i++) target[at + i] = (bytes[(first + i) >> 3] >> ((first + i) & 7)) & 1;
}

/** Bytes to bits, the lowest of a byte first; sets and clears. */
export function packBits(
	source: ArrayLike<number>,
	target: Uint8Array,
	first: number,
	count = source.length,
	at = 0,
): void {
	const one = (i: number) => {
		const bit = first + i;
		if (source[at + i]) target[bit >> 3] |= 1 << (bit & 7);
		else target[bit >> 3] &= ~(1 << (bit & 7));
	};
	let i = 0;
	for (; i < count && ((first + i) & 7) !== 0; i++) one(i);
	for (; i + 8 <= count; i += 8) {
		const from = at + i;
		target[(first + i) >> 3] =
			(source[from] ? 1 : 0) |
			(source[from + 1] ? 2 : 0) |
			(source[from + 2] ? 4 : 0) |
			(source[from + 3] ? 8 : 0) |
			(source[from + 4] ? 16 : 0) |
			(source[from + 5] ? 32 : 0) |
			(source[from + 6] ? 64 : 0) |
			(source[from + 7] ? 128 : 0);
	}
	for (; i < count; i++) one(i);
}

export const productOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** The element type of a storage manager's type code. */
export function typeOf(table: string, code: number): CasaType {
	if (code === CODE_INT64 || code === CODE_ARRAY_INT64) return "Int64";
	const type = CASA_TYPES[code >= 13 ? code - 13 : code];
	if (type === undefined) throw unsupportedTable(table, `data type number ${code}`);
	return type;
}
