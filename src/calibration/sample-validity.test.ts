import { describe, expect, test } from "vitest";
import { everyPair } from "../simulation/observation.ts";
import { Random } from "../simulation/random.ts";
import { inspectWindow, SAMPLE_CLASSES } from "./sample-validity.ts";
import { FLAG, type WindowData } from "./window-data.ts";

function noise(nPolarizations: number, nChannels: number): WindowData {
	const random = new Random(5);
	const samples = 6 * 10 * nChannels * nPolarizations;
	return {
		nTimes: 6,
		nBaselines: 10,
		nChannels,
		nPolarizations,
		frequenciesHz: Float64Array.from({ length: nChannels }, (_, c) => 1.4e9 + c * 1e6),
		visibilities: Float32Array.from({ length: 2 * samples }, () => random.uniform(0.5, 1.5)),
		flags: new Uint8Array(samples),
		weights: undefined,
	};
}

describe("samples before a solve", () => {
	test.each([
		[2, 7],
		[2, 1],
		[1, 7],
		[1, 1],
	])(
		"%i polarisations, %i channels: every class is flagged and counted apart, and amplitudes are means over baselines",
		(nPol, nChannels) => {
			const array = everyPair(5);
			const data = noise(nPol, nChannels);
			const at = (t: number, b: number, c: number, s: number) => ((t * 10 + b) * nChannels + c) * nPol + s;
			const bad: [number, number, number][] = [
				[at(1, 3, 0, 0), Number.NaN, FLAG.notFinite],
				[at(2, 3, nChannels - 1, nPol - 1), Number.POSITIVE_INFINITY, FLAG.notFinite],
				[at(3, 4, 0, nPol - 1), 0, FLAG.zero],
				[at(4, 5, nChannels - 1, 0), 1e5, FLAG.absurd],
				// Its square is beyond single precision.
				[at(5, 6, 0, 0), 1e25, FLAG.absurd],
			];
			for (const [i, value] of bad) data.visibilities.fill(value, 2 * i, 2 * i + 2);
			data.flags[at(0, 0, 0, 0)] = FLAG.input;
			data.flags[at(0, 1, 0, 0)] = FLAG.absent;
			const { counts, waterfall, scale } = inspectWindow(data, array);
			for (const [i, , flag] of bad) expect(data.flags[i]).toBe(flag);
			const total = (kind: (typeof SAMPLE_CLASSES)[number]) => counts[kind].reduce((sum, n) => sum + n, 0) / 2;
			expect(SAMPLE_CLASSES.map(total)).toEqual([1, 1, 2, 1, 2, data.flags.length - 7]);
			expect(counts.notFinite[array.antenna1[3]]).toBeGreaterThan(0);
			for (let s = 0; s < nPol; s++) {
				for (let t = 0; t < 6; t++) {
					for (let c = 0; c < nChannels; c++) {
						let [sum, n] = [0, 0];
						for (let b = 0; b < 10; b++) {
							const i = at(t, b, c, s);
							if (data.flags[i] !== 0) continue;
							sum += Math.hypot(data.visibilities[2 * i], data.visibilities[2 * i + 1]) / scale[s * 10 + b];
							n++;
						}
						expect(waterfall[(s * 6 + t) * nChannels + c]).toBeCloseTo(sum / n, 5);
					}
				}
			}
		},
	);

	test("a baseline without a typical amplitude says nothing of interference", () => {
		const data = noise(2, 4);
		data.flags.fill(FLAG.input, 0, 8);
		for (let t = 1; t < 6; t++) data.flags.fill(FLAG.input, t * 80, t * 80 + 8);
		const { scale, waterfall } = inspectWindow(data, everyPair(5));
		expect(scale[0]).toBeNaN();
		expect(waterfall.every(Number.isFinite)).toBe(true);
	});
});
