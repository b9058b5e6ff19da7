import { calibratorTransits } from "../../calibration/transiting.ts";
import { badInput } from "../../error.ts";
import type { Column, Table } from "../../formats/table/table.ts";
import { mjdToIso, unixToMjd } from "../../sky/time.ts";
import { type Command, DATA_OPTIONS, EXIT, JSON_OPTION, numberOption, stringOption } from "../command.ts";
import { checkOut, writeResult } from "../image-options.ts";
import {
	CHOICE_OPTIONS,
	calibratorsOption,
	choiceOptions,
	FREQUENCY_OPTION,
	frequencyOption,
	instantOption,
	siteOption,
} from "./options.ts";

export const subcommand: Command = {
	name: "calibrators transits",
	summary: "which calibrators cross the beam of a transit array, and when",
	usage: "calibrators transits --site=LON,LAT,HEIGHT --dec=DEG [--from TIME] [--to TIME] [--list CSV] [options]",
	description: [
		"Lists every transit (apparent right ascension = local apparent sidereal time) of a calibrator through the beam of an",
		"array that points at an apparent declination on the meridian: when, how far from the axis, how bright through the",
		"beam. Times are UTC; the place is topocentric, with precession, nutation, annual and diurnal aberration.",
	].join("\n"),
	examples: [
		"caustic calibrators transits --site=-118.2834,37.2334,1188 --dec=30.5 --from 2022-03-15 --to 2022-03-16",
		"caustic calibrators transits --stations station_coordinates.csv --dec=16.1 --list vla_calibrators.csv --configuration C",
	],
	options: {
		site: { type: "string", value: "LON,LAT,HEIGHT", help: "of the array: degrees east, degrees, metres" },
		stations: {
			type: "string",
			value: "CSV",
			help: "or its stations: latitude, longitude, elevation; their middle counts",
		},
		dec: { type: "string", value: "DEG", help: "apparent declination that the array points at" },
		from: { type: "string", value: "TIME", help: "ISO 8601 or MJD, UTC", default: "now" },
		to: { type: "string", value: "TIME", help: "ISO 8601 or MJD, UTC", default: "a day later" },
		...FREQUENCY_OPTION,
		...CHOICE_OPTIONS,
		out: { type: "string", value: "FILE", help: "where to write; the extension chooses the format" },
		data: DATA_OPTIONS.data,
		...JSON_OPTION,
	},

	async run(invocation) {
		checkOut(invocation);
		if (invocation.args.length > 0) {
			throw badInput("bad-usage", `${JSON.stringify(invocation.args[0])} is not an option`, {
				subject: "caustic calibrators transits",
				remedy: "See caustic calibrators transits --help",
			});
		}
		if (stringOption(invocation, "dec") === undefined) {
			throw badInput("bad-usage", "the declination of the strip is missing", {
				subject: "--dec",
				remedy: "Give the apparent declination the array points at, for instance --dec=30.5",
			});
		}
		const site = siteOption(invocation);
		const dec = numberOption(invocation, "dec", 0, -90, 90);
		const from = instantOption(invocation, "from", unixToMjd(Date.now()));
		const to = instantOption(invocation, "to", from + 1);
		const choice = choiceOptions(invocation, frequencyOption(invocation));
		const found = calibratorTransits(calibratorsOption(invocation), site, dec, from, to, choice);
		const numbers = (name: string, unit: string, value: (each: (typeof found)[number]) => number): Column => ({
			name,
			kind: "number",
			unit,
			values: Float64Array.from(found, value),
		});
		const words = (name: string, value: (each: (typeof found)[number]) => string | null): Column => ({
			name,
			kind: "text",
			values: found.map(value),
		});
		const rounded = (value: number, decimals: number) => Number(value.toFixed(decimals));
		const table: Table = {
			name: "calibrator transits",
			rows: found.length,
			columns: [
				words("name", (each) => each.calibrator.name),
				words("also", (each) => each.calibrator.aliases.at(-1) ?? null),
				words("transit_utc", (each) => mjdToIso(each.transit.mjd)),
				numbers("transit_mjd", "d", (each) => rounded(each.transit.mjd, 8)),
				numbers("apparent_ra_deg", "deg", (each) => rounded(each.transit.apparentRaDeg, 6)),
				numbers("apparent_dec_deg", "deg", (each) => rounded(each.transit.apparentDecDeg, 6)),
				numbers("offset_deg", "deg", (each) => rounded(each.offsetDeg, 4)),
				numbers("response", "", (each) => rounded(each.response, 4)),
				numbers("flux_jy", "Jy", (each) => rounded(each.flux.fluxJy, 4)),
				numbers("flux_err_jy", "Jy", (each) => rounded(each.flux.fluxErrJy, 4)),
				numbers("apparent_jy", "Jy", (each) => rounded(each.apparentJy, 4)),
				words("flux_origin", (each) => each.flux.origin),
				words("quality", (each) => each.quality),
			],
		};
		await writeResult(invocation, table);
		return EXIT.done;
	},
};
