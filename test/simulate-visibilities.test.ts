import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { openVisibilities } from "../src/formats/open-visibilities.ts";

const main = join(dirname(dirname(fileURLToPath(import.meta.url))), "src/cli/main.ts");
const folder = mkdtempSync(join(tmpdir(), "caustic-simulate-"));
afterAll(() => rmSync(folder, { recursive: true }));
const caustic = (...args: string[]) => spawnSync(process.execPath, [main, ...args], { encoding: "utf8" });
const small = ["--antennas", "14", "--channels", "6", "--subbands", "8", "--integrations", "12", "--width", "1000"];

const digest = (path: string): string =>
	(readdirSync(path, { recursive: true }) as string[])
		.sort()
		.filter((name) => statSync(join(path, name)).isFile())
		.map(
			(name) =>
				`${name} ${createHash("sha256")
					.update(readFileSync(join(path, name)))
					.digest("hex")}`,
		)
		.join("\n");

describe("caustic simulate visibilities", () => {
	test("the same seed gives the same files, another seed others", () => {
		const outs = ["a", "b", "c"].map((name) => join(folder, name));
		for (const [i, out] of outs.entries()) {
			const run = caustic("simulate", "visibilities", out, ...small, "--seed", i === 2 ? "2" : "1");
			expect(run.stderr).toBe("");
			expect(run.status).toBe(0);
		}
		expect(digest(outs[0])).toBe(digest(outs[1]));
		expect(digest(outs[0])).not.toBe(digest(outs[2]));
		expect(readdirSync(outs[0]).filter((name) => /_sb\d\d\.hdf5$/.test(name)).length).toBe(8);
		const set = openVisibilities([outs[0]]);
		expect(set.frequenciesHz.length).toBe(48);
		expect(set.timesMjd.length).toBe(12);
		expect(set.baselines.antenna1.length).toBe(91);
		expect(set.antennas.length).toBe(117);
		expect(set.fields[0].phaseCentre.kind).toBe("meridian");
		set.close();
		// HDF5 of another kind beside a group is no part of it; a file cut short is, and is named.
		copyFileSync(join(outs[0], "truth", "truth.h5"), join(outs[0], "truth.h5"));
		const again = openVisibilities([outs[0]]);
		expect(again.frequenciesHz.length).toBe(48);
		again.close();
		truncateSync(join(outs[0], readdirSync(outs[0]).find((name) => name.endsWith("_sb03.hdf5")) as string), 5000);
		expect(() => openVisibilities([outs[0]])).toThrow(
			expect.objectContaining({ subject: expect.stringContaining("_sb03") }),
		);
	});

	test.each([["on the meridian"], ["tracking"]])("calibrate finds what was put in, %s", (how) => {
		const out = join(folder, how.replaceAll(" ", "-"));
		const extra = how === "tracking" ? ["--tracking"] : [];
		expect(caustic("simulate", "visibilities", out, ...small, ...extra, "--seed", "5").status).toBe(0);
		const truth = JSON.parse(readFileSync(join(out, "truth", "truth.json"), "utf8"));
		const cal = join(out, "cal");
		const run = caustic("calibrate", out, "--sky", join(out, "truth", "truth_sky.csv"), "--out", cal);
		expect(run.stderr).toBe("");
		expect(run.status).toBe(0);
		const quality = JSON.parse(readFileSync(join(cal, "quality.json"), "utf8"));
		const states = Object.fromEntries(
			quality.antennas.map((antenna: { name: string; state: string }) => [antenna.name, antenna.state]),
		);
		const { defects } = truth;
		for (const name of defects.dead) expect(states[name]).toBe("dead");
		for (const name of defects.dead_second_polarization) expect(states[name]).toBe("dead-polarization");
		for (const name of defects.noisy_x5) expect(states[name]).toBe("noisy");
		for (const name of defects.phase_jump_60deg) expect(states[name]).toBe("phase-jump");
		for (const name of defects.flagged_at_input) expect(states[name]).toBe("flagged-at-input");
		for (const name of Object.keys(defects.large_delay_s)) expect(states[name]).toBe("wild-delay");
		const bad = Object.values(defects).flatMap((value) => (Array.isArray(value) ? value : []));
		const healthy = Object.keys(states).filter(
			(name) => ![...bad, ...Object.keys(defects.large_delay_s)].includes(name),
		);
		expect(healthy.length).toBe(7);
		for (const name of healthy) expect([name, states[name]]).toEqual([name, "good"]);
		// The model is complete and the geometry exact: what is left is noise.
		expect(quality.tables.G.residual_chi2).toBeGreaterThan(0.93);
		expect(quality.tables.G.residual_chi2).toBeLessThan(1.07);
		expect(quality.calibrator.name).toBe("3C286");
	});

	test("a MeasurementSet holds the same", () => {
		const ms = join(folder, "sim.ms");
		const run = caustic("simulate", "visibilities", ms, ...small, "--tracking", "--seed", "5");
		expect(run.stderr).toBe("");
		const solved = caustic(
			"calibrate",
			ms,
			"--sky",
			join(folder, "sim.ms.truth", "truth_sky.csv"),
			"--out",
			join(folder, "mscal"),
		);
		expect(solved.stderr).toBe("");
		const quality = JSON.parse(readFileSync(join(folder, "mscal", "quality.json"), "utf8"));
		expect(quality.accepted).toBe(true);
		expect(quality.tables.G.residual_chi2).toBeGreaterThan(0.93);
		expect(quality.tables.G.residual_chi2).toBeLessThan(1.07);
	});

	test("what cannot be simulated is refused by the option's name", () => {
		expect(caustic("simulate", "visibilities", join(folder, "x"), "--calibrator", "3C999").stderr).toMatch(/3C999/);
		expect(caustic("simulate", "visibilities", join(folder, "x"), "--antennas", "500").stderr).toMatch(
			/500 of 117 stations/,
		);
		expect(caustic("simulate", "visibilities", join(folder, "x"), "--around", "2099-01-01T00:00:00").status).toBe(2);
	});
});
