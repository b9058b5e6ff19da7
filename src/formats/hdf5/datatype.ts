import { type Cursor, damaged, unsupported } from "./cursor.ts";

/** What an element of a dataset is. Sizes in bytes. */
export type Datatype =
	| { kind: "integer"; size: number; signed: boolean; bigEndian: boolean }
	| { kind: "float"; size: number; bigEndian: boolean }
	| { kind: "string"; size: number; padding: "null-terminated" | "null-padded" | "space-padded"; utf8: boolean }
	| { kind: "variable-string"; size: number }
	| { kind: "enum"; size: number; base: Datatype; members: { name: string; value: number }[] }
	| { kind: "compound"; size: number; members: { name: string; offset: number; type: Datatype }[] }
	| { kind: "complex"; size: number; base: Datatype }
	| { kind: "array"; size: number; base: Datatype; shape: number[] }
	| { kind: "opaque"; size: number; what: string };

const CLASS_NAMES = ["", "", "time", "", "bit field", "opaque", "", "reference", "", "variable-length sequence"];
const DEEPEST = 16;

/**
 * Reads a datatype message (HDF5 File Format Specification IV.A.2.d).
 *
 * @throws CausticError `hdf5-damaged` or `hdf5-unsupported`.
 */
export function readDatatype(cursor: Cursor, depth = 0): Datatype {
	if (depth > DEEPEST) throw damaged(cursor.file, "a datatype is nested too deeply");
	const first = cursor.u8();
	const version = first >> 4;
	const bits = cursor.uint(3);
	const size = cursor.u32();
	if (size === 0) throw damaged(cursor.file, "a datatype has no size");
	if (version < 1 || version > 5) throw unsupported(cursor.file, `version ${version} of a datatype`);
	switch (first & 15) {
		case 0: {
			const bitOffset = cursor.u16();
			const precision = cursor.u16();
			if (size > 8 || bitOffset !== 0 || precision !== 8 * size) {
				throw unsupported(cursor.file, `an integer of ${precision} bits in ${size} bytes`);
			}
			return { kind: "integer", size, signed: (bits & 8) !== 0, bigEndian: (bits & 1) !== 0 };
		}
		case 1: {
			cursor.skip(8);
			const bias = cursor.u32();
			const order = (bits & 1) | ((bits >> 5) & 2);
			const ieee = (size === 4 && bias === 127) || (size === 8 && bias === 1023) || (size === 2 && bias === 15);
			if (!ieee || order > 1)
				throw unsupported(cursor.file, `a floating-point type of ${size} bytes that is not IEEE 754`);
			return { kind: "float", size, bigEndian: order === 1 };
		}
		case 3: {
			const padding = (["null-terminated", "null-padded", "space-padded"] as const)[bits & 15];
			if (padding === undefined) throw damaged(cursor.file, "a string type has an unknown padding");
			return { kind: "string", size, padding, utf8: ((bits >> 4) & 15) === 1 };
		}
		case 6:
			return readCompound(cursor, version, bits & 0xffff, size, depth);
		case 8: {
			const base = readDatatype(cursor, depth + 1);
			if (base.kind !== "integer" || base.size !== size)
				throw damaged(cursor.file, "an enumeration is not of integers");
			const count = bits & 0xffff;
			const names: string[] = [];
			for (let i = 0; i < count; i++) names.push(readName(cursor, version));
			return { kind: "enum", size, base, members: names.map((name) => ({ name, value: readInteger(cursor, base) })) };
		}
		case 9:
			if ((bits & 15) === 1) {
				readDatatype(cursor, depth + 1);
				return { kind: "variable-string", size };
			}
			return { kind: "opaque", size, what: "a variable-length sequence" };
		case 10: {
			const rank = cursor.u8();
			if (version < 3) cursor.skip(3);
			const shape = Array.from({ length: rank }, () => cursor.u32());
			if (version < 3) cursor.skip(4 * rank);
			const base = readDatatype(cursor, depth + 1);
			if (shape.reduce((a, b) => a * b, base.size) !== size)
				throw damaged(cursor.file, "an array type has the wrong size");
			return { kind: "array", size, base, shape };
		}
		case 11: {
			const base = readDatatype(cursor, depth + 1);
			if (base.size * 2 !== size) throw damaged(cursor.file, "a complex type is not two numbers");
			return { kind: "complex", size, base };
		}
		default:
			return { kind: "opaque", size, what: `the datatype ${CLASS_NAMES[first & 15] ?? `class ${first & 15}`}` };
	}
}

function readName(cursor: Cursor, version: number): string {
	const begin = cursor.position;
	const name = cursor.text();
	if (version < 3) cursor.skip((8 - ((cursor.position - begin) & 7)) & 7);
	return name;
}

function readInteger(cursor: Cursor, type: { size: number; signed: boolean; bigEndian: boolean }): number {
	const bytes = cursor.take(type.size);
	let value = 0;
	for (let i = 0; i < type.size; i++) value = value * 256 + bytes[type.bigEndian ? i : type.size - 1 - i];
	return type.signed && value >= 2 ** (8 * type.size - 1) ? value - 2 ** (8 * type.size) : value;
}

function readCompound(cursor: Cursor, version: number, count: number, size: number, depth: number): Datatype {
	const offsetSize = version < 3 ? 4 : size < 0x100 ? 1 : size < 0x10000 ? 2 : size < 0x1000000 ? 3 : 4;
	const members: { name: string; offset: number; type: Datatype }[] = [];
	for (let i = 0; i < count; i++) {
		const name = readName(cursor, version);
		const offset = cursor.uint(offsetSize);
		if (version === 1) {
			if (cursor.u8() !== 0) throw unsupported(cursor.file, "an array inside a compound of the oldest kind");
			cursor.skip(27);
		}
		const type = readDatatype(cursor, depth + 1);
		if (offset + type.size > size) throw damaged(cursor.file, `the member ${name} lies outside its compound type`);
		members.push({ name, offset, type });
	}
	return { kind: "compound", size, members };
}

/** The real and imaginary part of a complex element, whatever way the writer expressed it; undefined if it is not complex. */
export function complexParts(
	type: Datatype,
): { real: { offset: number; type: Datatype }; imaginary: { offset: number; type: Datatype } } | undefined {
	if (type.kind === "complex") {
		return {
			real: { offset: 0, type: type.base },
			imaginary: { offset: type.base.size, type: type.base },
		};
	}
	if (type.kind !== "compound" || type.members.length !== 2) return undefined;
	const real = type.members.find((member) => /^(r|re|real)$/i.test(member.name));
	const imaginary = type.members.find((member) => /^(i|im|imag|imaginary)$/i.test(member.name));
	return real === undefined || imaginary === undefined ? undefined : { real, imaginary };
}

/** A type in words, for messages: `little-endian float32`, `{r: ..., i: ...}`. */
export function describe(type: Datatype): string {
	switch (type.kind) {
		case "integer":
			return `${type.bigEndian ? "big" : "little"}-endian ${type.signed ? "" : "u"}int${8 * type.size}`;
		case "float":
			return `${type.bigEndian ? "big" : "little"}-endian float${8 * type.size}`;
		case "compound":
			return `{${type.members.map((member) => `${member.name}: ${describe(member.type)}`).join(", ")}}`;
		case "opaque":
			return type.what;
		default:
			return type.kind;
	}
}
