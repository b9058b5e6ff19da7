import { describe, expect, test } from "vitest";
import { alphaAt, causticPositions, lensGain, lensLightCurve, lensProfile } from "./plasma-lens.ts";

describe("Gaussian plasma lens", () => {
	test.each([
		[2.5, 1.922, 1.893],
		[8, 4.176, 2.293],
		[25, 11.44, 2.585],
		[80, 35.02, 2.838],
	])("caustics of alpha %d", (alpha, outer, inner) => {
		const found = causticPositions(alpha);
		expect(found?.outer).toBeCloseTo(outer, alpha > 20 ? 2 : 3);
		expect(found?.inner).toBeCloseTo(inner, 3);
	});

	test("no caustics below e^1.5/2", () => {
		expect(causticPositions(Math.exp(1.5) / 2 - 1e-3)).toBeNull();
		expect(causticPositions(Math.exp(1.5) / 2 + 1e-3)).not.toBeNull();
	});

	test.each([
		[2.5, 0.35, 0.287, 3.03, 3.56, 1.92],
		[2.5, 1.2, 0.304, 2.16, 1.68, 2.05],
		[8, 0.35, 0.111, 4.17, 2.5, 2.42],
		[25, 1.2, 0.0385, 4.29, 1.39, 3.18],
		[80, 0.35, 0.0123, 5.33, 1.95, 2.97],
	])("gain of alpha %d, source %d", (alpha, betaS, centre, fwhm, most, mostAt) => {
		const profile = lensProfile(alpha, betaS);
		let top = 0;
		for (let i = 0; i < profile.gain.length; i++) if (profile.gain[i] > profile.gain[top]) top = i;
		expect(Math.abs(profile.gain[0] / centre - 1)).toBeLessThan(0.01);
		expect(Math.abs(profile.fwhm / fwhm - 1)).toBeLessThan(0.01);
		expect(Math.abs(profile.gain[top] / most - 1)).toBeLessThan(0.01);
		expect(Math.abs(top * profile.step - mostAt)).toBeLessThan(0.04);
	});

	test.each([
		[0.5, 1],
		[12, 0.3],
		[150, 0.1],
		[-3, 0.5],
	])("conserves flux (alpha %d)", (alpha, betaS) => {
		const { gain } = lensProfile(alpha, betaS);
		let excess = (gain[0] - 1) / 2;
		for (let i = 1; i < gain.length; i++) excess += gain[i] - 1;
		expect(Math.abs(excess) / gain.length).toBeLessThan(1e-4);
		expect(gain.at(-1)).toBeCloseTo(1, 3);
	});

	test("on the axis of a weak lens the gain tends to 1/(1 + alpha)", () => {
		expect(lensProfile(0.5, 0.02).gain[0]).toBeCloseTo(1 / 1.5, 3);
		expect(lensProfile(-0.5, 0.02).gain[0]).toBeCloseTo(1 / 0.5, 2);
	});

	test("light curve: depth, width at 1400 MHz and colour", () => {
		const event = { alpha1400: 8, betaS: 0.35, fwhmDays: 40, centreMjd: 60100, amplitude: 0.5 };
		const at1400 = lensLightCurve(event, [60100, 60080, 60120, 59000], 1400);
		expect(at1400[0]).toBeCloseTo(1 + 0.5 * (0.111 - 1), 2);
		expect(at1400[1]).toBeCloseTo(1 - (0.5 * (1 - 0.111)) / 2, 2);
		expect(at1400[2]).toBeCloseTo(at1400[1], 12);
		expect(at1400[3]).toBe(1);
		expect(lensLightCurve(event, [60100], 2800)[0]).toBeGreaterThan(at1400[0]);
		expect(alphaAt(8, 700)).toBe(32);
		expect(lensGain(lensProfile(8, 0.35), -2.42)).toBeCloseTo(2.5, 1);
	});

	test("refuses what is no lens, in bounded memory", () => {
		expect(() => lensProfile(Number.NaN, 1)).toThrow(/strength/);
		expect(() => lensProfile(1e9, 1)).toThrow(/strength/);
		expect(() => lensProfile(1, 0)).toThrow(/source size/);
		expect(lensProfile(20_000, 0.01).gain.length).toBeLessThan(70_000);
		expect(() =>
			lensLightCurve({ alpha1400: -1, betaS: 1, fwhmDays: 10, centreMjd: 0, amplitude: 1 }, [0], 1400),
		).toThrow(/no width/);
	});
});
