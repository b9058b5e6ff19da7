import { describe, expect, test } from "vitest";
import { Random } from "../simulation/random.ts";
import { Fft, fft2d, inverseFft2d, powerOfTwoFrom } from "./fft.ts";

const noise = (n: number, seed: number) => {
	const random = new Random(seed);
	return Float64Array.from({ length: n }, () => random.normal());
};

/** The definition, term by term. */
function direct(re: Float64Array, im: Float64Array): [Float64Array, Float64Array] {
	const n = re.length;
	const outRe = new Float64Array(n);
	const outIm = new Float64Array(n);
	for (let k = 0; k < n; k++) {
		for (let j = 0; j < n; j++) {
			const angle = (-2 * Math.PI * ((j * k) % n)) / n;
			outRe[k] += re[j] * Math.cos(angle) - im[j] * Math.sin(angle);
			outIm[k] += re[j] * Math.sin(angle) + im[j] * Math.cos(angle);
		}
	}
	return [outRe, outIm];
}

const worst = (a: Float64Array, b: Float64Array) =>
	a.reduce((max, value, i) => Math.max(max, Math.abs(value - b[i])), 0);

describe("Fourier transform", () => {
	test.each([1, 2, 4, 8, 16, 32, 128, 256])("of %i values equals its definition", (n) => {
		const re = noise(n, n);
		const im = noise(n, n + 1);
		const [wantRe, wantIm] = direct(re, im);
		new Fft(n).forward(re, im);
		expect(worst(re, wantRe)).toBeLessThan(1e-11);
		expect(worst(im, wantIm)).toBeLessThan(1e-11);
	});

	test.each([1, 2, 64, 2048, 8192])("its inverse gives back %i values", (n) => {
		const re = noise(n, 3);
		const im = noise(n, 4);
		const keptRe = re.slice();
		const keptIm = im.slice();
		const fft = new Fft(n);
		fft.forward(re, im);
		fft.inverse(re, im);
		expect(worst(re, keptRe)).toBeLessThan(1e-13);
		expect(worst(im, keptIm)).toBeLessThan(1e-13);
	});

	test("of a plane separates into rows and columns and comes back", () => {
		const [width, height] = [32, 64];
		const re = noise(width * height, 5);
		const im = noise(width * height, 6);
		const keptRe = re.slice();
		const energy = re.reduce((sum, value, i) => sum + value * value + im[i] * im[i], 0);
		const [kx, ky] = [5, 11];
		let [wantRe, wantIm] = [0, 0];
		for (let y = 0; y < height; y++) {
			for (let x = 0; x < width; x++) {
				const angle = -2 * Math.PI * ((kx * x) / width + (ky * y) / height);
				const i = y * width + x;
				wantRe += re[i] * Math.cos(angle) - im[i] * Math.sin(angle);
				wantIm += re[i] * Math.sin(angle) + im[i] * Math.cos(angle);
			}
		}
		fft2d(re, im, width, height);
		expect(re[ky * width + kx]).toBeCloseTo(wantRe, 9);
		expect(im[ky * width + kx]).toBeCloseTo(wantIm, 9);
		const transformed = re.reduce((sum, value, i) => sum + value * value + im[i] * im[i], 0);
		expect(transformed / (width * height) / energy).toBeCloseTo(1, 12);
		inverseFft2d(re, im, width, height);
		expect(worst(re, keptRe)).toBeLessThan(1e-12);
	});

	test("lengths that are no power of two and shapes that do not fit are refused", () => {
		for (const n of [0, 3, 12, 1.5, -4, Number.NaN, 2 ** 27]) expect(() => new Fft(n)).toThrow(/power of two/);
		expect(() => fft2d(new Float64Array(8), new Float64Array(8), 4, 4)).toThrow(/do not fill/);
		expect([0, 1, 3, 512, 513].map(powerOfTwoFrom)).toEqual([1, 1, 4, 512, 1024]);
	});
});
