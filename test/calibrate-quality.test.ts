import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { VisibilityBlock } from "../src/calibration/visibility-set.ts";
import type { QualityDocument } from "../src/pipeline/calibration/quality-document.ts";
import { Random } from "../src/simulation/random.ts";
import { alterUvh5 } from "./altered-set.ts";

const main = join(dirname(dirname(fileURLToPath(import.meta.url))), "src/cli/main.ts");
const folder = mkdtempSync(join(tmpdir(), "caustic-quality-"));
afterAll(() => rmSync(folder, { recursive: true }));
const caustic = (...args: string[]) => spawnSync(process.execPath, [main, ...args], { encoding: "utf8" });
let file = "";
let stations: number[] = [];

beforeAll(() => {
	const good = join(folder, "good");
	const shape =
		"--antennas 12 --subbands 1 --channels 32 --width 2000 --integrations 8 --field 0 --no-defects --seed 78";
	expect(caustic("simulate", "visibilities", good, ...shape.split(" ")).stderr).toBe("");
	file = join(good, readdirSync(good).filter((name) => name.endsWith(".hdf5"))[0]);
});

let count = 0;
/** Solves the set with every visibility between different antennas changed. */
async function solved(change: (value: [number, number], p: number, q: number) => [number, number], ...args: string[]) {
	const path = join(folder, `altered-${++count}.hdf5`);
	await alterUvh5(file, path, {
		samples: ({ visibilities: v, antenna1, antenna2, nRows }: VisibilityBlock) => {
			stations = [...new Set(antenna1)].sort((a, b) => a - b);
			const perRow = v.length / nRows;
			for (let i = 0; i < v.length; i += 2) {
				const row = Math.floor(i / perRow);
				if (antenna1[row] !== antenna2[row]) v.set(change([v[i], v[i + 1]], antenna1[row], antenna2[row]), i);
			}
		},
	});
	const out = join(folder, `out-${count}`);
	const run = caustic("calibrate", path, "--out", out, ...args);
	const quality = JSON.parse(readFileSync(join(out, "quality.json"), "utf8")) as QualityDocument;
	if (quality.score_parts === null) throw new Error(`not solved: ${run.stderr}`);
	return { path, out, run, quality, parts: quality.score_parts };
}

describe("a score that is low says why, and what is not accepted is not used", () => {
	test("good data have a score of one in every part", async () => {
		const { quality, parts } = await solved((value) => value);
		expect(quality.accepted).toBe(true);
		expect(Math.min(...Object.values(parts))).toBeGreaterThan(0.97);
	});

	test("dead antennas: fewer are solved, and nothing else is worse", async () => {
		const random = new Random(1);
		const { quality, parts } = await solved((value, p, q) =>
			stations.indexOf(p) < 2 || stations.indexOf(q) < 2 ? [5 * random.normal(), 5 * random.normal()] : value,
		);
		expect(quality.accepted).toBe(true);
		expect(parts.solved).toBeCloseTo(10 / 12, 6);
		expect(Math.min(parts.converged, parts.snr, parts.chi2)).toBeGreaterThan(0.97);
		expect(quality.antennas.filter(({ state }) => state === "dead").length).toBe(2);
	});

	test("baselines that no gains of antennas explain: the residuals say so", async () => {
		const { quality, parts } = await solved(([re, im], p, q) => {
			const factor = (p + q) % 2 === 0 ? 1.5 : 0.6;
			return [factor * re, factor * im];
		});
		expect(parts.chi2).toBeLessThan(0.5);
		expect(Math.min(parts.solved, parts.converged)).toBeGreaterThan(0.97);
		expect(quality.score).toBeLessThan(0.85);
		expect(quality.tables.G?.residual_chi2 ?? 0).toBeGreaterThan(3);
	});

	test("signal drowned in noise: the signal to noise says so", async () => {
		const random = new Random(2);
		const { quality, parts } = await solved(
			([re, im]) => [re + 18 * random.normal(), im + 18 * random.normal()],
			"--bandpass-channels",
			"1",
			"--bandpass-minsnr",
			"1",
		);
		expect(parts.snr).toBeLessThan(0.92);
		expect(parts.chi2).toBeGreaterThan(0.9);
		expect(quality.score).toBeLessThan(0.97);
	});

	test("too few antennas solved: refused, no table is left, and tables kept all the same are not applied", async () => {
		const random = new Random(3);
		const half = (value: [number, number], p: number, q: number): [number, number] =>
			stations.indexOf(p) < 5 || stations.indexOf(q) < 5 ? [5 * random.normal(), 5 * random.normal()] : value;
		const { out, run, quality } = await solved(half);
		expect(run.status).toBe(3);
		expect(quality.accepted).toBe(false);
		expect(quality.reasons.join()).toMatch(/58 % of the active antenna-polarisations solved, 70 % needed/);
		expect(readdirSync(out).filter((name) => /\.[KBG]$/.test(name))).toEqual([]);

		const kept = await solved(half, "--keep-rejected");
		expect(existsSync(join(kept.out, "3C286.G"))).toBe(true);
		const target = join(folder, "corrected.ms");
		const applied = caustic("apply", kept.path, "--tables", kept.out, "--out", target);
		expect(applied.status).toBe(2);
		expect(applied.stderr).toMatch(/the solutions were refused: .*70 % needed/);
		expect(existsSync(target)).toBe(false);
		expect(caustic("apply", kept.path, "--tables", kept.out, "--out", target, "--force").status).toBe(0);
		expect(existsSync(target)).toBe(true);
	});
});
