import { describe, expect, test } from "vitest";
import { Random } from "../simulation/random.ts";
import { predictLine, SPEED_OF_LIGHT } from "./component-model.ts";
import { phaseFactor } from "./phase-factor.ts";

describe("phase factors", () => {
	test("are the sine and cosine to rounding, at every phase, after many turns and before zero", () => {
		const out = new Float64Array(4);
		let worst = 0;
		for (let i = 0; i < 20_000; i++) {
			const turns = (i % 3) - 1;
			const cycles = 1000 * turns + i / 19_999;
			phaseFactor(cycles, out, 2);
			const angle = 2 * Math.PI * (cycles - Math.floor(cycles));
			worst = Math.max(worst, Math.abs(out[2] - Math.cos(angle)), Math.abs(out[3] - Math.sin(angle)));
		}
		expect(worst).toBeLessThan(5e-15);
		expect(out[0]).toBe(0);
	});

	test("a phase that is no number gives none", () => {
		const out = new Float64Array(2);
		phaseFactor(Number.NaN, out, 0);
		expect([...out]).toEqual([Number.NaN, Number.NaN]);
	});
});

describe("a baseline's line of point sources", () => {
	for (const nSources of [1, 2, 5]) {
		for (const isEven of [true, false]) {
			test(`${nSources} sources, channels ${isEven ? "even" : "uneven"}: the sum of their definition`, () => {
				const random = new Random(7 + nSources);
				const [nTimes, nBaselines, nChannels] = [2, 3, 49];
				const frequenciesHz = Float64Array.from(
					{ length: nChannels },
					(_, c) => 1.3e9 + c * 244140.625 + (isEven ? 0 : 5e4 * (c % 2)),
				);
				const pathsM = Float64Array.from({ length: nSources * nTimes * nBaselines }, () => random.uniform(-2000, 2000));
				const apparentJy = Float32Array.from({ length: nSources * nTimes * nChannels }, () => random.uniform(-1, 5));
				const predict = predictLine({ nSources, nTimes, nBaselines, pathsM, apparentJy }, frequenciesHz);
				const line = new Float64Array(2 * nChannels).fill(9);
				for (let t = 0; t < nTimes; t++) {
					for (let b = 0; b < nBaselines; b++) {
						predict(t, b, line);
						for (let c = 0; c < nChannels; c++) {
							let [re, im] = [0, 0];
							for (let s = 0; s < nSources; s++) {
								const cycles = (pathsM[(s * nTimes + t) * nBaselines + b] * frequenciesHz[c]) / SPEED_OF_LIGHT;
								re += apparentJy[(s * nTimes + t) * nChannels + c] * Math.cos(2 * Math.PI * cycles);
								im += apparentJy[(s * nTimes + t) * nChannels + c] * Math.sin(2 * Math.PI * cycles);
							}
							expect(Math.hypot(line[2 * c] - re, line[2 * c + 1] - im)).toBeLessThan(1e-9);
						}
					}
				}
			});
		}
	}
});
