import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readCatalogue } from "../src/formats/catalogue.ts";
import { readFitsImage, readFitsPlane } from "../src/formats/fits/image.ts";
import { readTable } from "../src/formats/table/read.ts";
import { numbers, texts } from "../src/formats/table/table.ts";

const main = fileURLToPath(new URL("../src/cli/main.ts", import.meta.url));
const caustic = (...args: string[]) => spawnSync(process.execPath, [main, ...args], { encoding: "utf8" });

let folder: string;
beforeAll(() => {
	folder = mkdtempSync(join(tmpdir(), "caustic-simulate-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const options = ["--epochs", "9", "--size", "256", "--sources", "12", "--frequencies", "888,1367", "--maps"];

describe("caustic simulate sky", () => {
	test("writes images that measure, with catalogue and truth beside them", async () => {
		const out = join(folder, "one");
		const { status, stdout, stderr } = caustic("simulate", "sky", out, ...options, "--json");
		expect([status, stderr]).toEqual([0, ""]);
		const { written } = JSON.parse(stdout);
		const files = readdirSync(join(out, "images"));
		const images = files.filter((name) => !/\.(rms|bkg)\.fits$/.test(name));
		expect(images.length).toBe(written);
		expect(files.length).toBe(3 * written);
		const image = await readFitsImage(join(out, "images", images[0]), { requireBeam: true });
		expect(image.warnings).toEqual([]);
		const truth = JSON.parse(readFileSync(join(out, "truth.json"), "utf8"));
		expect(image.time?.mjd).toBeCloseTo(truth.epochs[0].mjd, 9);
		expect([image.frequencyHz, image.unit, image.stokes]).toEqual([1367e6, "Jy/beam", "I"]);
		const rms = await readFitsPlane(join(out, "images", images[0].replace(".fits", ".rms.fits")));
		expect(rms.plane.data[0]).toBeGreaterThan(0.0004);
		const catalogue = await readCatalogue(join(out, "catalogue.csv"));
		expect([catalogue.sourceId.length, catalogue.problems]).toEqual([12, []]);
		const fluxes = await readTable(join(out, "truth-fluxes.csv"), { text: ["source_id"] });
		expect(fluxes.rows).toBe(12 * written);
		// The brightest source stands in the image where and as bright as the truth says.
		const bright = catalogue.fluxJy.indexOf(Math.max(...catalogue.fluxJy));
		const [x, y] = image.wcs.icrsToPixel(catalogue.raDeg[bright], catalogue.decDeg[bright]);
		const peak = image.plane.data[Math.round(y) * image.plane.width + Math.round(x)];
		const row = texts(fluxes, "source_id").findIndex(
			(id, i) => id === catalogue.sourceId[bright] && numbers(fluxes, "frequency_mhz")[i] === 1367,
		);
		expect(peak / numbers(fluxes, "scaled_flux_jy")[row]).toBeGreaterThan(0.85);
		expect(peak / numbers(fluxes, "scaled_flux_jy")[row]).toBeLessThan(1.02);
	});

	test("writes the same bytes again", () => {
		const out = join(folder, "two");
		expect(caustic("simulate", "sky", out, ...options).status).toBe(0);
		const list = (path: string) =>
			readdirSync(path, { recursive: true, encoding: "utf8" }).filter((name) => /\.\w+$/.test(name));
		const names = list(join(folder, "one"));
		expect(list(out).sort()).toEqual(names.sort());
		for (const name of names) {
			expect([name, readFileSync(join(out, name)).equals(readFileSync(join(folder, "one", name)))]).toEqual([
				name,
				true,
			]);
		}
	});

	test("bad usage is named and answered with 2", () => {
		const bad: [string[], RegExp][] = [
			[["simulate"], /simulate needs one of .*sky/],
			[["simulate", "moon"], /no command "moon"/],
			[["simulate", "sky"], /one folder to write to/],
			[["simulate", "sky", "x", "--noise", "loud"], /--noise: "loud" is not a number/],
			[["simulate", "sky", "x", "--pixel", "30"], /--pixel: the beam is/],
			[["simulate", "sky", "x", "--noise-correlation", "pink"], /--noise-correlation: "pink"/],
			[["simulate", "sky", "x", "--flux", "1"], /--flux: "1" is not LOW,HIGH/],
			[["simulate", "sky", "x", "--wat"], /--wat/],
		];
		for (const [args, message] of bad) {
			const { status, stderr } = caustic(...args);
			expect([args.join(" "), status]).toEqual([args.join(" "), 2]);
			expect(stderr).toMatch(message);
			expect(stderr.trim().split("\n").length).toBeLessThanOrEqual(2);
		}
	});

	test("help shows the family and the member", () => {
		expect(caustic("simulate", "--help").stdout).toMatch(/simulate sky +FITS images/);
		expect(caustic("help", "simulate", "sky").stdout).toMatch(/--noise-correlation KIND/);
		expect(caustic("simulate", "sky", "--help").stdout).toMatch(/Examples?:\n {2}caustic simulate sky/);
	});
});
