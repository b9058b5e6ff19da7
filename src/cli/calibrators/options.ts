import { type Calibrator, parseCalibratorList } from "../../calibration/calibrator-list.ts";
import { STANDARD_CALIBRATORS } from "../../calibration/calibrators.ts";
import { airyBeam, measuredBeam, parseMeasuredBeam } from "../../calibration/primary-beam.ts";
import type { BeamResponse } from "../../calibration/sky-model.ts";
import type { CalibratorChoice } from "../../calibration/transiting.ts";
import { badInput } from "../../error.ts";
import { arrayCentre, parseStationList } from "../../formats/station-list.ts";
import { readTextFile } from "../../formats/text-file.ts";
import { type Site, siteToItrf } from "../../sky/site.ts";
import { isoToMjd } from "../../sky/time.ts";
import { type Invocation, numberOption, type OptionSpec, stringOption } from "../command.ts";

/** Options that choose calibrators: the list, the frequency and the beam they are seen through. */
export const CHOICE_OPTIONS: Record<string, OptionSpec> = {
	list: {
		type: "string",
		value: "CSV",
		help: "the VLA calibrator list",
		default: "the standard sources of Perley & Butler 2017",
	},
	"min-flux": {
		type: "string",
		value: "JY",
		help: "least flux density through the beam",
		default: "1",
	},
	configuration: {
		type: "string",
		value: "A|B|C|D",
		help: "VLA configuration with baselines like the array's: leave out sources unusable there (DSA-110: C)",
	},
	diameter: { type: "string", value: "M", help: "dish diameter, for the Airy beam", default: "4.65" },
	beam: {
		type: "string",
		value: "CSV",
		help: "measured beam instead of the Airy pattern: angle_deg, power, optionally frequency_mhz",
	},
};

export const FREQUENCY_OPTION: Record<string, OptionSpec> = {
	"frequency-mhz": { type: "string", value: "MHZ", help: "observing frequency", default: "1405" },
};

/** The list of the options, with a warning on standard error about rows that cannot be read. */
export function calibratorsOption(invocation: Invocation): readonly Calibrator[] {
	const path = stringOption(invocation, "list");
	if (path === undefined) return STANDARD_CALIBRATORS;
	const { calibrators, problems } = parseCalibratorList(readTextFile(path, 256e6), path);
	if (problems.length > 0) {
		const [{ row, reason }] = problems;
		const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : "";
		process.stderr.write(`caustic: ${path} row ${row} left out: ${reason}${more}\n`);
	}
	return calibrators;
}

export const frequencyOption = (invocation: Invocation) =>
	numberOption(invocation, "frequency-mhz", 1405, 10, 1e6) * 1e6;

export function choiceOptions(invocation: Invocation, frequencyHz: number): CalibratorChoice {
	const configuration = stringOption(invocation, "configuration")?.toUpperCase();
	if (configuration !== undefined && !/^[ABCD]$/.test(configuration)) {
		throw badInput("bad-option", `${JSON.stringify(configuration)} is no VLA configuration`, {
			subject: "--configuration",
			remedy: "Give A, B, C or D",
		});
	}
	return {
		frequencyHz,
		beam: beamOf(invocation, frequencyHz),
		minApparentJy: numberOption(invocation, "min-flux", 1, 0),
		configuration: configuration as "A" | "B" | "C" | "D" | undefined,
	};
}

function beamOf(invocation: Invocation, frequencyHz: number): BeamResponse {
	const path = stringOption(invocation, "beam");
	if (path !== undefined) return measuredBeam(parseMeasuredBeam(readTextFile(path, 64e6), path, frequencyHz));
	return airyBeam(numberOption(invocation, "diameter", 4.65, 0.1, 500));
}

/** The site of `--site LON,LAT,HEIGHT` or the middle of the stations of `--stations CSV`. */
export function siteOption(invocation: Invocation): Site {
	const given = stringOption(invocation, "site");
	const stations = stringOption(invocation, "stations");
	if ((given === undefined) === (stations === undefined)) {
		throw badInput("bad-usage", "where the array is must be given once", {
			subject: "--site",
			remedy: "Give --site=LON,LAT,HEIGHT (degrees east, degrees, metres) or --stations CSV",
		});
	}
	if (stations !== undefined) return arrayCentre(parseStationList(readTextFile(stations, 16e6), stations));
	const numbers = (given ?? "").split(",").map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
	const [longitudeDeg, latitudeDeg, heightM = 0] = numbers;
	if (numbers.length < 2 || numbers.length > 3 || !numbers.every(Number.isFinite)) {
		throw badInput("bad-option", `${JSON.stringify(given)} is not LON,LAT,HEIGHT`, {
			subject: "--site",
			remedy: "Give degrees east, degrees and metres, for instance --site=-118.2834,37.2334,1188",
		});
	}
	const site = { longitudeDeg, latitudeDeg, heightM };
	siteToItrf(site);
	return site;
}

/** An instant of an option as MJD UTC: ISO 8601, or MJD. */
export function instantOption(invocation: Invocation, name: string, fallback: number): number {
	const text = stringOption(invocation, name);
	if (text === undefined) return fallback;
	const mjd = /^\d{5}(\.\d*)?$/.test(text) ? Number(text) : isoToMjd(text, `--${name}`);
	return mjd;
}
