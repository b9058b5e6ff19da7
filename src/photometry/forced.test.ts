import { describe, expect, test } from "vitest";
import { addSource, correlatedNoise, flatPlane, mean, standardDeviation, widened } from "../../test/simulated-field.ts";
import { Random } from "../simulation/random.ts";
import { type PixelKernel, pixelKernel } from "../sky/beam.ts";
import type { Plane } from "../sky/plane.ts";
import { planeMemory } from "../sky/plane-memory.ts";
import { BlendSolver } from "./blend-solve.ts";
import { catalogueNoise } from "./catalogue-noise.ts";
import { FORCED_FLAG, flagNames } from "./flags.ts";
import { measureForced } from "./forced.ts";
import { emptyFluxes } from "./forced-fluxes.ts";
import { planForced } from "./forced-plan.ts";
import { gaussianCorrelation, whiteCorrelation } from "./noise-correlation.ts";
import { measurePair } from "./pair.ts";

const step = 1.5 / 3600;
const unrotated = { eastPerX: -step, eastPerY: 0, northPerX: 0, northPerY: step };
/** FWHM 6 x 4.5 pixels, 30 degrees east of north. */
const beam = pixelKernel({ majorDeg: 9 / 3600, minorDeg: 6.75 / 3600, paDeg: 30 }, unrotated);
const MAJOR = 6;

const sky = (side: number, kernel: PixelKernel, sources: readonly (readonly [number, number, number])[]) => {
	const image = { width: side, height: side, data: new Float64Array(side * side) };
	for (const [x, y, flux] of sources) addSource(image, kernel, x, y, flux);
	return image;
};
const columns = (sources: readonly (readonly number[])[]) => ({
	x: Float64Array.from(sources, (s) => s[0]),
	y: Float64Array.from(sources, (s) => s[1]),
});

describe("without noise every flux is exact", () => {
	const sources = [
		[30.3, 31.7, 1],
		[90.2, 40.9, -0.5],
		// A pair, a triple in a row, and one that only the chain connects.
		[60.1, 80.2, 2],
		[64.4, 83.1, 0.3],
		[120.5, 100.25, 1],
		[133.1, 100.5, 1.5],
		[146.2, 101, 0.01],
	] as const;
	const image = sky(200, beam, sources);
	const out = measureForced({
		image,
		noise: flatPlane(200, 200, 0.01),
		...columns(sources),
		kernels: beam,
		noiseCorrelation: gaussianCorrelation(beam),
	});

	test("singles, pairs and chains", () => {
		for (let i = 0; i < sources.length; i++) expect(out.flux[i]).toBeCloseTo(sources[i][2], 7);
		expect([...out.nBlend]).toEqual([1, 1, 2, 2, 3, 3, 3]);
		for (const chi2 of out.chi2) expect(chi2).toBeLessThan(1e-6);
		for (const flags of out.flags) expect(flags).toBe(0);
	});

	test("a single stamp is 19 x 19 pixels less one fitted flux", () => {
		expect(out.dof[0]).toBe(360);
		expect(out.localRms[0]).toBeCloseTo(0.01, 8);
	});

	test("limits are given where the flux is below three errors, and leave the flux alone", () => {
		expect(out.upperLimit[1]).toBeCloseTo(3 * out.fluxErr[1], 12);
		expect(out.flux[1]).toBeCloseTo(-0.5, 6);
		expect(out.upperLimit[0]).toBeNaN();
	});

	test("each blend carries the covariance of its members", () => {
		expect(out.blends.map((blend) => [...blend.members])).toEqual([
			[2, 3],
			[4, 5, 6],
		]);
		const { covariance } = out.blends[0];
		expect(covariance[0]).toBeCloseTo(out.fluxErr[2] ** 2, 15);
		expect(covariance[1]).toBe(covariance[2]);
		expect(covariance[1]).toBeLessThan(0);
	});
});

describe("errors", () => {
	// err / rms = 2r / sqrt(r^2 + 2) for noise of r times the beam's sigma; 1/sqrt(pi sM sm) for white noise.
	const area = (Math.PI * 6 * 4.5) / (8 * Math.LN2);
	test.each([
		["white", whiteCorrelation(), 1 / Math.sqrt(area)],
		["beam/sqrt2", gaussianCorrelation(widened(beam, Math.SQRT1_2)), 0.894427],
		["beam", gaussianCorrelation(beam), 1.154701],
		["sqrt2 beam", gaussianCorrelation(widened(beam, Math.SQRT2)), 1.414214],
	])("of an isolated source in %s noise follow the closed form", (_name, noiseCorrelation, expected) => {
		const out = measureForced({
			image: flatPlane(64, 64, 0),
			noise: flatPlane(64, 64, 1),
			x: [32.4],
			y: [30.7],
			kernels: beam,
			noiseCorrelation,
		});
		expect(out.fluxErr[0] / expected).toBeCloseTo(1, 2);
	});

	test.each([
		[0.5, 1.419, -0.59],
		[0.75, 1.192, -0.3],
		[1, 1.145, -0.09],
		[1.5, 1.152, 0.04],
		[2, 1.155, 0.02],
	])("of a pair %f major axes apart follow the closed form", (separation, error, correlation) => {
		// Along the major axis: north-east at 30 degrees, and x runs west.
		const dx = -separation * MAJOR * Math.sin(Math.PI / 6);
		const dy = separation * MAJOR * Math.cos(Math.PI / 6);
		const out = measureForced({
			image: flatPlane(96, 96, 0),
			noise: flatPlane(96, 96, 1),
			x: [48 - dx / 2, 48 + dx / 2],
			y: [48 - dy / 2, 48 + dy / 2],
			kernels: beam,
			noiseCorrelation: gaussianCorrelation(beam),
		});
		expect(out.fluxErr[0]).toBeCloseTo(error, 2);
		const { covariance } = out.blends[0];
		expect(covariance[1] / covariance[0]).toBeCloseTo(correlation, 1);
	});

	test("of stamps cut by an edge follow the pixels that are left", () => {
		const x = 1.2;
		const y = 32.6;
		const measure = (noiseCorrelation: ReturnType<typeof whiteCorrelation>) =>
			measureForced({
				image: flatPlane(64, 64, 0),
				noise: flatPlane(64, 64, 1),
				x: [32, x],
				y: [32, y],
				kernels: beam,
				noiseCorrelation,
			});
		const white = measure(whiteCorrelation());
		// White noise: the variance is 1/sum(k^2), so that it grows as the coverage shrinks.
		expect(white.fluxErr[1] ** 2 * white.coverage[1]).toBeCloseTo(white.fluxErr[0] ** 2, 3);
		// Correlated noise: k C k / (k k)^2 written out over the pixels of the stamp.
		const pixels: [number, number, number][] = [];
		for (let j = 24; j <= 42; j++) {
			for (let i = 0; i <= 10; i++) {
				const [dx, dy] = [i - x, j - y];
				pixels.push([i, j, Math.exp(-(beam.a * dx * dx + beam.b * dx * dy + beam.c * dy * dy))]);
			}
		}
		let squares = 0;
		let shared = 0;
		for (const [i, j, k] of pixels) {
			squares += k * k;
			for (const [p, q, l] of pixels) {
				const [dx, dy] = [i - p, j - q];
				shared += k * l * Math.exp(-(beam.a * dx * dx + beam.b * dx * dy + beam.c * dy * dy));
			}
		}
		const correlated = measure(gaussianCorrelation(beam));
		expect(correlated.fluxErr[1] / (Math.sqrt(shared) / squares)).toBeCloseTo(1, 3);
		expect(flagNames(correlated.flags[1])).toEqual(["partial", "edge"]);
	});
});

describe("pulls are unit normal", () => {
	test.each([
		["white", undefined],
		["beam/sqrt2", widened(beam, Math.SQRT1_2)],
		["beam", beam],
		["sqrt2 beam", widened(beam, Math.SQRT2)],
	])("in %s noise whose correlation is measured on the image", (_name, correlation) => {
		const side = 512;
		const random = new Random(7).fork(_name);
		const image = { width: side, height: side, data: correlatedNoise(random, side, correlation) };
		const sources: [number, number, number][] = [];
		for (let y = 24; y < side - 20; y += 19) {
			for (let x = 24; x < side - 20; x += 19) {
				sources.push([x + random.uniform(-0.5, 0.5), y + random.uniform(-0.5, 0.5), 10 ** random.uniform(0, 3)]);
			}
		}
		for (const [x, y, flux] of sources) addSource(image, beam, x, y, flux, 30);
		const noise = flatPlane(side, side, 1);
		const { x, y } = columns(sources);
		const noiseCorrelation = catalogueNoise({ image, noise, x, y, kernels: beam, beam });
		expect(noiseCorrelation.origin).toBe("measured");
		const out = measureForced({ image, noise, x, y, kernels: beam, noiseCorrelation });
		const pulls = sources.map(([, , flux], i) => (out.flux[i] - flux) / out.fluxErr[i]);
		const standardErrors = 1 / Math.sqrt(2 * pulls.length);
		expect(Math.abs(standardDeviation(pulls) - 1)).toBeLessThan(3.5 * standardErrors + 0.01);
		expect(Math.abs(mean(pulls))).toBeLessThan(4.5 / Math.sqrt(pulls.length));
	});
});

describe("what cannot be measured is flagged and has no value", () => {
	const side = 100;
	const noise = flatPlane(side, side, 1);
	const image = flatPlane(side, side, 0);
	image.data[50 * side + 50] = Number.NaN;
	noise.data[20 * side + 70] = 0;
	for (let y = 60; y < 100; y++) for (let x = 0; x < 23; x++) image.data[y * side + x] = Number.NaN;
	const places: [number, number, string][] = [
		[50, 50, "no_data"],
		[70, 20, "bad_noise"],
		[-30, 10, "off_image"],
		[1e12, 10, "bad_position"],
		[Number.NaN, 10, "bad_position"],
		[23, 80, "partial"],
		[99.4, 30, "partial|edge"],
		[40, 20, ""],
		[50, 53, ""],
	];
	const out = measureForced({
		image,
		noise,
		...columns(places.map(([x, y]) => [x, y])),
		kernels: beam,
		noiseCorrelation: gaussianCorrelation(beam),
	});

	test.each(places.map((place, i) => [i, ...place] as const))("row %i at (%f, %f): %s", (i, _x, _y, names) => {
		expect(flagNames(out.flags[i]).join("|")).toBe(names);
		const missing = /no_data|bad_noise|off_image|bad_position/.test(names);
		expect(Number.isNaN(out.flux[i])).toBe(missing);
		expect(Number.isNaN(out.fluxErr[i])).toBe(missing);
		expect(out.nBlend[i] === 0).toBe(missing);
	});

	test("an image of NaN gives only flagged rows", () => {
		const blank = measureForced({
			image: flatPlane(40, 40, Number.NaN),
			noise: flatPlane(40, 40, 1),
			x: [20, 22, 5],
			y: [20, 20, 5],
			kernels: beam,
			noiseCorrelation: gaussianCorrelation(beam),
		});
		expect([...blank.flags]).toEqual([FORCED_FLAG.no_data, FORCED_FLAG.no_data, FORCED_FLAG.no_data]);
		expect([...blank.flux].every(Number.isNaN)).toBe(true);
	});
});

describe("sources that cannot be told apart", () => {
	const image = sky(100, beam, [
		[50, 50, 2],
		[51, 50.5, 1],
		[63, 52, 0.5],
	]);
	const measure = (x: number[], y: number[]) =>
		measureForced({
			image,
			noise: flatPlane(100, 100, 0.01),
			x,
			y,
			kernels: beam,
			noiseCorrelation: gaussianCorrelation(beam),
		});

	test("share their sum, whose error is that of one source", () => {
		const out = measure([50, 51, 63], [50, 50.5, 52]);
		expect(out.flux[0]).toBeCloseTo(3, 6);
		expect(out.flux[1]).toBe(out.flux[0]);
		expect(out.flux[2]).toBeCloseTo(0.5, 6);
		expect(flagNames(out.flags[0])).toEqual(["degenerate"]);
		expect(out.fluxErr[0]).toBeLessThan(0.0125);
	});

	test("and a position listed twice is measured once for both rows", () => {
		const out = measure([50, 51, 63, 63], [50, 50.5, 52, 52]);
		expect(out.flux[3]).toBeCloseTo(0.5, 6);
		expect(out.flux[2]).toBe(out.flux[3]);
		expect(flagNames(out.flags[3])).toEqual(["duplicate"]);
		expect(out.fluxErr[3]).toBeCloseTo(measure([50, 51, 63], [50, 50.5, 52]).fluxErr[2], 12);
	});

	test("a catalogue that lists one position fifty thousand times is measured all the same", () => {
		const n = 50_000;
		const out = measure(new Array<number>(n).fill(63), new Array<number>(n).fill(52));
		expect(out.flux[n - 1]).toBe(out.flux[0]);
		expect(flagNames(out.flags[0])).toEqual(["duplicate"]);
	});
});

describe("in one memory", () => {
	const side = 150;
	const random = new Random(11);
	const [image, noise, background] = (planeMemory(side * side, 3) as Float32Array[]).map((data) => ({
		width: side,
		height: side,
		data,
	}));
	for (let p = 0; p < side * side; p++) {
		image.data[p] = random.normal();
		noise.data[p] = random.uniform(0.5, 2);
		background.data[p] = random.uniform(-1, 1);
	}
	/** The same planes each by itself, where no compiled loop reaches them. */
	const apart = (plane: Plane): Plane => ({ ...plane, data: plane.data.slice() });

	test.each([
		["with a background", background],
		["without one", undefined],
	])("compiled sums are those of the loop that tests each pixel, %s", (_name, ground) => {
		const x: number[] = [];
		const y: number[] = [];
		for (let k = 0; k < 150; k++) {
			x.push(random.uniform(-5, side + 5));
			y.push(random.uniform(-5, side + 5));
		}
		const holes = image.data.slice();
		for (let k = 0; k < 12; k++) holes[random.integer(side * side)] = Number.NaN;
		const whole = image.data.slice();
		image.data.set(holes);
		const common = { x, y, kernels: beam, noiseCorrelation: gaussianCorrelation(beam) };
		const compiled = measureForced({
			image,
			noise,
			...(ground === undefined ? {} : { background: ground }),
			...common,
		});
		const tested = measureForced({
			image: apart(image),
			noise: apart(noise),
			...(ground === undefined ? {} : { background: apart(ground) }),
			...common,
		});
		image.data.set(whole);
		expect(planForced({ image, noise, ...common }).loops).toBeDefined();
		expect([...compiled.flags]).toEqual([...tested.flags]);
		expect([...compiled.dof]).toEqual([...tested.dof]);
		let measured = 0;
		for (let i = 0; i < x.length; i++) {
			if (!Number.isFinite(tested.flux[i])) continue;
			measured++;
			expect((compiled.flux[i] - tested.flux[i]) / tested.fluxErr[i]).toBeCloseTo(0, 8);
			for (const name of ["fluxErr", "localRms", "chi2", "coverage"] as const) {
				expect(compiled[name][i] / tested[name][i], name).toBeCloseTo(1, 8);
			}
		}
		expect(measured).toBeGreaterThan(120);
	});

	test("a noise that is zero, negative or no number is found in it", () => {
		for (const bad of [0, -1, Number.NaN, Infinity]) {
			const at = 70 * side + 73;
			const kept = noise.data[at];
			noise.data[at] = bad;
			const out = measureForced({
				image,
				noise,
				x: [70.2],
				y: [69.9],
				kernels: beam,
				noiseCorrelation: gaussianCorrelation(beam),
			});
			noise.data[at] = kept;
			expect(out.dof[0]).toBe(359);
			expect(out.coverage[0]).toBeLessThan(1);
		}
	});

	const round = pixelKernel({ majorDeg: 6 / 3600, minorDeg: 6 / 3600, paDeg: 0 }, unrotated);
	test.each([
		["with a background, both of the beam's shape", background, beam, beam],
		["without one, of two shapes", undefined, round, beam],
	])("pairs in closed form are what the solver of all blends makes of them: %s", (_name, ground, first, second) => {
		for (let trial = 0; trial < 60; trial++) {
			const [x, y] = [random.uniform(30, 50), random.uniform(30, 50)];
			const [distance, angle] = [random.uniform(1.6, 14.9), random.uniform(0, 2 * Math.PI)];
			const plan = planForced({
				image,
				noise,
				...(ground === undefined ? {} : { background: ground }),
				x: [x, x + distance * Math.cos(angle)],
				y: [y, y + distance * Math.sin(angle)],
				kernels: [first, second],
				resolved: [trial % 2, 0],
				beam,
				noiseCorrelation: gaussianCorrelation(beam),
			});
			const closed = emptyFluxes(2);
			const solved = emptyFluxes(2);
			expect(measurePair(plan, 0, 1, closed)).toBe(true);
			new BlendSolver(plan).measure(Int32Array.of(0, 1), solved);
			for (const name of ["flux", "fluxErr", "localRms", "snr", "chi2", "coverage"] as const) {
				for (const i of [0, 1]) expect(closed[name][i] / solved[name][i], name).toBeCloseTo(1, 8);
			}
			for (const name of ["dof", "nBlend", "flags"] as const) expect([...closed[name]]).toEqual([...solved[name]]);
			const [mine, theirs] = [closed.blends[0].covariance, solved.blends[0].covariance];
			for (let k = 0; k < 4; k++) expect(Math.abs(mine[k] - theirs[k])).toBeLessThan(1e-9 * theirs[0]);
		}
	});

	test("pairs that are clipped, blank or not told apart are left to it", () => {
		const measured = (x: number[], y: number[], blank?: number) => {
			const plan = planForced({ image, noise, x, y, kernels: beam, noiseCorrelation: gaussianCorrelation(beam) });
			const kept = image.data[blank ?? 0];
			if (blank !== undefined) image.data[blank] = Number.NaN;
			const done = measurePair(plan, 0, 1, emptyFluxes(2));
			image.data[blank ?? 0] = kept;
			return done;
		};
		expect(measured([40, 45], [40, 42])).toBe(true);
		expect(measured([40, 45], [40, 42], 42 * side + 45)).toBe(false);
		expect(measured([4, 9], [40, 42])).toBe(false);
		expect(measured([40, 40.5], [40, 40])).toBe(false);
	});
});

describe("large blends", () => {
	test("are solved sparsely with the same fluxes and errors", () => {
		// A lattice at 1.5 major axes: all connected, 625 members.
		const sources: [number, number, number][] = [];
		for (let j = 0; j < 25; j++) {
			for (let i = 0; i < 25; i++) sources.push([30 + 9 * i + 0.01 * j, 30 + 9 * j, 1 + ((i * 7 + j * 3) % 11)]);
		}
		const noise = flatPlane(280, 280, 0.1);
		const noiseCorrelation = gaussianCorrelation(beam);
		const all = measureForced({
			image: sky(280, beam, sources),
			noise,
			...columns(sources),
			kernels: beam,
			noiseCorrelation,
		});
		expect(all.nBlend[0]).toBe(625);
		for (let i = 0; i < sources.length; i++) expect(all.flux[i]).toBeCloseTo(sources[i][2], 6);
		// The same neighbourhood as a dense system of 81 members: the middle one has the same error.
		const near = sources.filter(([x, y]) => Math.hypot(x - 138, y - 138) < 42);
		const part = measureForced({
			image: sky(280, beam, near),
			noise,
			...columns(near),
			kernels: beam,
			noiseCorrelation,
		});
		expect(part.nBlend[0]).toBeLessThan(100);
		const middle = near.findIndex(([x, y]) => Math.hypot(x - 138, y - 138) < 1);
		const whole = sources.indexOf(near[middle]);
		expect(all.fluxErr[whole] / part.fluxErr[middle]).toBeCloseTo(1, 3);
	});
});

describe("beams and grids", () => {
	const noiseCorrelation = whiteCorrelation();
	test("a beam of one pixel is measured", () => {
		const kernel = pixelKernel({ majorDeg: step, minorDeg: step, paDeg: 0 }, unrotated);
		const image = sky(32, kernel, [[15.3, 16.2, 4]]);
		const out = measureForced({
			image,
			noise: flatPlane(32, 32, 1),
			x: [15.3],
			y: [16.2],
			kernels: kernel,
			noiseCorrelation,
		});
		expect(out.flux[0]).toBeCloseTo(4, 9);
		// White noise: the error is exactly 1/sqrt(sum k^2), summed over the pixels, not integrated.
		let squares = 0;
		for (let y = 14; y <= 18; y++) {
			for (let x = 13; x <= 17; x++) squares += Math.exp(-2 * kernel.a * ((x - 15.3) ** 2 + (y - 16.2) ** 2));
		}
		expect(out.fluxErr[0]).toBeCloseTo(1 / Math.sqrt(squares), 2);
	});

	test("a narrow beam at a slant does not underflow", () => {
		const kernel = pixelKernel({ majorDeg: 60 * step, minorDeg: 2.5 * step, paDeg: 45 }, unrotated);
		const image = sky(300, kernel, []);
		addSource(image, kernel, 150.2, 149.6, 3, 140);
		const out = measureForced({
			image,
			noise: flatPlane(300, 300, 1),
			x: [150.2],
			y: [149.6],
			kernels: kernel,
			noiseCorrelation,
		});
		expect(out.flux[0]).toBeCloseTo(3, 9);
	});

	test("a beam in wrong units and maps of another size are refused by name", () => {
		const base = { image: flatPlane(32, 32, 0), noise: flatPlane(32, 32, 1), x: [1], y: [1], noiseCorrelation };
		const huge = pixelKernel({ majorDeg: 9, minorDeg: 6.75, paDeg: 30 }, unrotated);
		expect(() => measureForced({ ...base, kernels: huge })).toThrow(/major axis/);
		expect(() => measureForced({ ...base, kernels: beam, noise: flatPlane(31, 32, 1) })).toThrow(/31 x 32/);
		expect(() => measureForced({ ...base, kernels: [beam, beam] })).toThrow(/2 kernels/);
	});

	test("each source is measured with its own shape", () => {
		const wide = widened(beam, 1.5);
		const image = sky(128, beam, [[30, 30, 1]]);
		addSource(image, wide, 90, 90, 2, 60);
		const out = measureForced({
			image,
			noise: flatPlane(128, 128, 1),
			x: [30, 90],
			y: [30, 90],
			kernels: [beam, wide],
			resolved: [0, 1],
			noiseCorrelation,
		});
		expect([out.flux[0], out.flux[1]].map((v) => v.toFixed(6))).toEqual(["1.000000", "2.000000"]);
		expect(flagNames(out.flags[1])).toEqual(["resolved"]);
	});
});
