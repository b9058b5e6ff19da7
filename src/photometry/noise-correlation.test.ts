import { describe, expect, test } from "vitest";
import { kernelOverlap } from "./kernel-overlap.ts";
import { gaussianCorrelation, sharedNoise } from "./noise-correlation.ts";

/** A Gaussian of the given FWHM along and across a line at an angle from the rows, in pixels. */
function kernel(major: number, minor: number, angleDeg: number) {
	const p = 4 * Math.LN2 * major ** -2;
	const q = 4 * Math.LN2 * minor ** -2;
	const sin = Math.sin((angleDeg * Math.PI) / 180);
	const cos = Math.cos((angleDeg * Math.PI) / 180);
	return { a: p * cos * cos + q * sin * sin, b: 2 * (p - q) * sin * cos, c: p * sin * sin + q * cos * cos };
}

describe("noise shared by two kernels", () => {
	test.each([
		["round", kernel(6, 6, 0), 0, 0],
		["of a usual beam", kernel(6, 4.5, 30), 7.3, -4.1],
		["far apart", kernel(6, 4.5, 30), -19.5, 3.25],
		["fifteen times longer than wide, at a slant", kernel(45, 3, 45), 2.4, 1.7],
	])("%s: every lag summed", (_name, shape, dx, dy) => {
		const correlation = gaussianCorrelation(shape);
		const { norm, kernel: overlap } = kernelOverlap(shape, shape);
		const { radius, table } = correlation;
		let sum = 0;
		let i = 0;
		for (let ly = -radius; ly <= radius; ly++) {
			for (let lx = -radius; lx <= radius; lx++) {
				const ex = lx - dx;
				const ey = ly - dy;
				sum += table[i++] * Math.exp(-(overlap.a * ex * ex + overlap.b * ex * ey + overlap.c * ey * ey));
			}
		}
		// What is left out is judged against two kernels at one place: that is what an error bar consists of.
		const whole = sharedNoise(correlation, shape, shape, 0, 0);
		expect(Math.abs(sharedNoise(correlation, shape, shape, dx, dy) - norm * sum) / whole).toBeLessThan(3e-5);
	});
});
