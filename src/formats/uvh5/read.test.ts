import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { hasSharedData, sharedData } from "../../../test/shared-data.ts";
import type { VisibilityBlock } from "../../calibration/visibility-set.ts";
import { firstTimeOfUvh5, openUvh5 } from "./read.ts";

interface Digest {
	rows: number;
	times: string;
	antenna1: string;
	antenna2: string;
	uvw: string;
	frequencies: string;
	windows: { visibilities: string; flags: string; samples: string }[];
}
const recorded: Record<string, Digest> = JSON.parse(
	readFileSync(new URL("../../../test/oracle/uvh5-digest.json", import.meta.url), "utf8"),
);
const sha1 = (parts: ArrayBufferView[]) => {
	const hash = createHash("sha1");
	for (const part of parts) hash.update(part as Uint8Array);
	return hash.digest("hex");
};
const FILES: Record<string, [folder: string, pattern: RegExp]> = {
	"dsa-sim-tiny": ["dsa-sim-tiny", /hdf5$/],
	"dsa-sim-small": ["dsa-sim-small", /hdf5$/],
	"ata-352": ["ata-3c286", /C0352/],
	"ata-544": ["ata-3c286", /C0544/],
	bda: ["bda", /uvh5$/],
	"hera-old": ["hera", /2458098.*uvh5$/],
	"hera-int32": ["hera", /2458432/],
	"hera-complex128": ["hera", /2458661/],
};
const pathsOf = (name: string) => {
	const [folder, pattern] = FILES[name];
	return readdirSync(sharedData("visibilities", folder))
		.filter((file) => pattern.test(file))
		.map((file) => sharedData("visibilities", folder, file));
};
const copyOf = (block: VisibilityBlock): VisibilityBlock =>
	Object.fromEntries(
		Object.entries(block).map(([key, value]) => [
			key,
			ArrayBuffer.isView(value) ? (value as Int32Array).slice() : value,
		]),
	) as unknown as VisibilityBlock;

describe.skipIf(!hasSharedData)("UVH5 files read as h5py reads them", () => {
	for (const name of Object.keys(FILES)) {
		test.each([undefined, 20_000])(`${name}, blocks of %s bytes`, async (blockBytes) => {
			const set = openUvh5(pathsOf(name).reverse());
			const want = recorded[name];
			expect(sha1([set.timesMjd])).toBe(want.times);
			expect(sha1([set.frequenciesHz])).toBe(want.frequencies);
			expect(set.spectralWindows.length).toBe(want.windows.length);
			const blocks: VisibilityBlock[] = [];
			for await (const block of set.blocks({ autocorrelations: true, blockBytes })) blocks.push(copyOf(block));
			want.windows.forEach((window, w) => {
				const own = blocks.filter((block) => block.spectralWindow === w);
				expect(own.reduce((sum, block) => sum + block.nRows, 0)).toBe(want.rows);
				expect(sha1(own.map((block) => block.antenna1))).toBe(want.antenna1);
				expect(sha1(own.map((block) => block.antenna2))).toBe(want.antenna2);
				expect(sha1(own.map((block) => block.uvwM))).toBe(want.uvw);
				expect(sha1(own.map((block) => block.visibilities))).toBe(window.visibilities);
				expect(sha1(own.map((block) => block.flags))).toBe(window.flags);
				expect(sha1(own.map((block) => block.weights as Float32Array))).toBe(window.samples);
			});
			set.close();
		});
	}

	test.each(Object.keys(FILES))("%s: put into rows of somebody else, the same samples", async (name) => {
		const set = openUvh5(pathsOf(name));
		const nPol = set.polarizations.length;
		for (const uniformWeights of [false, true]) {
			for (const blockBytes of [30_000, 300_000]) {
				const { firstChannel, nChannels } = set.spectralWindows[0];
				const channels = [firstChannel + 1, firstChannel + nChannels] as const;
				const options = { channels, autocorrelations: !uniformWeights, blockBytes };
				const plain = set.blocks(options)[Symbol.asyncIterator]();
				const count = (nChannels - 1) * nPol;
				const [width, at] = [count + 5, 3];
				let target = {
					width,
					at,
					visibilities: new Float32Array(0),
					flags: new Uint8Array(0),
					weights: new Float32Array(0),
				};
				const place = (rows: number) => {
					const n = rows * width;
					const flags = new Uint8Array(n).fill(9);
					target = { width, at, visibilities: new Float32Array(2 * n), flags, weights: new Float32Array(n) };
					return target;
				};
				for await (const block of set.blocks({ ...options, place, uniformWeights })) {
					const { value: want } = await plain.next();
					if (want === undefined) throw new Error("more blocks than before");
					expect(block.nRows).toBe(want.nRows);
					if (!uniformWeights) expect(block.uniformWeight).toBe(undefined);
					const { nRows } = want;
					for (let r = 0; r < nRows; r++) {
						const [own, theirs] = [r * width + at, r * count];
						const visibilities = want.visibilities.subarray(2 * theirs, 2 * (theirs + count));
						expect(target.visibilities.slice(2 * own, 2 * (own + count))).toEqual(visibilities.slice());
						expect(target.flags.slice(own, own + count)).toEqual(want.flags.slice(theirs, theirs + count));
						const recorded = want.weights?.slice(theirs, theirs + count) ?? new Float32Array(count).fill(1);
						const { uniformWeight } = block;
						const weights =
							uniformWeight === undefined
								? target.weights.slice(own, own + count)
								: new Float32Array(count).fill(uniformWeight);
						expect(weights).toEqual(recorded);
						expect(target.flags[own - 1]).toBe(9);
						expect(target.flags[own + count]).toBe(9);
					}
				}
			}
		}
		set.close();
	});

	test("a part of the channels and times is the same as that part of the whole", async () => {
		const set = openUvh5(pathsOf("dsa-sim-small"));
		const [nPol, low, high] = [2, 17, 40];
		const whole = new Map<string, Float32Array>();
		for await (const block of set.blocks()) {
			for (let r = 0; r < block.nRows; r++) {
				for (let c = 0; c < block.nChannels; c++) {
					const at = (r * block.nChannels + c) * nPol * 2;
					const key = `${block.timeIndex[r]} ${block.baseline[r]} ${block.firstChannel + c}`;
					whole.set(key, block.visibilities.slice(at, at + 2 * nPol));
				}
			}
		}
		let count = 0;
		for await (const block of set.blocks({ channels: [low, high], times: [5, 9] })) {
			for (let r = 0; r < block.nRows; r++) {
				expect(block.antenna1[r]).toBeLessThan(block.antenna2[r]);
				for (let c = 0; c < block.nChannels; c++) {
					const at = (r * block.nChannels + c) * nPol * 2;
					const key = `${block.timeIndex[r]} ${block.baseline[r]} ${block.firstChannel + c}`;
					const want = whole.get(key) as Float32Array;
					for (let k = 0; k < 2 * nPol; k++) if (block.visibilities[at + k] !== want[k]) expect.fail(key);
					count++;
				}
			}
		}
		expect(count).toBe(4 * 190 * (high - low));
		set.close();
	});

	test("what the set says of itself", () => {
		const set = openUvh5(pathsOf("dsa-sim-small"));
		expect(set.telescope).toBe("OVRO_MMA");
		expect(set.antennas.length).toBe(117);
		expect(set.baselines.antenna1.length).toBe(190);
		expect(set.autocorrelations.length).toBe(20);
		expect(set.timesMjd.length).toBe(24);
		expect(set.integrationS).toBeCloseTo(12.884902, 6);
		expect(set.polarizations).toEqual(["XX", "YY"]);
		expect(set.frequenciesHz.length).toBe(192);
		expect([...set.frequenciesHz].every((hz, i, all) => i === 0 || hz > all[i - 1])).toBe(true);
		const centre = set.fields[0].phaseCentre;
		expect(centre.kind).toBe("meridian");
		if (centre.kind === "meridian") {
			expect(centre.hourAngleDeg).toBe(0);
			expect(centre.declinationDeg).toBeCloseTo(30.5, 10);
		}
		set.close();
	});

	test("uvw are b_p - b_q seen from the meridian", async () => {
		const set = openUvh5(pathsOf("dsa-sim-tiny"));
		const centre = set.fields[0].phaseCentre;
		if (centre.kind !== "meridian" || set.location === undefined) throw new Error("the fixture has changed");
		const dec = (centre.declinationDeg * Math.PI) / 180;
		const lon = (set.location.longitudeDeg * Math.PI) / 180;
		for await (const block of set.blocks({ channels: [0, 1] })) {
			for (let r = 0; r < block.nRows; r++) {
				const [p, q] = [block.antenna1[r], block.antenna2[r]].map((a) => set.antennas[a].positionItrfM);
				const [x, y, z] = [p[0] - q[0], p[1] - q[1], p[2] - q[2]];
				const across = -x * Math.sin(lon) + y * Math.cos(lon);
				const outward = x * Math.cos(lon) + y * Math.sin(lon);
				const uvw = [across, -outward * Math.sin(dec) + z * Math.cos(dec), outward * Math.cos(dec) + z * Math.sin(dec)];
				for (let k = 0; k < 3; k++) expect(Math.abs(block.uvwM[3 * r + k] - uvw[k])).toBeLessThan(2e-3);
			}
		}
		set.close();
	});

	test("other conventions of the phase centre", () => {
		const kinds = ["ata-352", "hera-old", "hera-int32", "bda"].map((name) => {
			const set = openUvh5(pathsOf(name));
			set.close();
			return set.fields[0].phaseCentre;
		});
		expect(kinds[0]).toMatchObject({ kind: "sidereal", frame: "ICRS" });
		expect((kinds[0] as { raDeg: number }).raDeg).toBeCloseTo(202.7845, 3);
		expect(kinds.slice(1)).toEqual([{ kind: "unprojected" }, { kind: "unprojected" }, { kind: "unprojected" }]);
	});

	test("the first time, which says which files belong together", () => {
		const times = pathsOf("dsa-sim-small").map(firstTimeOfUvh5);
		expect(new Set(times).size).toBe(1);
		expect(times[0]).toBeCloseTo(59653.41034795, 8);
	});

	test("files of two groups are refused, and so is a subband given twice", () => {
		expect(() => openUvh5([...pathsOf("dsa-sim-tiny"), pathsOf("dsa-sim-small")[0]])).toThrow(/differ from those of/);
		expect(() => openUvh5([...pathsOf("dsa-sim-tiny"), pathsOf("dsa-sim-tiny")[3]])).toThrow(/overlap/);
	});
});
