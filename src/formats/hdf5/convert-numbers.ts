import { endianness } from "node:os";
import { badInput } from "../../error.ts";
import { unsupported } from "./cursor.ts";
import { type Datatype, describe } from "./datatype.ts";

const isLittleEndian = endianness() === "LE";

/**
 * Turns raw elements into doubles: element i begins at `i * stride + offset`.
 *
 * @throws CausticError `hdf5-type` if they are not numbers.
 */
export function convertNumbers(
	file: string,
	name: string,
	type: Datatype,
	bytes: Uint8Array,
	offset: number,
	stride: number,
	output: Float64Array | Float32Array,
	outputOffset = 0,
	outputStride = 1,
	count = output.length,
): void {
	const base = type.kind === "enum" ? type.base : type;
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	if (base.kind !== "integer" && base.kind !== "float") {
		throw badInput("hdf5-type", `${name} is ${describe(type)}, not numbers`, { subject: file });
	}
	const little = !base.bigEndian;
	if (little && stride === base.size && outputStride === 1 && (bytes.byteOffset + offset) % base.size === 0) {
		const plain = plainNumbers(base, bytes, offset, count);
		if (plain !== undefined) {
			output.set(plain, outputOffset);
			return;
		}
	}
	let get: (at: number) => number;
	if (base.kind === "float") {
		if (base.size === 8) get = (at) => view.getFloat64(at, little);
		else if (base.size === 4) get = (at) => view.getFloat32(at, little);
		else throw unsupported(file, `half precision in ${name}`);
	} else if (base.signed) {
		if (base.size === 1) get = (at) => view.getInt8(at);
		else if (base.size === 2) get = (at) => view.getInt16(at, little);
		else if (base.size === 4) get = (at) => view.getInt32(at, little);
		else if (base.size === 8) get = (at) => Number(view.getBigInt64(at, little));
		else throw unsupported(file, `an integer of ${base.size} bytes in ${name}`);
	} else if (base.size === 1) get = (at) => view.getUint8(at);
	else if (base.size === 2) get = (at) => view.getUint16(at, little);
	else if (base.size === 4) get = (at) => view.getUint32(at, little);
	else if (base.size === 8) get = (at) => Number(view.getBigUint64(at, little));
	else throw unsupported(file, `an integer of ${base.size} bytes in ${name}`);
	for (let i = 0; i < count; i++) output[outputOffset + i * outputStride] = get(i * stride + offset);
}

/** Numbers that stand in the file as they stand in memory, one behind the other. */
function plainNumbers(
	base: Extract<Datatype, { kind: "integer" | "float" }>,
	bytes: Uint8Array,
	offset: number,
	count: number,
): Float64Array | Float32Array | Int32Array | Int16Array | undefined {
	const at = bytes.byteOffset + offset;
	if (!isLittleEndian || offset + count * base.size > bytes.length) return undefined;
	if (base.kind === "float") {
		if (base.size === 8) return new Float64Array(bytes.buffer, at, count);
		return base.size === 4 ? new Float32Array(bytes.buffer, at, count) : undefined;
	}
	if (!base.signed) return undefined;
	if (base.size === 4) return new Int32Array(bytes.buffer, at, count);
	return base.size === 2 ? new Int16Array(bytes.buffer, at, count) : undefined;
}
