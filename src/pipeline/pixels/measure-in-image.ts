import { catalogueNoise } from "../../photometry/catalogue-noise.ts";
import { flagNames } from "../../photometry/flags.ts";
import { measureForced } from "../../photometry/forced.ts";
import { type Beam, pixelKernel } from "../../sky/beam.ts";
import { openImage } from "./open-image.ts";
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
	const { image, noise, background, kernel, noiseMedianJy } = await openImage(paths, beam);
	const { x, y } = image.wcs.icrsToPixels(raDeg, decDeg);
	const { width, height } = image.plane;
	const outside = Uint8Array.from(raDeg, (_, i) =>
		x[i] >= -0.5 && x[i] < width - 0.5 && y[i] >= -0.5 && y[i] < height - 0.5 ? 0 : 1,
	);
	const resolved = Uint8Array.from(raDeg, (_, i) => ((shapes?.majorArcsec[i] ?? 0) > 0 ? 1 : 0));
	const plain = settings.beamGeometry === "reference" && !resolved.includes(1);
	const kernelOf = (i: number) => {
		if (outside[i] === 1) return kernel;
		const jacobian =
			settings.beamGeometry === "reference" ? image.wcs.referenceJacobian : image.wcs.jacobianAt(x[i], y[i]);
		return pixelKernel(
			resolved[i] === 1 && shapes !== undefined ? seenThrough(image.beam, shapes, i) : image.beam,
			jacobian,
		);
	};
	const kernels = plain ? kernel : Array.from(raDeg, (_, i) => kernelOf(i));
	const sources = { image: image.plane, noise, background, x, y, kernels, resolved, beam: kernel };
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

/** A catalogue's shape, which is that on the sky, as this beam shows it: the sum of the two as covariances. */
function seenThrough(beam: Beam, shapes: NonNullable<MeasureTask["shapes"]>, i: number): Beam {
	const covariance = (major: number, minor: number, paDeg: number) => {
		const [s, c] = [Math.sin((paDeg * Math.PI) / 180), Math.cos((paDeg * Math.PI) / 180)];
		return [
			s * s * major ** 2 + c * c * minor ** 2,
			s * c * (major ** 2 - minor ** 2),
			c * c * major ** 2 + s * s * minor ** 2,
		];
	};
	const own = covariance(
		shapes.majorArcsec[i] / 3600,
		(shapes.minorArcsec[i] || shapes.majorArcsec[i]) / 3600,
		shapes.paDeg[i] || 0,
	);
	const [ee, en, nn] = covariance(beam.majorDeg, beam.minorDeg, beam.paDeg).map((value, k) => value + own[k]);
	const half = Math.hypot((ee - nn) / 2, en);
	return {
		majorDeg: Math.sqrt((ee + nn) / 2 + half),
		minorDeg: Math.sqrt((ee + nn) / 2 - half),
		paDeg: (0.5 * Math.atan2(2 * en, nn - ee) * 180) / Math.PI,
	};
}
