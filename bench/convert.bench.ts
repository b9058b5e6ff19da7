import { spawnSync } from "node:child_process";
import {
	closeSync,
	mkdirSync,
	mkdtempSync,
	openSync,
	readdirSync,
	readSync,
	rmSync,
	statSync,
	writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { exportMeasurementSet } from "../src/formats/casa/export-measurement-set.ts";
import { openUvh5 } from "../src/formats/uvh5/read.ts";
import { pythonWith } from "../test/oracle/python.ts";
import { shortest, writeDsaGroup } from "./dsa-group.ts";

/**
 * A 1.45 GB UVH5 group, as DSA-110 writes it (or the one in CAUSTIC_BENCH_GROUP), to a MeasurementSet with phases turned to J2000:
 * beside a copy of the same bytes in the disk cache, the time it takes to arrive, and h5py with python-casacore doing less (no geometry, no weights).
 */
const nTimes = Number(process.env.CAUSTIC_BENCH_TIMES ?? 15);

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

const folder = mkdtempSync(join(tmpdir(), "caustic-bench-"));
try {
	const given = process.env.CAUSTIC_BENCH_GROUP;
	const { files, bytes, arrives } = given === undefined ? ownGroup(join(folder, "group")) : groupIn(given);
	const copy = join(folder, "copy");
	mkdirSync(copy);
	// Read and written: copyFile may only make references on some file systems.
	const buffer = new Uint8Array(4 << 20);
	const copying = await shortest(3, () => {
		for (const file of files) {
			const [from, to] = [openSync(file, "r"), openSync(join(copy, basename(file)), "w")];
			for (let count = readSync(from, buffer); count > 0; count = readSync(from, buffer))
				writeSync(to, buffer, 0, count);
			closeSync(from);
			closeSync(to);
		}
	});
	rmSync(copy, { recursive: true });
	const own = await shortest(3, async () => {
		const set = openUvh5(files);
		await exportMeasurementSet(set, join(folder, "own.ms"));
		set.close();
	});
	const peakMb = process.resourceUsage().maxRSS / 1e3;
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
		`${(bytes / 1e9).toFixed(2)} GB of UVH5 to a MeasurementSet: ${own.toFixed(2)} s (${(bytes / own / 1e6).toFixed(0)} MB/s), at most ${peakMb.toFixed(0)} MB of memory`,
		`copying the same bytes in the disk cache: ${copying.toFixed(2)} s (conversion at ${((100 * copying) / own).toFixed(0)} % of its speed; goal 50 %)`,
		`arriving takes ${arrives.toFixed(0)} s: ${(arrives / own).toFixed(0)} times longer; goal 10`,
		run?.status === 0
			? `h5py and python-casacore, data and flags only, in this run: ${Number(run.stdout).toFixed(2)} s (ratio ${(Number(run.stdout) / own).toFixed(2)})`
			: "h5py and python-casacore are not here to compare with",
	];
	process.stdout.write(`${lines.join("\n")}\n`);
} finally {
	rmSync(folder, { recursive: true });
}
