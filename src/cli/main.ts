import { existsSync } from "node:fs";
import { join } from "node:path";
import { CausticError } from "../error.ts";
import { type Command, EXIT, helpText, parseInvocation, stringOption } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { keepCompiled } from "./compile-cache.ts";

keepCompiled();

const isBrokenPipe = (error: unknown) => (error as NodeJS.ErrnoException)?.code === "EPIPE";

function overview(): string {
	const groups = [...new Set(COMMANDS.map((entry) => entry.group))];
	const lines = [
		"caustic: from what a radio array records to light curves and alerts",
		"",
		"Usage:",
		"  caustic COMMAND [options]",
		"",
	];
	for (const group of groups) {
		lines.push(`${group}:`);
		for (const entry of COMMANDS) if (entry.group === group) lines.push(`  ${entry.name.padEnd(14)}${entry.summary}`);
		lines.push("");
	}
	lines.push(
		"Examples:",
		"  caustic run images/ --data survey",
		"  caustic measure image.fits --at positions.csv --out fluxes.csv",
		"",
	);
	lines.push(
		"caustic COMMAND --help tells more, with examples. Exit codes: 0 done, 1 failed, 2 bad usage or bad input,",
		"3 done with rejected items.",
	);
	return `${lines.join("\n")}\n`;
}

async function main(argv: string[]): Promise<number> {
	const [name, ...rest] = argv;
	if (name === undefined || name === "help" || name === "--help" || name === "-h") {
		const topic = name === "help" ? COMMANDS.find((entry) => entry.name === rest[0]) : undefined;
		const family = await topic?.load();
		const member = family?.subcommands?.find((entry) => entry.name === rest[1]);
		process.stdout.write(family === undefined ? overview() : helpText((await member?.load()) ?? family));
		return name === undefined ? EXIT.badInput : EXIT.done;
	}
	if (name === "--version" || name === "version") {
		const { version } = await import("./version.ts");
		process.stdout.write(`caustic ${version}\n`);
		return EXIT.done;
	}
	const entry = COMMANDS.find((candidate) => candidate.name === name);
	if (entry === undefined) {
		process.stderr.write(`caustic: there is no command ${JSON.stringify(name)}. See caustic --help\n`);
		return EXIT.badInput;
	}
	let command: Command = await entry.load();
	if (command.subcommands !== undefined && rest[0] !== "--help" && rest[0] !== "-h") {
		const member = command.subcommands.find((candidate) => candidate.name === rest[0]);
		if (member === undefined) {
			const names = command.subcommands.map((candidate) => candidate.name).join(", ");
			const what = rest[0] === undefined ? "needs one of" : `has no command ${JSON.stringify(rest[0])}: it has`;
			process.stderr.write(`caustic: ${name} ${what} ${names}. See caustic ${name} --help\n`);
			return EXIT.badInput;
		}
		command = await member.load();
		rest.shift();
	}
	const stop = new AbortController();
	let presses = 0;
	for (const signal of ["SIGINT", "SIGTERM"] as const) {
		process.on(signal, () => {
			presses += 1;
			if (presses > 2) process.exit(EXIT.interrupted);
			stop.abort(signal);
		});
	}
	if (rest.includes("--help") || rest.includes("-h")) {
		process.stdout.write(helpText(command));
		return EXIT.done;
	}
	const invocation = parseInvocation(command, rest, stop.signal);
	// A refreshed table of the Earth's rotation in the data folder replaces the built-in one.
	const dataFolder = stringOption(invocation, "data") ?? process.env.CAUSTIC_DATA ?? "caustic-data";
	if (command.name !== "iers refresh" && existsSync(join(dataFolder, "earth-orientation.json"))) {
		const { loadEarthOrientation } = await import("../formats/earth-orientation-store.ts");
		loadEarthOrientation(dataFolder);
	}
	return command.run(invocation);
}

/** The only place where an error becomes text on a terminal. */
function report(error: unknown): number {
	const debug = process.argv.includes("--debug");
	if (error instanceof CausticError) {
		process.stderr.write(`caustic: ${error.toString()}\n`);
		if (debug) process.stderr.write(`${error.stack ?? ""}\n`);
		return error.blame === "input" ? EXIT.badInput : EXIT.failed;
	}
	// What a signal aborts with is its name.
	if ((error as Error)?.name === "AbortError" || error === "SIGINT" || error === "SIGTERM") {
		process.stderr.write("caustic: interrupted\n");
		return EXIT.interrupted;
	}
	const text = error instanceof Error ? error.message.split("\n")[0] : String(error);
	process.stderr.write(
		`caustic: unexpected failure: ${text}. Run the command again with --debug and report what it prints.\n`,
	);
	if (debug) process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
	return EXIT.failed;
}

process.stdout.on("error", (error) => {
	if (isBrokenPipe(error)) process.exit(EXIT.done);
	throw error;
});

try {
	process.exitCode = await main(process.argv.slice(2));
} catch (error) {
	process.exitCode = report(error);
}
