import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { CausticError } from "../error.ts";
import { describeConfig, loadConfig } from "./load.ts";

const folder = mkdtempSync(join(tmpdir(), "caustic-config-"));
afterAll(() => rmSync(folder, { recursive: true }));

const failureOf = (work: () => unknown): CausticError => {
	try {
		work();
	} catch (error) {
		expect(error).toBeInstanceOf(CausticError);
		return error as CausticError;
	}
	throw new Error("nothing was thrown");
};

describe("configuration", () => {
	test("flags win over the environment, the environment over files, files over defaults", () => {
		const path = join(folder, "a.yaml");
		writeFileSync(path, "normalization:\n  min_snr: 30\n  max_sources: 40\n  min_references: 4\n");
		const loaded = loadConfig({
			files: [{ path, required: true }],
			environment: {
				CAUSTIC_NORMALIZATION__MAX_SOURCES: "50",
				CAUSTIC_NORMALIZATION__MIN_REFERENCES: "5",
				CAUSTIC_DATA: "/x",
			},
			overrides: ["normalization.min_references=6"],
		});
		expect(loaded.config.normalization).toMatchObject({
			min_snr: 30,
			max_sources: 50,
			min_references: 6,
			gate_low: 0.5,
		});
		const origin = Object.fromEntries(describeConfig(loaded).map((row) => [row.key, row.origin]));
		expect(origin["normalization.min_snr"]).toBe(`file ${path}`);
		expect(origin["normalization.max_sources"]).toBe("environment CAUSTIC_NORMALIZATION__MAX_SOURCES");
		expect(origin["normalization.min_references"]).toBe("flag --set normalization.min_references=6");
		expect(origin["normalization.gate_low"]).toBe("default");
	});

	test("an error names the key, where it came from and what is accepted", () => {
		const error = failureOf(() => loadConfig({ environment: { CAUSTIC_ESE_DETECTION__MIN_SIGMA: "25" } }));
		expect(error.toString()).toContain("ese_detection.min_sigma (environment CAUSTIC_ESE_DETECTION__MIN_SIGMA)");
		expect(error.toString()).toContain("number from 0 to 20");
	});

	test("an unknown key is an error that lists the known ones", () => {
		const error = failureOf(() => loadConfig({ overrides: ["normalization.min_srn=3"] }));
		expect(error.toString()).toContain("normalization.min_srn");
		expect(error.toString()).toContain("min_snr");
	});

	test("a missing file that was asked for, broken YAML and a value of another kind are refused", () => {
		expect(failureOf(() => loadConfig({ files: [{ path: "/nowhere.yaml", required: true }] })).code).toBe(
			"no-config-file",
		);
		const path = join(folder, "broken.yaml");
		writeFileSync(path, "normalization: [1,\n  {");
		expect(failureOf(() => loadConfig({ files: [{ path, required: true }] })).code).toBe("bad-config-file");
		expect(failureOf(() => loadConfig({ overrides: ["service.port=high"] })).toString()).toContain("from 0 to 65535");
	});

	test("every setting has a meaning", () => {
		const rows = describeConfig(loadConfig());
		expect(rows.length).toBeGreaterThan(30);
		expect(rows.filter((row) => row.help === "").map((row) => row.key)).toEqual([]);
	});
});
