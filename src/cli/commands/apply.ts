import type { ApplyMode } from "../../calibration/apply.ts";
import { INTERPOLATION_DEFAULTS } from "../../calibration/solution-interpolation.ts";
import { badInput } from "../../error.ts";
import { applyToSet, noiseRatios } from "../../pipeline/calibration/apply-set.ts";
import { readTables } from "../../pipeline/calibration/table-files.ts";
import { choiceOption, textsOption } from "../calibration-options.ts";
import { type Command, EXIT, JSON_OPTION, numberOption, stringOption } from "../command.ts";
import { progressOn } from "../progress.ts";
import { version } from "../version.ts";

export const command: Command = {
	name: "apply",
	summary: "apply calibration tables to visibilities",
	usage: "apply VIS --tables DIR [--out MS]",
	description: [
		"Divides visibilities by the gains of NAME.K, NAME.B and NAME.G in DIR (or of one table), interpolated in time and frequency:",
		"amplitude and unwrapped phase each linear, never across a flagged solution unless --across-flagged. Samples without a solution",
		"are flagged, weights follow the gains and the antennas' noise. Writes a new MeasurementSet with --out, else CORRECTED_DATA of",
		"the MeasurementSet given.",
	].join("\n"),
	examples: [
		"caustic apply day.ms --tables cal/",
		"caustic apply 2022-03-15T09:50:54_sb*.hdf5 --tables cal/ --name 3C286 --out corrected.ms",
	],
	options: {
		tables: { type: "string", value: "DIR", help: "folder with the tables" },
		name: { type: "string", value: "NAME", help: "which solve, where the folder holds several" },
		out: { type: "string", value: "MS", help: "new MeasurementSet", default: "CORRECTED_DATA of VIS" },
		only: { type: "string", value: "KBG", help: "apply only these", default: "all there are" },
		mode: {
			type: "string",
			value: "MODE",
			help: "calflag: flag what has no solution; calonly: leave it; trial: count only",
			default: "calflag",
		},
		interpolation: {
			type: "string",
			value: "HOW",
			help: "in time: linear or nearest",
			default: INTERPOLATION_DEFAULTS.time,
		},
		"across-flagged": { type: "boolean", help: "interpolate across flagged solutions" },
		"max-age": {
			type: "string",
			value: "H",
			help: "hours for which the first and last solution serve beyond their time",
			default: "24",
		},
		spwmap: {
			type: "string",
			value: "LIST",
			help: "table window of each data window, e.g. 0,0,1",
			default: "by frequency",
		},
		weights: {
			type: "string",
			value: "HOW",
			help: "noise: by gains and the antennas' noise; gains: by gains alone",
			default: "noise",
		},
		"no-flag": { type: "boolean", help: "do not look for interference and bad samples first" },
		force: { type: "boolean", help: "apply solutions that were not accepted" },
		...JSON_OPTION,
	},

	async run(invocation) {
		const folder = stringOption(invocation, "tables");
		if (invocation.args.length === 0 || folder === undefined) {
			throw badInput("bad-usage", "visibilities and --tables are needed", {
				subject: "caustic apply",
				remedy: "For instance: caustic apply day.ms --tables cal/",
			});
		}
		const only = (stringOption(invocation, "only") ?? "KBG").toUpperCase();
		const tables = readTables(folder, stringOption(invocation, "name")).filter(({ table }) =>
			only.includes(table.kind),
		);
		const spwmap = textsOption(invocation, "spwmap")?.map(Number);
		if (spwmap?.some((window) => !Number.isInteger(window) || window < 0)) {
			throw badInput("bad-option", "it is no list of window numbers", { subject: "--spwmap" });
		}
		const weights = choiceOption(invocation, "weights", ["noise", "gains"], "noise");
		const ratios = invocation.options.force === true ? new Map<string, number>() : noiseRatios(folder);
		const mode: ApplyMode = choiceOption(invocation, "mode", ["calflag", "calonly", "trial"], "calflag");
		const progress = progressOn("apply");
		try {
			const report = await applyToSet(
				{
					paths: invocation.args,
					tables,
					out: stringOption(invocation, "out"),
					options: {
						time: choiceOption(invocation, "interpolation", ["linear", "nearest"], INTERPOLATION_DEFAULTS.time),
						acrossFlagged: invocation.options["across-flagged"] === true,
						maximumAgeS: 3600 * numberOption(invocation, "max-age", 24, 0, 1e6),
						mode,
						windowMap: spwmap,
					},
					flag: invocation.options["no-flag"] !== true,
					noiseRatio: weights === "noise" ? ratios : new Map(),
					history: [`caustic apply ${version}: ${tables.map((table) => table.name).join(", ")}`, `mode ${mode}`],
					signal: invocation.signal,
				},
				(stage, done, total) => progress.update(done, total, stage),
			);
			progress.end();
			const percent = (n: number) => `${((100 * n) / Math.max(1, report.samples)).toFixed(2)} %`;
			if (invocation.options.json === true) process.stdout.write(`${JSON.stringify(report)}\n`);
			else {
				process.stdout.write(
					[
						`${mode === "trial" ? "would correct" : "corrected"} ${percent(report.corrected)} of ${report.samples} samples in ${report.out}`,
						`flagged: ${percent(report.flaggedBefore - report.flaggedBad)} before, ${percent(report.flaggedBad)} interference or no measurement, ${percent(report.withoutSolution)} without solution`,
					].join("\n") + "\n",
				);
			}
			return EXIT.done;
		} finally {
			progress.end();
		}
	},
};
