import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { badInput, failure } from "../error.ts";

/** Bytes that can be read at any position: a file, or an array for tests and small inputs. */
export interface RandomAccess {
	/** For messages. */
	readonly name: string;
	readonly size: number;
	/** Fills `target` from `position`; throws `CausticError` if the bytes are not all there. */
	read(target: Uint8Array, position: number): void;
	close(): void;
}

const whyNot = (error: unknown): string => {
	const code = (error as NodeJS.ErrnoException)?.code;
	if (code === "ENOENT") return "there is no such file";
	if (code === "EACCES" || code === "EPERM") return "permission denied";
	if (code === "EISDIR") return "it is a folder, not a file";
	return error instanceof Error ? error.message : String(error);
};

/** Opens a file for reading. Throws `CausticError` `file-unreadable`. */
export function openForReading(path: string): RandomAccess {
	let descriptor: number;
	let size: number;
	try {
		descriptor = openSync(path, "r");
	} catch (error) {
		throw badInput("file-unreadable", whyNot(error), { subject: path, remedy: "Check the path", cause: error });
	}
	try {
		const status = fstatSync(descriptor);
		if (!status.isFile()) {
			throw badInput("file-unreadable", "it is not a regular file", { subject: path, remedy: "Check the path" });
		}
		size = status.size;
	} catch (error) {
		closeSync(descriptor);
		throw error;
	}
	let open = true;
	return {
		name: path,
		size,
		read(target, position) {
			if (!open) throw failure("file-closed", "it was read after it had been closed", { subject: path });
			if (!(position >= 0) || position + target.length > size) throw truncated(path, position, target.length, size);
			let done = 0;
			while (done < target.length) {
				let count: number;
				try {
					count = readSync(descriptor, target, done, target.length - done, position + done);
				} catch (error) {
					throw failure("file-unreadable", whyNot(error), { subject: path, cause: error });
				}
				if (count === 0) throw truncated(path, position, target.length, position + done);
				done += count;
			}
		},
		close() {
			if (open) closeSync(descriptor);
			open = false;
		},
	};
}

/** The same over bytes in memory. */
export function inMemory(bytes: Uint8Array, name: string): RandomAccess {
	return {
		name,
		size: bytes.length,
		read(target, position) {
			if (!(position >= 0) || position + target.length > bytes.length) {
				throw truncated(name, position, target.length, bytes.length);
			}
			target.set(bytes.subarray(position, position + target.length));
		},
		close() {},
	};
}

const truncated = (name: string, position: number, length: number, size: number) =>
	badInput("file-truncated", `${length} bytes are expected at byte ${position}, but the file has ${size} bytes`, {
		subject: name,
		remedy: "The file is truncated or damaged: copy it again from its source",
	});
