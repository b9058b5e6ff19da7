import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Random } from "../src/simulation/random.ts";
import { openStore } from "../src/store/open.ts";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const main = join(root, "src/cli/main.ts");
const folder = mkdtempSync(join(tmpdir(), "caustic-kill-"));
const images = join(folder, "images");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const KILLS = 30;

const caustic = (args: string[], stdio: "ignore" | "inherit" = "ignore"): ChildProcess =>
	spawn(process.execPath, [main, ...args], {
		stdio: ["ignore", stdio, stdio],
		env: { ...process.env, NODE_NO_WARNINGS: "1" },
	});

const ended = (child: ChildProcess): Promise<number | null> => new Promise((resolve) => child.once("exit", resolve));

/** A process killed after its last unit has ended the run: the same command then begins another, which finds nothing to do. */
const FIRST_RUN = "(SELECT id FROM run ORDER BY created_at, id LIMIT 1)";

/** Everything that a run leaves, but for times and names of attempts. */
const RESULTS = [
	"SELECT id, name, ra_deg, dec_deg FROM field ORDER BY id",
	"SELECT id, frequency_hz FROM band ORDER BY id",
	"SELECT id, field_id, mjd FROM epoch ORDER BY id",
	"SELECT id, content_hash, field_id, epoch_id, band_id, mjd, noise_median_jy FROM image ORDER BY id",
	"SELECT path, kind, reason FROM input_file ORDER BY path",
	"SELECT id, name, origin, ra_deg, dec_deg, first_image_id FROM source ORDER BY id",
	"SELECT image_id, number, source_id, peak_flux_jy, int_flux_jy FROM component ORDER BY image_id, number",
	`SELECT source_id, image_id, method, configuration, flux_jy, flux_err_jy, chi2, flags, flux_norm_jy, flux_norm_err_jy, correction, norm_flags
	 FROM measurement ORDER BY source_id, image_id`,
	"SELECT field_id, band_id, version, method, n_epochs FROM reference_set ORDER BY id",
	"SELECT reference_set_id, source_id, flux_jy, flux_err_jy, n_epochs, is_reference FROM baseline ORDER BY 1, 2",
	"SELECT image_id, source, status, correction, correction_err, n_references FROM flux_correction ORDER BY image_id",
	"SELECT source_id, band_id, n, state, mean_jy, eta, v FROM light_curve_state ORDER BY source_id, band_id",
	"SELECT source_id, significance, false_alarm_probability, n_measurements FROM source_score ORDER BY source_id",
	"SELECT id, source_id, status, significance, start_mjd, end_mjd, last_seq FROM candidate ORDER BY id",
	"SELECT candidate_id, seq, kind FROM candidate_event ORDER BY candidate_id, seq",
	`SELECT stage, unit, status FROM stage_run WHERE run_id = ${FIRST_RUN} ORDER BY stage, unit`,
	// Announced once each, whatever happened on the way.
	`SELECT type, CASE WHEN type IN ('ImageIngested', 'SourcesFound', 'PhotometryMeasurementCompleted') THEN subject END AS subject, count(*)
	 FROM event WHERE type NOT IN ('RunStarted', 'RunCompleted', 'PipelineStageCompleted', 'StatisticsUpdated') OR subject = ${FIRST_RUN}
	 GROUP BY 1, 2 ORDER BY 1, 2`,
	"SELECT stage, subject, status FROM dead_letter ORDER BY id",
];

async function results(data: string): Promise<unknown[][]> {
	const store = await openStore({ dataFolder: data, mustExist: true });
	try {
		const all: unknown[][] = [];
		for (const sql of RESULTS) all.push(await store.database.query("results", sql));
		return all;
	} finally {
		await store.close();
	}
}

describe("a killed run", () => {
	const whole = join(folder, "whole");
	const empty = join(folder, "empty");
	let expected: unknown[][];
	let lengthMs: number;

	beforeAll(async () => {
		const made = spawnSync(
			process.execPath,
			[
				main,
				"simulate",
				"sky",
				folder,
				"--seed",
				"5",
				"--epochs",
				"6",
				"--frequencies",
				"1000,1400",
				"--size",
				"192",
				"--sources",
				"12",
			],
			{ encoding: "utf8" },
		);
		expect(made.stderr).toBe("");
		// A cluster that is there saves a second in each of the runs below.
		const store = await openStore({ dataFolder: empty });
		await store.close();
		spawnSync("cp", ["-a", empty, whole]);
		const begun = Date.now();
		expect(await ended(caustic(["run", images, "--data", whole], "inherit"))).toBe(0);
		lengthMs = Date.now() - begun;
		expected = await results(whole);
		expect(expected[7].length).toBeGreaterThan(90);
	});

	test(`ends like an undisturbed one, wherever it was killed (${KILLS} times)`, async () => {
		const random = new Random(42);
		let interrupted = 0;
		for (let i = 0; i < KILLS; i++) {
			const data = join(folder, `killed-${i}`);
			spawnSync("cp", ["-a", empty, data]);
			const child = caustic(["run", images, "--data", data]);
			const over = ended(child);
			const moment = random.uniform(0.15, 1) * lengthMs;
			await Promise.race([over, new Promise((resolve) => setTimeout(resolve, moment))]);
			if (child.exitCode === null) {
				interrupted += 1;
				child.kill("SIGKILL");
			}
			await over;
			const code = await ended(caustic(["run", images, "--data", data]));
			expect(code, `after a kill at ${moment.toFixed(0)} ms`).toBe(0);
			const got = await results(data);
			for (let k = 0; k < RESULTS.length; k++)
				expect(got[k], `${RESULTS[k]} after a kill at ${moment.toFixed(0)} ms`).toEqual(expected[k]);
			rmSync(data, { recursive: true, force: true });
		}
		expect(interrupted).toBeGreaterThan(KILLS / 2);
	}, 900_000);

	test("running again changes nothing", async () => {
		expect(await ended(caustic(["run", images, "--data", whole]))).toBe(0);
		const again = await results(whole);
		for (let k = 0; k < RESULTS.length; k++) expect(again[k], RESULTS[k]).toEqual(expected[k]);
	});
});
