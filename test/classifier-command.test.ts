import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Random } from "../src/simulation/random.ts";
import { openStore } from "../src/store/open.ts";
import { seedSurvey } from "./seeded-survey.ts";

const main = join(dirname(dirname(fileURLToPath(import.meta.url))), "src/cli/main.ts");
const folder = mkdtempSync(join(tmpdir(), "caustic-classifier-"));
const data = join(folder, "survey");
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const caustic = (...args: string[]) => {
	const run = spawnSync(process.execPath, [main, "classifier", ...args, "--data", data, "--json"], {
		encoding: "utf8",
	});
	return { status: run.status, stderr: run.stderr, json: run.stdout === "" ? undefined : JSON.parse(run.stdout) };
};

/** Candidates as the detector writes them, some with verdicts: events are deeper and rest on more epochs. */
async function addCandidates(from: number, n: number, verdicts: boolean): Promise<void> {
	const store = await openStore({ dataFolder: data });
	const random = new Random(from);
	await store.database.transaction("candidates", async (tx) => {
		for (let id = from; id < from + n; id++) {
			const isEvent = id % 2 === 0;
			const lambda = isEvent ? random.uniform(80, 900) : random.uniform(44, 120);
			const explanation = {
				lambda_null: lambda * (isEvent ? 1.2 : 2.5),
				lambda_alternative: lambda,
				lambda_leave_one_out: lambda * 1.05,
				error_scale: random.uniform(0.9, isEvent ? 1.3 : 2.5),
				null_with_lens: { sigma: 0.03, tau: 40, kappa: 0.1 },
			};
			await tx.execute(
				"candidate",
				`INSERT INTO candidate (id, source_id, status, significance, false_alarm_probability, tier, first_detected_mjd, start_mjd, peak_mjd, end_mjd,
				 depth, duration_days, chromaticity, statistic, n_measurements, explanation, last_seq)
				 VALUES ($1, $2, $3, 4, 3e-5, 'low', 60320, 60310, 60330, 60350, $4, $5, 0.4, $6, 100, $7, $8)`,
				[
					id,
					1 + (id % 24),
					verdicts ? (isEvent ? "confirmed" : "rejected") : "open",
					isEvent ? random.uniform(0.3, 0.9) : random.uniform(0.06, 0.4),
					random.uniform(10, 80),
					lambda,
					JSON.stringify(explanation),
					verdicts ? 2 : 1,
				],
			);
			await tx.execute(
				"event",
				"INSERT INTO candidate_event (candidate_id, seq, kind, actor) VALUES ($1, 1, 'detected', 'detector')",
				[id],
			);
			if (verdicts)
				await tx.execute(
					"verdict",
					"INSERT INTO candidate_event (candidate_id, seq, kind, at, actor, reason_class) VALUES ($1, 2, $2, clock_timestamp(), 'ada', $3)",
					[id, isEvent ? "confirmed" : "rejected", isEvent ? null : "intrinsic_flare"],
				);
		}
	});
	await store.close();
}

describe("learning from people", () => {
	beforeAll(async () => {
		const store = await openStore({ dataFolder: data });
		await seedSurvey(store.database, { sources: 24, epochs: 20 });
		await store.close();
	}, 120_000);

	test("too few verdicts teach nothing", () => {
		const run = caustic("train");
		expect(run.status).toBe(2);
		expect(run.stderr).toContain("too few");
	}, 60_000);

	test("trained from verdicts, on trial beside the promoted version, promoted by a person", async () => {
		await addCandidates(100, 40, true);
		const first = caustic("train");
		expect(first.status).toBe(0);
		expect(first.json).toMatchObject({ version: 1, trained_on: { events: 20, others: 20 } });
		expect(first.json.cross_validated.accuracy).toBeGreaterThan(0.85);
		expect(Math.abs(first.json.cross_validated.calibration - 1)).toBeLessThan(0.15);
		// Nothing counts until somebody says so.
		expect(caustic("list").json[0].status).toBe("trial");
		const promoted = caustic("promote", "1", "--actor", "grace");
		expect(promoted.json[0]).toMatchObject({ version: 1, status: "promoted", promoted_by: "grace" });
		expect(caustic("train").json.version).toBe(2);
		const early = caustic("compare");
		expect(early.status).toBe(2);
		expect(early.stderr).toContain("since both were trained");
		await addCandidates(200, 20, true);
		await addCandidates(300, 4, false);
		const compared = caustic("compare").json;
		expect(compared).toMatchObject({ promoted: 1, trial: 2, first: { n: 20 }, second: { n: 20 } });
		expect(compared.standardError).toBeGreaterThanOrEqual(0);
		const scores: { candidate_id: number; promoted: number; trial: number }[] = caustic("score").json;
		const of = (id: number) => scores.find((one) => one.candidate_id === id);
		expect(of(300)?.promoted).toBeGreaterThan(of(301)?.promoted ?? 1);
		expect(of(300)?.trial).toBeGreaterThan(of(301)?.trial ?? 1);
		const third = caustic("promote", "2", "--actor", "grace");
		expect(third.json.map((one: { status: string }) => one.status)).toEqual(["retired", "promoted"]);
		expect(caustic("promote", "9").status).toBe(2);
	}, 120_000);

	test("known and manual detections are kept; accuracy over time names what was missed", () => {
		expect(caustic("label", "--source", "2", "--from", "60340", "--to", "60360", "--known").status).toBe(0);
		expect(caustic("label", "--source", "3", "--from", "50000", "--to", "50100", "--note", "by eye").status).toBe(0);
		const report = caustic("accuracy").json;
		expect(report.named_events).toBe(2);
		expect(report.missed.map((one: { start_mjd: number }) => one.start_mjd)).toEqual([50_000]);
		const total = report.months.reduce((sum: number, m: { confirmed: number }) => sum + m.confirmed, 0);
		expect(total).toBeGreaterThanOrEqual(30);
		expect(caustic("label", "--source", "3", "--from", "2", "--to", "1").stderr).toContain("--to");
		expect(caustic("label", "--source", "nobody", "--from", "1", "--to", "2").stderr).toContain("nobody");
	}, 60_000);
});
