import { describe, expect, test } from "vitest";
import { addSource, correlatedNoise, flatPlane, mean, standardDeviation, widened } from "../../test/simulated-field.ts";
import { Random } from "../simulation/random.ts";
import { pixelKernel } from "../sky/beam.ts";
import { catalogueNoise } from "./catalogue-noise.ts";
import { measureForced } from "./forced.ts";
import { gaussianCorrelation } from "./noise-correlation.ts";

const step = 1.5 / 3600;
/** FWHM 6 x 4.5 pixels. */
const beam = pixelKernel(
	{ majorDeg: 9 / 3600, minorDeg: 6.75 / 3600, paDeg: 30 },
	{ eastPerX: -step, eastPerY: 0, northPerX: 0, northPerY: step },
);
const side = 512;

/** A lattice of isolated sources and pairs of 0.7 beams, on noise of the given shape. */
function field(name: string, shape: typeof beam | undefined) {
	const random = new Random(3).fork(name);
	const image = { width: side, height: side, data: correlatedNoise(random, side, shape) };
	const sources: { x: number; y: number; flux: number; isPair: boolean }[] = [];
	for (let y = 26; y < side - 26; y += 26) {
		for (let x = 26; x < side - 26; x += 26) {
			const isPair = sources.length % 5 === 0;
			const place = { x: x + random.uniform(-0.5, 0.5), y: y + random.uniform(-0.5, 0.5) };
			sources.push({ ...place, flux: 10 ** random.uniform(0, 2.5), isPair });
			if (isPair) sources.push({ x: place.x + 3.5, y: place.y + 2.4, flux: 10 ** random.uniform(0, 2.5), isPair });
		}
	}
	for (const { x, y, flux } of sources) addSource(image, beam, x, y, flux, 30);
	const noise = flatPlane(side, side, 1);
	const x = Float64Array.from(sources, (s) => s.x);
	const y = Float64Array.from(sources, (s) => s.y);
	const common = { image, noise, x, y, kernels: beam, beam };
	const noiseCorrelation = catalogueNoise(common);
	const measure = (weights: "least-squares" | "optimal") =>
		measureForced({ ...common, noiseCorrelation, options: { weights } });
	return { sources, plain: measure("least-squares"), optimal: measure("optimal") };
}

describe("optimal weights", () => {
	test.each([
		["white", 1, undefined],
		["beam/sqrt2", 0.98, widened(beam, Math.SQRT1_2)],
		["beam", 0.88, beam],
		["sqrt2 beam", 0.55, widened(beam, Math.SQRT2)],
	])("in %s noise: unit pulls, errors %f of those of least squares or less", (name, gain, shape) => {
		const { sources, plain, optimal } = field(name, shape);
		const pull = ({ flux }: { flux: number }, i: number) => (optimal.flux[i] - flux) / optimal.fluxErr[i];
		for (const isPair of [false, true]) {
			const pulls = sources.map(pull).filter((_, i) => sources[i].isPair === isPair);
			expect(Math.abs(standardDeviation(pulls) - 1)).toBeLessThan(3.5 / Math.sqrt(2 * pulls.length) + 0.02);
			expect(Math.abs(mean(pulls))).toBeLessThan(4 / Math.sqrt(pulls.length));
		}
		const ratios = sources.map((_, i) => optimal.fluxErr[i] / plain.fluxErr[i]);
		for (const ratio of ratios) expect(ratio).toBeLessThanOrEqual(1);
		expect(mean(ratios)).toBeLessThanOrEqual(gain + 1e-12);
	});

	test("with noise as smooth as the beam the best error is nearly that of the peak's pixel", () => {
		const input = {
			image: flatPlane(64, 64, 0),
			noise: flatPlane(64, 64, 1),
			x: [32.3],
			y: [31.8],
			kernels: beam,
			noiseCorrelation: gaussianCorrelation(beam),
		};
		// Least squares: sqrt(4/3); generalised least squares: 1, whatever the ridge costs.
		expect(measureForced(input).fluxErr[0]).toBeCloseTo(Math.sqrt(4 / 3), 2);
		const { fluxErr } = measureForced({ ...input, options: { weights: "optimal" } });
		expect(fluxErr[0]).toBeGreaterThan(0.995);
		expect(fluxErr[0]).toBeLessThan(1.06);
	});
});
