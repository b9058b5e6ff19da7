import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadConfig } from "../src/config/load.ts";
import { createLogger } from "../src/observability/log.ts";
import { scheduleChecks } from "../src/pipeline/checks/scheduled.ts";
import { openStore } from "../src/store/open.ts";
import { seedSurvey } from "./seeded-survey.ts";

const main = join(dirname(dirname(fileURLToPath(import.meta.url))), "src/cli/main.ts");
const folder = mkdtempSync(join(tmpdir(), "caustic-statistics-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const caustic = (...args: string[]) => spawnSync(process.execPath, [main, ...args], { encoding: "utf8" });

describe("statistics against measurements", () => {
	const data = join(folder, "survey");
	const check = (...args: string[]) => {
		const run = caustic("db", "check", "--statistics", ...args, "--data", data, "--json");
		return { status: run.status, ...JSON.parse(run.stdout) };
	};
	beforeAll(async () => {
		const store = await openStore({ dataFolder: data });
		await seedSurvey(store.database, { sources: 24, epochs: 20 });
		await store.close();
	}, 120_000);

	test("db check --statistics finds what differs, --repair mends it, and what is right stays", async () => {
		// The seeded survey comes without running sums: all of them are made from the measurements.
		expect(check("--repair")).toMatchObject({ status: 0, light_curves: 96, wrong: 96, repaired: 96 });
		expect(check()).toMatchObject({ status: 0, light_curves: 96, wrong: 0 });
		// What a crash, a stray statement or a bad disk would leave.
		const store = await openStore({ dataFolder: data });
		const { database } = store;
		const spoil = (text: string) => database.execute("spoil", text);
		await spoil(
			"UPDATE light_curve_state SET state = set_byte(state, 11, get_byte(state, 11) # 255) WHERE source_id = 3 AND band_id = 1",
		);
		await spoil("DELETE FROM light_curve_state WHERE source_id = 5 AND band_id = 2");
		await spoil("UPDATE light_curve_state SET state = '\\x3ff0' WHERE source_id = 7 AND band_id = 3");
		await spoil(
			"DELETE FROM measurement WHERE ctid IN (SELECT ctid FROM measurement WHERE source_id = 9 AND band_id = 4 LIMIT 1)",
		);
		await store.close();
		const found = check();
		expect(found).toMatchObject({ status: 1, light_curves: 96, wrong: 4, repaired: 0 });
		expect(found.problems.map(({ problems }: { problems: string[] }) => problems.join("; "))).toEqual([
			expect.stringContaining("mean is"),
			expect.stringContaining("there are measurements and no statistics"),
			expect.stringContaining("the stored sums cannot be read"),
			expect.stringContaining("n is 20, the measurements give 19"),
		]);
		expect(check("--repair")).toMatchObject({ status: 0, wrong: 4, repaired: 4 });
		expect(check()).toMatchObject({ status: 0, wrong: 0 });
		const alone = caustic("db", "check", "--repair", "--data", data);
		expect(alone.status).toBe(2);
		expect(alone.stderr).toContain("--repair");
	}, 120_000);

	test("db check names measurements whose source is not there", async () => {
		const orphans = () => {
			const run = caustic("db", "check", "--data", data, "--json");
			return { status: run.status, found: JSON.parse(run.stdout).found };
		};
		const name = "measurements of a source or an image that is not there";
		expect(orphans()).toMatchObject({ status: 0, found: { [name]: 0 } });
		const store = await openStore({ dataFolder: data });
		const forge = (text: string) => store.database.execute("forge", text);
		await forge(`INSERT INTO measurement (source_id, image_id, method, configuration, band_id, mjd, run_id)
			SELECT 999, image_id, 'forged', configuration, band_id, mjd, run_id FROM measurement LIMIT 1`);
		expect(orphans()).toMatchObject({ status: 1, found: { [name]: 1 } });
		await forge("DELETE FROM measurement WHERE method = 'forged'");
		await store.close();
	}, 60_000);

	test("by schedule: checked, repaired and recorded once in the time configured", async () => {
		const store = await openStore({ dataFolder: data });
		try {
			const { database } = store;
			await database.execute(
				"spoil",
				"UPDATE light_curve_state SET state = set_byte(state, 1, 8) WHERE source_id = 2 AND band_id = 1",
			);
			const checks = scheduleChecks(database, loadConfig().config, createLogger("fatal"), 50);
			const scheduled = () =>
				database.query("scheduled", "SELECT wrong, repaired FROM statistics_check WHERE trigger = 'schedule'");
			await expect.poll(scheduled, { timeout: 20_000 }).toEqual([{ wrong: 1, repaired: 1 }]);
			await new Promise((resolve) => setTimeout(resolve, 300));
			await checks.stop();
			expect((await scheduled()).length).toBe(1);
		} finally {
			await store.close();
		}
	}, 60_000);
});
