import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openStore } from "../src/store/open.ts";
import { type SeededSurvey, seedSurvey } from "./seeded-survey.ts";

const main = join(dirname(dirname(fileURLToPath(import.meta.url))), "src/cli/main.ts");
const folder = mkdtempSync(join(tmpdir(), "caustic-detect-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const caustic = (...args: string[]) => spawnSync(process.execPath, [main, ...args], { encoding: "utf8" });
const at = (name: string) => join(folder, name);
const rowsOf = (path: string) => {
	const [head, ...lines] = readFileSync(path, "utf8").trim().split("\n");
	const names = head.split(",");
	return lines.map((line) => Object.fromEntries(line.split(",").map((cell, k) => [names[k], cell])));
};

const COLUMNS =
	"candidate_id,source_id,significance,false_alarm_probability,tier,first_detected_mjd,start_mjd,peak_mjd,end_mjd,depth,duration_days,chromaticity,statistic,n_measurements,flags";

describe("detect on a table of light curves", () => {
	const sky = at("sky");
	beforeAll(() => {
		const made = caustic(
			"simulate",
			"light-curves",
			sky,

			"--fields",
			"1",
			"--sources",
			"24",
			"--events",
			"0.5",
			"--epochs",
			"0.5",
			"--seed",
			"4",
			"--amplitude",
			"0.7,1",
			"--width",
			"15,30",
		);
		expect(made.stderr).toBe("");
		expect(made.status).toBe(0);
	}, 60_000);

	test("candidates in the promised columns, a score for every source, causal first detection, a page each", () => {
		const run = caustic(
			"detect",
			"--light-curves",
			join(sky, "light_curves.csv"),
			"--sources",
			join(sky, "sources.csv"),
			"--out",
			at("found.csv"),
			"--scores",
			at("scores.csv"),
			"--explain",
			at("pages"),
		);
		expect(run.status).toBe(0);
		expect(readFileSync(at("found.csv"), "utf8").split("\n")[0]).toBe(COLUMNS);
		const found = rowsOf(at("found.csv"));
		const truth = rowsOf(join(sky, "truth.csv"));
		const lensed = new Set(truth.filter((row) => row.label === "ese").map((row) => row.source_id));
		expect(lensed.size).toBeGreaterThanOrEqual(2);
		const names = new Set(found.map((row) => row.source_id));
		for (const name of names) expect(lensed).toContain(name);
		expect(names.size).toBeGreaterThanOrEqual(lensed.size - 1);
		const sigmas = found.map((row) => Number(row.significance));
		expect(sigmas).toEqual(sigmas.toSorted((a, b) => b - a));
		expect(rowsOf(at("scores.csv")).map((row) => row.source_id)).toEqual(truth.map((row) => row.source_id));
		expect(readFileSync(at("scores.csv"), "utf8").split("\n")[0]).toBe(
			"source_id,significance,false_alarm_probability,n_measurements,eta,v",
		);
		const pages = readdirSync(at("pages"));
		expect(pages.length).toBe(found.length);
		expect(readFileSync(join(at("pages"), pages[0]), "utf8")).toContain("Twice the log-likelihood ratio");
		// A run that sees nothing after the first detection raises the event; one that stops an epoch earlier does not.
		const first = found[0];
		const lines = readFileSync(join(sky, "light_curves.csv"), "utf8").trim().split("\n");
		const column = lines[0].split(",").indexOf("mjd");
		const until = (mjd: number) => {
			const kept = lines.filter((line, i) => i === 0 || Number(line.split(",")[column]) <= mjd + 1e-6);
			writeFileSync(at("cut.csv"), kept.join("\n"));
			const args = [
				"--light-curves",
				at("cut.csv"),
				"--sources",
				join(sky, "sources.csv"),
				"--source",
				first.source_id,
			];
			expect(caustic("detect", ...args, "--out", at("cut-found.csv")).status).toBe(0);
			return rowsOf(at("cut-found.csv")).length;
		};
		expect(until(Number(first.first_detected_mjd))).toBe(1);
		expect(until(Number(first.first_detected_mjd) - 0.05)).toBe(0);
	}, 120_000);

	test("the number of threads changes nothing", () => {
		const run = (threads: string) =>
			caustic(
				"detect",
				"--light-curves",
				join(sky, "light_curves.csv"),
				"--preset",
				"sensitive",
				"--threads",
				threads,
				"--json",
			).stdout;
		expect(run("2")).toBe(run("1"));
	}, 60_000);

	test("injection and recovery: recall by strength, width, flux and depth, and the rate of false alarms", () => {
		const run = caustic(
			"detect",
			"--light-curves",
			join(sky, "light_curves.csv"),
			"--inject",
			"1",
			"--seed",
			"2",
			"--inject-amplitude",
			"0.5,1",
			"--out",
			at("recall.csv"),
			"--explain",
			at("report"),
		);
		expect(run.status).toBe(0);
		expect(run.stderr).toMatch(/\d+ lenses injected, \d+ found .* of 24 sources pass that threshold/);
		const cells = rowsOf(at("recall.csv"));
		expect(new Set(cells.map((cell) => cell.axis))).toEqual(new Set(["alpha", "width_days", "flux_jy", "amplitude"]));
		expect(cells.reduce((sum, cell) => sum + Number(cell.found), 0)).toBeGreaterThan(0);
		expect(readFileSync(join(at("report"), "injection.html"), "utf8")).toContain("<svg");
	}, 120_000);

	test("bad values are refused by name", () => {
		const table = join(sky, "light_curves.csv");
		const refused: [string[], string][] = [
			[["--light-curves", table, "--preset", "brave"], "--preset"],
			[["--light-curves", table, "--min-sigma", "21"], "--min-sigma"],
			[["--light-curves", table, "--min-sigma", "five"], "--min-sigma"],
			[["--light-curves", table, "--source", "S9999"], "S9999"],
			[["--light-curves", table, "--inject", "1", "--inject-amplitude", "0,2"], "--inject-amplitude"],
			[["stray"], "stray"],
		];
		for (const [args, name] of refused) {
			const run = caustic("detect", ...args);
			expect([args, run.status]).toEqual([args, 2]);
			expect(run.stderr).toContain(name);
			expect(run.stderr.trim().split("\n").length).toBeLessThanOrEqual(2);
		}
	}, 60_000);
});

describe("detect on what is stored", () => {
	const data = at("survey");
	let survey: SeededSurvey;
	beforeAll(async () => {
		const store = await openStore({ dataFolder: data });
		survey = await seedSurvey(store.database, { sources: 24, epochs: 60 });
		await store.database.execute("forget candidates", "DELETE FROM candidate_event");
		await store.database.execute("forget candidates", "DELETE FROM candidate");
		await store.close();
	}, 120_000);

	test("one source by number: its event is verified, stored once, explained", () => {
		const args = ["detect", "--source", String(survey.lensed.sourceId), "--data", data];
		const run = caustic(...args, "--explain", at("stored-pages"), "--out", at("stored.csv"), "--scores", at("s.csv"));
		expect(run.status).toBe(0);
		const [row, ...more] = rowsOf(at("stored.csv"));
		expect(more).toEqual([]);
		expect(Number(row.significance)).toBeGreaterThan(3.3);
		expect(rowsOf(at("s.csv")).length).toBe(1);
		expect(existsSync(join(at("stored-pages"), `candidate-${row.candidate_id}.html`))).toBe(true);
		const again = caustic(...args, "--out", at("again.csv"));
		expect(again.status).toBe(0);
		expect(rowsOf(at("again.csv"))[0].candidate_id).toBe(row.candidate_id);
		const listed = JSON.parse(caustic("candidates", "list", "--data", data, "--json").stdout);
		expect(listed.length).toBe(1);
		expect(listed[0].id).toBe(Number(row.candidate_id));
	}, 120_000);

	test("all sources; a threshold in sigmas; an unknown source is refused by name", () => {
		const all = caustic(
			"detect",
			"--data",
			data,
			"--min-sigma",
			"20",
			"--scores",
			at("all.csv"),
			"--out",
			at("none.csv"),
		);
		expect(all.status).toBe(0);
		expect(rowsOf(at("none.csv"))).toEqual([]);
		expect(rowsOf(at("all.csv")).length).toBe(survey.sources);
		const unknown = caustic("detect", "--data", data, "--source", "J0000+0000");
		expect(unknown.status).toBe(2);
		expect(unknown.stderr).toContain("J0000+0000");
	}, 120_000);

	test("a neighbour that shares the beam and the event is merged into the brighter source, once", async () => {
		const store = await openStore({ dataFolder: data });
		const { database } = store;
		const lensed = survey.lensed.sourceId;
		await database.execute(
			"neighbour",
			`INSERT INTO source (id, name, origin, ra_deg, dec_deg, field_id) SELECT 900, 'Jcopy', 'found', ra_deg, dec_deg + 4.0 / 3600, field_id FROM source WHERE id = $1`,
			[lensed],
		);
		const columns = "image_id, method, configuration, band_id, mjd, flags, norm_flags, run_id";
		await database.execute(
			"its light",
			`INSERT INTO measurement (source_id, ${columns}, flux_jy, flux_err_jy, flux_norm_jy, flux_norm_err_jy)
			 SELECT 900, ${columns}, 0.4 * flux_jy, flux_err_jy, 0.4 * flux_norm_jy, flux_norm_err_jy FROM measurement WHERE source_id = $1`,
			[lensed],
		);
		await database.execute(
			"its statistics",
			"INSERT INTO light_curve_state (source_id, band_id, configuration, state, n) SELECT 900, band_id, configuration, state, n FROM light_curve_state WHERE source_id = $1",
			[lensed],
		);
		await store.close();
		for (let turn = 0; turn < 2; turn++) {
			expect(caustic("detect", "--source", "Jcopy", "--data", data).status).toBe(0);
			const all = JSON.parse(caustic("candidates", "list", "--all", "--data", data, "--json").stdout);
			expect(all.map((one: { status: string }) => one.status).sort()).toEqual(["merged", "open"]);
			const copy = all.find((one: { status: string }) => one.status === "merged");
			const kept = all.find((one: { status: string }) => one.status === "open");
			expect([copy.source_id, copy.merged_into, kept.source_id]).toEqual([900, kept.id, lensed]);
		}
	}, 120_000);

	test("injection into what is stored leaves it as it is", () => {
		const run = caustic("detect", "--inject", "1", "--data", data, "--out", at("stored-recall.csv"));
		expect(run.status).toBe(0);
		expect(rowsOf(at("stored-recall.csv")).length).toBeGreaterThan(10);
		expect(JSON.parse(caustic("candidates", "list", "--data", data, "--json").stdout).length).toBe(1);
	}, 120_000);
});
