import type { EarthOrientationReach } from "../../sky/earth-orientation.ts";
import { earthOrientation } from "../../sky/earth-orientation.ts";
import { mjdToIso, unixToMjd } from "../../sky/time.ts";

const day = (mjd: number) => mjdToIso(mjd).slice(0, 10);

/** The reach of the table in use as a record for machines. */
export function reachRecord(reach: EarthOrientationReach, nowMs: number) {
	const today = unixToMjd(nowMs);
	const known = today >= reach.firstMjd && today <= reach.lastMjd;
	return {
		source: reach.source,
		first_day: day(reach.firstMjd),
		last_measured_day: day(reach.lastMeasuredMjd),
		last_day: day(reach.lastMjd),
		days_left: Math.floor(reach.lastMjd - today),
		ut1_minus_utc_today_s: known ? Number(earthOrientation(today).ut1MinusUtc.toFixed(4)) : null,
		last_leap_second: day(reach.lastLeapSecond.mjd),
		tai_minus_utc_s: reach.lastLeapSecond.taiMinusUtc,
	};
}

/** The same for people. */
export function reachText(reach: EarthOrientationReach, nowMs: number): string {
	const record = reachRecord(reach, nowMs);
	const left =
		record.days_left >= 0
			? `${record.days_left} days from today`
			: `it ended ${-record.days_left} days ago: run caustic iers refresh finals2000A.all`;
	const today = record.ut1_minus_utc_today_s === null ? "unknown" : `${record.ut1_minus_utc_today_s} s`;
	return [
		`table            ${record.source}`,
		`UT1-UTC known    ${record.first_day} to ${record.last_day} (${left})`,
		`measured until   ${record.last_measured_day}`,
		`UT1-UTC today    ${today}`,
		`TAI-UTC          ${record.tai_minus_utc_s} s since ${record.last_leap_second}`,
		"",
	].join("\n");
}
