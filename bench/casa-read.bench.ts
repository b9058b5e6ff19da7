import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exportMeasurementSet } from "../src/formats/casa/export-measurement-set.ts";
import { openMeasurementSet } from "../src/formats/casa/measurement-set.ts";
import { CasaTable } from "../src/formats/casa/table.ts";
import { allocate, productOf } from "../src/formats/casa/values.ts";
import { openUvh5 } from "../src/formats/uvh5/read.ts";
import { pythonWith } from "../test/oracle/python.ts";
import { shortest, writeDsaGroup } from "./dsa-group.ts";

/** Columns of a MeasurementSet from the disk cache into typed arrays, beside python-casacore on the same table. */
const folder = mkdtempSync(join(tmpdir(), "caustic-bench-"));
try {
	const { files } = writeDsaGroup(join(folder, "group"), 6, 8);
	const path = join(folder, "bench.ms");
	const set = openUvh5(files);
	// Weights that vary along rows, so that WEIGHT_SPECTRUM is there.
	await exportMeasurementSet(set, path, {
		correct: ({ visibilities, flags }) => ({ visibilities, weights: Float32Array.from(flags, (_, i) => 1 + (i & 7)) }),
	});
	set.close();
	const table = new CasaTable(path);
	const names = ["DATA", "FLAG", "WEIGHT_SPECTRUM", "UVW"];
	const own: Record<string, number> = {};
	const size: Record<string, number> = {};
	for (const name of names) {
		const column = table.column(name);
		const shape = column.cellShape(0) as number[];
		const target = allocate(column.description.type, productOf(shape) * table.nRows);
		size[name] = target.byteLength;
		own[name] = await shortest(5, () => column.cells(0, table.nRows, target));
	}
	own.TIME = await shortest(5, () => table.column("TIME").numbers());
	size.TIME = 8 * table.nRows;
	table.close();
	const ms = openMeasurementSet(path);
	const blocks = await shortest(3, async () => {
		for await (const block of ms.blocks({ autocorrelations: true })) if (block.nRows === 0) throw new Error("empty");
	});
	ms.close();
	const script = `
import casacore.tables as ct, sys, time, json
t = ct.table(sys.argv[1], ack=False)
out = {}
for name in sys.argv[2:]:
    best = 9e9
    for _ in range(5):
        b = time.perf_counter(); t.getcol(name); best = min(best, time.perf_counter() - b)
    out[name] = best
print(json.dumps(out))`;
	const python = pythonWith("casacore.tables");
	const run =
		python === undefined ? undefined : spawnSync(python, ["-c", script, path, ...names, "TIME"], { encoding: "utf8" });
	const peer: Record<string, number> | undefined = run?.status === 0 ? JSON.parse(run.stdout) : undefined;
	for (const [name, seconds] of Object.entries(own)) {
		const speed = `${name.padEnd(16)} ${(size[name] / seconds / 1e6).toFixed(0)} MB/s in memory`;
		const other =
			peer === undefined
				? "python-casacore is not here (as recorded: 610 to 740 MB/s of DATA)"
				: `python-casacore in this run ${(size[name] / peer[name] / 1e6).toFixed(0)} MB/s (ratio ${(peer[name] / seconds).toFixed(2)})`;
		process.stdout.write(`${speed}; ${other}\n`);
	}
	process.stdout.write(
		`whole set as blocks, flags and weights with it: ${(size.DATA / blocks / 1e6).toFixed(0)} MB/s of visibilities\n`,
	);
} finally {
	rmSync(folder, { recursive: true });
}
