import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
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
