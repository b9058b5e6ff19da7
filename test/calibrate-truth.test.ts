import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import type { QualityDocument } from "../src/pipeline/calibration/quality-document.ts";
import { readTables } from "../src/pipeline/calibration/table-files.ts";
import { errorsAgainstTruth, readDsaTruth } from "./dsa-truth.ts";
import { hasSharedData, sharedData } from "./shared-data.ts";

const main = join(dirname(dirname(fileURLToPath(import.meta.url))), "src/cli/main.ts");
const folder = mkdtempSync(join(tmpdir(), "caustic-calibrate-"));
afterAll(() => rmSync(folder, { recursive: true }));

const caustic = (...args: string[]) => spawnSync(process.execPath, [main, ...args], { encoding: "utf8" });
const group = (size: "tiny" | "small") =>
	readdirSync(sharedData("visibilities", `dsa-sim-${size}`))
		.filter((name) => name.endsWith(".hdf5"))
		.map((name) => sharedData("visibilities", `dsa-sim-${size}`, name));
const sky = (size: "tiny" | "small") => sharedData("visibilities", `dsa-sim-${size}`, "truth_sky.csv");
const qualityOf = (out: string) => JSON.parse(readFileSync(join(out, "quality.json"), "utf8")) as QualityDocument;

/** Thermal errors of amplitude (fraction) and phase (degrees, reference included), derived from the sets' noise. */
const THERMAL = {
	tiny: [
		[0.0115, 0.93],
		[0.0127, 1.03],
	],
	small: [
		[0.0064, 0.52],
		[0.0062, 0.5],
	],
} as const;

describe.skipIf(!hasSharedData)("a simulated transit of 3C286 over DSA-110", () => {
	for (const size of ["tiny", "small"] as const) {
		test(`${size}: the calibrator alone as model is better than the reference solver`, () => {
			const out = join(folder, `${size}-alone`);
			const run = caustic("calibrate", ...group(size), "--refant", "40", "--out", out);
			expect(run.stderr).toBe("");
			expect(run.status).toBe(0);
			const truth = readDsaTruth(size);
			const tables = readTables(out, undefined);
			expect(tables.map(({ table }) => table.kind)).toEqual(["K", "B", "G"]);
			for (const [s, key] of (["pol0", "pol1"] as const).entries()) {
				const error = errorsAgainstTruth(truth, tables, s);
				const peer = truth.peer[key];
				expect(error.amplitude).toBeLessThan(0.85 * peer.amp_rms);
				expect(error.phaseDeg).toBeLessThan(0.85 * peer.phase_rms_deg);
				expect(error.flagged).toBeLessThanOrEqual(peer.flagged_frac_good_ants + 1e-9);
				expect(Math.abs(error.bias)).toBeLessThan(0.0025);
			}
		});

		test(`${size}: with the field in the model it reaches the thermal limit, and names every defect and nothing else`, () => {
			const out = join(folder, `${size}-field`);
			const run = caustic("calibrate", ...group(size), "--refant", "40", "--sky", sky(size), "--out", out, "--json");
			expect(run.status).toBe(0);
			const truth = readDsaTruth(size);
			const tables = readTables(out, "3C286");
			for (let s = 0; s < 2; s++) {
				const error = errorsAgainstTruth(truth, tables, s);
				const [amplitude, phaseDeg] = THERMAL[size][s];
				expect(error.amplitude).toBeLessThan(1.15 * amplitude);
				expect(error.phaseDeg).toBeLessThan(1.15 * phaseDeg);
				expect(Math.abs(error.bias)).toBeLessThan(0.001);
			}
			const quality = qualityOf(out);
			const states: Record<string, string> = Object.fromEntries(truth.stations.map((name) => [name, "good"]));
			const set = (indices: (number | string)[], state: string) => {
				for (const i of indices) states[truth.stations[Number(i)]] = state;
			};
			set(Object.keys(truth.bad.large_delay), "wild-delay");
			set(truth.bad.phase_jump_60deg_t12, "phase-jump");
			set(truth.bad.noisy_x5, "noisy");
			set(truth.bad.dead_polY, "dead-polarization");
			set(truth.bad.dead, "dead");
			set(truth.bad.flagged_at_input, "flagged-at-input");
			expect(Object.fromEntries(quality.antennas.map(({ name, state }) => [name, state]))).toEqual(states);
			for (const { state, reasons } of quality.antennas) expect(reasons.length > 0).toBe(state !== "good");
			const rfi = truth.rfi.reduce((sum, flag) => sum + flag, 0) / truth.rfi.length;
			expect(quality.rfi?.fraction).toBeCloseTo(rfi, 5);
			expect(quality.accepted).toBe(true);
			expect(quality.score).toBeGreaterThan(0.9);
			expect(quality.tables.G?.residual_chi2).toBeGreaterThan(0.93);
			expect(quality.tables.G?.residual_chi2).toBeLessThan(1.05);
			const noisy = quality.antennas.find(({ state }) => state === "noisy");
			expect(noisy?.chi2).toBeGreaterThan(20);
			expect(noisy?.chi2).toBeLessThan(30);
			expect(JSON.parse(run.stdout).score).toBe(quality.score);
		});
	}

	test("converted to a MeasurementSet of one window, it is solved as well: every defect found, no bias of the flux", () => {
		const ms = join(folder, "small.ms");
		const centre = "202.7845338,30.5091553";
		expect(caustic("convert", ...group("small"), "--out", ms, "--centre", centre, "--name", "3C286").status).toBe(0);
		const out = join(folder, "small-ms");
		const run = caustic(
			"calibrate",
			ms,
			"--pointing-dec",
			"30.5",
			"--refant",
			"40",
			"--sky",
			sky("small"),
			"--out",
			out,
		);
		expect(run.stderr).toBe("");
		expect(run.status).toBe(0);
		const truth = readDsaTruth("small");
		const tables = readTables(out, undefined);
		for (let s = 0; s < 2; s++) {
			const error = errorsAgainstTruth(truth, tables, s);
			expect(error.amplitude).toBeLessThan(1.15 * THERMAL.small[s][0]);
			expect(error.phaseDeg).toBeLessThan(1.15 * THERMAL.small[s][1]);
			expect(Math.abs(error.bias)).toBeLessThan(0.0015);
		}
		const quality = qualityOf(out);
		const rfi = truth.rfi.reduce((sum, flag) => sum + flag, 0) / truth.rfi.length;
		expect(quality.rfi?.fraction).toBeCloseTo(rfi, 4);
		expect(quality.antennas.filter(({ state }) => state !== "good").map(({ name }) => name)).toEqual(
			Object.values(truth.bad)
				.flatMap((bad) => (Array.isArray(bad) ? bad : Object.keys(bad).map(Number)))
				.sort((a, b) => a - b)
				.map((p) => truth.stations[p]),
		);
	});

	test("one worker or three, the files are the same byte for byte", () => {
		const read = (out: string) =>
			(readdirSync(out, { recursive: true }) as string[])
				.filter((name) => /\.(json|html)$|table\.(dat|f\d)/.test(name))
				.sort()
				.map((name) => [name, readFileSync(join(out, name)).toString("base64")]);
		const outs = ["1", "3"].map((workers) => {
			const out = join(folder, `workers-${workers}`);
			expect(caustic("calibrate", ...group("tiny"), "--workers", workers, "--out", out).status).toBe(0);
			return out;
		});
		expect(read(outs[0])).toEqual(read(outs[1]));
	});

	test("samples that do not fit in memory are read again, with the same result", () => {
		const out = join(folder, "frugal");
		const [path] = [join(folder, "tiny-alone")];
		expect(caustic("calibrate", ...group("tiny"), "--refant", "40", "--memory", "0.001", "--out", out).status).toBe(0);
		expect(readFileSync(join(out, "quality.json"), "utf8")).toBe(readFileSync(join(path, "quality.json"), "utf8"));
	});

	test("the wrong calibrator is refused and leaves no table", () => {
		const out = join(folder, "wrong");
		const run = caustic("calibrate", ...group("tiny"), "--calibrator", "3C48", "--out", out);
		expect(run.status).toBe(2);
		expect(run.stderr).toMatch(/3C48 is not in the beam/);
		expect(qualityOf(out)).toMatchObject({ accepted: false, score: 0, reasons: [expect.stringMatching(/3C48/)] });
		expect(readdirSync(out)).toEqual(["quality.json"]);
	});

	test("too few antennas, no flux, no such name: refused with what would mend it", () => {
		const out = join(folder, "refused");
		const others = readDsaTruth("tiny").stations.slice(2).join(",");
		const two = caustic("calibrate", ...group("tiny"), "--exclude", others, "--out", out);
		expect(two.status).toBe(2);
		expect(two.stderr).toMatch(/2 antennas have data; 5 are needed/);
		const zero = caustic("calibrate", ...group("tiny"), "--calibrator", "3C286", "--flux", "0", "--out", out);
		expect(zero.status).toBe(2);
		expect(zero.stderr).toMatch(/0 Jy is no flux density/);
		const unknown = caustic("calibrate", ...group("tiny"), "--calibrator", "3C999", "--out", out);
		expect(unknown.status).toBe(2);
		expect(unknown.stderr).toMatch(/no calibrator is called 3C999/);
		expect(existsSync(join(out, "3C286.G"))).toBe(false);
	});
});

describe.skipIf(!hasSharedData)("sets without a calibrator in them", () => {
	test("real ATA data full of unflagged absurd values are refused with every reason", () => {
		const files = readdirSync(sharedData("visibilities", "ata-3c286"));
		for (const [i, name] of files.entries()) {
			const out = join(folder, `ata-${i}`);
			const run = caustic("calibrate", sharedData("visibilities", "ata-3c286", name), "--out", out);
			expect(run.status).toBe(2);
			expect(run.stderr).toMatch(/% zero.*absurd; no coherent signal/);
			expect(readdirSync(out)).toEqual(["quality.json"]);
			expect(qualityOf(out).reasons.length).toBe(2);
		}
	});
});
