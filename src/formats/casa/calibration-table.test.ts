import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { unpackVisibilities } from "../../../test/archives.ts";
import { digestOf } from "../../../test/casa-digest.ts";
import { pythonWith, runPython } from "../../../test/oracle/python.ts";
import { hasSharedData } from "../../../test/shared-data.ts";
import type { CalibrationTable } from "./calibration-table.ts";
import { readCalibrationTable } from "./read-calibration-table.ts";
import { CasaTable } from "./table.ts";
import { writeCalibrationTable } from "./write-calibration-table.ts";

const folder = mkdtempSync(join(tmpdir(), "caustic-caltable-"));
afterAll(() => rmSync(folder, { recursive: true }));
const python = pythonWith("casacore.tables");

/** Two antennas, two windows of different widths, one time. */
function small(): CalibrationTable {
	const windows = [4, 2].map((n, w) => ({
		name: `window-${w}`,
		frequenciesHz: Float64Array.from({ length: n }, (_, c) => 1.3e9 + w * 1e8 + c * 1e6),
		channelWidthsHz: new Float64Array(n).fill(1e6),
	}));
	const total = 2 * (2 * 4 + 2 * 2);
	return {
		kind: "B",
		isComplex: true,
		telescope: "DSA_110",
		msName: "a.ms",
		polarizationBasis: "linear",
		software: "caustic",
		antennas: [0, 1].map((number) => ({
			name: `DSA-00${number}`,
			number,
			positionItrfM: [-2409000 + number, -4478000, 3838000],
			diameterM: 4.65,
		})),
		fields: [{ name: "3C286", raDeg: 202.78453, decDeg: 30.50916, timeMjd: 59653.4 }],
		windows,
		nRows: 4,
		timesMjd: new Float64Array(4).fill(59653.41),
		intervalsS: new Float64Array(4).fill(309.2),
		field: new Int32Array(4),
		window: Int32Array.of(0, 0, 1, 1),
		antenna: Int32Array.of(0, 1, 0, 1),
		reference: new Int32Array(4),
		scan: new Int32Array(4).fill(1),
		offset: Int32Array.of(0, 8, 16, 20, 24),
		nPolarizations: new Int32Array(4).fill(2),
		params: Float32Array.from({ length: 2 * total }, (_, i) => i + 0.5),
		paramErr: Float32Array.from({ length: total }, (_, i) => i / 8),
		flags: Uint8Array.from({ length: total }, (_, i) => (i % 5 === 0 ? 1 : 0)),
		snr: Float32Array.from({ length: total }, (_, i) => 100 - i),
		history: ["solved by a test"],
	};
}

describe("a calibration table that Caustic writes", () => {
	test("reads back as it was", () => {
		const path = join(folder, "a.B");
		const table = small();
		writeCalibrationTable(path, table);
		const again = readCalibrationTable(path);
		const { fields, timesMjd, windows, ...rest } = again;
		const { fields: f, timesMjd: t, windows: w, ...want } = table;
		expect(rest).toEqual(want);
		expect(fields[0].raDeg).toBeCloseTo(f[0].raDeg, 12);
		expect(fields[0].decDeg).toBeCloseTo(f[0].decDeg, 12);
		expect(Math.abs(timesMjd[0] - t[0])).toBeLessThan(1e-10);
		expect(windows.map(({ frequenciesHz }) => frequenciesHz)).toEqual(w.map(({ frequenciesHz }) => frequenciesHz));
		expect(windows[0].referenceFrequencyHz).toBe(1.3015e9);
		expect(readdirSync(folder)).toEqual(["a.B"]);
	});

	test("replaces the one that was there; arrays that do not fit leave it alone", () => {
		const path = join(folder, "a.B");
		writeCalibrationTable(path, { ...small(), msName: "other.ms" });
		expect(readCalibrationTable(path).msName).toBe("other.ms");
		expect(() => writeCalibrationTable(path, { ...small(), snr: new Float32Array(3) })).toThrow(/snr has 3 values/);
		expect(() => writeCalibrationTable(path, { ...small(), antenna: Int32Array.of(0, 1, 2, 0) })).toThrow(
			/antenna 2 of 2/,
		);
		expect(() => writeCalibrationTable(path, { ...small(), window: Int32Array.of(0, 0, 0, 1) })).toThrow(/channels/);
		expect(readCalibrationTable(path).msName).toBe("other.ms");
	});

	test("of delays holds real numbers", () => {
		const path = join(folder, "a.K");
		const table = small();
		writeCalibrationTable(path, { ...table, kind: "K", isComplex: false, params: table.params.slice(0, 24) });
		const again = readCalibrationTable(path);
		expect(again.kind).toBe("K");
		expect(again.isComplex).toBe(false);
		expect(again.params).toEqual(table.params.slice(0, 24));
		expect(new CasaTable(path).has("CPARAM")).toBe(false);
	});

	test.skipIf(python === undefined)("is what casacore expects of one", () => {
		const path = join(folder, "b.B");
		writeCalibrationTable(path, small());
		const program = `
import casacore.tables as ct, json, sys, numpy as np
t = ct.table(sys.argv[1], ack=False)
c = t.getcell("CPARAM", 1)
print(json.dumps({
  "rows": t.nrows(), "info": t.info()["type"] + "/" + t.info()["subType"], "viscal": t.getkeyword("VisCal"), "partype": t.getkeyword("ParType"),
  "shape": c.shape, "value": [float(c[3, 1].real), float(c[3, 1].imag)], "flag": t.getcell("FLAG", 3).astype(int).tolist(),
  "weight": [t.iscelldefined("WEIGHT", r) for r in range(4)], "ndim": t.getcoldesc("CPARAM")["ndim"],
  "freq": ct.table(t.getkeyword("SPECTRAL_WINDOW"), ack=False).getcell("CHAN_FREQ", 1).tolist(),
  "names": ct.table(t.getkeyword("ANTENNA"), ack=False).getcol("NAME"),
  "message": ct.table(t.getkeyword("HISTORY"), ack=False).getcol("MESSAGE"),
}))`;
		expect(runPython(python as string, program, path)).toEqual({
			rows: 4,
			info: "Calibration/B Jones",
			viscal: "B Jones",
			partype: "Complex",
			shape: [4, 2],
			value: [30.5, 31.5],
			flag: [
				[1, 0],
				[0, 0],
			],
			weight: [false, false, false, false],
			ndim: -1,
			freq: [1.4e9, 1.401e9],
			names: ["DSA-000", "DSA-001"],
			message: ["solved by a test"],
		});
	});
});

describe.skipIf(!hasSharedData)("calibration tables of CASA", () => {
	let data: ReturnType<typeof unpackVisibilities>;
	beforeAll(() => {
		data = unpackVisibilities("sma-caltables", "dsa-sim-tiny");
	});
	afterAll(() => data.remove());

	const cases = [
		["sma-caltables/sma.ms.bcal", "B", true, 108, 512, "SMA"],
		["sma-caltables/sma.ms.amp.gcal", "G", true, 7884, 1, "SMA"],
		["sma-caltables/sma.ms.pha.gcal", "G", true, 1080, 1, "SMA"],
		["sma-caltables/sma.ms.dcal", "K", false, 108, 1, "SMA"],
		["sma-caltables/sma.ms.dterms.pcal", "D", true, 9, 1, "sma"],
		["sma-caltables/sma.ms.tcal", "T", true, 72, 1, "sma"],
		["dsa-sim-tiny/cal3c286.K", "K", false, 14, 1, "DSA_110"],
		["dsa-sim-tiny/cal3c286.B", "B", true, 14, 128, "DSA_110"],
		["dsa-sim-tiny/cal3c286.G", "G", true, 112, 1, "DSA_110"],
	] as const;

	test.each(cases)("%s", (name, kind, isComplex, nRows, channels, telescope) => {
		const path = join(data.folder, name);
		const table = readCalibrationTable(path);
		expect(table).toMatchObject({ kind, isComplex, nRows, telescope });
		expect(table.windows[table.window[0]].frequenciesHz.length).toBe(channels);
		// Written again, the columns are the same cell by cell, the description as CASA's but for what CASA says of itself.
		const copy = join(folder, `copy-${kind}-${nRows}`);
		writeCalibrationTable(copy, table);
		const [theirs, ours] = [new CasaTable(path), new CasaTable(copy)];
		const [want, got] = [digestOf(theirs), digestOf(ours)];
		expect(got.rows).toBe(want.rows);
		for (const column of Object.keys(want.columns)) {
			// A time goes through days and back: 1 ulp.
			if (column !== "TIME") expect([column, got.columns[column]]).toEqual([column, want.columns[column]]);
		}
		const [a, b] = [theirs, ours].map((each) => each.column("TIME").numbers());
		for (let r = 0; r < a.length; r++) expect(Math.abs(a[r] - b[r])).toBeLessThan(2e-6);
		expect(ours.subType).toBe(theirs.subType);
		theirs.close();
		ours.close();
	});

	test("a MeasurementSet is not one", () => {
		const path = join(data.folder, "dsa-sim-tiny", "cal3c286.ms");
		expect(existsSync(path)).toBe(true);
		expect(() => readCalibrationTable(path)).toThrow(/neither CPARAM nor FPARAM/);
	});
});
