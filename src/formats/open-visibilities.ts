import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { VisibilitySet } from "../calibration/visibility-set.ts";
import { badInput } from "../error.ts";
import { openMeasurementSet } from "./casa/measurement-set.ts";
import { Hdf5File } from "./hdf5/file.ts";
import { openForReading } from "./random-access.ts";
import { openUvfits } from "./uvfits/read.ts";
import { openUvh5 } from "./uvh5/read.ts";

/**
 * Opens what people call visibilities: the UVH5 files of one group or a folder that holds them, one MeasurementSet, or one
 * UVFITS file. What a file is, its content says, not its name.
 *
 * @throws CausticError if a path does not exist or is none of these.
 */
export function openVisibilities(paths: readonly string[]): VisibilitySet {
	if (paths.length === 0) {
		throw badInput("no-input", "no visibilities are named", {
			remedy: "Name the UVH5 files of one group, a MeasurementSet or a UVFITS file",
		});
	}
	for (const path of paths) {
		if (!existsSync(path)) {
			throw badInput("no-such-file", "it does not exist", { subject: path, remedy: "Check the path" });
		}
	}
	const alone = (path: string) => {
		if (paths.length === 1) return;
		throw badInput("mixed-input", "only UVH5 files of one group can be read together", {
			subject: path,
			remedy: "Give one MeasurementSet or UVFITS file at a time",
		});
	};
	for (const path of paths) {
		if (statSync(path).isDirectory()) {
			if (!existsSync(join(path, "table.dat"))) continue;
			alone(path);
			return openMeasurementSet(path);
		}
		if (beginsWith(path, "SIMPLE  =")) {
			alone(path);
			return openUvfits(path);
		}
	}
	return openUvh5(paths.flatMap((path) => (statSync(path).isDirectory() ? filesOf(path) : [path])));
}

function beginsWith(path: string, text: string): boolean {
	const file = openForReading(path);
	try {
		if (file.size < text.length) return false;
		const bytes = new Uint8Array(text.length);
		file.read(bytes, 0);
		return new TextDecoder("latin1").decode(bytes) === text;
	} finally {
		file.close();
	}
}

/** Whether a file is HDF5 of another kind: such tables may lie beside a group. What cannot be read is not said to be. */
function isOtherHdf5(path: string): boolean {
	let file: Hdf5File;
	try {
		file = Hdf5File.open(path);
	} catch {
		return false;
	}
	try {
		return !file.has("/Header") && !file.has("/Data");
	} catch {
		return false;
	} finally {
		file.close();
	}
}

/** UVH5 files of a folder; one still being written (`_incomplete`) and HDF5 of another kind are left alone. */
function filesOf(folder: string): string[] {
	const names = readdirSync(folder)
		.filter((name) => /\.(hdf5|h5|uvh5)$/i.test(name) && !/_incomplete\./.test(name))
		.filter((name) => !isOtherHdf5(join(folder, name)))
		.sort();
	if (names.length === 0) {
		throw badInput("no-visibilities", "the folder holds no UVH5 file and is no MeasurementSet", {
			subject: folder,
			remedy: "Name the files of one group",
		});
	}
	return names.map((name) => join(folder, name));
}
