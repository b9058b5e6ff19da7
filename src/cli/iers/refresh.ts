import { basename } from "node:path";
import { badInput } from "../../error.ts";
import { saveEarthOrientation } from "../../formats/earth-orientation-store.ts";
import { readTextFile } from "../../formats/text-file.ts";
import {
	type EarthOrientationReach,
	earthOrientation,
	earthOrientationReach,
	useEarthOrientation,
} from "../../sky/earth-orientation.ts";
import { continueSeries, type DailyEarthOrientation, parseIersFile, tabulate } from "../../sky/iers-file.ts";
import { type Command, DATA_OPTIONS, EXIT, JSON_OPTION } from "../command.ts";
import { placeFromOptions } from "../store-options.ts";
import { reachRecord, reachText } from "./reach.ts";

/** The whole of finals2000A.all is 4 MB. */
const MAX_BYTES = 64e6;

export const subcommand: Command = {
	name: "iers refresh",
	summary: "take a newer table of the Earth's rotation from a file of the IERS",
	usage: "iers refresh FILE [FILE] [--data DIR]",
	description: [
		"Reads finals2000A.all (rapid values and a year of predictions) or an EOP C04 series (eopc04.1962-now), and keeps the",
		"table in the data folder, where every later command on that folder finds it. Of two files the second continues the",
		"first; of the past, what they leave out stays as built in. New leap seconds come along. A file older than the built-in",
		"table is refused.",
	].join("\n"),
	examples: [
		"caustic iers refresh finals2000A.all --data survey",
		"caustic iers refresh eopc04.1962-now finals2000A.all",
	],
	options: { data: DATA_OPTIONS.data, ...JSON_OPTION },

	async run(invocation) {
		if (invocation.args.length < 1 || invocation.args.length > 2) {
			throw badInput("bad-usage", "it needs one or two files of the IERS", {
				subject: "caustic iers refresh",
				remedy: "Name finals2000A.all",
			});
		}
		const [first, second] = invocation.args.map((path) => parseIersFile(readTextFile(path, MAX_BYTES), path));
		useEarthOrientation(undefined);
		const builtIn = earthOrientationReach();
		const daily = afterThePast(second === undefined ? first : continueSeries(first, second), builtIn);
		if (daily.lastMeasuredMjd <= builtIn.lastMeasuredMjd) {
			throw badInput(
				"old-iers-file",
				`it is measured until MJD ${daily.lastMeasuredMjd}, the built-in table until ${builtIn.lastMeasuredMjd}`,
				{ subject: invocation.args.join(", "), remedy: "Give a newer file" },
			);
		}
		const source = `refreshed from ${invocation.args.map((path) => basename(path)).join(" and ")}`;
		const path = await saveEarthOrientation(placeFromOptions(invocation).dataFolder, tabulate(daily, source));
		const reach = earthOrientationReach();
		if (invocation.options.json === true) {
			process.stdout.write(`${JSON.stringify({ written: path, ...reachRecord(reach, Date.now()) })}\n`);
		} else process.stdout.write(`written to ${path}\n${reachText(reach, Date.now())}`);
		return EXIT.done;
	},
};

/** A series that begins late (finals.data has no years before 1992) continues the built-in table. */
function afterThePast(daily: DailyEarthOrientation, builtIn: EarthOrientationReach): DailyEarthOrientation {
	if (daily.firstMjd <= builtIn.firstMjd) return daily;
	const end = Math.min(daily.firstMjd - 1, builtIn.lastMjd);
	const past = Array.from({ length: end - builtIn.firstMjd + 1 }, (_, i) => earthOrientation(builtIn.firstMjd + i));
	return continueSeries(
		{
			firstMjd: builtIn.firstMjd,
			ut1MinusUtc: past.map((day) => day.ut1MinusUtc),
			xp: past.map((day) => day.xp),
			yp: past.map((day) => day.yp),
			lastMeasuredMjd: Math.min(end, builtIn.lastMeasuredMjd),
		},
		daily,
	);
}
