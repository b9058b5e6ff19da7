import type { SkyComponents } from "../../photometry/component-sky.ts";
import type { Beam } from "../../sky/beam.ts";

/** Where the pixels of an image and of its maps are. */
export interface ImagePaths {
	image: string;
	noise: string | null;
	background: string | null;
}

/** What decides the numbers of photometry; part of a measurement's configuration. */
export interface PhotometrySettings {
	seedSigma: number;
	floodSigma: number;
	blendRadiusBeams: number;
	upperLimitSigma: number;
	beamGeometry: "reference" | "source";
	/** Weights of forced photometry; least squares when not given. */
	weights?: "least-squares" | "optimal";
}

/** Fitted sizes of a catalogue's sources, FWHM in arcsec and degrees (ICRS) with errors; NaN for points. */
export interface ListedShapes {
	majorArcsec: Float64Array;
	minorArcsec: Float64Array;
	paDeg: Float64Array;
	majorErrArcsec: Float64Array;
	minorErrArcsec: Float64Array;
	/** The beam with which they were fitted; the image's own when not given. */
	beam?: Beam;
}

/** Known places to fit at, instead of looking for sources. */
export interface PriorisedPlaces {
	raDeg: Float64Array;
	decDeg: Float64Array;
	shapes?: ListedShapes;
	stage: 1 | 2 | 3;
}

/** Work on one image. */
export interface ImageTask {
	paths: ImagePaths;
	/** Instead of the header's. */
	beam?: Beam;
	/** Pixels of the image, where known: what its memory is reckoned from. */
	pixels?: number;
}

export interface FindTask extends ImageTask {
	settings: PhotometrySettings;
	/** Negative sources as well. */
	negative?: boolean;
	priorised?: PriorisedPlaces;
}

/** Components of one image, by column. */
export interface FoundImage extends SkyComponents {
	n: number;
	noiseMedianJy: number;
}

export interface MeasureTask extends ImageTask {
	/** The image will be asked for again soon: keep its maps. */
	keep?: boolean;
	settings: PhotometrySettings;
	raDeg: Float64Array;
	decDeg: Float64Array;
	shapes?: ListedShapes;
}

/** Forced fluxes at given positions, in their order. `outside` marks positions that the image does not cover. */
export interface MeasuredPositions {
	fluxJy: Float64Array;
	fluxErrJy: Float64Array;
	localRmsJy: Float64Array;
	snr: Float64Array;
	chi2: Float64Array;
	dof: Int32Array;
	nBlend: Int32Array;
	upperLimitJy: Float64Array;
	flags: string[];
	outside: Uint8Array;
	/** 0-based pixels; NaN where the position cannot be projected. */
	x: Float64Array;
	y: Float64Array;
	noiseMedianJy: number;
}

/** Channels of one file: an image is a cube of one channel. */
export interface SubbandTask extends MeasureTask {
	/** From inclusive to exclusive. */
	channels: readonly [from: number, to: number];
	stokes?: string;
}

/** Forced fluxes in one subband, in the order of the positions; NaN where there is none. */
export interface MeasuredSubband {
	path: string;
	channel: number;
	/** NaN where the header does not say. */
	frequencyHz: number;
	fluxJy: Float64Array;
	fluxErrJy: Float64Array;
	flags: string[];
	/** Why the whole subband is a hole: no beam, or nothing but blank pixels. */
	problem: string | null;
}
