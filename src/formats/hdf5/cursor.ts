import { badInput, type CausticError } from "../../error.ts";
import type { RandomAccess } from "../random-access.ts";

/** Says which file is damaged, and how. */
export const damaged = (file: string, what: string): CausticError =>
	badInput("hdf5-damaged", what, { subject: file, remedy: "Copy the file again from its source or rewrite it" });

/** Says which file uses what this reader does not read. */
export const unsupported = (file: string, what: string): CausticError =>
	badInput("hdf5-unsupported", `${what} is not supported`, {
		subject: file,
		remedy: "Rewrite it, for instance with h5repack, without that feature",
	});

/** Sizes of addresses and lengths that the superblock declares, and where address 0 is. */
export interface FileContext {
	source: RandomAccess;
	offsetSize: number;
	lengthSize: number;
	baseAddress: number;
}

// Making one takes longer than most names.
const utf8 = new TextDecoder();

/** An address that is not defined: nothing is stored there. */
export const UNDEFINED_ADDRESS = -1;

/** Reads little-endian fields one after the other and never beyond the bytes it was given. */
export class Cursor {
	readonly bytes: Uint8Array;
	readonly context: FileContext;
	position = 0;
	private readonly view: DataView;

	constructor(context: FileContext, bytes: Uint8Array) {
		this.context = context;
		this.bytes = bytes;
		this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	}

	/** The bytes [address, address + length) of the file; `length` is bounded by the file itself. */
	static at(context: FileContext, address: number, length: number): Cursor {
		const { source } = context;
		const position = context.baseAddress + address;
		if (address < 0 || !(length >= 0) || position + length > source.size) {
			throw damaged(source.name, `a structure of ${length} bytes at byte ${position} lies outside the file`);
		}
		const bytes = new Uint8Array(length);
		source.read(bytes, position);
		return new Cursor(context, bytes);
	}

	get file(): string {
		return this.context.source.name;
	}

	get left(): number {
		return this.bytes.length - this.position;
	}

	private advance(count: number): number {
		const at = this.position;
		if (!(count >= 0) || count > this.left) throw damaged(this.file, "a structure ends before its last field");
		this.position = at + count;
		return at;
	}

	skip(count: number): void {
		this.advance(count);
	}

	u8(): number {
		return this.bytes[this.advance(1)];
	}

	u16(): number {
		return this.view.getUint16(this.advance(2), true);
	}

	u32(): number {
		return this.view.getUint32(this.advance(4), true);
	}

	/** An unsigned integer of 8 bytes; beyond 2^53 it is damage, not a number. */
	u64(): number {
		const at = this.advance(8);
		const value = this.view.getUint32(at, true) + this.view.getUint32(at + 4, true) * 2 ** 32;
		if (value > Number.MAX_SAFE_INTEGER) throw damaged(this.file, "a length or address is absurdly large");
		return value;
	}

	/** An unsigned integer of 1 to 8 bytes; beyond 2^53 it is damage, not a number. */
	uint(size: number): number {
		const at = this.advance(size);
		let value = 0;
		for (let i = size - 1; i >= 0; i--) value = value * 256 + this.bytes[at + i];
		if (value > Number.MAX_SAFE_INTEGER) throw damaged(this.file, "a length or address is absurdly large");
		return value;
	}

	/** An address, {@link UNDEFINED_ADDRESS} if all its bits are set. */
	address(): number {
		const size = this.context.offsetSize;
		const at = this.position;
		if (size > this.left) throw damaged(this.file, "a structure ends before its last field");
		if (size === 8 && this.bytes[at + 7] !== 0xff) return this.u64();
		for (let i = 0; i < size; i++) if (this.bytes[at + i] !== 0xff) return this.uint(size);
		this.position = at + size;
		return UNDEFINED_ADDRESS;
	}

	length(): number {
		return this.uint(this.context.lengthSize);
	}

	/** The next `count` bytes, not copied. */
	take(count: number): Uint8Array {
		const at = this.advance(count);
		return this.bytes.subarray(at, at + count);
	}

	ascii(count: number): string {
		return String.fromCharCode(...this.take(count));
	}

	/** Text up to a null byte, which is consumed. */
	text(): string {
		const end = this.bytes.indexOf(0, this.position);
		if (end < 0) throw damaged(this.file, "a name has no end");
		const name = utf8.decode(this.bytes.subarray(this.position, end));
		this.position = end + 1;
		return name;
	}

	/** Throws unless the next four bytes are `signature`. */
	expect(signature: string, what: string): void {
		if (this.ascii(signature.length) !== signature)
			throw damaged(this.file, `the ${what} has no signature ${signature}`);
	}
}
