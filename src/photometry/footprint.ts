import type { PixelKernel } from "../sky/beam.ts";
import { fitCovariance } from "./fit-covariance.ts";
import { PARAMETERS } from "./gaussian-fit.ts";
import { integratedError } from "./integrated-flux.ts";
import type { NoiseCorrelation } from "./noise-correlation.ts";

/**
 * Pixels where any of the components (PARAMETERS numbers each) exceeds `level` of its own peak, as ascending indices
 * into a plane. A region set by the model and not by the noise: a fit to the pixels above a threshold is biased.
 */
export function footprint(
	parameters: Float64Array,
	level: number,
	width: number,
	height: number,
	limit = Infinity,
): number[] {
	const exponent = -Math.log(level);
	const spans: [number, number, number][] = [];
	for (let p = 0; p < parameters.length; p += PARAMETERS) {
		const x = parameters[p + 1];
		const y = parameters[p + 2];
		const a = parameters[p + 3];
		const b = parameters[p + 4];
		const c = parameters[p + 5];
		const det = 4 * a * c - b * b;
		const reach = Math.sqrt((4 * a * exponent) / det);
		for (let yy = Math.max(0, Math.ceil(y - reach)); yy <= Math.min(height - 1, Math.floor(y + reach)); yy++) {
			const dy = yy - y;
			const centre = x - (b * dy) / (2 * a);
			const half = Math.sqrt(Math.max(0, (exponent - (det / (4 * a)) * dy * dy) / a));
			const x0 = Math.max(0, Math.ceil(centre - half));
			const x1 = Math.min(width - 1, Math.floor(centre + half));
			if (x1 >= x0) spans.push([yy, x0, x1]);
		}
	}
	if (parameters.length > PARAMETERS) spans.sort((p, q) => p[0] - q[0] || p[1] - q[1]);
	const pixels: number[] = [];
	let last = -1;
	for (const [y, x0, x1] of spans) {
		for (let x = x0; x <= x1; x++) {
			const p = y * width + x;
			if (p <= last) continue;
			pixels.push(p);
			last = p;
			if (pixels.length >= limit) return pixels;
		}
	}
	return pixels;
}

const LEVELS = [0.5, 0.4, 0.3, 0.2, 0.1, 0.05];
/** The largest footprint whose integrated flux is within this of the best one is taken: more pixels, fewer accidents. */
const ALLOWANCE = 1.03;

/**
 * The level of the footprint at which a source of the beam's shape is measured best under the noise's correlation. White
 * noise wants every pixel; noise as smooth as the beam is read off the core, where more pixels add more noise than
 * signal to a least-squares fit.
 */
export function bestFootprintLevel(beam: PixelKernel, correlation: NoiseCorrelation): number {
	const { a, b, c } = beam;
	const det = 4 * a * c - b * b;
	const reach = Math.ceil(Math.sqrt((4 * Math.max(a, c) * -Math.log(LEVELS[LEVELS.length - 1])) / det)) + 1;
	const side = 2 * reach + 1;
	const parameters = Float64Array.of(1, reach + 0.3, reach - 0.2, a, b, c);
	const errors = LEVELS.map((level) => {
		const list = footprint(parameters, level, side, side, 4000);
		if (list.length < 12) return Infinity;
		const n = list.length;
		const pixels = {
			count: n,
			x: Float64Array.from(list, (p) => p % side),
			y: Float64Array.from(list, (p) => Math.floor(p / side)),
			data: new Float64Array(n),
			rms: new Float64Array(n).fill(1e-3),
		};
		const { covariance } = fitCovariance(pixels, parameters, [6], correlation);
		return integratedError(parameters, covariance, 6, 6, 0, beam);
	});
	const best = Math.min(...errors);
	if (best === Infinity) return LEVELS[LEVELS.length - 1];
	for (let k = LEVELS.length - 1; k > 0; k--) if (errors[k] <= ALLOWANCE * best) return LEVELS[k];
	return LEVELS[0];
}
