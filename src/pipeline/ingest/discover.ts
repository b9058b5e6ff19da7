import { type Dirent, existsSync, readdirSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { badInput } from "../../error.ts";

export interface DiscoveredFile {
	path: string;
	sizeBytes: number;
	modifiedMs: number;
}

const DEPTH_LIMIT = 12;

/**
 * All regular files at and below the given paths, sorted by path so that every machine sees one order. Hidden entries
 * and folders that hold a Caustic survey are left alone; links to folders are not followed, so there are no loops.
 */
export function discoverFiles(paths: string[]): DiscoveredFile[] {
	const found = new Map<string, DiscoveredFile>();
	const add = (path: string) => {
		const stat = statSync(path);
		found.set(path, { path, sizeBytes: stat.size, modifiedMs: stat.mtimeMs });
	};
	const walk = (folder: string, depth: number) => {
		if (depth > DEPTH_LIMIT) return;
		let entries: Dirent[];
		try {
			entries = readdirSync(folder, { withFileTypes: true });
		} catch (error) {
			throw badInput("unreadable-folder", `cannot be read (${(error as NodeJS.ErrnoException).code})`, {
				subject: folder,
				remedy: "Check its permissions",
			});
		}
		if (existsSync(join(folder, "postgres", "cluster"))) return;
		for (const entry of entries) {
			if (entry.name.startsWith(".")) continue;
			const path = join(folder, entry.name);
			if (entry.isDirectory()) walk(path, depth + 1);
			else if (
				entry.isFile() ||
				(entry.isSymbolicLink() && statSync(path, { throwIfNoEntry: false })?.isFile() === true)
			)
				add(path);
		}
	};
	for (const given of paths) {
		const path = resolve(given);
		const stat = statSync(path, { throwIfNoEntry: false });
		if (stat === undefined)
			throw badInput("no-such-path", "there is no such file or folder", { subject: given, remedy: "Check the path" });
		if (stat.isDirectory()) walk(path, 0);
		else add(path);
	}
	return [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

const FITS_NAME = /\.(fits|fit|fts)(\.gz)?$/i;

export const isFitsName = (path: string): boolean => FITS_NAME.test(path);

/** The name that patterns speak of: without folder and without the extensions of FITS. */
export const plainName = (path: string): string => basename(path).replace(FITS_NAME, "");

/** A pattern with `*` for anything, matched against a whole name, without regard to case. */
export function matchesPattern(pattern: string, name: string): boolean {
	const expression = pattern
		.split("*")
		.map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
		.join(".*");
	return new RegExp(`^${expression}$`, "i").test(name);
}

export interface ImageFiles {
	image: DiscoveredFile;
	noise: DiscoveredFile | undefined;
	background: DiscoveredFile | undefined;
}

export interface Sorted {
	images: ImageFiles[];
	/** Noise and background maps, by what they are. */
	maps: { file: DiscoveredFile; kind: "noise" | "background" }[];
	ignored: { file: DiscoveredFile; reason: string }[];
}

export interface NamePatterns {
	noise: string[];
	background: string[];
	ignore: string[];
}

/**
 * Sorts files into images, the maps that belong to them, and the rest. A pattern with `{name}` ties a map to the image
 * of that name in the same folder; one without ties it to every image of the folder.
 */
export function sortFiles(files: DiscoveredFile[], patterns: NamePatterns): Sorted {
	const fits = files.filter((file) => isFitsName(file.path));
	const byFolder = Map.groupBy(fits, (file) => dirname(file.path));
	const kindOf = new Map<string, "noise" | "background">();
	const mapsOf = new Map<string, Partial<Record<"noise" | "background", DiscoveredFile>>>();
	for (const group of byFolder.values()) {
		const byName = new Map(group.map((file) => [plainName(file.path).toLowerCase(), file]));
		for (const kind of ["noise", "background"] as const) {
			for (const pattern of patterns[kind]) {
				for (const image of group) {
					const wanted = pattern.replaceAll("{name}", plainName(image.path)).toLowerCase();
					const map = wanted.includes("*")
						? [...byName].find(([name]) => matchesPattern(wanted, name))?.[1]
						: byName.get(wanted);
					if (map === undefined || map === image) continue;
					kindOf.set(map.path, kind);
					const known = mapsOf.get(image.path) ?? {};
					known[kind] ??= map;
					mapsOf.set(image.path, known);
				}
			}
		}
	}
	const sorted: Sorted = { images: [], maps: [], ignored: [] };
	for (const file of files) {
		const kind = kindOf.get(file.path);
		if (!isFitsName(file.path)) sorted.ignored.push({ file, reason: "not a FITS file by its name" });
		else if (kind !== undefined) sorted.maps.push({ file, kind });
		else if (patterns.ignore.some((pattern) => matchesPattern(pattern, plainName(file.path)))) {
			sorted.ignored.push({ file, reason: "matches images.ignore_patterns" });
		} else {
			const maps = mapsOf.get(file.path);
			sorted.images.push({ image: file, noise: maps?.noise, background: maps?.background });
		}
	}
	return sorted;
}
