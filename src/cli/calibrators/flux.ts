import {
	calibratorByName,
	calibratorFlux,
	calibratorQuality,
	STANDARD_CALIBRATORS,
} from "../../calibration/calibrators.ts";
import { badInput } from "../../error.ts";
import type { Table } from "../../formats/table/table.ts";
import { type Command, EXIT, JSON_OPTION } from "../command.ts";
import { checkOut, writeResult } from "../image-options.ts";
import { CHOICE_OPTIONS, calibratorsOption, FREQUENCY_OPTION, frequencyOption } from "./options.ts";

export const subcommand: Command = {
	name: "calibrators flux",
	summary: "flux densities of calibrators at a frequency",
	usage: "calibrators flux NAME... [--frequency-mhz MHZ] [--list CSV]",
	description: [
		"Standard sources by the polynomials of Perley & Butler 2017; others from the bands of the list, interpolated or",
		"extrapolated in log S against log nu with an error that says how far it reaches.",
	].join("\n"),
	examples: ["caustic calibrators flux 3C286 3C147 --frequency-mhz 1405"],
	options: {
		...FREQUENCY_OPTION,
		list: CHOICE_OPTIONS.list,
		out: { type: "string", value: "FILE", help: "where to write; the extension chooses the format" },
		...JSON_OPTION,
	},

	async run(invocation) {
		checkOut(invocation);
		if (invocation.args.length === 0) {
			throw badInput("bad-usage", "no calibrator is named", {
				subject: "caustic calibrators flux",
				remedy: "Name one, for instance 3C286",
			});
		}
		const list = calibratorsOption(invocation);
		const frequencyHz = frequencyOption(invocation);
		const rows = invocation.args.map((name) => {
			const calibrator = calibratorByName(list, name) ?? calibratorByName(STANDARD_CALIBRATORS, name);
			if (calibrator === undefined) {
				throw badInput("no-such-calibrator", "it is neither in the list nor a standard source", {
					subject: name,
					remedy: "Give the name of the list, for instance 1331+305, and the list with --list",
				});
			}
			return { calibrator, flux: calibratorFlux(calibrator, frequencyHz) };
		});
		const table: Table = {
			name: "calibrator flux densities",
			rows: rows.length,
			columns: [
				{ name: "name", kind: "text", values: rows.map((row) => row.calibrator.name) },
				{ name: "ra_deg", kind: "number", unit: "deg", values: Float64Array.from(rows, (row) => row.calibrator.raDeg) },
				{
					name: "dec_deg",
					kind: "number",
					unit: "deg",
					values: Float64Array.from(rows, (row) => row.calibrator.decDeg),
				},
				{
					name: "flux_jy",
					kind: "number",
					unit: "Jy",
					values: Float64Array.from(rows, (row) => row.flux?.fluxJy ?? Number.NaN),
				},
				{
					name: "flux_err_jy",
					kind: "number",
					unit: "Jy",
					values: Float64Array.from(rows, (row) => row.flux?.fluxErrJy ?? Number.NaN),
				},
				{ name: "flux_origin", kind: "text", values: rows.map((row) => row.flux?.origin ?? "unknown") },
				{
					name: "quality_a_b_c_d",
					kind: "text",
					values: rows.map((row) =>
						(["A", "B", "C", "D"] as const)
							.map((configuration) => calibratorQuality(row.calibrator, configuration, frequencyHz)?.letter ?? "?")
							.join(""),
					),
				},
			],
		};
		await writeResult(invocation, table);
		return EXIT.done;
	},
};
