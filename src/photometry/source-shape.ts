import type { Beam } from "../sky/beam.ts";

/** Covariance of an elliptical Gaussian on the sky in (east, north), in square degrees of FWHM: ee, en, nn. */
type ShapeCovariance = [ee: number, en: number, nn: number];

function covarianceOf({ majorDeg, minorDeg, paDeg }: Beam): ShapeCovariance {
	const s = Math.sin((paDeg * Math.PI) / 180);
	const c = Math.cos((paDeg * Math.PI) / 180);
	const [major, minor] = [majorDeg * majorDeg, minorDeg * minorDeg];
	return [s * s * major + c * c * minor, s * c * (major - minor), c * c * major + s * s * minor];
}

function shapeOf([ee, en, nn]: ShapeCovariance): Beam {
	const mean = (ee + nn) / 2;
	const half = Math.hypot((ee - nn) / 2, en);
	const pa = (0.5 * Math.atan2(2 * en, nn - ee) * 180) / Math.PI;
	return {
		majorDeg: Math.sqrt(Math.max(0, mean + half)),
		minorDeg: Math.sqrt(Math.max(0, mean - half)),
		paDeg: pa <= -90 ? pa + 180 : pa,
	};
}

/** Two Gaussians one after the other: their covariances add. */
export function convolved(first: Beam, second: Beam): Beam {
	const a = covarianceOf(first);
	const b = covarianceOf(second);
	return shapeOf([a[0] + b[0], a[1] + b[1], a[2] + b[2]]);
}

/** What convolution with `beam` turned into `seen`; an axis along which nothing is left is 0 (Wild 1970). */
export function deconvolved(seen: Beam, beam: Beam): Beam {
	const a = covarianceOf(seen);
	const b = covarianceOf(beam);
	return shapeOf([a[0] - b[0], a[1] - b[1], a[2] - b[2]]);
}

/** A source's size as a catalogue lists it: fitted in an image, beam included. Errors where the catalogue has them. */
export interface ListedShape extends Beam {
	majorErrDeg?: number;
	minorErrDeg?: number;
}

/** An excess of area over the beam below this, or below so many of its errors, is not a resolved source. */
const LEAST_EXCESS = 0.1;
const EXCESS_SIGMAS = 2;

/**
 * The shape with which a source is to be measured in an image, from its fitted size in a catalogue made with another
 * beam: deconvolved by that beam and convolved with this one. Undefined when the source is not significantly larger
 * than the catalogue's beam: then it is measured as a point, since a fitted size carries noise.
 */
export function shapeInImage(listed: ListedShape, catalogueBeam: Beam, imageBeam: Beam): Beam | undefined {
	const { majorDeg, minorDeg, majorErrDeg = 0, minorErrDeg = 0 } = listed;
	if (!(majorDeg > 0 && minorDeg > 0 && Number.isFinite(majorDeg * minorDeg + listed.paDeg))) return undefined;
	const ratio = (majorDeg * minorDeg) / (catalogueBeam.majorDeg * catalogueBeam.minorDeg);
	const error = ratio * Math.hypot((majorErrDeg || 0) / majorDeg, (minorErrDeg || 0) / minorDeg);
	if (!(ratio - 1 > Math.max(LEAST_EXCESS, EXCESS_SIGMAS * error))) return undefined;
	return convolved(deconvolved(listed, catalogueBeam), imageBeam);
}
