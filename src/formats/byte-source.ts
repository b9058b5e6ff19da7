import { createReadStream } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { createGunzip } from "node:zlib";
import { badInput, failure } from "../error.ts";

/** The bytes of a file by position, compressed by gzip or not. */
export interface ByteSource {
	readonly path: string;
	readonly gzipped: boolean;
	/** The length when it is known, otherwise (gzip) the most that the file could unpack to. */
	readonly maxSize: number;
	readonly size: number | undefined;
	/** Fills the target from a position; returns how many bytes there were. Cheapest in ascending order. */
	read(target: Uint8Array, position: number): Promise<number>;
	/** For gzip: reads on to the end, where the checksum stands. @throws CausticError when it is wrong. */
	verify(): Promise<void>;
	close(): Promise<void>;
}

/** One reading takes at most this much: larger requests fail on some systems. */
const MAX_READ = 1 << 30;
/** Deflate never packs better than this. */
const MAX_DEFLATE_RATIO = 1032;

export function unreadable(path: string, error: unknown): Error {
	const code = (error as NodeJS.ErrnoException)?.code;
	if (code === "ENOENT" || code === "ENOTDIR") {
		return badInput("missing-file", "there is no such file", { subject: path, remedy: "Check the path" });
	}
	if (code === "EISDIR") {
		return badInput("not-a-file", "this is a folder, not a file", { subject: path, remedy: "Name a file in it" });
	}
	if (code === "EACCES" || code === "EPERM") {
		return badInput("unreadable-file", "no permission to read this file", {
			subject: path,
			remedy: "Give read permission",
		});
	}
	return failure("read-failed", `reading failed (${code ?? String(error)})`, { subject: path, cause: error });
}

class PlainSource implements ByteSource {
	readonly path: string;
	readonly gzipped = false;
	readonly size: number;
	readonly maxSize: number;
	private readonly handle: FileHandle;

	constructor(path: string, handle: FileHandle, size: number) {
		this.path = path;
		this.handle = handle;
		this.size = size;
		this.maxSize = size;
	}

	async read(target: Uint8Array, position: number): Promise<number> {
		let done = 0;
		while (done < target.length) {
			const length = Math.min(MAX_READ, target.length - done);
			const { bytesRead } = await this.handle
				.read(target, done, length, position + done)
				.catch((error) => Promise.reject(unreadable(this.path, error)));
			if (bytesRead === 0) break;
			done += bytesRead;
		}
		return done;
	}

	async verify(): Promise<void> {}

	async close(): Promise<void> {
		await this.handle.close();
	}
}

/** Unpacks forwards as it is asked; a position already passed starts the file over. */
class GzipSource implements ByteSource {
	readonly path: string;
	readonly gzipped = true;
	readonly size = undefined;
	readonly maxSize: number;
	private chunks: AsyncIterator<Uint8Array> | undefined;
	private stop: () => void = () => {};
	private chunk: Uint8Array = new Uint8Array(0);
	/** Position of the first byte of the chunk. */
	private start = 0;

	constructor(path: string, packedSize: number) {
		this.path = path;
		this.maxSize = packedSize * MAX_DEFLATE_RATIO;
	}

	private restart(): void {
		this.stop();
		const file = createReadStream(this.path, { highWaterMark: 1 << 18 });
		const gunzip = createGunzip({ chunkSize: 1 << 20 });
		file.on("error", (error) => gunzip.destroy(error));
		this.stop = () => {
			file.destroy();
			gunzip.destroy();
		};
		this.chunks = file.pipe(gunzip)[Symbol.asyncIterator]();
		this.chunk = new Uint8Array(0);
		this.start = 0;
	}

	private async advance(): Promise<boolean> {
		this.start += this.chunk.length;
		this.chunk = new Uint8Array(0);
		try {
			const next = await this.chunks?.next();
			if (next === undefined || next.done) return false;
			this.chunk = next.value;
			return true;
		} catch (error) {
			const code = (error as NodeJS.ErrnoException)?.code ?? "";
			if (!code.startsWith("Z_")) throw unreadable(this.path, error);
			throw badInput("damaged-gzip", `the gzip data are damaged or cut off (${(error as Error).message})`, {
				subject: this.path,
				remedy: "Copy the file again",
				cause: error,
			});
		}
	}

	async read(target: Uint8Array, position: number): Promise<number> {
		if (this.chunks === undefined || position < this.start) this.restart();
		let done = 0;
		while (done < target.length) {
			const from = position + done - this.start;
			if (from >= this.chunk.length) {
				if (!(await this.advance())) break;
				continue;
			}
			const piece = this.chunk.subarray(from, from + target.length - done);
			target.set(piece, done);
			done += piece.length;
		}
		return done;
	}

	async verify(): Promise<void> {
		if (this.chunks === undefined) this.restart();
		while (await this.advance());
	}

	async close(): Promise<void> {
		this.stop();
	}
}

/** Opens a file for reading by position; gzip is told by its first two bytes, not by the name. */
export async function openBytes(path: string): Promise<ByteSource> {
	const handle = await open(path, "r").catch((error) => Promise.reject(unreadable(path, error)));
	try {
		const status = await handle.stat();
		if (status.isDirectory()) throw unreadable(path, { code: "EISDIR" });
		if (!status.isFile()) {
			throw badInput("not-a-file", "this is not a regular file", { subject: path, remedy: "Name a file" });
		}
		const magic = new Uint8Array(2);
		const { bytesRead } = await handle.read(magic, 0, 2, 0);
		if (bytesRead === 2 && magic[0] === 0x1f && magic[1] === 0x8b) {
			await handle.close();
			return new GzipSource(path, status.size);
		}
		return new PlainSource(path, handle, status.size);
	} catch (error) {
		await handle.close().catch(() => {});
		throw error;
	}
}
