import { describe, expect, test } from "vitest";
import { Random } from "../simulation/random.ts";
import { type DetectOptions, detectEvents, type LightCurveTable } from "./detect.ts";
import { lensLightCurve } from "./plasma-lens.ts";

interface Row {
	source: number;
	mjd: number;
	mhz: number;
	flux: number;
	err: number;
}

const tableOf = (rows: Row[]): LightCurveTable => ({
	sourceIndex: Int32Array.from(rows, (row) => row.source),
	mjd: Float64Array.from(rows, (row) => row.mjd),
	frequencyMhz: Float64Array.from(rows, (row) => row.mhz),
	flux: Float64Array.from(rows, (row) => row.flux),
	fluxErr: Float64Array.from(rows, (row) => row.err),
});

const LENS = { alpha1400: 12, betaS: 0.8, fwhmDays: 30, centreMjd: 60_150, amplitude: 0.9 };

/** A steady source, or one behind a lens, on a scale that needs no correction. */
function curve(
	seed: number,
	{ lens = false, epochs = 100, mhz = [888, 1367, 1656], every = 3, source = 0 } = {},
): Row[] {
	const random = new Random(seed);
	const mjd = Array.from({ length: epochs }, (_, i) => 60_000 + every * i);
	return mhz.flatMap((nu) => {
		const factor = lens ? lensLightCurve(LENS, mjd, nu) : mjd.map(() => 1);
		return mjd.map((time, i) => ({
			source,
			mjd: time,
			mhz: nu,
			flux: 0.05 * factor[i] * (1 + 0.01 * random.normal()),
			err: 0.0005,
		}));
	});
}

const judge = (rows: Row[], options: DetectOptions = {}) =>
	detectEvents(tableOf(rows), [{ id: "a" }], { normalized: true, ...options });

describe("what an event looks like", () => {
	test("a lens is found with its depth, width and time; a steady source is not", () => {
		const { candidates, scores } = judge(curve(1, { lens: true }));
		expect(candidates.length).toBe(1);
		const [c] = candidates;
		expect(Math.abs(c.peakMjd - LENS.centreMjd)).toBeLessThan(2);
		expect(Math.abs(c.durationDays / LENS.fwhmDays - 1)).toBeLessThan(0.15);
		expect(Math.abs(c.depth - 0.83)).toBeLessThan(0.06);
		expect(c.startMjd).toBeLessThan(c.peakMjd);
		expect(c.firstDetectedMjd).toBeLessThan(c.peakMjd);
		expect(scores[0].significance).toBe(c.significance);
		expect(judge(curve(1)).candidates).toEqual([]);
	});

	test("what comes later does not change when it was first seen", () => {
		const rows = curve(2, { lens: true });
		const [whole] = judge(rows).candidates;
		const until = (mjd: number) => judge(rows.filter((row) => row.mjd <= mjd)).candidates.length;
		expect(until(whole.firstDetectedMjd)).toBe(1);
		expect(until(whole.firstDetectedMjd - 1)).toBe(0);
	});

	test("thresholds: a preset, sigmas instead of it, or both", () => {
		const rows = curve(1, { lens: true });
		const { significance } = judge(rows).candidates[0];
		expect(judge(rows, { minSigma: significance - 0.01 }).candidates.length).toBe(1);
		expect(judge(rows, { minSigma: 20 }).candidates).toEqual([]);
		expect(judge(rows, { preset: "sensitive", minSigma: 20 }).candidates).toEqual([]);
		for (const { significance: sigma } of judge(curve(3), { minSigma: 0 }).candidates)
			expect(sigma).toBeGreaterThanOrEqual(0);
	});
});

/** Nothing that cannot be: whatever the input. */
function expectSane({ candidates, scores }: ReturnType<typeof judge>): void {
	for (const one of [...candidates, ...scores]) {
		expect(Number.isFinite(one.significance)).toBe(true);
		expect(one.significance).toBeLessThan(8);
		expect(one.falseAlarmProbability).toBeGreaterThan(0);
		expect(one.falseAlarmProbability).toBeLessThanOrEqual(1);
	}
}

describe("bad inputs", () => {
	test("no row, one measurement, one epoch", () => {
		expect(judge([])).toEqual({ candidates: [], scores: [], rejected: [] });
		const one = judge(curve(1).slice(0, 1));
		expect(one.candidates).toEqual([]);
		expect(one.scores).toEqual([
			{ sourceIndex: 0, significance: 0, falseAlarmProbability: 1, nMeasurements: 1, noise: { sigma: 0, tau: 0 } },
		]);
		expectSane(judge(curve(1).filter((row) => row.mjd === 60_000)));
	});

	test("a constant series has no significance, whatever its errors", () => {
		for (const err of [1e-12, 1e-4, 10]) {
			const found = judge(curve(1).map((row) => ({ ...row, flux: 0.05, err })));
			expect(found.candidates).toEqual([]);
			expectSane(found);
		}
	});

	test("zero, negative and missing errors, fluxes that are no numbers: named by row, the rest judged", () => {
		const rows = curve(1, { lens: true });
		rows[4] = { ...rows[4], err: 0 };
		rows[5] = { ...rows[5], err: -1 };
		rows[6] = { ...rows[6], err: Number.NaN };
		rows[7] = { ...rows[7], flux: Number.POSITIVE_INFINITY };
		rows[8] = { ...rows[8], mjd: Number.NaN };
		rows[9] = { ...rows[9], mhz: 0 };
		rows[10] = { ...rows[10], flux: Number.NaN };
		const found = judge(rows);
		expect(found.rejected.map((one) => one.row)).toEqual([4, 5, 6, 7, 8, 9]);
		for (const { reason } of found.rejected) expect(reason.length).toBeGreaterThan(5);
		expect(found.candidates.length).toBe(1);
		expect(found.scores[0].nMeasurements).toBeGreaterThan(280);
		const none = judge(rows.map((row) => ({ ...row, err: 0 })));
		expect([none.candidates, none.scores, none.rejected.length]).toEqual([[], [], 300]);
	});

	test("negative and zero fluxes are data; a source without a positive level is left unjudged", () => {
		const rows = curve(4).map((row, i) => ({ ...row, flux: 0.0002 * (i % 2 === 0 ? 1 : -1), err: 0.0005 }));
		expectSane(judge(rows));
		const below = judge(curve(4).map((row) => ({ ...row, flux: -row.flux })));
		expect(below.candidates).toEqual([]);
		expectSane(below);
	});

	test("rows in any order, and given twice, say the same", () => {
		const rows = curve(5, { lens: true });
		const expected = judge(rows);
		const shuffled = rows.toSorted((a, b) => ((a.mjd * 7919 + a.mhz) % 101) - ((b.mjd * 7919 + b.mhz) % 101));
		expect(judge(shuffled).candidates).toEqual(expected.candidates);
		const twice = judge([...rows, ...rows]);
		expect(twice.candidates).toEqual(expected.candidates);
		expect(twice.rejected.length).toBe(rows.length);
		expect(twice.rejected[0].reason).toContain("repeats");
	});

	test("one subband only: judged, and flagged", () => {
		const { candidates } = judge(curve(6, { lens: true, mhz: [1400] }));
		expect(candidates.length).toBe(1);
		expect(candidates[0].flags).toContain("single_band");
	});

	test("a single epoch far off is no event", () => {
		const rows = curve(7).map((row) => (row.mjd === 60_150 ? { ...row, flux: 0.4 * row.flux } : row));
		expect(judge(rows).candidates).toEqual([]);
	});

	test("100,000 epochs: averaged in time, bounded in time and memory", () => {
		const rows = curve(8, { lens: true, epochs: 100_000, every: 0.05, mhz: [1367] });
		for (const row of rows) row.mjd -= 2000;
		const found = judge(rows);
		expectSane(found);
		expect(found.scores[0].nMeasurements).toBeLessThanOrEqual(1500);
	}, 60_000);

	test("more frequencies than can be searched are refused by name", () => {
		const mhz = Array.from({ length: 40 }, (_, k) => 800 + 10 * k);
		expect(() => judge(curve(9, { epochs: 10, mhz }))).toThrow(/frequencies/);
	});
});
