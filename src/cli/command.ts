import { parseArgs } from "node:util";
import { badInput } from "../error.ts";

/** Exit codes that scripts rely on. */
export const EXIT = { done: 0, failed: 1, badInput: 2, rejectedItems: 3, interrupted: 130 } as const;

export interface OptionSpec {
	type: "string" | "boolean";
	multiple?: boolean;
	short?: string;
	/** Placeholder for the value in the help, for instance `FILE`. */
	value?: string;
	help: string;
	/** Shown in the help; not applied by the parser. */
	default?: string;
}

export type OptionValue = string | boolean | string[] | undefined;

export interface Invocation {
	/** Positional arguments after the command's name. */
	args: string[];
	options: Record<string, OptionValue>;
	/** Aborted on Ctrl-C and on SIGTERM: long work stops cleanly at the next safe point. */
	signal: AbortSignal;
}

/** One command of `caustic`. Each lives in its own file under `commands/` and is loaded only when asked for. */
export interface Command {
	name: string;
	/** One line, shown by `caustic --help`. */
	summary: string;
	/** For instance `measure IMAGE --at CSV [options]`. */
	usage: string;
	/** What it does and what it writes, for `--help`. */
	description: string;
	/** At least one complete command line that works. */
	examples: string[];
	options: Record<string, OptionSpec>;
	/** For a family of commands (`caustic simulate sky`): its members, each a command whose name is both words. */
	subcommands?: SubcommandEntry[];
	/** Returns one of {@link EXIT}. A family is never run itself. */
	run(invocation: Invocation): Promise<number>;
}

export interface SubcommandEntry {
	/** The second word. */
	name: string;
	summary: string;
	load(): Promise<Command>;
}

/** A family of commands under one word. */
export function commandFamily(
	family: Pick<Command, "name" | "summary" | "description" | "examples"> & { subcommands: SubcommandEntry[] },
): Command {
	return {
		...family,
		usage: `${family.name} ${family.subcommands.map((entry) => entry.name).join("|")} [options]`,
		options: {},
		run: () => {
			throw badInput("bad-usage", "which one?", { subject: `caustic ${family.name}` });
		},
	};
}

/** Options that every command understands. */
export const COMMON_OPTIONS: Record<string, OptionSpec> = {
	help: { type: "boolean", short: "h", help: "show this help" },
	debug: { type: "boolean", help: "show stack traces of errors" },
};

/** Options of every command that prints a result. */
export const JSON_OPTION: Record<string, OptionSpec> = {
	json: { type: "boolean", help: "print the result as JSON, for machines" },
};

/** Options of every command that touches stored data. */
export const DATA_OPTIONS: Record<string, OptionSpec> = {
	data: {
		type: "string",
		value: "DIR",
		help: "where the embedded database, spool and products live",
		default: "$CAUSTIC_DATA or ./caustic-data",
	},
	database: {
		type: "string",
		value: "URL",
		help: "a PostgreSQL server instead of the embedded one",
		default: "$DATABASE_URL",
	},
	config: { type: "string", value: "FILE", help: "configuration file", default: "DIR/caustic.yaml" },
};

export function parseInvocation(command: Command, argv: string[], signal: AbortSignal): Invocation {
	const options = { ...command.options, ...COMMON_OPTIONS };
	const specs = Object.fromEntries(
		Object.entries(options).map(([name, spec]) => [
			name,
			{ type: spec.type, multiple: spec.multiple ?? false, ...(spec.short === undefined ? {} : { short: spec.short }) },
		]),
	);
	try {
		const { values, positionals } = parseArgs({ args: argv, options: specs, allowPositionals: true, strict: true });
		return { args: positionals, options: values as Record<string, OptionValue>, signal };
	} catch (error) {
		const text = error instanceof Error ? error.message.split("\n")[0] : String(error);
		throw badInput("bad-usage", text.replace(/\. To specify.*$/, ""), {
			subject: `caustic ${command.name}`,
			remedy: `See caustic ${command.name} --help`,
		});
	}
}

/** A number from an option, or the given default; refuses text and values outside [low, high] by the option's name. */
export function numberOption(
	invocation: Invocation,
	name: string,
	fallback: number,
	low = -Infinity,
	high = Infinity,
): number {
	const text = invocation.options[name];
	if (text === undefined) return fallback;
	const value = typeof text === "string" && text.trim() !== "" ? Number(text) : Number.NaN;
	if (!Number.isFinite(value) || value < low || value > high) {
		const range = low === -Infinity && high === Infinity ? "a number" : `a number from ${low} to ${high}`;
		throw badInput("bad-option", `${JSON.stringify(text)} is not ${range}`, {
			subject: `--${name}`,
			remedy: `Give ${range}, for instance --${name} ${fallback}`,
		});
	}
	return value;
}

export function stringOption(invocation: Invocation, name: string): string | undefined {
	const value = invocation.options[name];
	return typeof value === "string" ? value : undefined;
}

export function helpText(command: Command): string {
	const lines = [
		`caustic ${command.name}: ${command.summary}`,
		"",
		"Usage:",
		`  caustic ${command.usage}`,
		"",
		command.description,
	];
	if (command.subcommands !== undefined) {
		lines.push("", "Commands:");
		for (const entry of command.subcommands) {
			lines.push(`  ${command.name} ${entry.name.padEnd(14)}${entry.summary}`);
		}
	}
	const rows = Object.entries({ ...command.options, ...COMMON_OPTIONS }).map(([name, spec]) => {
		const short = spec.short === undefined ? "" : `-${spec.short}, `;
		const value = spec.type === "string" ? ` ${spec.value ?? "VALUE"}` : "";
		return [
			`  ${short}--${name}${value}`,
			`${spec.help}${spec.default === undefined ? "" : ` [${spec.default}]`}`,
		] as const;
	});
	const width = Math.min(34, Math.max(...rows.map(([left]) => left.length)) + 2);
	lines.push(
		"",
		"Options:",
		...rows.map(
			([left, right]) => `${left.padEnd(width)}${left.length >= width ? `\n${" ".repeat(width)}` : ""}${right}`,
		),
	);
	lines.push(
		"",
		command.examples.length === 1 ? "Example:" : "Examples:",
		...command.examples.map((line) => `  ${line}`),
	);
	return `${lines.join("\n")}\n`;
}
