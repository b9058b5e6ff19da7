import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { VisibilitySet } from "../calibration/visibility-set.ts";
import { badInput } from "../error.ts";
import { openUvh5 } from "./uvh5/read.ts";

/**
 * Opens what people call visibilities: the UVH5 files of one group, or a folder that holds them.
 *
 * @throws CausticError if a path does not exist or is none of these.
 */
export function openVisibilities(paths: readonly string[]): VisibilitySet {
	if (paths.length === 0) {
		throw badInput("no-input", "no visibilities are named", { remedy: "Name UVH5 files of one group" });
	}
	const files = paths.flatMap((path) => {
		if (!existsSync(path)) {
			throw badInput("no-such-file", "it does not exist", { subject: path, remedy: "Check the path" });
		}
		return statSync(path).isDirectory() ? filesOf(path) : [path];
	});
	return openUvh5(files);
}

/** UVH5 files of a folder; one still being written (`_incomplete`) is left alone. */
function filesOf(folder: string): string[] {
	const names = readdirSync(folder)
		.filter((name) => /\.(hdf5|h5|uvh5)$/i.test(name) && !/_incomplete\./.test(name))
		.sort();
	if (names.length === 0) {
		throw badInput("no-visibilities", "the folder holds no UVH5 file", {
			subject: folder,
			remedy: "Name the files of one group",
		});
	}
	return names.map((name) => join(folder, name));
}
