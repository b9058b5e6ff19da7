import { readFileSync, type Stats, statSync } from "node:fs";
import { badInput } from "../error.ts";

/**
 * The text of a file (UTF-8). Throws `no-such-file`, `unreadable-file` or `file-too-large` naming it; a folder or a device
 * is no text.
 */
export function readTextFile(path: string, maxBytes: number): string {
	const refuse = (code: string, message: string, remedy: string, cause?: unknown) =>
		badInput(code, message, { subject: path, remedy, cause });
	const unreadable = (error: unknown) => {
		const { code } = error as NodeJS.ErrnoException;
		return code === "ENOENT"
			? refuse("no-such-file", "it does not exist", "Check the path", error)
			: refuse("unreadable-file", `it cannot be read (${code})`, "Check its permissions", error);
	};
	let status: Stats;
	try {
		status = statSync(path);
	} catch (error) {
		throw unreadable(error);
	}
	// A pipe would never end and a folder has no text.
	if (!status.isFile()) throw refuse("unreadable-file", "it is not a file", "Name a file");
	if (status.size > maxBytes) {
		throw refuse("file-too-large", `it has ${status.size} bytes, ${maxBytes} at most`, "Name another file");
	}
	try {
		return readFileSync(path, "utf8");
	} catch (error) {
		throw unreadable(error);
	}
}
