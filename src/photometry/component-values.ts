import { FWHM_PER_SIGMA, kernelAxes, type PixelKernel } from "../sky/beam.ts";
import { COMPONENT_FLAG, type FoundComponent } from "./component.ts";
import { fitCovariance } from "./fit-covariance.ts";
import type { FitGroup } from "./fit-group.ts";
import { PARAMETERS } from "./gaussian-fit.ts";
import { integratedError, integratedFlux } from "./integrated-flux.ts";
import type { MapSet } from "./islands.ts";
import { kernelSum } from "./kernel-overlap.ts";
import type { NoiseCorrelation } from "./noise-correlation.ts";
import type { ResidualMap } from "./residual-map.ts";

const NO_SHAPE = [Number.NaN, Number.NaN, Number.NaN, Number.NaN, Number.NaN, Number.NaN] as const;

/** A position that was not fitted is that of a pixel: its size, and what noise does to where a source peaks. */
function unfittedPosition(snr: number, beam: PixelKernel): [number, number, number] {
	const variance = 1 / 12 + (kernelAxes(beam).majorPx / FWHM_PER_SIGMA / snr) ** 2;
	return [variance, 0, variance];
}

/** The components of a fitted group with their errors under the noise's correlation; ids are given later. */
export function groupComponents(
	group: FitGroup,
	residual: ResidualMap,
	maps: MapSet,
	beam: PixelKernel,
	correlation: NoiseCorrelation,
	sign: 1 | -1,
): FoundComponent[] {
	const { parameters, freedom } = group;
	const pixels = group.pixels === undefined ? undefined : residual.read(group.pixels);
	const columns = freedom.reduce<number>((sum, free) => sum + free, 0);
	const covariance =
		pixels !== undefined && pixels.count >= columns
			? fitCovariance(pixels, parameters, freedom, correlation).covariance
			: new Float64Array(columns * columns).fill(Number.NaN);
	// With most of a source missing the covariance is no covariance: then there is no error to report.
	let fitted = true;
	for (let p = 0; p < columns; p++) if (!(covariance[p * columns + p] > 0)) fitted = false;
	if (!fitted) covariance.fill(Number.NaN);
	const { width, height } = maps.image;
	let offset = 0;
	return freedom.map((free, index): FoundComponent => {
		const own = parameters.subarray(index * PARAMETERS, (index + 1) * PARAMETERS);
		const [peak, x, y, a, b, c] = own;
		const at = (p: number, q: number) => covariance[(offset + p) * columns + offset + q];
		const column = Math.max(0, Math.min(width - 1, Math.round(x)));
		const row = Math.max(0, Math.min(height - 1, Math.round(y)));
		const rms = maps.noise.data[row * width + column];
		const component: FoundComponent = {
			islandId: group.island[index],
			componentId: 0,
			x,
			y,
			peak: sign * peak,
			// Where no fit was possible the noise of a pixel stands for the error.
			peakError: fitted ? Math.sqrt(at(0, 0)) : rms,
			integrated: sign * integratedFlux(peak, { a, b, c }, beam),
			integratedError: fitted
				? integratedError(own, covariance, free, columns, offset, beam)
				: (rms * kernelSum({ a, b, c })) / kernelSum(beam),
			kernel: { a, b, c },
			positionCovariance: fitted && free >= 3 ? [at(1, 1), at(1, 2), at(2, 2)] : unfittedPosition(peak / rms, beam),
			shapeCovariance: free === 6 ? [at(3, 3), at(3, 4), at(3, 5), at(4, 4), at(4, 5), at(5, 5)] : NO_SHAPE,
			localRms: rms,
			background: maps.background === undefined ? 0 : maps.background.data[row * width + column],
			snr: (sign * peak) / rms,
			flags: group.flags[index] | (sign < 0 ? COMPONENT_FLAG.negative : 0) | (fitted ? 0 : COMPONENT_FLAG.not_fitted),
		};
		offset += free;
		return component;
	});
}
