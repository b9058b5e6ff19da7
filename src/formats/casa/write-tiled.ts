import { rawBytes } from "../raw-bytes.ts";
import { AipsWriter } from "./aips-io.ts";
import type { OutputFile } from "./output-file.ts";
import { writeRecord } from "./record.ts";
import { CASA_TYPES, type CasaData, type CasaType, packBits, productOf, SIZE } from "./values.ts";

/** A tile holds whole cells of about this many bytes. */
const TILE_BYTES = 1 << 20;

interface CubeFile {
	shape: readonly number[];
	tileRows: number;
	rows: number;
	file: OutputFile;
	/** Bits of a byte not yet complete, of a Bool column. */
	pending: number[];
}

/**
 * Writes one array column as a TiledColumnStMan (all cells of one shape) or TiledShapeStMan, little-endian, row by row. A
 * tile spans whole cells, so that rows lie one behind the other and a column is read at the speed of its file.
 */
export class TiledWriter {
	private readonly type: CasaType;
	private readonly sequence: number;
	private readonly hypercolumn: string;
	private readonly fixed: readonly number[] | undefined;
	private readonly openFile: (cube: number) => OutputFile;
	private readonly cubes: CubeFile[] = [];
	private readonly map: { last: number; cube: number; position: number }[] = [];
	private done = 0;

	/** @param fixed the shape of all cells, fastest axis first; undefined if it varies. */
	constructor(
		type: CasaType,
		sequence: number,
		hypercolumn: string,
		fixed: readonly number[] | undefined,
		openFile: (cube: number) => OutputFile,
	) {
		this.type = type;
		this.sequence = sequence;
		this.hypercolumn = hypercolumn;
		this.fixed = fixed;
		this.openFile = openFile;
		if (fixed !== undefined) this.cube(fixed);
	}

	private cube(shape: readonly number[]): number {
		const known = this.cubes.findIndex(
			(cube) => cube.shape.length === shape.length && cube.shape.every((s, d) => s === shape[d]),
		);
		if (known >= 0) return known;
		const cellBytes = productOf(shape) * (this.type === "Bool" ? 1 / 8 : SIZE[this.type]);
		const tileRows = Math.max(8, Math.ceil(TILE_BYTES / Math.max(1, cellBytes) / 8) * 8);
		// Cube 0 of a TiledShapeStMan is an empty one without a file.
		const number = this.cubes.length + (this.fixed === undefined ? 1 : 0);
		this.cubes.push({
			shape: [...shape],
			tileRows: Math.min(tileRows, 8192),
			rows: 0,
			file: this.openFile(number),
			pending: [],
		});
		return this.cubes.length - 1;
	}

	/** Adds `count` cells of one shape, one behind the other; Bool as bytes. */
	append(shape: readonly number[], count: number, data: Exclude<CasaData, string[]>): void {
		if (count === 0) return;
		const number = this.cube(shape);
		const cube = this.cubes[number];
		if (this.type === "Bool") this.appendBits(cube, data as Uint8Array);
		else {
			const at = cube.rows * productOf(shape) * SIZE[this.type];
			cube.file.write(at, rawBytes(data));
		}
		this.extend(number, count);
	}

	/**
	 * Adds cells of the fixed shape that somebody else writes: cell r begins at `r * productOf(shape)` elements of the file,
	 * of a Bool column bits. Not to be mixed with `append`.
	 */
	reserve(count: number): void {
		this.extend(0, count);
	}

	private extend(number: number, count: number): void {
		const cube = this.cubes[number];
		cube.rows += count;
		this.done += count;
		const last = this.map.at(-1);
		if (last !== undefined && last.cube === number) {
			last.last = this.done - 1;
			last.position = cube.rows - 1;
		} else this.map.push({ last: this.done - 1, cube: number, position: cube.rows - 1 });
	}

	/** A tile's rows are a multiple of eight, so that tiles of bits follow each other without gaps. */
	private appendBits(cube: CubeFile, data: Uint8Array): void {
		const first = cube.rows * productOf(cube.shape);
		const before = first & 7;
		const whole = (before + data.length) >> 3;
		const bytes = new Uint8Array(Math.ceil((before + data.length) / 8));
		packBits(cube.pending, bytes, 0);
		// Mostly nothing is flagged, and memory is compared faster than bits are packed.
		const isClear = data[0] === 0 && Buffer.compare(data.subarray(1), data.subarray(0, data.length - 1)) === 0;
		if (!isClear) packBits(data, bytes, before);
		cube.file.write(first >> 3, bytes.subarray(0, whole));
		const rest = before + data.length - 8 * whole;
		cube.pending = Array.from({ length: rest }, (_, i) => (bytes[whole] >> i) & 1);
	}

	/** Pads the last tiles and returns the header, the contents of `table.f<N>`. */
	finish(): Uint8Array {
		for (const cube of this.cubes) {
			if (cube.pending.length > 0) {
				const byte = new Uint8Array(1);
				packBits(cube.pending, byte, 0);
				cube.file.write((cube.rows * productOf(cube.shape)) >> 3, byte);
			}
			const elements = Math.ceil(cube.rows / cube.tileRows) * cube.tileRows * productOf(cube.shape);
			cube.file.resize(this.type === "Bool" ? elements / 8 : elements * SIZE[this.type]);
		}
		const writer = new AipsWriter();
		const shapeOf = (cube: CubeFile, rows: number) => [...cube.shape, rows];
		if (this.fixed !== undefined) {
			writer.root("TiledColumnStMan", 1).ipos(shapeOf(this.cubes[0], this.cubes[0].tileRows));
		} else writer.root("TiledShapeStMan", 1);
		writer.begin("TiledStMan", 2).bool(false).u32(this.sequence, this.done, 1).i32(CASA_TYPES.indexOf(this.type));
		const ndim = (this.fixed ?? this.cubes[0]?.shape ?? [0, 0]).length + 1;
		writer.string(this.hypercolumn).u32(0, ndim);
		const empty = this.fixed === undefined;
		writer.u32(this.cubes.length + (empty ? 1 : 0));
		if (empty) writer.bool(false);
		this.cubes.forEach((cube, i) => {
			const elements = Math.ceil(cube.rows / cube.tileRows) * cube.tileRows * productOf(cube.shape);
			const length = this.type === "Bool" ? elements / 8 : elements * SIZE[this.type];
			writer.bool(true);
			if (length < 2 ** 32) writer.u32(1, i + (empty ? 1 : 0), length);
			else writer.u32(2, i + (empty ? 1 : 0)).u64(length);
		});
		writer.u32(this.cubes.length + (empty ? 1 : 0));
		if (empty) {
			writer.u32(1);
			writeRecord(writer, new Map(), "Record");
			writer.bool(false).u32(0).ipos([]).ipos([]).i32(-1).u32(0);
		}
		this.cubes.forEach((cube, i) => {
			writer.u32(1);
			writeRecord(writer, new Map(), "Record");
			writer
				.bool(true)
				.u32(cube.shape.length + 1)
				.ipos(shapeOf(cube, cube.rows))
				.ipos(shapeOf(cube, cube.tileRows));
			writer.i32(i + (empty ? 1 : 0)).u32(0);
		});
		writer.end();
		if (empty) {
			const tile = this.cubes[0] === undefined ? [4, 64, 8] : shapeOf(this.cubes[0], this.cubes[0].tileRows);
			writer.ipos(tile).u32(this.map.length);
			writer.block(this.map.map(({ last }) => last));
			writer.block(this.map.map(({ cube }) => cube + 1));
			writer.block(this.map.map(({ position }) => position));
		}
		return writer.end().done();
	}

	close(): void {
		for (const { file } of this.cubes) file.close();
	}
}
