/**
 * The stage that normalises one epoch of 10,000 sources in one subband (200 references), from stored measurements to stored
 * values, behind a short and a long history: its cost must be that of the epoch. Aim: 0.5 s of processor time. Then what
 * preparing the next epoch's references costs, and a request for the same image twice: the second answer is kept.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../src/config/load.ts";
import { solveStored } from "../src/pipeline/normalise/on-request.ts";
import { configurationHash } from "../src/pipeline/runner.ts";
import type { Stage, StageContext } from "../src/pipeline/stage.ts";
import { normalise } from "../src/pipeline/stages/normalise.ts";
import { references } from "../src/pipeline/stages/references.ts";
import type { Database } from "../src/store/database.ts";
import { openStore } from "../src/store/open.ts";
import type { Run } from "../src/store/runs.ts";
import { simulateField } from "../test/simulated-gains.ts";
import { storeEpoch, storeField } from "../test/stored-field.ts";

const SOURCES = 10_000;
const folder = mkdtempSync(join(tmpdir(), "caustic-normalise-stage-"));
const { config } = loadConfig();

const configuration = configurationHash(config);
const print = (text: string) => process.stdout.write(`${text}\n`);

async function timed(database: Database, stage: Stage, run: string): Promise<string> {
	const context = { database, config, configurationHash: configuration } as StageContext;
	const cpu = process.cpuUsage();
	const begun = performance.now();
	const result = await stage.execute(context, { id: run } as Run, "1");
	const computed = performance.now();
	await database.transaction("store", (tx) => result.store(tx));
	const stored = performance.now();
	const { user, system } = process.cpuUsage(cpu);
	const seconds = (ms: number) => (ms / 1000).toFixed(2);
	return `${seconds(stored - begun)} s (${seconds(computed - begun)} until computed), processor ${seconds((user + system) / 1000)} s; ${JSON.stringify(result.output)}`;
}

try {
	const asked = process.argv.slice(2).map(Number).filter(Boolean);
	for (const history of asked.length > 0 ? asked : [12, 100]) {
		const store = await openStore({ dataFolder: join(folder, String(history)) });
		const { database } = store;
		const field = simulateField(3, {
			sources: SOURCES,
			epochs: history + 3,
			snr: [1, 1000],
			jumps: [{ first: 5, last: 9, amplitude: -0.2, tilt: 0.1 }],
		});
		const runOf = (k: number) => (k < history ? "history" : `new${k - history}`);
		await storeField(database, field, runOf, { measured: history });
		await database.execute("analyze", "ANALYZE");
		print(`history of ${history} epochs at once: ${await timed(database, normalise, "history")}`);
		for (let k = history; k < history + 3; k++) {
			await storeEpoch(database, field, k, runOf(k));
			print(`  one epoch, normalise:  ${await timed(database, normalise, runOf(k))}`);
			print(`  one epoch, references: ${await timed(database, references, runOf(k))}`);
		}
		for (const which of ["first", "second"]) {
			const begun = performance.now();
			await solveStored(database, config, configuration, history + 1);
			print(`  the same image on request, ${which} time: ${(performance.now() - begun).toFixed(0)} ms`);
		}
		await store.close();
	}
} finally {
	rmSync(folder, { recursive: true, force: true });
}
