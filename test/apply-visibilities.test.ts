import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { componentModel } from "../src/calibration/component-model.ts";
import { standardFluxJy, standardSource } from "../src/calibration/flux-scale.ts";
import { airyBeam } from "../src/calibration/primary-beam.ts";
import { selectAll } from "../src/calibration/selection.ts";
import { apparentSources, type ModelSource, meridianGeometry } from "../src/calibration/sky-model.ts";
import type { VisibilitySet } from "../src/calibration/visibility-set.ts";
import { exportMeasurementSet } from "../src/formats/casa/export-measurement-set.ts";
import { openMeasurementSet } from "../src/formats/casa/measurement-set.ts";
import { CasaTable } from "../src/formats/casa/table.ts";
import { openForUpdate } from "../src/formats/casa/update-measurement-set.ts";
import { openVisibilities } from "../src/formats/open-visibilities.ts";
import { openUvh5 } from "../src/formats/uvh5/read.ts";
import { type BlockCorrection } from "../src/pipeline/calibration/correct-blocks.ts";
import { flagSet } from "../src/pipeline/calibration/flag-set.ts";
import { readSkyList } from "../src/pipeline/calibration/sky-list.ts";
import { readTables } from "../src/pipeline/calibration/table-files.ts";
import { observerAt } from "../src/sky/apparent-place.ts";
import { itrfDirection } from "../src/sky/itrf.ts";
import { unpackVisibilities } from "./archives.ts";
import { digestOf } from "./casa-digest.ts";
import { pythonWith, runPython } from "./oracle/python.ts";
import { hasSharedData, sharedData } from "./shared-data.ts";

const main = join(dirname(dirname(fileURLToPath(import.meta.url))), "src/cli/main.ts");
const folder = mkdtempSync(join(tmpdir(), "caustic-apply-"));
afterAll(() => rmSync(folder, { recursive: true }));
const caustic = (...args: string[]) => spawnSync(process.execPath, [main, ...args], { encoding: "utf8" });
const small = () =>
	readdirSync(sharedData("visibilities", "dsa-sim-small"))
		.filter((name) => name.endsWith(".hdf5"))
		.map((name) => sharedData("visibilities", "dsa-sim-small", name));
const python = pythonWith("casacore.tables", "scipy", "astropy");
const env = { ...process.env, OPENBLAS_NUM_THREADS: "1" };
const hasWsclean = spawnSync("wsclean", ["-version"], { env }).status === 0;

describe.skipIf(!hasSharedData)("solutions applied to a transit of 3C286", () => {
	const tables = join(folder, "tables");
	const corrected = join(folder, "corrected.ms");
	const sky = sharedData("visibilities", "dsa-sim-small", "truth_sky.csv");
	beforeAll(() => {
		const solved = caustic("calibrate", ...small(), "--sky", sky, "--out", tables);
		expect(solved.stderr).toBe("");
		const applied = caustic("apply", ...small(), "--tables", tables, "--out", corrected, "--json");
		expect(applied.stderr).toBe("");
		const report = JSON.parse(applied.stdout);
		expect(report.corrected / report.samples).toBeGreaterThan(0.7);
		expect(report.uncorrectedFraction).toBeLessThan(0.2);
		expect(report.rfiFraction).toBeCloseTo(0.0265, 3);
	});

	test("in one thread, in several or by blocks: the same set and the same counts", async () => {
		const order: BlockCorrection = {
			tables: readTables(tables, undefined),
			options: { time: "linear", acrossFlagged: false, maximumAgeS: 86400, mode: "calflag", windowMap: undefined },
			flags: await flagSet(openUvh5(small()), () => {}),
			noiseRatio: new Map([["24", 1.5]]),
		};
		const module = new URL("../src/pipeline/calibration/correct-blocks.ts", import.meta.url).href;
		const results = [];
		for (const thread of [false, "only" as const, undefined]) {
			const set = openUvh5(small());
			const path = join(folder, "threads.ms");
			const counts: Record<string, number> = {};
			const blocks: VisibilitySet = { ...set, canPlace: false, blocks: (how) => set.blocks(how), close: () => {} };
			await exportMeasurementSet(thread === undefined ? blocks : set, path, {
				correction: { module, order, counts },
				chunkBytes: 1 << 20,
				...(thread === undefined ? {} : { thread }),
			});
			set.close();
			results.push({ counts, digest: digestOf(new CasaTable(path)) });
		}
		expect(results[0].counts.corrected).toBeGreaterThan(1e6);
		expect(results[1]).toEqual(results[0]);
		expect(results[2]).toEqual(results[0]);
	});

	/** The sky as it is: every source through the beam, for rows of a set turned to a phase centre. */
	async function trueModel() {
		const group = openVisibilities(small());
		const set = openMeasurementSet(corrected);
		const centre = set.fields[0].phaseCentre;
		if (centre.kind !== "sidereal" || group.location === undefined) throw new Error("no phase centre");
		const standard = standardSource("3C286");
		if (standard === undefined) throw new Error("no 3C286");
		const list = await readSkyList(sky);
		const sources: ModelSource[] = list.map((one, i) => ({
			...one,
			fluxJy: (f) => (i === 0 ? standardFluxJy(standard, f) : one.fluxJy * (f / 1.4e9) ** -0.7),
		}));
		const site = group.location;
		const meridian = group.fields[0].phaseCentre;
		const geometry = (axisAt: (mjd: number) => readonly [number, number, number]) =>
			meridianGeometry(set, selectAll(set), axisAt, sources, (ra, dec, mjd) =>
				itrfDirection(observerAt(mjd, site), ra, dec),
			);
		const phases = geometry((mjd) => itrfDirection(observerAt(mjd, site), centre.raDeg, centre.decDeg));
		if (meridian.kind !== "meridian") throw new Error("no strip");
		// The beam stands still while the phase centre moves through it.
		const dec = (meridian.declinationDeg * Math.PI) / 180;
		const lon = (site.longitudeDeg * Math.PI) / 180;
		const beam = geometry(() => [Math.cos(dec) * Math.cos(lon), Math.cos(dec) * Math.sin(lon), Math.sin(dec)]);
		const apparent = apparentSources(
			{ ...phases, anglesRad: beam.anglesRad },
			sources,
			set.frequenciesHz,
			airyBeam(4.65),
		);
		group.close();
		return { set, apparent, model: componentModel(apparent, set.frequenciesHz, 2) };
	}

	test("the residuals against the true sky are the thermal noise, in every weight", async () => {
		const { set, model } = await trueModel();
		const span = set.frequenciesHz.length * 2;
		const m = new Float32Array(2 * set.baselines.antenna1.length * span);
		let last = -1;
		// Weights are relative: sigma^2 = (1.079 Jy)^2 / weight.
		let [sum, count, chi2] = [0, 0, 0];
		for await (const block of set.blocks({ column: "corrected" })) {
			for (let row = 0; row < block.nRows; row++) {
				const t = block.timeIndex[row];
				if (t !== last) model(t, m, 0, set.baselines.antenna1.length);
				last = t;
				for (let k = 0; k < span; k++) {
					const i = row * span + k;
					if (block.flags[i] !== 0 || block.weights === undefined) continue;
					const o = 2 * (block.baseline[row] * span + k);
					const re = block.visibilities[2 * i] - m[o];
					const im = block.visibilities[2 * i + 1] - m[o + 1];
					chi2 += (block.weights[i] * (re * re + im * im)) / 2 / 1.07896 ** 2;
					sum += block.weights[i];
					count++;
				}
			}
		}
		set.close();
		expect(count).toBeGreaterThan(1e6);
		expect(sum).toBeGreaterThan(0);
		expect(chi2 / count).toBeGreaterThan(0.9);
		expect(chi2 / count).toBeLessThan(1.1);
	});

	test.skipIf(!hasWsclean || python === undefined)(
		"WSClean sees the calibrator's flux within 1 % and thermal noise",
		async () => {
			const { set, model, apparent } = await trueModel();
			const span = set.frequenciesHz.length * 2;
			set.close();
			const update = openForUpdate(corrected, ["model"]);
			const m = new Float32Array(2 * update.set.baselines.antenna1.length * span);
			for await (const block of update.set.blocks({ autocorrelations: true })) {
				const values = new Float32Array(2 * block.nRows * span);
				let last = -1;
				for (let row = 0; row < block.nRows; row++) {
					if (block.timeIndex[row] !== last) model(block.timeIndex[row], m, 0, update.set.baselines.antenna1.length);
					last = block.timeIndex[row];
					const b = block.baseline[row];
					if (b >= 0) values.set(m.subarray(2 * b * span, 2 * (b + 1) * span), 2 * row * span);
				}
				update.put(block, { model: values });
			}
			update.close();
			const image = (name: string, ...options: string[]) => {
				const run = spawnSync(
					"wsclean",
					["-quiet", "-j", "1", "-weight", "natural", "-pol", "I", "-name", join(folder, name), ...options, corrected],
					{ encoding: "utf8", env },
				);
				expect(run.stderr + run.stdout).not.toMatch(/exception/i);
			};
			image(
				"residual",
				"-size",
				"1024",
				"1024",
				"-scale",
				"10asec",
				"-niter",
				"0",
				"-subtract-model",
				"-no-update-model-required",
			);
			image(
				"clean",
				"-size",
				"640",
				"640",
				"-scale",
				"3asec",
				"-niter",
				"300",
				"-gain",
				"0.1",
				"-mgain",
				"0.6",
				"-auto-threshold",
				"8",
				"-no-update-model-required",
			);
			const seen = runPython(
				python as string,
				`
import sys, json, numpy as np, casacore.tables as ct
from astropy.io import fits
residual = fits.open(sys.argv[1] + "/residual-image.fits")[0].data.squeeze()
clean = fits.open(sys.argv[1] + "/clean-image.fits")[0].data.squeeze()
t = ct.table(sys.argv[2], ack=False)
w, f, a, b = t.getcol("WEIGHT_SPECTRUM"), t.getcol("FLAG"), t.getcol("ANTENNA1"), t.getcol("ANTENNA2")
use = ~f & (a != b)[:, None, None]
print(json.dumps({"rms": float(residual.std()), "thermal": float(1.07896 / np.sqrt(w[use].sum())), "peak": float(clean.max())}))`,
				folder,
				corrected,
			) as { rms: number; thermal: number; peak: number };
			expect(seen.rms / seen.thermal).toBeGreaterThan(0.85);
			expect(seen.rms / seen.thermal).toBeLessThan(1.1);
			const n = apparent.apparentJy.length / apparent.nSources;
			const mean = apparent.apparentJy.subarray(0, n).reduce((sum, jy) => sum + jy, 0) / n;
			expect(Math.abs(seen.peak / mean - 1)).toBeLessThan(0.01);
		},
	);

	test("a trial writes nothing; tables that serve no time correct nothing and say so", () => {
		const trial = caustic("apply", ...small().slice(0, 2), "--tables", tables, "--mode", "trial", "--no-flag");
		expect(trial.stdout).toMatch(/would correct/);
		const nowhere = caustic(
			"apply",
			...small().slice(0, 1),
			"--tables",
			tables,
			"--only",
			"G",
			"--spwmap",
			"7",
			"--out",
			join(folder, "no.ms"),
		);
		expect(nowhere.status).toBe(2);
		expect(nowhere.stderr).toMatch(/none of the data's spectral windows/);
		const refused = caustic("apply", ...small().slice(0, 1), "--tables", tables);
		expect(refused.status).toBe(2);
		expect(refused.stderr).toMatch(/only a MeasurementSet is corrected in place/);
		expect(existsSync(join(folder, "no.ms"))).toBe(false);
	});
});

describe.skipIf(!hasSharedData)("real VLA data", () => {
	let data: ReturnType<typeof unpackVisibilities>;
	beforeAll(() => {
		data = unpackVisibilities("vla-day2");
	});
	afterAll(() => data.remove());

	test("solutions agree with those of another solver to the noise, and are applied in place", () => {
		const source = join(data.folder, "vla-day2", "day2_TDEM0003_10s_norx_1src_1spw.ms");
		const ms = join(folder, "day2.ms");
		cpSync(source, ms, { recursive: true });
		const tables = join(folder, "vla");
		const solved = caustic("calibrate", ms, "--calibrator", "J1008+0730", "--flux", "1", "--out", tables);
		expect(solved.stderr).toBe("");
		expect(solved.status).toBe(0);
		const quality = JSON.parse(readFileSync(join(tables, "quality.json"), "utf8"));
		// Nine integrations although the antennas stamp them at fifteen times.
		expect(quality.tables.G.n_solutions).toBe(18 * 2 * 9);
		expect(quality.tables.G.snr_median).toBeGreaterThan(10);
		expect(quality.tables.G.residual_chi2).toBeCloseTo(1, 1);
		const dead = quality.antennas.filter((antenna: { state: string }) => antenna.state === "dead");
		expect(dead.map((antenna: { name: string }) => antenna.name)).toContain("7");
		if (python !== undefined) {
			const oracle = join(dirname(main), "../../test/oracle/gains_oracle.py");
			const table = (kind: string) => join(tables, `J1008+0730.${kind}`);
			const run = spawnSync(python, [oracle, ms, table("K"), table("B"), table("G"), "1"], { encoding: "utf8", env });
			const agreement = JSON.parse(run.stdout);
			expect(agreement.compared).toBeGreaterThan(200);
			expect(agreement.pull_rms).toBeLessThan(1);
			expect(agreement.phase_rms_deg).toBeLessThan(agreement.phase_error_deg);
		}
		const applied = caustic("apply", ms, "--tables", tables, "--json");
		expect(applied.stderr).toBe("");
		const report = JSON.parse(applied.stdout);
		expect(report.corrected / report.samples).toBeGreaterThan(0.3);
		if (python === undefined) return;
		const seen = runPython(
			python,
			`
import sys, json, numpy as np, casacore.tables as ct
t = ct.table(sys.argv[1], ack=False)
v, f, w = t.getcol("CORRECTED_DATA")[..., [0, 3]], t.getcol("FLAG")[..., [0, 3]], 1
good = np.ma.masked_array(v, f)
print(json.dumps({"re": float(np.ma.median(good.real)), "im": float(np.ma.median(good.imag))}))`,
			ms,
		) as { re: number; im: number };
		expect(seen.re).toBeGreaterThan(0.9);
		expect(seen.re).toBeLessThan(1.1);
		expect(Math.abs(seen.im)).toBeLessThan(0.05);
	});
});
