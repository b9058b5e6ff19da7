import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";

const DEPTH_LIMIT = 12;

/**
 * All regular files at and below a folder. Hidden entries, casacore tables and folders that hold a Caustic survey are left
 * alone; links to folders are not followed, so there are no loops. A folder below that vanishes meanwhile holds nothing.
 *
 * @throws the file system's error if the folder itself cannot be read.
 */
export async function listFolder(folder: string, depth = 0): Promise<string[]> {
	const entries = await readdir(folder, { withFileTypes: true });
	if (existsSync(join(folder, "postgres", "cluster")) || entries.some((entry) => entry.name === "table.dat")) return [];
	const found: string[] = [];
	for (const entry of entries) {
		if (entry.name.startsWith(".")) continue;
		const path = join(folder, entry.name);
		if (entry.isFile() || entry.isSymbolicLink()) found.push(path);
		else if (entry.isDirectory() && depth < DEPTH_LIMIT) {
			found.push(...(await listFolder(path, depth + 1).catch(() => [])));
		}
	}
	return found;
}
