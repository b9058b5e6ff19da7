import { closeSync, ftruncateSync, openSync, writeSync } from "node:fs";
import { failure } from "../../error.ts";

/** How much is collected before it is written: tables are written in many small pieces. */
const BUFFER_BYTES = 1 << 20;

/** A file that is written mostly from its beginning to its end; pieces that follow each other are collected. */
export class OutputFile {
	readonly path: string;
	private readonly descriptor: number;
	private buffer = new Uint8Array(0);
	private isOpen = true;
	private begin = 0;
	private used = 0;

	/** @param mode "r+" for a file that others write to as well, each its own part. */
	constructor(path: string, mode: "w" | "r+" = "w") {
		this.path = path;
		try {
			this.descriptor = openSync(path, mode);
		} catch (error) {
			throw failure("file-unwritable", (error as Error).message, {
				subject: path,
				remedy: "Check the folder",
				cause: error,
			});
		}
	}

	write(at: number, bytes: Uint8Array): void {
		if (this.used > 0 && (at !== this.begin + this.used || this.used + bytes.length > BUFFER_BYTES)) this.flush();
		if (bytes.length >= BUFFER_BYTES / 2) {
			this.flush();
			this.put(at, bytes);
			return;
		}
		if (this.buffer.length === 0) this.buffer = new Uint8Array(BUFFER_BYTES);
		if (this.used === 0) this.begin = at;
		this.buffer.set(bytes, this.used);
		this.used += bytes.length;
	}

	private put(at: number, bytes: Uint8Array): void {
		try {
			for (let done = 0; done < bytes.length; ) {
				done += writeSync(this.descriptor, bytes, done, bytes.length - done, at + done);
			}
		} catch (error) {
			throw failure("file-unwritable", (error as Error).message, {
				subject: this.path,
				remedy: "Check the disk",
				cause: error,
			});
		}
	}

	private flush(): void {
		if (this.used > 0) this.put(this.begin, this.buffer.subarray(0, this.used));
		this.used = 0;
	}

	/** Lengthens the file with zeros, or cuts it. */
	resize(size: number): void {
		this.flush();
		ftruncateSync(this.descriptor, size);
	}

	close(): void {
		if (!this.isOpen) return;
		this.isOpen = false;
		this.flush();
		closeSync(this.descriptor);
	}
}
