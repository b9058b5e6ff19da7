import { expect, test } from "vitest";
import { chiSquareSurvival, fisherSurvival, normalCumulative } from "./distributions.ts";

// Reference values: scipy.stats chi2.sf, f.sf and norm.cdf.
test.each([
	[3.841458820694124, 1, 0.05],
	[18.307038053275146, 10, 0.05],
	[400, 300, 9.678621994933555e-5],
	[1, 10, 0.9998278843700441],
	[2500, 1000, 2.1059268048474495e-129],
])("chi-squared %f with %i degrees of freedom", (chi2, dof, p) => {
	const value = chiSquareSurvival(chi2, dof);
	expect(Math.abs(value / p - 1)).toBeLessThan(1e-9);
});

test.each([
	[4.9646027437307145, 1, 10, 0.05],
	[3.0, 2, 57, 0.057706897673732487],
	[6.5, 5, 14, 0.002525868089289785],
	[0.5, 3, 40, 0.684413776619142],
])("F of %f with (%i, %i) degrees of freedom", (f, d1, d2, p) => {
	expect(Math.abs(fisherSurvival(f, d1, d2) / p - 1)).toBeLessThan(1e-9);
});

test("edges", () => {
	expect(chiSquareSurvival(0, 4)).toBe(1);
	expect(chiSquareSurvival(3, 0)).toBeNaN();
	expect(fisherSurvival(0, 2, 9)).toBe(1);
	expect(normalCumulative(0)).toBeCloseTo(0.5, 14);
	expect(normalCumulative(-1.959963984540054)).toBeCloseTo(0.025, 12);
	expect(normalCumulative(1.959963984540054)).toBeCloseTo(0.975, 12);
});
