import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readTable } from "../src/formats/table/read.ts";
import { column, numbers } from "../src/formats/table/table.ts";
import { separationDeg } from "../src/sky/separation.ts";
import { hasSharedData, sharedData } from "./shared-data.ts";

const main = join(dirname(dirname(fileURLToPath(import.meta.url))), "src/cli/main.ts");

/** Peak flux and error, Jy, and position of each component of a Selavy list. */
const selavy = (epoch: number) =>
	readFileSync(sharedData("images/vast-epochs", `epoch0${epoch}.selavy.components.txt`), "utf8")
		.split("\n")
		.filter((line) => line.trim() !== "" && !line.startsWith("#"))
		.map((line) => line.trim().split(/\s+/).map(Number))
		.map((f) => ({ raDeg: f[5], decDeg: f[6], peakJy: f[10] / 1000, peakErrJy: f[11] / 1000 }));

describe.skipIf(!hasSharedData)("the pipeline on images that nobody here made", () => {
	const data = mkdtempSync(join(tmpdir(), "caustic-vast-"));
	const caustic = (...args: string[]) => spawnSync(process.execPath, [main, ...args], { encoding: "utf8" });
	let first: ReturnType<typeof caustic>;
	beforeAll(() => {
		first = caustic("run", sharedData("images/vast-epochs"), "--data", data);
	});
	afterAll(() => rmSync(data, { recursive: true, force: true }));

	test("names what it saw: four images, their maps, and files left alone", () => {
		expect(first.stderr).toBe("");
		expect(first.status).toBe(0);
		expect(first.stdout).toContain("4 seen, 4 new; 8 noise or background maps; 16 files left alone");
	});

	test("light curves agree with Selavy: each point within 3 combined errors, the median within 0.1 %", async () => {
		const table = await readTable(join(data, "products/light_curves.csv"));
		const [ra, dec, mjd, flux, err] = ["ra_deg", "dec_deg", "mjd", "flux_jy", "flux_err_jy"].map((name) =>
			numbers(table, name),
		);
		const epochs = [...new Set(mjd)].sort((a, b) => a - b);
		expect(epochs.length).toBe(4);
		const ratios: number[] = [];
		for (let k = 0; k < 4; k++) {
			// The field of the fourth epoch is shifted by an arcsecond, as its own list shows.
			for (const component of selavy(k + 1)) {
				const row = mjd.findIndex(
					(time, i) => time === epochs[k] && separationDeg(ra[i], dec[i], component.raDeg, component.decDeg) * 3600 < 3,
				);
				expect(row, `epoch ${k + 1} at ${component.raDeg} ${component.decDeg}`).toBeGreaterThanOrEqual(0);
				expect(
					Math.abs(flux[row] - component.peakJy),
					`epoch ${k + 1} at ${component.raDeg} ${component.decDeg}`,
				).toBeLessThan(3 * Math.hypot(err[row], component.peakErrJy));
				ratios.push(flux[row] / component.peakJy);
			}
		}
		ratios.sort((a, b) => a - b);
		expect(ratios.length).toBeGreaterThan(14);
		expect(Math.abs(ratios[ratios.length >> 1] - 1)).toBeLessThan(1e-3);
		expect(column(table, "flags")).toBeDefined();
	});

	test("a second run finds nothing new and doubles nothing", async () => {
		const before = await readTable(join(data, "products/light_curves.csv"));
		const again = caustic("run", sharedData("images/vast-epochs"), "--data", data);
		expect(again.status).toBe(0);
		expect(again.stdout).toContain("4 seen, none new");
		expect(await readTable(join(data, "products/light_curves.csv"))).toEqual(before);
	});

	test("a damaged image is rejected by name, the rest is done, exit code 3", () => {
		const folder = mkdtempSync(join(tmpdir(), "caustic-damaged-"));
		for (const name of ["epoch01.fits", "epoch02.fits"])
			spawnSync("cp", [sharedData("images/vast-epochs", name), folder]);
		spawnSync("sh", [
			"-c",
			`chmod u+w ${folder}/*; truncate -s 100000 ${folder}/epoch02.fits; echo nonsense > ${folder}/empty.fits`,
		]);
		const run = caustic("run", folder, "--data", join(folder, "survey"));
		expect(run.status).toBe(3);
		expect(run.stdout).toContain("epoch02.fits");
		expect(run.stdout).toContain("empty.fits");
		expect(run.stdout).toContain("1 seen, 1 new");
		rmSync(folder, { recursive: true, force: true });
	});

	test("wrong paths and settings are refused with exit code 2", () => {
		for (const [args, word] of [
			[["run", "/nowhere", "--data", data], "/nowhere"],
			[["run", sharedData("images"), "--data", data, "--set", "normalization.gate_low=high"], "normalization.gate_low"],
			[["run"], "no path"],
		] as const) {
			const run = caustic(...args);
			expect(run.stderr).toContain(word);
			expect(run.stderr.trim().split("\n").length).toBeLessThanOrEqual(2);
			expect([1, 2]).toContain(run.status);
		}
	});
});
