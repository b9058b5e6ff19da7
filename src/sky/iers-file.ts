import { badInput } from "../error.ts";
import type { EarthOrientationTable } from "./earth-orientation-table.ts";
import { lastLeapSecond, taiMinusUtc } from "./leap-seconds.ts";

/** Earth orientation day by day, as the IERS publishes it: UT1-UTC in seconds and the pole in seconds of arc. */
export interface DailyEarthOrientation {
	/** Whole MJD of the first day; one entry a day follows without a gap. */
	firstMjd: number;
	ut1MinusUtc: number[];
	xp: number[];
	yp: number[];
	/** The last day that rests on measurement. */
	lastMeasuredMjd: number;
}

/** The largest text that is looked at: the whole history is 4 MB. */
const MAX_LENGTH = 64e6;
/** Grid of the compact table, days: the fastest zonal tides (5 days and up) stay below a millisecond between them. */
export const STEP_DAYS = 3;

interface Day {
	mjd: number;
	ut1: number;
	x: number;
	y: number;
	measured: boolean;
}

/**
 * Reads `finals2000A.all` (or `.data`, `.daily`) or an EOP C04 series (`eopc04.1962-now`, old and new columns).
 * Throws `bad-iers-file` naming the line when the text is neither, a day is missing or a number is impossible.
 */
export function parseIersFile(text: string, subject: string): DailyEarthOrientation {
	if (text.length > MAX_LENGTH) throw problem(subject, "the file is far larger than any IERS series");
	const lines = text.split(/\r?\n/);
	const days: Day[] = [];
	lines.forEach((line, i) => {
		const day = finalsLine(line) ?? c04Line(line);
		if (day === undefined) return;
		const name = `${subject} line ${i + 1}`;
		if (!(Math.abs(day.ut1) < 2 && Math.abs(day.x) < 2 && Math.abs(day.y) < 2)) {
			throw problem(name, "UT1-UTC or the pole is out of range");
		}
		const previous = days[days.length - 1];
		if (previous !== undefined && day.mjd !== previous.mjd + 1) {
			throw problem(name, `MJD ${day.mjd} does not follow MJD ${previous.mjd}`);
		}
		days.push(day);
	});
	if (days.length < 30) throw problem(subject, "no series of days with UT1-UTC in it");
	const measured = days.filter((day) => day.measured);
	return {
		firstMjd: days[0].mjd,
		ut1MinusUtc: days.map((day) => day.ut1),
		xp: days.map((day) => day.x),
		yp: days.map((day) => day.y),
		lastMeasuredMjd: measured[measured.length - 1]?.mjd ?? days[0].mjd - 1,
	};
}

const problem = (subject: string, message: string) =>
	badInput("bad-iers-file", message, {
		subject,
		remedy: "Give finals2000A.all or eopc04.1962-now as the IERS publishes them",
	});

/** A line of Bulletin A in fixed columns; the final values of Bulletin B where it has them. */
function finalsLine(line: string): Day | undefined {
	if (!/^[ \d]{6} \d{5}\.\d\d [IP ]/.test(line)) return undefined;
	const field = (from: number, to: number) => {
		const value = line.slice(from, to).trim();
		return value === "" ? Number.NaN : Number(value);
	};
	const rapid = { x: field(18, 27), y: field(37, 46), ut1: field(58, 68) };
	const final = { x: field(134, 144), y: field(144, 154), ut1: field(154, 165) };
	const hasFinal = Number.isFinite(final.x + final.y + final.ut1);
	const { x, y, ut1 } = hasFinal ? final : rapid;
	// The last lines of the file carry days for which nothing is predicted yet.
	if (!Number.isFinite(x + y + ut1)) return undefined;
	return { mjd: Math.round(field(7, 15)), x, y, ut1, measured: hasFinal || line[57] === "I" };
}

/** A line of C04: date, MJD (after an hour in the newer form), pole, UT1-UTC. */
function c04Line(line: string): Day | undefined {
	if (!/^\d{4}\s+\d{1,2}\s+\d{1,2}\s/.test(line)) return undefined;
	const words = line.trim().split(/\s+/).map(Number);
	const at = words[3] < 24 ? 4 : 3;
	const [mjd, x, y, ut1] = words.slice(at, at + 4);
	if (!Number.isFinite(mjd + x + y + ut1)) return undefined;
	return { mjd: Math.floor(mjd), x, y, ut1, measured: true };
}

/** A series continued by another after its last day, for instance C04 by the predictions of Bulletin A. */
export function continueSeries(first: DailyEarthOrientation, second: DailyEarthOrientation): DailyEarthOrientation {
	const end = first.firstMjd + first.ut1MinusUtc.length;
	const skip = end - second.firstMjd;
	if (skip < 0) throw problem("second series", `it begins on MJD ${second.firstMjd}, after a gap from MJD ${end}`);
	return {
		firstMjd: first.firstMjd,
		ut1MinusUtc: [...first.ut1MinusUtc, ...second.ut1MinusUtc.slice(skip)],
		xp: [...first.xp, ...second.xp.slice(skip)],
		yp: [...first.yp, ...second.yp.slice(skip)],
		lastMeasuredMjd: Math.max(first.lastMeasuredMjd, second.lastMeasuredMjd),
	};
}

/**
 * The compact table of a daily series from `fromMjd` on. Leap seconds newer than those built in are recognised by the
 * jump of UT1-UTC, so that a refreshed table brings them along.
 */
export function tabulate(daily: DailyEarthOrientation, source: string, fromMjd = 41684): EarthOrientationTable {
	const skip = Math.max(0, fromMjd - daily.firstMjd);
	const firstMjd = daily.firstMjd + skip;
	const known = lastLeapSecond();
	const leapSeconds: [number, number][] = [];
	const ut1MinusTai: number[] = [];
	let extra = 0;
	for (let i = skip; i < daily.ut1MinusUtc.length; i++) {
		const mjd = daily.firstMjd + i;
		const jump = i === 0 ? 0 : Math.round(daily.ut1MinusUtc[i] - daily.ut1MinusUtc[i - 1]);
		if (jump !== 0 && mjd > known.mjd) {
			extra += jump;
			leapSeconds.push([mjd, known.taiMinusUtc + extra]);
		}
		ut1MinusTai.push(daily.ut1MinusUtc[i] - (mjd >= known.mjd ? known.taiMinusUtc + extra : taiMinusUtc(mjd)));
	}
	const every = (values: number[], step: number) => Float64Array.from(values.filter((_, i) => i % step === 0));
	return {
		source,
		firstMjd,
		lastMeasuredMjd: daily.lastMeasuredMjd,
		stepDays: STEP_DAYS,
		ut1MinusTai: every(ut1MinusTai, STEP_DAYS),
		xp: every(daily.xp.slice(skip), STEP_DAYS),
		yp: every(daily.yp.slice(skip), STEP_DAYS),
		leapSeconds,
	};
}
