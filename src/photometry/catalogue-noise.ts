import { kernelAxes, type PixelKernel } from "../sky/beam.ts";
import { measureForced } from "./forced.ts";
import type { ForcedInput } from "./forced-plan.ts";
import { correlationTiles, measureNoiseCorrelation } from "./noise-autocorrelation.ts";
import { beamCorrelation, type NoiseCorrelation } from "./noise-correlation.ts";

/** How much farther than one beam from a tile a source still counts there. */
const MARGIN_BEAMS = 3;

/**
 * The noise correlation of an image whose sources are listed: their fluxes are measured where the image is looked at
 * (fluxes do not depend on the correlation, only their errors do), subtracted, and what is left is correlated.
 */
export function catalogueNoise(
	input: Omit<ForcedInput, "noiseCorrelation"> & { beam: PixelKernel },
	maxPixels?: number,
): NoiseCorrelation {
	const { image, noise, background, x, y, kernels, beam } = input;
	const list = Array.isArray(kernels) ? kernels : undefined;
	const margin = MARGIN_BEAMS * kernelAxes(beam).majorPx;
	const { boxes } = correlationTiles(image.width, image.height, beam, maxPixels);
	const near: number[] = [];
	for (let i = 0; i < x.length; i++) {
		const inside = boxes.some(
			(box) =>
				x[i] > box.x0 - margin &&
				y[i] > box.y0 - margin &&
				x[i] < box.x0 + box.width + margin &&
				y[i] < box.y0 + box.height + margin,
		);
		if (inside) near.push(i);
	}
	const nearX = Float64Array.from(near, (i) => x[i]);
	const nearY = Float64Array.from(near, (i) => y[i]);
	const { flux } = measureForced({
		...input,
		x: nearX,
		y: nearY,
		kernels: list === undefined ? kernels : near.map((i) => list[i]),
		resolved: undefined,
		noiseCorrelation: beamCorrelation(beam),
	});
	return measureNoiseCorrelation(image, noise, background, beam, {
		maxPixels,
		sources: { x: nearX, y: nearY, flux },
	});
}
