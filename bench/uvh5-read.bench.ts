import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Hdf5File } from "../src/formats/hdf5/file.ts";
import { openUvh5 } from "../src/formats/uvh5/read.ts";
import { pythonWith } from "../test/oracle/python.ts";
import { shortest, writeDsaGroup } from "./dsa-group.ts";

/** One DSA-110 subband file (145 MB) from the disk cache into typed arrays, beside h5py on the same file. */
const folder = mkdtempSync(join(tmpdir(), "caustic-bench-"));
try {
	const { files, bytes } = writeDsaGroup(folder, 24, 1);
	readFileSync(files[0]);
	const hdf5 = Hdf5File.open(files[0]);
	const seconds: Record<string, number> = {};
	let size = 0;
	for (const name of ["visdata", "flags", "nsamples"]) {
		const dataset = hdf5.dataset(`/Data/${name}`);
		const target = new Uint8Array(dataset.length * dataset.type.size);
		if (name === "visdata") size = target.length;
		const start = dataset.shape.map(() => 0);
		seconds[name] = await shortest(5, () => dataset.readBytes(start, dataset.shape, target));
	}
	hdf5.close();
	const set = openUvh5(files);
	const blocks = await shortest(5, async () => {
		let rows = 0;
		for await (const block of set.blocks({ autocorrelations: true })) rows += block.nRows;
		if (rows !== set.nRows) throw new Error("rows are missing");
	});
	const open = await shortest(3, () => openUvh5(files).close());
	set.close();

	const script = `
import h5py, sys, json, time
f = h5py.File(sys.argv[1])
out = {}
for name in ("visdata", "flags", "nsamples"):
    best = 9e9
    for _ in range(5):
        b = time.perf_counter(); f["Data/" + name][()]; best = min(best, time.perf_counter() - b)
    out[name] = best
print(json.dumps(out))`;
	const python = pythonWith("h5py");
	const run = python === undefined ? undefined : spawnSync(python, ["-c", script, files[0]], { encoding: "utf8" });
	const ran = run?.status === 0;
	// Recorded on this kind of file: 810, 180 and 600 MB/s.
	const peer: Record<string, number> = ran
		? JSON.parse(run.stdout)
		: { visdata: size / 810e6, flags: size / 8 / 180e6, nsamples: size / 2 / 600e6 };
	const source = ran ? "h5py in this run" : "h5py as recorded";
	const widths: Record<string, number> = { visdata: 8, flags: 1, nsamples: 4 };
	const lines = Object.entries(seconds).map(([name, own]) => {
		const mb = (size * widths[name]) / 8 / 1e6;
		const ratio = (peer[name] / own).toFixed(2);
		return `${name.padEnd(9)} ${(mb / own).toFixed(0)} MB/s; ${source} ${(mb / peer[name]).toFixed(0)} MB/s (ratio ${ratio})`;
	});
	const all = peer.visdata + peer.flags + peer.nsamples;
	lines.push(
		`as blocks in our convention (conjugated, channels ascending, flags and weights with it): ${(size / blocks / 1e6).toFixed(0)} MB/s of ` +
			`visibilities; h5py merely reading the three arrays ${(size / all / 1e6).toFixed(0)} MB/s (ratio ${(all / blocks).toFixed(2)}); goal 300`,
		`opening the file, its header checked: ${(open * 1000).toFixed(0)} ms; file ${(bytes / 1e6).toFixed(1)} MB`,
	);
	process.stdout.write(`${lines.join("\n")}\n`);
} finally {
	rmSync(folder, { recursive: true });
}
