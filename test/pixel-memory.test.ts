import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { registry } from "../src/observability/metrics.ts";
import { PixelPool } from "../src/pipeline/pixels/pool.ts";
import type { FindTask, MeasureTask } from "../src/pipeline/pixels/tasks.ts";
import { Random } from "../src/simulation/random.ts";
import { PEAK_KB } from "./peak-memory.ts";
import { flatPlane } from "./simulated-field.ts";
import { RMS, skyPlane, type WrittenSource, writeCatalogue, writeObservation } from "./written-survey.ts";

const main = join(dirname(dirname(fileURLToPath(import.meta.url))), "src/cli/main.ts");
const caustic = (...args: string[]) => spawnSync(process.execPath, [main, ...args], { encoding: "utf8" });
const folder = mkdtempSync(join(tmpdir(), "caustic-pixels-"));
const images = join(folder, "images");
const catalogue = join(folder, "catalogue.csv");
const random = new Random(8);
const sources: WrittenSource[] = Array.from({ length: 25 }, (_, i) => ({
	x: 40 + (i % 5) * 44 + random.uniform(-3, 3),
	y: 40 + Math.floor(i / 5) * 44 + random.uniform(-3, 3),
	flux: RMS * random.uniform(4, 60),
}));

beforeAll(async () => {
	for (let epoch = 0; epoch < 4; epoch++) {
		await writeObservation(join(images, `e${epoch}.fits`), skyPlane(new Random(epoch), 256, sources), {
			startDay: epoch,
		});
	}
	writeCatalogue(catalogue, 256, sources);
}, 30_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("one thread in little memory and many threads store the same, byte for byte", () => {
	const tables = [
		["--threads", "1", "--set", "photometry_pipeline.memory_limit_mb=64"],
		["--threads", "3"],
	].map((more, i) => {
		const data = join(folder, `survey${i}`);
		const run = caustic("run", images, "--catalog", catalogue, "--data", data, ...more);
		expect([run.stderr, run.status]).toEqual(["", 0]);
		return caustic("export", "measurements", "--data", data).stdout;
	});
	expect(tables[0].split("\n").length).toBeGreaterThan(100);
	expect(tables[1]).toBe(tables[0]);
}, 120_000);

test("an image that cannot fit into the memory allowed is rejected with the setting that would let it", async () => {
	const large = join(folder, "large");
	await writeObservation(join(large, "large.fits"), flatPlane(1400, 1400, 0.001), { startDay: 9 });
	const set = ["--set", "photometry_pipeline.memory_limit_mb=64"];
	const run = caustic("run", large, images, "--catalog", catalogue, "--data", join(folder, "small"), ...set);
	expect(run.status).toBe(3);
	expect(run.stdout).toMatch(/large\.fits.*needs 80 MB.*memory_limit_mb to 80/s);
}, 60_000);

test("an image that was searched is not read again to be measured; identical requests are answered at once", async () => {
	const pool = new PixelPool({ threads: 2, memoryBytes: 1e9 });
	const total = async (cache: string, outcome: string) => {
		const metric = await registry.getSingleMetric("photometry_cache_requests_total")?.get();
		return metric?.values.find((one) => one.labels.cache === cache && one.labels.outcome === outcome)?.value ?? 0;
	};
	// The counters belong to the process, in which other tests have counted before.
	const before = new Map<string, number>();
	for (const [cache, outcome] of [
		["maps", "hit"],
		["results", "hit"],
		["results", "miss"],
	])
		before.set(`${cache} ${outcome}`, await total(cache, outcome));
	const count = async (cache: string, outcome: string) =>
		(await total(cache, outcome)) - (before.get(`${cache} ${outcome}`) ?? 0);
	try {
		const common = {
			paths: { image: join(images, "e0.fits"), noise: null, background: null },
			settings: {
				seedSigma: 5,
				floodSigma: 4,
				blendRadiusBeams: 2.5,
				upperLimitSigma: 3,
				beamGeometry: "reference" as const,
			},
			pixels: 256 * 256,
		};
		const task: MeasureTask = { ...common, raDeg: Float64Array.of(187.3), decDeg: Float64Array.of(37.5) };
		const alone = await pool.measure({ ...task, settings: { ...task.settings, upperLimitSigma: 5 } });
		expect([await count("maps", "hit"), await count("results", "miss")]).toEqual([0, 1]);
		const found = await pool.find(common satisfies FindTask);
		expect(found.n).toBeGreaterThan(15);
		const kept = await pool.measure(task);
		expect(await count("maps", "hit")).toBe(1);
		expect(kept.fluxJy).toEqual(alone.fluxJy);
		expect(kept.fluxErrJy).toEqual(alone.fluxErrJy);
		expect(await pool.measure(structuredClone(task))).toBe(kept);
		expect(await count("results", "hit")).toBe(1);
		// The same path with other bytes is another image.
		await writeObservation(common.paths.image, skyPlane(new Random(77), 256, []));
		expect((await pool.measure(task)).fluxJy).not.toEqual(kept.fluxJy);
	} finally {
		await pool.close();
	}
}, 60_000);

test("images that are done with do not stay in memory", async () => {
	const image = join(folder, "again", "again.fits");
	await writeObservation(image, flatPlane(1024, 1024, 0.001), { startDay: 1 });
	const reader = new URL("../src/formats/fits/image.ts", import.meta.url).href;
	const script = `
		import { readFitsImage } from ${JSON.stringify(reader)};
		for (let i = 0; i < 300; i++) await readFitsImage(${JSON.stringify(image)});
		console.log(${PEAK_KB} / 1024);`;
	const run = spawnSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
	expect(run.stderr).toBe("");
	// 300 images are 1,200 MB, 2,400 with the room behind them.
	expect(Number(run.stdout)).toBeLessThan(600);
}, 60_000);
