/**
 * Delays, bandpass and gains of a full-size DSA-110 transit: 96 antennas, 16 x 48 channels, 24 integrations, 1.4 GB of
 * visibilities, from UVH5 files in the page cache to written tables. `CAUSTIC_BENCH_SET` names a folder to keep the set in.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const main = join(dirname(dirname(fileURLToPath(import.meta.url))), "src/cli/main.ts");
const folder = mkdtempSync(join(tmpdir(), "caustic-bench-"));
const set = process.env.CAUSTIC_BENCH_SET ?? join(folder, "set");
const caustic = (...args: string[]) => {
	const run = spawnSync(process.execPath, [main, ...args], { encoding: "utf8", maxBuffer: 1 << 28 });
	if (run.status !== 0) throw new Error(run.stderr);
	return run.stdout;
};

/** A numpy StEFCal of the same chain on two shared cores, recorded: reading apart. */
const PEER_S = 40;
const LIMIT_S = 12;

try {
	if (!existsSync(join(set, "truth"))) {
		const begun = performance.now();
		caustic("simulate", "visibilities", set);
		console.log(`simulated 1.4 GB in ${((performance.now() - begun) / 1000).toFixed(0)} s`);
	}
	const files = readdirSync(set).filter((name) => name.endsWith(".hdf5"));
	// Into the page cache.
	for (const name of files) readFileSync(join(set, name));
	for (const pass of ["calibrator alone", "with the field's sources"]) {
		const sky = pass === "calibrator alone" ? [] : ["--sky", join(set, "truth", "truth_sky.csv")];
		const begun = performance.now();
		const out = JSON.parse(caustic("calibrate", set, ...sky, "--out", join(folder, "cal"), "--json", "--workers", "2"));
		const total = (performance.now() - begun) / 1000;
		const { seconds, resources } = out as {
			seconds: Record<string, number>;
			resources: { cpu_s: number; max_rss_mb: number };
		};
		console.log(`${pass}: score ${out.score}, chi2 ${out.tables.G.residual_chi2}`);
		for (const [stage, s] of Object.entries(seconds)) console.log(`  ${stage.padEnd(20)} ${s.toFixed(2)} s`);
		console.log(
			`  files to tables ${total.toFixed(1)} s (aim ${LIMIT_S}), ${resources.cpu_s.toFixed(1)} s of CPU, ${resources.max_rss_mb} MB; numpy reference ${PEER_S} s (recorded): ${(PEER_S / total).toFixed(1)} times faster; the file lasts 309 s: ${(309 / total).toFixed(0)} times faster than it arrives`,
		);
	}
	console.log(`${availableParallelism()} cores`);
} finally {
	rmSync(folder, { recursive: true, force: true });
}
