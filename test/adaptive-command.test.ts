import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readFitsCube } from "../src/formats/fits/cube.ts";
import { readTable } from "../src/formats/table/read.ts";
import { numbers, type Table, texts } from "../src/formats/table/table.ts";
import { Random } from "../src/simulation/random.ts";
import { openStore } from "../src/store/open.ts";
import { unzip } from "./archives.ts";
import { hasSharedData, sharedData } from "./shared-data.ts";
import { mean, standardDeviation } from "./simulated-field.ts";
import { RMS, skyPlane, type WrittenSource, writeCatalogue, writeObservation } from "./written-survey.ts";

const main = join(dirname(dirname(fileURLToPath(import.meta.url))), "src/cli/main.ts");
const caustic = (...args: string[]) => spawnSync(process.execPath, [main, ...args], { encoding: "utf8" });
const folder = mkdtempSync(join(tmpdir(), "caustic-adaptive-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SIDE = 512;
const SUBBANDS = 8;
/** The error of an isolated flux in noise of the beam's correlation. */
const ERROR = RMS * Math.sqrt(4 / 3);

/** 144 sources whose signal to noise over all subbands together runs from 3 to 10; one to three in a single one. */
const random = new Random(11);
const sources: (WrittenSource & { bandSnr: number })[] = Array.from({ length: 144 }, (_, i) => {
	const bandSnr = 3 + (7 * i) / 143;
	return {
		x: 40 + (i % 12) * 39 + random.uniform(-3, 3),
		y: 40 + Math.floor(i / 12) * 39 + random.uniform(-3, 3),
		flux: (bandSnr * ERROR) / Math.sqrt(SUBBANDS),
		bandSnr,
	};
});
const frequencyMhz = (k: number) => 1300 + 20 * k;
const images = Array.from({ length: SUBBANDS }, (_, k) => join(folder, "images", `sub${k}.fits`));
const catalogue = join(folder, "catalogue.csv");
const withFluxes = join(folder, "with-fluxes.csv");

beforeAll(async () => {
	for (const [k, path] of images.entries()) {
		const plane = skyPlane(new Random(40 + k), SIDE, sources);
		await writeObservation(path, plane, { frequencyMhz: frequencyMhz(k) });
	}
	writeCatalogue(catalogue, SIDE, sources);
	const [head, ...rows] = readFileSync(catalogue, "utf8").trim().split("\n");
	writeFileSync(withFluxes, [`${head},flux_jy`, ...rows.map((row, i) => `${row},${sources[i].flux}`)].join("\n"));
}, 60_000);

/** Pulls of all bins, and the mean ratio of their fluxes to the truth. */
function judge(table: Table): { pulls: number[]; ratio: number } {
	const [flux, err] = ["flux_jy", "flux_err_jy"].map((name) => numbers(table, name));
	const truth = texts(table, "source_id").map((id) => sources[Number(id?.slice(1))].flux);
	const weight = truth.map((t, i) => (t / err[i]) ** 2);
	const total = weight.reduce((sum, w) => sum + w, 0);
	return {
		pulls: truth.map((t, i) => (flux[i] - t) / err[i]),
		ratio: truth.reduce((sum, t, i) => sum + (weight[i] * flux[i]) / t, 0) / total,
	};
}

describe("subbands of one epoch, each an image", () => {
	test("bins laid out by expectation are unbiased from 3 to 10 sigma, and cover the band once", async () => {
		const out = join(folder, "bins.csv");
		const run = caustic("measure", ...images, "--at", withFluxes, "--adaptive", "--target-snr", "5", "--out", out);
		expect([run.stderr, run.status]).toEqual(["", 0]);
		const table = await readTable(out);
		const { pulls, ratio } = judge(table);
		expect(Math.abs(mean(pulls))).toBeLessThan(3.5 / Math.sqrt(pulls.length));
		expect(Math.abs(standardDeviation(pulls) - 1)).toBeLessThan(3.5 / Math.sqrt(2 * pulls.length) + 0.02);
		expect(Math.abs(ratio - 1)).toBeLessThan(0.04);
		const perSource = Map.groupBy(numbers(table, "n_subbands").keys(), (i) => texts(table, "source_id")[i]);
		for (const [id, rows] of perSource) {
			expect(rows.reduce((sum, i) => sum + numbers(table, "n_subbands")[i], 0)).toBe(SUBBANDS);
			const { bandSnr } = sources[Number(id?.slice(1))];
			// The noise is measured: what lies at the target itself may fall on either side.
			if (Math.abs(bandSnr - 5) < 0.6) continue;
			const isFaint = bandSnr < 5;
			for (const i of rows) expect(texts(table, "flags")[i]?.includes("below_target") ?? false).toBe(isFaint);
		}
		// The brightest reach the target in half of the band or less.
		expect(perSource.get("s143")?.length).toBeGreaterThanOrEqual(2);
	}, 60_000);

	test("bins chosen by what is measured are marked, and biased as the theory says", async () => {
		const out = join(folder, "measured.csv");
		const run = caustic("measure", ...images, "--at", catalogue, "--adaptive", "--layout", "measured", "--out", out);
		expect([run.stderr, run.status]).toEqual(["", 0]);
		const table = await readTable(out);
		expect(judge(table).ratio).toBeGreaterThan(1.05);
		expect(texts(table, "flags").every((flags) => /selection_biased|below_target/.test(flags ?? ""))).toBe(true);
		// The mean over the band beside it is not.
		const seen = new Map(texts(table, "source_id").map((id, i) => [Number(id?.slice(1)), i]));
		const band = [...seen].map(
			([s, i]) => (numbers(table, "band_flux_jy")[i] - sources[s].flux) / numbers(table, "band_flux_err_jy")[i],
		);
		expect(Math.abs(mean(band))).toBeLessThan(3.5 / Math.sqrt(band.length));
	}, 60_000);

	test("the same result whatever the number of threads; mistakes are named", () => {
		const [one, two] = ["1", "2"].map((threads) =>
			caustic("measure", ...images.slice(0, 3), "--at", withFluxes, "--adaptive", "--threads", threads),
		);
		expect(one.stdout.length).toBeGreaterThan(1000);
		expect(two.stdout).toBe(one.stdout);
		for (const [args, words] of [
			[
				[images[0], images[0], "--at", catalogue, "--adaptive"],
				["sub0.fits", "1300 MHz"],
			],
			[
				[images[0], images[1], "--at", catalogue, "--adaptive", "--noise", images[2]],
				["--noise", "{name}"],
			],
			[[...images, "--at", catalogue], ["more than one image"]],
			[["--at", catalogue, "--adaptive"], ["no image"]],
			[
				[images[0], "--at", catalogue, "--adaptive", "--layout", "greedy"],
				["--layout", "greedy"],
			],
			[[images[0], "--at", catalogue, "--adaptive", "--target-snr", "0"], ["--target-snr"]],
		] as const) {
			const run = caustic("measure", ...args);
			expect(run.status, args.join(" ")).toBe(2);
			for (const word of words) expect(run.stderr).toContain(word);
		}
	}, 120_000);
});

describe("in the pipeline", () => {
	test("bins are stored beside the forced fluxes; a subband that is rejected is a hole; one subband alone is forced", async () => {
		const data = join(folder, "survey");
		const set = [
			"--set",
			"photometry_pipeline.adaptive_binning=true",
			"--set",
			"photometry_pipeline.new_sources=false",
		];
		const nights = join(folder, "nights");
		for (const k of [0, 1, 2, 3]) {
			const plane = skyPlane(new Random(70 + k), SIDE, sources);
			await writeObservation(join(nights, `a${k}.fits`), plane, { frequencyMhz: frequencyMhz(2 * k), startDay: 0 });
		}
		await writeObservation(join(nights, "b.fits"), skyPlane(new Random(80), SIDE, sources), {
			frequencyMhz: frequencyMhz(0),
			startDay: 4,
		});
		writeFileSync(join(nights, "a3.fits"), readFileSync(join(nights, "a3.fits")).subarray(0, 300_000));
		const run = caustic("run", nights, "--catalog", withFluxes, "--data", data, ...set, "--json");
		expect(run.status).toBe(3);
		const { summary } = JSON.parse(run.stdout) as { summary: { bin: Record<string, number> } };
		expect(summary.bin).toMatchObject({ forced_only: 1, subbands: 4 });
		const out = join(folder, "binned.csv");
		expect(caustic("export", "binned", "--data", data, "--out", out).status).toBe(0);
		const table = await readTable(out);
		const { pulls } = judge(table);
		expect(Math.abs(mean(pulls))).toBeLessThan(3.5 / Math.sqrt(pulls.length));
		const alone = numbers(table, "mjd").map((mjd) => (mjd > 60_313 ? 1 : 0));
		for (const [i, flags] of texts(table, "flags").entries()) {
			expect(flags?.split("|").includes("forced") ?? false).toBe(alone[i] === 1);
		}
		const store = await openStore({ dataFolder: data });
		try {
			const [{ same }] = await store.database.query<{ same: number }>(
				"forced is the bin",
				`SELECT count(*)::float8 AS same FROM binned_measurement b JOIN image i ON i.epoch_id = b.epoch_id JOIN measurement m ON m.image_id = i.id AND m.source_id = b.source_id
				 WHERE b.flags LIKE '%forced%' AND abs(b.flux_jy / coalesce(flux_norm_jy, m.flux_jy) - 1) < 1e-12 AND abs(b.flux_err_jy / coalesce(flux_norm_err_jy, m.flux_err_jy) - 1) < 1e-12`,
			);
			expect(same).toBe(sources.length);
		} finally {
			await store.close();
		}
	}, 120_000);
});

describe.skipIf(!hasSharedData)("real cubes with a beam for each channel", () => {
	test("are read once, channel by channel; what has no beam is a hole with a reason", async () => {
		const cubes = [...unzip(sharedData("images/emu-subbands/sub_cube_fits_examples.zip"))].filter(([name]) =>
			name.endsWith(".fits"),
		);
		expect(cubes).toHaveLength(10);
		for (const [name, content] of cubes.slice(0, 4)) {
			const path = join(folder, name.replaceAll("/", "-"));
			writeFileSync(path, content);
			const cube = await readFitsCube(path);
			const [ra, dec] = cube.wcs.pixelToIcrs(5, 5);
			const at = join(folder, "centre.csv");
			writeFileSync(at, `source_id,ra_deg,dec_deg,flux_jy\ncentre,${ra},${dec},0.0001\noutside,10,10,1\n`);
			const run = caustic("measure", path, "--at", at, "--adaptive", "--out", join(folder, "cube.csv"));
			expect(run.status).toBe(0);
			const holes = cube.beams.filter((beam) => beam === undefined).length;
			expect(
				run.stderr.split("\n").filter((line) => line.includes("the subband is a hole")).length,
			).toBeGreaterThanOrEqual(holes);
			const table = await readTable(join(folder, "cube.csv"));
			const inside = [...numbers(table, "bin").keys()].filter((i) => texts(table, "source_id")[i] === "centre");
			const used = inside.reduce((sum, i) => sum + numbers(table, "n_subbands")[i], 0);
			expect(used).toBe(
				36 -
					run.stderr
						.trim()
						.split("\n")
						.filter((line) => line !== "").length,
			);
			for (const i of inside) {
				expect(numbers(table, "flux_err_jy")[i]).toBeGreaterThan(0);
				expect(numbers(table, "frequency_mhz")[i]).toBeGreaterThan(803);
				expect(numbers(table, "frequency_mhz")[i]).toBeLessThan(1084);
			}
			expect(texts(table, "flags").at(-1)).toBe("no_data");
		}
	}, 60_000);
});
