import { catalogueNoise } from "../../photometry/catalogue-noise.ts";
import { flagNames } from "../../photometry/flags.ts";
import { measureForced } from "../../photometry/forced.ts";
import { type OpenImage, openImage } from "./open-image.ts";
import { positionsInImage } from "./positions.ts";
import type { MeasuredPositions, MeasureTask } from "./tasks.ts";

/** Forced photometry of one image at given positions. */
export const measureInImage = async (task: MeasureTask): Promise<MeasuredPositions> =>
	measureOpen(await openImage(task.paths, task.beam), task);

/** Forced photometry of an image that is open. */
export function measureOpen(
	open: OpenImage,
	{ settings, raDeg, decDeg, shapes }: Omit<MeasureTask, "paths" | "beam">,
): MeasuredPositions {
	const { image, maps, kernel } = open;
	const { noise, noiseMedianJy } = maps;
	const { outside, ...places } = positionsInImage(open, raDeg, decDeg, shapes, settings.beamGeometry);
	const { x, y } = places;
	const sources = { image: image.plane, noise, ...places, beam: kernel };
	const fluxes = measureForced({
		...sources,
		noiseCorrelation: catalogueNoise(sources),
		options: { blendBeams: settings.blendRadiusBeams, limitSigma: settings.upperLimitSigma, weights: settings.weights },
	});
	return {
		fluxJy: fluxes.flux,
		fluxErrJy: fluxes.fluxErr,
		localRmsJy: fluxes.localRms,
		snr: fluxes.snr,
		chi2: fluxes.chi2,
		dof: fluxes.dof,
		nBlend: fluxes.nBlend,
		upperLimitJy: fluxes.upperLimit,
		flags: Array.from(fluxes.flags, (mask) => flagNames(mask).join("|")),
		outside,
		x,
		y,
		noiseMedianJy,
	};
}
