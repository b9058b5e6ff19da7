import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Command, EXIT, type Invocation, stringOption } from "../command.ts";
import { subcommand as simulateSky } from "../simulate/sky.ts";
import { command as run } from "./run.ts";
import { command as serve } from "./serve.ts";

/** The example is one and the same on every machine. */
const SEED = "1";

export const command: Command = {
	name: "example",
	summary: "the bundled example: simulate a survey, run the pipeline on it, show the dashboard",
	usage: "example [--dir DIR] [--no-serve]",
	description: [
		"Simulates a survey of one field (48 epochs, 4 subbands, gain jumps common to the field, a flaring source, one",
		"extreme scattering event), runs the whole pipeline on it and leaves the dashboard up. What is there is reused.",
	].join("\n"),
	examples: ["caustic example", "caustic example --dir /tmp/example --no-serve"],
	options: {
		dir: { type: "string", value: "DIR", help: "where images and results go", default: "./caustic-example" },
		"no-serve": { type: "boolean", help: "stop after the run, without the dashboard" },
		port: { type: "string", value: "N", help: "port of the dashboard", default: "8765" },
	},

	async run(invocation) {
		const folder = resolve(stringOption(invocation, "dir") ?? "caustic-example");
		const data = join(folder, "survey");
		const step = (command: Command, args: string[], options: Invocation["options"]) =>
			command.run({ args, options, signal: invocation.signal });
		// The truth is written last: with it, the survey is whole.
		if (existsSync(join(folder, "truth.json"))) process.stdout.write(`example survey: ${folder} (there already)\n`);
		else {
			process.stdout.write(`example survey: simulating into ${folder}\n`);
			const code = await step(simulateSky, [folder], { seed: SEED });
			if (code !== EXIT.done) return code;
		}
		const code = await step(run, [join(folder, "images")], { data, catalog: join(folder, "catalogue.csv") });
		if (code !== EXIT.done || invocation.options["no-serve"] === true) return code;
		return step(serve, [], { data, port: stringOption(invocation, "port") });
	},
};
