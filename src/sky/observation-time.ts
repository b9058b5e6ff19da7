import { badInput } from "../error.ts";
import { type HeaderCards, numberCard, textCard } from "./header-cards.ts";
import { parseFitsDate } from "./time.ts";
import { scaleToUtc } from "./time-scale.ts";

/** When an image was observed. */
export interface ObservationTime {
	/** MJD UTC: the middle of the observation, unless `source` says that only its start is known. */
	mjd: number;
	/** Start to end in seconds, when the header tells. */
	durationS?: number;
	/** Which cards it comes from, and what is missing, in words. */
	source: string;
}

/** Durations by preference: elapsed time before time on source, which may be shorter. */
const DURATIONS = ["TELAPSE", "DURATION", "EXPTIME", "EXPOSURE", "XPOSURE"];
/** More than ten years is no observation. */
const LONGEST_S = 10 * 365.25 * 86400;

interface Instant {
	mjd: number;
	keyword: string;
	hasTimeOfDay: boolean;
}

/**
 * Mid-exposure, MJD UTC, from a header in the forms that writers use: MJD-AVG or DATE-AVG; else the middle of BEG and
 * END; else the start (MJD-OBS, DATE-OBS with an optional TIME-OBS, MJD-BEG, DATE-BEG) plus half of TELAPSE, DURATION,
 * EXPTIME, EXPOSURE or XPOSURE (seconds). TIMESYS is honoured. With a start alone the start is returned, and `source`
 * says so.
 *
 * Throws `no-time` when the header has no time, or only the unset date 1858-11-17, and `bad-card` naming a card that
 * cannot be read or that contradicts another.
 */
export function midExposureMjd(header: HeaderCards): ObservationTime {
	const timesys = textCard(header, "TIMESYS") ?? "UTC";
	const utc = (mjd: number) => scaleToUtc(mjd, timesys);
	const note = /^LOCAL$/i.test(timesys) ? ", TIMESYS LOCAL taken as UTC" : "";
	const duration = durationCard(header);
	const begin = instant(header, "BEG");
	const start = instant(header, "OBS") ?? begin;
	const end = instant(header, "END");
	const first = begin ?? start;
	const spanS = first !== undefined && end !== undefined ? (end.mjd - first.mjd) * 86400 : undefined;
	if (spanS !== undefined && !(spanS >= 0 && spanS <= LONGEST_S)) {
		throw badInput("bad-card", `the observation would end ${spanS.toFixed(1)} s after it began`, {
			subject: end?.keyword,
			remedy: "Correct the dates of the header",
		});
	}
	const middle = instant(header, "AVG");
	if (middle !== undefined) {
		return withDuration(utc(middle.mjd), spanS ?? duration?.seconds, middle.keyword + dayOnly(middle) + note);
	}
	if (first !== undefined && end !== undefined) {
		const source = `middle of ${first.keyword} and ${end.keyword}${dayOnly(first) || dayOnly(end)}${note}`;
		return withDuration(utc((first.mjd + end.mjd) / 2), spanS, source);
	}
	if (start === undefined) {
		throw badInput("no-time", "the header does not say when the image was observed", {
			subject: unset(header) ? "DATE-OBS" : "MJD-OBS",
			remedy: unset(header)
				? "Replace the unset date 1858-11-17 by the date of the observation"
				: "Add DATE-OBS or MJD-OBS, with EXPTIME, or MJD-AVG",
		});
	}
	if (duration === undefined) {
		const why = start.hasTimeOfDay
			? `start of the observation (${start.keyword}); its duration is not in the header`
			: `day of the observation (${start.keyword}); neither time of day nor duration is in the header`;
		return { mjd: utc(start.mjd), source: why + note };
	}
	const source = `${start.keyword} plus half of ${duration.keyword}${dayOnly(start)}${note}`;
	return withDuration(utc(start.mjd + duration.seconds / 2 / 86400), duration.seconds, source);
}

const dayOnly = (at: Instant) => (at.hasTimeOfDay ? "" : " (a day without time of day)");

const withDuration = (mjd: number, durationS: number | undefined, source: string): ObservationTime =>
	durationS === undefined ? { mjd, source } : { mjd, durationS, source };

function durationCard(header: HeaderCards): { keyword: string; seconds: number } | undefined {
	for (const keyword of DURATIONS) {
		const seconds = numberCard(header, keyword);
		if (seconds === undefined || seconds === 0) continue;
		if (!(seconds > 0 && seconds <= LONGEST_S)) {
			throw badInput("bad-card", `${seconds} s is not the duration of an observation`, {
				subject: keyword,
				remedy: "Correct the card",
			});
		}
		return { keyword, seconds };
	}
	return undefined;
}

/** MJD-x or DATE-x, whichever is finer; both must agree to a second when both carry a time of day. */
function instant(header: HeaderCards, part: "AVG" | "BEG" | "END" | "OBS"): Instant | undefined {
	const number = mjdCard(header, `MJD-${part}`);
	const date = dateCard(header, part);
	if (number === undefined || date === undefined) return number ?? date;
	if (!date.hasTimeOfDay) return number;
	if (!number.hasTimeOfDay) return date;
	if (Math.abs(number.mjd - date.mjd) * 86400 > 1) {
		throw badInput(
			"bad-card",
			`MJD-${part} and DATE-${part} differ by ${((number.mjd - date.mjd) * 86400).toFixed(1)} s`,
			{
				subject: `MJD-${part}`,
				remedy: `Correct or remove one of them`,
			},
		);
	}
	return date;
}

function mjdCard(header: HeaderCards, keyword: string): Instant | undefined {
	const mjd = numberCard(header, keyword);
	if (mjd === undefined || mjd === 0) return undefined;
	// From 1930 to 2140: a Julian Date or seconds in this card would be far outside.
	if (!(mjd > 25000 && mjd < 100000)) {
		throw badInput("bad-card", `${mjd} is not a Modified Julian Date of a radio observation`, {
			subject: keyword,
			remedy: "Give days since 1858-11-17",
		});
	}
	return { mjd, keyword, hasTimeOfDay: !Number.isInteger(mjd) };
}

function dateCard(header: HeaderCards, part: string): Instant | undefined {
	const keyword = `DATE-${part}`;
	const text = textCard(header, keyword);
	if (text === undefined) return undefined;
	const clock = part === "OBS" && /^[\d/-]+$/.test(text) ? textCard(header, "TIME-OBS") : undefined;
	const day = parseFitsDate(text);
	const date = clock === undefined || day === undefined ? day : parseFitsDate(`1970-01-01T${clock}`);
	if (day === undefined || date === undefined) {
		throw badInput("bad-card", `${JSON.stringify(clock ?? text)} is not a date`, {
			subject: clock === undefined ? keyword : "TIME-OBS",
			remedy: "Write it as 2020-08-03T04:33:55.479",
		});
	}
	// 1858-11-17 is MJD 0: a writer had no date.
	if (Math.floor(day.mjd) === 0) return undefined;
	const mjd = clock === undefined ? day.mjd : day.mjd + (date.mjd - Math.floor(date.mjd));
	return { mjd, keyword, hasTimeOfDay: date.hasTimeOfDay };
}

const unset = (header: HeaderCards) =>
	["DATE-OBS", "DATE-BEG", "DATE-AVG"].some((keyword) => String(header.get(keyword) ?? "").startsWith("1858-11-17"));
