import { badInput } from "../error.ts";
import { dayHasLeapSecond, taiMinusUtc } from "./leap-seconds.ts";

/** Modified Julian Date of J2000.0 (TT). */
export const MJD_J2000 = 51544.5;
/** MJD of 1970-01-01, where the clocks of computers begin. */
const MJD_UNIX = 40587;
const DAY_S = 86400;
const TT_MINUS_TAI = 32.184;

/** Whole MJD of a day of the Gregorian calendar; undefined when there is no such day. */
export function calendarToMjd(year: number, month: number, day: number): number | undefined {
	if (![year, month, day].every(Number.isInteger) || month < 1 || month > 12 || day < 1) return undefined;
	// Days from civil date, counting from 1 March so that the leap day comes last.
	const y = month <= 2 ? year - 1 : year;
	const era = Math.floor(y / 400);
	const yearOfEra = y - era * 400;
	const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
	const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
	const mjd = era * 146097 + dayOfEra - 678881;
	const back = mjdToCalendar(mjd);
	return back.year === year && back.month === month && back.day === day ? mjd : undefined;
}

/** Day of the Gregorian calendar of a whole MJD. */
export function mjdToCalendar(mjd: number): { year: number; month: number; day: number } {
	const z = Math.floor(mjd) + 678881;
	const era = Math.floor(z / 146097);
	const dayOfEra = z - era * 146097;
	const yearOfEra = Math.floor(
		(dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36524) - Math.floor(dayOfEra / 146096)) / 365,
	);
	const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
	const shifted = Math.floor((5 * dayOfYear + 2) / 153);
	const month = shifted < 10 ? shifted + 3 : shifted - 9;
	const day = dayOfYear - Math.floor((153 * shifted + 2) / 5) + 1;
	return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day };
}

export interface ParsedDate {
	/** In the time scale the text was written in. */
	mjd: number;
	/** False when the text is a day only. */
	hasTimeOfDay: boolean;
}

const ISO = /^([+-]?\d{4,5})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2}(?:\.\d*)?))?(Z)?)?$/;
const OLD = /^(\d{1,2})\/(\d{1,2})\/(\d{2})$/;

/**
 * A date of a FITS header: `2020-08-03T04:33:55.479`, `2020-08-03`, or the form DD/MM/YY of the twentieth century.
 * Undefined when the text is none of these or no such instant exists. 23:59:60 is read on days with a leap second.
 *
 * On such a day MJD runs slower, so that the day still ends at the next whole number, as in the SOFA library.
 */
export function parseFitsDate(text: string): ParsedDate | undefined {
	const trimmed = text.trim();
	const old = OLD.exec(trimmed);
	if (old !== null) {
		const mjd = calendarToMjd(1900 + Number(old[3]), Number(old[2]), Number(old[1]));
		return mjd === undefined ? undefined : { mjd, hasTimeOfDay: false };
	}
	const match = ISO.exec(trimmed);
	if (match === null) return undefined;
	const [year, month, date, hour, minute, second] = match.slice(1, 7).map((part) => Number(part ?? 0));
	const day = calendarToMjd(year, month, date);
	if (day === undefined) return undefined;
	const leap = dayHasLeapSecond(day) ? 1 : 0;
	const lastMinute = hour === 23 && minute === 59;
	const midnight = hour === 24 && minute === 0 && second === 0;
	if (!midnight && (hour > 23 || minute > 59 || second >= 60 + (lastMinute ? leap : 0))) return undefined;
	return {
		mjd: day + (hour * 3600 + minute * 60 + second) / (DAY_S + (midnight ? 0 : leap)),
		hasTimeOfDay: match[4] !== undefined,
	};
}

/**
 * MJD (UTC) of an ISO 8601 instant in UTC.
 * Throws `bad-time` naming the subject when the text is no such instant.
 */
export function isoToMjd(text: string, subject = "time"): number {
	const date = parseFitsDate(text);
	if (date === undefined) {
		throw badInput("bad-time", `${JSON.stringify(text)} is not a date and time`, {
			subject,
			remedy: "Write it as 2022-03-15T09:53:22.239 (UTC)",
		});
	}
	return date.mjd;
}

/** ISO 8601 text of an instant, MJD UTC, with the given decimals of the second (rounded, at most 9). */
export function mjdToIso(mjd: number, decimals = 3): string {
	if (!Number.isFinite(mjd) || Math.abs(mjd) > 2e6) {
		throw badInput("bad-time", `MJD ${mjd} is not an instant`, {
			subject: "mjd",
			remedy: "Give a Modified Julian Date",
		});
	}
	const units = 10 ** decimals;
	let day = Math.floor(mjd);
	let length = DAY_S + (dayHasLeapSecond(day) ? 1 : 0);
	let ticks = Math.round((mjd - day) * length * units);
	if (ticks >= length * units) {
		day += 1;
		ticks = 0;
		length = DAY_S;
	}
	const seconds = ticks / units;
	const inLeap = seconds >= DAY_S;
	const hour = inLeap ? 23 : Math.floor(ticks / (3600 * units));
	const minute = inLeap ? 59 : Math.floor(ticks / (60 * units)) - 60 * hour;
	const rest = (ticks - (hour * 3600 + minute * 60) * units) / units;
	const { year, month, day: date } = mjdToCalendar(day);
	const two = (n: number) => String(n).padStart(2, "0");
	const secondText = rest.toFixed(decimals).padStart(decimals === 0 ? 2 : decimals + 3, "0");
	const yearText =
		year >= 0 && year <= 9999
			? String(year).padStart(4, "0")
			: `${year < 0 ? "-" : "+"}${String(Math.abs(year)).padStart(5, "0")}`;
	return `${yearText}-${two(month)}-${two(date)}T${two(hour)}:${two(minute)}:${secondText}`;
}

/** Milliseconds since 1970 (as `Date` counts, without leap seconds) to MJD UTC. */
export const unixToMjd = (milliseconds: number) => MJD_UNIX + milliseconds / (1000 * DAY_S);
/** MJD UTC to milliseconds since 1970. */
export const mjdToUnix = (mjd: number) => (mjd - MJD_UNIX) * 1000 * DAY_S;

/** Seconds of the UTC day at an instant: 86,401 on a day with a leap second. */
const dayLength = (mjdUtc: number) => DAY_S + (dayHasLeapSecond(Math.floor(mjdUtc)) ? 1 : 0);

/** TAI as MJD of a UTC instant. */
export function utcToTai(mjdUtc: number): number {
	const day = Math.floor(mjdUtc);
	const stretch = dayHasLeapSecond(day) ? (mjdUtc - day) * (dayLength(mjdUtc) - DAY_S) : 0;
	return mjdUtc + (taiMinusUtc(day >= 41317 ? day : mjdUtc) + stretch) / DAY_S;
}

/** UTC as MJD of a TAI instant. */
export function taiToUtc(mjdTai: number): number {
	let utc = mjdTai - taiMinusUtc(mjdTai) / DAY_S;
	// The difference is a small, almost constant number: the second round is exact save on the leap second itself.
	for (let round = 0; round < 3; round++) utc -= utcToTai(utc) - mjdTai;
	return utc;
}

/** Terrestrial Time as MJD of a UTC instant. */
export const utcToTt = (mjdUtc: number) => utcToTai(mjdUtc) + TT_MINUS_TAI / DAY_S;
export const ttToUtc = (mjdTt: number) => taiToUtc(mjdTt - TT_MINUS_TAI / DAY_S);

/** Julian epoch (year) of a TT instant. */
export const julianEpoch = (mjdTt: number) => 2000 + (mjdTt - MJD_J2000) / 365.25;
/** MJD (TT) of a Julian epoch. */
export const julianEpochToMjd = (year: number) => MJD_J2000 + (year - 2000) * 365.25;
