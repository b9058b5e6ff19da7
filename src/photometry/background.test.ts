import { describe, expect, test } from "vitest";
import { addSource, correlatedNoise, flatPlane, mean, standardDeviation } from "../../test/simulated-field.ts";
import { Random } from "../simulation/random.ts";
import { pixelKernel } from "../sky/beam.ts";
import { backgroundAndNoise, backgroundStep, roughNodes } from "./background.ts";
import { medianOf, quickselect } from "./quickselect.ts";
import { tileMoments } from "./tile-moments.ts";
import { untruncatedSigma } from "./truncated-normal.ts";

const step = 1.5 / 3600;
const beam = pixelKernel(
	{ majorDeg: 9 / 3600, minorDeg: 6.75 / 3600, paDeg: 30 },
	{ eastPerX: -step, eastPerY: 0, northPerX: 0, northPerY: step },
);
const side = 512;

/** Noise rising to the right, a tilted background, and sources. */
function field(random: Random, sources: number) {
	const noise = correlatedNoise(random, side, beam);
	const image = { width: side, height: side, data: new Float32Array(side * side) };
	const sigma = (x: number) => 1 + x / side;
	const level = (x: number, y: number) => 0.3 * (x / side) - 0.2 * (y / side);
	for (let y = 0; y < side; y++) {
		for (let x = 0; x < side; x++) image.data[y * side + x] = sigma(x) * noise[y * side + x] + level(x, y);
	}
	for (let i = 0; i < sources; i++) {
		addSource(image, beam, random.uniform(0, side), random.uniform(0, side), 10 ** random.uniform(0.5, 3), 30);
	}
	return { image, sigma, level };
}

describe("background and noise maps", () => {
	const { image, sigma, level } = field(new Random(11), 150);
	for (let y = 0; y < side; y++) for (let x = 0; x < 40; x++) image.data[y * side + x] = Number.NaN;
	const maps = backgroundAndNoise(image, beam);

	test("follow the truth with neither sources nor a blank border in them", () => {
		const ratio: number[] = [];
		const offset: number[] = [];
		for (let y = 0; y < side; y += 5) {
			for (let x = 40; x < side; x += 5) {
				const p = y * side + x;
				ratio.push(maps.noise.data[p] / sigma(x));
				offset.push((maps.background.data[p] - level(x, y)) / sigma(x));
			}
		}
		expect(Math.abs(mean(ratio) - 1)).toBeLessThan(0.015);
		expect(standardDeviation(ratio)).toBeLessThan(0.04);
		expect(Math.abs(mean(offset))).toBeLessThan(0.04);
		expect(standardDeviation(offset)).toBeLessThan(0.08);
	});

	test("are NaN exactly where the image is", () => {
		for (let p = 0; p < side * side; p++) {
			if (Number.isNaN(maps.noise.data[p]) !== Number.isNaN(image.data[p])) throw new Error(`pixel ${p}`);
			if (Number.isNaN(maps.background.data[p]) !== Number.isNaN(image.data[p])) throw new Error(`pixel ${p}`);
		}
	});

	test("have no steps", () => {
		let largest = 0;
		for (let y = 1; y < side; y++) {
			for (let x = 41; x < side; x++) {
				const p = y * side + x;
				largest = Math.max(
					largest,
					Math.abs(maps.noise.data[p] - maps.noise.data[p - 1]),
					Math.abs(maps.noise.data[p] - maps.noise.data[p - side]),
				);
			}
		}
		expect(largest).toBeLessThan(0.015);
	});

	test("do not depend on how the rows are divided", () => {
		const tile = backgroundStep(beam);
		const rough = roughNodes(image, 6 * tile, 2);
		const rows = Math.ceil(side / tile);
		const whole = tileMoments(image, rough, beam, tile, 0, rows);
		for (const cut of [1, 7, rows - 1]) {
			const upper = tileMoments(image, rough, beam, tile, 0, cut);
			const lower = tileMoments(image, rough, beam, tile, cut, rows);
			expect(upper.squares.map((value, p) => value + lower.squares[p])).toEqual(whole.squares);
			expect(upper.count.map((value, p) => value + lower.count[p])).toEqual(whole.count);
		}
	});
});

describe("images without noise or without pixels", () => {
	test("a constant image has that background and no noise", () => {
		const { background, noise } = backgroundAndNoise(flatPlane(100, 80, 3), beam);
		expect(background.data[5000]).toBeCloseTo(3, 6);
		expect(noise.data[5000]).toBe(0);
	});

	test("a blank image is refused", () => {
		expect(() => backgroundAndNoise(flatPlane(100, 80, Number.NaN), beam)).toThrow(/no pixel/);
	});

	test("an image smaller than one tile and one with few pixels get one value", () => {
		const random = new Random(3);
		const tiny = flatPlane(12, 9, 0);
		for (let p = 0; p < tiny.data.length; p++) tiny.data[p] = random.normal();
		expect(backgroundAndNoise(tiny, beam).noise.data[40]).toBeGreaterThan(0.5);
		const sparse = flatPlane(300, 300, Number.NaN);
		for (let p = 0; p < 300; p++) sparse.data[p * 293] = random.normal();
		expect(backgroundAndNoise(sparse, beam).noise.data[293]).toBeGreaterThan(0.5);
	});
});

describe("order statistics and truncation", () => {
	test("the median is the middle of the sorted values", () => {
		const random = new Random(5);
		for (const n of [1, 2, 3, 10, 101, 1000]) {
			const values = Float64Array.from({ length: n }, () => Math.round(random.uniform(0, 50)));
			const sorted = values.slice().sort();
			expect(medianOf(values.slice(), n)).toBe((sorted[(n - 1) >> 1] + sorted[n >> 1]) / 2);
			expect(quickselect(values.slice(), n, n - 1)).toBe(sorted[n - 1]);
		}
	});

	test("a normal distribution cut at 3 sigma shows 0.98658 of its sigma", () => {
		expect(untruncatedSigma(0.98657784, 3)).toBeCloseTo(1, 5);
		expect(untruncatedSigma(0, 3)).toBe(0);
		// Wider than the cut itself: no normal distribution looks so.
		expect(untruncatedSigma(2.5, 3)).toBe(3);
	});
});
