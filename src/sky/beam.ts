/** An elliptical Gaussian on the sky: full widths at half maximum in degrees, position angle east of north. */
export interface Beam {
	majorDeg: number;
	minorDeg: number;
	paDeg: number;
}

/** FWHM = 2 sqrt(2 ln 2) sigma. */
export const FWHM_PER_SIGMA = 2 * Math.sqrt(2 * Math.LN2);

/** How the sky moves under the pixels at one place: d(east, north)/d(x, y), in degrees per pixel. */
export interface PixelJacobian {
	eastPerX: number;
	eastPerY: number;
	northPerX: number;
	northPerY: number;
}

/**
 * An elliptical Gaussian in pixels, of unit peak: k = exp(-(a dx^2 + b dx dy + c dy^2)).
 * Rotation, unequal pixel axes and CD matrices are all inside the three numbers.
 */
export interface PixelKernel {
	a: number;
	b: number;
	c: number;
}

/**
 * The beam as the pixels see it: Q_pix = J^T Q_sky J with Q_sky = M M^T/(2 sM^2) + m m^T/(2 sm^2), where
 * M = (sin PA, cos PA) and m = (cos PA, -sin PA) in (east, north) and sM, sm are the sigmas along the axes.
 */
export function pixelKernel(beam: Beam, jacobian: PixelJacobian): PixelKernel {
	const major = beam.majorDeg / FWHM_PER_SIGMA;
	const minor = beam.minorDeg / FWHM_PER_SIGMA;
	const angle = (beam.paDeg * Math.PI) / 180;
	const sin = Math.sin(angle);
	const cos = Math.cos(angle);
	const inverseMajor = 1 / (2 * major * major);
	const inverseMinor = 1 / (2 * minor * minor);
	const ee = sin * sin * inverseMajor + cos * cos * inverseMinor;
	const en = sin * cos * (inverseMajor - inverseMinor);
	const nn = cos * cos * inverseMajor + sin * sin * inverseMinor;
	const { eastPerX: ex, eastPerY: ey, northPerX: nx, northPerY: ny } = jacobian;
	return {
		a: ee * ex * ex + 2 * en * ex * nx + nn * nx * nx,
		b: 2 * (ee * ex * ey + en * (ex * ny + ey * nx) + nn * nx * ny),
		c: ee * ey * ey + 2 * en * ey * ny + nn * ny * ny,
	};
}

/** Full widths at half maximum of a pixel kernel along its own axes, in pixels, and the angle of the major one from x. */
export function kernelAxes(kernel: PixelKernel): { majorPx: number; minorPx: number; angleRad: number } {
	const { a, b, c } = kernel;
	const mean = (a + c) / 2;
	const half = Math.hypot((a - c) / 2, b / 2);
	// exp(-q r^2) falls to one half at r = sqrt(ln 2 / q); the smaller eigenvalue belongs to the longer axis.
	return {
		majorPx: 2 * Math.sqrt(Math.LN2 / (mean - half)),
		minorPx: 2 * Math.sqrt(Math.LN2 / (mean + half)),
		angleRad: 0.5 * Math.atan2(-b, c - a),
	};
}
