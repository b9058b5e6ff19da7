import { mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { VisibilityBlock } from "../src/calibration/visibility-set.ts";
import { Uvh5Writer } from "../src/formats/uvh5/write.ts";
import { Random } from "../src/simulation/random.ts";
import { itrfFromGeodetic } from "../src/sky/geodetic.ts";

/**
 * Writes a group of subband files shaped, chunked and ordered as DSA-110 writes them: 96 antennas with autocorrelations, 48
 * channels of 244 kHz per subband in descending order, 16 subbands. Values are noise.
 *
 * @returns the files, and the bytes in all of them.
 */
export function writeDsaGroup(folder: string, nTimes: number, nSubbands = 16): { files: string[]; bytes: number } {
	mkdirSync(folder, { recursive: true });
	const nAntennas = 96;
	const nChannels = 48;
	const width = 244140.625;
	const location = { longitudeDeg: -118.2834, latitudeDeg: 37.2334, heightM: 1188 };
	const [x, y, z] = itrfFromGeodetic(location.longitudeDeg, location.latitudeDeg, location.heightM);
	const random = new Random(110);
	const antennas = Array.from({ length: nAntennas }, (_, i) => ({
		name: `${i + 1}`,
		number: i,
		positionItrfM: [
			x + random.uniform(-1000, 1000),
			y + random.uniform(-500, 500),
			z + random.uniform(-1000, 1000),
		] as [number, number, number],
		diameterM: 4.65,
	}));
	const pairs: [number, number][] = [];
	for (let p = 0; p < nAntennas; p++) for (let q = p; q < nAntennas; q++) pairs.push([p, q]);
	const n = pairs.length;
	const size = n * nChannels * 2;
	const noise = new Float32Array(2 * size + 4096);
	for (let i = 0; i < noise.length; i++) noise[i] = random.normal();
	const block: VisibilityBlock = {
		spectralWindow: 0,
		firstChannel: 0,
		nChannels,
		nRows: n,
		timeIndex: new Int32Array(n),
		antenna1: Int32Array.from(pairs, ([p]) => p),
		antenna2: Int32Array.from(pairs, ([, q]) => q),
		baseline: new Int32Array(n),
		field: new Int32Array(n),
		integrationS: new Float64Array(n).fill(12.884902),
		uvwM: new Float64Array(3 * n),
		visibilities: noise,
		flags: new Uint8Array(size),
		weights: new Float32Array(size).fill(1),
	};
	const times = Float64Array.from({ length: nTimes }, (_, t) => 61065.9 + (t * 12.884902) / 86400);
	let bytes = 0;
	const files = Array.from({ length: nSubbands }, (_, s) => {
		const path = join(folder, `2026-01-25T21:36:05_sb${String(s).padStart(2, "0")}.hdf5`);
		const highest = 1498.75e6 - width / 2 - s * nChannels * width;
		const writer = new Uvh5Writer(
			path,
			{
				telescope: "OVRO_MMA",
				location,
				antennas,
				frequenciesHz: Float64Array.from({ length: nChannels }, (_, c) => highest - (nChannels - 1 - c) * width),
				channelWidthsHz: new Float64Array(nChannels).fill(width),
				polarizations: ["XX", "YY"],
				field: { name: "search", phaseCentre: { kind: "meridian", hourAngleDeg: 0, declinationDeg: 16.1 } },
				nRows: n * nTimes,
			},
			{ descending: true, dsaChunks: true, singlePrecisionUvw: true },
		);
		for (let t = 0; t < nTimes; t++) {
			block.timeIndex.fill(t);
			const shift = 2 * random.integer(2048);
			writer.append({ ...block, visibilities: noise.subarray(shift, shift + 2 * size) }, times);
		}
		writer.close();
		bytes += statSync(path).size;
		return path;
	});
	return { files, bytes };
}

/** The shortest of several runs, s: other work on the machine only ever adds. */
export async function shortest(rounds: number, work: () => unknown): Promise<number> {
	let best = Infinity;
	for (let round = 0; round < rounds; round++) {
		const begun = performance.now();
		await work();
		best = Math.min(best, (performance.now() - begun) / 1000);
	}
	return best;
}
