/**
 * The stage that normalises one epoch of 10,000 sources in one subband (1,000 of them with baselines, 200 references), from stored
 * measurements to stored values, behind a short and a long history: its cost must be that of the epoch. Aim: 0.5 s of
 * processor time.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../src/config/load.ts";
import { configurationHash } from "../src/pipeline/runner.ts";
import type { StageContext } from "../src/pipeline/stage.ts";
import { normalise } from "../src/pipeline/stages/normalise.ts";
import type { Database } from "../src/store/database.ts";
import { openStore } from "../src/store/open.ts";
import type { Run } from "../src/store/runs.ts";
import { simulateField } from "../test/simulated-gains.ts";
import { storeField } from "../test/stored-field.ts";

const SOURCES = 10_000;
const folder = mkdtempSync(join(tmpdir(), "caustic-normalise-stage-"));
const { config } = loadConfig();

async function stage(database: Database, run: string): Promise<string> {
	const context = { database, config, configurationHash: configurationHash(config) } as StageContext;
	const cpu = process.cpuUsage();
	const begun = performance.now();
	const result = await normalise.execute(context, { id: run } as Run, "1");
	const computed = performance.now();
	await database.transaction("store", (tx) => result.store(tx));
	const stored = performance.now();
	const used = process.cpuUsage(cpu);
	return `${((stored - begun) / 1000).toFixed(2)} s (${((computed - begun) / 1000).toFixed(2)} to compute, ${((stored - computed) / 1000).toFixed(2)} to store), processor ${((used.user + used.system) / 1e6).toFixed(2)} s; ${JSON.stringify(result.output)}`;
}

try {
	for (const history of process.argv
		.slice(2)
		.map(Number)
		.filter(Boolean)
		.concat(process.argv.length > 2 ? [] : [12, 100])) {
		const store = await openStore({ dataFolder: join(folder, String(history)) });
		const field = simulateField(3, {
			sources: SOURCES,
			epochs: history + 2,
			snr: [1, 1000],
			jumps: [{ first: 5, last: 9, amplitude: -0.2, tilt: 0.1 }],
		});
		await storeField(store.database, field, (k) => (k < history ? "history" : `new${k - history}`));
		await store.database.execute("analyze", "ANALYZE");
		for (const run of ["history", "new0", "new1"])
			process.stdout.write(
				`${history} epochs before; ${run === "history" ? "all of them at once" : "one epoch"}: ${await stage(store.database, run)}\n`,
			);
		await store.close();
	}
} finally {
	rmSync(folder, { recursive: true, force: true });
}
