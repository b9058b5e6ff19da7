import { describe, expect, test } from "vitest";
import { Random } from "../simulation/random.ts";
import { wildDelays } from "./antenna-judgement.ts";

const LIMITS = { delaySigma: 3.5, delayNs: 50 };

describe("wild delays", () => {
	test("one beyond a gap is wild though the array's scatter would let it pass", () => {
		const delays = Float64Array.from([-39, -30, -21, -12, -3, 6, 15, 24, 33, 40, 112], (ns) => ns * 1e-9);
		expect([...wildDelays(delays, LIMITS)]).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
		expect(
			[
				...wildDelays(
					delays.map((delay) => -delay),
					LIMITS,
				),
			].indexOf(1),
		).toBe(10);
	});

	test("of healthy arrays of every size hardly one antenna in three thousand is blamed", () => {
		const random = new Random(11);
		let blamed = 0;
		let antennas = 0;
		for (let trial = 0; trial < 300; trial++) {
			const n = 8 + random.integer(60);
			const spread = trial % 3 === 0 ? 200e-9 : 40e-9;
			antennas += n;
			blamed += wildDelays(
				Float64Array.from({ length: n }, () => random.uniform(-spread, spread)),
				LIMITS,
			).reduce((sum, one) => sum + one, 0);
		}
		expect(blamed / antennas).toBeLessThan(1 / 3000);
	});

	test("antennas without a delay are none", () => {
		expect([...wildDelays(Float64Array.of(0, 1e-9, Number.NaN, 3e-9, 900e-9), LIMITS)]).toEqual([0, 0, 0, 0, 1]);
	});
});
