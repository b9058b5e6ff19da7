import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const source = join(root, "src");

/**
 * What each room of the source tree may import, beside itself. Data move one way: science knows nothing of
 * formats, formats nothing of the store, the store nothing of the pipeline, the pipeline nothing of the edges.
 */
const SCIENCE = ["sky", "calibration", "photometry", "normalization", "variability", "detection"];
const ACROSS = ["config", "observability"];
const MAY_IMPORT: Record<string, string[]> = {
	sky: [],
	calibration: ["sky"],
	photometry: ["sky"],
	normalization: ["sky"],
	variability: ["sky"],
	detection: ["sky", "variability"],
	simulation: [...SCIENCE],
	formats: [...SCIENCE, "simulation"],
	plots: [...SCIENCE],
	config: [],
	observability: ["config"],
	store: [...SCIENCE, ...ACROSS],
	pipeline: [...SCIENCE, ...ACROSS, "simulation", "formats", "plots", "store"],
	service: [...SCIENCE, ...ACROSS, "simulation", "formats", "plots", "store", "pipeline"],
	cli: [...SCIENCE, ...ACROSS, "simulation", "formats", "plots", "store", "pipeline", "service"],
	web: [],
};
/** Node's own modules and packages that science must not touch: no clock, no disk, no database, no framework. */
const isScience = (room: string) => SCIENCE.includes(room) || room === "simulation";

const files = (folder: string): string[] =>
	readdirSync(folder).flatMap((name) => {
		const path = join(folder, name);
		return statSync(path).isDirectory() ? files(path) : /\.tsx?$/.test(name) ? [path] : [];
	});

const importsOf = (text: string) =>
	[...text.matchAll(/(?:from\s+|import\s*\(\s*|import\s+)["']([^"']+)["']/g)].map((match) => match[1]);

describe("the source tree is the data flow", () => {
	const all = files(source).filter((path) => !/\.test\.tsx?$/.test(path));

	test("there are files to look at", () => {
		expect(all.length).toBeGreaterThan(4);
	});

	test("every import follows the arrows", () => {
		const wrong: string[] = [];
		for (const path of all) {
			const room = relative(source, path).split("/")[0];
			if (room.endsWith(".ts")) continue;
			const allowed = MAY_IMPORT[room];
			if (allowed === undefined) {
				wrong.push(`${relative(root, path)}: no such room in the design`);
				continue;
			}
			for (const specifier of importsOf(readFileSync(path, "utf8"))) {
				if (!specifier.startsWith(".")) {
					if (isScience(room)) wrong.push(`${relative(root, path)}: science imports ${specifier}`);
					continue;
				}
				const target = relative(source, resolve(dirname(path), specifier)).split("/");
				if (target[0] === ".." || target[0] === room || target[0] === "error.ts") continue;
				if (!allowed.includes(target[0])) wrong.push(`${relative(root, path)} imports ${specifier}`);
			}
		}
		expect(wrong).toEqual([]);
	});

	test("science reads no clock and draws no unseeded number", () => {
		const wrong = all
			.filter((path) => isScience(relative(source, path).split("/")[0]))
			.filter((path) => /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\bprocess\./.test(readFileSync(path, "utf8")));
		expect(wrong.map((path) => relative(root, path))).toEqual([]);
	});

	test("files carry the name of an idea", () => {
		const wrong = all.filter((path) => /\/(utils?|helpers?|manager|enhanced|misc|common|v2)\.tsx?$/.test(path));
		expect(wrong).toEqual([]);
	});
});
