import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inflateRawSync } from "node:zlib";
import { sharedData } from "./shared-data.ts";

/** Unpacks the archives of some sets of visibilities into a temporary folder, one folder per set. */
export function unpackVisibilities(...sets: string[]): { folder: string; remove(): void } {
	const folder = mkdtempSync(join(tmpdir(), "caustic-visibilities-"));
	for (const set of sets) {
		mkdirSync(join(folder, set));
		for (const name of readdirSync(sharedData("visibilities", set)).filter((file) => file.endsWith(".tar.gz"))) {
			execFileSync("tar", ["-xzf", sharedData("visibilities", set, name), "-C", join(folder, set)], {
				stdio: "ignore",
			});
		}
	}
	return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** The members of a zip file, by its local headers. */
export function unzip(path: string): Map<string, Buffer> {
	const bytes = readFileSync(path);
	const members = new Map<string, Buffer>();
	// The central directory gives the sizes: local headers may leave them to a descriptor.
	const end = bytes.lastIndexOf("PK\u0005\u0006", undefined, "latin1");
	let at = bytes.readUInt32LE(end + 16);
	for (let i = 0; i < bytes.readUInt16LE(end + 10); i++) {
		const [nameBytes, extra, comment] = [28, 30, 32].map((offset) => bytes.readUInt16LE(at + offset));
		const name = bytes.toString("utf8", at + 46, at + 46 + nameBytes);
		const local = bytes.readUInt32LE(at + 42);
		const data = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
		const packed = bytes.subarray(data, data + bytes.readUInt32LE(at + 20));
		members.set(name, bytes.readUInt16LE(at + 10) === 8 ? inflateRawSync(packed) : Buffer.from(packed));
		at += 46 + nameBytes + extra + comment;
	}
	return members;
}
