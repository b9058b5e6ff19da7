import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { askPython, pythonWith } from "../../../test/oracle/python.ts";
import { hasSharedData, sharedData } from "../../../test/shared-data.ts";
import { CausticError } from "../../error.ts";
import { readTable } from "./read.ts";
import { type Column, column, type Table } from "./table.ts";
import { writeTable } from "./write.ts";

let folder: string;
beforeAll(() => {
	folder = mkdtempSync(join(tmpdir(), "caustic-table-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const python = pythonWith("astropy", "numpy");
const script = fileURLToPath(new URL("../../../test/oracle/table-oracle.py", import.meta.url));

const sample = (isAscii: boolean): Table => ({
	rows: 5,
	columns: [
		{ name: "source_id", kind: "text", values: ["J1", "007", null, "a<b>&\"c'", isAscii ? "x y" : "é\u2192"] },
		{ name: "ra_deg", kind: "number", values: Float64Array.of(1 / 3, 359.999999999999, Number.NaN, 0, -1e-300) },
		{ name: "n_blend", kind: "integer", values: Float64Array.of(1, Number.NaN, -3, 2 ** 53 - 1, -(2 ** 40) - 7) },
		{ name: "good", kind: "boolean", values: Float64Array.of(1, 0, Number.NaN, 1, 0) },
		{ name: "mjd", kind: "number", values: Float64Array.of(60000.123456789, 6e4, 6e4, Number.NaN, 60001) },
	],
});

const list = (values: Column["values"] = []): (string | number | null)[] => [...values];
const kinds = (table: Table) => table.columns.map(({ name, kind, values }) => ({ name, kind, values: list(values) }));

describe("every format gives back what was written", () => {
	test.each([".csv", ".csv.gz", ".parquet", ".vot", ".vot.gz", ".json", ".arrow", ".fits", ".fits.gz"])(
		"%s",
		async (extension) => {
			const table = sample(extension.startsWith(".fits"));
			const path = join(folder, `sample${extension}`);
			await writeTable(path, table);
			const back = await readTable(path);
			expect(kinds(back)).toEqual(kinds(table));
			expect(back.source).toBe(path);
			// The content tells the format, whatever the name.
			const disguised = join(folder, "disguised.txt");
			renameSync(path, disguised);
			expect(kinds(await readTable(disguised))).toEqual(kinds(table));
		},
	);

	test.each([".csv", ".parquet", ".vot", ".json", ".arrow", ".fits"])("%s without rows", async (extension) => {
		const path = join(folder, `none${extension}`);
		const table: Table = {
			rows: 0,
			columns: [
				{ name: "a", kind: "number", values: new Float64Array(0) },
				{ name: "b", kind: "text", values: [] },
			],
		};
		await writeTable(path, table);
		const back = await readTable(path);
		expect(back.rows).toBe(0);
		if (extension !== ".json") expect(back.columns.map(({ name }) => name)).toEqual(["a", "b"]);
	});

	test("units and meanings survive where the format has room", async () => {
		for (const extension of [".parquet", ".vot", ".arrow", ".fits"]) {
			const path = join(folder, `meaning${extension}`);
			await writeTable(path, sample(true));
			const back = await readTable(path);
			expect([extension, column(back, "ra_deg")?.unit, column(back, "mjd")?.ucd]).toEqual([
				extension,
				"deg",
				"time.epoch",
			]);
		}
	});

	test("more rows than a row group, in equal bytes each time", async () => {
		const rows = 120_000;
		const table: Table = {
			rows,
			columns: [
				{
					name: "x",
					kind: "number",
					values: Float64Array.from({ length: rows }, (_, i) => (i % 1000 === 0 ? Number.NaN : i / 7)),
				},
				{ name: "n", kind: "integer", values: Float64Array.from({ length: rows }, (_, i) => i) },
				{ name: "id", kind: "text", values: Array.from({ length: rows }, (_, i) => `s${i % 500}`) },
			],
		};
		for (const extension of [".parquet", ".arrow", ".fits"]) {
			const path = join(folder, `large${extension}`);
			await writeTable(path, table);
			const first = readFileSync(path);
			const back = await readTable(path);
			table.columns.forEach(({ kind, values }, c) => {
				const got = back.columns[c].values;
				expect([back.columns[c].kind, got.length]).toEqual([kind, rows]);
				expect(list(values).findIndex((value, row) => !Object.is(value, got[row]))).toBe(-1);
			});
			await writeTable(path, table);
			expect(readFileSync(path).equals(first)).toBe(true);
		}
	});
});

describe("read by others", () => {
	test("DuckDB reads our Parquet", async () => {
		const path = join(folder, "duck.parquet");
		await writeTable(path, sample(false));
		const connection = await (await DuckDBInstance.create()).connect();
		const result = await connection.runAndReadAll(`select * from read_parquet('${path}')`);
		expect(result.columnNames()).toEqual(["source_id", "ra_deg", "n_blend", "good", "mjd"]);
		expect(result.columnTypes().map(String)).toEqual(["VARCHAR", "DOUBLE", "BIGINT", "BOOLEAN", "DOUBLE"]);
		expect(result.getColumns()).toEqual([
			["J1", "007", null, "a<b>&\"c'", "é\u2192"],
			[1 / 3, 359.999999999999, null, 0, -1e-300],
			[1n, null, -3n, BigInt(2 ** 53 - 1), BigInt(-(2 ** 40) - 7)],
			[true, false, null, true, false],
			[60000.123456789, 6e4, 6e4, null, 60001],
		]);
	});

	test("we read DuckDB's Parquet, in each of its compressions", async () => {
		const connection = await (await DuckDBInstance.create()).connect();
		for (const codec of ["snappy", "zstd", "gzip", "lz4_raw", "brotli", "uncompressed"]) {
			const path = join(folder, `${codec}.parquet`);
			await connection.run(
				`copy (select i as n, i / 7 as x, 'name' || (i % 10) as t, i % 2 = 0 as b, case when i % 3 = 0 then null else i end as h,
				 9007199254740993 + i as big, date '2024-01-01' as d, [1, 2] as list, i::decimal(9, 2) as money
				 from range(1000) r(i)) to '${path}' (format parquet, codec '${codec}')`,
			);
			const table = await readTable(path);
			expect([codec, table.rows]).toEqual([codec, 1000]);
			expect(table.columns.map(({ name, kind }) => `${name} ${kind}`)).toEqual([
				"n integer",
				"x number",
				"t text",
				"b boolean",
				"h integer",
				"big text",
				"d text",
				"money number",
			]);
			const at = (name: string, row: number) => column(table, name)?.values[row];
			expect([at("n", 999), at("x", 3), at("t", 17), at("b", 4), at("h", 3), at("big", 1), at("money", 5)]).toEqual([
				999,
				3 / 7,
				"name7",
				1,
				Number.NaN,
				"9007199254740994",
				5,
			]);
			expect(at("d", 0)).toMatch(/^2024-01-01/);
			expect(table.skipped).toEqual([{ name: "list", reason: "a nested column" }]);
		}
	});

	interface OracleColumn {
		name: string;
		unit: string | null;
		values: (string | number | boolean | null)[];
	}

	test.skipIf(python === undefined)("astropy reads our VOTable and FITS tables strictly", async () => {
		const expected = kinds(sample(true));
		const paths = [".vot", ".vot.gz", ".fits", ".fits.gz"].map((extension) => join(folder, `strict${extension}`));
		for (const path of paths) await writeTable(path, sample(true));
		const described = askPython<OracleColumn[][]>(python as string, script, { read: paths });
		described.forEach((columns, i) => {
			expect(columns.map(({ name, unit }) => [name, unit])).toEqual([
				["source_id", null],
				["ra_deg", "deg"],
				["n_blend", null],
				["good", null],
				["mjd", "d"],
			]);
			columns.forEach(({ values }, c) => {
				const { kind, values: ours } = expected[c];
				// A FITS logical has no masked value in astropy: what is neither T nor F reads as false.
				const want = ours.map((value) => {
					if (typeof value !== "number") return value;
					if (Number.isNaN(value)) return kind === "boolean" && i >= 2 ? false : null;
					return kind === "boolean" ? value === 1 : value;
				});
				expect([paths[i], values]).toEqual([paths[i], want]);
			});
		});
	});

	test.skipIf(python === undefined)("we read astropy's tables", async () => {
		const made = askPython<{ path: string; columns: OracleColumn[]; skipped: string[] }[]>(python as string, script, {
			make: folder,
		});
		expect(made.length).toBe(7);
		for (const { path, columns, skipped } of made) {
			const table = await readTable(path);
			expect([path, table.columns.map(({ name }) => name)]).toEqual([path, columns.map(({ name }) => name)]);
			columns.forEach(({ name, unit, values }) => {
				const found = column(table, name);
				expect([path, name, found?.unit ?? null]).toEqual([path, name, unit]);
				const got = list(found?.values).map((value) =>
					typeof value === "number" && Number.isNaN(value) ? null : found?.kind === "boolean" ? value === 1 : value,
				);
				expect([path, name, got]).toEqual([path, name, values]);
			});
			expect((table.skipped ?? []).map(({ name }) => name)).toEqual(skipped);
		}
	});

	test.skipIf(!hasSharedData)("a real FITS catalogue", async () => {
		const table = await readTable(sharedData("catalogues", "racs", "SB38959.RACS_1357-18_comp.fits.gz"));
		expect([table.rows, table.columns.length]).toEqual([7225, 27]);
		expect(column(table, "uuid")?.values[0]).toMatch(/^[0-9a-f-]{36}$/);
	});
});

describe("what is no table", () => {
	test("is refused by name", async () => {
		const write = (name: string, content: string | Uint8Array) => {
			const path = join(folder, name);
			writeFileSync(path, content);
			return path;
		};
		const good = join(folder, "good.parquet");
		await writeTable(good, sample(false));
		const cut = readFileSync(good);
		const votable = (inside: string) => `<VOTABLE><RESOURCE><TABLE>${inside}</TABLE></RESOURCE></VOTABLE>`;
		const cases: [string, string][] = [
			[write("a.csv", ""), "empty-table"],
			[write("b.csv", "a,b\n1\n"), "bad-csv"],
			[write("c.bin", Buffer.alloc(100)), "unknown-table-format"],
			[write("d.json", "{}"), "bad-json-table"],
			[write("e.json", "[1]"), "bad-json-table"],
			[write("f.json", "[{]"), "bad-json-table"],
			[write("g.parquet", cut.subarray(0, cut.length - 20)), "bad-parquet"],
			[write("h.parquet", "PAR1"), "bad-parquet"],
			[write("i.arrow", Buffer.concat([Buffer.from("ARROW1\0\0"), Buffer.alloc(100)])), "bad-arrow"],
			[write("j.vot", "<html></html>"), "bad-votable"],
			[write("k.vot", votable('<FIELD name="a" datatype="int"/>')), "bad-votable"],
			[write("l.vot", votable('<FIELD name="a" datatype="int"/><DATA><TABLEDATA><TR><TD>x</TD></TR>')), "bad-votable"],
			[write("m.vot", votable('<FIELD name="a" datatype="int"/><DATA><TABLEDATA><TR><TD>1</TD>')), "bad-votable"],
			[write("n.vot", votable('<FIELD name="a" datatype="wat"/>')), "bad-votable"],
			[write("o.vot", "<VOTABLE><!-- never closed"), "bad-xml"],
			[write("p.csv.gz", gzipSync("a,b\n1,2\n").subarray(0, 20)), "damaged-gzip"],
			[join(folder, "absent.csv"), "missing-file"],
		];
		for (const [path, code] of cases) {
			const error = await readTable(path).then(
				() => undefined,
				(thrown: unknown) => thrown,
			);
			expect([path, error instanceof CausticError ? error.code : error]).toEqual([path, code]);
			expect((error as CausticError).subject).toContain(path);
		}
	});

	test("an unknown extension, unequal columns and what FITS cannot hold are refused before anything is written", async () => {
		await expect(writeTable(join(folder, "x.xlsx"), sample(true))).rejects.toThrow(/names no table format/);
		await expect(writeTable(join(folder, "x"), sample(true))).rejects.toThrow(/no extension/);
		await expect(writeTable(join(folder, "x.parquet.gz"), sample(true))).rejects.toThrow(/names no table format/);
		await expect(writeTable(join(folder, "x.fits"), sample(false))).rejects.toThrow(/printable ASCII/);
		const uneven = sample(true);
		uneven.rows = 4;
		await expect(writeTable(join(folder, "x.csv"), uneven)).rejects.toThrow(/5 values for 4 rows/);
	});
});

describe("VOTable", () => {
	test("entities, CDATA, comments, namespaces, nulls and hexadecimal", async () => {
		const path = join(folder, "odd.vot");
		writeFileSync(
			path,
			`<?xml version="1.0"?><!DOCTYPE VOTABLE [<!ENTITY x "&y;&y;">]><v:VOTABLE xmlns:v="u"><v:RESOURCE>
			<COOSYS system='eq_FK5' equinox="J2000"/><TABLE name="t&amp;u"><DESCRIPTION>what</DESCRIPTION>
			<FIELD name="n" datatype="int" unit='Jy'><DESCRIPTION>number</DESCRIPTION><VALUES null="-99"/></FIELD>
			<FIELD name="s" datatype="char" arraysize="*"/><FIELD name="v" datatype="float" arraysize="2"/>
			<DATA><TABLEDATA>
			<TR><TD>0x1F</TD><TD>a &lt;&#233;&gt;<![CDATA[<b>&amp;]]></TD><TD>1 2</TD></TR>
			<!-- <TR> --><TR><TD>-99</TD><TD/><TD/></TR><v:TR><TD> 7 </TD><TD>&x;</TD><TD/></v:TR>
			</TABLEDATA></DATA></TABLE></v:RESOURCE></v:VOTABLE>`,
		);
		const table = await readTable(path);
		expect([table.name, table.description, table.frame]).toEqual(["t&u", "what", "eq_FK5"]);
		expect(kinds(table)).toEqual([
			{ name: "n", kind: "integer", values: [31, Number.NaN, 7] },
			{ name: "s", kind: "text", values: ["a <é><b>&amp;", null, "&x;"] },
		]);
		expect(column(table, "n")).toMatchObject({ unit: "Jy", description: "number" });
		expect(table.skipped).toEqual([{ name: "v", reason: "an array of float" }]);
	});
});
