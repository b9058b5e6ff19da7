import { badInput } from "../error.ts";
import { earthOrientationReach, ut1MinusUtc } from "./earth-orientation.ts";
import { MJD_J2000, taiToUtc, ttToUtc } from "./time.ts";

const DAY_S = 86400;
const TAI_MINUS_GPS = 19;

/** TDB minus TT in seconds, to 10 microseconds: Astronomical Almanac's two terms with the next largest. */
export function tdbMinusTt(mjdTt: number): number {
	const t = (mjdTt - MJD_J2000) / 36525;
	// Fairhead & Bretagnon 1990, the terms above 4 microseconds; radians per century.
	return (
		0.001657 * Math.sin(628.3076 * t + 6.2401) +
		0.000022 * Math.sin(575.3385 * t + 4.297) +
		0.000014 * Math.sin(1256.6152 * t + 6.1969) +
		0.000005 * Math.sin(606.9777 * t + 4.0212) +
		0.000005 * Math.sin(52.9691 * t + 0.4444)
	);
}

/** Time scales that a FITS header may name in TIMESYS, by their aliases. */
const SCALES: Record<string, "utc" | "tai" | "tt" | "tdb" | "ut1" | "gps" | "local"> = {
	UTC: "utc",
	UT: "utc",
	GMT: "utc",
	UT1: "ut1",
	TAI: "tai",
	IAT: "tai",
	TT: "tt",
	TDT: "tt",
	ET: "tt",
	TDB: "tdb",
	GPS: "gps",
	LOCAL: "local",
};

/**
 * MJD UTC of an MJD in the time scale that TIMESYS names; realizations such as `TT(TAI)` and `UTC(NIST)` are read by
 * their scale. LOCAL is a clock of its own and taken as UTC. UT1 outside the table of the Earth
 * orientation is taken as UTC, which is 0.9 s at most. Throws `bad-time` for TCG, TCB and unknown scales.
 */
export function scaleToUtc(mjd: number, timesys: string): number {
	const name = timesys
		.trim()
		.toUpperCase()
		.replace(/\(.*\)$/, "");
	switch (SCALES[name]) {
		case "utc":
		case "local":
			return mjd;
		case "ut1":
			return ut1ToUtc(mjd);
		case "tai":
			return taiToUtc(mjd);
		case "tt":
			return ttToUtc(mjd);
		case "tdb":
			return ttToUtc(mjd - tdbMinusTt(mjd) / DAY_S);
		case "gps":
			return taiToUtc(mjd + TAI_MINUS_GPS / DAY_S);
		default:
			throw badInput("bad-time", `the time scale ${JSON.stringify(timesys)} is not supported`, {
				subject: "TIMESYS",
				remedy: "Use UTC, TAI, TT, TDB, GPS or UT1",
			});
	}
}

function ut1ToUtc(mjdUt1: number): number {
	const { firstMjd, lastMjd } = earthOrientationReach();
	const known = mjdUt1 > firstMjd + 1 && mjdUt1 < lastMjd - 1;
	return known ? mjdUt1 - ut1MinusUtc(mjdUt1) / DAY_S : mjdUt1;
}
