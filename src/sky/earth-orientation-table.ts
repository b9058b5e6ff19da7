import { badInput } from "../error.ts";

/** Earth orientation on a grid of days, to be interpolated with a cubic through four points. */
export interface EarthOrientationTable {
	/** Where the numbers come from, in words. */
	source: string;
	/** MJD UTC of the first point of every series. */
	firstMjd: number;
	/** The last day that rests on measurement; later ones are predicted. */
	lastMeasuredMjd: number;
	stepDays: number;
	/** UT1-TAI in seconds: unlike UT1-UTC it has no jumps. */
	ut1MinusTai: Float64Array;
	/** Coordinates of the pole in seconds of arc. */
	xp: Float64Array;
	yp: Float64Array;
	/** Leap seconds that the built-in list does not have: MJD and TAI-UTC from then on. */
	leapSeconds: readonly (readonly [mjd: number, taiMinusUtc: number])[];
}

/** The same as text: whole units, second differences, letters. */
export interface EncodedEarthOrientation {
	source: string;
	firstMjd: number;
	lastMeasuredMjd: number;
	stepDays: number;
	/** 0.1 ms. */
	ut1MinusTai: string;
	/** Milliseconds of arc. */
	xp: string;
	yp: string;
	leapSeconds: readonly (readonly [number, number])[];
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const UT1_UNIT_S = 1e-4;
const POLE_UNIT_ARCSEC = 1e-3;
/** More than a thousand years of days. */
const MAX_POINTS = 400_000;

/** Whole numbers as their second differences, five bits to a letter, the sixth saying that more follows. */
export function encodeSeries(values: Float64Array, unit: number): string {
	const letters: string[] = [];
	let last = 0;
	let slope = 0;
	for (const value of values) {
		const whole = Math.round(value / unit);
		const bend = whole - last - slope;
		slope = whole - last;
		last = whole;
		let rest = bend < 0 ? -2 * bend - 1 : 2 * bend;
		while (rest >= 32) {
			letters.push(ALPHABET[32 + (rest % 32)]);
			rest = Math.floor(rest / 32);
		}
		letters.push(ALPHABET[rest]);
	}
	return letters.join("");
}

/** The inverse of {@link encodeSeries}. Throws `bad-iers-file` on a foreign letter or an endless series. */
export function decodeSeries(text: string, unit: number): Float64Array {
	const values: number[] = [];
	let last = 0;
	let slope = 0;
	let rest = 0;
	let place = 1;
	for (const letter of text) {
		const code = ALPHABET.indexOf(letter);
		if (code < 0 || place > 2 ** 40 || values.length >= MAX_POINTS) {
			throw badInput("bad-iers-file", "the stored table of earth orientation is damaged", {
				subject: "earth orientation",
				remedy: "Write it anew with caustic iers refresh finals2000A.all",
			});
		}
		rest += (code % 32) * place;
		place *= 32;
		if (code >= 32) continue;
		slope += rest % 2 === 0 ? rest / 2 : -(rest + 1) / 2;
		last += slope;
		values.push(last * unit);
		rest = 0;
		place = 1;
	}
	return Float64Array.from(values);
}

export const encodeTable = (table: EarthOrientationTable): EncodedEarthOrientation => ({
	source: table.source,
	firstMjd: table.firstMjd,
	lastMeasuredMjd: table.lastMeasuredMjd,
	stepDays: table.stepDays,
	ut1MinusTai: encodeSeries(table.ut1MinusTai, UT1_UNIT_S),
	xp: encodeSeries(table.xp, POLE_UNIT_ARCSEC),
	yp: encodeSeries(table.yp, POLE_UNIT_ARCSEC),
	leapSeconds: table.leapSeconds,
});

/** Reads what {@link encodeTable} wrote. Throws `bad-iers-file` when a part is missing or damaged. */
export function decodeTable(encoded: EncodedEarthOrientation): EarthOrientationTable {
	const numbers = [encoded.firstMjd, encoded.lastMeasuredMjd, encoded.stepDays];
	const texts = [encoded.ut1MinusTai, encoded.xp, encoded.yp, encoded.source];
	const complete =
		numbers.every((value) => Number.isFinite(value)) &&
		texts.every((value) => typeof value === "string") &&
		Array.isArray(encoded.leapSeconds) &&
		encoded.stepDays > 0;
	const table = complete
		? {
				...encoded,
				ut1MinusTai: decodeSeries(encoded.ut1MinusTai, UT1_UNIT_S),
				xp: decodeSeries(encoded.xp, POLE_UNIT_ARCSEC),
				yp: decodeSeries(encoded.yp, POLE_UNIT_ARCSEC),
			}
		: undefined;
	if (
		table === undefined ||
		table.ut1MinusTai.length < 4 ||
		table.xp.length !== table.ut1MinusTai.length ||
		table.yp.length !== table.xp.length
	) {
		throw badInput("bad-iers-file", "the stored table of earth orientation is incomplete", {
			subject: "earth orientation",
			remedy: "Write it anew with caustic iers refresh finals2000A.all",
		});
	}
	return table;
}
