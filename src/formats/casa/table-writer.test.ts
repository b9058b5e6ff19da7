import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { digestOf, type TableDigest } from "../../../test/casa-digest.ts";
import { copyTable } from "../../../test/copy-table.ts";
import { pythonWith, runPython } from "../../../test/oracle/python.ts";
import { CasaTable } from "./table.ts";
import { readTableDescription } from "./table-description.ts";
import { TableWriter, writeTable } from "./table-writer.ts";
import { writeTableDescription } from "./write-description.ts";

const file = (path: string) => fileURLToPath(new URL(`../../../test/${path}`, import.meta.url));
const written: Record<string, TableDigest> = JSON.parse(readFileSync(file("oracle/casa-fixtures-digest.json"), "utf8"));
const python = pythonWith("casacore.tables");

describe("tables that Caustic writes", () => {
	const folder = mkdtempSync(join(tmpdir(), "caustic-casa-write-"));
	const copies = join(folder, "copies");
	beforeAll(() => {
		execFileSync("tar", ["-xzf", file("fixtures/casa-tables.tar.gz"), "-C", folder]);
		for (const name of Object.keys(written)) {
			const table = new CasaTable(join(folder, name));
			copyTable(table, join(copies, name));
			table.close();
		}
	});
	afterAll(() => rmSync(folder, { recursive: true }));

	test("a description is written byte for byte as casacore wrote it", () => {
		for (const name of Object.keys(written)) {
			const bytes = readFileSync(join(folder, name, "table.dat"));
			expect(Buffer.compare(writeTableDescription(readTableDescription(name, bytes)), bytes)).toBe(0);
		}
	});

	test("hold every cell of what they are a copy of", () => {
		for (const name of Object.keys(written)) {
			const copy = new CasaTable(join(copies, name));
			expect(digestOf(copy)).toEqual(written[name]);
			copy.close();
		}
	});

	test.skipIf(python === undefined)("are read by casacore as the originals are", () => {
		const paths = Object.keys(written).map((name) => join(copies, name));
		const run = spawnSync(python as string, [file("oracle/casa_digest.py"), ...paths], { encoding: "utf8" });
		expect(run.stderr).toBe("");
		expect(JSON.parse(run.stdout)).toEqual(written);
	});

	test.skipIf(python === undefined)("can be extended and changed by casacore, and are then read by us", () => {
		const path = join(folder, "extended");
		const n = 1000;
		writeTable(
			path,
			{
				nRows: n,
				columns: [
					{ name: "NUMBER", type: "Int" },
					{ name: "TEXT", type: "String" },
					{ name: "FLAG", type: "Bool", cells: [3, 5], tiled: "TiledFlag" },
					{ name: "DATA", type: "Complex", cells: "varying", ndim: 2, tiled: "TiledData" },
					{ name: "FREE", type: "double", cells: "varying" },
				],
			},
			{
				NUMBER: Int32Array.from({ length: n }, (_, i) => i),
				TEXT: Array.from({ length: n }, (_, i) => "x".repeat(i % 40)),
				FLAG: Uint8Array.from({ length: 15 * n }, (_, i) => (i % 7 === 0 ? 1 : 0)),
				DATA: { shape: [2, 4], data: Float32Array.from({ length: 16 * n }, (_, i) => i) },
				FREE: Array.from({ length: n }, (_, i) =>
					i % 3 === 0 ? undefined : { shape: [2], data: Float64Array.of(i, -i) },
				),
			},
		);
		const program = `
import casacore.tables as ct, numpy as np, json, sys
t = ct.table(sys.argv[1], readonly=False, ack=False)
t.addrows(500)
t.putcol("NUMBER", np.arange(500) * 3, ${n}, 500)
for r in range(${n}, ${n} + 500):
    t.putcell("TEXT", r, "new %d" % r)
    t.putcell("FLAG", r, np.ones((5, 3), bool))
    t.putcell("DATA", r, np.full((4, 2) if r % 2 else (3, 1), r + 1j))
t.putcell("TEXT", 7, "a much longer text than before")
t.putcell("FREE", 0, np.array([[1., 2.], [3., 4.]]))
t.close()
print(json.dumps("done"))`;
		expect(runPython(python as string, program, path)).toBe("done");
		const table = new CasaTable(path);
		expect(table.nRows).toBe(n + 500);
		expect(table.column("NUMBER").numbers(n - 2, 5)).toEqual(Float64Array.of(n - 2, n - 1, 0, 3, 6));
		expect(table.column("TEXT").strings()[7]).toBe("a much longer text than before");
		expect(table.column("TEXT").strings()[39]).toBe("x".repeat(39));
		expect(table.column("TEXT").strings()[n + 499]).toBe(`new ${n + 499}`);
		expect(table.column("FLAG").cell(n + 3)?.data).toEqual(new Uint8Array(15).fill(1));
		expect(table.column("FLAG").cell(7)?.data).toEqual(
			Uint8Array.from({ length: 15 }, (_, i) => ((105 + i) % 7 === 0 ? 1 : 0)),
		);
		expect(table.column("DATA").cell(n - 1)).toEqual({
			shape: [2, 4],
			data: Float32Array.from({ length: 16 }, (_, i) => 16 * (n - 1) + i),
		});
		expect(table.column("DATA").cell(n + 4)).toEqual({
			shape: [1, 3],
			data: Float32Array.of(n + 4, 1, n + 4, 1, n + 4, 1),
		});
		expect(table.column("FREE").cell(0)).toEqual({ shape: [2, 2], data: Float64Array.of(1, 2, 3, 4) });
		expect(table.column("FREE").cell(3)).toBeUndefined();
		expect(table.column("FREE").cell(4)).toEqual({ shape: [2], data: Float64Array.of(4, -4) });
		table.close();
	});

	test("are no table before they are complete", () => {
		const path = join(folder, "short");
		const writer = new TableWriter(path, { nRows: 5, columns: [{ name: "A", type: "Int" }] });
		writer.append(3, { A: new Int32Array(3) });
		expect(readdirSync(path)).not.toContain("table.dat");
		expect(() => writer.finish()).toThrow(/3 of 5 rows/);
		expect(() => new CasaTable(path)).toThrow(/not a casacore table/);
	});

	test("subtables are found inside the table, beside it and elsewhere, as casacore names them", () => {
		const place = (value: string) => ({ type: "Table" as const, isArray: false, value, comment: "" });
		const columns = [{ name: "a", type: "Int" as const }];
		const path = join(copies, "main");
		const keywords = new Map([
			["INSIDE", place("././INSIDE")],
			["BESIDE", place("./sub/BESIDE")],
			["ELSEWHERE", place(join(copies, "ELSEWHERE"))],
			["MOVED", place("/nowhere/MOVED")],
		]);
		writeTable(path, { nRows: 1, columns, keywords }, { a: Int32Array.of(0) });
		const at = { INSIDE: path, BESIDE: join(copies, "sub"), ELSEWHERE: copies, MOVED: join(path, "nowhere") };
		Object.entries(at).forEach(([name, folderOf], i) => {
			writeTable(join(folderOf, name), { nRows: 1, columns }, { a: Int32Array.of(i + 1) });
		});
		const table = new CasaTable(path);
		for (const [i, name] of Object.keys(at).entries()) {
			const subtable = table.subtable(name);
			expect([name, subtable.column("a").numbers()[0]]).toEqual([name, i + 1]);
			subtable.close();
		}
		table.close();
	});
});
