/** Growing little-endian bytes. */
export class Bytes {
	private buffer = new Uint8Array(256);
	length = 0;

	private room(count: number): number {
		const at = this.length;
		if (at + count > this.buffer.length) {
			const larger = new Uint8Array(Math.max(2 * this.buffer.length, at + count));
			larger.set(this.buffer.subarray(0, at));
			this.buffer = larger;
		}
		this.length = at + count;
		return at;
	}

	uint(value: number, size: number): this {
		let at = this.room(size);
		for (let i = 0, rest = value; i < size; i++, rest = Math.floor(rest / 256)) this.buffer[at++] = rest % 256;
		return this;
	}

	u8(...values: number[]): this {
		for (const value of values) this.uint(value, 1);
		return this;
	}

	u16(value: number): this {
		return this.uint(value, 2);
	}

	u32(value: number): this {
		return this.uint(value, 4);
	}

	/** An address or length of eight bytes; undefined is all bits set. */
	u64(value: number | undefined): this {
		if (value === undefined) return this.raw(new Uint8Array(8).fill(0xff));
		return this.uint(value, 8);
	}

	raw(bytes: Uint8Array): this {
		const at = this.room(bytes.length);
		this.buffer.set(bytes, at);
		return this;
	}

	text(value: string): this {
		return this.raw(new TextEncoder().encode(value));
	}

	/** Zeros up to a multiple of `unit`, counted from `from`. */
	pad(unit: number, from = 0): this {
		const over = (this.length - from) % unit;
		if (over > 0) this.room(unit - over);
		return this;
	}

	zeros(count: number): this {
		this.room(count);
		return this;
	}

	done(): Uint8Array {
		return this.buffer.slice(0, this.length);
	}
}

/** Number types that this writer writes; all little-endian. */
export type WrittenType =
	| "float32"
	| "float64"
	| "int32"
	| "int64"
	/** {r, i} of float32, as numpy's complex64. */
	| "complex64"
	/** The enumeration {FALSE, TRUE} of one byte, as h5py's booleans. */
	| "boolean"
	/** ASCII of so many bytes, null padded. */
	| { text: number };

export const sizeOf = (type: WrittenType): number =>
	typeof type === "object" ? type.text : { float32: 4, float64: 8, int32: 4, int64: 8, complex64: 8, boolean: 1 }[type];

/** A datatype message (HDF5 File Format Specification IV.A.2.d), version 1. */
export function encodeDatatype(type: WrittenType): Uint8Array {
	const out = new Bytes();
	const head = (kind: number, bits: number, size: number) =>
		out
			.u8(0x10 | kind)
			.uint(bits, 3)
			.u32(size);
	if (typeof type === "object") return head(3, 1, type.text).done();
	switch (type) {
		case "float32":
			return head(1, 0x1f20, 4).u16(0).u16(32).u8(23, 8, 0, 23).u32(127).done();
		case "float64":
			return head(1, 0x3f20, 8).u16(0).u16(64).u8(52, 11, 0, 52).u32(1023).done();
		case "int32":
			return head(0, 8, 4).u16(0).u16(32).done();
		case "int64":
			return head(0, 8, 8).u16(0).u16(64).done();
		case "complex64":
			head(6, 2, 8);
			for (const [name, offset] of [
				["r", 0],
				["i", 4],
			] as const) {
				// Name padded to eight bytes, offset, no dimensions.
				out.text(name).zeros(7).u32(offset).zeros(28).raw(encodeDatatype("float32"));
			}
			return out.done();
		case "boolean":
			head(8, 2, 1).raw(new Bytes().u8(0x10).uint(8, 3).u32(1).u16(0).u16(8).done());
			return out.text("FALSE").zeros(3).text("TRUE").zeros(4).u8(0, 1).done();
	}
}
