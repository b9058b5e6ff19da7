import { kernelAxes, type PixelKernel } from "../sky/beam.ts";
import { COMPONENT_FLAG, type FoundComponent } from "./component.ts";
import type { Island, MapSet } from "./islands.ts";
import { kernelSum } from "./kernel-overlap.ts";
import type { NoiseCorrelation } from "./noise-correlation.ts";

/**
 * An island that is too large to be fitted, by its moments: highest pixel, sum over the beam's area, centroid, and the
 * Gaussian with its second moments. The pixels are read now; errors are those of the correlation that is given later.
 */
export function islandMoments(
	maps: MapSet,
	island: Island,
	beam: PixelKernel,
	sign: 1 | -1,
): (correlation: NoiseCorrelation) => FoundComponent {
	const { image, noise, background } = maps;
	let highest = -Infinity;
	let at = 0;
	let sum = 0;
	let sx = 0;
	let sy = 0;
	let sxx = 0;
	let sxy = 0;
	let syy = 0;
	let variance = 0;
	for (let k = 0; k < island.runs.length; k += 3) {
		const y = island.runs[k];
		for (let x = island.runs[k + 1]; x < island.runs[k + 2]; x++) {
			const p = y * image.width + x;
			const value = sign * (image.data[p] - (background === undefined ? 0 : background.data[p]));
			if (value > highest) {
				highest = value;
				at = p;
			}
			const dx = x - island.x0;
			const dy = y - island.y0;
			sum += value;
			sx += value * dx;
			sy += value * dy;
			sxx += value * dx * dx;
			sxy += value * dx * dy;
			syy += value * dy * dy;
			variance += noise.data[p] * noise.data[p];
		}
	}
	const mx = sx / sum;
	const my = sy / sum;
	// Moments can only be widened by noise and cut by the threshold: never narrower than a pixel.
	const vxx = Math.max(1 / 12, sxx / sum - mx * mx);
	const vyy = Math.max(1 / 12, syy / sum - my * my);
	const limit = 0.999 * Math.sqrt(vxx * vyy);
	const vxy = Math.max(-limit, Math.min(limit, sxy / sum - mx * my));
	const det = vxx * vyy - vxy * vxy;
	const kernel = { a: vyy / (2 * det), b: -vxy / det, c: vxx / (2 * det) };
	const area = kernelSum(beam);
	const rms = noise.data[at];
	const base = background === undefined ? 0 : background.data[at];
	const positionError = (rms / highest) * kernelAxes(beam).majorPx;
	return (correlation) => ({
		islandId: island.id,
		componentId: 0,
		x: island.x0 + mx,
		y: island.y0 + my,
		peak: sign * highest,
		peakError: rms,
		integrated: (sign * sum) / area,
		integratedError: Math.sqrt(variance * sharing(correlation, island.pixels)) / area,
		kernel,
		positionCovariance: [positionError ** 2, 0, positionError ** 2],
		shapeCovariance: [Number.NaN, Number.NaN, Number.NaN, Number.NaN, Number.NaN, Number.NaN],
		localRms: rms,
		background: base,
		snr: (sign * highest) / rms,
		flags: COMPONENT_FLAG.too_large | (sign < 0 ? COMPONENT_FLAG.negative : 0),
	});
}

/** Each pixel shares its noise with its neighbours: the variance of a sum grows by the area of the correlation. */
function sharing(correlation: NoiseCorrelation, pixels: number): number {
	let correlated = 0;
	for (const rho of correlation.table) correlated += rho;
	return Math.max(1, Math.min(correlated, pixels));
}
