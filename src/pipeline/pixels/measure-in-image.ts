import { catalogueNoise } from "../../photometry/catalogue-noise.ts";
import { flagNames } from "../../photometry/flags.ts";
import { measureForced } from "../../photometry/forced.ts";
import { openImage } from "./open-image.ts";
import { positionsInImage } from "./positions.ts";
import type { MeasuredPositions, MeasureTask } from "./tasks.ts";

/** Forced photometry of one image at given positions. */
export async function measureInImage({
	paths,
	settings,
	raDeg,
	decDeg,
	beam,
	shapes,
}: MeasureTask): Promise<MeasuredPositions> {
	const open = await openImage(paths, beam);
	const { image, noise, background, kernel, noiseMedianJy } = open;
	const { outside, ...places } = positionsInImage(open, raDeg, decDeg, shapes, settings.beamGeometry);
	const { x, y } = places;
	const sources = { image: image.plane, noise, background, ...places, beam: kernel };
	const fluxes = measureForced({
		...sources,
		noiseCorrelation: catalogueNoise(sources),
		options: { blendBeams: settings.blendRadiusBeams, limitSigma: settings.upperLimitSigma },
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
