import { loadConfig } from "../src/config/load.ts";
import { lensLightCurve } from "../src/detection/plasma-lens.ts";
import { configurationHash } from "../src/pipeline/runner.ts";
import { Random } from "../src/simulation/random.ts";
import type { Database, Transaction } from "../src/store/database.ts";

/**
 * A small survey written straight into the store, for tests of what reads it: one field across RA 0, epochs with gain
 * jumps, one source behind a plasma lens, one flare, runs that are done, failed and going on. Same seed, same rows.
 */
export interface SeededSurvey {
	configuration: string;
	sources: number;
	epochs: number;
	frequenciesMhz: number[];
	/** Source behind the lens, and its open candidate. */
	lensed: { sourceId: number; candidateId: number };
	/** A low candidate that was rejected before. */
	rejectedCandidateId: number;
	/** A medium candidate, open. */
	mediumCandidateId: number;
	runningRunId: string;
	doneRunId: string;
	failedRunId: string;
}

const FIRST_MJD = 60_310.2;
const CADENCE_DAYS = 3.1;
const STAGES = ["ingest", "find", "associate", "measure", "normalise", "statistics", "detect", "report"];
/** As the pipeline would mark measurements under the default settings. */
const CONFIGURATION = configurationHash(loadConfig().config);

interface Sky {
	ra: number;
	dec: number;
	fluxJy: number;
	spectralIndex: number;
}

export async function seedSurvey(
	database: Database,
	options: { sources?: number; epochs?: number; seed?: number } = {},
): Promise<SeededSurvey> {
	const random = new Random(options.seed ?? 1);
	const epochs = options.epochs ?? 40;
	const sources = options.sources ?? 60;
	const frequenciesMhz = [888, 1098, 1367, 1655];
	const position = random.fork("positions");
	const sky: Sky[] = Array.from({ length: sources }, () => {
		const radius = 0.9 * Math.sqrt(position.uniform());
		const angle = position.uniform(0, 2 * Math.PI);
		const dec = -4 + radius * Math.sin(angle);
		return {
			ra: (360.1 + (radius * Math.cos(angle)) / Math.cos((dec * Math.PI) / 180)) % 360,
			dec,
			fluxJy: Math.min(2, 0.006 * position.uniform() ** -0.9),
			spectralIndex: -0.75 + 0.2 * position.normal(),
		};
	});
	const lensedIndex = Math.min(6, sources - 1);
	sky[lensedIndex].fluxJy = 0.18;
	const flareIndex = Math.min(11, sources - 1);
	sky[flareIndex].fluxJy = 0.05;
	const mjd = Array.from(
		{ length: epochs },
		(_, k) => FIRST_MJD + CADENCE_DAYS * k + (k > epochs / 2 ? 6 : 0) + 0.02 * position.normal(),
	);
	const runningRunId = "20240512-060000-c0de";
	const doneRunId = "20240511-060000-d0de";
	const failedRunId = "20240510-060000-fa11";

	await database.transaction("seed", async (tx) => {
		await tx.execute("seed field", "INSERT INTO field VALUES (1, 'F0000-04', 0.1, -4, 1.0)");
		for (const [b, mhz] of frequenciesMhz.entries())
			await tx.execute("seed band", "INSERT INTO band VALUES ($1, $2, $3)", [b + 1, mhz * 1e6, 200e6]);
		await tx.copy(
			"epoch",
			[
				{ name: "id", value: (k) => k + 1 },
				{ name: "field_id", value: () => 1 },
				{ name: "mjd", value: (k) => mjd[k] },
			],
			epochs,
		);
		await seedRuns(tx, { runningRunId, doneRunId, failedRunId }, epochs);
		await seedImages(tx, mjd, frequenciesMhz);
		await tx.copy(
			"source",
			[
				{ name: "id", value: (i) => i + 1 },
				{ name: "name", value: (i) => sourceName(sky[i], i) },
				{ name: "origin", value: (i) => (i % 7 === 3 ? "found" : "catalogue") },
				{ name: "ra_deg", value: (i) => sky[i].ra },
				{ name: "dec_deg", value: (i) => sky[i].dec },
				{ name: "ra_err_arcsec", value: () => 0.3 },
				{ name: "dec_err_arcsec", value: () => 0.3 },
				{ name: "catalogue_flux_jy", value: (i) => (i % 7 === 3 ? null : sky[i].fluxJy) },
				{ name: "field_id", value: () => 1 },
			],
			sources,
		);
		await seedFluxes(tx, { random, sky, mjd, frequenciesMhz, lensedIndex, flareIndex, runId: doneRunId });
		await seedCandidates(tx, lensedIndex + 1, flareIndex + 1, mjd);
		await seedDeadLetters(tx, doneRunId);
		for (const noun of ["field", "band", "epoch", "image", "source", "candidate"]) {
			await tx.execute(
				"seed counter",
				`INSERT INTO counter (name, next) SELECT $1, coalesce(max(id), 0) + 1 FROM ${noun}`,
				[noun],
			);
		}
	});
	return {
		configuration: CONFIGURATION,
		sources,
		epochs,
		frequenciesMhz,
		lensed: { sourceId: lensedIndex + 1, candidateId: 1 },
		mediumCandidateId: 2,
		rejectedCandidateId: 3,
		runningRunId,
		doneRunId,
		failedRunId,
	};
}

/** What the detector leaves of the best candidate, for those who draw its fit. */
const fittedLens = (centreMjd: number) => ({
	alpha_1400mhz: 14.1,
	beta_s: 0.81,
	lensed_fraction: 0.9,
	fwhm_days: 23.8,
	centre_mjd: centreMjd,
	reference_frequency_mhz: 1400,
	best_alternative: "flare",
	alternative_parameters: { peakMjd: centreMjd, riseDays: 4, decayDays: 8, index: 0.3 },
	alternative_amplitude: -0.5,
});

function sourceName({ ra, dec }: Sky, index: number): string {
	const minutes = ra * 4;
	const two = (value: number) => String(Math.floor(value)).padStart(2, "0");
	return `J${two(minutes / 60)}${two(minutes % 60)}${dec < 0 ? "-" : "+"}${two(Math.abs(dec))}${two((Math.abs(dec) % 1) * 60)}-${index + 1}`;
}

async function seedImages(tx: Transaction, mjd: number[], frequenciesMhz: number[]): Promise<void> {
	const bands = frequenciesMhz.length;
	const epochOf = (row: number) => Math.floor(row / bands);
	const bandOf = (row: number) => row % bands;
	await tx.copy(
		"image",
		[
			{ name: "id", value: (row) => row + 1 },
			{ name: "content_hash", value: (row) => `hash-${row}` },
			{ name: "path", value: (row) => `/survey/epoch${epochOf(row) + 1}/band${bandOf(row) + 1}.fits` },
			{ name: "field_id", value: () => 1 },
			{ name: "epoch_id", value: (row) => epochOf(row) + 1 },
			{ name: "band_id", value: (row) => bandOf(row) + 1 },
			{ name: "mjd", value: (row) => mjd[epochOf(row)] },
			{ name: "duration_s", value: () => 720 },
			{ name: "time_source", value: () => "DATE-OBS" },
			{ name: "frequency_hz", value: (row) => frequenciesMhz[bandOf(row)] * 1e6 },
			{ name: "bandwidth_hz", value: () => 200e6 },
			{ name: "beam_major_deg", value: () => 15 / 3600 },
			{ name: "beam_minor_deg", value: () => 12 / 3600 },
			{ name: "beam_pa_deg", value: () => 35 },
			{ name: "width", value: () => 1024 },
			{ name: "height", value: () => 1024 },
			{ name: "ra_deg", value: () => 0.1 },
			{ name: "dec_deg", value: () => -4 },
			{ name: "radius_deg", value: () => 1 },
			{ name: "noise_median_jy", value: (row) => 2.5e-4 * (1 + 0.05 * bandOf(row)) },
		],
		mjd.length * bands,
	);
}

interface FluxSeed {
	random: Random;
	sky: Sky[];
	mjd: number[];
	frequenciesMhz: number[];
	lensedIndex: number;
	flareIndex: number;
	runId: string;
}

async function seedFluxes(tx: Transaction, seed: FluxSeed): Promise<void> {
	const { random, sky, mjd, frequenciesMhz, lensedIndex, flareIndex, runId } = seed;
	const bands = frequenciesMhz.length;
	const gainNoise = random.fork("gains");
	const gains = mjd.map((_, k) =>
		frequenciesMhz.map(() => 1 + 0.02 * gainNoise.normal() + (k % 13 === 5 ? 0.18 : 0) - (k % 17 === 9 ? 0.12 : 0)),
	);
	const lens = { alpha1400: 14, betaS: 0.8, fwhmDays: 24, centreMjd: mjd[Math.floor(0.68 * mjd.length)], amplitude: 1 };
	const dips = frequenciesMhz.map((mhz) => lensLightCurve(lens, mjd, mhz));
	const rows = sky.length * mjd.length * bands;
	const flux = new Float64Array(rows);
	const error = new Float64Array(rows);
	const noise = random.fork("noise");
	const missing = (row: number) => row % 211 === 100;
	const at = (row: number) => ({
		band: row % bands,
		epoch: Math.floor(row / bands) % mjd.length,
		source: Math.floor(row / (bands * mjd.length)),
	});
	for (let row = 0; row < rows; row++) {
		const { band, epoch, source } = at(row);
		const { fluxJy, spectralIndex } = sky[source];
		let value = fluxJy * (frequenciesMhz[band] / 1400) ** spectralIndex;
		if (source === lensedIndex) value *= dips[band][epoch];
		if (source === flareIndex)
			value *= 1 + 1.1 * Math.exp(-(((mjd[epoch] - mjd[Math.floor(mjd.length / 4)]) / 5) ** 2));
		error[row] = Math.hypot(2.5e-4, 0.008 * value);
		flux[row] = value * gains[epoch][band] + error[row] * noise.normal();
	}
	const norm = (row: number) => flux[row] / gains[at(row).epoch][at(row).band];
	const flagsOf = (row: number) => (missing(row) ? "edge" : at(row).source % 17 === 5 ? "blend" : "");
	await tx.copy(
		"measurement",
		[
			{ name: "source_id", value: (row) => at(row).source + 1 },
			{ name: "image_id", value: (row) => at(row).epoch * bands + at(row).band + 1 },
			{ name: "method", value: () => "forced" },
			{ name: "configuration", value: () => CONFIGURATION },
			{ name: "band_id", value: (row) => at(row).band + 1 },
			{ name: "mjd", value: (row) => mjd[at(row).epoch] },
			{ name: "flux_jy", value: (row) => (missing(row) ? null : flux[row]) },
			{ name: "flux_err_jy", value: (row) => (missing(row) ? null : error[row]) },
			{ name: "local_rms_jy", value: () => 2.5e-4 },
			{ name: "snr", value: (row) => (missing(row) ? null : flux[row] / error[row]) },
			{ name: "flags", value: flagsOf },
			{ name: "flux_norm_jy", value: (row) => (missing(row) ? null : norm(row)) },
			{ name: "flux_norm_err_jy", value: (row) => (missing(row) ? null : Math.hypot(error[row], 0.003 * norm(row))) },
			{ name: "correction", value: (row) => 1 / gains[at(row).epoch][at(row).band] },
			{ name: "correction_err", value: () => 0.003 },
			{ name: "correction_source", value: () => "ensemble" },
			{ name: "norm_flags", value: (row) => (at(row).epoch === 9 ? "few_references" : "") },
			{ name: "run_id", value: () => runId },
		],
		rows,
	);
	await tx.copy(
		"flux_correction",
		[
			{ name: "image_id", value: (i) => i + 1 },
			{ name: "source", value: () => "ensemble" },
			{ name: "status", value: (i) => (Math.floor(i / bands) === 9 ? "flagged" : "applied") },
			{ name: "correction", value: (i) => 1 / gains[Math.floor(i / bands)][i % bands] },
			{ name: "correction_err", value: () => 0.003 },
			{ name: "scatter", value: (i) => 0.01 + 0.002 * (i % 5) },
			{ name: "n_references", value: (i) => (Math.floor(i / bands) === 9 ? 4 : 22 + (i % 5)) },
			{ name: "n_rejected", value: (i) => i % 3 },
		],
		mjd.length * bands,
	);
	await tx.execute(
		"seed states",
		`INSERT INTO light_curve_state (source_id, band_id, state, n, mean_jy, weighted_mean_jy, v, eta, log10_p, modulation_index, last_mjd)
		 SELECT source_id, band_id, '', count(*), avg(flux_norm_jy), sum(w * flux_norm_jy) / sum(w),
		 stddev_samp(flux_norm_jy) / avg(flux_norm_jy),
		 (sum(w * flux_norm_jy ^ 2) - sum(w * flux_norm_jy) ^ 2 / sum(w)) / (count(*) - 1), -1, stddev_samp(flux_norm_jy) / avg(flux_norm_jy), max(mjd)
		 FROM (SELECT *, flux_norm_err_jy ^ -2 AS w FROM measurement WHERE flux_norm_jy IS NOT NULL) AS m GROUP BY source_id, band_id`,
	);
	await tx.execute(
		"seed scores",
		`INSERT INTO source_score (source_id, significance, false_alarm_probability, n_measurements, last_mjd)
		 SELECT source_id, least(9, greatest(0, ln(greatest(max(eta), 0.1)) * 1.6)), 10 ^ (-least(9, greatest(0, ln(greatest(max(eta), 0.1)) * 1.6))), sum(n), max(last_mjd)
		 FROM light_curve_state GROUP BY source_id`,
	);
}

async function seedCandidates(tx: Transaction, lensed: number, flaring: number, mjd: number[]): Promise<void> {
	const n = mjd.length;
	const at = (fraction: number) => mjd[Math.min(n - 1, Math.floor(fraction * n))];
	const add = async (
		id: number,
		sourceId: number,
		significance: number,
		tier: string,
		rises: number[],
		range: [number, number, number],
		depth: number,
	) => {
		const [start, peak, end] = range;
		await tx.execute(
			"seed candidate",
			`INSERT INTO candidate (id, source_id, status, significance, false_alarm_probability, tier, first_detected_mjd, start_mjd, peak_mjd, end_mjd,
			 depth, duration_days, chromaticity, statistic, n_measurements, flags, explanation, last_seq)
			 VALUES ($1, $2, 'open', $3, $4, $5, $6, $7, $8, $9, $10, $11, 1.9, $12, $13, $14, $15, $16)`,
			[
				id,
				sourceId,
				significance,
				0.5 * Math.exp(-(significance ** 2) / 2),
				tier,
				peak - 2,
				start,
				peak,
				end,
				depth,
				end - start,
				12.5 * significance,
				n * 4,
				id === 2 ? "single_band|partial" : "",
				JSON.stringify({
					...(id === 1 ? fittedLens(peak) : {}),
					lambda_null: 15.2 * significance,
					lambda_alternative: 9.1 * significance,
					leave_one_out: 11.4 * significance,
					fit: {
						alpha_1400mhz: 14.1,
						alpha_err: 0.9,
						beta_s: 0.81,
						beta_s_err: 0.1,
						fwhm_days: 23.8,
						fwhm_err_days: 1.2,
					},
					bands: [
						{ frequency_mhz: 888, depth: 0.52, depth_err: 0.02 },
						{ frequency_mhz: 1655, depth: 0.31, depth_err: 0.02 },
					],
				}),
				rises.length,
			],
		);
		for (const [i, score] of rises.entries()) {
			await tx.execute(
				"seed candidate event",
				"INSERT INTO candidate_event (candidate_id, seq, kind, at, actor, snapshot) VALUES ($1, $2, $3, $4, 'detector 1', $5)",
				[
					id,
					i + 1,
					i === 0 ? "detected" : "updated",
					new Date(Date.UTC(2024, 4, 1 + i)).toISOString(),
					JSON.stringify({
						status: "open",
						significance: score,
						false_alarm_probability: 0.5 * Math.exp(-(score ** 2) / 2),
						tier,
						last_mjd: peak - 2 + i * CADENCE_DAYS,
						n_measurements: n * 2 + 4 * i,
					}),
				],
			);
		}
	};
	await add(1, lensed, 8.4, "high", [5.2, 6.1, 7.3, 8.0, 8.4], [at(0.58), at(0.68), at(0.78)], 0.45);
	await add(2, Math.min(n, 21), 5.6, "medium", [5.1, 5.6], [at(0.3), at(0.35), at(0.42)], 0.12);
	await add(3, flaring, 3.4, "low", [3.4], [at(0.2), at(0.25), at(0.3)], -0.9);
	await tx.execute(
		"seed verdict",
		`INSERT INTO candidate_event (candidate_id, seq, kind, at, actor, reason_class, reason, snapshot)
		 VALUES (3, 2, 'rejected', '2024-05-03T10:00:00Z', 'mo', 'intrinsic_flare', 'brightens in all bands at once', '{"significance": 3.4, "tier": "low", "status": "open"}')`,
	);
	await tx.execute("seed status", "UPDATE candidate SET status = 'rejected', last_seq = 2 WHERE id = 3");
}

async function seedRuns(
	tx: Transaction,
	ids: { runningRunId: string; doneRunId: string; failedRunId: string },
	epochs: number,
): Promise<void> {
	const insert = (id: string, status: string, begun: string, ended: string | null, summary: object, trace: string) =>
		tx.execute(
			"seed run",
			`INSERT INTO run (id, kind, status, inputs, configuration, configuration_hash, trace_parent, summary, created_at, finished_at)
			 VALUES ($1, 'images', $2, '{"paths": ["/survey"], "trigger": "manual"}', '{}', $3, $4, $5, $6, $7)`,
			[id, status, CONFIGURATION, `00-${trace}-00000000000000aa-01`, JSON.stringify(summary), begun, ended],
		);
	const trace = (digit: string) => digit.repeat(32);
	const summary = { ingest: { images: epochs * 4 }, detect: { candidates: 3 } };
	await insert(ids.doneRunId, "done", "2024-05-11T06:00:00Z", "2024-05-11T06:00:30Z", summary, trace("a"));
	await insert(ids.failedRunId, "failed", "2024-05-10T06:00:00Z", "2024-05-10T06:00:04Z", {}, trace("b"));
	await insert(ids.runningRunId, "running", "2024-05-12T06:00:00Z", null, {}, trace("c"));
	const stage = (run: string, name: string, unit: string, status: string, from: number, to: number, error?: string) =>
		tx.execute(
			"seed stage",
			`INSERT INTO stage_run (run_id, stage, unit, status, attempt, worker, started_at, finished_at, output, error)
			 SELECT id, $2, $3, $4, 1, 'host/1/1', created_at + $5 * interval '1 second', CASE WHEN $4 IN ('done', 'failed') THEN created_at + $6 * interval '1 second' END,
			 $7, $8 FROM run WHERE id = $1`,
			[run, name, unit, status, from, to, JSON.stringify({ measurements: 60 }), error ?? null],
		);
	for (const [s, name] of STAGES.entries()) {
		const units = name === "measure" ? epochs : 1;
		for (let u = 0; u < units; u++) {
			const from = s * 3 + 0.1 + (u * 2.5) / units;
			await stage(
				ids.doneRunId,
				name,
				units === 1 ? "all" : String(u + 1),
				"done",
				from,
				from + (units === 1 ? 2.5 : 0.3),
			);
		}
		if (s < 3) await stage(ids.runningRunId, name, "all", "done", s * 2, s * 2 + 1.8);
	}
	for (let u = 0; u < 10; u++)
		await stage(
			ids.runningRunId,
			"measure",
			String(u + 1),
			u < 6 ? "done" : u < 8 ? "running" : "queued",
			6 + u / 3,
			6.6 + u / 3,
		);
	await stage(
		ids.failedRunId,
		"ingest",
		"all",
		"failed",
		0,
		4,
		"/survey/broken.fits: has no WCS. Add CTYPE1 and CTYPE2.",
	);
	const begun = Date.UTC(2024, 4, 11, 6);
	const span = (id: string, parent: string | null, name: string, from: number, seconds: number) =>
		tx.execute("seed span", "INSERT INTO span VALUES ($1, $2, $3, $4, $5, $6, false, '{}')", [
			trace("a"),
			id,
			parent,
			name,
			begun + from * 1e3,
			seconds * 1e3,
		]);
	await span("00000000000000aa", null, "run", 0, 30);
	for (const [s, name] of STAGES.entries()) {
		await span(`00000000000000b${s}`, "00000000000000aa", `stage ${name}`, s * 3 + 0.1, 2.5);
		await span(`00000000000000c${s}`, `00000000000000b${s}`, `transaction store ${name}`, s * 3 + 2.2, 0.3);
	}
}

async function seedDeadLetters(tx: Transaction, runId: string): Promise<void> {
	const insert = (unit: string, subject: string, code: string, reason: string, status: string) =>
		tx.execute(
			"seed dead letter",
			`INSERT INTO dead_letter (run_id, stage, unit, subject, code, reason, remedy, payload, status)
			 VALUES ($1, 'ingest', $2, $3, $4, $5, 'Add it, then retry', '{"inputs": {"paths": ["/survey"]}}', $6)`,
			[runId, unit, subject, code, reason, status],
		);
	await insert("a", "/survey/epoch3/no-beam.fits", "no-beam", "the header has no BMAJ, BMIN", "open");
	await insert("b", "/survey/epoch9/truncated.fits", "truncated", "the file ends 2880 bytes early", "open");
	await insert("c", "/survey/epoch1/no-time.fits", "no-time", "no time of observation", "resolved");
	await tx.execute(
		"seed event",
		"INSERT INTO event (type, source, subject, data) VALUES ('RunCompleted', 'run', $1, '{}')",
		[runId],
	);
}
