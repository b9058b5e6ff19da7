import { createWriteStream } from "node:fs";
import { type FileHandle, mkdir, open, rename, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { finished } from "node:stream/promises";
import { createGzip, type Gzip } from "node:zlib";
import { badInput, failure } from "../error.ts";

/** Where a writer puts bytes, in order. The bytes may be used again once the promise is kept. */
export interface ByteSink {
	write(bytes: Uint8Array): Promise<void>;
}

let serial = 0;

function unwritable(path: string, error: unknown): Error {
	const code = (error as NodeJS.ErrnoException)?.code;
	const problems: Record<string, [string, string]> = {
		ENOTDIR: ["a part of its path is a file, not a folder", "Give another path"],
		EISDIR: ["there is a folder of that name", "Give the name of a file"],
		EACCES: ["no permission to write there", "Give write permission or another path"],
		EPERM: ["no permission to write there", "Give write permission or another path"],
		EROFS: ["the file system is read-only", "Give another path"],
	};
	const known = problems[code ?? ""];
	if (known !== undefined) return badInput("unwritable-file", known[0], { subject: path, remedy: known[1] });
	return failure("write-failed", code === "ENOSPC" ? "the disk is full" : `writing failed (${code ?? String(error)})`, {
		subject: path,
		cause: error,
	});
}

async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
	for (let done = 0; done < bytes.length; ) {
		done += (await handle.write(bytes, done, bytes.length - done)).bytesWritten;
	}
}

/** Gzip over a file, one write at a time; no time stamp inside, so that equal content makes equal files. */
async function throughGzip(path: string, fill: (sink: ByteSink) => Promise<void>): Promise<void> {
	const gzip: Gzip = createGzip({ level: 6 });
	const file = createWriteStream(path);
	const done = finished(gzip.pipe(file));
	// Reported when awaited below; without this a failing disk would be an unhandled rejection meanwhile.
	done.catch(() => {});
	gzip.on("error", (error) => file.destroy(error));
	file.on("error", (error) => gzip.destroy(error));
	const write = (bytes: Uint8Array) =>
		new Promise<void>((resolve, reject) => gzip.write(bytes, (error) => (error ? reject(error) : resolve())));
	try {
		await fill({ write });
		gzip.end();
		await done;
	} catch (error) {
		gzip.destroy();
		file.destroy();
		throw error;
	}
}

/**
 * Writes a file that appears whole or not at all: into a hidden file beside it, then renamed over the path.
 * The folder is made when it is missing.
 */
export async function writeAtomically(
	path: string,
	fill: (sink: ByteSink) => Promise<void>,
	options: { gzip?: boolean } = {},
): Promise<void> {
	serial += 1;
	const temporary = join(dirname(path), `.${basename(path)}.${process.pid}-${serial}.part`);
	try {
		await mkdir(dirname(path), { recursive: true });
		if (options.gzip) await throughGzip(temporary, fill);
		else {
			const handle = await open(temporary, "w");
			try {
				await fill({ write: (bytes) => writeAll(handle, bytes) });
			} finally {
				await handle.close();
			}
		}
		await rename(temporary, path);
	} catch (error) {
		await unlink(temporary).catch(() => {});
		if (typeof (error as NodeJS.ErrnoException)?.code === "string" && (error as NodeJS.ErrnoException).syscall) {
			throw unwritable(path, error);
		}
		throw error;
	}
}
