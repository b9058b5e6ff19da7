import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { alterUvh5 } from "./altered-set.ts";

const main = join(dirname(dirname(fileURLToPath(import.meta.url))), "src/cli/main.ts");
const folder = mkdtempSync(join(tmpdir(), "caustic-groups-"));
afterAll(() => rmSync(folder, { recursive: true }));
const caustic = (...args: string[]) => spawnSync(process.execPath, [main, ...args], { encoding: "utf8" });
const set = (name: string) => join(folder, "night", name);

beforeAll(async () => {
	for (const [name, around] of [
		["old", "2022-03-15T10:00:00"],
		["new", "2022-03-16T10:00:00"],
	]) {
		const made = caustic(
			..."simulate visibilities".split(" "),
			set(name),
			..."--antennas 10 --subbands 1 --channels 24 --width 2000 --integrations 6 --field 0 --no-defects --seed 8".split(
				" ",
			),
			"--around",
			around,
		);
		expect(made.stderr).toBe("");
	}
	mkdirSync(set("flagged"), { recursive: true });
	const source = readdirSync(set("old")).filter((name) => name.endsWith(".hdf5"))[0];
	await alterUvh5(join(set("old"), source), join(set("flagged"), source), {
		samples: ({ flags }) => void flags.fill(1),
	});
});

describe("several groups at once", () => {
	test("each is solved as it would be alone; what is refused stops nothing; metrics tell all", () => {
		const out = join(folder, "all");
		const prom = join(folder, "calibration.prom");
		const run = caustic(
			"calibrate",
			set("old"),
			set("flagged"),
			set("new"),
			..."--groups --workers 2 --json --out".split(" "),
			out,
			"--metrics",
			prom,
		);
		expect(run.stderr).toBe("");
		expect(run.status).toBe(3);
		const lines = JSON.parse(run.stdout) as { name: string; accepted: boolean; reasons: string[] }[];
		expect(lines.map(({ name, accepted }) => [name, accepted])).toEqual([
			["old", true],
			["flagged", false],
			["new", true],
		]);
		expect(lines[1].reasons.join()).toMatch(/all data are flagged/);
		const alone = join(folder, "alone");
		expect(caustic("calibrate", set("new"), "--out", alone).status).toBe(0);
		for (const file of ["quality.json", "3C286.G/table.f0", "3C286.B/table.f0", "3C286.html"]) {
			expect(readFileSync(join(out, "new", file)).equals(readFileSync(join(alone, file)))).toBe(true);
		}
		expect(readdirSync(join(out, "flagged"))).toEqual(["quality.json"]);
		const text = readFileSync(prom, "utf8");
		expect(text).toMatch(/calibration_solve_attempts_total\{calibrator_name="3C286",status="accepted"\} 2/);
		expect(text).toMatch(/calibration_solve_attempts_total\{calibrator_name="none",status="refused"\} 1/);
		for (const type of ["K", "BP", "GP", "all"]) {
			expect(text).toMatch(
				new RegExp(
					`calibration_solve_duration_seconds_count\\{calibrator_name="3C286",calibration_type="${type}"\\} 2`,
				),
			);
		}
		expect(text).toMatch(/calibration_quality_score\{calibrator_name="3C286"\} (0\.9|1)/);
		for (const name of ["cpu_seconds_count 2", "peak_memory_bytes \\d{8}", "written_bytes_total \\d{5}"]) {
			expect(text).toMatch(new RegExp(`calibration_solve_${name}`));
		}
	});

	test("two sets of one name are not written over each other", () => {
		const run = caustic("calibrate", set("old"), set("old"), "--groups", "--out", join(folder, "twice"));
		expect(run.status).toBe(2);
		expect(run.stderr).toMatch(/two sets would go into the folder old/);
	});
});
