import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { VisibilityBlock, VisibilitySet } from "../src/calibration/visibility-set.ts";
import { exportMeasurementSet } from "../src/formats/casa/export-measurement-set.ts";
import { openMeasurementSet } from "../src/formats/casa/measurement-set.ts";
import { readCalibrationTable } from "../src/formats/casa/read-calibration-table.ts";
import { CasaTable } from "../src/formats/casa/table.ts";
import { readFitsImage } from "../src/formats/fits/image.ts";
import { openVisibilities } from "../src/formats/open-visibilities.ts";
import { openUvh5 } from "../src/formats/uvh5/read.ts";
import { writeUvh5 } from "../src/formats/uvh5/write.ts";
import { useEarthOrientation } from "../src/sky/earth-orientation.ts";
import { unpackVisibilities } from "./archives.ts";
import { digestOf } from "./casa-digest.ts";
import { pythonWith, runPython } from "./oracle/python.ts";
import { hasSharedData, sharedData } from "./shared-data.ts";

const main = fileURLToPath(new URL("../src/cli/main.ts", import.meta.url));
const caustic = (...args: string[]) => spawnSync(process.execPath, [main, ...args], { encoding: "utf8" });
const filesOf = (set: string) =>
	readdirSync(sharedData("visibilities", set))
		.filter((name) => name.endsWith(".hdf5"))
		.map((name) => sharedData("visibilities", set, name));
const folder = mkdtempSync(join(tmpdir(), "caustic-convert-"));
afterAll(() => rmSync(folder, { recursive: true }));
const python = pythonWith("casacore.tables");
const wsclean =
	spawnSync("wsclean", ["--version"], { env: { ...process.env, OPENBLAS_NUM_THREADS: "1" } }).status === 0;

/** Rows by time and antenna names, so that sets with different antenna tables can be compared. */
async function rowsOf(
	set: VisibilitySet,
): Promise<Map<string, { visibilities: Float32Array; flags: Uint8Array; uvw: Float64Array }>> {
	const rows = new Map();
	const nPol = set.polarizations.length;
	const numberOf = (antenna: number) => Number(/\d+/.exec(set.antennas[antenna].name)?.[0]);
	for await (const block of set.blocks()) {
		for (let r = 0; r < block.nRows; r++) {
			const key = `${Math.round(set.timesMjd[block.timeIndex[r]] * 864000)} ${numberOf(block.antenna1[r])} ${numberOf(block.antenna2[r])}`;
			const width = block.nChannels * nPol;
			rows.set(key, {
				visibilities: block.visibilities.slice(2 * r * width, 2 * (r + 1) * width),
				flags: block.flags.slice(r * width, (r + 1) * width),
				uvw: block.uvwM.slice(3 * r, 3 * r + 3),
			});
		}
	}
	return rows;
}

describe.skipIf(!hasSharedData)("caustic convert", () => {
	let data: ReturnType<typeof unpackVisibilities>;
	const tiny = join(folder, "tiny.ms");
	beforeAll(() => {
		data = unpackVisibilities("dsa-sim-tiny", "dsa-sim-small", "vla-day2");
	});
	afterAll(() => data.remove());

	test("a UVH5 group, its files in any order: phases, uvw and flags as those who simulated it have them", async () => {
		const run = caustic(
			"convert",
			...filesOf("dsa-sim-tiny").reverse(),
			"--out",
			tiny,
			"--centre",
			"202.78453379166666,30.50915525",
			"--name",
			"3C286",
			"--json",
		);
		expect(run.stderr).toBe("");
		expect(JSON.parse(run.stdout)).toMatchObject({
			nRows: 840,
			nWindows: 1,
			nChannels: 128,
			rephased: true,
			notFinite: 0,
		});
		const [ours, theirs] = [
			openMeasurementSet(tiny),
			openMeasurementSet(join(data.folder, "dsa-sim-tiny/cal3c286.ms")),
		];
		expect(ours.frequenciesHz).toEqual(theirs.frequenciesHz);
		expect(ours.fields).toMatchObject([{ name: "3C286" }]);
		const [a, b] = [await rowsOf(ours), await rowsOf(theirs)];
		expect([...a.keys()].sort()).toEqual([...b.keys()].sort());
		let worst = 0;
		for (const [key, mine] of a) {
			const other = b.get(key) as typeof mine;
			expect(mine.flags).toEqual(other.flags);
			// Their uvw neglect some milliarcseconds; the phases do not.
			for (let k = 0; k < 3; k++) expect(Math.abs(mine.uvw[k] - other.uvw[k])).toBeLessThan(6e-3);
			for (let i = 0; i < mine.visibilities.length; i += 2) {
				const [x, y, u, v] = [
					mine.visibilities[i],
					mine.visibilities[i + 1],
					other.visibilities[i],
					other.visibilities[i + 1],
				];
				const amplitude = Math.hypot(u, v);
				if (amplitude > 0) worst = Math.max(worst, Math.hypot(x - u, y - v) / amplitude);
			}
		}
		// 0.06 degrees: their and our Earth agree to 3 milliarcseconds.
		expect(worst).toBeLessThan(1e-3);
		ours.close();
		theirs.close();
	});

	test("will not overwrite, says what is wrong in a sentence, and leaves nothing behind", () => {
		const again = caustic("convert", ...filesOf("dsa-sim-tiny"), "--out", tiny);
		expect([again.status, again.stderr]).toEqual([
			2,
			`caustic: ${tiny}: it is there already. Give another name, or --overwrite.\n`,
		]);
		const mixed = caustic(
			"convert",
			...filesOf("dsa-sim-tiny"),
			filesOf("dsa-sim-small")[0],
			"--out",
			join(folder, "mixed.ms"),
		);
		expect(mixed.status).toBe(2);
		expect(mixed.stderr).toMatch(/differ from those of/);
		const nowhere = caustic("convert", ...filesOf("dsa-sim-tiny"), "--out", join(folder, "x.ms"), "--centre", "400,3");
		expect([nowhere.status, nowhere.stderr]).toEqual([
			2,
			expect.stringMatching(/--centre: "400,3" is not a right ascension/),
		]);
		expect(readdirSync(folder)).toEqual(["tiny.ms"]);
	});

	test("drifting data are put on the middle of their path; windows may be kept apart", async () => {
		const set = openUvh5(filesOf("dsa-sim-tiny"));
		const path = join(folder, "windows.ms");
		const report = await exportMeasurementSet(set, path, { keepWindows: true, chunkBytes: 300_000 });
		expect(report).toMatchObject({ nRows: 16 * 840, nWindows: 16, rephased: true });
		// Right ascension is the sidereal time in the middle, less the precession since 2000.
		expect(report.fields[0].raDeg).toBeCloseTo(202.785, 2);
		expect(report.fields[0].decDeg).toBeCloseTo(30.6163, 3);
		const again = openMeasurementSet(path);
		expect(again.frequenciesHz).toEqual(set.frequenciesHz);
		expect(again.spectralWindows.length).toBe(16);
		// |V| is left alone.
		const blocks = set.blocks({ channels: [40, 48] })[Symbol.asyncIterator]();
		const first = (await blocks.next()).value as VisibilityBlock;
		for await (const block of again.blocks({ channels: [40, 48] })) {
			expect(block.nRows).toBe(first.nRows);
			for (let i = 0; i < block.visibilities.length; i += 2) {
				const [a, b] = [block.visibilities, first.visibilities].map((v) => Math.hypot(v[i], v[i + 1]));
				if (Math.abs(a - b) > 1e-5 * b) expect.fail(`sample ${i}`);
			}
		}
		again.close();
		set.close();
	});

	test("a MeasurementSet to UVH5 and back is the same", async () => {
		const uvh5 = join(folder, "vla.uvh5");
		const source = join(data.folder, "vla-day2/day2_TDEM0003_10s_norx_1src_1spw.ms");
		expect(caustic("convert", source, "--out", uvh5).status).toBe(0);
		const back = join(folder, "vla.ms");
		expect(caustic("convert", uvh5, "--out", back, "--telescope", "OVRO_MMA").status).toBe(0);
		const observation = new CasaTable(join(back, "OBSERVATION"));
		expect(observation.column("TELESCOPE_NAME").strings()).toEqual(["OVRO_MMA"]);
		observation.close();
		const [a, b] = [openMeasurementSet(source), openMeasurementSet(back)];
		const [x, y] = [a.blocks()[Symbol.asyncIterator](), b.blocks()[Symbol.asyncIterator]()];
		const [p, q] = [(await x.next()).value as VisibilityBlock, (await y.next()).value as VisibilityBlock];
		for (const name of ["antenna1", "antenna2", "visibilities", "flags", "weights", "uvwM", "integrationS"] as const) {
			expect([name, q[name]]).toEqual([name, p[name]]);
		}
		expect(b.polarizations).toEqual(a.polarizations);
		expect(b.fields[0].phaseCentre).toMatchObject({ kind: "sidereal" });
		a.close();
		b.close();
	});

	test("what is no number becomes a flagged zero, and is counted", async () => {
		const source = join(folder, "nan.hdf5");
		cpSync(filesOf("dsa-sim-tiny")[0], source);
		const bytes = readFileSync(source);
		const set = openUvh5([source]);
		let value = Number.NaN;
		for await (const block of set.blocks({ blockBytes: 1 })) {
			value = block.visibilities[0];
			break;
		}
		set.close();
		const needle = Buffer.alloc(4);
		needle.writeFloatLE(value);
		const at = bytes.indexOf(needle);
		expect(at).toBeGreaterThan(0);
		bytes.writeFloatLE(Number.NaN, at);
		writeFileSync(source, bytes);
		const out = join(folder, "nan.ms");
		const run = caustic("convert", source, "--out", out);
		expect(run.stdout).toMatch(/1 samples were no numbers and are flagged/);
		const again = openMeasurementSet(out);
		for await (const block of again.blocks()) {
			expect(block.visibilities.every((number) => Number.isFinite(number))).toBe(true);
		}
		again.close();
		// Read in a thread of its own, in pieces or whole: the same set, the same count.
		const whole = digestOf(new CasaTable(out));
		for (const options of [{ thread: true }, { thread: "only" as const, chunkBytes: 20_000 }, { chunkBytes: 20_000 }]) {
			const other = join(folder, "nan-other.ms");
			const set = openUvh5([source]);
			expect((await exportMeasurementSet(set, other, options)).notFinite).toBe(1);
			set.close();
			expect(digestOf(new CasaTable(other))).toEqual(whole);
		}
	});

	test("whoever wrote the UVH5, converted in pieces it is what it is block by block", async () => {
		const groups = [
			filesOf("dsa-sim-tiny"),
			...["ata-3c286", "bda", "hera"].flatMap((set) =>
				readdirSync(sharedData("visibilities", set))
					.filter((name) => /\.uvh5/.test(name))
					.map((name) => [sharedData("visibilities", set, name)]),
			),
		];
		expect(groups.length).toBe(7);
		for (const files of groups) {
			const digests: Record<string, unknown>[] = [];
			for (const inBlocks of [false, true]) {
				const set = openUvh5(files);
				const path = join(folder, "pieces.ms");
				// A model keeps samples from being put to their place by others.
				const model = inBlocks ? { model: (block: VisibilityBlock) => block.visibilities } : {};
				await exportMeasurementSet(set, path, { ...model, chunkBytes: 100_000, thread: !inBlocks });
				set.close();
				const table = new CasaTable(path);
				const { MODEL_DATA: _, ...columns } = digestOf(table).columns;
				table.close();
				digests.push(columns);
			}
			expect(Object.keys(digests[0]).length).toBeGreaterThan(19);
			expect([files[0], digests[1]]).toEqual([files[0], digests[0]]);
		}
	});

	test("a refreshed table of the Earth's rotation holds in every thread", async () => {
		const mjd = 59653;
		const table = {
			source: "a test",
			firstMjd: mjd - 50,
			lastMeasuredMjd: mjd + 40,
			stepDays: 1,
			ut1MinusTai: new Float64Array(100).fill(-37.9),
			xp: new Float64Array(100),
			yp: new Float64Array(100),
			leapSeconds: [],
		};
		const digestWith = async (thread: boolean | "only") => {
			const set = openUvh5(filesOf("dsa-sim-tiny"));
			const path = join(folder, "rotation.ms");
			await exportMeasurementSet(set, path, { thread });
			set.close();
			return digestOf(new CasaTable(path));
		};
		const builtIn = await digestWith("only");
		useEarthOrientation(table);
		try {
			const here = await digestWith(false);
			expect(here).not.toEqual(builtIn);
			expect(await digestWith("only")).toEqual(here);
		} finally {
			useEarthOrientation(undefined);
		}
		expect(await digestWith(false)).toEqual(builtIn);
	});

	test("UVFITS: the command writes a set that holds what the file holds, and that casacore opens", async () => {
		const source = sharedData("visibilities", "paper", "zen.2456865.60537.xy.uvcRREAAM.uvfits");
		const out = join(folder, "paper.ms");
		const run = caustic("convert", source, "--out", out);
		expect([run.status, run.stderr.includes("Error")]).toEqual([0, false]);
		const [from, to] = [openVisibilities([source]), openMeasurementSet(out)];
		const [a, b] = [await rowsOf(from), await rowsOf(to)];
		expect([...b.keys()].sort()).toEqual([...a.keys()].sort());
		expect(a.size).toBeGreaterThan(100);
		for (const [key, row] of a) {
			const other = b.get(key);
			expect([key, other?.flags]).toEqual([key, row.flags]);
			expect([key, other?.visibilities]).toEqual([key, row.visibilities]);
			row.uvw.forEach((metres, k) => {
				expect(Math.abs(metres - (other?.uvw[k] ?? Number.NaN))).toBeLessThan(1e-6);
			});
		}
		from.close();
		to.close();
		if (python === undefined) return;
		const program = `
import casacore.tables as ct, json, sys
t = ct.table(sys.argv[1], ack=False)
print(json.dumps([t.nrows(), list(t.getcell("DATA", 0).shape), int(t.getcol("FLAG").sum())]))`;
		const flagged = [...a.values()].reduce((sum, row) => sum + row.flags.reduce((n, f) => n + f, 0), 0);
		const [rows, shape, flags] = runPython(python, program, out) as [number, number[], number];
		expect([rows >= a.size, shape[0], flags >= flagged]).toEqual([true, to.frequenciesHz.length, true]);
	});

	test("WEIGHT_SPECTRUM is written if weights vary along any row, and then holds all of them", async () => {
		const plain = openUvh5([filesOf("dsa-sim-tiny")[0]]);
		const even = join(folder, "even.ms");
		await exportMeasurementSet(plain, even);
		const table = new CasaTable(even);
		expect([table.has("WEIGHT_SPECTRUM"), table.has("WEIGHT")]).toEqual([false, true]);
		table.close();
		// The same, with weights of their own in one row of the second half.
		const odd = 700;
		let seen = 0;
		const changed: VisibilitySet = Object.create(plain, {
			canPlace: { value: false },
			blocks: {
				value: async function* (options: Parameters<VisibilitySet["blocks"]>[0]) {
					for await (const block of plain.blocks(options)) {
						const weights = block.weights as Float32Array;
						const perRow = weights.length / block.nRows;
						weights.fill(0.5);
						if (odd >= seen && odd < seen + block.nRows) {
							const row = weights.subarray((odd - seen) * perRow, (odd - seen + 1) * perRow);
							row.forEach((_, i) => {
								row[i] = i;
							});
						}
						seen += block.nRows;
						yield block;
					}
				},
			},
		});
		const uvh5 = join(folder, "uneven.uvh5");
		await writeUvh5(uvh5, changed, 0, {});
		plain.close();
		const digests = [];
		for (const options of [{ thread: "only" as const, chunkBytes: 5000 }, { thread: false }, undefined]) {
			const set = openUvh5([uvh5]);
			const ms = join(folder, "uneven.ms");
			// The last time by blocks, as sets of other formats come.
			const blocks: VisibilitySet = { ...set, canPlace: false, blocks: (how) => set.blocks(how), close: () => {} };
			await exportMeasurementSet(options === undefined ? blocks : set, ms, options);
			set.close();
			const uneven = new CasaTable(ms);
			const width = uneven.column("WEIGHT_SPECTRUM").description.shape?.reduce((a, b) => a * b, 1) as number;
			const values = new Float32Array(uneven.nRows * width);
			uneven.column("WEIGHT_SPECTRUM").cells(0, uneven.nRows, values);
			values.forEach((value, i) => {
				const row = Math.floor(i / width);
				if (value !== (row === odd ? i % width : 0.5)) expect.fail(`sample ${i} weighs ${value}`);
			});
			digests.push(digestOf(uneven));
		}
		expect(digests[1]).toEqual(digests[0]);
		expect(digests[2]).toEqual(digests[0]);
	});

	test.skipIf(python === undefined)("casacore opens what was written, with its measures", () => {
		const program = `
import casacore.tables as ct, casacore.measures as cm, json, sys, numpy as np
ms = sys.argv[1]
t = ct.table(ms, ack=False)
sub = {k: ct.table(ms + "/" + k, ack=False) for k in ["ANTENNA", "SPECTRAL_WINDOW", "POLARIZATION", "FIELD", "OBSERVATION", "FEED", "DATA_DESCRIPTION", "HISTORY", "STATE", "PROCESSOR", "POINTING", "FLAG_CMD"]}
d = t.getcolkeyword("TIME", "MEASINFO")
print(json.dumps({
  "rows": t.nrows(), "version": t.getkeyword("MS_VERSION"), "shape": t.getcell("DATA", 0).shape, "time": d, "uvw": t.getcolkeyword("UVW", "MEASINFO"),
  "corr": sub["POLARIZATION"].getcell("CORR_TYPE", 0).tolist(), "ref": int(sub["SPECTRAL_WINDOW"].getcell("MEAS_FREQ_REF", 0)),
  "ascends": bool((np.diff(sub["SPECTRAL_WINDOW"].getcell("CHAN_FREQ", 0)) > 0).all()), "telescope": sub["OBSERVATION"].getcell("TELESCOPE_NAME", 0),
  "dirs": bool((sub["FIELD"].getcell("PHASE_DIR", 0) == sub["FIELD"].getcell("DELAY_DIR", 0)).all()), "dirshape": sub["FIELD"].getcell("PHASE_DIR", 0).shape,
  "counts": {k: v.nrows() for k, v in sub.items()}, "history": sub["HISTORY"].getcell("MESSAGE", 0),
}))`;
		expect(runPython(python as string, program, tiny)).toEqual({
			rows: 840,
			version: 2,
			shape: [128, 2],
			time: { type: "epoch", Ref: "UTC" },
			uvw: { type: "uvw", Ref: "J2000" },
			corr: [9, 12],
			ref: 5,
			ascends: true,
			telescope: "DSA_110",
			dirs: true,
			dirshape: [1, 2],
			counts: {
				ANTENNA: 117,
				SPECTRAL_WINDOW: 1,
				POLARIZATION: 1,
				FIELD: 1,
				OBSERVATION: 1,
				FEED: 117,
				DATA_DESCRIPTION: 1,
				HISTORY: 1,
				STATE: 1,
				PROCESSOR: 1,
				POINTING: 0,
				FLAG_CMD: 0,
			},
			history: "converted from uvh5: 16 file(s), telescope name OVRO_MMA",
		});
	});

	test.skipIf(!wsclean)(
		"WSClean images what was written: faint sources stand at their true places",
		{ timeout: 240_000 },
		async () => {
			const set = openUvh5(filesOf("dsa-sim-small"));
			const path = join(folder, "small.ms");
			const tables = ["K", "B", "G"].map((kind) =>
				readCalibrationTable(join(data.folder, "dsa-sim-small", `cal3c286.${kind}`)),
			);
			const gain = gainsOf(set, tables);
			await exportMeasurementSet(set, path, {
				centre: { name: "3C286", raDeg: 202.7845338, decDeg: 30.5091552 },
				correct: (block) => {
					const visibilities = new Float32Array(block.visibilities.length);
					const flags = block.flags.slice();
					for (let r = 0, i = 0; r < block.nRows; r++) {
						for (let c = 0; c < block.nChannels; c++) {
							for (let p = 0; p < 2; p++, i++) {
								const [a, b] = gain(block.antenna1[r], block.timeIndex[r], block.firstChannel + c, p);
								const [x, y] = gain(block.antenna2[r], block.timeIndex[r], block.firstChannel + c, p);
								const [re, im] = [a * x + b * y, b * x - a * y];
								const power = re * re + im * im;
								if (!(power > 0)) {
									flags[i] = 1;
									continue;
								}
								const [u, v] = [block.visibilities[2 * i], block.visibilities[2 * i + 1]];
								visibilities[2 * i] = (u * re + v * im) / power;
								visibilities[2 * i + 1] = (v * re - u * im) / power;
							}
						}
					}
					return { visibilities, flags };
				},
			});
			set.close();
			const arguments_ =
				"-size 1280 1280 -scale 6asec -niter 1000 -auto-threshold 5 -mgain 0.8 -weight briggs 0 -taper-gaussian 20asec -pol I -no-update-model-required -j 1 -quiet";
			const cleaned = spawnSync("wsclean", [...arguments_.split(" "), "-name", join(folder, "small"), path], {
				env: { ...process.env, OPENBLAS_NUM_THREADS: "1" },
				encoding: "utf8",
			});
			expect([cleaned.status, cleaned.status === 0 ? "" : `${cleaned.stdout}${cleaned.stderr}`]).toEqual([0, ""]);
			const image = await readFitsImage(join(folder, "small-image.fits"));
			const sources = readFileSync(sharedData("visibilities", "dsa-sim-small", "truth_sky.csv"), "utf8")
				.trim()
				.split("\n")
				.slice(1)
				.map((line) => line.split(",").map(Number));
			// The primary beam dims what is far out; one bright source lies outside the picture.
			const found = sources
				.slice(1)
				.filter(([ra, , jy]) => jy > 0.08 && ra < 204)
				.map(([ra, dec, jy]) => {
					const [x, y] = image.wcs.skyToPixel(ra, dec);
					const peak = peakNear(image.plane, x, y, 6);
					return { jy, flux: peak.value, offsetArcsec: 6 * Math.hypot(peak.x - x, peak.y - y) };
				});
			expect(found.length).toBe(3);
			for (const { jy, flux, offsetArcsec } of found) {
				expect(flux).toBeGreaterThan(0.3 * jy);
				expect(flux).toBeLessThan(1.15 * jy);
				// The beam is some 20 arcseconds.
				expect(offsetArcsec).toBeLessThan(jy > 0.5 ? 1 : 5);
			}
			// Rotated by 180 degrees about the centre, where a wrong sign would put it, is nothing.
			const [ra, dec] = sources[1];
			const [x, y] = image.wcs.skyToPixel(ra, dec);
			const [cx, cy] = image.wcs.skyToPixel(202.7845338, 30.5091552);
			expect(Math.abs(peakNear(image.plane, 2 * cx - x, 2 * cy - y, 3).value)).toBeLessThan(0.06);
			const centre = peakNear(image.plane, cx, cy, 3);
			expect(centre.value).toBeGreaterThan(14);
			expect(centre.value).toBeLessThan(15.2);
			expect(existsSync(path)).toBe(true);
		},
	);
});

/** g = G B exp(2 pi i tau (nu - nu0)) of antenna indices of the set; 0 where there is no solution. */
function gainsOf(set: VisibilitySet, tables: ReturnType<typeof readCalibrationTable>[]) {
	const [delays, bandpass, gains] = tables;
	const numberOf = (name: string) => Number(/\d+/.exec(name)?.[0]);
	const indexOf = new Map(delays.antennas.map((antenna, i) => [numberOf(antenna.name), i]));
	const rowOf = new Map<string, number>();
	const times = [...new Set(gains.timesMjd)].sort();
	for (let r = 0; r < gains.nRows; r++) rowOf.set(`${times.indexOf(gains.timesMjd[r])} ${gains.antenna[r]}`, r);
	const single = (table: typeof delays) => new Map(Array.from(table.antenna, (antenna, r) => [antenna, r]));
	const [delayRow, bandpassRow] = [single(delays), single(bandpass)];
	const nu0 = delays.windows[0].frequenciesHz[0];
	return (antenna: number, time: number, channel: number, polarization: number): [number, number] => {
		const index = indexOf.get(numberOf(set.antennas[antenna].name));
		if (index === undefined) return [0, 0];
		const mjd = set.timesMjd[time];
		const nearest = times.reduce((best, t, i) => (Math.abs(t - mjd) < Math.abs(times[best] - mjd) ? i : best), 0);
		const k = delays.offset[delayRow.get(index) as number] + polarization;
		const b = bandpass.offset[bandpassRow.get(index) as number] + 2 * channel + polarization;
		const g = gains.offset[rowOf.get(`${nearest} ${index}`) as number] + polarization;
		if (delays.flags[k] || bandpass.flags[b] || gains.flags[g]) return [0, 0];
		const phase = 2 * Math.PI * delays.params[k] * 1e-9 * (set.frequenciesHz[channel] - nu0);
		const [br, bi, gr, gi] = [
			bandpass.params[2 * b],
			bandpass.params[2 * b + 1],
			gains.params[2 * g],
			gains.params[2 * g + 1],
		];
		const [re, im] = [br * gr - bi * gi, br * gi + bi * gr];
		const [c, s] = [Math.cos(phase), Math.sin(phase)];
		return [re * c - im * s, re * s + im * c];
	};
}

/** The highest pixel within a radius, refined by parabolas through its neighbours. */
function peakNear(
	plane: { data: Float32Array | Float64Array; width: number; height: number },
	x: number,
	y: number,
	radius: number,
) {
	const at = (i: number, j: number) => plane.data[j * plane.width + i];
	let [bx, by] = [Math.round(x), Math.round(y)];
	for (let j = Math.round(y) - radius; j <= Math.round(y) + radius; j++) {
		for (let i = Math.round(x) - radius; i <= Math.round(x) + radius; i++) if (at(i, j) > at(bx, by)) [bx, by] = [i, j];
	}
	const refine = (a: number, b: number, c: number) => (a - c) / (2 * (a - 2 * b + c));
	const value = at(bx, by);
	return {
		value,
		x: bx + refine(at(bx - 1, by), value, at(bx + 1, by)),
		y: by + refine(at(bx, by - 1), value, at(bx, by + 1)),
	};
}
