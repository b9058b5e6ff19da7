import { spawnSync } from "node:child_process";
import {
	closeSync,
	mkdirSync,
	mkdtempSync,
	openSync,
	readdirSync,
	readSync,
	renameSync,
	rmSync,
	statSync,
	writeSync,
} from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { keepCompiled } from "../src/cli/compile-cache.ts";
import { type ExportOptions, exportMeasurementSet } from "../src/formats/casa/export-measurement-set.ts";
import { openVisibilities } from "../src/formats/open-visibilities.ts";
import { openUvh5 } from "../src/formats/uvh5/read.ts";
import { pythonWith } from "../test/oracle/python.ts";
import { writeUvfits } from "../test/written-uvfits.ts";
import { shortest, writeDsaGroup } from "./dsa-group.ts";

/**
 * A 1.45 GB UVH5 group, as DSA-110 writes it (or the one in CAUSTIC_BENCH_GROUP), to a MeasurementSet with phases turned to J2000,
 * beside copies of the same bytes in the disk cache, the time it takes to arrive, and h5py with python-casacore doing less (no
 * geometry, no weights).
 *
 * Copies and conversions take turns; all write new files on the disk of the group, whose last ones are removed before, and none
 * waits for the disk (no fsync); what was left to write is written out before the clock runs. Two copies: a loop of reads and
 * writes of 1 MB, and `cp` without references and holes, which hands the copying to the kernel (copy_file_range: the bytes never
 * come to a program). The goal, half of a copy's speed, is judged by both, by the best and by the median round.
 *
 * Then, once each way: windows kept apart, a MeasurementSet and UVFITS as the source.
 */
keepCompiled();
const nTimes = Number(process.env.CAUSTIC_BENCH_TIMES ?? 15);
const rounds = Number(process.env.CAUSTIC_BENCH_ROUNDS ?? 5);

function ownGroup(path: string) {
	return { ...writeDsaGroup(path, nTimes), arrives: nTimes * 12.884902 };
}

/** Files of a group that is there already, for instance of `caustic simulate visibilities`. */
function groupIn(path: string) {
	const names = readdirSync(path).filter((name) => name.endsWith(".hdf5"));
	const files = names.map((name) => join(path, name));
	const set = openUvh5(files);
	const arrives = set.timesMjd.length * set.integrationS;
	set.close();
	return { files, bytes: files.reduce((sum, file) => sum + statSync(file).size, 0), arrives };
}

const sizeOf = (path: string): number =>
	statSync(path).isDirectory()
		? readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0)
		: statSync(path).size;

const folder = mkdtempSync(join(tmpdir(), "caustic-bench-"));
try {
	const given = process.env.CAUSTIC_BENCH_GROUP;
	const { files, bytes, arrives } = given === undefined ? ownGroup(join(folder, "group")) : groupIn(given);
	const copy = join(folder, "copy");
	const ms = join(folder, "own.ms");
	const buffer = new Uint8Array(1 << 20);
	const main = fileURLToPath(new URL("../src/cli/main.ts", import.meta.url));
	const ways: Record<string, () => unknown> = {
		loop: () => {
			for (const file of files) {
				const [from, to] = [openSync(file, "r"), openSync(join(copy, basename(file)), "w")];
				for (let count = readSync(from, buffer); count > 0; count = readSync(from, buffer))
					writeSync(to, buffer, 0, count);
				closeSync(from);
				closeSync(to);
			}
		},
		convert: async () => {
			const set = openUvh5(files);
			await exportMeasurementSet(set, ms);
			set.close();
		},
		cp: () => spawnSync("cp", ["--reflink=never", "--sparse=never", ...files, copy]),
		command: () => {
			const run = spawnSync(process.execPath, [main, "convert", ...files, "--out", ms], { encoding: "utf8" });
			if (run.status !== 0) throw new Error(run.stderr);
		},
	};
	const seconds: Record<string, number[]> = Object.fromEntries(Object.keys(ways).map((way) => [way, []]));
	let written = 0;
	let peakMb = 0;
	const load = loadavg()[0];
	for (let round = 0; round < rounds; round++) {
		for (const [way, work] of Object.entries(ways)) {
			rmSync(ms, { recursive: true, force: true });
			rmSync(copy, { recursive: true, force: true });
			mkdirSync(copy);
			// What others, and the last round, left to write would be charged to whoever writes next.
			spawnSync("sync");
			const begun = performance.now();
			await work();
			seconds[way].push((performance.now() - begun) / 1000);
			if (way === "convert") {
				written = sizeOf(ms);
				peakMb = process.resourceUsage().maxRSS / 1e3;
			}
		}
	}
	rmSync(copy, { recursive: true });
	const least = (way: string) => Math.min(...seconds[way]);
	const uvfits = join(folder, "group.uvfits");
	writeUvfits(uvfits, {
		nAntennas: 64,
		nTimes: 15,
		nChannels: 768,
		ifs: [{ offsetHz: 0, stepHz: 244140.625 }],
		stokes: [-5, -6],
		sample: (row, _window, channel) => [row, channel, 1],
	});
	const source = join(folder, "source.ms");
	renameSync(ms, source);
	const others: string[] = [];
	const perByte = least("convert") / bytes;
	for (const [name, paths, options] of [
		["windows kept apart", files, { keepWindows: true }],
		["from a MeasurementSet", [source], {}],
		["from UVFITS", [uvfits], {}],
	] as [string, string[], ExportOptions][]) {
		const size = paths.reduce((sum, path) => sum + sizeOf(path), 0);
		const best = await shortest(3, async () => {
			const set = openVisibilities(paths);
			await exportMeasurementSet(set, ms, options);
			set.close();
		});
		others.push(
			`${name}: ${(size / 1e9).toFixed(2)} GB in ${best.toFixed(2)} s, per byte ${(best / size / perByte).toFixed(1)} times as long as the group`,
		);
	}
	const middle = (way: string) => [...seconds[way]].sort((a, b) => a - b)[rounds >> 1];
	const of = (way: string) => `${least(way).toFixed(2)} s (median ${middle(way).toFixed(2)})`;
	const share = (own: string, peer: string) =>
		`${((100 * least(peer)) / least(own)).toFixed(0)} % (medians ${((100 * middle(peer)) / middle(own)).toFixed(0)} %)`;
	const script = `
import h5py, sys, time, json, numpy as np, casacore.tables as ct
files, out = sys.argv[2:], sys.argv[1]
b = time.perf_counter()
n = h5py.File(files[0])["Data/visdata"].shape[0]
chans = 48 * len(files)
cols = [ct.makearrcoldesc(name, value, ndim=2, shape=[chans, 2], options=4, datamanagertype="TiledColumnStMan", datamanagergroup=name)
        for name, value in (("DATA", 0j), ("FLAG", False))]
man = {"*%d" % (i + 1): {"TYPE": "TiledColumnStMan", "NAME": c, "SEQNR": i, "COLUMNS": [c], "SPEC": {"DEFAULTTILESHAPE": [2, chans, 80]}} for i, c in enumerate(("DATA", "FLAG"))}
t = ct.table(out, ct.maketabdesc(cols), nrow=n, dminfo=man, ack=False)
handles = [h5py.File(f) for f in reversed(files)]
step = 4656
for r in range(0, n, step):
    v = np.concatenate([h["Data/visdata"][r:r + step, 0][:, ::-1] for h in handles], axis=1)
    f = np.concatenate([h["Data/flags"][r:r + step, 0][:, ::-1] for h in handles], axis=1)
    t.putcol("DATA", np.conj(v), r, len(v))
    t.putcol("FLAG", f, r, len(f))
t.close()
print(json.dumps(time.perf_counter() - b))`;
	const python = pythonWith("h5py", "casacore.tables");
	const run =
		python === undefined
			? undefined
			: spawnSync(python, ["-c", script, join(folder, "peer.ms"), ...files], { encoding: "utf8" });
	if (run !== undefined && run.status !== 0) process.stderr.write(run.stderr);
	const lines = [
		`${(bytes / 1e9).toFixed(2)} GB of UVH5 to a MeasurementSet of ${(written / 1e9).toFixed(2)} GB: ${of("convert")}, at most ${peakMb.toFixed(0)} MB of memory; ` +
			`the whole command ${of("command")}; ${rounds} rounds, load ${load.toFixed(1)}`,
		`copying the group in the disk cache, reads and writes of 1 MB: ${of("loop")}; conversion at ${share("convert", "loop")} of its speed, the command at ${share("command", "loop")}; goal 50 %`,
		`copying by the kernel (cp): ${of("cp")}; conversion at ${share("convert", "cp")} of its speed`,
		`arriving takes ${arrives.toFixed(0)} s: ${(arrives / least("command")).toFixed(0)} times longer than the command; goal 10`,
		run?.status === 0
			? `h5py and python-casacore, data and flags only, in this run: ${Number(run.stdout).toFixed(2)} s (ratio ${(Number(run.stdout) / least("convert")).toFixed(2)})`
			: "h5py and python-casacore are not here to compare with",
		...others,
	];
	process.stdout.write(`${lines.join("\n")}\n`);
} finally {
	rmSync(folder, { recursive: true });
}
