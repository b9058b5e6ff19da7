import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { badInput } from "../error.ts";
import { earthOrientationReach, useEarthOrientation } from "../sky/earth-orientation.ts";
import {
	decodeTable,
	type EarthOrientationTable,
	type EncodedEarthOrientation,
	encodeTable,
} from "../sky/earth-orientation-table.ts";
import { writeAtomically } from "./atomic-file.ts";

/** Where a refreshed table of the Earth's rotation lies in a data folder. */
export const earthOrientationPath = (dataFolder: string) => join(dataFolder, "earth-orientation.json");

/** Keeps a table in a data folder, for every later command on it, and uses it from now on. */
export async function saveEarthOrientation(dataFolder: string, table: EarthOrientationTable): Promise<string> {
	const path = earthOrientationPath(dataFolder);
	const text = `${JSON.stringify(encodeTable(table))}\n`;
	await writeAtomically(path, (sink) => sink.write(new TextEncoder().encode(text)));
	useEarthOrientation(table);
	return path;
}

/**
 * Uses the table of a data folder in this thread when there is one and it knows later days than the built-in table;
 * returns whether it does. A worker thread calls this for itself.
 * Throws `bad-iers-file` when the file is damaged.
 */
export function loadEarthOrientation(dataFolder: string): boolean {
	const path = earthOrientationPath(dataFolder);
	if (!existsSync(path)) return false;
	let table: EarthOrientationTable;
	try {
		table = decodeTable(JSON.parse(readFileSync(path, "utf8")) as EncodedEarthOrientation);
	} catch (error) {
		throw badInput("bad-iers-file", "the table of the Earth's rotation is damaged", {
			subject: path,
			remedy: "Write it anew with caustic iers refresh finals2000A.all, or remove it",
			cause: error,
		});
	}
	useEarthOrientation(undefined);
	if (table.lastMeasuredMjd <= earthOrientationReach().lastMeasuredMjd) return false;
	useEarthOrientation(table);
	return true;
}
