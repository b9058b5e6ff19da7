/**
 * Delays, bandpass and gains of a full-size DSA-110 transit: 96 antennas, 16 x 48 channels, 24 integrations, 1.4 GB of
 * visibilities, from UVH5 files in the page cache to written tables. `CAUSTIC_BENCH_SET` names a folder to keep the set in.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { QualityDocument } from "../src/pipeline/calibration/quality-document.ts";
import { readTables } from "../src/pipeline/calibration/table-files.ts";
import { errorsAgainstTruth, readSimulatedTruth } from "../test/dsa-truth.ts";

/** The same chain of CASA 6.7 on a set of 20 antennas and 192 channels as MeasurementSet, both recorded. */
const CASA_S = 12.1;
const BESIDE_CASA_S = 2.7;

/**
 * CASA's gaincal and bandpass beside ours on a set small enough for it. `CAUSTIC_CASA_PYTHON` names a Python with casatasks; without
 * one, or beyond two minutes, the recorded figures are printed.
 */
function besideCasa(): void {
	const python = process.env.CAUSTIC_CASA_PYTHON;
	const small = join(folder, "small");
	const ms = join(folder, "small.ms");
	if (python !== undefined) {
		const shape =
			"--antennas 20 --subbands 16 --channels 12 --width 1302.08 --field 0 --no-defects --tracking --seed 4";
		caustic("simulate", "visibilities", small, ...shape.split(" "));
		caustic("convert", small, "--out", ms);
		const own = JSON.parse(caustic("calibrate", ms, "--out", join(folder, "small-cal"), "--json")) as Solved;
		const oracle = join(dirname(main), "../../test/oracle/casa_solve.py");
		const run = spawnSync(python, [oracle, ms, folder, own.reference_antennas.XX ?? "1"], {
			encoding: "utf8",
			timeout: 120_000,
		});
		const line = run.stdout.split("\n").find((one) => one.startsWith('{"seconds"'));
		if (line !== undefined) {
			const casa = JSON.parse(line) as { seconds: Record<string, number>; total: number };
			const total = Object.values(own.seconds).reduce((sum, s) => sum + s, 0);
			console.log(
				`20 antennas, 192 channels: CASA ${casa.total} s (${JSON.stringify(casa.seconds)}), here ${total.toFixed(1)} s with reading: ${(casa.total / total).toFixed(1)} times faster`,
			);
			return;
		}
		console.log(`CASA did not run: ${run.stderr.slice(-200)}`);
	}
	console.log(
		`20 antennas, 192 channels: CASA 6.7 ${CASA_S} s, here ${BESIDE_CASA_S} s with reading (both recorded): ${(CASA_S / BESIDE_CASA_S).toFixed(1)} times faster`,
	);
}

const main = join(dirname(dirname(fileURLToPath(import.meta.url))), "src/cli/main.ts");
const folder = mkdtempSync(join(tmpdir(), "caustic-bench-"));
const set = process.env.CAUSTIC_BENCH_SET ?? join(folder, "set");
const caustic = (...args: string[]) => {
	const run = spawnSync(process.execPath, [main, ...args], { encoding: "utf8", maxBuffer: 1 << 28 });
	if (run.status !== 0) throw new Error(run.stderr);
	return run.stdout;
};

type Solved = QualityDocument & {
	seconds: Record<string, number>;
	cpu_seconds: Record<string, number>;
	resources: { cpu_s: number; max_rss_mb: number };
};

/** A numpy StEFCal of the same chain on two shared cores, recorded: reading apart. */
const PEER_S = 40;
const LIMIT_S = 12;
/** Its errors of G B K against the truth, amplitude (fraction) and phase (degrees) per polarisation. */
const PEER_ERRORS = [
	[0.0048, 0.37],
	[0.0045, 0.38],
] as const;
const percent = (fraction: number) => `${(100 * fraction).toFixed(3)} %`;

try {
	if (!existsSync(join(set, "truth"))) {
		const begun = performance.now();
		caustic("simulate", "visibilities", set);
		console.log(`simulated 1.4 GB in ${((performance.now() - begun) / 1000).toFixed(0)} s`);
	}
	const files = readdirSync(set).filter((name) => name.endsWith(".hdf5"));
	// Into the page cache.
	for (const name of files) readFileSync(join(set, name));
	for (const pass of ["calibrator alone", "with the field's sources"]) {
		const sky = pass === "calibrator alone" ? [] : ["--sky", join(set, "truth", "truth_sky.csv")];
		const begun = performance.now();
		const cal = join(folder, `cal-${sky.length}`);
		const out = JSON.parse(caustic("calibrate", set, ...sky, "--out", cal, "--json", "--workers", "2")) as Solved;
		const total = (performance.now() - begun) / 1000;
		const { seconds, resources } = out;
		console.log(`${pass}: score ${out.score}, chi2 ${out.tables.G?.residual_chi2}`);
		for (const [stage, s] of Object.entries(seconds)) {
			console.log(`  ${stage.padEnd(20)} ${s.toFixed(2)} s, ${out.cpu_seconds[stage].toFixed(2)} s of CPU`);
		}
		console.log(
			`  files to tables ${total.toFixed(1)} s (aim ${LIMIT_S}), ${resources.cpu_s.toFixed(1)} s of CPU, ${resources.max_rss_mb} MB; numpy reference ${PEER_S} s (recorded): ${(PEER_S / total).toFixed(1)} times faster; the file lasts 309 s: ${(309 / total).toFixed(0)} times faster than it arrives`,
		);
		const truth = readSimulatedTruth(join(set, "truth"), out.reference_antennas.XX ?? "");
		const tables = readTables(cal, undefined);
		for (const s of [0, 1]) {
			const error = errorsAgainstTruth(truth, tables, s);
			const [amplitude, phase] = PEER_ERRORS[s];
			console.log(
				`  ${["XX", "YY"][s]}: error of G B K ${percent(error.amplitude)}, ${error.phaseDeg.toFixed(3)} deg: ${(error.amplitude / truth.limit[s].amplitude).toFixed(3)} and ${(error.phaseDeg / truth.limit[s].phaseDeg).toFixed(3)} times the limit of the noise; numpy reference ${percent(amplitude)}, ${phase} deg (recorded, another draw of the same array)`,
			);
		}
		const wrong = out.antennas.filter(({ name, state }) => state !== (truth.states.get(name) ?? "good"));
		console.log(
			`  ${truth.states.size} antennas with defects, ${wrong.length} of ${out.antennas.length} judged wrongly`,
		);
	}
	besideCasa();
	console.log(`${availableParallelism()} cores`);
} finally {
	rmSync(folder, { recursive: true, force: true });
}
