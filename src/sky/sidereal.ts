import { RAD_PER_ARCSEC, RAD_PER_DEG, wrapDegrees } from "./angle.ts";
import { earthOrientation } from "./earth-orientation.ts";
import { nutation } from "./nutation.ts";
import { precessionAngles } from "./precession.ts";
import { MJD_J2000, utcToTai, utcToTt } from "./time.ts";

/** A mean sidereal day in seconds of UT1. */
export const SIDEREAL_DAY_S = 86164.0905;

const DAY_S = 86400;

/** Julian centuries of TT since J2000.0 at a UTC instant (MJD). */
export const centuriesTt = (mjdUtc: number) => (utcToTt(mjdUtc) - MJD_J2000) / 36525;

/** UT1 as MJD of a UTC instant. Throws `no-earth-orientation` outside the table of UT1. */
export const utcToUt1 = (mjdUtc: number) => utcToTai(mjdUtc) + earthOrientation(mjdUtc).ut1MinusTai / DAY_S;

/** Earth rotation angle in degrees [0, 360) at UT1 (MJD): IAU 2000, Capitaine et al. 2000. */
export function earthRotationAngle(mjdUt1: number): number {
	const days = mjdUt1 - MJD_J2000;
	// The whole turns are left out before they cost digits.
	return wrapDegrees(360 * ((days % 1) + 0.779057273264 + 0.00273781191135448 * days));
}

/** Greenwich mean sidereal time in degrees [0, 360), IAU 2006: Capitaine et al. 2003, A&A 412, 567. */
export function gmst(mjdUtc: number): number {
	const t = centuriesTt(mjdUtc);
	const arcsec = 0.014506 + t * (4612.156534 + t * (1.3915817 + t * (-0.00000044 + t * (-0.000029956 + t * -3.68e-8))));
	return wrapDegrees(earthRotationAngle(utcToUt1(mjdUtc)) + arcsec / 3600);
}

/**
 * Greenwich apparent sidereal time in degrees [0, 360): mean time plus the equation of the equinoxes with the two
 * largest of its complementary terms (the rest is below 10 microarcseconds). IERS Conventions 2010, section 5.5.7.
 */
export function gast(mjdUtc: number): number {
	const t = centuriesTt(mjdUtc);
	const { dpsi, deps, node } = nutation(t);
	const complementary = (0.00264096 * Math.sin(node) + 0.00006352 * Math.sin(2 * node)) * RAD_PER_ARCSEC;
	const equation = dpsi * Math.cos(precessionAngles(t).obliquity + deps) + complementary;
	return wrapDegrees(gmst(mjdUtc) + equation / RAD_PER_DEG);
}

/** Local apparent sidereal time in degrees [0, 360) at an east longitude in degrees. */
export const localSiderealTime = (mjdUtc: number, longitudeDeg: number): number =>
	wrapDegrees(gast(mjdUtc) + longitudeDeg);
