import { describe, expect, test } from "vitest";
import type { PixelKernel } from "../sky/beam.ts";
import { pixelKernel } from "../sky/beam.ts";
import { CorrelatedNoise, NOISE_CORRELATIONS } from "./correlated-noise.ts";
import { Random } from "./random.ts";

const jacobian = { eastPerX: -1, eastPerY: 0, northPerX: 0, northPerY: 1 };
/** 6 by 4.5 pixels, PA 30 degrees. */
const kernel: PixelKernel = pixelKernel({ majorDeg: 6, minorDeg: 4.5, paDeg: 30 }, jacobian);
const WIDTH_RATIO = { white: 0, "beam/sqrt2": Math.SQRT1_2, beam: 1, "beam*sqrt2": Math.SQRT2 };

function draw(correlation: (typeof NOISE_CORRELATIONS)[number], width: number, height: number, seed: number) {
	const noise = new CorrelatedNoise(width, height, kernel, correlation);
	const planes = [new Float64Array(width * height), new Float64Array(width * height)];
	noise.draw(new Random(seed), planes[0], planes[1]);
	return planes;
}

function correlationAt(data: Float64Array, width: number, height: number, dx: number, dy: number): number {
	let sum = 0;
	let count = 0;
	for (let y = Math.max(0, -dy); y < Math.min(height, height - dy); y++) {
		for (let x = Math.max(0, -dx); x < Math.min(width, width - dx); x++) {
			sum += data[y * width + x] * data[(y + dy) * width + x + dx];
			count += 1;
		}
	}
	return sum / count;
}

describe("correlated noise", () => {
	test.each(NOISE_CORRELATIONS)("%s has unit variance and its autocorrelation", (correlation) => {
		const [width, height] = [900, 700];
		const [first, second] = draw(correlation, width, height, 11);
		const ratio = WIDTH_RATIO[correlation];
		// Independent patches: pixels over the area under the squared autocorrelation.
		const patches = (width * height) / Math.max(1, ratio ** 2 * 34);
		const tolerance = 5 * Math.sqrt(2 / patches);
		for (const plane of [first, second]) {
			for (const [dx, dy] of [
				[0, 0],
				[1, 0],
				[0, 1],
				[2, 1],
				[-2, 1],
				[3, 3],
				[-3, 3],
				[0, 6],
				[12, 0],
			]) {
				const exponent = kernel.a * dx * dx + kernel.b * dx * dy + kernel.c * dy * dy;
				const expected = exponent === 0 ? 1 : ratio === 0 ? 0 : Math.exp(-exponent / ratio ** 2);
				expect(Math.abs(correlationAt(plane, width, height, dx, dy) - expected)).toBeLessThan(tolerance);
			}
		}
		let cross = 0;
		for (let i = 0; i < first.length; i++) cross += first[i] * second[i];
		expect(Math.abs(cross / first.length)).toBeLessThan(tolerance);
	});

	test("the same seed gives the same pixels, another seed others", () => {
		const once = draw("beam", 64, 64, 5)[0];
		expect(draw("beam", 64, 64, 5)[0]).toEqual(once);
		expect(draw("beam", 64, 64, 6)[0]).not.toEqual(once);
	});
});
