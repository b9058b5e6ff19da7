import { earthOrientationReach } from "../../sky/earth-orientation.ts";
import { type Command, DATA_OPTIONS, EXIT, JSON_OPTION } from "../command.ts";
import { reachRecord, reachText } from "./reach.ts";

export const subcommand: Command = {
	name: "iers show",
	summary: "how far the table of the Earth's rotation reaches",
	usage: "iers show [--json]",
	description: "Says which table of UT1-UTC, the pole and leap seconds is in use and how far it is good.",
	examples: ["caustic iers show"],
	options: { data: DATA_OPTIONS.data, ...JSON_OPTION },

	async run(invocation) {
		const reach = earthOrientationReach();
		process.stdout.write(
			invocation.options.json === true
				? `${JSON.stringify(reachRecord(reach, Date.now()))}\n`
				: reachText(reach, Date.now()),
		);
		return EXIT.done;
	},
};
