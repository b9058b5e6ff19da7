import { setPointings } from "../../calibration/set-pointings.ts";
import { rankCalibrators } from "../../calibration/transiting.ts";
import { badInput } from "../../error.ts";
import { openVisibilities } from "../../formats/open-visibilities.ts";
import type { Column, Table } from "../../formats/table/table.ts";
import { mjdToIso } from "../../sky/time.ts";
import { type Command, DATA_OPTIONS, EXIT, JSON_OPTION } from "../command.ts";
import { checkOut, writeResult } from "../image-options.ts";
import { CHOICE_OPTIONS, calibratorsOption, choiceOptions } from "./options.ts";

export const subcommand: Command = {
	name: "calibrators rank",
	summary: "which calibrators a set of visibilities contains, and where they peak",
	usage: "calibrators rank VIS... [--list CSV] [options]",
	description: [
		"Ranks the calibrators in the beam of a set by flux density times response, averaged over its integrations, at the",
		"middle of its band; best_integration (from 0) is where each is strongest. The site and the pointing come from the",
		"data.",
	].join("\n"),
	examples: ["caustic calibrators rank group/ --list vla_calibrators.csv --configuration C"],
	options: {
		...CHOICE_OPTIONS,
		out: { type: "string", value: "FILE", help: "where to write; the extension chooses the format" },
		data: DATA_OPTIONS.data,
		...JSON_OPTION,
	},

	async run(invocation) {
		checkOut(invocation);
		const set = openVisibilities(invocation.args);
		try {
			if (set.location === undefined) {
				throw badInput("no-site", "it does not say where the array is", {
					subject: set.source[0],
					remedy: "Add the telescope's position to the file",
				});
			}
			const frequencies = set.frequenciesHz;
			const middle = (frequencies[0] + frequencies[frequencies.length - 1]) / 2;
			const choice = choiceOptions(invocation, middle);
			const ranked = rankCalibrators(calibratorsOption(invocation), set.location, await setPointings(set), choice);
			const numbers = (name: string, unit: string, value: (each: (typeof ranked)[number]) => number): Column => ({
				name,
				kind: unit === "count" ? "integer" : "number",
				...(unit === "count" || unit === "" ? {} : { unit }),
				values: Float64Array.from(ranked, value),
			});
			const words = (name: string, value: (each: (typeof ranked)[number]) => string | null): Column => ({
				name,
				kind: "text",
				values: ranked.map(value),
			});
			const rounded = (value: number, decimals: number) => Number(value.toFixed(decimals));
			const table: Table = {
				name: "calibrators in the set",
				rows: ranked.length,
				columns: [
					words("name", (each) => each.calibrator.name),
					words("also", (each) => each.calibrator.aliases.at(-1) ?? null),
					numbers("mean_apparent_jy", "Jy", (each) => rounded(each.meanApparentJy, 4)),
					numbers("flux_jy", "Jy", (each) => rounded(each.flux.fluxJy, 4)),
					numbers("flux_err_jy", "Jy", (each) => rounded(each.flux.fluxErrJy, 4)),
					words("flux_origin", (each) => each.flux.origin),
					numbers("best_integration", "count", (each) => each.best.integration),
					words("best_utc", (each) => mjdToIso(each.best.mjd)),
					numbers("best_response", "", (each) => rounded(each.best.response, 4)),
					numbers("best_offset_deg", "deg", (each) => rounded(each.best.offsetDeg, 4)),
					words("quality", (each) => each.quality),
				],
			};
			await writeResult(invocation, table);
			if (ranked.length === 0) process.stderr.write("caustic: no calibrator in the beam\n");
			return EXIT.done;
		} finally {
			set.close();
		}
	},
};
