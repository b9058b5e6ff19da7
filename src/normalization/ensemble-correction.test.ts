import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hasSharedData, sharedData } from "../../test/shared-data.ts";
import { Random } from "../simulation/random.ts";
import { correctionWithout, ensembleCorrection, singleReference } from "./ensemble-correction.ts";
import { catalogueCorrection } from "./fallback.ts";
import type { References } from "./field-gradient.ts";

function references(
	random: Random,
	n: number,
	options: { c?: number; tau?: number; gradient?: number; snr?: [number, number] } = {},
): References {
	const { c = 1, tau = 0, gradient = 0, snr = [20, 150] } = options;
	const draw = () => {
		const r = Math.sqrt(random.uniform());
		const angle = random.uniform(0, 2 * Math.PI);
		return [r * Math.cos(angle), r * Math.sin(angle)];
	};
	const places = Array.from({ length: n }, draw);
	const x = Float64Array.from(places, (p) => p[0]);
	const y = Float64Array.from(places, (p) => p[1]);
	const sigma = Float64Array.from({ length: n }, () => 1 / (snr[0] * (snr[1] / snr[0]) ** random.uniform()));
	return {
		ratio: sigma.map((s, i) => c * Math.exp(gradient * x[i]) * (1 + tau * random.normal()) + s * random.normal()),
		noiseVariance: sigma.map((s) => s * s),
		relativeVariance: new Float64Array(n),
		x,
		y,
	};
}
const std = (values: number[]) => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / values.length);

describe("ensemble correction", () => {
	test.each([
		[5, 0.03],
		[10, 0],
		[20, 0.02],
		[60, 0.02],
	])("the pull of c is unit normal for %i references with a scatter of %f", (n, tau) => {
		const random = new Random(n);
		const pulls: number[] = [];
		const leftOut: number[] = [];
		for (let trial = 0; trial < 1500; trial++) {
			const solution = ensembleCorrection(references(random, n, { c: 0.9, tau }), { pooledTau: tau });
			pulls.push((solution.correction - 0.9) / solution.correctionErr);
			const without = correctionWithout(solution, [0], 0, 0, { pooledTau: tau });
			if (without !== undefined) leftOut.push((without.correction - 0.9) / without.error);
		}
		expect(Math.abs(std(pulls) - 1)).toBeLessThan(0.1);
		expect(Math.abs(std(leftOut) - 1)).toBeLessThan(0.12);
		expect(leftOut).toHaveLength(1500);
	});

	test("costs what the design rule says: 1 / sqrt(sum SNR^2)", () => {
		const solution = ensembleCorrection(references(new Random(1), 25, { snr: [20, 20.0001] }), { pooledTau: 0 });
		expect(solution.correctionErr / solution.correction).toBeCloseTo(0.01 * Math.sqrt(1 / 0.95), 3);
	});

	test("keeps negative and faint ratios: no bias upwards", () => {
		const random = new Random(2);
		let sum = 0;
		for (let trial = 0; trial < 400; trial++) {
			const faint = references(random, 40, { c: 0.8, snr: [1, 2] });
			sum += ensembleCorrection(faint, { pooledTau: 0, gate: { fractionalErr: 1 } }).correction;
		}
		expect(Math.abs(sum / 400 - 0.8)).toBeLessThan(0.02);
	});

	test("an outlier is rejected, named, and moves c by less than a tenth of its error", () => {
		const clean = references(new Random(3), 30, { c: 1.1, tau: 0.01 });
		const before = ensembleCorrection(clean, { pooledTau: 0.01 });
		const dirty = { ...clean, ratio: clean.ratio.slice() };
		dirty.ratio[7] = 2697;
		const after = ensembleCorrection(dirty, { pooledTau: 0.01 });
		expect(after.rejected.map(({ reference }) => reference)).toEqual([7]);
		expect(after.rejected[0].ratio).toBe(2697);
		expect(Math.abs(after.correction - before.correction)).toBeLessThan(0.5 * before.correctionErr);
		expect(after.used).toBe(29);
	});

	test("left out exactly: O(1) equals the fit made anew, to a small part of its error", () => {
		const random = new Random(4);
		for (let trial = 0; trial < 60; trial++) {
			const list = references(random, 30, { tau: 0.01 });
			list.ratio[0] *= 1.06;
			const solution = ensembleCorrection(list, { pooledTau: 0.01 });
			const quick = correctionWithout(solution, [0], list.x[0], list.y[0]);
			const exact = correctionWithout(solution, [0], list.x[0], list.y[0], { exact: true, pooledTau: 0.01 });
			expect(quick).toBeDefined();
			expect(exact).toBeDefined();
			if (quick === undefined || exact === undefined) continue;
			expect(Math.abs(quick.correction - exact.correction)).toBeLessThan(0.25 * exact.error);
			expect(Math.abs(quick.error / exact.error - 1)).toBeLessThan(0.15);
			const rejected = solution.rejected.some(({ reference }) => reference === 0);
			expect(quick.used).toBe(rejected ? solution.used : solution.used - 1);
		}
	});

	test("a target's own change does not reach its correction", () => {
		fc.assert(
			fc.property(fc.integer({ min: 1, max: 1e6 }), fc.double({ min: 0.2, max: 3, noNaN: true }), (seed, change) => {
				const list = references(new Random(seed), 25, { tau: 0.01 });
				const options = { exact: true, pooledTau: 0.01 };
				const steady = correctionWithout(ensembleCorrection(list, options), [3], 0, 0, options);
				const changed = { ...list, ratio: list.ratio.slice() };
				changed.ratio[3] *= change;
				const moved = correctionWithout(ensembleCorrection(changed, options), [3], 0, 0, options);
				expect(Math.abs((moved?.correction ?? 0) - (steady?.correction ?? 1))).toBeLessThan(1e-6);
			}),
			{ numRuns: 40, seed: 5 },
		);
	});

	test("does not depend on the order of the references and scales with the fluxes", () => {
		const list = references(new Random(6), 40, { tau: 0.02, gradient: 0.1 });
		const reversed: References = {
			ratio: list.ratio.toReversed(),
			noiseVariance: list.noiseVariance.toReversed(),
			relativeVariance: list.relativeVariance.toReversed(),
			x: list.x.toReversed(),
			y: list.y.toReversed(),
		};
		const a = ensembleCorrection(list, { maxOrder: 2 });
		const b = ensembleCorrection(reversed, { maxOrder: 2 });
		expect(Math.abs(a.correction / b.correction - 1)).toBeLessThan(1e-7);
		const doubled = {
			...list,
			ratio: list.ratio.map((r) => 2 * r),
			noiseVariance: list.noiseVariance.map((v) => 4 * v),
		};
		const c = ensembleCorrection(doubled, { maxOrder: 2 });
		expect(Math.abs(c.correction / a.correction - 2)).toBeLessThan(1e-6);
		expect(c.status).toBe("refused");
	});

	test("the gate names what it refuses", () => {
		const random = new Random(7);
		const reasons = (list: References) => ensembleCorrection(list).reasons;
		expect(reasons(references(random, 2))).toContain("too_few_references");
		expect(reasons(references(random, 0))).toEqual(["too_few_references"]);
		expect(reasons(references(random, 20, { c: 0.4 }))).toEqual(["correction_out_of_range"]);
		expect(reasons(references(random, 20, { c: 2.1 }))).toEqual(["correction_out_of_range"]);
		expect(reasons(references(random, 4, { snr: [3, 4] }))).toContain("correction_uncertain");
		const heavy = references(random, 5);
		heavy.noiseVariance.fill(0.01).fill(1e-8, 0, 1);
		heavy.ratio.fill(1);
		expect(reasons(heavy)).toContain("one_reference_dominates");
		const blank = references(random, 5);
		blank.ratio.fill(Number.NaN);
		expect(reasons(blank)).toEqual(["too_few_references"]);
		const negative = references(random, 5);
		negative.ratio.fill(-1);
		expect(reasons(negative)).toEqual(["no_solution"]);
	});

	test("a single reference is the nearest good one, with the error of one ratio", () => {
		const list = references(new Random(8), 30, { tau: 0.02 });
		list.ratio[5] = 9;
		const solution = ensembleCorrection(list, { pooledTau: 0.02 });
		const single = singleReference(solution, [], list.x[5], list.y[5]);
		expect(single?.reference).not.toBe(5);
		expect(single?.error ?? 0).toBeGreaterThan(3 * solution.correctionErr);
	});
});

describe.skipIf(!hasSharedData)("real measurements against a catalogue", () => {
	const rows = hasSharedData
		? readFileSync(sharedData("dsa110", "forced_phot_2026-01-25T2200.csv"), "utf8")
				.trim()
				.split("\n")
				.slice(1)
				.map((line) => line.split(",").slice(1).map(Number))
		: [];
	const column = (k: number) => Float64Array.from(rows, (row) => row[k]);

	test("the absurd row is rejected and the flux scale is the median ratio within its error", () => {
		const flux = column(3);
		const catalogue = column(2);
		const flat = new Float64Array(rows.length);
		const solution = catalogueCorrection(flux, column(4), catalogue, flat, flat, flat);
		const absurd = rows.findIndex((row) => row[5] > 2000);
		expect(rows[absurd][5]).toBeCloseTo(2697.07, 1);
		expect(solution.rejected.map(({ reference }) => reference)).toContain(absurd);
		const ratios = rows.map((row) => row[5]).sort((a, b) => a - b);
		expect(solution.status).toBe("accepted");
		expect(Math.abs(solution.correction - ratios[ratios.length >> 1])).toBeLessThan(solution.correctionErr);
		expect(solution.correctionErr).toBeGreaterThan(0.005);
		expect(solution.correctionErr).toBeLessThan(0.05);
	});
});
