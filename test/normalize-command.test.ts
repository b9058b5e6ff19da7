import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadConfig } from "../src/config/load.ts";
import { readTable } from "../src/formats/table/read.ts";
import { numbers, texts } from "../src/formats/table/table.ts";
import { configurationHash } from "../src/pipeline/runner.ts";
import type { StageContext } from "../src/pipeline/stage.ts";
import { normalise } from "../src/pipeline/stages/normalise.ts";
import type { Row } from "../src/store/database.ts";
import { openStore, type Store } from "../src/store/open.ts";
import type { Run } from "../src/store/runs.ts";
import { simulateField } from "./simulated-gains.ts";
import { storeField } from "./stored-field.ts";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = mkdtempSync(join(tmpdir(), "caustic-normalize-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const caustic = (...args: string[]) =>
	new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
		execFile(process.execPath, [join(root, "src/cli/main.ts"), ...args], { cwd: folder }, (error, stdout, stderr) =>
			resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
		);
	});

const field = simulateField(31, {
	sources: 40,
	epochs: 20,
	jumps: [{ first: 8, last: 12, amplitude: 0.25, tilt: 0.1 }],
});

/** Rows in no order, as an astronomer's table may have them; the last row but one is damaged and one epoch is repeated. */
function table(named: boolean): string {
	const rows: string[] = [];
	for (let at = 0; at < field.fluxJy.length; at++) {
		const i = Math.floor(at / 20);
		const k = at % 20;
		const row = [
			`S${i}`,
			field.mjd[k] + 1e-5 * i,
			1400,
			field.fluxJy[at],
			field.fluxErrJy[at],
			field.raDeg[i],
			field.decDeg[i],
			"F1",
		];
		rows.push([...row, ...(named ? [`E${k}`] : [])].join(","));
	}
	rows.sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
	rows.push(
		[
			"S3",
			field.mjd[2] + 3e-5,
			1400,
			2 * field.fluxJy[3 * 20 + 2],
			1,
			field.raDeg[3],
			field.decDeg[3],
			"F1",
			...(named ? ["E2"] : []),
		].join(","),
	);
	rows.push(
		["S4", field.mjd[2], 1400, "", 0.001, field.raDeg[4], field.decDeg[4], "F1", ...(named ? ["E2"] : [])].join(","),
	);
	const header = "source_id,mjd,frequency_mhz,flux_jy,flux_err_jy,ra_deg,dec_deg,field_id";
	return `${header}${named ? ",epoch_id" : ""}\n${rows.join("\n")}\n`;
}

describe("caustic normalize on a table", () => {
	test.each([true, false])("epochs named: %s. Jumps go, raw columns stay, nothing is lost", async (named) => {
		const input = join(folder, `curves-${named}.csv`);
		const out = join(folder, `scaled-${named}.csv`);
		const report = join(folder, `report-${named}.html`);
		writeFileSync(input, table(named));
		const { code, stderr } = await caustic("normalize", "--light-curves", input, "--out", out, "--report", report);
		expect(code).toBe(3);
		expect(stderr).toMatch(/row 802: /);
		const before = await readTable(input, { text: ["source_id"] });
		const after = await readTable(out, { text: ["source_id"] });
		expect(after.rows).toBe(802);
		expect(numbers(after, "flux_jy")).toEqual(numbers(before, "flux_jy"));
		const norm = numbers(after, "flux_norm_jy");
		const err = numbers(after, "flux_norm_err_jy");
		const mjd = numbers(after, "mjd");
		const correction = numbers(after, "correction");
		const raw = numbers(after, "flux_jy");
		const ids = texts(after, "source_id");
		let square = 0;
		let n = 0;
		for (let row = 0; row < 800; row++) {
			const i = Number(ids[row]?.slice(1));
			const k = Math.round((mjd[row] - field.mjd[0]) / 2);
			if (ids[row] === "S3" && k === 2) continue;
			expect(correction[row]).toBeGreaterThan(k >= 8 && k <= 12 ? 1.05 : 0.85);
			square += ((norm[row] / field.trueFluxJy[i] - 1) / Math.hypot(err[row] / field.trueFluxJy[i], 0.02)) ** 2;
			n++;
		}
		expect(Math.sqrt(square / n)).toBeLessThan(3.5);
		// The repeated row is corrected like its epoch, with its own flux and error.
		expect(norm[800] * correction[800]).toBeCloseTo(raw[800], 9);
		expect(err[800]).toBeGreaterThan(0.5);
		expect(norm[801]).toBeNaN();
		expect(new Set(texts(after, "correction_source").slice(0, 800))).toEqual(new Set(["ensemble"]));
		const html = readFileSync(report, "utf8");
		expect(html).toContain("Flux scale of each epoch");
		expect(html).toContain("single");
		expect(html).not.toMatch(/NaN|undefined|Infinity/);
	});

	test("the same table gives the same bytes whatever the number of threads", async () => {
		const input = join(folder, "bands.csv");
		const lines = table(true).trim().split("\n");
		const other = lines.slice(1).map((line) => line.replace(",1400,", ",1500,"));
		writeFileSync(input, `${[...lines, ...other].join("\n")}\n`);
		const [one, two] = await Promise.all([
			caustic("normalize", "--light-curves", input, "--threads", "1"),
			caustic("normalize", "--light-curves", input, "--threads", "2"),
		]);
		expect(one.stdout.length).toBeGreaterThan(100_000);
		expect(two.stdout).toBe(one.stdout);
	});

	test("mode none adds the columns and changes no flux", async () => {
		const input = join(folder, "none.csv");
		writeFileSync(input, table(true));
		const { stdout } = await caustic("normalize", "--light-curves", input, "--mode", "none", "--json");
		const rows = JSON.parse(stdout) as Record<string, unknown>[];
		expect(rows).toHaveLength(802);
		expect(rows[0].flux_norm_jy).toBe(rows[0].flux_jy);
		expect(rows[0].correction_source).toBe("none");
		expect(rows[0].norm_flags).toContain("not_normalised");
	});

	test("bad usage names what is wrong", async () => {
		const empty = join(folder, "empty.csv");
		writeFileSync(empty, "source_id,mjd,frequency_mhz,flux_jy,flux_err_jy\nA,60000,1400,,0.1\n");
		for (const [args, message] of [
			[[], /--light-curves/],
			[["--light-curves", "nowhere.csv"], /nowhere.csv/],
			[["--light-curves", empty], /no usable measurement/],
			[["--light-curves", empty, "--mode", "magic"], /--mode.*magic/],
			[["--light-curves", empty, "--out", "x.exe"], /x\.exe/],
		] as [string[], RegExp][]) {
			const { code, stderr } = await caustic("normalize", ...args);
			expect(code).toBe(2);
			expect(stderr).toMatch(message);
		}
	});
});

describe("caustic normalize on stored images", () => {
	const data = join(folder, "survey");
	const survey = simulateField(41, {
		sources: 60,
		epochs: 8,
		snr: [15, 300],
		jumps: [{ first: 4, last: 5, amplitude: 0.2, tilt: 0.1 }],
	});
	let before: Row[];
	/** Open throughout: the commands attach to its server instead of starting one each. */
	let store: Store;
	const rowsOf = (text: string) => store.database.query<Row>("test", text);
	const MEASUREMENTS = "SELECT * FROM measurement ORDER BY image_id, source_id";
	beforeAll(async () => {
		store = await openStore({ dataFolder: data });
		const { config } = loadConfig();
		await storeField(store.database, survey, () => "first", { catalogueFluxJy: (i) => survey.trueFluxJy[i] });
		await store.database.execute("end run", "UPDATE run SET status = 'done'");
		const context = { database: store.database, config, configurationHash: configurationHash(config) } as StageContext;
		const result = await normalise.execute(context, { id: "first" } as Run, "1");
		await store.database.transaction("store", (tx) => result.store(tx));
		before = await rowsOf(MEASUREMENTS);
	}, 60_000);
	afterAll(() => store.close());
	const ask = async (...args: string[]) => {
		const { code, stdout, stderr } = await caustic("normalize", ...args, "--data", data, "--json");
		expect(stderr).toBe("");
		expect(code).toBe(0);
		return JSON.parse(stdout) as Record<string, number | string | null>[];
	};

	test("one measurement: raw and normalised, as the pipeline stored it; by name or number", async () => {
		for (const source of ["S7", "8"]) {
			const rows = await ask("--measurement", `${source}/5`);
			expect(rows).toHaveLength(1);
			const stored = before.find((row) => row.image_id === 5 && row.source_id === 8) as Row;
			expect(rows[0]).toMatchObject({
				source_id: "S7",
				image_id: 5,
				flux_jy: stored.flux_jy,
				correction_source: "ensemble",
			});
			expect(Number(rows[0].flux_norm_jy)).toBeCloseTo(Number(stored.flux_norm_jy), 12);
		}
	});

	test("one image in another mode, and all modes of all images compared: the plane follows the tilt, nothing is stored", async () => {
		const rows = await ask("--image", "6", "--mode", "single-reference");
		expect(rows).toHaveLength(60);
		expect(rows.every((row) => row.correction_source === "single" && row.n_references === 1)).toBe(true);
		const modes = await ask("--all", "--compare", "--field", "F1");
		expect(modes).toHaveLength(8 * 4);
		const of = (image: number, mode: string) =>
			modes.find((row) => row.image_id === image && row.mode === mode) as Record<string, number>;
		expect(of(5, "plane").scatter_after).toBeLessThan(0.5 * of(5, "ensemble").scatter_after);
		expect(of(5, "plane").scatter_after).toBeLessThan(of(5, "plane").scatter_before);
		expect(of(5, "single").difference_sigma).toBeGreaterThan(0);
		expect(of(1, "plane").pull_std).toBeGreaterThan(0.6);
		expect(of(1, "plane").pull_std).toBeLessThan(1.3);
		expect(of(5, "none")).toMatchObject({ status: "not_normalised", correction: 1 });
		expect(await ask("--all", "--from", String(survey.mjd[6] - 0.1))).toHaveLength(2);
		expect(await rowsOf(MEASUREMENTS)).toEqual(before);
	});

	test("--report: the quality of what is stored, field by field, the modes compared", async () => {
		const report = join(folder, "stored.html");
		const { code, stderr } = await caustic("normalize", "--all", "--report", report, "--data", data, "--json");
		expect(stderr).toMatch(/quality report written/);
		expect(code).toBe(0);
		const html = readFileSync(report, "utf8");
		for (const text of [
			"Field F1, 1400 MHz",
			"as stored",
			"Residuals of steady sources",
			"Normalised over catalogue flux",
			"Pulls of steady sources",
		])
			expect(html).toContain(text);
		// Self-contained: nothing is asked of any other place.
		expect(html).not.toMatch(/(src|href)="https?:/);
		const cells = [...html.matchAll(/<td[^>]*>([^<]*)<\/td>/g)].map((match) => match[1]);
		const std = (mode: string) => Number(cells[cells.indexOf(mode) + 2]);
		expect(std("as stored")).toBeGreaterThan(0.85);
		expect(std("as stored")).toBeLessThan(1.15);
		expect(cells[cells.indexOf("none") + 2]).toBe("–");
		expect(Number.parseFloat(cells[cells.indexOf("plane") + 1])).toBeLessThan(
			Number.parseFloat(cells[cells.indexOf("none") + 1]),
		);
	});

	test("--store keeps the result in place of the stored one, statistics follow, raw fluxes stay", async () => {
		const { code, stdout } = await caustic(
			"normalize",
			"--image",
			"5",
			"--image",
			"6",
			"--mode",
			"ensemble",
			"--store",
			"--data",
			data,
		);
		expect(code).toBe(0);
		expect(stdout).toMatch(/2: 2 on a new scale, 0 left raw/);
		const after = await rowsOf(MEASUREMENTS);
		after.forEach((row, i) => {
			expect(row.flux_jy).toBe(before[i].flux_jy);
			if (row.image_id !== 5 && row.image_id !== 6) expect(row).toEqual(before[i]);
		});
		expect(after.filter((row, i) => row.flux_norm_jy !== before[i].flux_norm_jy).length).toBeGreaterThan(100);
		expect(await rowsOf("SELECT image_id FROM flux_correction_history ORDER BY 1")).toEqual([
			{ image_id: 5 },
			{ image_id: 6 },
		]);
		expect((await rowsOf("SELECT count(*) AS n FROM light_curve_state"))[0].n).toBe(60);
	});

	test("what is not there or makes no sense is refused by name", async () => {
		for (const [args, text] of [
			[[], /nothing to normalise was given/],
			[["--image", "1", "--all"], /--image and --all at once/],
			[["--image", "99"], /image 99: there is no such image/],
			[["--measurement", "S7"], /"S7" names no measurement/],
			[["--measurement", "nobody/5"], /source nobody: has no measurement in image 5/],
			[["--measurement", "S7/5", "--store"], /one measurement alone is not stored/],
			[["--all", "--mode", "best"], /"best" is no mode/],
			[["--image", "1", "--set", "photometry_pipeline.seed_sigma=7"], /has no measurement under the present settings/],
		] as [string[], RegExp][]) {
			const { code, stderr } = await caustic("normalize", ...args, "--data", data);
			expect(stderr).toMatch(text);
			expect(code).toBe(2);
		}
	}, 180_000);
});
