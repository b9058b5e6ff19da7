import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Random } from "../simulation/random.ts";
import { associate, type Positions } from "./association.ts";
import { positionAt } from "./source-position.ts";

/** Positions scattered about a centre by offsets in arcsec. */
function scatter(raDeg: number, decDeg: number, offsets: [number, number][], errArcsec = 1): Positions {
	const at = offsets.map(([east, north]) => positionAt(raDeg, decDeg, east, north));
	return {
		raDeg: Float64Array.from(at, (p) => p.raDeg),
		decDeg: Float64Array.from(at, (p) => p.decDeg),
		raErrArcsec: new Float64Array(at.length).fill(errArcsec),
		decErrArcsec: new Float64Array(at.length).fill(errArcsec),
	};
}

const take = (p: Positions, order: number[]): Positions => ({
	raDeg: Float64Array.from(order, (k) => p.raDeg[k]),
	decDeg: Float64Array.from(order, (k) => p.decDeg[k]),
	raErrArcsec: Float64Array.from(order, (k) => p.raErrArcsec[k]),
	decErrArcsec: Float64Array.from(order, (k) => p.decErrArcsec[k]),
});

const field = (random: Random, n: number, halfArcsec: number): [number, number][] =>
	Array.from({ length: n }, () => [random.uniform(-halfArcsec, halfArcsec), random.uniform(-halfArcsec, halfArcsec)]);

const PLACES: [string, number, number][] = [
	["RA 0", 0, 16],
	["the equator", 180, 0],
	["the north pole", 77, 90],
	["the south pole", 0, -90],
	["half a degree from the pole", 359.99, 89.5],
];

describe("association", () => {
	test.each(PLACES)("finds every true pair at %s and removes the image's offset", (_, ra, dec) => {
		const random = new Random(7);
		const truth = field(random, 400, 5000);
		const sources = scatter(ra, dec, truth);
		const seen = truth.map(([e, n]): [number, number] => [
			e + 4 + 0.7 * random.normal(),
			n - 2.5 + 0.7 * random.normal(),
		]);
		const components = scatter(ra, dec, seen);
		const result = associate(sources, components, { maxRadiusDeg: 15 / 3600 });
		const right = Array.from(result.match).filter((source, j) => source === j).length;
		expect(right).toBeGreaterThan(395);
		expect(result.offset.n).toBeGreaterThan(350);
		// At a pole "east" is that of the field's mean position: only the length of the offset is free of that choice.
		expect(Math.abs(Math.hypot(result.offset.eastArcsec, result.offset.northArcsec) - Math.hypot(4, 2.5))).toBeLessThan(
			0.2,
		);
		if (Math.abs(dec) < 80) {
			expect(Math.abs(result.offset.eastArcsec - 4)).toBeLessThan(0.2);
			expect(Math.abs(result.offset.northArcsec + 2.5)).toBeLessThan(0.2);
		}
	});

	test("de Ruiter radii of true pairs follow a Rayleigh distribution", () => {
		const random = new Random(11);
		const truth = field(random, 3000, 20000);
		const jitter = (): [number, number][] =>
			truth.map(([e, n]) => [e + 1.2 * random.normal(), n + 1.2 * random.normal()]);
		const result = associate(scatter(40, 55, jitter(), 1.2), scatter(40, 55, jitter(), 1.2), { maxRadiusDeg: 0.01 });
		const radii = Array.from(result.deRuiter).filter((value) => !Number.isNaN(value));
		const meanSquare = radii.reduce((sum, value) => sum + value * value, 0) / radii.length;
		expect(Math.abs(meanSquare - 2)).toBeLessThan(0.12);
		expect(radii.length).toBe(3000);
	});

	test("near the pole the errors turn with the frame", () => {
		// Two positions on opposite sides of the pole: north of one is south of the other and east stays across.
		const a = { raDeg: 10, decDeg: 90 - 1 / 3600 };
		const sources: Positions = {
			raDeg: Float64Array.of(a.raDeg),
			decDeg: Float64Array.of(a.decDeg),
			raErrArcsec: Float64Array.of(0.1),
			decErrArcsec: Float64Array.of(1),
		};
		const turned = (raDeg: number): Positions => ({
			raDeg: Float64Array.of(raDeg),
			decDeg: Float64Array.of(90 - 1 / 3600),
			raErrArcsec: Float64Array.of(0.1),
			decErrArcsec: Float64Array.of(1),
		});
		const across = associate(sources, turned(190), { maxRadiusDeg: 0.01, deRuiterLimit: 100 });
		expect(across.deRuiter[0]).toBeCloseTo(2 / Math.sqrt(2), 6);
		// A quarter turn: the component's long axis lies across the source's, both axes add 0.1 and 1 in quadrature.
		const quarter = associate(sources, turned(100), { maxRadiusDeg: 0.01, deRuiterLimit: 100 });
		expect(quarter.deRuiter[0]).toBeCloseTo(Math.SQRT2 / Math.sqrt(1.01), 6);
	});

	test("records blends as relations and never uses a source or a component twice", () => {
		const sources = scatter(10, 20, [
			[0, 0],
			[6, 0],
			[500, 0],
		]);
		const components = scatter(10, 20, [
			[1, 0],
			[499, 0],
			[503, 0],
		]);
		const result = associate(sources, components, { maxRadiusDeg: 8 / 3600 });
		expect(Array.from(result.match)).toEqual([0, 2, -1]);
		expect(
			result.relations.map(({ kind, source, component, matchedWith }) => [kind, source, component, matchedWith]),
		).toEqual([
			["many-to-one", 2, 2, 1],
			["one-to-many", 1, 0, 0],
		]);
	});

	test("does not depend on the order of rows", () => {
		fc.assert(
			fc.property(fc.integer({ min: 1, max: 1_000_000 }), fc.integer({ min: 2, max: 60 }), (seed, n) => {
				const random = new Random(seed);
				const truth = field(random, n, 60);
				const sources = scatter(0.001, 89.99, truth);
				const components = scatter(
					0.001,
					89.99,
					truth.map(([e, north]): [number, number] => [e + 2 * random.normal(), north + 2 * random.normal()]),
				);
				const shuffle = () =>
					Array.from({ length: n }, (_, k) => [random.uniform(), k])
						.sort((a, b) => a[0] - b[0])
						.map(([, k]) => k);
				const p = shuffle();
				const q = shuffle();
				const straight = associate(sources, components, { maxRadiusDeg: 10 / 3600 });
				const shuffled = associate(take(sources, p), take(components, q), { maxRadiusDeg: 10 / 3600 });
				const back = new Int32Array(n).fill(-1);
				for (let j = 0; j < n; j++) back[q[j]] = shuffled.match[j] < 0 ? -1 : p[shuffled.match[j]];
				expect(Array.from(back)).toEqual(Array.from(straight.match));
				const used = Array.from(straight.match).filter((source) => source >= 0);
				expect(new Set(used).size).toBe(used.length);
			}),
			{ numRuns: 60, seed: 1 },
		);
	});

	test("agrees with an exhaustive search of mutual nearest pairs", () => {
		const random = new Random(5);
		const truth = field(random, 300, 3000);
		const sources = scatter(359.99, -60, truth);
		const components = scatter(
			359.99,
			-60,
			truth.map(([e, n]): [number, number] => [e + random.normal(), n + random.normal()]),
		);
		const result = associate(sources, components, { maxRadiusDeg: 10 / 3600, removeOffset: false });
		for (let j = 0; j < 300; j++) {
			let best = -1;
			let nearest = Infinity;
			for (let i = 0; i < 300; i++) {
				const dra = ((components.raDeg[j] - sources.raDeg[i] + 540) % 360) - 180;
				const east = dra * 3600 * Math.cos((sources.decDeg[i] * Math.PI) / 180);
				const distance = Math.hypot(east, (components.decDeg[j] - sources.decDeg[i]) * 3600);
				if (distance < nearest) {
					nearest = distance;
					best = i;
				}
			}
			if (result.match[j] >= 0 && result.relations.every((r) => r.component !== j)) expect(result.match[j]).toBe(best);
		}
	});

	test("too few pairs: no offset is invented", () => {
		const sources = scatter(10, 20, field(new Random(1), 9, 1000));
		expect(associate(sources, sources, { maxRadiusDeg: 0.002 }).offset).toEqual({
			eastArcsec: 0,
			northArcsec: 0,
			n: 0,
		});
	});

	test("bad rows are set aside and bad options refused", () => {
		const sources = scatter(10, 20, [[0, 0]]);
		const components = scatter(10, 20, [
			[0, 0],
			[1, 0],
			[2, 0],
		]);
		components.raDeg[0] = Number.NaN;
		components.raErrArcsec[1] = -1;
		const result = associate(sources, components, { maxRadiusDeg: 0.01 });
		expect(result.unusable).toEqual([0, 1]);
		expect(Array.from(result.match)).toEqual([-1, -1, 0]);
		expect(() => associate(sources, components, { maxRadiusDeg: 0 })).toThrow(/positive/);
		const exact = scatter(10, 20, [[0, 0]], 0);
		expect(() => associate(exact, exact, { maxRadiusDeg: 0.01 })).toThrow(/position error of 0/);
		expect(associate(scatter(0, 0, []), components, { maxRadiusDeg: 0.01 }).match[2]).toBe(-1);
	});
});
