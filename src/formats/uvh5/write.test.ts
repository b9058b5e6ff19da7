import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { pythonWith, runPython } from "../../../test/oracle/python.ts";
import type { Field, VisibilityBlock } from "../../calibration/visibility-set.ts";
import { itrfFromGeodetic } from "../../sky/geodetic.ts";
import { openUvh5 } from "./read.ts";
import { type Uvh5WriteOptions, Uvh5Writer, writeUvh5 } from "./write.ts";

const folder = mkdtempSync(join(tmpdir(), "caustic-uvh5-"));
afterAll(() => rmSync(folder, { recursive: true }));

const nAntennas = 5;
const nTimes = 70;
const nChannels = 30;
const nPol = 2;
const location = { longitudeDeg: -118.2834, latitudeDeg: 37.2334, heightM: 1188 };
const centre = itrfFromGeodetic(location.longitudeDeg, location.latitudeDeg, location.heightM);
const meridian: Field = { name: "strip", phaseCentre: { kind: "meridian", hourAngleDeg: 0, declinationDeg: 30.5 } };
const times = Float64Array.from({ length: nTimes }, (_, t) => 59653.4 + (t * 12.884902) / 86400);
const frequencies = Float64Array.from({ length: nChannels }, (_, c) => 1.311e9 + c * 244140.625);
/** A number that tells where it belongs. */
const sample = (time: number, p: number, q: number, channel: number, pol: number) =>
	time * 1000 + p * 200 + q * 30 + channel + pol * 0.25;

function blockOf(time: number): VisibilityBlock {
	const pairs: [number, number][] = [];
	for (let p = 0; p < nAntennas; p++) for (let q = p; q < nAntennas; q++) pairs.push([p, q]);
	const n = pairs.length;
	const size = n * nChannels * nPol;
	const block: VisibilityBlock = {
		spectralWindow: 0,
		firstChannel: 0,
		nChannels,
		nRows: n,
		timeIndex: new Int32Array(n).fill(time),
		antenna1: Int32Array.from(pairs, ([p]) => p),
		antenna2: Int32Array.from(pairs, ([, q]) => q),
		baseline: new Int32Array(n),
		field: new Int32Array(n),
		integrationS: new Float64Array(n).fill(12.884902),
		uvwM: Float64Array.from({ length: 3 * n }, (_, i) => time + i / 7),
		visibilities: new Float32Array(2 * size),
		flags: new Uint8Array(size),
		weights: new Float32Array(size),
	};
	pairs.forEach(([p, q], r) => {
		for (let c = 0; c < nChannels; c++) {
			for (let pol = 0; pol < nPol; pol++) {
				const at = (r * nChannels + c) * nPol + pol;
				block.visibilities[2 * at] = sample(time, p, q, c, pol);
				block.visibilities[2 * at + 1] = -0.5 * sample(time, p, q, c, pol);
				block.flags[at] = (r + c + pol) % 3 === 0 ? 1 : 0;
				(block.weights as Float32Array)[at] = 0.25 + pol;
			}
		}
	});
	return block;
}

function write(name: string, options: Uvh5WriteOptions, field = meridian): string {
	const path = join(folder, name);
	const writer = new Uvh5Writer(
		path,
		{
			telescope: "DSA-110",
			location,
			antennas: Array.from({ length: nAntennas }, (_, i) => ({
				name: `${i + 1}`,
				number: 10 + i,
				positionItrfM: [centre[0] + 10 * i, centre[1] - 5 * i, centre[2] + i * i],
				diameterM: 4.65,
			})),
			frequenciesHz: frequencies,
			channelWidthsHz: new Float64Array(nChannels).fill(244140.625),
			polarizations: ["XX", "YY"],
			field,
			nRows: (nTimes * nAntennas * (nAntennas + 1)) / 2,
			extra: { fs_table: "none", applied_delays_ns: "0 0" },
		},
		options,
	);
	for (let t = 0; t < nTimes; t++) writer.append(blockOf(t), times);
	expect(readdirSync(folder)).toContain(name.replace(".hdf5", "_incomplete.hdf5"));
	writer.close();
	return path;
}

describe("a UVH5 file that Caustic writes", () => {
	const variants: [string, Uvh5WriteOptions][] = [
		["plain", {}],
		["as DSA-110 writes", { descending: true, dsaChunks: true, singlePrecisionUvw: true }],
	];
	test.each(variants)("%s, reads back bit for bit", async (name, options) => {
		const set = openUvh5([write(`${name.replaceAll(" ", "-")}.hdf5`, options)]);
		expect(set.frequenciesHz).toEqual(frequencies);
		expect(set.fields).toEqual([
			{
				name: "strip",
				phaseCentre: { kind: "meridian", hourAngleDeg: 0, declinationDeg: expect.closeTo(30.5, 12) },
			},
		]);
		expect(set.antennas[3]).toMatchObject({ name: "4", number: 13, diameterM: 4.65 });
		for (let k = 0; k < 3; k++) {
			expect(set.antennas[3].positionItrfM[k]).toBeCloseTo(centre[k] + [30, -15, 9][k], 8);
		}
		let row = 0;
		let t = 0;
		for await (const block of set.blocks({ autocorrelations: true, blockBytes: 15 * nChannels * nPol * 8 })) {
			for (let r = 0; r < block.nRows; r++, row++) {
				t = Math.floor(row / 15);
				const want = blockOf(t);
				const same = (array: Float32Array | Uint8Array | undefined, wanted: typeof array, width: number) =>
					expect(array?.slice(r * width, (r + 1) * width)).toEqual(
						wanted?.slice((row % 15) * width, ((row % 15) + 1) * width),
					);
				same(block.visibilities, want.visibilities, nChannels * nPol * 2);
				same(block.flags, want.flags, nChannels * nPol);
				same(block.weights, want.weights, nChannels * nPol);
				const single = options.singlePrecisionUvw === true;
				for (let k = 0; k < 3; k++) {
					const uvw = want.uvwM[3 * (row % 15) + k];
					expect(block.uvwM[3 * r + k]).toBe(single ? Math.fround(uvw) : uvw);
				}
				expect(Math.abs(set.timesMjd[block.timeIndex[r]] - times[t])).toBeLessThan(1e-9);
			}
		}
		expect(row).toBe(15 * nTimes);
		set.close();
	});

	test("is copied, subband by subband, without change", async () => {
		const set = openUvh5([write("source.hdf5", { descending: true, dsaChunks: true })]);
		const copy = join(folder, "copy.hdf5");
		await writeUvh5(copy, set, 0);
		const again = openUvh5([copy]);
		const [blocks, copies] = [set.blocks({ autocorrelations: true }), again.blocks({ autocorrelations: true })];
		const theirs = copies[Symbol.asyncIterator]();
		for await (const block of blocks) expect((await theirs.next()).value).toEqual(block);
		expect((await theirs.next()).done).toBe(true);
		set.close();
		again.close();
	});

	test("has no name of its own until all rows are there", () => {
		const path = join(folder, "short.hdf5");
		const writer = new Uvh5Writer(path, {
			telescope: "T",
			location,
			antennas: [{ name: "a", number: 0, positionItrfM: centre, diameterM: 1 }],
			frequenciesHz: new Float64Array([1e9]),
			channelWidthsHz: new Float64Array([1e6]),
			polarizations: ["XX"],
			field: meridian,
			nRows: 3,
		});
		expect(() => writer.close()).toThrow(/0 of 3 rows/);
		expect(readdirSync(folder).filter((name) => name.startsWith("short"))).toEqual([]);
	});

	const python = pythonWith("h5py");
	test.skipIf(python === undefined)("is what h5py expects of a UVH5 file", () => {
		const path = write("h5py.hdf5", { descending: true, dsaChunks: true, singlePrecisionUvw: true });
		const program = `
import h5py, json, sys, numpy as np
f = h5py.File(sys.argv[1])
d, h = f['Data'], f['Header']
v, t, c = d['visdata'], 7, 20
row = t * 15 + 6 # the pair (1, 2)
print(json.dumps({
  'dtypes': [str(v.dtype), str(d['flags'].dtype), str(d['nsamples'].dtype), str(h['uvw_array'].dtype)],
  'chunks': [v.chunks, d['flags'].chunks, d['nsamples'].chunks], 'shape': v.shape,
  'value': [float(v[row,0,${nChannels - 1}-c,1].real), float(v[row,0,${nChannels - 1}-c,1].imag)],
  'flags': int(d['flags'][()].sum()), 'ant': [int(h['ant_1_array'][row]), int(h['ant_2_array'][row])],
  'names': [x.decode() for x in h['antenna_names'][()]], 'phase': h['phase_type'][()].decode(),
  'dec': float(h['extra_keywords/phase_center_dec'][()]), 'freq': [float(h['freq_array'][0,0]), float(h['freq_array'][0,-1])],
}))`;
		const value = sample(7, 1, 2, 20, 1);
		expect(runPython(python as string, program, path)).toEqual({
			dtypes: ["complex64", "bool", "float32", "float32"],
			chunks: [
				[128, 1, 12, 1],
				[256, 1, 24, 1],
				[256, 1, 12, 1],
			],
			shape: [1050, 1, 30, 2],
			value: [value, 0.5 * value],
			flags: 21000,
			ant: [11, 12],
			names: ["1", "2", "3", "4", "5"],
			phase: "drift",
			dec: (30.5 * Math.PI) / 180,
			freq: [frequencies[nChannels - 1], frequencies[0]],
		});
	});
});
