import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { COMMANDS } from "../src/cli/commands.ts";
import { registry } from "../src/observability/metrics.ts";
import { STAGES } from "../src/pipeline/graph.ts";

const main = join(dirname(dirname(fileURLToPath(import.meta.url))), "src/cli/main.ts");
const folder = mkdtempSync(join(tmpdir(), "caustic-operate-"));
const data = join(folder, "survey");
const caustic = (...args: string[]) =>
	spawnSync(process.execPath, [main, ...args], { encoding: "utf8", env: { ...process.env, USER: "ada" } });
const json = (...args: string[]) => {
	const run = caustic(...args, "--data", data, "--json");
	expect(run.stderr).toBe("");
	return JSON.parse(run.stdout);
};
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("operating a survey from the terminal", () => {
	beforeAll(() => {
		const made = caustic(
			"simulate",
			"sky",
			folder,
			"--seed",
			"3",
			"--epochs",
			"14",
			"--frequencies",
			"1000,1400",
			"--size",
			"192",
			"--sources",
			"10",
		);
		expect(made.status).toBe(0);
		writeFileSync(join(folder, "images", "broken.fits"), "SIMPLE  =                    T");
		const run = caustic("run", join(folder, "images"), "--catalog", join(folder, "catalogue.csv"), "--data", data);
		expect(run.stderr).toBe("");
		expect(run.status).toBe(3);
	}, 120_000);

	test("runs: list, and one trace from the command through jobs to SQL", () => {
		const [run] = json("runs", "list");
		expect(run.status).toBe("done");
		const shown = json("runs", "show", run.id, "--spans", "100000");
		const spans: { span_id: string; parent_span_id: string | null; name: string }[] = shown.timeline.spans;
		const names = new Set(spans.map((span) => span.name));
		for (const stage of STAGES)
			if (
				shown.timeline.units.some(
					(unit: { stage: string; unit: string }) => unit.stage === stage.name && unit.unit !== "-",
				)
			)
				expect(names).toContain(`stage ${stage.name}`);
		expect([...names].some((name) => name.startsWith("sql copy measurement"))).toBe(true);
		const byId = new Map(spans.map((span) => [span.span_id, span]));
		const orphans = spans.filter((span) => span.parent_span_id !== null && !byId.has(span.parent_span_id));
		expect(orphans).toEqual([]);
		expect(spans.filter((span) => span.parent_span_id === null).map((span) => span.name)).toEqual(["caustic run"]);
		const text = caustic("runs", "show", run.id, "--data", data).stdout;
		for (const stage of STAGES) expect(text).toContain(stage.name);
	});

	test("every stage has its metrics", async () => {
		const text = await registry.metrics();
		for (const metric of [
			"photometry_pipeline_stage_duration_seconds",
			"photometry_pipeline_stage_runs_total",
			"photometry_pipeline_stage_cpu_seconds_total",
		])
			expect(text).toContain(`# TYPE ${metric}`);
		// That each stage counts in them is seen where stages run in one process with the scrape.
		expect(new Set(STAGES.map((stage) => stage.name)).size).toBe(STAGES.length);
	});

	test("dead letters: shown with reason and remedy, retried for real, resolved by success", () => {
		const [letter] = json("dead-letters", "list");
		expect(letter).toMatchObject({ stage: "ingest", status: "open" });
		expect(letter.subject).toContain("broken.fits");
		const again = caustic("dead-letters", "retry", String(letter.id), "--data", data);
		expect(again.status).toBe(3);
		spawnSync("sh", [
			"-c",
			`cp "$(ls ${folder}/images/*.fits | grep -v broken | head -n 1)" ${folder}/images/broken.fits`,
		]);
		expect(caustic("dead-letters", "retry", String(letter.id), "--data", data).status).toBe(0);
		expect(json("dead-letters", "list")).toEqual([]);
		expect(json("dead-letters", "list", "--all")[0].status).toBe("resolved");
	});

	test("status, db check, doctor, config", () => {
		expect(json("status")).toMatchObject({ images: 28, sources: 10, dead_letters_open: 0 });
		expect(json("db", "check")).toMatchObject({ ok: true });
		expect(json("db", "upgrade")).toMatchObject({ applied: 0 });
		const findings: { what: string; status: string }[] = json("doctor");
		expect(findings.filter((finding) => finding.status === "fail")).toEqual([]);
		expect(findings.map((finding) => finding.what)).toContain("earth orientation");
		const rows: { key: string; origin: string }[] = JSON.parse(
			caustic("config", "show", "--json", "--set", "normalization.min_snr=33").stdout,
		);
		expect(rows.find((row) => row.key === "normalization.min_snr")).toMatchObject({
			value: 33,
			origin: "flag --set normalization.min_snr=33",
		});
		expect(caustic("config", "check", "--set", "normalization.min_srn=33").status).toBe(2);
	});

	test("export: what is stored, in formats that others open", () => {
		for (const name of [
			"light-curves.csv",
			"light-curves.parquet",
			"sources.vot",
			"measurements.csv",
			"candidates.json",
		]) {
			const run = caustic("export", name.split(".")[0], "--data", data, "--out", join(folder, name));
			expect([run.status, run.stderr], name).toEqual([0, expect.stringContaining("rows written")]);
		}
		expect(caustic("export", "fluxes", "--data", data).status).toBe(2);
	});

	test("every command explains itself with an example, and refuses what it does not know", async () => {
		for (const entry of COMMANDS) {
			const command = await entry.load();
			expect(command.name).toBe(entry.name);
			expect(command.examples.length).toBeGreaterThan(0);
			for (const example of command.examples) expect(example).toMatch(new RegExp(`^caustic ${entry.name}( |$)`));
		}
		const unknown = caustic("statsu");
		expect([unknown.status, unknown.stderr]).toEqual([2, expect.stringContaining("statsu")]);
		expect(caustic("status", "--data", join(folder, "nothing")).status).toBe(2);
	});
});
