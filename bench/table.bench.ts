/** Reading and writing tables of a million light-curve rows, beside pandas, astropy and DuckDB when they are there. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readTable } from "../src/formats/table/read.ts";
import type { Table } from "../src/formats/table/table.ts";
import { writeTable } from "../src/formats/table/write.ts";
import { Random } from "../src/simulation/random.ts";
import { pythonWith } from "../test/oracle/python.ts";

const rows = 1_000_000;
const folder = mkdtempSync(join(tmpdir(), "caustic-bench-"));

const PEER = `
import sys, time
import pandas as pd
from astropy.table import Table
path = sys.argv[1]
def timed(f):
    s = time.perf_counter(); r = f(); return r, time.perf_counter() - s
frame, read = timed(lambda: pd.read_csv(path + ".csv"))
_, write = timed(lambda: frame.to_csv(path + ".peer.csv", index=False))
print("csv", read, write)
table, read = timed(lambda: Table.read(path + ".fits"))
_, write = timed(lambda: table.write(path + ".peer.fits"))
print("fits", read, write)
small = table[:100000]
_, write = timed(lambda: small.write(path + ".peer.vot", format="votable"))
_, read = timed(lambda: Table.read(path + ".peer.vot", format="votable"))
print("vot", read * len(table) / len(small), write * len(table) / len(small))
`;

async function timed<T>(work: () => Promise<T>): Promise<[T, number]> {
	const begun = performance.now();
	const result = await work();
	return [result, (performance.now() - begun) / 1000];
}

try {
	const random = new Random(1);
	const numbers = (make: (row: number) => number) => Float64Array.from({ length: rows }, (_, row) => make(row));
	const table: Table = {
		rows,
		columns: [
			{
				name: "source_id",
				kind: "text",
				values: Array.from({ length: rows }, (_, row) => `J${100_000 + (row % 2000)}`),
			},
			{ name: "mjd", kind: "number", values: numbers((row) => 60_000 + Math.floor(row / 2000) * 1.0027) },
			{ name: "frequency_mhz", kind: "integer", values: numbers((row) => 1300 + 50 * (row % 4)) },
			{ name: "flux_jy", kind: "number", values: numbers(() => random.normal()) },
			{ name: "flux_err_jy", kind: "number", values: numbers(() => Math.round(1e6 * random.uniform()) / 1e9) },
		],
	};
	const ours = new Map<string, [read: number, write: number]>();
	for (const extension of ["csv", "parquet", "fits", "arrow", "vot", "json"]) {
		const path = join(folder, `table.${extension}`);
		const [, write] = await timed(() => writeTable(path, table));
		const [back, read] = await timed(() => readTable(path));
		if (back.rows !== rows) throw new Error(`${extension} lost rows`);
		ours.set(extension, [read, write]);
	}
	const peers = new Map<string, [name: string, read: number, write: number]>();
	const python = pythonWith("pandas", "astropy");
	if (python !== undefined) {
		const { stdout } = spawnSync(python, ["-c", PEER, join(folder, "table")], { encoding: "utf8" });
		for (const line of stdout.trim().split("\n")) {
			const [name, read, write] = line.split(" ");
			peers.set(name, [name === "csv" ? "pandas" : "astropy", Number(read), Number(write)]);
		}
	}
	const { DuckDBInstance } = await import("@duckdb/node-api");
	const connection = await (await DuckDBInstance.create(":memory:", { threads: "1" })).connect();
	const parquet = join(folder, "table.parquet");
	const [, duckRead] = await timed(() => connection.run(`create table t as select * from read_parquet('${parquet}')`));
	const [, duckWrite] = await timed(() => connection.run(`copy t to '${join(folder, "duck.parquet")}' (codec zstd)`));
	peers.set("parquet", ["DuckDB, one thread", duckRead, duckWrite]);
	console.log(`tables of ${rows} rows and 5 columns, seconds`);
	for (const [name, [read, write]] of ours) {
		const peer = peers.get(name);
		const beside = peer
			? `   ${peer[0]} ${peer[1].toFixed(2)} (${(peer[1] / read).toFixed(1)}), ${peer[2].toFixed(2)} (${(peer[2] / write).toFixed(1)})`
			: "";
		console.log(`  ${name.padEnd(8)} read ${read.toFixed(2)}, write ${write.toFixed(2)}${beside}`);
	}
} finally {
	rmSync(folder, { recursive: true, force: true });
}
