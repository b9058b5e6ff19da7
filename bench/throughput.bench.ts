/**
 * An epoch of four subbands of 4096 x 4096 with 10,000 sources, from the files to stored measurements, with all cores and
 * with one thread, which must store the same. Aim: 4 s on two cores.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { openStore } from "../src/store/open.ts";

const main = join(dirname(dirname(fileURLToPath(import.meta.url))), "src/cli/main.ts");
/** Tells the peak memory and the processor time of a command when it ends. */
const WATCH = `data:text/javascript,process.on("exit",()=>{const u=process.resourceUsage();process.stderr.write("\\n@"+u.maxRSS+" "+(u.userCPUTime+u.systemCPUTime)+"\\n")})`;
const folder = mkdtempSync(join(tmpdir(), "caustic-throughput-"));
const print = (line: string) => process.stdout.write(`${line}\n`);

function caustic(...args: string[]): { out: string; megabytes: number; cpuS: number } {
	const run = spawnSync(process.execPath, ["--import", WATCH, main, ...args], { encoding: "utf8", maxBuffer: 1 << 28 });
	if (run.status !== 0) throw new Error(`caustic ${args.join(" ")}: ${run.stderr}${run.stdout}`);
	const [kilobytes, microseconds] = (/@(\d+) (\d+)/.exec(run.stderr) ?? []).slice(1).map(Number);
	return { out: run.stdout, megabytes: kilobytes / 1000, cpuS: microseconds / 1e6 };
}

try {
	const sky =
		"--epochs 2 --frequencies 1280,1360,1440,1520 --size 4096 --pixel 1.5 --beam 9,6.75,30 --sources 10000 --snr 1,1000 --steady --maps";
	caustic("simulate", "sky", folder, ...sky.split(" "));
	const images = join(folder, "images");
	for (const name of readdirSync(images)) {
		const epoch = join(folder, name.slice(0, "epoch-001".length));
		mkdirSync(epoch, { recursive: true });
		renameSync(join(images, name), join(epoch, name));
	}
	const hashes: string[] = [];
	for (const threads of [availableParallelism(), 1]) {
		const data = join(folder, `survey-${threads}`);
		const settings = ["--catalog", join(folder, "catalogue.csv"), "--data", data, "--threads", String(threads)];
		for (const epoch of ["epoch-001", "epoch-002"]) {
			const { out, megabytes, cpuS } = caustic(
				"run",
				join(folder, epoch),
				...settings,
				"--set",
				"photometry_pipeline.new_sources=false",
				"--json",
			);
			const run = JSON.parse(out) as { id: string; summary: Record<string, Record<string, number>> };
			const store = await openStore({ dataFolder: data });
			const [{ seconds }] = await store.database.query<{ seconds: number }>(
				"stored after",
				`SELECT extract(epoch FROM max(s.finished_at) - min(r.created_at))::float8 AS seconds FROM stage_run s JOIN run r ON r.id = s.run_id
				 WHERE s.stage = 'measure' AND r.id = $1`,
				[run.id],
			);
			await store.close();
			const { measured } = run.summary.measure;
			print(
				`${epoch}, ${threads} threads: files to stored measurements ${seconds.toFixed(2)} s for ${measured} fluxes (aim 4 s; ratio ${(seconds / 4).toFixed(2)}), ` +
					`${((measured / seconds) * 3600 * 1e-6).toFixed(0)} million an hour (aim 10), whole run ${cpuS.toFixed(1)} s of processor time, ${megabytes.toFixed(0)} MB at most`,
			);
		}
		hashes.push(
			createHash("sha256")
				.update(caustic("export", "measurements", "--data", data).out)
				.digest("hex"),
		);
	}
	print(hashes[0] === hashes[1] ? "  both store the same, byte for byte" : "  THE TWO STORE DIFFERENT MEASUREMENTS");
	print("  peers (recorded): forced_phot numba 2.2 s for one image with maps, without a database; four of them 8.8 s");
} finally {
	rmSync(folder, { recursive: true, force: true });
}
