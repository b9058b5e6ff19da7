import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { readTable } from "../src/formats/table/read.ts";
import { numbers, type Table, texts } from "../src/formats/table/table.ts";
import { Random } from "../src/simulation/random.ts";
import { pixelKernel } from "../src/sky/beam.ts";
import type { Plane } from "../src/sky/plane.ts";
import { addSource, flatPlane } from "./simulated-field.ts";
import { KERNEL, RMS, skyPlane, type WrittenSource, writeCatalogue, writeObservation } from "./written-survey.ts";

const main = join(dirname(dirname(fileURLToPath(import.meta.url))), "src/cli/main.ts");
/** Nothing here may take long: a hang is a failure. */
const caustic = (...args: string[]) =>
	spawnSync(process.execPath, [main, ...args], { encoding: "utf8", timeout: 60_000 });
const folder = mkdtempSync(join(tmpdir(), "caustic-bad-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = (name: string) => join(folder, name);

const SIDE = 256;
const sources: WrittenSource[] = Array.from({ length: 16 }, (_, i) => ({
	x: 40.3 + (i % 4) * 56,
	y: 40.6 + Math.floor(i / 4) * 56,
	flux: (i % 2 === 0 ? 1 : -1) * RMS * (30 + i),
}));

async function measured(name: string, ...args: string[]): Promise<Table> {
	const run = caustic("measure", ...args, "--out", file(`${name}.csv`));
	expect([run.stderr, run.status]).toEqual(["", 0]);
	return readTable(file(`${name}.csv`));
}

describe("signed images (Stokes V)", () => {
	test("negative sources are measured as such, and found with --negative", async () => {
		await writeObservation(file("v.fits"), skyPlane(new Random(1), SIDE, sources));
		writeCatalogue(file("v-at.csv"), SIDE, sources);
		const table = await measured("v", file("v.fits"), "--at", file("v-at.csv"));
		const [flux, err, limit] = ["flux_jy", "flux_err_jy", "upper_limit_jy"].map((name) => numbers(table, name));
		for (const [i, source] of sources.entries()) {
			expect(Math.abs(flux[i] - source.flux)).toBeLessThan(4 * err[i]);
			// A negative flux keeps its value beside the limit.
			expect(Number.isNaN(limit[i])).toBe(source.flux > 0);
		}
		const count = async (...more: string[]) => {
			const run = caustic("find", file("v.fits"), ...more, "--out", file("found.csv"));
			expect([run.stderr, run.status]).toEqual(["", 0]);
			const found = await readTable(file("found.csv"));
			return [...numbers(found, "peak_flux_jy")].map(Math.sign);
		};
		expect((await count()).every((sign) => sign > 0)).toBe(true);
		const signs = await count("--negative");
		expect([signs.filter((s) => s > 0).length, signs.filter((s) => s < 0).length]).toEqual([8, 8]);
	});
});

describe("maps and images that are not what they should be", () => {
	test("zeros in a noise map are places without a measurement, and no island", async () => {
		const bright = sources.map((source) => ({ ...source, flux: Math.abs(source.flux) }));
		await writeObservation(file("z.fits"), skyPlane(new Random(2), SIDE, bright));
		const noise = flatPlane(SIDE, SIDE, RMS);
		noise.data.fill(0, 0, SIDE * 70);
		await writeObservation(file("z.rms.fits"), noise);
		writeCatalogue(file("z-at.csv"), SIDE, bright);
		const table = await measured("z", file("z.fits"), "--at", file("z-at.csv"), "--noise", file("z.rms.fits"));
		for (const [i, source] of bright.entries()) {
			expect(texts(table, "flags")[i] === "bad_noise").toBe(source.y < 70);
			expect(Number.isNaN(numbers(table, "flux_jy")[i])).toBe(source.y < 70);
		}
		const run = caustic("find", file("z.fits"), "--noise", file("z.rms.fits"), "--out", file("z-found.csv"));
		expect([run.stderr, run.status]).toEqual(["", 0]);
		expect((await readTable(file("z-found.csv"))).rows).toBe(12);
		// A map of nothing but zeros: every row is there and says why it has no value.
		await writeObservation(file("zero.rms.fits"), flatPlane(SIDE, SIDE, 0));
		const none = await measured("zero", file("z.fits"), "--at", file("z-at.csv"), "--noise", file("zero.rms.fits"));
		expect(texts(none, "flags")).toEqual(bright.map(() => "bad_noise"));
		const empty = caustic("find", file("z.fits"), "--noise", file("zero.rms.fits"), "--json");
		expect([empty.status, empty.stdout.trim()]).toEqual([0, "[]"]);
	});

	test("an image without a single value is named; with maps its rows are flagged", async () => {
		await writeObservation(file("nan.fits"), flatPlane(SIDE, SIDE, Number.NaN));
		await writeObservation(file("nan.rms.fits"), flatPlane(SIDE, SIDE, RMS));
		writeCatalogue(file("nan-at.csv"), SIDE, sources);
		for (const args of [
			["measure", file("nan.fits"), "--at", file("nan-at.csv")],
			["find", file("nan.fits")],
			["background", file("nan.fits")],
		]) {
			const run = caustic(...args);
			expect(run.status, args[0]).toBe(2);
			expect(run.stderr).toContain("nan.fits");
			expect(run.stderr.trim().split("\n").length).toBeLessThanOrEqual(2);
		}
		const table = await measured("nan", file("nan.fits"), "--at", file("nan-at.csv"), "--noise", file("nan.rms.fits"));
		expect(texts(table, "flags")).toEqual(sources.map(() => "no_data"));
		const found = caustic("find", file("nan.fits"), "--noise", file("nan.rms.fits"), "--json");
		expect([found.status, found.stdout.trim()]).toEqual([0, "[]"]);
	});

	test("a beam of one pixel is measured and searched with", async () => {
		const step = 2 / 3600;
		const kernel = pixelKernel(
			{ majorDeg: step, minorDeg: step, paDeg: 0 },
			{ eastPerX: -step, eastPerY: 0, northPerX: 0, northPerY: step },
		);
		const random = new Random(3);
		const plane: Plane = {
			width: SIDE,
			height: SIDE,
			data: Float64Array.from({ length: SIDE * SIDE }, () => RMS * random.normal()),
		};
		const bright = sources.map((source) => ({ ...source, flux: 2 * Math.abs(source.flux) }));
		for (const { x, y, flux } of bright) addSource(plane, kernel, x, y, flux, 6);
		await writeObservation(file("narrow.fits"), plane);
		writeCatalogue(file("narrow-at.csv"), SIDE, bright);
		const table = await measured("narrow", file("narrow.fits"), "--at", file("narrow-at.csv"), "--beam", "2,2,0");
		for (const [i, { flux }] of bright.entries()) {
			expect(Math.abs(numbers(table, "flux_jy")[i] - flux)).toBeLessThan(4.5 * numbers(table, "flux_err_jy")[i]);
		}
		const run = caustic("find", file("narrow.fits"), "--beam", "2,2,0", "--out", file("narrow-found.csv"));
		expect([run.stderr, run.status]).toEqual(["", 0]);
		expect((await readTable(file("narrow-found.csv"))).rows).toBeGreaterThanOrEqual(14);
	});

	test("axes beyond 32,767 pixels do not wrap; positions outside keep their rows", async () => {
		const width = 33_000;
		const height = 48;
		const random = new Random(4);
		const plane: Plane = {
			width,
			height,
			data: Float32Array.from({ length: width * height }, () => RMS * random.normal()),
		};
		const far = [
			{ x: 32_901.3, y: 23.6, flux: 50 * RMS },
			{ x: 32_767.5, y: 24.2, flux: 50 * RMS },
			{ x: 120.4, y: 22.9, flux: 50 * RMS },
		];
		for (const { x, y, flux } of far) addSource(plane, KERNEL, x, y, flux, 20);
		await writeObservation(file("wide.fits"), plane);
		writeCatalogue(file("wide-at.csv"), width, [...far, { x: -500, y: 20 }, { x: 33_100, y: 24 }], height);
		const table = await measured("wide", file("wide.fits"), "--at", file("wide-at.csv"));
		for (const [i, { x, flux }] of far.entries()) {
			expect(numbers(table, "x_pix")[i]).toBeCloseTo(x, 3);
			expect(Math.abs(numbers(table, "flux_jy")[i] - flux)).toBeLessThan(5 * numbers(table, "flux_err_jy")[i]);
		}
		expect(texts(table, "flags").slice(3)).toEqual(["off_image", "off_image"]);
		const run = caustic("find", file("wide.fits"), "--out", file("wide-found.csv"));
		expect([run.stderr, run.status]).toEqual(["", 0]);
		const bright = [...numbers(await readTable(file("wide-found.csv")), "snr")].filter((snr) => snr > 20);
		expect(bright).toHaveLength(3);
	}, 60_000);
});
