import { RAD_PER_ARCSEC, RAD_PER_DEG } from "./angle.ts";
import { aboutY, aboutZ, type Matrix3, product } from "./rotation.ts";

/** MJD (TT) of the beginning of a Besselian year, Lieske 1979, A&A 73, 282. */
export const besselianYearToMjd = (year: number) => 15019.81352 + (year - 1900) * 365.242198781;

export const mjdToJulianYear = (mjd: number) => 2000 + (mjd - 51544.5) / 365.25;

/** Mean equator and equinox of one Besselian year to those of another, by Newcomb's angles as FK4 uses them. */
export function newcombPrecession(fromYear: number, toYear: number): Matrix3 {
	// Explanatory Supplement (1992), 3.214; millennia of tropical years, seconds of arc.
	const t = (fromYear - 1850) / 1000;
	const d = (toYear - fromYear) / 1000;
	const common = 23035.545 + 139.72 * t + 0.06 * t * t;
	const zeta = d * (common + d * (30.24 - 0.27 * t + d * 17.995));
	const z = d * (common + d * (109.48 + 0.39 * t + d * 18.325));
	const theta = d * (20051.12 - 85.29 * t - 0.37 * t * t + d * (-42.65 - 0.37 * t - d * 41.8));
	return product(aboutZ(-z * RAD_PER_ARCSEC), aboutY(theta * RAD_PER_ARCSEC), aboutZ(-zeta * RAD_PER_ARCSEC));
}

/**
 * FK4 without E-terms at B1950 to FK5 at J2000 for a source without proper motion in an inertial frame, given the
 * epoch at which it had its FK4 place: FK4 rotates. Murray 1989, A&A 218, 325, equations 28 and 29.
 */
export function murrayMatrix(epochMjd: number): Matrix3 {
	const t = (mjdToJulianYear(epochMjd) - 1950) / 100;
	return [
		0.9999256794956877 - 2.6455262e-9 * t,
		-0.0111814832204662 - 1.1539918689e-6 * t,
		-0.0048590038153592 + 2.111134619e-6 * t,
		0.0111814832391717 + 1.1540628161e-6 * t,
		0.9999374848933135 - 1.29042997e-8 * t,
		-0.0000271625947142 + 2.36021478e-8 * t,
		0.0048590037723143 - 2.1112979048e-6 * t,
		-0.000027170293744 - 5.6024448e-9 * t,
		0.9999881946023742 + 1.02587734e-8 * t,
	];
}

/**
 * E-terms of aberration, the part of annual aberration due to the eccentricity of the Earth's orbit that FK4 mean
 * places contain: a vector to be subtracted from the FK4 direction. Explanatory Supplement (1992), 3.531.
 */
export function eTermsVector(equinoxYear: number): [number, number, number] {
	const t = (besselianYearToMjd(equinoxYear) - besselianYearToMjd(1950)) / 36525;
	const constant = 0.0056932 * RAD_PER_DEG;
	const eccentricity = 0.01673011 + t * (-0.00004193 - t * 0.000000126);
	const perigee = (1015489.951 + t * (6190.67 + t * (1.65 + t * 0.012))) * RAD_PER_ARCSEC;
	const j2000 = (besselianYearToMjd(equinoxYear) - 51544.5) / 36525;
	const obliquity = (84381.448 + j2000 * (-46.815 + j2000 * (-0.00059 + j2000 * 0.001813))) * RAD_PER_ARCSEC;
	const size = eccentricity * constant;
	return [
		size * Math.sin(perigee),
		-size * Math.cos(perigee) * Math.cos(obliquity),
		-size * Math.cos(perigee) * Math.sin(obliquity),
	];
}
