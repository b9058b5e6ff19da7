import { badInput } from "../../error.ts";
import { createLogger } from "../../observability/log.ts";
import { retryDeadLetter } from "../../pipeline/retry.ts";
import { openSession } from "../../pipeline/session.ts";
import { getDeadLetter, listDeadLetters, setDeadLetterStatus } from "../../store/dead-letters.ts";
import { type Command, EXIT, JSON_OPTION, stringOption } from "../command.ts";
import { STORE_OPTIONS, withStore } from "../store-options.ts";
import { columnsOfText, idOf, subcommandOf } from "../subcommands.ts";
import { followRun } from "./run.ts";

const SUBCOMMANDS = ["list", "show", "retry", "resolve"] as const;

export const command: Command = {
	name: "dead-letters",
	summary: "inputs that could not be used: see why, run again, or put away",
	usage: "dead-letters list|show ID|retry ID|resolve ID [--note TEXT]",
	description:
		"An input that fails for good lands here with the reason, the remedy and what is needed to run it again. retry runs it\nagain, really; when it then succeeds the letter resolves itself.",
	examples: [
		"caustic dead-letters list --data survey",
		"caustic dead-letters retry 4 --data survey",
		'caustic dead-letters resolve 4 --note "file was lost at the telescope" --data survey',
	],
	options: {
		all: { type: "boolean", help: "list also what is resolved" },
		note: { type: "string", value: "TEXT", help: "why it is put away" },
		...STORE_OPTIONS,
		...JSON_OPTION,
	},

	async run(invocation) {
		const { name, rest } = subcommandOf(invocation, "dead-letters", SUBCOMMANDS);
		const asJson = invocation.options.json === true;
		return withStore(invocation, { mustExist: true }, async ({ store, config }) => {
			const { database } = store;
			if (name === "list") {
				const letters = (await listDeadLetters(database)).filter(
					(letter) => invocation.options.all === true || letter.status !== "resolved",
				);
				if (asJson) process.stdout.write(`${JSON.stringify(letters, null, 2)}\n`);
				else
					process.stdout.write(
						letters.length === 0
							? "no dead letters\n"
							: columnsOfText(
									["id", "stage", "status", "tries", "reason"],
									letters.map((letter) => [letter.id, letter.stage, letter.status, letter.attempts, letter.reason]),
								),
					);
				return EXIT.done;
			}
			const id = idOf(rest, "dead letter");
			const letter = await getDeadLetter(database, id);
			if (letter === undefined)
				throw badInput("no-dead-letter", "there is no such dead letter", {
					subject: `dead letter ${id}`,
					remedy: "See caustic dead-letters list --all",
				});
			if (name === "retry") {
				const session = await openSession({ store, config, log: createLogger("silent"), signal: invocation.signal });
				try {
					const run = await retryDeadLetter(database, session, letter);
					return await followRun(run.id, store, session, asJson);
				} finally {
					await session.close();
				}
			}
			if (name === "resolve")
				await setDeadLetterStatus(database, id, "resolved", stringOption(invocation, "note") ?? null);
			const now = await getDeadLetter(database, id);
			if (asJson) process.stdout.write(`${JSON.stringify(now, null, 2)}\n`);
			else
				process.stdout.write(
					`${Object.entries(now ?? {})
						.filter(([, value]) => value !== null)
						.map(
							([key, value]) =>
								`${key.padEnd(12)}${value instanceof Date ? value.toISOString() : typeof value === "object" ? JSON.stringify(value) : String(value)}`,
						)
						.join("\n")}\n`,
				);
			return EXIT.done;
		});
	},
};
