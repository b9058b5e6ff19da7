import { describe, expect, test } from "vitest";
import { addSource, correlatedNoise, flatPlane, mean, standardDeviation, widened } from "../../test/simulated-field.ts";
import { Random } from "../simulation/random.ts";
import { pixelKernel } from "../sky/beam.ts";
import type { Plane } from "../sky/plane.ts";
import { componentFlagNames, type FoundComponent } from "./component.ts";
import { componentsOnSky } from "./component-sky.ts";
import { findSources } from "./find.ts";
import { bestFootprintLevel } from "./footprint.ts";
import { findIslands } from "./islands.ts";
import { gaussianCorrelation, whiteCorrelation } from "./noise-correlation.ts";
import { summits } from "./summits.ts";

const step = 1.5 / 3600;
const beamOnSky = { majorDeg: 9 / 3600, minorDeg: 6.75 / 3600, paDeg: 30 };
const kernel = pixelKernel(beamOnSky, { eastPerX: -step, eastPerY: 0, northPerX: 0, northPerY: step });

const empty = (side: number): Plane => ({ width: side, height: side, data: new Float64Array(side * side) });
const noiseCorrelation = gaussianCorrelation(kernel);

/** Noise with the beam's correlation on a square, and sources on a lattice. */
function field(random: Random, side: number, spacing: number, snr: () => number) {
	const image = { width: side, height: side, data: correlatedNoise(random, side, kernel) };
	const sources: { x: number; y: number; flux: number }[] = [];
	for (let y = spacing; y < side - spacing / 2; y += spacing) {
		for (let x = spacing; x < side - spacing / 2; x += spacing) {
			const source = { x: x + random.uniform(-0.5, 0.5), y: y + random.uniform(-0.5, 0.5), flux: snr() };
			sources.push(source);
			addSource(image, kernel, source.x, source.y, source.flux, 30);
		}
	}
	return { image, sources };
}

const nearest = (found: readonly FoundComponent[], x: number, y: number) =>
	found.toSorted((p, q) => Math.hypot(p.x - x, p.y - y) - Math.hypot(q.x - x, q.y - y))[0];

describe("islands", () => {
	const image = empty(12);
	const rows = ["............", ".##.....#...", "...#...#....", ".......##...", "##..........", "#.........##"];
	rows.forEach((row, y) => {
		for (let x = 0; x < 12; x++) image.data[y * 12 + x] = row[x] === "#" ? 6 : 0;
	});
	const maps = { image, noise: flatPlane(12, 12, 1) };

	test("join pixels by sides and corners and are numbered in raster order", () => {
		const islands = findIslands(maps, 4, 5);
		expect(islands.map(({ id, pixels, x0, x1, y0, y1 }) => [id, pixels, x0, x1, y0, y1])).toEqual([
			[1, 3, 1, 4, 1, 3],
			[2, 4, 7, 9, 1, 4],
			[3, 3, 0, 2, 4, 6],
			[4, 2, 10, 12, 5, 6],
		]);
	});

	test("need one pixel above the seed level, and a noise that is positive", () => {
		expect(findIslands(maps, 4, 6.5)).toEqual([]);
		expect(findIslands({ image, noise: flatPlane(12, 12, 0) }, 4, 5)).toEqual([]);
		expect(findIslands({ image, noise: flatPlane(12, 12, Number.NaN) }, 4, 5)).toEqual([]);
	});

	test("have one summit for a plateau, and one for each rise above a saddle", () => {
		const [island] = findIslands(maps, 4, 5);
		expect(summits(maps, island, 5, 1, 10).summits).toHaveLength(1);
		const line = empty(12);
		[0, 6, 12, 9, 10, 9, 5, 11, 6, 0].forEach((value, x) => {
			line.data[5 * 12 + x] = value;
		});
		const lines = { image: line, noise: flatPlane(12, 12, 1) };
		const [ridge] = findIslands(lines, 4, 5);
		// 10 rises by 1 above its saddle, 11 by 6.
		expect(summits(lines, ridge, 5, 1.5, 10).summits.map((s) => s.value)).toEqual([12, 11]);
		expect(summits(lines, ridge, 5, 0.5, 10).summits.map((s) => s.value)).toEqual([12, 11, 10]);
		expect(summits(lines, ridge, 5, 0.5, 2)).toMatchObject({ complete: false });
	});
});

describe("fits", () => {
	test("of Gaussians without noise are exact in every parameter", () => {
		const image = empty(160);
		const wide = pixelKernel(
			{ majorDeg: 14 / 3600, minorDeg: 8 / 3600, paDeg: -50 },
			{
				eastPerX: -step,
				eastPerY: 0,
				northPerX: 0,
				northPerY: step,
			},
		);
		addSource(image, kernel, 40.3, 50.7, 1, 60);
		addSource(image, wide, 110.2, 50.1, 2, 60);
		// A pair with two summits.
		addSource(image, kernel, 60.1, 110.2, 1.5, 60);
		addSource(image, kernel, 68.3, 112.8, 0.7, 60);
		const found = findSources({ image, noise: flatPlane(160, 160, 0.01), kernel, noiseCorrelation });
		expect(found).toHaveLength(4);
		expect(found.map(({ islandId, componentId }) => [islandId, componentId])).toEqual([
			[1, 0],
			[2, 0],
			[3, 0],
			[3, 1],
		]);
		const resolved = nearest(found, 110.2, 50.1);
		expect(resolved.peak).toBeCloseTo(2, 6);
		expect(resolved.kernel.a / wide.a).toBeCloseTo(1, 5);
		expect(resolved.kernel.b / wide.b).toBeCloseTo(1, 5);
		expect(resolved.integrated).toBeCloseTo((2 * 14 * 8) / (9 * 6.75), 5);
		const second = nearest(found, 68.3, 112.8);
		expect([second.x, second.y, second.peak].map((v) => v.toFixed(4))).toEqual(["68.3000", "112.8000", "0.7000"]);
		expect(componentFlagNames(second.flags)).toEqual(["blended"]);
	});

	test("find the faint neighbour that makes no summit of its own", () => {
		const image = empty(300);
		const noise = flatPlane(300, 300, 0.01);
		// Several bright sources show how Gaussian the beam is here.
		for (let i = 0; i < 6; i++) addSource(image, kernel, 40 + 40 * i, 40, 2, 60);
		addSource(image, kernel, 150, 150, 3, 60);
		addSource(image, kernel, 154.8, 152, 0.5, 60);
		const found = findSources({ image, noise, kernel, noiseCorrelation });
		expect(found).toHaveLength(8);
		const hidden = nearest(found, 154.8, 152);
		expect(hidden.peak).toBeCloseTo(0.5, 3);
		expect(componentFlagNames(hidden.flags)).toContain("residual");
	});
});

describe("found sources", () => {
	const random = new Random(19);
	const { image, sources } = field(random, 1024, 36, () => 10 ** random.uniform(0.9, 2.5));
	const noise = flatPlane(1024, 1024, 1);
	const found = findSources({ image, noise, kernel });
	const pairs = sources
		.map((source) => ({ source, component: nearest(found, source.x, source.y) }))
		.filter(({ source, component }) => Math.hypot(source.x - component.x, source.y - component.y) < 3);

	test("are complete and hardly any is false", () => {
		expect(pairs.length / sources.length).toBeGreaterThan(0.99);
		expect(found.length - pairs.length).toBeLessThan(5);
	});

	test.each([
		["peak", (s, c) => (c.peak - s.flux) / c.peakError],
		["integrated flux", (s, c) => (c.integrated - s.flux) / c.integratedError],
		["x", (s, c) => (c.x - s.x) / Math.sqrt(c.positionCovariance[0])],
		["y", (s, c) => (c.y - s.y) / Math.sqrt(c.positionCovariance[2])],
		["shape", (_, c) => (c.kernel.a - kernel.a) / Math.sqrt(c.shapeCovariance[0])],
	] as [string, (s: (typeof sources)[0], c: FoundComponent) => number][])("have a true error of %s", (_name, pull) => {
		const pulls = pairs.map(({ source, component }) => pull(source, component));
		// 750 sources: 2.6 per cent of statistical error.
		expect(Math.abs(standardDeviation(pulls) - 1)).toBeLessThan(0.09);
		expect(Math.abs(mean(pulls))).toBeLessThan(0.25);
	});

	test("are the same when the search is repeated", () => {
		expect(findSources({ image, noise, kernel })).toEqual(found);
	});

	test("of the turned image are the negative sources", () => {
		const turned = { ...image, data: image.data.map((value) => -value) };
		expect(findSources({ image: turned, noise, kernel }).length).toBeLessThan(3);
		const negative = findSources({ image: turned, noise, kernel }, { negative: true });
		expect(negative.at(-1)?.peak).toBeLessThan(0);
		expect(negative.filter((c) => c.peak < 0).map((c) => -c.peak)).toEqual(found.map((c) => c.peak));
		expect(componentFlagNames(negative.at(-1)?.flags ?? 0)).toContain("negative");
	});
});

describe("what cannot be fitted", () => {
	test("a giant island is described by its moments", () => {
		const image = empty(300);
		addSource(image, widened(kernel, 12), 150, 140, 1, 200);
		const found = findSources(
			{ image, noise: flatPlane(300, 300, 0.01), kernel, noiseCorrelation },
			{ maxIslandPixels: 5000 },
		);
		expect(found).toHaveLength(1);
		expect(componentFlagNames(found[0].flags)).toContain("too_large");
		expect([found[0].x, found[0].y].map(Math.round)).toEqual([150, 140]);
		// All but what lies below the flood level, 4 per cent of the peak.
		expect(found[0].integrated / 144).toBeGreaterThan(0.93);
		expect(found[0].integrated / 144).toBeLessThan(1);
	});

	test("zeros in the noise map join nothing and hang nothing", () => {
		const { image } = field(new Random(2), 256, 60, () => 50);
		const noise = flatPlane(256, 256, 1);
		for (let p = 0; p < 256 * 100; p++) noise.data[p] = 0;
		const found = findSources({ image, noise, kernel });
		expect(found.length).toBeGreaterThan(3);
		for (const { y } of found) expect(y).toBeGreaterThan(97);
	});

	test("sources cut by blank pixels are kept, flagged, with finite errors", () => {
		const { image } = field(new Random(4), 256, 64, () => 80);
		for (let y = 0; y < 256; y++) for (let x = 0; x < 63; x++) image.data[y * 256 + x] = Number.NaN;
		const found = findSources({ image, noise: flatPlane(256, 256, 1), kernel });
		const cut = found.filter(({ x }) => x < 67);
		expect(cut).toHaveLength(3);
		for (const component of cut) {
			expect(componentFlagNames(component.flags)).toContain("edge");
			expect(component.peakError).toBeGreaterThan(0);
			expect(Math.abs(component.peak / 80 - 1)).toBeLessThan(0.3);
		}
	});

	test("a blank image has no sources, and wrong thresholds are refused", () => {
		const noise = flatPlane(64, 64, 1);
		expect(findSources({ image: flatPlane(64, 64, Number.NaN), noise, kernel })).toEqual([]);
		expect(() => findSources({ image: flatPlane(64, 64, 0), noise, kernel }, { seed: 3, flood: 4 })).toThrow(/seed 3/);
		expect(() => findSources({ image: flatPlane(64, 64, 0), noise: flatPlane(60, 64, 1), kernel })).toThrow(/60 x 64/);
	});
});

describe("footprints", () => {
	test("are wide for white noise and narrow for noise as smooth as the beam", () => {
		expect(bestFootprintLevel(kernel, whiteCorrelation())).toBeLessThanOrEqual(0.05);
		expect(bestFootprintLevel(kernel, noiseCorrelation)).toBeGreaterThanOrEqual(0.3);
	});
});

describe("components on the sky", () => {
	test("have the beam's axes and angle on rotated, unequal and mirrored pixels", () => {
		for (const jacobian of [
			{ eastPerX: -step, eastPerY: 0, northPerX: 0, northPerY: step },
			{ eastPerX: step, eastPerY: 0, northPerX: 0, northPerY: 2 * step },
			{ eastPerX: -0.6 * step, eastPerY: 0.8 * step, northPerX: 0.8 * step, northPerY: 0.6 * step },
		]) {
			for (const paDeg of [-80, -30, 0, 45, 90]) {
				const shape = pixelKernel({ ...beamOnSky, paDeg }, jacobian);
				const component: FoundComponent = {
					islandId: 1,
					componentId: 0,
					x: 3,
					y: 4,
					peak: 1,
					peakError: 0.1,
					integrated: 1,
					integratedError: 0.1,
					kernel: shape,
					positionCovariance: [0.01, 0, 0.04],
					shapeCovariance: [1e-6, 0, 0, 1e-6, 0, 1e-6],
					localRms: 0.1,
					background: 0,
					snr: 10,
					flags: 0,
				};
				const sky = componentsOnSky([component], { pixelToIcrs: () => [10, 20], jacobianAt: () => jacobian });
				expect(sky.majorArcsec[0]).toBeCloseTo(9, 6);
				expect(sky.minorArcsec[0]).toBeCloseTo(6.75, 6);
				expect(sky.paDeg[0]).toBeCloseTo(paDeg, 5);
				expect(sky.paErrDeg[0]).toBeGreaterThan(0);
			}
		}
	});
});
