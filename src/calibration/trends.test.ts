import { describe, expect, test } from "vitest";
import { Random } from "../simulation/random.ts";
import { findTrends } from "./trends.ts";

const series = (values: number[], tolerance = 0.1) => ({
	name: "antenna 40 XX amplitude",
	timesMjd: values.map((_, i) => 60000 + i),
	values,
	tolerance,
});

describe("trends of quality", () => {
	const random = new Random(1);
	const quiet = Array.from({ length: 30 }, () => 1 + 0.01 * random.normal());

	test("a quiet series has none, nor has a single bad solve", () => {
		expect(findTrends(series(quiet))).toEqual([]);
		expect(findTrends(series([...quiet.slice(0, 29), 1.5]))).toEqual([]);
		expect(findTrends(series(quiet.map((value, i) => (i === 10 ? Number.NaN : value))))).toEqual([]);
	});

	test("a jump that stays is found when it has stayed for two solves, with its time", () => {
		const jumped = quiet.map((value, i) => (i >= 28 ? value * 1.3 : value));
		const [trend] = findTrends(series(jumped));
		expect(trend).toMatchObject({ kind: "jump", mjd: 60028 });
		expect(trend.change).toBeCloseTo(0.3, 1);
		expect(trend.significance).toBeGreaterThan(10);
	});

	test("a slow drift is found by the order of its points", () => {
		const drifting = quiet.map((value, i) => value * (1 + 0.01 * i));
		const found = findTrends(series(drifting));
		expect(found.map((trend) => trend.kind)).toEqual(["drift"]);
		expect(found[0].change).toBeCloseTo(0.29, 1);
	});

	test("what is below the tolerance is no news, and three points say nothing", () => {
		expect(
			findTrends(
				series(
					quiet.map((value, i) => (i >= 28 ? value * 1.3 : value)),
					0.5,
				),
			),
		).toEqual([]);
		expect(findTrends(series([1, 1, 5, 5]))).toEqual([]);
	});
});
