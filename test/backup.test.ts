import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const main = join(dirname(dirname(fileURLToPath(import.meta.url))), "src/cli/main.ts");
const folder = mkdtempSync(join(tmpdir(), "caustic-backup-"));
const survey = join(folder, "survey");
const file = join(folder, "survey.backup.gz");
const caustic = (...args: string[]) => spawnSync(process.execPath, [main, ...args], { encoding: "utf8" });
const exported = (data: string, what: string) => caustic("export", what, "--data", data).stdout;
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("backup and restore of a survey", () => {
	beforeAll(() => {
		const sky = ["--epochs", "4", "--frequencies", "1400", "--size", "128", "--sources", "6", "--seed", "5"];
		expect(caustic("simulate", "sky", join(folder, "sky"), ...sky).status).toBe(0);
		expect(caustic("run", join(folder, "sky/images"), "--data", survey).status).toBe(0);
		const backup = caustic("db", "backup", file, "--data", survey, "--json");
		expect(backup.stderr).toBe("");
		expect(JSON.parse(backup.stdout).rows.image).toBe(readdirSync(join(folder, "sky/images")).length);
	}, 120_000);

	test("a restored survey is the same, agrees with itself and goes on", () => {
		const copy = join(folder, "copy");
		const restored = caustic("db", "restore", file, "--data", copy);
		expect(restored.stderr).toBe("");
		expect(restored.status).toBe(0);
		for (const what of ["light-curves", "measurements", "sources", "candidates"]) {
			const rows = exported(copy, what);
			expect(rows).toBe(exported(survey, what));
			if (what === "measurements") expect(rows.split("\n").length).toBeGreaterThan(12);
		}
		expect(caustic("db", "check", "--data", copy).status).toBe(0);
		// The same images again are known; new rows do not collide with restored ones.
		const again = caustic("run", join(folder, "sky/images"), "--data", copy, "--json");
		expect(again.status).toBe(0);
		expect(JSON.parse(again.stdout).summary.ingest.new_images).toBe(0);
		expect(exported(copy, "measurements")).toBe(exported(survey, "measurements"));
	}, 120_000);

	test("never over a survey", () => {
		const over = caustic("db", "restore", file, "--data", survey);
		expect(over.status).toBe(2);
		expect(over.stderr).toContain("already holds a survey");
	});

	test("a file cut short, altered or of something else restores nothing", () => {
		const whole = gunzipSync(readFileSync(file));
		const lines = whole.toString("latin1").split("\n");
		const damaged: Record<string, Buffer> = {
			"cut gzip": readFileSync(file).subarray(0, 3000),
			"cut text": gzipSync(whole.subarray(0, whole.length - 200)),
			"a row less": gzipSync(
				Buffer.from(lines.toSpliced(lines.findIndex((l) => l.includes('"table":"band"')) + 1, 1).join("\n"), "latin1"),
			),
			"another table": gzipSync(
				Buffer.from(whole.toString("latin1").replace('"table":"band"', '"table":"bond"'), "latin1"),
			),
			"no gzip": Buffer.from("light curves"),
		};
		const target = join(folder, "into");
		for (const [name, bytes] of Object.entries(damaged)) {
			const path = join(folder, "damaged.gz");
			writeFileSync(path, bytes);
			const restored = caustic("db", "restore", path, "--data", target);
			expect(restored.stderr, name).toMatch(/damaged\.gz: this is no whole backup|violates foreign key/);
			expect(restored.status, name).not.toBe(0);
			expect(exported(target, "sources").trim().split("\n").length, name).toBe(1);
		}
		expect(caustic("db", "restore", join(folder, "nowhere"), "--data", join(folder, "x")).stderr).toContain(
			"no such file",
		);
	}, 120_000);
});
