import { describeConfig } from "../../config/load.ts";
import { type Command, EXIT, JSON_OPTION } from "../command.ts";
import { configFromOptions, placeFromOptions, STORE_OPTIONS } from "../store-options.ts";
import { columnsOfText, subcommandOf } from "../subcommands.ts";

export const command: Command = {
	name: "config",
	summary: "the settings that hold, and where each came from",
	usage: "config show|check [--config FILE] [--set KEY=VALUE]",
	description:
		"show lists every setting with its value, origin and accepted range (--help-text: with its meaning); check reads the\nsettings and says whether they are good. Later wins: defaults, file, environment (CAUSTIC_SECTION__KEY), --set.",
	examples: ["caustic config show --data survey", "caustic config check --config caustic.yaml"],
	options: { "help-text": { type: "boolean", help: "show what each setting means" }, ...STORE_OPTIONS, ...JSON_OPTION },

	async run(invocation) {
		const { name } = subcommandOf(invocation, "config", ["show", "check"] as const);
		const rows = describeConfig(configFromOptions(invocation));
		if (invocation.options.json === true)
			process.stdout.write(
				`${JSON.stringify(name === "show" ? rows : { ok: true, settings: rows.length }, null, 2)}\n`,
			);
		else if (name === "check")
			process.stdout.write(
				`${rows.length} settings are good (${rows.filter((row) => row.origin !== "default").length} not at their defaults); file ${placeFromOptions(invocation).configFile}\n`,
			);
		else {
			const meaning = invocation.options["help-text"] === true;
			process.stdout.write(
				columnsOfText(
					["setting", "value", "origin", "accepted", ...(meaning ? ["meaning"] : [])],
					rows.map((row) => [
						row.key,
						JSON.stringify(row.value) ?? "",
						row.origin,
						row.accepted,
						...(meaning ? [row.help] : []),
					]),
				),
			);
		}
		return EXIT.done;
	},
};
