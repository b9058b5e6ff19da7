import { describe, expect, test } from "vitest";
import { everyPair } from "../simulation/observation.ts";
import { Random } from "../simulation/random.ts";
import { emptySums } from "./normal-sums.ts";
import { solveCells, UNSOLVED } from "./solve-cell.ts";
import { type CellMatrix, emptyCell, enoughBaselines, STEFCAL_DEFAULTS, startingGains, stefcal } from "./stefcal.ts";

const gainsOf = (n: number, random: Random) =>
	Float64Array.from({ length: 2 * n }, (_, i) => (i % 2 === 0 ? random.uniform(0.5, 2) : random.uniform(-1, 1)));

/** D and N of noise-free data with weights that differ. */
function exactCell(g: Float64Array, random: Random): CellMatrix {
	const n = g.length / 2;
	const cell = emptyCell(n);
	for (let p = 0; p < n; p++) {
		for (let q = p + 1; q < n; q++) {
			const w = random.uniform(0.5, 2);
			const re = w * (g[2 * p] * g[2 * q] + g[2 * p + 1] * g[2 * q + 1]);
			const im = w * (g[2 * p + 1] * g[2 * q] - g[2 * p] * g[2 * q + 1]);
			cell.d.set([re, im], 2 * (p * n + q));
			cell.d.set([re, -im], 2 * (q * n + p));
			cell.n[p * n + q] = cell.n[q * n + p] = w;
		}
	}
	return cell;
}

describe("StEFCal", () => {
	test("recovers gains of noise-free data to the tolerance, up to a common phase", () => {
		const random = new Random(4);
		const truth = gainsOf(12, random);
		const cell = exactCell(truth, random);
		const solved = new Uint8Array(12).fill(1);
		const g = new Float64Array(24);
		startingGains(cell, solved, 3, "ap", g);
		const result = stefcal(cell, solved, { ...STEFCAL_DEFAULTS, tolerance: 1e-12 }, g);
		expect(result.state).toBe("converged");
		expect(result.iterations).toBeLessThan(60);
		for (let p = 0; p < 12; p++) {
			const ratio = Math.hypot(g[2 * p], g[2 * p + 1]) / Math.hypot(truth[2 * p], truth[2 * p + 1]);
			expect(ratio).toBeCloseTo(1, 10);
			const phase = (a: Float64Array, i: number) => Math.atan2(a[2 * i + 1], a[2 * i]) - Math.atan2(a[7], a[6]);
			expect(Math.cos(phase(g, p) - phase(truth, p))).toBeCloseTo(1, 10);
		}
	});

	test("phase-only keeps unit amplitudes and finds the phases", () => {
		const random = new Random(5);
		const truth = gainsOf(8, random);
		for (let p = 0; p < 8; p++) {
			const size = Math.hypot(truth[2 * p], truth[2 * p + 1]);
			truth[2 * p] /= size;
			truth[2 * p + 1] /= size;
		}
		const cell = exactCell(truth, random);
		const solved = new Uint8Array(8).fill(1);
		const g = new Float64Array(16);
		startingGains(cell, solved, 0, "p", g);
		expect(stefcal(cell, solved, { ...STEFCAL_DEFAULTS, mode: "p" }, g).state).toBe("converged");
		const turn = Math.atan2(truth[1], truth[0]) - Math.atan2(g[1], g[0]);
		for (let p = 0; p < 8; p++) {
			expect(Math.hypot(g[2 * p], g[2 * p + 1])).toBeCloseTo(1, 12);
			const difference = Math.atan2(g[2 * p + 1], g[2 * p]) + turn - Math.atan2(truth[2 * p + 1], truth[2 * p]);
			expect(Math.cos(difference)).toBeCloseTo(1, 9);
		}
	});

	test("pure noise does not pass for a solution of high signal to noise, and never gives a non-number", () => {
		const random = new Random(6);
		const array = everyPair(10);
		const sums = emptySums(20, array.antenna1.length);
		for (let i = 0; i < sums.n.length; i++) {
			sums.d[2 * i] = random.normal();
			sums.d[2 * i + 1] = random.normal();
			sums.n[i] = 1;
			sums.p[i] = 2;
			sums.count[i] = 1;
		}
		const weights = new Float64Array(array.antenna1.length).fill(1);
		const options = { mode: "ap", minimumSnr: 5, minimumBaselines: 4, root: 0 } as const;
		const out = solveCells(sums, array, 1, weights, new Uint8Array(10), options);
		for (const value of out.gains) expect(Number.isFinite(value)).toBe(true);
		let usable = 0;
		for (const reason of out.reasons) if (reason === UNSOLVED.solved) usable++;
		expect(usable).toBe(0);
	});

	test("antennas need baselines to antennas that are themselves solved", () => {
		// A clique of five, and a sixth antenna with baselines to four of them: without one of these nothing holds.
		const cell = emptyCell(6);
		const link = (p: number, q: number) => {
			cell.n[p * 6 + q] = cell.n[q * 6 + p] = 1;
		};
		for (let p = 0; p < 5; p++) for (let q = p + 1; q < 5; q++) link(p, q);
		for (const q of [1, 2, 3, 4]) link(5, q);
		const candidates = new Uint8Array(6).fill(1);
		expect(enoughBaselines(cell, candidates, 4)).toBe(6);
		candidates[4] = 0;
		expect(enoughBaselines(cell, candidates, 4)).toBe(0);
		expect(Array.from(candidates)).toEqual([0, 0, 0, 0, 0, 0]);
	});

	test("every cell says how it ended and why an antenna is missing", () => {
		const random = new Random(7);
		const array = everyPair(8);
		const nBaselines = array.antenna1.length;
		const truth = gainsOf(8, random);
		const sums = emptySums(2, nBaselines);
		for (let b = 0; b < nBaselines; b++) {
			const [p, q] = [array.antenna1[b], array.antenna2[b]];
			if (p === 2 || q === 2) continue;
			sums.d[2 * b] = 1e4 * (truth[2 * p] * truth[2 * q] + truth[2 * p + 1] * truth[2 * q + 1]);
			sums.d[2 * b + 1] = 1e4 * (truth[2 * p + 1] * truth[2 * q] - truth[2 * p] * truth[2 * q + 1]);
			sums.n[b] = 1e4;
			sums.p[b] = (sums.d[2 * b] ** 2 + sums.d[2 * b + 1] ** 2) / 1e4;
			sums.count[b] = 100;
		}
		const excluded = new Uint8Array(8);
		excluded[5] = 1;
		const weights = new Float64Array(nBaselines).fill(1);
		const options = { mode: "ap", minimumSnr: 3, minimumBaselines: 4, root: 2 } as const;
		const out = solveCells(sums, array, 1, weights, excluded, options);
		expect(out.states).toEqual(["converged", "no-data"]);
		expect(out.reasons[2]).toBe(UNSOLVED.baselines);
		expect(out.reasons[5]).toBe(UNSOLVED.excluded);
		expect(Array.from(out.gains.slice(4, 6))).toEqual([1, 0]);
		expect(out.chi2[0] / out.dof[0]).toBeLessThan(1e-6);
	});
});
