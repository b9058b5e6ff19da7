import { expect, test } from "vitest";
import { newSourceSignificance } from "./new-source.ts";

test("a source is new only where an earlier image would have shown it", () => {
	const flux = Float64Array.of(0.01, 0.01, 0.01, Number.NaN, -0.5);
	const rms = Float64Array.of(0.004, 0.001, 0.004, 0.003, Number.NaN, 0, 0.001, 0.001, 0.1, 0.2);
	const result = newSourceSignificance(flux, rms, 2);
	expect(result.verdict).toEqual([
		"new",
		"could_not_have_been_seen",
		"no_earlier_image",
		"no_flux",
		"could_not_have_been_seen",
	]);
	expect(result.significance[0]).toBeCloseTo(10, 12);
	expect(Array.from(result.image)).toEqual([1, 1, -1, -1, 1]);
	expect(() => newSourceSignificance(flux, rms, 3)).toThrow(/noise values/);
});
