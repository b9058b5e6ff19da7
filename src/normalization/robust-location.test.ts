import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Random } from "../simulation/random.ts";
import {
	excessVariance,
	HUBER_VARIANCE,
	madScale,
	median,
	restingLevel,
	robustLocation,
	weightedMedian,
} from "./robust-location.ts";

const spread = (values: number[]) => {
	const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
	return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
};

describe("medians and scales", () => {
	test("medians", () => {
		expect(median([3, Number.NaN, 1, 2])).toBe(2);
		expect(median([])).toBeNaN();
		expect(weightedMedian(Float64Array.of(1, 2, 3), Float64Array.of(1, 1, 5))).toBe(3);
		expect(weightedMedian(Float64Array.of(1, 2, 3, 4), new Float64Array(4).fill(1))).toBe(2.5);
	});

	test.each([3, 4, 5, 6, 7, 8, 9, 15, 40])("the MAD of %i Gaussian values is unbiased", (n) => {
		const random = new Random(n);
		let sum = 0;
		for (let trial = 0; trial < 8000; trial++) sum += madScale(Array.from({ length: n }, () => random.normal()));
		expect(Math.abs(sum / 8000 - 1)).toBeLessThan(0.02);
	});

	test("Huber's estimate costs five per cent of variance", () => {
		expect(HUBER_VARIANCE).toBeCloseTo(1 / 0.95, 3);
	});
});

describe("excess variance", () => {
	test("recovers the scatter beyond unequal errors, outliers or not", () => {
		const random = new Random(3);
		for (const outliers of [0, 0.03]) {
			const found: number[] = [];
			for (let trial = 0; trial < 300; trial++) {
				const n = 60;
				const variance = Float64Array.from({ length: n }, () => random.uniform(0.2, 2) ** 2);
				const residuals = variance.map((v) => {
					const wild = random.uniform() < outliers ? 30 : 0;
					return Math.sqrt(v + 0.49) * random.normal() + wild;
				});
				const kept = new Uint8Array(n).fill(1);
				found.push(excessVariance(residuals, variance, new Float64Array(n).fill(1), kept, n, 5));
			}
			expect(Math.abs(found.reduce((sum, value) => sum + value, 0) / 300 - 0.49)).toBeLessThan(
				outliers === 0 ? 0.04 : 0.2,
			);
		}
	});

	test("is zero for residuals within their errors and does not depend on where it starts", () => {
		const random = new Random(4);
		const n = 50;
		const ones = new Float64Array(n).fill(1);
		const kept = new Uint8Array(n).fill(1);
		const small = Float64Array.from({ length: n }, () => 0.5 * random.normal());
		expect(excessVariance(small, ones, ones, kept, n - 1, 5)).toBe(0);
		const large = small.map((value) => 6 * value);
		const reference = excessVariance(large, ones, ones, kept, n - 1, 5);
		for (const start of [1e-9, 0.01, 1, 7.9, 8.1, 1e6]) {
			expect(Math.abs(excessVariance(large, ones, ones, kept, n - 1, 5, { start }) / reference - 1)).toBeLessThan(1e-4);
		}
		expect(excessVariance(large, ones, ones, kept, 0, 5)).toBe(0);
	});
});

describe("robust location", () => {
	test("has unit-normal pulls for steady values, with and without excess", () => {
		const random = new Random(5);
		for (const excess of [0, 1]) {
			const pulls: number[] = [];
			for (let trial = 0; trial < 1500; trial++) {
				const variance = Float64Array.from({ length: 30 }, () => random.uniform(0.5, 2) ** 2);
				const values = variance.map((v) => 10 + Math.sqrt(v + excess) * random.normal());
				const { value, error } = robustLocation(values, variance);
				pulls.push((value - 10) / error);
			}
			// A scatter that cannot be negative is found too large where there is none: errors err on the safe side there.
			expect(spread(pulls)).toBeLessThan(1.08);
			expect(spread(pulls)).toBeGreaterThan(excess === 0 ? 0.85 : 0.95);
		}
	});

	test("keeps the resting level of a source that is in a dip for half of its epochs", () => {
		const random = new Random(6);
		const n = 80;
		for (const depth of [0.15, 0.4, 0.8]) {
			const values = Float64Array.from({ length: n }, (_, k) => (k < n / 2 ? 1 : 1 - depth) + 0.01 * random.normal());
			const { value, restless } = robustLocation(values, new Float64Array(n).fill(1e-4));
			expect(restless).toBe(true);
			expect(Math.abs(value - 1)).toBeLessThan(0.006);
		}
		expect(restingLevel(Float64Array.from({ length: 5 }, (_, k) => k))).toBe(3);
	});

	test("follows a change of unit and ignores a wild value and a NaN", () => {
		fc.assert(
			fc.property(fc.integer({ min: 1, max: 1e6 }), fc.double({ min: 1e-6, max: 1e6, noNaN: true }), (seed, unit) => {
				const random = new Random(seed);
				const values = Float64Array.from({ length: 25 }, () => 5 + random.normal());
				const variance = new Float64Array(25).fill(1);
				values[3] = 2697;
				values[4] = Number.NaN;
				const plain = robustLocation(values, variance);
				const scaled = robustLocation(
					values.map((value) => value * unit),
					variance.map((value) => value * unit * unit),
				);
				expect(Math.abs(scaled.value / unit / plain.value - 1)).toBeLessThan(1e-6);
				expect(plain.weights[3]).toBe(0);
				expect(Math.abs(plain.value - 5)).toBeLessThan(1.5);
				expect(Math.abs(plain.weights.reduce((sum, w) => sum + w, 0) - 1)).toBeLessThan(1e-12);
			}),
			{ numRuns: 60, seed: 2 },
		);
		expect(robustLocation(new Float64Array(0), new Float64Array(0)).value).toBeNaN();
	});
});
