import { type CasaArray, type CasaType, damagedTable, decode, numbersOf, SIZE, unpackBits } from "./values.ts";

const MAGIC = 0xbebebebe;
const TEXT = new TextDecoder();

/**
 * Reads AipsIO, casacore's persistent objects: an object is its length, its type's name, a version and its fields, all
 * big-endian unless said otherwise; nested objects likewise, and the outermost preceded by a magic number.
 */
export class AipsReader {
	readonly table: string;
	readonly bytes: Uint8Array;
	position: number;
	private readonly view: DataView;
	private readonly little: boolean;

	constructor(table: string, bytes: Uint8Array, position = 0, little = false) {
		this.table = table;
		this.bytes = bytes;
		this.position = position;
		this.little = little;
		this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	}

	get left(): number {
		return this.bytes.length - this.position;
	}

	private advance(count: number): number {
		const at = this.position;
		if (!(count >= 0) || count > this.left) throw damagedTable(this.table, "a description ends before its last field");
		this.position = at + count;
		return at;
	}

	skip(count: number): void {
		this.advance(count);
	}

	take(count: number): Uint8Array {
		const at = this.advance(count);
		return this.bytes.subarray(at, at + count);
	}

	bool(): boolean {
		return this.bytes[this.advance(1)] !== 0;
	}

	u32(): number {
		return this.view.getUint32(this.advance(4), this.little);
	}

	i32(): number {
		return this.view.getInt32(this.advance(4), this.little);
	}

	/** A 64-bit count or offset. */
	u64(): number {
		const value = Number(this.view.getBigUint64(this.advance(8), this.little));
		if (value > Number.MAX_SAFE_INTEGER) throw damagedTable(this.table, "a count is absurdly large");
		return value;
	}

	f32(): number {
		return this.view.getFloat32(this.advance(4), this.little);
	}

	f64(): number {
		return this.view.getFloat64(this.advance(8), this.little);
	}

	string(): string {
		return TEXT.decode(this.take(this.u32()));
	}

	/** The outermost object: the magic number first. */
	root(type?: string): { type: string; version: number; end: number } {
		if (this.u32() !== MAGIC) throw damagedTable(this.table, "a persistent object has no magic number");
		return this.begin(type);
	}

	/** Enters a nested object; refuses one of another type. `end` is where it ends. */
	begin(type?: string): { type: string; version: number; end: number } {
		const start = this.position;
		const length = this.u32();
		const found = this.string();
		const version = this.u32();
		if (type !== undefined && found !== type) {
			throw damagedTable(
				this.table,
				`an object ${type} is expected where ${JSON.stringify(found.slice(0, 40))} stands`,
			);
		}
		return { type: found, version, end: start + length };
	}

	/** casacore's IPosition: a shape or position. */
	ipos(): number[] {
		const { version } = this.begin("IPosition");
		const count = this.u32();
		if (count > 64) throw damagedTable(this.table, `a shape has ${count} axes`);
		return Array.from({ length: count }, () => (version >= 2 ? this.i64() : this.i32()));
	}

	private i64(): number {
		const value = Number(this.view.getBigInt64(this.advance(8), this.little));
		if (!Number.isSafeInteger(value)) throw damagedTable(this.table, "a count is absurdly large");
		return value;
	}

	/** casacore's Block of unsigned integers, 32 or 64 bits. */
	block(): number[] {
		const { version } = this.begin("Block");
		const count = this.u32();
		const width = version >= 2 ? 8 : 4;
		if (count * width > this.left) throw damagedTable(this.table, "a block is longer than its file");
		return Array.from({ length: count }, () => (width === 8 ? this.u64() : this.u32()));
	}

	/** An array object; its element type is known from elsewhere. */
	array(type: CasaType): CasaArray {
		const { type: name, version } = this.begin();
		if (!name.startsWith("Array")) throw damagedTable(this.table, "an array is expected");
		const ndim = this.u32();
		if (ndim > 64) throw damagedTable(this.table, `an array has ${ndim} axes`);
		if (version < 3) this.skip(4 * ndim);
		const shape = Array.from({ length: ndim }, () => this.u32());
		const count = this.u32();
		if (shape.reduce((a, b) => a * b, 1) !== count && !(ndim === 0 && count === 0)) {
			throw damagedTable(this.table, "an array's length does not follow from its shape");
		}
		return { shape, data: this.values(type, count) };
	}

	/** `count` values of a type, one behind the other. */
	values(type: CasaType, count: number): CasaArray["data"] {
		if (type === "String") {
			if (4 * count > this.left) throw damagedTable(this.table, "an array is longer than its file");
			return Array.from({ length: count }, () => this.string());
		}
		if (type === "Bool") {
			const bits = this.take(Math.ceil(count / 8));
			const data = new Uint8Array(count);
			unpackBits(bits, 0, count, data);
			return data;
		}
		if (SIZE[type] === 0) throw damagedTable(this.table, `an array cannot hold ${type}`);
		const at = this.advance(count * SIZE[type]);
		return decode(type, this.bytes, at, count, !this.little);
	}

	/** A scalar of a type; complex as an array of two numbers. */
	scalar(type: CasaType): boolean | number | bigint | string | [number, number] {
		if (type === "Bool") return this.bool();
		if (type === "String" || type === "Table") return this.string();
		const data = this.values(type, 1) as Exclude<CasaArray["data"], string[]>;
		return numbersOf(type) === 2 ? [Number(data[0]), Number(data[1])] : data[0];
	}
}

/** Writes AipsIO, big-endian unless said otherwise. */
export class AipsWriter {
	private readonly little: boolean;
	private bytes = new Uint8Array(1024);
	private view = new DataView(this.bytes.buffer);
	private readonly open: number[] = [];
	length = 0;

	constructor(little = false) {
		this.little = little;
	}

	private room(count: number): number {
		const at = this.length;
		if (at + count > this.bytes.length) {
			const larger = new Uint8Array(Math.max(2 * this.bytes.length, at + count));
			larger.set(this.bytes.subarray(0, at));
			this.bytes = larger;
			this.view = new DataView(larger.buffer);
		}
		this.length = at + count;
		return at;
	}

	bool(value: boolean): this {
		const at = this.room(1);
		this.bytes[at] = value ? 1 : 0;
		return this;
	}

	u32(...values: number[]): this {
		for (const value of values) {
			const at = this.room(4);
			this.view.setUint32(at, value, this.little);
		}
		return this;
	}

	i32(...values: number[]): this {
		for (const value of values) {
			const at = this.room(4);
			this.view.setInt32(at, value, this.little);
		}
		return this;
	}

	u64(value: number): this {
		const at = this.room(8);
		this.view.setBigUint64(at, BigInt(value), this.little);
		return this;
	}

	raw(bytes: Uint8Array): this {
		const at = this.room(bytes.length);
		this.bytes.set(bytes, at);
		return this;
	}

	string(value: string): this {
		const encoded = new TextEncoder().encode(value);
		return this.u32(encoded.length).raw(encoded);
	}

	root(type: string, version: number): this {
		return this.u32(MAGIC).begin(type, version);
	}

	begin(type: string, version: number): this {
		this.open.push(this.length);
		return this.u32(0).string(type).u32(version);
	}

	end(): this {
		const start = this.open.pop();
		if (start === undefined) throw new RangeError("no object is open");
		this.view.setUint32(start, this.length - start, this.little);
		return this;
	}

	ipos(shape: readonly number[]): this {
		return this.begin("IPosition", 1)
			.u32(shape.length)
			.i32(...shape)
			.end();
	}

	block(values: readonly number[]): this {
		return this.begin("Block", 1)
			.u32(values.length)
			.u32(...values)
			.end();
	}

	done(): Uint8Array {
		return this.bytes.slice(0, this.length);
	}
}
