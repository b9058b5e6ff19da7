import { badInput } from "../error.ts";
import { BUNDLED_EARTH_ORIENTATION } from "./data/earth-orientation.ts";
import { decodeTable, type EarthOrientationTable } from "./earth-orientation-table.ts";
import { addLeapSeconds, lastLeapSecond, taiMinusUtc } from "./leap-seconds.ts";
import { mjdToIso } from "./time.ts";

/** How the Earth stood at an instant. */
export interface EarthOrientation {
	/** Seconds. */
	ut1MinusUtc: number;
	ut1MinusTai: number;
	/** Coordinates of the pole, seconds of arc. */
	xp: number;
	yp: number;
	quality: "measured" | "predicted";
}

/** How far the table in use reaches. */
export interface EarthOrientationReach {
	source: string;
	firstMjd: number;
	lastMeasuredMjd: number;
	/** The last instant for which UT1-UTC is known at all. */
	lastMjd: number;
	lastLeapSecond: { mjd: number; taiMinusUtc: number };
}

let active: EarthOrientationTable | undefined;

const table = (): EarthOrientationTable => {
	active ??= decodeTable(BUNDLED_EARTH_ORIENTATION);
	return active;
};

/** Uses another table than the built-in one in this thread from now on, with its leap seconds; undefined: the built-in one. */
export function useEarthOrientation(other: EarthOrientationTable | undefined): void {
	active = other;
	addLeapSeconds(other?.leapSeconds ?? []);
}

/** The table in use if it is not the built-in one: threads know nothing of each other's. */
export const earthOrientationInUse = (): EarthOrientationTable | undefined => active;

/** The reach of the table in use, for the user and for refusing data beyond it. */
export function earthOrientationReach(): EarthOrientationReach {
	const { source, firstMjd, lastMeasuredMjd, stepDays, ut1MinusTai } = table();
	return {
		source,
		firstMjd,
		lastMeasuredMjd,
		lastMjd: firstMjd + (ut1MinusTai.length - 1) * stepDays,
		lastLeapSecond: lastLeapSecond(),
	};
}

/**
 * UT1-UTC and the pole at an instant (MJD UTC), interpolated in the table in use: within 0.7 ms and 40 mas of the
 * published daily values since 1973, the glitches of the 1980s included (typically 0.04 ms and 0.2 mas). Throws `no-earth-orientation` outside the table.
 */
export function earthOrientation(mjdUtc: number): EarthOrientation {
	const { firstMjd, lastMeasuredMjd, stepDays, ut1MinusTai, xp, yp } = table();
	const lastMjd = firstMjd + (ut1MinusTai.length - 1) * stepDays;
	if (!(mjdUtc >= firstMjd && mjdUtc <= lastMjd)) {
		const reach = `${mjdToIso(firstMjd).slice(0, 10)} to ${mjdToIso(lastMjd).slice(0, 10)}`;
		throw badInput("no-earth-orientation", `UT1-UTC is known from ${reach}, not at MJD ${mjdUtc}`, {
			subject: "earth orientation",
			remedy: "Refresh the table: caustic iers refresh finals2000A.all (from the IERS)",
		});
	}
	const fromTai = cubic(ut1MinusTai, (mjdUtc - firstMjd) / stepDays);
	return {
		ut1MinusUtc: fromTai + taiMinusUtc(mjdUtc),
		ut1MinusTai: fromTai,
		xp: cubic(xp, (mjdUtc - firstMjd) / stepDays),
		yp: cubic(yp, (mjdUtc - firstMjd) / stepDays),
		// The day after the last measured one begins where that day's value still counts.
		quality: mjdUtc <= lastMeasuredMjd ? "measured" : "predicted",
	};
}

/** UT1 minus UTC in seconds; see {@link earthOrientation}. */
export const ut1MinusUtc = (mjdUtc: number): number => earthOrientation(mjdUtc).ut1MinusUtc;

/** Cubic through the four points about a place of the grid, the same four at its ends. */
function cubic(values: Float64Array, place: number): number {
	const i = Math.max(1, Math.min(values.length - 3, Math.floor(place)));
	const t = place - i;
	return (
		(-t * (t - 1) * (t - 2) * values[i - 1]) / 6 +
		((t + 1) * (t - 1) * (t - 2) * values[i]) / 2 -
		((t + 1) * t * (t - 2) * values[i + 1]) / 2 +
		((t + 1) * t * (t - 1) * values[i + 2]) / 6
	);
}
