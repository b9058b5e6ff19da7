import type { Config } from "../../config/schema.ts";
import type { PhotometrySettings } from "./tasks.ts";

export const photometrySettings = ({ images, photometry_pipeline: photometry }: Config): PhotometrySettings => ({
	seedSigma: photometry.seed_sigma,
	floodSigma: photometry.flood_sigma,
	blendRadiusBeams: photometry.blend_radius_beams,
	upperLimitSigma: photometry.upper_limit_sigma,
	beamGeometry: images.beam_geometry,
	weights: photometry.weights,
});
