import { rawBytes } from "../raw-bytes.ts";
import type { AipsReader, AipsWriter } from "./aips-io.ts";
import {
	CASA_TYPES,
	type CasaArray,
	type CasaType,
	CODE_ARRAY_INT64,
	CODE_INT64,
	CODE_RECORD,
	damagedTable,
	orderBytes,
	packBits,
	unsupportedTable,
} from "./values.ts";

export type CasaValue = boolean | number | bigint | string | [number, number] | CasaArray | CasaRecord;

/** One keyword. A value of type Table is the path of the subtable relative to the table (`././ANTENNA`). */
export interface CasaField {
	type: CasaType;
	isArray: boolean;
	value: CasaValue;
	comment: string;
	/** The shape in the description of an array: [-1] if any. */
	described?: number[];
}

/** Keywords by name, in order. */
export type CasaRecord = Map<string, CasaField>;

const DEEPEST = 32;

export function typeOfCode(table: string, code: number): { type: CasaType; isArray: boolean } {
	if (code === CODE_RECORD) return { type: "Record", isArray: false };
	if (code === CODE_INT64 || code === CODE_ARRAY_INT64) return { type: "Int64", isArray: code === CODE_ARRAY_INT64 };
	if (code >= 0 && code <= 12) return { type: CASA_TYPES[code], isArray: false };
	if (code >= 13 && code <= 24) return { type: CASA_TYPES[code - 13], isArray: true };
	throw unsupportedTable(table, `data type number ${code}`);
}

export function codeOfType(type: CasaType, isArray: boolean): number {
	if (type === "Record") return CODE_RECORD;
	if (type === "Int64") return isArray ? CODE_ARRAY_INT64 : CODE_INT64;
	return CASA_TYPES.indexOf(type) + (isArray ? 13 : 0);
}

interface Described {
	name: string;
	type: CasaType;
	isArray: boolean;
	comment: string;
	shape?: number[];
	fields?: Described[];
}

function readDescription(reader: AipsReader, depth: number): Described[] {
	if (depth > DEEPEST) throw damagedTable(reader.table, "records are nested too deeply");
	const { version } = reader.begin("RecordDesc");
	const count = reader.i32();
	if (count < 0 || count * 8 > reader.left) throw damagedTable(reader.table, "a record has an absurd number of fields");
	const fields: Described[] = [];
	for (let i = 0; i < count; i++) {
		const name = reader.string();
		const { type, isArray } = typeOfCode(reader.table, reader.i32());
		const field: Described = { name, type, isArray, comment: "" };
		if (type === "Record") field.fields = readDescription(reader, depth + 1);
		else if (isArray) field.shape = reader.ipos();
		else if (type === "Table") reader.string();
		if (version >= 2) field.comment = reader.string();
		fields.push(field);
	}
	return fields;
}

function readFields(reader: AipsReader, described: Described[], depth: number): CasaRecord {
	const record: CasaRecord = new Map();
	for (const { name, type, isArray, comment, shape, fields } of described) {
		let value: CasaValue;
		if (fields !== undefined) {
			// A described but empty subrecord has a structure of its own.
			value = fields.length === 0 ? readRecord(reader, undefined, depth + 1) : readFields(reader, fields, depth + 1);
		} else value = isArray ? reader.array(type) : reader.scalar(type);
		record.set(name, { type, isArray, value, comment, ...(shape === undefined ? {} : { described: shape }) });
	}
	return record;
}

/** Reads a `TableRecord` or `Record`: description, then values. */
export function readRecord(reader: AipsReader, type?: "TableRecord" | "Record", depth = 0): CasaRecord {
	if (depth > DEEPEST) throw damagedTable(reader.table, "records are nested too deeply");
	reader.begin(type);
	const described = readDescription(reader, depth);
	reader.i32();
	return readFields(reader, described, depth);
}

function writeDescription(writer: AipsWriter, record: CasaRecord): void {
	writer.begin("RecordDesc", 2).i32(record.size);
	for (const [name, field] of record) {
		writer.string(name).i32(codeOfType(field.type, field.isArray));
		// An empty description says that the record brings its own, as casacore writes all of them.
		if (field.type === "Record") writeDescription(writer, new Map());
		else if (field.isArray) writer.ipos(field.described ?? [-1]);
		else if (field.type === "Table") writer.string("");
		writer.string(field.comment);
	}
	writer.end();
}

export function writeArray(writer: AipsWriter, type: CasaType, { shape, data }: CasaArray): void {
	const count = shape.reduce((a, b) => a * b, 1);
	writer.begin(type === "Bool" ? "Array<void>" : `Array<${type}>`, 3);
	writer.u32(shape.length, ...shape, shape.length === 0 ? 0 : count);
	if (shape.length > 0) writeValues(writer, type, data);
	writer.end();
}

/** Values one behind the other, big-endian. */
export function writeValues(writer: AipsWriter, type: CasaType, data: CasaArray["data"]): void {
	if (Array.isArray(data)) {
		for (const text of data) writer.string(text);
	} else if (type === "Bool") {
		const bits = new Uint8Array(Math.ceil(data.length / 8));
		packBits(data as Uint8Array, bits, 0);
		writer.raw(bits);
	} else {
		const copy = data.slice();
		orderBytes(copy, true);
		writer.raw(rawBytes(copy));
	}
}

function writeFields(writer: AipsWriter, record: CasaRecord): void {
	for (const { type, isArray, value } of record.values()) {
		if (type === "Record") writeRecord(writer, value as CasaRecord);
		else if (isArray) writeArray(writer, type, value as CasaArray);
		else if (type === "String" || type === "Table") writer.string(value as string);
		else writeScalar(writer, type, value as boolean | number | bigint | [number, number]);
	}
}

export function writeScalar(
	writer: AipsWriter,
	type: CasaType,
	value: boolean | number | bigint | [number, number],
): void {
	switch (type) {
		case "Bool":
			writer.bool(Boolean(value));
			break;
		case "Char":
			writeValues(writer, type, Int8Array.of(Number(value)));
			break;
		case "uChar":
			writeValues(writer, type, Uint8Array.of(Number(value)));
			break;
		case "Short":
			writeValues(writer, type, Int16Array.of(Number(value)));
			break;
		case "uShort":
			writeValues(writer, type, Uint16Array.of(Number(value)));
			break;
		case "Int":
			writer.i32(Number(value));
			break;
		case "uInt":
			writer.u32(Number(value));
			break;
		case "float":
			writeValues(writer, type, Float32Array.of(Number(value)));
			break;
		case "double":
			writeValues(writer, type, Float64Array.of(Number(value)));
			break;
		case "Complex":
			writeValues(writer, type, Float32Array.from(value as [number, number]));
			break;
		case "DComplex":
			writeValues(writer, type, Float64Array.from(value as [number, number]));
			break;
		case "Int64":
			writeValues(writer, type, BigInt64Array.of(BigInt(value as bigint)));
			break;
		default:
			throw new TypeError(`${type} is not a scalar`);
	}
}

export function writeRecord(
	writer: AipsWriter,
	record: CasaRecord,
	name: "TableRecord" | "Record" = "TableRecord",
): void {
	writer.begin(name, 1);
	writeDescription(writer, record);
	writer.i32(1);
	writeFields(writer, record);
	writer.end();
}
