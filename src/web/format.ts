/** How numbers, times and positions are written; a missing value is a dash, never a zero. */
export const MISSING = "–";

const isNumber = (value: number | null | undefined): value is number =>
	value !== null && value !== undefined && Number.isFinite(value);

export const fixed = (value: number | null | undefined, digits: number): string =>
	isNumber(value) ? value.toFixed(digits) : MISSING;

/** Three significant figures, powers of ten where they are shorter. */
export function short(value: number | null | undefined, figures = 3): string {
	if (!isNumber(value)) return MISSING;
	if (value === 0) return "0";
	const size = Math.abs(value);
	if (size >= 1e5 || size < 1e-3 || (figures === 1 && size >= 1e4)) {
		const [mantissa, exponent] = value.toExponential(figures - 1).split("e");
		return `${mantissa}×10${superscript(Number(exponent))}`;
	}
	return value.toPrecision(figures).includes("e") ? value.toFixed(0) : value.toPrecision(figures);
}

const DIGITS = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const superscript = (value: number): string =>
	`${value < 0 ? "⁻" : ""}${[...String(Math.abs(value))].map((digit) => DIGITS[Number(digit)]).join("")}`;

export const count = (value: number): string => value.toLocaleString("en-US").replaceAll(",", "\u202f");

/** Flux in the unit that suits it. */
export function flux(jy: number | null | undefined): string {
	if (!isNumber(jy)) return MISSING;
	const size = Math.abs(jy);
	if (size >= 1) return `${jy.toFixed(3)} Jy`;
	if (size >= 1e-3) return `${(jy * 1e3).toPrecision(4)} mJy`;
	return `${(jy * 1e6).toFixed(0)} µJy`;
}

export const frequency = (mhz: number): string => `${Number.isInteger(mhz) ? mhz : mhz.toFixed(1)} MHz`;

const MJD_OF_UNIX_EPOCH = 40_587;
const DAY_MS = 86_400_000;

export const dateOfMjd = (mjd: number): Date => new Date((mjd - MJD_OF_UNIX_EPOCH) * DAY_MS);

export const mjdText = (mjd: number | null | undefined, digits = 2): string => fixed(mjd, digits);

export const dateText = (date: Date): string => date.toISOString().slice(0, 16).replace("T", " ");

export const mjdDate = (mjd: number | null | undefined): string =>
	isNumber(mjd) ? dateText(dateOfMjd(mjd)).slice(0, 10) : MISSING;

/** UTC, to the second. */
export const moment = (text: string | null): string =>
	text === null ? MISSING : new Date(text).toISOString().slice(0, 19).replace("T", " ");

export function duration(seconds: number | null | undefined): string {
	if (!isNumber(seconds)) return MISSING;
	if (seconds < 1) return `${(seconds * 1e3).toFixed(0)} ms`;
	if (seconds < 100) return `${seconds.toFixed(1)} s`;
	if (seconds < 6000) return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
	return `${(seconds / 3600).toFixed(1)} h`;
}

export const secondsBetween = (from: string | null, to: string | null): number | null =>
	from === null ? null : ((to === null ? Date.now() : Date.parse(to)) - Date.parse(from)) / 1000;

export function bytes(value: number): string {
	const units = ["B", "kB", "MB", "GB", "TB"];
	let size = value;
	let unit = 0;
	while (size >= 1000 && unit < units.length - 1) {
		size /= 1000;
		unit += 1;
	}
	return `${size >= 100 || unit === 0 ? size.toFixed(0) : size.toFixed(1)} ${units[unit]}`;
}

const pad = (value: number, width: number) => String(value).padStart(width, "0");

/** Right ascension as hours, minutes, seconds. */
export function hours(raDeg: number): string {
	const hundredths = Math.round((((raDeg % 360) + 360) % 360) * 24_000) % (24 * 360_000);
	const s = hundredths % 6000;
	const m = Math.floor(hundredths / 6000) % 60;
	return `${pad(Math.floor(hundredths / 360_000), 2)}ʰ${pad(m, 2)}ᵐ${pad(Math.floor(s / 100), 2)}.${pad(s % 100, 2)}ˢ`;
}

/** Declination as degrees, minutes, seconds. */
export function degrees(decDeg: number): string {
	const tenths = Math.round(Math.abs(decDeg) * 36_000);
	const s = tenths % 600;
	return `${decDeg < 0 ? "−" : "+"}${pad(Math.floor(tenths / 36_000), 2)}°${pad(Math.floor(tenths / 600) % 60, 2)}′${pad(Math.floor(s / 10), 2)}.${s % 10}″`;
}

/** `a|b` as words. */
export const flagText = (flags: string): string => flags.split("|").join(", ").replaceAll("_", " ");

export const words = (name: string): string =>
	name
		.replaceAll("_", " ")
		.replace(/([a-z])([A-Z])/g, (_, low: string, high: string) => `${low} ${high.toLowerCase()}`);
