import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Polarization, VisibilitySet } from "../src/calibration/visibility-set.ts";
import { exportMeasurementSet } from "../src/formats/casa/export-measurement-set.ts";
import { openVisibilities } from "../src/formats/open-visibilities.ts";
import { pythonWith } from "./oracle/python.ts";

/** What pyuvdata holds in memory of a file that it wrote, in its convention. */
interface Held {
	hz: number[];
	widths: number[];
	products: number[];
	rows: {
		mjd: number;
		first: string;
		second: string;
		uvw: number[];
		re: number[];
		im: number[];
		flags: number[];
		samples: number[];
	}[];
}

const python = pythonWith("pyuvdata", "hdf5plugin");
const folder = mkdtempSync(join(tmpdir(), "caustic-pyuvdata-"));
afterAll(() => rmSync(folder, { recursive: true }));
const CODES: Partial<Record<Polarization, number>> = {
	I: 1,
	RR: -1,
	LL: -2,
	RL: -3,
	LR: -4,
	XX: -5,
	YY: -6,
	XY: -7,
	YX: -8,
};

/** Every sample of a set is what was written; returns how many there are. */
async function expectHeld(set: VisibilitySet, held: Held): Promise<number> {
	const keyOf = (mjd: number, first: string, second: string) => `${Math.round(mjd * 864000)} ${first} ${second}`;
	const rows = new Map(held.rows.map((row) => [keyOf(row.mjd, row.first, row.second), row]));
	const turnsPhases = set.fields.some(({ phaseCentre }) => phaseCentre.kind !== "sidereal");
	const nPol = set.polarizations.length;
	let samples = 0;
	let worst = 0;
	let worstUvwM = 0;
	for await (const block of set.blocks({ autocorrelations: true })) {
		for (let r = 0; r < block.nRows; r++) {
			const mjd = set.timesMjd[block.timeIndex[r]];
			const [p, q] = [block.antenna1[r], block.antenna2[r]].map((i) => set.antennas[i].name);
			// Its V and uvw are those of the pair exchanged.
			const asWritten = rows.get(keyOf(mjd, p, q));
			const row = asWritten ?? rows.get(keyOf(mjd, q, p));
			if (row === undefined) throw new Error(`no row of ${p} and ${q} at ${mjd}`);
			const sign = asWritten === undefined ? 1 : -1;
			for (let k = 0; k < 3; k++) {
				worstUvwM = Math.max(worstUvwM, Math.abs(block.uvwM[3 * r + k] - sign * row.uvw[k]));
			}
			for (let c = 0; c < block.nChannels; c++) {
				const channel = block.firstChannel + c;
				const stored = held.hz.findIndex((hz) => Math.abs(hz - set.frequenciesHz[channel]) < 10);
				expect(set.channelWidthsHz[channel]).toBeCloseTo(held.widths[stored], 1);
				for (let s = 0; s < nPol; s++, samples++) {
					const product = set.polarizations[s];
					const own = asWritten === undefined && product.length === 2 ? `${product[1]}${product[0]}` : product;
					const at = stored * nPol + held.products.indexOf(CODES[own as Polarization] as number);
					const i = (r * block.nChannels + c) * nPol + s;
					if (block.flags[i] !== row.flags[at]) expect.unreachable(`flag of ${p} and ${q}, channel ${channel}`);
					worst = Math.max(worst, Math.abs((block.weights?.[i] ?? 1) - row.samples[at]));
					const [re, im] = [block.visibilities[2 * i], block.visibilities[2 * i + 1]];
					worst = Math.max(worst, Math.hypot(re - row.re[at], im - sign * row.im[at]));
				}
			}
		}
	}
	expect(worst).toBeLessThan(1e-6);
	expect(turnsPhases || worstUvwM < 1e-6).toBe(true);
	return samples;
}

describe.skipIf(python === undefined)("UVH5 and UVFITS in every variant that pyuvdata and h5py write", () => {
	let names: string[] = [];
	beforeAll(() => {
		const script = fileURLToPath(new URL("oracle/pyuvdata_variants.py", import.meta.url));
		execFileSync(python as string, [script, folder], { stdio: "ignore" });
		names = readdirSync(folder).filter((name) => /\.uv(h5|fits)$/.test(name));
	}, 120_000);

	test("every sample is where it was written, read and converted in each way", async () => {
		expect(names.length).toBe(44);
		for (const name of names) {
			const path = join(folder, name);
			if (name.startsWith("refused")) {
				await expect(async () => {
					const set = openVisibilities([path]);
					for await (const _ of set.blocks());
				}).rejects.toThrow(/the compression filter blosc of .* is not supported/);
				continue;
			}
			const held: Held = JSON.parse(readFileSync(path.replace(/\.\w+$/, ".json"), "utf8"));
			const total = held.rows.length * held.rows[0].re.length;
			const set = openVisibilities([path]);
			expect([name, await expectHeld(set, held)]).toEqual([name, total]);
			const isTracked = set.fields.every(({ phaseCentre }) => phaseCentre.kind === "sidereal");
			set.close();
			for (const options of isTracked ? [{}, { keepWindows: true }, { thread: true, chunkBytes: 5000 }] : []) {
				const source = openVisibilities([path]);
				await exportMeasurementSet(source, join(folder, "converted.ms"), options);
				source.close();
				const converted = openVisibilities([join(folder, "converted.ms")]);
				expect([name, await expectHeld(converted, held)]).toEqual([name, total]);
				converted.close();
			}
		}
	}, 120_000);
});
