import { FORCED_FLAG, flagNames } from "../../photometry/flags.ts";
import { measureForced } from "../../photometry/forced.ts";
import { pixelKernel } from "../../sky/beam.ts";
import { openImage } from "./open-image.ts";
import type { MeasuredPositions, MeasureTask } from "./tasks.ts";

/** Forced photometry of one image at given positions. */
export async function measureInImage({ paths, settings, raDeg, decDeg }: MeasureTask): Promise<MeasuredPositions> {
	const { image, noise, background, kernel, correlation, noiseMedianJy } = await openImage(paths);
	const { x, y } = image.wcs.icrsToPixels(raDeg, decDeg);
	const { width, height } = image.plane;
	const outside = Uint8Array.from(raDeg, (_, i) =>
		x[i] >= -0.5 && x[i] < width - 0.5 && y[i] >= -0.5 && y[i] < height - 0.5 ? 0 : 1,
	);
	const kernels =
		settings.beamGeometry === "reference"
			? kernel
			: Array.from(raDeg, (_, i) =>
					outside[i] === 1 ? kernel : pixelKernel(image.beam, image.wcs.jacobianAt(x[i], y[i])),
				);
	const fluxes = measureForced({
		image: image.plane,
		noise,
		background,
		x,
		y,
		kernels,
		beam: kernel,
		noiseCorrelation: correlation,
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
		flags: Array.from(fluxes.flags, (mask) => flagNames(mask & ~FORCED_FLAG.off_image).join("|")),
		outside,
		noiseMedianJy,
	};
}
