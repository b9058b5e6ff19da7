import { badInput } from "../error.ts";

/** Bands of the VLA calibrator list by their letters, and the frequencies that their flux densities stand for. */
export const LIST_BANDS = {
	P: 0.327e9,
	L: 1.45e9,
	C: 4.86e9,
	X: 8.44e9,
	U: 14.94e9,
	K: 22.46e9,
	Q: 43.34e9,
} as const;

export type BandLetter = keyof typeof LIST_BANDS;

/** How far a source serves a VLA configuration: less than 3, 10 percent of amplitude error, with care, not at all. */
export type CalibratorQuality = "P" | "S" | "W" | "X";

/** One row of the list: a source in a band. */
export interface CalibratorBand {
	band: BandLetter;
	frequencyHz: number;
	/** Undefined where the list has none, or zero, which is how it says so. */
	fluxJy: number | undefined;
	/** For the VLA's configurations, A the longest; undefined where the list does not say. */
	quality: Record<"A" | "B" | "C" | "D", CalibratorQuality | undefined>;
	/** Baselines for which the source serves, kilo-wavelengths; undefined where the list sets no limit. */
	uvMinKilolambda: number | undefined;
	uvMaxKilolambda: number | undefined;
}

/** A source of a calibrator list. */
export interface Calibrator {
	/** J2000 name of the list, for instance `1331+305`. */
	name: string;
	/** Other names: B1950, catalogue. */
	aliases: string[];
	/** ICRS, degrees. */
	raDeg: number;
	decDeg: number;
	/** The list's class of position: A below 2 mas, B 2 to 10 mas, C 10 to 150 mas, T above; undefined when it has none. */
	positionClass: string | undefined;
	/** In order of frequency. */
	bands: CalibratorBand[];
}

export interface CalibratorList {
	calibrators: Calibrator[];
	/** What could not be read, row by row (1-based, the heading is row 1), with the reason. */
	problems: { row: number; reason: string }[];
}

const COLUMNS = ["J2000_NAME", "RA_J2000", "DEC_J2000", "BAND", "BAND_CODE", "FLUX_JY"];
const WAVELENGTHS: Record<string, BandLetter> = {
	"90cm": "P",
	"20cm": "L",
	"6cm": "C",
	"4cm": "X",
	"3.7cm": "X",
	"3.6cm": "X",
	"2cm": "U",
	"1.3cm": "K",
	"0.7cm": "Q",
};
/** The whole list has five thousand rows. */
const MAX_ROWS = 1_000_000;

/**
 * Reads the VLA calibrator list as CSV: one row per source and band with the columns J2000_NAME, B1950_NAME, PC_J2000,
 * RA_J2000 (`13h31m08.287984s`), DEC_J2000 (`30d30'32.958850"`), ALT_NAME, BAND, BAND_CODE, A, B, C, D (quality per
 * configuration), FLUX_JY, UVMIN_kL, UVMAX_kL; `NaN` and empty are "no value".
 *
 * Throws `bad-calibrator-list` when a column is missing or no row can be read; a row that cannot be read is named in
 * `problems`.
 */
export function parseCalibratorList(text: string, subject: string): CalibratorList {
	const lines = text.split(/\r?\n/);
	if (lines.length > MAX_ROWS) throw problem(subject, "the list has more than a million rows");
	const heading = csvFields(lines[0] ?? "").map((name) => name.trim().toUpperCase());
	const missing = COLUMNS.filter((name) => !heading.includes(name));
	if (missing.length > 0) throw problem(subject, `it has no column ${missing.join(", ")}`);
	const byName = new Map<string, Calibrator>();
	const problems: CalibratorList["problems"] = [];
	lines.forEach((line, i) => {
		if (i === 0 || line.trim() === "") return;
		const fields = csvFields(line);
		const field = (name: string) => {
			const value = fields[heading.indexOf(name)]?.trim() ?? "";
			return /^nan$/i.test(value) ? "" : value;
		};
		const reason = addRow(byName, field);
		if (reason !== undefined) problems.push({ row: i + 1, reason });
	});
	if (byName.size === 0) throw problem(subject, problems[0]?.reason ?? "it has no rows");
	const calibrators = [...byName.values()];
	for (const calibrator of calibrators) calibrator.bands.sort((a, b) => a.frequencyHz - b.frequencyHz);
	return { calibrators, problems };
}

const problem = (subject: string, message: string) =>
	badInput("bad-calibrator-list", message, {
		subject,
		remedy: "Give the VLA calibrator list as CSV, one row per source and band",
	});

/** Adds a row to its source; the reason when it cannot be read. */
function addRow(byName: Map<string, Calibrator>, field: (name: string) => string): string | undefined {
	const name = field("J2000_NAME");
	if (name === "") return "no name";
	const raDeg = sexagesimal(field("RA_J2000"), 15);
	const decDeg = sexagesimal(field("DEC_J2000"), 1);
	if (!(raDeg >= 0 && raDeg < 360)) return `${name}: RA ${JSON.stringify(field("RA_J2000"))} cannot be read`;
	if (!(Math.abs(decDeg) <= 90)) return `${name}: Dec ${JSON.stringify(field("DEC_J2000"))} cannot be read`;
	let calibrator = byName.get(name);
	if (calibrator === undefined) {
		calibrator = {
			name,
			aliases: [field("B1950_NAME"), field("ALT_NAME")].filter((alias) => alias !== "" && alias !== name),
			raDeg,
			decDeg,
			positionClass: field("PC_J2000") || undefined,
			bands: [],
		};
		byName.set(name, calibrator);
	}
	const code = field("BAND_CODE").toUpperCase();
	const band = WAVELENGTHS[field("BAND").toLowerCase().replaceAll(" ", "")];
	if (band === undefined) return `${name}: band ${JSON.stringify(field("BAND"))} is unknown`;
	// One row of the real list says 20 cm and X: which it is nobody knows, so it must not become a flux density at either.
	if (code !== "" && code !== band) return `${name}: band ${field("BAND")} has the letter ${code}, not ${band}`;
	if (calibrator.bands.some((other) => other.band === band)) return `${name}: band ${band} occurs twice`;
	const flux = numberOf(field("FLUX_JY"));
	const quality = (configuration: string) => {
		const letter = field(configuration).toUpperCase();
		return letter === "P" || letter === "S" || letter === "W" || letter === "X" ? letter : undefined;
	};
	calibrator.bands.push({
		band,
		frequencyHz: LIST_BANDS[band],
		fluxJy: flux !== undefined && flux > 0 ? flux : undefined,
		quality: { A: quality("A"), B: quality("B"), C: quality("C"), D: quality("D") },
		uvMinKilolambda: numberOf(field("UVMIN_KL")),
		uvMaxKilolambda: numberOf(field("UVMAX_KL")),
	});
	return undefined;
}

function numberOf(text: string): number | undefined {
	const value = text === "" ? Number.NaN : Number(text);
	return Number.isFinite(value) ? value : undefined;
}

/** Degrees of `13h31m08.2s`, `-17d27'11.7"` or `13:31:08.2` (hours when `perUnit` is 15); NaN when it is none of these. */
function sexagesimal(text: string, perUnit: number): number {
	const match = /^([+-]?)(\d{1,3})[hd:° ](\d{1,2})[m':′ ](\d{1,2}(?:\.\d*)?)[s"″]*$/.exec(text.trim());
	if (match === null) return Number.NaN;
	const [, sign, whole, minutes, seconds] = match;
	if (Number(minutes) >= 60 || Number(seconds) >= 60) return Number.NaN;
	const value = (Number(whole) + Number(minutes) / 60 + Number(seconds) / 3600) * perUnit;
	return sign === "-" ? -value : value;
}

/** The fields of a line of CSV; a quoted field may hold commas and doubled quotes. */
function csvFields(line: string): string[] {
	const fields: string[] = [];
	let at = 0;
	while (at <= line.length) {
		if (line[at] === '"') {
			let value = "";
			at += 1;
			for (;;) {
				const end = line.indexOf('"', at);
				if (end < 0) {
					value += line.slice(at);
					at = line.length;
					break;
				}
				value += line.slice(at, end);
				at = end + 1;
				if (line[at] !== '"') break;
				value += '"';
				at += 1;
			}
			const comma = line.indexOf(",", at);
			fields.push(value);
			if (comma < 0) break;
			at = comma + 1;
		} else {
			const comma = line.indexOf(",", at);
			fields.push(comma < 0 ? line.slice(at) : line.slice(at, comma));
			if (comma < 0) break;
			at = comma + 1;
		}
	}
	return fields;
}
