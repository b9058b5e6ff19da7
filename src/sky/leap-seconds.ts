/**
 * TAI minus UTC. Whole seconds since 1972; before that UTC also ran at another rate than TAI: seconds at the start,
 * then seconds per day after a reference MJD. IERS Bulletin C; before 1972 the US Naval Observatory's tai-utc list.
 */
const STEPS: readonly (readonly [mjd: number, seconds: number])[] = [
	[41317, 10],
	[41499, 11],
	[41683, 12],
	[42048, 13],
	[42413, 14],
	[42778, 15],
	[43144, 16],
	[43509, 17],
	[43874, 18],
	[44239, 19],
	[44786, 20],
	[45151, 21],
	[45516, 22],
	[46247, 23],
	[47161, 24],
	[47892, 25],
	[48257, 26],
	[48804, 27],
	[49169, 28],
	[49534, 29],
	[50083, 30],
	[50630, 31],
	[51179, 32],
	[53736, 33],
	[54832, 34],
	[56109, 35],
	[57204, 36],
	[57754, 37],
];

const DRIFTS: readonly (readonly [mjd: number, seconds: number, reference: number, perDay: number])[] = [
	[37300, 1.422818, 37300, 0.001296],
	[37512, 1.372818, 37300, 0.001296],
	[37665, 1.845858, 37665, 0.0011232],
	[38334, 1.945858, 37665, 0.0011232],
	[38395, 3.24013, 38761, 0.001296],
	[38486, 3.34013, 38761, 0.001296],
	[38639, 3.44013, 38761, 0.001296],
	[38761, 3.54013, 38761, 0.001296],
	[38820, 3.64013, 38761, 0.001296],
	[38942, 3.74013, 38761, 0.001296],
	[39004, 3.84013, 38761, 0.001296],
	[39126, 4.31317, 39126, 0.002592],
	[39887, 4.21317, 39126, 0.002592],
];

/** Leap seconds decided after this release, from a refreshed table: MJD of the day they begin and TAI-UTC from then on. */
let later: readonly (readonly [number, number])[] = [];

/**
 * Adds leap seconds that were announced after the built-in list, in order of time; replaces earlier additions.
 * Entries that the list already has are left out.
 */
export function addLeapSeconds(entries: readonly (readonly [mjd: number, taiMinusUtc: number])[]): void {
	const last = STEPS[STEPS.length - 1][0];
	later = entries.filter(([mjd]) => mjd > last);
}

/** TAI minus UTC in seconds at a UTC instant. Before 1961 the first known value, drifting backwards, is used. */
export function taiMinusUtc(mjdUtc: number): number {
	for (let i = later.length - 1; i >= 0; i--) if (mjdUtc >= later[i][0]) return later[i][1];
	for (let i = STEPS.length - 1; i >= 0; i--) if (mjdUtc >= STEPS[i][0]) return STEPS[i][1];
	for (let i = DRIFTS.length - 1; i >= 0; i--) {
		const [from, seconds, reference, perDay] = DRIFTS[i];
		if (mjdUtc >= from || i === 0) return seconds + (Math.max(mjdUtc, from) - reference) * perDay;
	}
	return 0;
}

/** Whether the UTC day that begins at this whole MJD ends with a leap second. */
export const dayHasLeapSecond = (day: number): boolean => day >= 41317 && taiMinusUtc(day + 1) - taiMinusUtc(day) > 0.5;

/** The newest leap second known, for the user to judge the table's age. */
export function lastLeapSecond(): { mjd: number; taiMinusUtc: number } {
	const [mjd, seconds] = later[later.length - 1] ?? STEPS[STEPS.length - 1];
	return { mjd, taiMinusUtc: seconds };
}
