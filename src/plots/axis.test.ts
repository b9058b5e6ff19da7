import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatTick, makeAxis, niceStep } from "./axis.ts";

describe("axes", () => {
	test("ticks are round, inside, and as many as there is room for", () => {
		fc.assert(
			fc.property(
				fc.double({ min: -1e6, max: 1e6, noNaN: true }),
				fc.double({ min: 1e-3, max: 1e6, noNaN: true }),
				(low, span) => {
					const axis = makeAxis({ label: "x" }, [low, low + span], 0, 600, 80);
					expect(axis.ticks.length).toBeGreaterThanOrEqual(2);
					expect(axis.ticks.length).toBeLessThanOrEqual(12);
					const slack = 1e-6 * (axis.max - axis.min);
					for (const { at } of axis.ticks) expect(at >= axis.min - slack && at <= axis.max + slack).toBe(true);
				},
			),
			{ numRuns: 300, seed: 4 },
		);
		expect([0.9, 1.1, 2.2, 3, 7].map((count) => niceStep(10, 10 / count))).toEqual([1, 2, 2.5, 5, 10]);
	});

	test("labels tell neighbouring ticks apart and carry no noise", () => {
		expect(formatTick(0.30000000000000004, 0.1)).toBe("0.3");
		expect(formatTick(0.25, 0.25)).toBe("0.25");
		expect(formatTick(2.5, 2.5)).toBe("2.5");
		expect(formatTick(-1500, 500)).toBe("−1500");
		expect(formatTick(2.5e-7, 5e-8)).toBe("2.5×10⁻⁷");
		expect(formatTick(60123.5, 0.5)).toBe("60123.5");
	});

	test("a log axis shows decades, refuses what is not positive, and a reversed axis runs backwards", () => {
		const axis = makeAxis({ label: "x", scale: "log" }, [1e-3, 1e3], 0, 600, 80);
		const labels = axis.ticks.filter(({ minor }) => !minor).map(({ label }) => label);
		expect(labels).toEqual(["0.001", "0.01", "0.1", "1", "10", "100", "1000"]);
		expect(axis.toPixel(0)).toBeNaN();
		expect(axis.toPixel(-3)).toBeNaN();
		const reversed = makeAxis({ label: "RA", reverse: true, min: 0, max: 10 }, [0, 10], 0, 100, 50);
		expect([reversed.toPixel(0), reversed.toPixel(10)]).toEqual([100, 0]);
	});

	test.each([[[Infinity, -Infinity]], [[5, 5]], [[0, 0]]] as [[number, number]][])(
		"data of range %s still give an axis",
		(range) => {
			for (const scale of ["linear", "log"] as const) {
				const axis = makeAxis({ label: "x", scale }, range[0] === 0 && scale === "log" ? [1, 1] : range, 0, 300, 50);
				expect(axis.max).toBeGreaterThan(axis.min);
				expect(axis.ticks.length).toBeGreaterThan(0);
			}
		},
	);
});
