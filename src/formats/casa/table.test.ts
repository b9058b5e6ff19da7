import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { unpackVisibilities } from "../../../test/archives.ts";
import { digestOf, type TableDigest } from "../../../test/casa-digest.ts";
import { pythonWith } from "../../../test/oracle/python.ts";
import { hasSharedData } from "../../../test/shared-data.ts";
import { CasaTable } from "./table.ts";
import { allocate, numbersOf, productOf } from "./values.ts";

const recorded: Record<string, TableDigest> = JSON.parse(
	readFileSync(new URL("../../../test/oracle/casa-digest.json", import.meta.url), "utf8"),
);
const python = pythonWith("casacore.tables");
const SETS = ["dsa-sim-small", "dsa-sim-tiny", "lwasv", "mwa-birli", "paper", "sma-caltables", "vla-day2"];

describe.skipIf(!hasSharedData)("every column of every table is what python-casacore reads", () => {
	let data: ReturnType<typeof unpackVisibilities>;
	beforeAll(() => {
		data = unpackVisibilities(...SETS);
	});
	afterAll(() => data.remove());

	test("there are tables of every set", () => {
		expect(Object.keys(recorded).length).toBe(143);
		for (const set of SETS) expect(Object.keys(recorded).some((name) => name.startsWith(`${set}/`))).toBe(true);
	});

	test.each(Object.keys(recorded))("%s", (name) => {
		const path = join(data.folder, name);
		expect(existsSync(path)).toBe(true);
		const table = new CasaTable(path);
		expect(digestOf(table)).toEqual(recorded[name]);
		table.close();
	});
});

describe("every storage manager, element type and byte order", () => {
	const written: Record<string, TableDigest> = JSON.parse(
		readFileSync(new URL("../../../test/oracle/casa-fixtures-digest.json", import.meta.url), "utf8"),
	);
	const folder = mkdtempSync(join(tmpdir(), "caustic-casa-"));
	const archive = fileURLToPath(new URL("../../../test/fixtures/casa-tables.tar.gz", import.meta.url));
	execFileSync("tar", ["-xzf", archive, "-C", folder]);
	afterAll(() => rmSync(folder, { recursive: true }));

	test.each(Object.keys(written))("%s", (name) => {
		const table = new CasaTable(join(folder, name));
		expect(digestOf(table)).toEqual(written[name]);
		table.close();
	});

	test("whole columns at once are their cells one by one", () => {
		for (const name of Object.keys(written)) {
			const table = new CasaTable(join(folder, name));
			for (const { name: column, shape, type } of table.description.columns) {
				if (shape === undefined || type === "String") continue;
				const width = productOf(shape) * numbersOf(type);
				const [first, count] = [3, Math.min(29, table.nRows - 3)];
				const target = allocate(type, productOf(shape) * count);
				table.column(column).cells(first, count, target);
				for (let i = 0; i < count; i++) {
					expect(target.subarray(i * width, (i + 1) * width)).toEqual(table.column(column).cell(first + i)?.data);
				}
			}
			table.close();
		}
	});

	test.each(["tiled-big", "tiled-little", "StandardStMan-big", "StandardStMan-little"])(
		"%s: cells and scalars replaced in place are there afterwards, and nothing else has changed",
		(name) => {
			const copy = join(folder, `${name}-copy`);
			cpSync(join(folder, name), copy, { recursive: true });
			const table = new CasaTable(copy);
			const before = digestOf(table);
			const changed: string[] = [];
			for (const { name: column, shape, type, isArray } of table.description.columns) {
				if (type === "String" || (isArray && shape === undefined)) continue;
				const source = allocate(type, (isArray ? productOf(shape as number[]) : 1) * 5);
				for (let i = 0; i < source.length; i++) source[i] = type === "Bool" ? i % 2 : (i % 7) + 1;
				if (isArray) table.column(column).replaceCells(9, 5, source);
				else table.column(column).replaceScalars(9, source);
				changed.push(column);
				const again = new CasaTable(copy);
				const target = allocate(type, source.length / numbersOf(type));
				if (isArray) again.column(column).cells(9, 5, target);
				else target.set(again.column(column).scalars(9, 5) as never);
				expect(target).toEqual(source);
				again.close();
			}
			expect(changed.length).toBeGreaterThan(10);
			table.close();
			const again = new CasaTable(copy);
			const after = digestOf(again);
			again.close();
			for (const column of Object.keys(before.columns)) {
				if (!changed.includes(column)) expect(after.columns[column]).toBe(before.columns[column]);
			}
			rmSync(copy, { recursive: true });
		},
	);
});

/** A table whose description says that its columns are kept by another storage manager. */
function withManager(manager: string): string {
	const folder = mkdtempSync(join(tmpdir(), "caustic-manager-"));
	const archive = fileURLToPath(new URL("../../../test/fixtures/casa-tables.tar.gz", import.meta.url));
	execFileSync("tar", ["-xzf", archive, "-C", folder, "./StandardStMan-little"]);
	const copy = join(folder, "StandardStMan-little");
	const main = join(copy, "table.dat");
	const bytes = readFileSync(main);
	const text = (name: string) => {
		const out = Buffer.alloc(4 + name.length);
		out.writeUInt32BE(name.length);
		out.write(name, 4, "latin1");
		return out;
	};
	const old = text("StandardStMan");
	// The last one is the manager's own name for itself, the one before its type.
	const at = bytes.lastIndexOf(old, bytes.lastIndexOf(old) - 1);
	const changed = Buffer.concat([bytes.subarray(0, at), text(manager), bytes.subarray(at + old.length)]);
	// The length of the whole object stands behind its magic number.
	changed.writeUInt32BE(bytes.readUInt32BE(4) + changed.length - bytes.length, 4);
	writeFileSync(main, changed);
	return copy;
}

describe.skipIf(python === undefined)("tables drawn at random, asked now", () => {
	const folder = mkdtempSync(join(tmpdir(), "caustic-casa-random-"));
	const seed = Number(process.env.CAUSTIC_FUZZ_SEED ?? 4711);
	const oracle = (name: string) => fileURLToPath(new URL(`../../../test/oracle/${name}`, import.meta.url));
	afterAll(() => rmSync(folder, { recursive: true }));

	test(`columns of any type, kind and manager, filled in part, changed afterwards (seed ${seed})`, () => {
		const run = (...args: string[]) =>
			execFileSync(python as string, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
		run(oracle("random_tables.py"), String(seed), folder);
		const paths = Array.from({ length: 16 }, (_, k) => join(folder, `t${k}`));
		const wanted: Record<string, TableDigest> = JSON.parse(run(oracle("casa_digest.py"), ...paths));
		expect(Object.keys(wanted).length).toBe(16);
		for (const [name, digest] of Object.entries(wanted)) {
			const table = new CasaTable(join(folder, name.split("/").at(-1) as string));
			expect([name, digestOf(table)]).toEqual([name, digest]);
			table.close();
		}
	}, 60_000);
});

describe("what is refused", () => {
	test("a folder that is no table, a column that is not there", () => {
		expect(() => new CasaTable("/no/such/table")).toThrow(/no such table/);
		expect(() => new CasaTable(tmpdir())).toThrow(/not a casacore table/);
	});

	test.each(["DyscoStMan", "ForwardColumnEngine", "BitFlagsEngine<uChar,Int>", "Adios2StMan"])(
		"the storage manager %s, by its name, with what would mend it; columns of others are read",
		(manager) => {
			const copy = withManager(manager);
			const table = new CasaTable(copy);
			const [first] = table.description.columns;
			expect(() => table.column(first.name)).toThrow(`not supported: the storage manager ${manager}`);
			try {
				table.column(first.name);
			} catch (error) {
				expect(String(error)).toMatch(/copy with valuecopy/);
				expect(String(error)).toContain(copy);
			}
			table.close();
			rmSync(copy, { recursive: true });
		},
	);

	test.each([
		["table.mf", "MultiFile"],
		["table.mfh5", "MultiHDF5"],
	])("all storage managers in one file (%s)", (name, kind) => {
		const copy = withManager("StandardStMan");
		renameSync(join(copy, "table.f0"), join(copy, name));
		expect(() => new CasaTable(copy)).toThrow(`not supported: ${kind} storage`);
		rmSync(copy, { recursive: true });
	});
});
