import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { unpackVisibilities } from "../../../test/archives.ts";
import { digestOf } from "../../../test/casa-digest.ts";
import { pythonWith, runPython } from "../../../test/oracle/python.ts";
import { hasSharedData } from "../../../test/shared-data.ts";
import type { VisibilityBlock } from "../../calibration/visibility-set.ts";
import { openMeasurementSet } from "./measurement-set.ts";
import { CasaTable } from "./table.ts";
import { openForUpdate } from "./update-measurement-set.ts";

const python = pythonWith("casacore.tables");
const PATHS = {
	vla: "vla-day2/day2_TDEM0003_10s_norx_1src_1spw.ms",
	paper: "paper/zen.2456865.60537.xy.uvcRREAAM.ms",
	lwasv: "lwasv/test_adp4_0_00300673800807520000_58342_05_00_14.ms",
	birli: "mwa-birli/1090008640_birli.ms",
	tiny: "dsa-sim-tiny/cal3c286.ms",
};

describe.skipIf(!hasSharedData)("a MeasurementSet", () => {
	const folder = mkdtempSync(join(tmpdir(), "caustic-ms-"));
	let data: ReturnType<typeof unpackVisibilities>;
	beforeAll(() => {
		data = unpackVisibilities("vla-day2", "paper", "lwasv", "mwa-birli", "dsa-sim-tiny");
	});
	afterAll(() => {
		data.remove();
		rmSync(folder, { recursive: true });
	});
	const open = (name: keyof typeof PATHS) => openMeasurementSet(join(data.folder, PATHS[name]));
	const copy = (name: keyof typeof PATHS, as: string) => {
		const path = join(folder, as);
		cpSync(join(data.folder, PATHS[name]), path, { recursive: true });
		return path;
	};

	test("says what it holds, whoever wrote it", () => {
		const about = Object.fromEntries(
			(Object.keys(PATHS) as (keyof typeof PATHS)[]).map((name) => {
				const set = open(name);
				set.close();
				const centre = set.fields[0].phaseCentre;
				return [
					name,
					[
						set.telescope,
						set.antennas.length,
						set.timesMjd.length,
						set.frequenciesHz.length,
						set.polarizations.join(","),
						set.baselines.antenna1.length,
						set.autocorrelations.length,
						centre.kind === "sidereal" ? centre.raDeg.toFixed(3) : centre.kind,
					],
				];
			}),
		);
		expect(about).toEqual({
			vla: ["EVLA", 28, 15, 64, "RR,RL,LR,LL", 153, 0, "152.000"],
			paper: ["PAPER", 64, 19, 11, "XY", 15, 0, "5.317"],
			lwasv: ["LWASV", 4, 1, 4, "XX,XY,YX,YY", 6, 4, "288.602"],
			birli: ["MWA", 128, 1, 768, "XX,XY,YX,YY", 0, 1, "0.000"],
			tiny: ["DSA_110", 14, 8, 128, "XX,YY", 91, 14, "202.785"],
		});
	});

	test.each([undefined, 30_000])(
		"delivers its rows in blocks of %s bytes as the columns hold them",
		async (blockBytes) => {
			for (const name of ["vla", "tiny", "lwasv"] as const) {
				const set = open(name);
				const table = new CasaTable(join(data.folder, PATHS[name]));
				const nPol = set.polarizations.length;
				let rows = 0;
				for await (const block of set.blocks({ autocorrelations: true, blockBytes })) {
					for (let r = 0; r < block.nRows; r += 37) {
						const row = (block.row as Int32Array)[r];
						const [a, b] = ["ANTENNA1", "ANTENNA2"].map((column) => table.column(column).numbers(row, 1)[0]);
						expect([block.antenna1[r], block.antenna2[r]]).toEqual([a, b]);
						expect(
							block.visibilities.slice(r * block.nChannels * nPol * 2, (r + 1) * block.nChannels * nPol * 2),
						).toEqual(table.column("DATA").cell(row)?.data);
						expect(block.uvwM.slice(3 * r, 3 * r + 3)).toEqual(table.column("UVW").cell(row)?.data);
					}
					rows += block.nRows;
				}
				expect(rows).toBe(set.nRows);
				table.close();
				set.close();
			}
		},
	);

	test("a part is that part of the whole", async () => {
		const set = open("vla");
		const whole: VisibilityBlock[] = [];
		for await (const block of set.blocks({ times: [4, 6] }))
			whole.push({ ...block, visibilities: block.visibilities.slice() });
		let at = 0;
		for await (const block of set.blocks({ times: [4, 6], channels: [10, 13], blockBytes: 500 })) {
			for (let r = 0; r < block.nRows; r++, at++) {
				const want = whole[0].visibilities.slice((at * 64 + 10) * 8, (at * 64 + 13) * 8);
				expect(block.visibilities.slice(r * 24, (r + 1) * 24)).toEqual(want);
			}
		}
		expect(at).toBe(whole[0].nRows);
		expect(() => set.table.column("CORRECTED_DATA")).toThrow(/no column CORRECTED_DATA/);
		await expect(set.blocks({ column: "corrected" })[Symbol.asyncIterator]().next()).rejects.toThrow(
			/no column CORRECTED_DATA/,
		);
		set.close();
	});

	test.each(["vla", "tiny", "lwasv"] as const)(
		"%s takes corrected data, model and flags where it stands",
		async (name) => {
			const path = copy(name, `update-${name}.ms`);
			const before = new CasaTable(path);
			const digest = digestOf(before);
			before.close();
			const update = openForUpdate(path, ["corrected", "model"]);
			for await (const block of update.set.blocks({ autocorrelations: true, blockBytes: 100_000 })) {
				const corrected = block.visibilities.map((value) => 2 * value);
				const flags = block.flags.map((flag, i) => (flag === 1 || i % 11 === 0 ? 1 : 0));
				update.put(block, { corrected, model: block.visibilities.map(() => 3), flags });
			}
			update.close();
			const set = openMeasurementSet(path);
			const table = new CasaTable(path);
			const after = digestOf(table);
			for (const column of Object.keys(digest.columns)) {
				if (!["FLAG", "FLAG_ROW", "MODEL_DATA"].includes(column))
					expect(after.columns[column]).toBe(digest.columns[column]);
			}
			const doubled = Float32Array.from(table.column("DATA").cell(5)?.data as Float32Array).map((value) => 2 * value);
			expect(table.column("CORRECTED_DATA").cell(5)?.data).toEqual(doubled);
			expect(table.column("MODEL_DATA").cell(set.nRows - 1)?.data).toEqual(doubled.map(() => 3));
			expect(table.column("FLAG").cell(0)?.data[0]).toBe(1);
			expect(readdirSync(path)).not.toContain("table.caustic-lock");
			if (python !== undefined) {
				const program = `
import casacore.tables as ct, json, sys, numpy as np
t = ct.table(sys.argv[1], readonly=False, ack=False)
d, c, m, f = (t.getcol(n) for n in ("DATA", "CORRECTED_DATA", "MODEL_DATA", "FLAG"))
ok = [np.array_equal(c.view("f4"), 2 * d.view("f4"), equal_nan=True), bool((m == 3 + 3j).all()), int(f.sum())]
t.putcell("CORRECTED_DATA", 0, c[0] * 0)
t.addrows(1)
t.putcell("CORRECTED_DATA", t.nrows() - 1, c[0])
t.close()
print(json.dumps(ok))`;
				const flagged = [];
				for await (const block of set.blocks({ autocorrelations: true })) {
					flagged.push(block.flags.reduce((sum, flag) => sum + flag, 0));
				}
				expect(runPython(python, program, path)).toEqual([true, true, flagged[0]]);
			}
			table.close();
			set.close();
		},
	);

	test.skipIf(python === undefined || process.platform !== "linux")(
		"is left alone while a casacore program has it locked",
		async () => {
			const path = copy("lwasv", "locked.ms");
			const program = `
import casacore.tables as ct, sys
t = ct.table(sys.argv[1], readonly=False, ack=False, lockoptions="permanent")
print("locked", flush=True)
sys.stdin.read()`;
			const child = spawn(python as string, ["-c", program, path], { stdio: ["pipe", "pipe", "inherit"] });
			await new Promise((resolve) => child.stdout.once("data", resolve));
			expect(() => openForUpdate(path, [], 300)).toThrow(new RegExp(`process ${child.pid} holds it`));
			const ended = new Promise((resolve) => child.once("exit", resolve));
			child.stdin.end();
			await ended;
			const update = openForUpdate(path, ["model"], 300);
			expect(() => openForUpdate(path, [], 200)).toThrow(/holds it/);
			update.close();
		},
	);
});
