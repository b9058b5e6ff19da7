/**
 * Accuracy of solves on transits that no threshold was set on: several seeds, arrays, calibrators and receivers. For each set
 * the rms error of G B K against the truth over what noise alone leaves, defects missed, healthy antennas blamed.
 * `CAUSTIC_BENCH_SETS` chooses how many (default all).
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { QualityDocument } from "../src/pipeline/calibration/quality-document.ts";
import { readTables } from "../src/pipeline/calibration/table-files.ts";
import { errorsAgainstTruth, readSimulatedTruth } from "../test/dsa-truth.ts";

const main = join(dirname(dirname(fileURLToPath(import.meta.url))), "src/cli/main.ts");
const folder = mkdtempSync(join(tmpdir(), "caustic-accuracy-"));

const arrays = [
	["--antennas", "10", "--channels", "8", "--subbands", "8", "--integrations", "12", "--width", "1000"],
	["--antennas", "14", "--channels", "16", "--subbands", "4", "--integrations", "24", "--width", "500"],
	["--antennas", "24", "--channels", "12", "--subbands", "8", "--integrations", "16"],
	["--antennas", "40", "--channels", "6", "--subbands", "16", "--integrations", "12", "--width", "1900"],
];
const skies = [
	["--calibrator", "3C286"],
	["--calibrator", "3C138", "--around", "2023-01-10T06:00:00"],
	["--calibrator", "3C48", "--around", "2024-09-01T10:00:00", "--sefd", "2500"],
	["--calibrator", "3C147", "--around", "2025-02-01T06:00:00", "--sefd", "14000"],
];

let missed = 0;
let blamed = 0;
let sets = 0;
let worst = 0;
/** Errors over their limit, less 1, in units of the scatter that so few numbers have. */
const amplitudes: number[] = [];
const phases: number[] = [];
const most = Number(process.env.CAUSTIC_BENCH_SETS ?? Number.POSITIVE_INFINITY);
try {
	console.log("set, amplitude, phase, defects missed, antennas blamed");
	for (const [i, array] of arrays.entries()) {
		for (const [j, sky] of skies.entries()) {
			if (sets >= most) continue;
			const seed = String(101 + 17 * i + 5 * j);
			const out = join(folder, seed);
			const run = (...args: string[]) => spawnSync(process.execPath, [main, ...args], { encoding: "utf8" });
			const made = run("simulate", "visibilities", out, ...array, ...sky, "--seed", seed);
			if (made.status !== 0) throw new Error(made.stderr);
			const solved = run("calibrate", out, "--sky", join(out, "truth", "truth_sky.csv"), "--out", join(out, "cal"));
			if (solved.status !== 0) {
				console.log(`${seed}: exit ${solved.status}: ${solved.stderr}${solved.stdout.slice(0, 300)}`);
				missed++;
				continue;
			}
			const quality = JSON.parse(readFileSync(join(out, "cal", "quality.json"), "utf8")) as QualityDocument;
			const tables = readTables(join(out, "cal"), undefined);
			const reference = Object.values(quality.reference_antennas)[0] ?? "";
			const truth = readSimulatedTruth(join(out, "truth"), reference);
			const ratios = [0, 1].map((s) => {
				const error = errorsAgainstTruth(truth, tables, s);
				return [error.amplitude / truth.limit[s].amplitude, error.phaseDeg / truth.limit[s].phaseDeg];
			});
			ratios.forEach(([amplitude, phase], s) => {
				amplitudes.push((amplitude - 1) / truth.limit[s].amplitudeScatter);
				phases.push((phase - 1) / truth.limit[s].phaseScatter);
			});
			const expected = (part: "amplitudeScatter" | "phaseScatter") =>
				`(scatter ${truth.limit.map((limit) => limit[part].toFixed(3)).join(" / ")})`;
			const wrong = quality.antennas.filter(({ name, state }) => state !== (truth.states.get(name) ?? "good"));
			const notFound = wrong.filter(({ name }) => truth.states.has(name));
			const falsely = wrong.filter(({ name }) => !truth.states.has(name));
			missed += notFound.length;
			blamed += falsely.length;
			worst = Math.max(worst, ...ratios.flat());
			sets++;
			const label = `${array[1]} antennas, ${sky[1]}, ${sky[5] ?? 6250} Jy, seed ${seed}`;
			console.log(
				`${label.padEnd(40)}${ratios.map(([a]) => a.toFixed(3)).join(" / ")} of limit ${expected("amplitudeScatter")}  ${ratios.map(([, p]) => p.toFixed(3)).join(" / ")} of limit ${expected("phaseScatter")}  ${notFound.length}  ${falsely.length}${wrong.map(({ name, state, reasons }) => `\n    ${name}: ${state}, not ${truth.states.get(name) ?? "good"}: ${reasons.join("; ")}`).join("")}`,
			);
			rmSync(out, { recursive: true });
		}
	}
	console.log(
		`${sets} sets: ${missed} defects missed, ${blamed} healthy antennas blamed; worst error ${worst.toFixed(3)} times the limit of the noise (aim 1.15)`,
	);
	for (const [name, deviations] of [["amplitude", amplitudes] as const, ["phase", phases] as const]) {
		const mean = deviations.reduce((sum, d) => sum + d, 0) / deviations.length;
		const rms = Math.sqrt(deviations.reduce((sum, d) => sum + d * d, 0) / deviations.length);
		console.log(
			`${name} errors less their limit, over the scatter expected of so few numbers: mean ${mean.toFixed(2)}, rms ${rms.toFixed(2)}, largest ${Math.max(...deviations).toFixed(2)} of ${deviations.length}`,
		);
	}
} finally {
	rmSync(folder, { recursive: true, force: true });
}
