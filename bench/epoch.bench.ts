/**
 * One epoch of 10,000 sources, from the file to stored measurements, statistics and candidates, with a short and a long
 * history behind it: the cost must be that of the epoch. Aim: 3 s.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { openStore } from "../src/store/open.ts";

const main = join(dirname(dirname(fileURLToPath(import.meta.url))), "src/cli/main.ts");
const folder = mkdtempSync(join(tmpdir(), "caustic-epoch-"));
const caustic = (...args: string[]) => {
	const run = spawnSync(process.execPath, [main, ...args], { encoding: "utf8" });
	if (run.status !== 0) throw new Error(`caustic ${args.join(" ")}: ${run.stderr}${run.stdout}`);
	return run.stdout;
};

try {
	// Epochs of one field, steady sources with maps: three found the survey and its flux scale, a later one is timed.
	caustic(
		"simulate",
		"sky",
		folder,
		"--epochs",
		"5",
		"--frequencies",
		"1400",
		"--size",
		"4096",
		"--pixel",
		"1.5",
		"--beam",
		"9,6.75,30",
		"--sources",
		"10000",
		"--snr",
		"1,1000",
		"--steady",
		"--maps",
	);
	const images = join(folder, "images");
	const names = readdirSync(images).sort();
	const epochs = [...Map.groupBy(names, (name) => name.replace(/\.(rms|bkg)?\.?fits$/, "")).values()];
	epochs.forEach((files, k) => {
		mkdirSync(join(folder, `epoch${k}`));
		for (const name of files) renameSync(join(images, name), join(folder, `epoch${k}`, name));
	});
	console.log(`one epoch of 10,000 sources, ${availableParallelism()} cores`);
	for (const history of [5, 500]) {
		const data = join(folder, `survey${history}`);
		const settings = [
			"--catalog",
			join(folder, "catalogue.csv"),
			"--data",
			data,
			"--set",
			"photometry_pipeline.new_sources=false",
		];
		for (const k of [0, 1, 2]) caustic("run", join(folder, `epoch${k}`), ...settings);
		await addHistory(data, history);
		caustic("db", "check", "--statistics", "--repair", "--data", data);
		// The history came as rows: the next epoch takes up what running statistics and filters would hold of it.
		caustic("run", join(folder, "epoch3"), ...settings);
		const begun = performance.now();
		const run = JSON.parse(caustic("run", join(folder, "epoch4"), ...settings, "--json"));
		const wall = (performance.now() - begun) / 1000;
		const seconds = (stage: string) => (run.summary[stage]?.seconds ?? 0).toFixed(2);
		const whole = (Date.parse(run.finished_at) - Date.parse(run.created_at)) / 1000;
		const { timeline } = JSON.parse(caustic("runs", "show", run.id, "--data", data, "--json"));
		const judged = timeline.units.find((unit: { stage: string }) => unit.stage === "detect");
		const inside = (Date.parse(judged.finished_at) - Date.parse(run.created_at)) / 1000;
		console.log(
			`after ${String(history).padStart(3)} epochs: to candidates ${inside.toFixed(2)} s (with its report ${whole.toFixed(2)} s, whole command ${wall.toFixed(2)} s): ingest ${seconds("ingest")}, associate ${seconds("associate")}, measure ${seconds("measure")}, normalise ${seconds("normalise")}, statistics ${seconds("statistics")}, detect ${seconds("detect")}; ratio to the aim of 3 s: ${(inside / 3).toFixed(2)}`,
		);
	}
} finally {
	rmSync(folder, { recursive: true, force: true });
}

/** Epochs before the first, with the same sources measured again: rows as an earlier season would have left them. */
async function addHistory(data: string, epochs: number): Promise<void> {
	const store = await openStore({ dataFolder: data });
	await store.database.transaction("history", async (tx) => {
		await tx.execute(
			"epochs",
			"INSERT INTO epoch (id, field_id, mjd) SELECT 100000 + k, 1, (SELECT min(mjd) FROM image) - k FROM generate_series(1, $1::int) AS k",
			[epochs],
		);
		await tx.execute(
			"images",
			`INSERT INTO image SELECT 100000 + k, 'history' || k, path, NULL, NULL, field_id, 100000 + k, band_id, mjd - k, duration_s, time_source, frequency_hz, bandwidth_hz, stokes,
			 beam_major_deg, beam_minor_deg, beam_pa_deg, width, height, ra_deg, dec_deg, radius_deg, noise_median_jy FROM image, generate_series(1, $1::int) AS k WHERE image.id = 1`,
			[epochs],
		);
		await tx.execute(
			"measurements",
			`INSERT INTO measurement SELECT source_id, 100000 + k, method, configuration, band_id, mjd - k, flux_jy + flux_err_jy * random_normal(), flux_err_jy, local_rms_jy, snr, chi2, dof,
			 n_blend, NULL, flags, flux_jy + flux_err_jy * random_normal(), 1.01 * flux_err_jy, 1, 0.001, 'ensemble', '', NULL, 'history' FROM measurement, generate_series(1, $1::int) AS k WHERE image_id = 1`,
			[epochs],
		);
		// The scale of the field was solved when the season was half as long.
		await tx.execute("scale", "UPDATE reference_set SET n_epochs = $1::int * 3 / 4", [epochs]);
		await tx.execute(
			"units",
			"INSERT INTO stage_run (run_id, stage, unit, status) SELECT (SELECT id FROM run LIMIT 1), 'measure', (100000 + k)::text, 'done' FROM generate_series(1, $1::int) AS k",
			[epochs],
		);
	});
	await store.database.execute("analyze", "ANALYZE");
	await store.close();
}
