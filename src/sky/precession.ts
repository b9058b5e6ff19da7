import { RAD_PER_ARCSEC } from "./angle.ts";
import { aboutX, aboutZ, type Matrix3, product, transpose } from "./rotation.ts";

/** Angles in radians that carry the celestial reference system to the mean or true equator and equinox of date. */
export interface FukushimaWilliams {
	gamma: number;
	phi: number;
	psi: number;
	/** Mean obliquity of the ecliptic of date. */
	obliquity: number;
}

const polynomial = (t: number, coefficients: readonly number[]) =>
	coefficients.reduceRight((sum, coefficient) => sum * t + coefficient, 0);

/**
 * Precession with frame bias, IAU 2006, as the four Fukushima-Williams angles.
 * Hilton et al. 2006, Celest. Mech. Dyn. Astron. 94, 351, table 1; IERS Conventions 2010, eq. 5.40.
 *
 * @param centuries Julian centuries of TT since J2000.0
 */
export function precessionAngles(centuries: number): FukushimaWilliams {
	const t = centuries;
	return {
		gamma: polynomial(t, [-0.052928, 10.556378, 0.4932044, -0.00031238, -0.000002788, 2.6e-8]) * RAD_PER_ARCSEC,
		phi: polynomial(t, [84381.412819, -46.811016, 0.0511268, 0.00053289, -4.4e-7, -1.76e-8]) * RAD_PER_ARCSEC,
		psi: polynomial(t, [-0.041775, 5038.481484, 1.5584175, -0.00018522, -0.000026452, -1.48e-8]) * RAD_PER_ARCSEC,
		obliquity: polynomial(t, [84381.406, -46.836769, -0.0001831, 0.0020034, -5.76e-7, -4.34e-8]) * RAD_PER_ARCSEC,
	};
}

/** From the celestial reference system to the equator and equinox that the angles describe. */
export const fukushimaWilliamsMatrix = (angles: FukushimaWilliams): Matrix3 =>
	product(aboutX(-angles.obliquity), aboutZ(-angles.psi), aboutX(angles.phi), aboutZ(angles.gamma));

/** Mean equator and equinox of J2000.0 to those of another Julian epoch (a year, TT), IAU 2006, without frame bias. */
export function precessionFromJ2000(julianYear: number): Matrix3 {
	if (julianYear === 2000) return [1, 0, 0, 0, 1, 0, 0, 0, 1];
	const date = fukushimaWilliamsMatrix(precessionAngles((julianYear - 2000) / 100));
	return product(date, transpose(fukushimaWilliamsMatrix(precessionAngles(0))));
}
