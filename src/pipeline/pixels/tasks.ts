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
}

export interface FindTask {
	paths: ImagePaths;
	settings: PhotometrySettings;
}

/** Components of one image, by column. Angles in degrees and arcsec, fluxes in Jy. */
export interface FoundImage {
	n: number;
	raDeg: Float64Array;
	decDeg: Float64Array;
	raErrArcsec: Float64Array;
	decErrArcsec: Float64Array;
	peakJy: Float64Array;
	peakErrJy: Float64Array;
	intJy: Float64Array;
	intErrJy: Float64Array;
	majorArcsec: Float64Array;
	minorArcsec: Float64Array;
	paDeg: Float64Array;
	localRmsJy: Float64Array;
	flags: string[];
	noiseMedianJy: number;
}

export interface MeasureTask {
	paths: ImagePaths;
	settings: PhotometrySettings;
	raDeg: Float64Array;
	decDeg: Float64Array;
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
	noiseMedianJy: number;
}
