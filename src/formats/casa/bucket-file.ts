import { closeSync, openSync, writeSync } from "node:fs";
import { failure } from "../../error.ts";
import { openForReading, type RandomAccess } from "../random-access.ts";
import { damagedTable } from "./values.ts";

/** Where buckets begin in the files of the standard and incremental storage managers. */
export const FIRST_BUCKET = 512;

/** A file of a table, read in pieces; the last piece is kept because neighbours ask for the same one. */
export class TableFile {
	readonly table: string;
	readonly path: string;
	private readonly source: RandomAccess;
	private writable: number | undefined;
	private kept: { at: number; bytes: Uint8Array } | undefined;

	constructor(table: string, path: string, source: RandomAccess = openForReading(path)) {
		this.table = table;
		this.path = path;
		this.source = source;
	}

	get size(): number {
		return this.source.size;
	}

	/** Fresh bytes [at, at + length). */
	read(at: number, length: number): Uint8Array<ArrayBuffer> {
		if (!(at >= 0 && length >= 0 && at + length <= this.source.size)) {
			throw damagedTable(this.path, `${length} bytes at byte ${at} lie outside the file of ${this.source.size} bytes`);
		}
		const bytes = new Uint8Array(length);
		this.source.read(bytes, at);
		return bytes;
	}

	readInto(at: number, target: Uint8Array): void {
		this.source.read(target, at);
	}

	/** The same, not to be changed: the last one is kept. */
	view(at: number, length: number): Uint8Array {
		if (this.kept === undefined || this.kept.at !== at || this.kept.bytes.length !== length) {
			this.kept = { at, bytes: this.read(at, length) };
		}
		return this.kept.bytes;
	}

	/** Overwrites bytes that exist. */
	write(at: number, bytes: Uint8Array): void {
		if (at + bytes.length > this.source.size) throw damagedTable(this.path, "a value would be written beyond the file");
		try {
			this.writable ??= openSync(this.path, "r+");
			for (let done = 0; done < bytes.length; ) {
				done += writeSync(this.writable, bytes, done, bytes.length - done, at + done);
			}
		} catch (error) {
			throw failure("file-unwritable", (error as Error).message, { subject: this.path, cause: error });
		}
		this.kept = undefined;
	}

	close(): void {
		this.source.close();
		if (this.writable !== undefined) closeSync(this.writable);
		this.writable = undefined;
	}
}
