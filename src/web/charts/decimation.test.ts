import { describe, expect, test } from "vitest";
import { Random } from "../../simulation/random.ts";
import { columnExtremes } from "./decimation.ts";

describe("thinning of long curves", () => {
	test("each pixel column keeps its lowest and highest reach, and no column is lost", () => {
		const random = new Random(5);
		const n = 50_000;
		const x = Float64Array.from({ length: n }, (_, i) => i / 60);
		const flux = Float64Array.from({ length: n }, () => random.normal());
		flux[1234] = Number.NaN;
		const error = Float64Array.from({ length: n }, () => random.uniform(0.1, 2));
		const low = flux.map((value, i) => value - error[i]);
		const high = flux.map((value, i) => value + error[i]);
		const kept = columnExtremes(x, low, high, (value) => value);
		const columns = Math.ceil(n / 60);
		expect(kept.length).toBeLessThanOrEqual(2 * columns);
		expect(kept).toEqual([...new Set(kept)].sort((a, b) => a - b));
		const reach = (indices: Iterable<number>) => {
			const found = Array.from({ length: columns }, () => [Infinity, -Infinity]);
			for (const i of indices) {
				if (Number.isNaN(flux[i])) continue;
				const column = found[Math.floor(x[i])];
				column[0] = Math.min(column[0], low[i]);
				column[1] = Math.max(column[1], high[i]);
			}
			return found;
		};
		expect(reach(kept)).toEqual(reach(x.keys()));
	});

	test("nothing but gaps keeps nothing", () => {
		const gaps = [Number.NaN, Number.NaN];
		expect(columnExtremes([1, 2], gaps, gaps, (x) => x)).toEqual([]);
		expect(columnExtremes([], [], [], (x) => x)).toEqual([]);
	});
});
