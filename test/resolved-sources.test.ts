import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { readTable } from "../src/formats/table/read.ts";
import { numbers, texts } from "../src/formats/table/table.ts";
import { Random } from "../src/simulation/random.ts";
import { addSource, widened } from "./simulated-field.ts";
import { KERNEL, RMS, skyPlane, writeCatalogue, writeObservation } from "./written-survey.ts";

const main = join(dirname(dirname(fileURLToPath(import.meta.url))), "src/cli/main.ts");
const caustic = (...args: string[]) => spawnSync(process.execPath, [main, ...args], { encoding: "utf8" });
const folder = mkdtempSync(join(tmpdir(), "caustic-resolved-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("resolved sources are measured with the catalogue's shape, alone and in a survey; points as points", async () => {
	const side = 256;
	const image = join(folder, "images/sky.fits");
	const places = Array.from({ length: 8 }, (_, i) => ({
		x: 50.2 + (i % 4) * 52,
		y: 80.4 + Math.floor(i / 4) * 90,
		flux: 80 * RMS,
	}));
	const plane = skyPlane(new Random(6), side, places.slice(4));
	// Half of them one and a half times as wide as the beam: 18 x 13.5 arcsec.
	const shape = widened(KERNEL, 1.5);
	for (const { x, y, flux } of places.slice(0, 4)) addSource(plane, shape, x, y, flux, 30);
	await writeObservation(image, plane);
	const at = join(folder, "at.csv");
	writeCatalogue(at, side, places);
	const [head, ...rows] = readFileSync(at, "utf8").trim().split("\n");
	const sized = rows.map((row, i) => `${row},${i < 4 ? "18,13.5,30" : "12.1,9,30"}`);
	writeFileSync(at, `${[`${head},major_arcsec,minor_arcsec,pa_deg`, ...sized].join("\n")}\n`);
	const judge = async (path: string) => {
		const table = await readTable(path);
		const ids = texts(table, "source_id");
		for (const [i, { flux }] of places.entries()) {
			const row = ids.indexOf(`s${i}`);
			expect(Math.abs(numbers(table, "flux_jy")[row] - flux), `s${i}`).toBeLessThan(
				4 * numbers(table, "flux_err_jy")[row],
			);
			expect(texts(table, "flags")[row]?.split("|").includes("resolved") ?? false).toBe(i < 4);
		}
	};
	const alone = caustic("measure", image, "--at", at, "--out", join(folder, "alone.csv"));
	expect([alone.stderr, alone.status]).toEqual(["", 0]);
	await judge(join(folder, "alone.csv"));
	const data = join(folder, "survey");
	const set = ["--set", "photometry_pipeline.catalog_beam=[12,9,30]", "--set", "photometry_pipeline.new_sources=false"];
	const run = caustic("run", join(folder, "images"), "--catalog", at, "--data", data, ...set);
	expect([run.stderr, run.status]).toEqual(["", 0]);
	expect(caustic("export", "measurements", "--data", data, "--out", join(folder, "survey.csv")).status).toBe(0);
	await judge(join(folder, "survey.csv"));
	const refused = caustic("run", image, "--data", data, "--set", "photometry_pipeline.catalog_beam=[9,12,30]");
	expect([refused.status, refused.stderr]).toEqual([2, expect.stringContaining("catalog_beam")]);
}, 90_000);
