import { describe, expect, test } from "vitest";
import { mean, standardDeviation } from "../../test/simulated-field.ts";
import { Random } from "../simulation/random.ts";
import { adaptiveBins, expectedLayout, type SubbandFluxes, unselected } from "./adaptive-binning.ts";
import { normalTail } from "./normal-tail.ts";
import { windowFalseAlarm } from "./window-trials.ts";

const frequencyHz = Float64Array.from({ length: 16 }, (_, k) => 1.28e9 + k * 11e6);

/** Sources of one true flux in units of the error of a subband. */
function simulate(random: Random, sources: number, mu: number): SubbandFluxes {
	const flux = Float64Array.from({ length: sources * 16 }, () => mu + random.normal());
	return { sources, subbands: 16, flux, error: new Float64Array(sources * 16).fill(1), frequencyHz };
}

describe("expected layout", () => {
	// Signal to noise of the whole band from 3 to 10, and of a single subband.
	test.each([3, 4, 5, 7, 10, 20, 40])("is unbiased at a band SNR of %i", (bandSnr) => {
		const mu = bandSnr / 4;
		const data = simulate(new Random(bandSnr), 3000, mu);
		const known = adaptiveBins(data, {
			targetSnr: 5,
			layout: "expected",
			referenceFlux: new Float64Array(3000).fill(mu),
			referenceHz: 1.4e9,
		});
		const ratios = known.bins.map((bin) => bin.flux / mu);
		const pulls = known.bins.map((bin) => (bin.flux - mu) / bin.error);
		expect(Math.abs(mean(pulls))).toBeLessThan(4 / Math.sqrt(pulls.length));
		expect(Math.abs(standardDeviation(pulls) - 1)).toBeLessThan(4 / Math.sqrt(2 * pulls.length));
		expect(Math.abs(mean(ratios) - 1)).toBeLessThan(0.02);
		// Without a reference the layout follows the band's mean; the mean over the band stays unbiased.
		const own = adaptiveBins(data, { targetSnr: 5, layout: "expected" });
		expect(Math.abs(mean(own.bandFlux) / mu - 1)).toBeLessThan(0.02);
		expect(own.bins.every((bin) => bin.flags.includes("layout_from_mean"))).toBe(true);
	});

	test("covers every subband once, and reaches the target where the band does", () => {
		const layout = expectedLayout(new Float64Array(16).fill(2), new Float64Array(16).fill(1), 5);
		expect(layout).toEqual([
			{ from: 0, to: 7, reached: true },
			{ from: 7, to: 16, reached: true },
		]);
		expect(expectedLayout(new Float64Array(16).fill(1), new Float64Array(16).fill(1), 5)).toEqual([
			{ from: 0, to: 16, reached: false },
		]);
		expect(expectedLayout(new Float64Array(4).fill(-9), new Float64Array(4).fill(1), 5)).toHaveLength(4);
	});

	test("takes missing subbands as holes, and a mean, not a sum", () => {
		const data: SubbandFluxes = {
			sources: 2,
			subbands: 4,
			flux: Float64Array.of(1, Number.NaN, 3, 5, Number.NaN, Number.NaN, Number.NaN, Number.NaN),
			error: Float64Array.of(1, 1, 1, Number.NaN, 1, 1, 1, 0),
			frequencyHz: Float64Array.of(1e9, 2e9, 3e9, 4e9),
		};
		const { bins, bandFlux } = adaptiveBins(data, {
			targetSnr: 50,
			layout: "expected",
			referenceFlux: Float64Array.of(1, 1),
		});
		expect(bins).toHaveLength(1);
		expect(bins[0]).toMatchObject({ flux: 2, count: 2, from: 0, to: 4, frequencyHz: 2e9 });
		expect(bins[0].error).toBeCloseTo(Math.SQRT1_2, 12);
		expect(bins[0].flags.sort()).toEqual(["below_target", "incomplete"]);
		expect(bandFlux[1]).toBeNaN();
	});
});

describe("measured layout", () => {
	test.each([
		[2, 1.2, 1.35],
		[3, 1.15, 1.25],
		[5, 1.07, 1.12],
	])("at a subband SNR of %i is biased as every choice by value is, and says so", (mu, least, most) => {
		const { bins, bandFlux } = adaptiveBins(simulate(new Random(100 + mu), 1500, mu), {
			targetSnr: 5,
			layout: "measured",
		});
		const bias = mean(bins.map((bin) => bin.flux)) / mu;
		expect(bias).toBeGreaterThan(least);
		expect(bias).toBeLessThan(most);
		expect(bins.every(({ flags }) => flags.includes("selection_biased") || flags.includes("below_target"))).toBe(true);
		expect(Math.abs(mean(bandFlux) / mu - 1)).toBeLessThan(0.01);
	});

	test("gives the flux with the selection taken out where it is known", () => {
		expect(unselected(6, 5)).toBeCloseTo(5.48, 2);
		expect(unselected(5.5, 5)).toBeCloseTo(3.87, 2);
		expect(unselected(5.1, 5)).toBeNaN();
		expect(unselected(30, 5)).toBeCloseTo(30, 9);
	});
});

describe("trials", () => {
	test("the best of all windows of 16 counts like 40 to 60 looks", () => {
		const errors = new Float64Array(16).fill(1);
		for (const [sigma, looks] of [
			[3, 39],
			[3.5, 49],
			[4, 58],
		]) {
			expect(windowFalseAlarm(errors, sigma) / normalTail(sigma) / looks).toBeCloseTo(1, 1);
		}
	});

	test("agrees with a simulation for unequal errors", () => {
		const random = new Random(8);
		const error = Float64Array.of(1, 2, 0.5, 1, Number.NaN, 3);
		const used = [...error].filter((e) => e > 0);
		let hits = 0;
		const rounds = 60_000;
		for (let r = 0; r < rounds; r++) {
			const x = used.map((e) => e * random.normal());
			let hit = false;
			for (let i = 0; i < 5 && !hit; i++) {
				let [w, s] = [0, 0];
				for (let j = i; j < 5 && !hit; j++) {
					w += 1 / used[j] ** 2;
					s += x[j] / used[j] ** 2;
					hit = s / Math.sqrt(w) >= 2.5;
				}
			}
			if (hit) hits++;
		}
		expect(windowFalseAlarm(error, 2.5) / (hits / rounds)).toBeCloseTo(1, 1);
	});

	test("tails of the normal distribution", () => {
		expect(normalTail(0)).toBeCloseTo(0.5, 14);
		expect(normalTail(1.959963984540054)).toBeCloseTo(0.025, 13);
		expect(normalTail(-3)).toBeCloseTo(0.9986501019683699, 13);
		expect(normalTail(2.9999999999) / normalTail(3.0000000001)).toBeCloseTo(1, 8);
		expect(normalTail(6) / 9.865876450376981e-10).toBeCloseTo(1, 10);
		expect(normalTail(30) / 4.906713927148187e-198).toBeCloseTo(1, 10);
	});
});

test("shapes and targets that make no sense are refused", () => {
	const data = simulate(new Random(1), 2, 1);
	expect(() => adaptiveBins({ ...data, sources: 3 }, { targetSnr: 5, layout: "expected" })).toThrow(/3 x 16/);
	expect(() => adaptiveBins(data, { targetSnr: 0, layout: "expected" })).toThrow(/target/);
	const turned = { ...data, frequencyHz: data.frequencyHz.slice().reverse() };
	expect(() => adaptiveBins(turned, { targetSnr: 5, layout: "expected" })).toThrow(/subband 2 has frequency/);
});
