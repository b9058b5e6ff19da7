import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { badInput, CausticError } from "../../error.ts";

/** What is wrong with a file that could not be read; anything else stays a defect. */
export function unreadable(error: unknown, path: string): CausticError {
	if (error instanceof CausticError) return error;
	const code = (error as NodeJS.ErrnoException).code;
	if (code === undefined) throw error;
	return badInput("unreadable", `cannot be read (${code})`, {
		subject: path,
		remedy: "Check that the file is there and readable",
		cause: error,
	});
}

/** SHA-256 of a file's bytes: the identity of an image, wherever it lies and whatever it is called. */
export async function contentHash(path: string): Promise<string> {
	const hash = createHash("sha256");
	try {
		for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
	} catch (error) {
		throw unreadable(error, path);
	}
	return hash.digest("hex");
}
