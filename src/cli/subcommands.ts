import { badInput } from "../error.ts";
import type { Invocation } from "./command.ts";

/** The first argument as the name of a subcommand, and the rest. */
export function subcommandOf<T extends string>(
	invocation: Invocation,
	command: string,
	names: readonly T[],
): { name: T; rest: string[] } {
	const [first, ...rest] = invocation.args;
	const name = names.find((candidate) => candidate === first);
	if (name === undefined) {
		throw badInput("bad-usage", first === undefined ? "nothing was asked for" : `${JSON.stringify(first)} is unknown`, {
			subject: `caustic ${command}`,
			remedy: `Give one of ${names.join(", ")}, see caustic ${command} --help`,
		});
	}
	return { name, rest };
}

/** The id that a subcommand works on. */
export function idOf(rest: string[], what: string): number {
	const id = Number(rest[0]);
	if (rest.length === 1 && Number.isInteger(id) && id > 0) return id;
	throw badInput("bad-usage", rest.length === 0 ? "no id was given" : `${JSON.stringify(rest.join(" "))} is no id`, {
		subject: what,
		remedy: `Give the number of one ${what}, as its list shows it`,
	});
}

/** Columns of text, as wide as they need to be. */
export function columnsOfText(head: string[], rows: (string | number)[][]): string {
	const all = [head, ...rows.map((row) => row.map(String))];
	const widths = head.map((_, k) => Math.max(...all.map((row) => row[k].length)));
	return `${all
		.map((row) =>
			row
				.map((cell, k) => (typeof rows[0]?.[k] === "number" ? cell.padStart(widths[k]) : cell.padEnd(widths[k])))
				.join("  ")
				.trimEnd(),
		)
		.join("\n")}\n`;
}
