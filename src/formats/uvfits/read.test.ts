import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { unpackVisibilities } from "../../../test/archives.ts";
import { pythonWith, runPython } from "../../../test/oracle/python.ts";
import { hasSharedData, sharedData } from "../../../test/shared-data.ts";
import type { VisibilityBlock } from "../../calibration/visibility-set.ts";
import { openMeasurementSet } from "../casa/measurement-set.ts";
import { inMemory } from "../random-access.ts";
import { openUvfits, openUvfitsFrom } from "./read.ts";

const PAPER = "zen.2456865.60537.xy.uvcRREAAM";
const MOJAVE = ["visibilities", "mojave", "mojave.uvfits"] as const;
const python = pythonWith("astropy.io.fits");

describe.skipIf(!hasSharedData)("UVFITS", () => {
	let data: ReturnType<typeof unpackVisibilities>;
	beforeAll(() => {
		data = unpackVisibilities("paper");
	});
	afterAll(() => data.remove());

	test("is what its twin, a MeasurementSet by another program, holds", async () => {
		const uvfits = openUvfits(sharedData("visibilities", "paper", `${PAPER}.uvfits`));
		const twin = openMeasurementSet(join(data.folder, "paper", `${PAPER}.ms`));
		expect(uvfits.polarizations).toEqual(twin.polarizations);
		expect(uvfits.baselines).toEqual(twin.baselines);
		expect(uvfits.timesMjd.length).toBe(twin.timesMjd.length);
		uvfits.timesMjd.forEach((mjd, i) => {
			expect(Math.abs(mjd - twin.timesMjd[i])).toBeLessThan(1e-8);
		});
		uvfits.frequenciesHz.forEach((hz, i) => {
			expect(Math.abs(hz - twin.frequenciesHz[i])).toBeLessThan(1e-3);
		});
		uvfits.antennas.forEach((antenna, i) => {
			for (let k = 0; k < 3; k++) expect(antenna.positionItrfM[k]).toBeCloseTo(twin.antennas[i].positionItrfM[k], 3);
		});
		const rows = new Map<string, [VisibilityBlock, number]>();
		const keyOf = (block: VisibilityBlock, r: number) => `${block.timeIndex[r]} ${block.baseline[r]}`;
		for await (const block of twin.blocks())
			for (let r = 0; r < block.nRows; r++) rows.set(keyOf(block, r), [block, r]);
		let compared = 0;
		for await (const block of uvfits.blocks()) {
			for (let r = 0; r < block.nRows; r++, compared++) {
				const [other, s] = rows.get(keyOf(block, r)) as [VisibilityBlock, number];
				for (let k = 0; k < 3; k++) expect(Math.abs(block.uvwM[3 * r + k] - other.uvwM[3 * s + k])).toBeLessThan(1e-4);
				const width = block.nChannels * uvfits.polarizations.length;
				for (let i = 0; i < width; i++) {
					expect(block.flags[r * width + i]).toBe(other.flags[s * width + i]);
					for (const part of [0, 1]) {
						const [a, b] = [
							block.visibilities[2 * (r * width + i) + part],
							other.visibilities[2 * (s * width + i) + part],
						];
						// One of them writes -0 where the other writes 0.
						expect(a === b).toBe(true);
					}
				}
			}
		}
		expect(compared).toBe(285);
		uvfits.close();
		twin.close();
	});

	test("with IFs, four products, wavelengths made seconds by their scale, weights that flag", async () => {
		const set = openUvfits(sharedData(...MOJAVE));
		expect(set.telescope).toBe("VLBA");
		expect([...set.frequenciesHz]).toEqual([8104458750, 8112458750]);
		expect([...set.channelWidthsHz]).toEqual([8e6, 8e6]);
		expect(set.spectralWindows.map(({ name }) => name)).toEqual(["IF 1", "IF 2"]);
		expect(set.polarizations).toEqual(["RR", "LL", "RL", "LR"]);
		expect(set.antennas.map((antenna) => antenna.name)).toContain("FD");
		expect(set.integrationS).toBeCloseTo(83.886, 2);
		// Baselines across a continent: no place is the middle of it.
		expect(set.location).toBeUndefined();
		const longest = { km: 0 };
		for await (const block of set.blocks({ channels: [0, 1] })) {
			for (let r = 0; r < block.nRows; r++) {
				const [p, q] = [block.antenna1[r], block.antenna2[r]].map((a) => set.antennas[a].positionItrfM);
				const km = Math.hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2]) / 1000;
				const uvw = Math.hypot(block.uvwM[3 * r], block.uvwM[3 * r + 1], block.uvwM[3 * r + 2]) / 1000;
				// The length of a baseline does not depend on where it points.
				expect(Math.abs(km - uvw)).toBeLessThan(1);
				longest.km = Math.max(longest.km, km);
			}
		}
		expect(longest.km).toBeGreaterThan(8000);
		set.close();
	});

	test("read in parts, the parts are those of the whole", async () => {
		const set = openUvfits(sharedData(...MOJAVE));
		const whole: VisibilityBlock[] = [];
		for await (const block of set.blocks({ channels: [1, 2], times: [10, 30] })) whole.push(block);
		let at = 0;
		for await (const block of set.blocks({ channels: [1, 2], times: [10, 30], blockBytes: 1000 })) {
			expect(block.visibilities).toEqual(whole[0].visibilities.slice(8 * at, 8 * (at + block.nRows)));
			at += block.nRows;
		}
		expect(at).toBe(whole[0].nRows);
		set.close();
	});

	test.skipIf(python === undefined)("samples are bit for bit what astropy reads", async () => {
		const program = `
import sys, json, hashlib, warnings
warnings.simplefilter("ignore")
import numpy as np
from astropy.io import fits
d = fits.open(sys.argv[1])[0].data
a = d.data[:, 0, 0, :, 0, :, :]  # group, IF, Stokes, complex
out = []
for w in range(a.shape[1]):
    v = np.ascontiguousarray(a[:, w, :, :2].astype("<f4"))
    out.append([hashlib.sha1(v.tobytes()).hexdigest(), int((a[:, w, :, 2] <= 0).sum())])
print(json.dumps([out, float(d.par("UU--")[1000]) * 299792458.0]))`;
		const set = openUvfits(sharedData(...MOJAVE));
		const mine: [string, number][] = [];
		let u = 0;
		for (let w = 0; w < 2; w++) {
			for await (const block of set.blocks({ channels: [w, w + 1], autocorrelations: true })) {
				const hash = createHash("sha1").update(new Uint8Array(block.visibilities.buffer)).digest("hex");
				mine.push([hash, block.flags.reduce((sum, flag) => sum + flag, 0)]);
				u = block.uvwM[3000];
			}
		}
		set.close();
		const [samples, uOfAstropy] = runPython(python as string, program, sharedData(...MOJAVE)) as [unknown, number];
		expect(mine).toEqual(samples);
		expect(u).toBeCloseTo(uOfAstropy, 3);
	});

	test("what is cut off, an image or of 1950 is refused with a sentence", () => {
		const bytes = readFileSync(sharedData(...MOJAVE));
		expect(() => openUvfitsFrom(inMemory(bytes.subarray(0, 300_000), "cut"))).toThrow(/promises \d+ bytes of data/);
		expect(() => openUvfitsFrom(inMemory(bytes.subarray(0, 1000), "cut"))).toThrow(/no END|no antenna table/);
		const changed = (from: string, to: string) => {
			const copy = Buffer.from(bytes);
			copy.write(to, copy.indexOf(from), "latin1");
			return () => openUvfitsFrom(inMemory(copy, "changed"));
		};
		expect(changed("EQUINOX =", "EQUINOX = 1950.0 / ")).toThrow(/of 1950/);
		expect(changed("GROUPS  =", "GROUPS  = F / ")).toThrow(/no random groups/);
		expect(changed("PTYPE4  = 'BASELINE", "PTYPE4  = 'BASELANE")).toThrow(/no parameter ANTENNA1/);
	});
});
