import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { solutionIndex } from "../src/calibration/solution-table.ts";
import type { QualityDocument } from "../src/pipeline/calibration/quality-document.ts";
import { readTables } from "../src/pipeline/calibration/table-files.ts";
import { alterUvh5 } from "./altered-set.ts";

const main = join(dirname(dirname(fileURLToPath(import.meta.url))), "src/cli/main.ts");
const folder = mkdtempSync(join(tmpdir(), "caustic-options-"));
afterAll(() => rmSync(folder, { recursive: true }));
const caustic = (...args: string[]) => spawnSync(process.execPath, [main, ...args], { encoding: "utf8" });
const set = join(folder, "set");
const N = 10;

beforeAll(() => {
	const made = caustic(
		..."simulate visibilities".split(" "),
		set,
		..."--subbands 2 --channels 16 --width 2000 --integrations 8 --field 0 --no-defects --seed 21".split(" "),
		"--antennas",
		String(N),
	);
	expect(made.stderr).toBe("");
});

let count = 0;
function solve(paths: readonly string[], ...options: string[]) {
	const out = join(folder, `out-${++count}`);
	const run = caustic("calibrate", ...paths, ...options, "--out", out, "--json");
	expect(run.stderr).toBe("");
	// Kept although they are not good enough: exit code 3.
	expect(run.status).toBe(options.includes("--keep-rejected") ? 3 : 0);
	const tables = readTables(out, undefined);
	const table = (kind: string) => {
		const found = tables.find((one) => one.table.kind === kind);
		if (found === undefined) throw new Error(`no table ${kind}`);
		return found;
	};
	return { quality: JSON.parse(run.stdout) as QualityDocument, table, kinds: tables.map((one) => one.table.kind) };
}

describe("options of a solve do what they say", () => {
	test("solution intervals, one gain for all windows or one each, phase alone, fewer tables", () => {
		const whole = solve([set], "--gain-interval", "inf", "--gain-mode", "p", "--combine", "none");
		const { table, antennas } = whole.table("G");
		expect(table.timesMjd.length).toBe(1);
		expect(table.windows.length).toBe(2);
		for (const window of table.windows) {
			for (let p = 0; p < antennas.length; p++) {
				const i = solutionIndex(table, window, 0, p, 0, 0);
				if (window.flags[i] === 0) expect(Math.hypot(window.values[2 * i], window.values[2 * i + 1])).toBeCloseTo(1, 5);
			}
		}
		const pairs = solve([set], "--gain-interval", "26s", "--solve", "KG", "--keep-rejected");
		expect(pairs.quality.reasons.join()).toMatch(/chi-squared/);
		expect(pairs.kinds).toEqual(["K", "G"]);
		expect(pairs.table("G").table.timesMjd.length).toBe(4);
		expect(pairs.table("G").table.windows.length).toBe(1);
	});

	test("baselines by length, minimum signal to noise, channels together, no scaling", () => {
		const all = solve([set]);
		const long = solve([set], "--uvrange", "300,1000000");
		expect(long.quality.samples.good).toBeLessThan(all.quality.samples.good);
		expect(long.quality.tables.G?.snr_median).toBeLessThan(all.quality.tables.G?.snr_median ?? 0);
		const strict = solve(
			[set],
			"--bandpass-minsnr",
			"1000000",
			"--gain-minsnr",
			"3",
			"--solve",
			"KBG",
			"--keep-rejected",
		).quality;
		expect(strict.tables.B?.flagged_fraction_active).toBe(1);
	});

	test("a reference that is not there gives way to the next of the list", () => {
		const names = solve([set]).quality.antennas.map(({ name }) => name);
		const { quality, table } = solve([set], "--exclude", names[3], "--refant", `${names[5]},${names[2]}`);
		expect(quality.reference_antennas).toEqual({ XX: names[5], YY: names[5] });
		expect(quality.antennas.map(({ name }) => name)).not.toContain(names[3]);
		const { table: gains, antennas } = table("G");
		const at = antennas.findIndex(({ name }) => name === names[5]);
		const i = solutionIndex(gains, gains.windows[0], 2, at, 0, 0);
		expect(gains.windows[0].values[2 * i + 1]).toBeCloseTo(0, 6);
	});

	test("one that drops out half way hands over, and no other antenna sees a jump; strict flags instead", async () => {
		const name = readdirSync(set).filter((file) => file.endsWith(".hdf5"))[0];
		const names = solve([join(set, name)]).quality.antennas.map((antenna) => antenna.name);
		const path = join(folder, "dropping.hdf5");
		let lost = -1;
		await alterUvh5(join(set, name), path, {
			samples: (block) => {
				if (lost < 0) lost = [...new Set(block.antenna1)].sort((a, b) => a - b)[4];
				const perRow = block.flags.length / block.nRows;
				for (let r = 0; r < block.nRows; r++) {
					if (block.timeIndex[r] < 4 || (block.antenna1[r] !== lost && block.antenna2[r] !== lost)) continue;
					block.flags.fill(1, r * perRow, (r + 1) * perRow);
				}
			},
		});
		const { table, antennas } = solve([path], "--refant", names[4]).table("G");
		const window = table.windows[0];
		const phase = (p: number, t: number) => {
			const i = solutionIndex(table, window, t, p, 0, 0);
			return window.flags[i] === 0 ? Math.atan2(window.values[2 * i + 1], window.values[2 * i]) : Number.NaN;
		};
		const slots = names.map((one) => antennas.findIndex((antenna) => antenna.name === one));
		expect(window.references[3 * 2]).toBe(slots[4]);
		expect(window.references[4 * 2]).not.toBe(slots[4]);
		for (const [i, p] of slots.entries()) {
			if (i === 4) continue;
			for (let t = 1; t < 8; t++) {
				const step = phase(p, t) - phase(p, t - 1);
				expect(Math.abs(Math.atan2(Math.sin(step), Math.cos(step)))).toBeLessThan(0.12);
			}
		}
		expect(phase(slots[4], 5)).toBeNaN();
		const strict = solve([path], "--refant", names[4], "--refantmode", "strict").table("G");
		const flags = strict.table.windows[0].flags;
		const flagged = (t: number) => flags[solutionIndex(strict.table, strict.table.windows[0], t, slots[0], 0, 0)];
		expect([flagged(1), flagged(6)]).toEqual([0, 1]);
	});

	test("a report and a plot of every antenna stand beside the tables", () => {
		const plots = join(folder, "plots");
		solve([set], "--plots", plots);
		const names = readdirSync(plots);
		for (const wanted of ["bandpass-amplitude-XX.svg", "gain-phase-YY.svg", "delays.svg", "interference.svg"]) {
			expect(names).toContain(wanted);
		}
		expect(names.filter((one) => one.startsWith("antenna-") && one !== "antenna-chi2.svg").length).toBe(N);
		for (const one of names) {
			const svg = readFileSync(join(plots, one), "utf8");
			expect(svg.startsWith("<svg ")).toBe(true);
			expect(svg).not.toMatch(/NaN|undefined|Infinity/);
		}
	});
});
