import { describe, expect, test } from "vitest";
import { Random } from "../simulation/random.ts";
import { referenceOrder, referPhases } from "./reference-antenna.ts";

const phaseOf = (gains: Float64Array, k: number) => Math.atan2(gains[2 * k + 1], gains[2 * k]);

/** Six antennas, phases that drift slowly in twelve intervals, each interval turned by an arbitrary common phase. */
function drifting(seed: number) {
	const random = new Random(seed);
	const gains = new Float64Array(2 * 12 * 6);
	const flags = new Uint8Array(12 * 6);
	const start = Array.from({ length: 6 }, () => random.uniform(-3, 3));
	for (let t = 0; t < 12; t++) {
		const common = random.uniform(-3, 3);
		for (let p = 0; p < 6; p++) {
			const phase = start[p] + 0.01 * p * t + common;
			gains[2 * (t * 6 + p)] = Math.cos(phase);
			gains[2 * (t * 6 + p) + 1] = Math.sin(phase);
		}
	}
	return { gains, flags, at: (t: number, p: number) => t * 6 + p };
}

describe("reference antenna", () => {
	test("its phase is zero and differences between antennas are untouched", () => {
		const { gains, flags, at } = drifting(1);
		const before = gains.slice();
		const used = referPhases(12, at, 6, gains, flags, [2, 0, 1], "flex");
		expect(Array.from(used)).toEqual(new Array(12).fill(2));
		for (let t = 0; t < 12; t++) {
			expect(phaseOf(gains, at(t, 2))).toBeCloseTo(0, 12);
			const change = phaseOf(gains, at(t, 4)) - phaseOf(gains, at(t, 1));
			const was = phaseOf(before, at(t, 4)) - phaseOf(before, at(t, 1));
			expect(Math.cos(change - was)).toBeCloseTo(1, 12);
		}
	});

	test("when it drops out the next takes over and nobody sees a jump", () => {
		const { gains, flags, at } = drifting(2);
		for (let t = 5; t < 9; t++) flags[at(t, 2)] = 1;
		const used = referPhases(12, at, 6, gains, flags, [2, 0, 1], "flex");
		expect(Array.from(used)).toEqual([2, 2, 2, 2, 2, 0, 0, 0, 0, 0, 0, 0]);
		for (let p = 0; p < 6; p++) {
			for (let t = 1; t < 12; t++) {
				if (flags[at(t, p)] !== 0 || flags[at(t - 1, p)] !== 0) continue;
				const step = phaseOf(gains, at(t, p)) - phaseOf(gains, at(t - 1, p));
				expect(Math.abs(Math.sin(step))).toBeLessThan(0.06);
			}
		}
	});

	test("strict flags where the reference is missing", () => {
		const { gains, flags, at } = drifting(3);
		flags[at(5, 2)] = 1;
		const used = referPhases(12, at, 6, gains, flags, [2, 0], "strict");
		expect(used[5]).toBe(-1);
		for (let p = 0; p < 6; p++) expect(flags[at(5, p)]).toBe(1);
		expect(flags[at(6, 0)]).toBe(0);
	});

	test("a noisy or half-flagged antenna is not chosen, even when asked for", () => {
		const candidates = [
			{ antenna: 0, usable: 1, snr: 100, noise: 5 },
			{ antenna: 1, usable: 0.3, snr: 100, noise: 1 },
			{ antenna: 2, usable: 1, snr: 80, noise: 1 },
			{ antenna: 3, usable: 1, snr: 90, noise: 1 },
		];
		expect(referenceOrder(candidates, [])).toEqual([3, 2, 1, 0]);
		expect(referenceOrder(candidates, [0, 2])).toEqual([2, 3, 1, 0]);
	});
});
