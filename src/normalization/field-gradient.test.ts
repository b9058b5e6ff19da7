import { describe, expect, test } from "vitest";
import { Random } from "../simulation/random.ts";
import { fitSurface, type References, surfaceAt, surfaceBasis } from "./field-gradient.ts";

const disc = (random: Random) => {
	const r = Math.sqrt(random.uniform());
	const angle = random.uniform(0, 2 * Math.PI);
	return [r * Math.cos(angle), r * Math.sin(angle)] as const;
};
function field(random: Random, n: number, ln: (x: number, y: number) => number, tau = 0.015): References {
	const places = Array.from({ length: n }, () => disc(random));
	const sigma = Float64Array.from({ length: n }, () => 1 / random.uniform(20, 120));
	return {
		ratio: sigma.map((s, i) => Math.exp(ln(...places[i])) * (1 + tau * random.normal()) + s * random.normal()),
		noiseVariance: sigma.map((s) => s * s),
		relativeVariance: new Float64Array(n),
		x: Float64Array.from(places, (p) => p[0]),
		y: Float64Array.from(places, (p) => p[1]),
	};
}
const options = { limit: 5, pooledTau: 0.015 };

describe("correction over the field", () => {
	test.each([20, 60])("without a gradient, order 0 is chosen in at least 95 %% of runs with %i references", (n) => {
		const random = new Random(n);
		let constant = 0;
		for (let run = 0; run < 800; run++) {
			if (
				fitSurface(
					field(random, n, () => 0.1),
					2,
					options,
				)?.order === 0
			)
				constant++;
		}
		expect(constant / 800).toBeGreaterThan(0.95);
	});

	test("a gradient of +-10 % is removed to the error stated, at the centre and towards the edge", () => {
		const random = new Random(1);
		const pulls: number[] = [];
		let found = 0;
		for (let run = 0; run < 500; run++) {
			const surface = fitSurface(
				field(random, 60, (x) => 0.05 + 0.1 * x),
				2,
				options,
			);
			if (surface === undefined) continue;
			found += surface.order >= 1 ? 1 : 0;
			for (const [x, y] of [
				[0, 0],
				[0.7, 0.2],
				[-0.6, -0.5],
			]) {
				const { correction, error, outside } = surfaceAt(surface.order, surface.fit, surface.hull, x, y);
				if (!outside) pulls.push((correction - Math.exp(0.05 + 0.1 * x)) / error);
			}
		}
		expect(found).toBe(500);
		const std = Math.sqrt(pulls.reduce((sum, z) => sum + z * z, 0) / pulls.length);
		expect(Math.abs(std - 1)).toBeLessThan(0.06);
	});

	test("a bowl is found as a surface of second order", () => {
		const random = new Random(2);
		let second = 0;
		for (let run = 0; run < 100; run++) {
			if (
				fitSurface(
					field(random, 80, (x, y) => -0.12 * (x * x + y * y)),
					2,
					options,
				)?.order === 2
			)
				second++;
		}
		expect(second).toBeGreaterThan(95);
	});

	test("too few references, or all on one side, keep the constant and say why", () => {
		const random = new Random(3);
		const few = fitSurface(
			field(random, 8, (x) => 0.3 * x),
			2,
			options,
		);
		expect(few?.order).toBe(0);
		expect(few?.tests[0].reason).toMatch(/9 needed/);
		const side = field(random, 40, (x) => 0.3 * x);
		side.x.forEach((value, i) => {
			side.x[i] = Math.abs(value) + 0.01;
		});
		const oneSided = fitSurface(side, 2, options);
		expect(oneSided?.order).toBe(0);
		expect(oneSided?.tests.some(({ reason }) => reason?.includes("all sides"))).toBe(true);
	});

	test("beyond the hull the surface is held and the error grows by what it would have changed", () => {
		const surface = fitSurface(
			field(new Random(4), 60, (x) => 0.2 * x),
			1,
			options,
		);
		expect(surface?.order).toBe(1);
		if (surface === undefined) return;
		const edge = Math.max(...surface.hull.map(({ x }) => x));
		const inside = surfaceAt(1, surface.fit, surface.hull, 0.5, 0);
		const outside = surfaceAt(1, surface.fit, surface.hull, edge + 1, 0);
		expect([inside.outside, outside.outside]).toEqual([false, true]);
		expect(outside.correction).toBeLessThan(Math.exp(0.2 * edge + 0.03));
		expect(outside.error).toBeGreaterThan(0.15);
	});

	test("the basis of each order", () => {
		const out = new Float64Array(6);
		surfaceBasis(0.6, 0.8, 2, out);
		expect(Array.from(out, (value) => Math.round(value * 1e12) / 1e12)).toEqual([1, 0.6, 0.8, 1, -0.28, 0.96]);
	});
});
