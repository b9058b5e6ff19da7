import { describe, expect, test } from "vitest";
import { addSource, correlatedNoise, flatPlane, mean, standardDeviation } from "../../test/simulated-field.ts";
import { Random } from "../simulation/random.ts";
import { pixelKernel } from "../sky/beam.ts";
import { crossCheck, empiricalCorrelation, type MethodFlux, sharedErrorCorrelation } from "./cross-check.ts";
import { findSources } from "./find.ts";
import { flagNames } from "./flags.ts";
import { measureForced } from "./forced.ts";
import { checkAgainstHistory, judgeImage } from "./history-check.ts";
import { gaussianCorrelation } from "./noise-correlation.ts";
import { snrClass } from "./validation.ts";

const step = 1.5 / 3600;
const kernel = pixelKernel(
	{ majorDeg: 9 / 3600, minorDeg: 6.75 / 3600, paDeg: 30 },
	{ eastPerX: -step, eastPerY: 0, northPerX: 0, northPerY: step },
);
const side = 1024;
const random = new Random(31);
const image = { width: side, height: side, data: correlatedNoise(random, side, kernel) };
const noise = flatPlane(side, side, 1);
const sources: { x: number; y: number; flux: number }[] = [];
for (let y = 30; y < side - 20; y += 40) {
	for (let x = 30; x < side - 20; x += 40) {
		const source = {
			x: x + random.uniform(-0.5, 0.5),
			y: y + random.uniform(-0.5, 0.5),
			flux: 10 ** random.uniform(1, 2.5),
		};
		sources.push(source);
		addSource(image, kernel, source.x, source.y, source.flux, 30);
	}
}
const x = Float64Array.from(sources, (s) => s.x);
const y = Float64Array.from(sources, (s) => s.y);
const noiseCorrelation = gaussianCorrelation(kernel);
const forced = measureForced({ image, noise, x, y, kernels: kernel, noiseCorrelation });

describe("validation", () => {
	test("leaves clean measurements clean", () => {
		expect(forced.flags.filter((mask) => mask !== 0).length).toBe(0);
	});

	test("flags residuals that neither noise nor five per cent of the flux explains", () => {
		const spoiled = { ...image, data: image.data.slice() };
		// An unlisted source of 40 sigma beside one of 20.
		const victim = sources.findIndex((s) => s.flux < 20);
		addSource(spoiled, kernel, x[victim] + 8, y[victim] + 3, 40, 30);
		const out = measureForced({ image: spoiled, noise, x, y, kernels: kernel, noiseCorrelation });
		expect(flagNames(out.flags[victim])).toEqual(["poor_fit"]);
		expect(out.flags.filter((mask) => mask !== 0).length).toBe(1);
	});

	test("flags a local noise that is not the image's", () => {
		const uneven = flatPlane(side, side, 1);
		for (let row = 0; row < 60; row++) uneven.data.fill(8, row * side, (row + 1) * side);
		const out = measureForced({ image, noise: uneven, x, y, kernels: kernel, noiseCorrelation });
		for (let i = 0; i < sources.length; i++) {
			expect(flagNames(out.flags[i]).includes("noise_outlier")).toBe(y[i] < 56);
		}
	});

	test("sorts by signal to noise, negative fluxes included", () => {
		expect([-2, 0, 4, 7, 100, Number.NaN].map((flux) => snrClass(flux, 1))).toEqual([
			"negative",
			"below 3",
			"3 to 5",
			"5 to 10",
			"above 10",
			undefined,
		]);
	});
});

describe("forced against fitted", () => {
	const found = findSources({ image, noise, kernel, noiseCorrelation });
	const pairs: { forced: MethodFlux; fitted: MethodFlux }[] = [];
	sources.forEach((source, i) => {
		const component = found.find((c) => Math.hypot(c.x - source.x, c.y - source.y) < 2);
		if (component === undefined) return;
		pairs.push({
			forced: { flux: forced.flux[i], error: forced.fluxErr[i] },
			fitted: { flux: component.peak, error: component.peakError },
		});
	});

	test("the difference scatters by its own error, not by the sum of the two", () => {
		expect(pairs.length).toBeGreaterThan(550);
		const checks = pairs.map((pair) => crossCheck(pair.forced, pair.fitted, { systematic: 0 }));
		// The fitted peak is a little high, since it takes the highest place nearby: the scatter is what is tested.
		expect(Math.abs(standardDeviation(checks.map((check) => check.sigmas)) - 1)).toBeLessThan(0.15);
		const independent = pairs.map((p) => (p.fitted.flux - p.forced.flux) / Math.hypot(p.fitted.error, p.forced.error));
		expect(standardDeviation(independent)).toBeLessThan(0.5);
		expect(checks.filter((check) => check.isDiscrepant).length).toBe(0);
	});

	test("the correlation is what the sources themselves show", () => {
		const shown = empiricalCorrelation(
			pairs.map((p) => p.forced),
			pairs.map((p) => p.fitted),
		);
		const used = mean(pairs.map((p) => sharedErrorCorrelation(p.forced, p.fitted)));
		expect(Math.abs(shown - used)).toBeLessThan(0.1);
		expect(empiricalCorrelation([], [])).toBeNaN();
	});

	test("the consensus is the more precise value, and none where they disagree", () => {
		const check = crossCheck({ flux: 10, error: 1.15 }, { flux: 10.5, error: 1 });
		expect(check.consensus).toEqual({ flux: 10.5, error: 1 });
		expect(check.method).toBe("fitted");
		const apart = crossCheck({ flux: 10, error: 1.15 }, { flux: 30, error: 1 });
		expect(apart.isDiscrepant).toBe(true);
		expect(apart.consensus.flux).toBeNaN();
		const alone = crossCheck({ flux: 10, error: 1.15 }, { flux: Number.NaN, error: Number.NaN });
		expect(alone).toMatchObject({ method: "forced", isDiscrepant: false });
	});
});

describe("a measurement against its own past", () => {
	const steady = (level: number, error: number, n: number, seed: number) => {
		const draw = new Random(seed);
		return {
			flux: Float64Array.from({ length: n }, () => level + error * draw.normal()),
			error: new Float64Array(n).fill(error),
		};
	};

	test("steady sources are rarely anomalous, and their deviations are unit normal", () => {
		const draw = new Random(2);
		const checks = Array.from({ length: 3000 }, (_, i) =>
			checkAgainstHistory(1 + 0.05 * draw.normal(), 0.05, steady(1, 0.05, 30, i), { systematic: 0 }),
		);
		expect(Math.abs(standardDeviation(checks.map((check) => check.sigmas)) - 1)).toBeLessThan(0.12);
		expect(checks.filter((check) => check.isAnomalous).length).toBeLessThan(3);
	});

	test("a dip is, and one outlier in the past does not hide it", () => {
		const history = steady(1, 0.01, 20, 1);
		history.flux[3] = 8;
		expect(checkAgainstHistory(0.7, 0.01, history).isAnomalous).toBe(true);
		expect(checkAgainstHistory(0.99, 0.01, history).isAnomalous).toBe(false);
	});

	test("a source that always varies is no anomaly each time", () => {
		const draw = new Random(9);
		const flux = Float64Array.from({ length: 40 }, () => 1 + 0.2 * draw.normal());
		const check = checkAgainstHistory(1.4, 0.01, { flux, error: new Float64Array(40).fill(0.01) });
		expect(check.isAnomalous).toBe(false);
	});

	test("without a past there is no verdict", () => {
		expect(checkAgainstHistory(1, 0.1, { flux: [1, 1], error: [0.1, 0.1] })).toMatchObject({
			sigmas: Number.NaN,
			isAnomalous: false,
			points: 2,
		});
	});

	test("an image whose sources deviate together is itself at fault", () => {
		const flux = Float64Array.from({ length: 40 }, (_, i) => 0.8 + (i === 7 ? 1 : 0));
		const checks = Array.from(flux, (value, i) => checkAgainstHistory(value, 0.01, steady(1, 0.01, 20, i)));
		const image = judgeImage(checks, flux);
		expect(image.isImageAnomalous).toBe(true);
		expect(image.medianRatio).toBeCloseTo(0.8, 2);
		expect(image.anomalous.includes(1)).toBe(false);
		const one = Float64Array.from({ length: 40 }, (_, i) => (i === 7 ? 1.8 : 1));
		const alone = judgeImage(
			Array.from(one, (value, i) => checkAgainstHistory(value, 0.01, steady(1, 0.01, 20, i))),
			one,
		);
		expect(alone.isImageAnomalous).toBe(false);
		expect([...alone.anomalous.keys()].filter((i) => alone.anomalous[i] === 1)).toEqual([7]);
	});
});
