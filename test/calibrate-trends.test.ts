import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { QualityDocument } from "../src/pipeline/calibration/quality-document.ts";
import { solveGroup } from "../src/pipeline/visibilities/group-products.ts";

const main = join(dirname(dirname(fileURLToPath(import.meta.url))), "src/cli/main.ts");
const folder = mkdtempSync(join(tmpdir(), "caustic-trends-"));
afterAll(() => rmSync(folder, { recursive: true }));
const caustic = (...args: string[]) => spawnSync(process.execPath, [main, ...args], { encoding: "utf8" });
const set = join(folder, "set");
const all = join(folder, "visibilities");
let now: QualityDocument;
let hit = "";
let paths: string[] = [];

/** An account of `days` before: antenna `hit` had 70 % of its amplitude, all delays were against another reference. */
function earlier(days: number, before: boolean): QualityDocument {
	const old = structuredClone(now);
	old.data.begin_mjd = (now.data.begin_mjd ?? 0) - days;
	old.antennas.forEach((antenna, p) => {
		for (const hand of ["XX", "YY"]) {
			const wobble = 1 + 0.004 * Math.sin(7 * days + 3 * p);
			const a = antenna.amplitude[hand];
			if (a !== null)
				antenna.amplitude[hand] = a * wobble * (before && antenna.name === hit && hand === "XX" ? 0.7 : 1);
			const delay = antenna.delay_ns[hand];
			if (delay !== null) antenna.delay_ns[hand] = delay + 0.05 * Math.sin(5 * days + p) + (before ? 33 : 0);
		}
	});
	return old;
}

beforeAll(() => {
	const made = caustic(
		..."simulate visibilities".split(" "),
		set,
		..."--antennas 10 --subbands 1 --channels 24 --width 2000 --integrations 6 --field 0 --no-defects --seed 31".split(
			" ",
		),
	);
	expect(made.stderr).toBe("");
	paths = readdirSync(set)
		.filter((name) => name.endsWith(".hdf5"))
		.map((name) => join(set, name));
	const solved = caustic("calibrate", set, "--out", join(folder, "now"), "--json");
	expect(solved.status).toBe(0);
	now = JSON.parse(solved.stdout) as QualityDocument;
	hit = now.antennas[2].name;
	for (const days of [1, 2, 3, 4, 5, 6, 7]) {
		const own = join(all, `2022031${5 - 1}T${String(9 - days).padStart(2, "0")}0000`, "calibration");
		mkdirSync(own, { recursive: true });
		writeFileSync(join(own, "quality.json"), JSON.stringify(earlier(days, days > 1)));
	}
	// A damaged one, and one that was refused.
	mkdirSync(join(all, "20220314T000000", "calibration"), { recursive: true });
	writeFileSync(join(all, "20220314T000000", "calibration", "quality.json"), "{");
	mkdirSync(join(all, "20220314T003000", "calibration"), { recursive: true });
	writeFileSync(
		join(all, "20220314T003000", "calibration", "quality.json"),
		JSON.stringify({ ...earlier(9, false), accepted: false }),
	);
});

describe("trends over solves", () => {
	test("as groups arrive, an antenna that jumped is named, and another reference antenna is no jump", async () => {
		const solved = await solveGroup({
			step: "solve",
			paths,
			folder: join(all, "20220315T095048"),
			name: "20220315T095048",
			calibratorList: undefined,
			software: "caustic",
		});
		expect(solved.accepted).toBe(true);
		expect(solved.trends.map(({ name, kind }) => `${name} ${kind}`)).toEqual([`antenna ${hit} XX amplitude jump`]);
		expect(solved.trends[0].change / (now.antennas[2].amplitude.XX ?? 1)).toBeCloseTo(0.3, 1);
		expect(solved.cost?.seconds.BP).toBeGreaterThan(0);
		const written = JSON.parse(
			readFileSync(join(all, "20220315T095048", "calibration", "quality.json"), "utf8"),
		) as QualityDocument;
		expect(written.warnings.join()).toMatch(new RegExp(`antenna ${hit} XX amplitude jumped by`));
	});

	test("from the terminal, against the accounts named", () => {
		const files = readdirSync(all)
			.map((name) => join(all, name, "calibration", "quality.json"))
			.filter((path) => !path.includes("20220314T000000") && !path.includes("20220315"));
		const run = caustic(
			"calibrate",
			set,
			"--out",
			join(folder, "again"),
			...files.flatMap((path) => ["--history", path]),
		);
		expect(run.stderr).toBe("");
		expect(run.stdout).toMatch(new RegExp(`note: antenna ${hit} XX amplitude jumped`));
		const damaged = caustic("calibrate", set, "--history", join(all, "20220314T000000", "calibration", "quality.json"));
		expect(damaged.status).toBe(2);
		expect(damaged.stderr).toMatch(/no quality\.json of caustic calibrate/);
	});
});
