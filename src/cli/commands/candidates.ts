import { userInfo } from "node:os";
import { badInput } from "../../error.ts";
import {
	candidateHistory,
	REJECTION_REASONS,
	type RejectionReason,
	type ReviewKind,
	review,
} from "../../store/candidates.ts";
import { getCandidateRow, listCandidates } from "../../store/read/candidates.ts";
import { type Command, EXIT, JSON_OPTION, stringOption } from "../command.ts";
import { STORE_OPTIONS, withStore } from "../store-options.ts";
import { columnsOfText, idOf, subcommandOf } from "../subcommands.ts";

const SUBCOMMANDS = ["list", "show", "confirm", "reject", "reopen", "comment"] as const;

export const command: Command = {
	name: "candidates",
	summary: "review candidates from the terminal",
	usage: "candidates list|show|confirm|reject|reopen|comment [ID] [--reason TEXT]",
	description: [
		"list shows what waits for a verdict, most significant first (--all: everything); show gives one with its history.",
		`Verdicts are added to the history, never overwritten. A rejection needs --reason-class: ${REJECTION_REASONS.join(", ")}.`,
	].join("\n"),
	examples: [
		"caustic candidates list --data survey",
		'caustic candidates reject 3 --reason-class calibration --reason "gain jump of the field" --data survey',
		"caustic candidates confirm 1 --data survey",
	],
	options: {
		all: { type: "boolean", help: "list also what has been judged" },
		reason: { type: "string", value: "TEXT", help: "why, in words; the text of a comment" },
		"reason-class": { type: "string", value: "CLASS", help: "class of a rejection" },
		actor: { type: "string", value: "NAME", help: "who judges", default: "the user's login name" },
		...STORE_OPTIONS,
		...JSON_OPTION,
	},

	async run(invocation) {
		const { name, rest } = subcommandOf(invocation, "candidates", SUBCOMMANDS);
		const asJson = invocation.options.json === true;
		const print = (value: unknown, text: () => string) =>
			process.stdout.write(asJson ? `${JSON.stringify(value, null, 2)}\n` : text());
		return withStore(invocation, { mustExist: true }, async ({ store: { database } }) => {
			if (name === "list") {
				const { items } = await listCandidates(database, {
					sort: "queue",
					limit: 1000,
					...(invocation.options.all === true ? {} : { status: ["open"] }),
				});
				print(items, () =>
					items.length === 0
						? "no candidate waits for a verdict\n"
						: columnsOfText(
								["id", "source", "sigma", "FAP", "tier", "status", "start MJD", "end MJD", "depth", "flags"],
								items.map((c) => [
									c.id,
									c.source,
									c.significance.toFixed(2),
									c.false_alarm_probability.toExponential(1),
									c.tier,
									c.status,
									c.start_mjd.toFixed(1),
									c.end_mjd.toFixed(1),
									c.depth?.toFixed(2) ?? "",
									c.flags,
								]),
							),
				);
				return EXIT.done;
			}
			const id = idOf(rest, "candidate");
			const candidate = await getCandidateRow(database, id);
			if (candidate === undefined)
				throw badInput("no-candidate", "there is no such candidate", {
					subject: `candidate ${id}`,
					remedy: "See caustic candidates list --all",
				});
			if (name !== "show") {
				const reasonClass = stringOption(invocation, "reason-class");
				if (reasonClass !== undefined && !(REJECTION_REASONS as readonly string[]).includes(reasonClass)) {
					throw badInput("bad-option", `${JSON.stringify(reasonClass)} is no class of rejection`, {
						subject: "--reason-class",
						remedy: `Give one of ${REJECTION_REASONS.join(", ")}`,
					});
				}
				await database.transaction("review", (tx) =>
					review(tx, {
						candidateId: id,
						expectedSeq: candidate.last_seq,
						kind: name as ReviewKind,
						actor: stringOption(invocation, "actor") ?? userInfo().username,
						reasonClass: reasonClass as RejectionReason | undefined,
						reason: stringOption(invocation, "reason"),
					}),
				);
			}
			const [now, history] = [await getCandidateRow(database, id), await candidateHistory(database, id)];
			print({ ...now, history }, () => {
				const facts = Object.entries({ ...now, explanation: undefined }).filter(
					([, value]) => value !== undefined && value !== null,
				);
				const lines = facts.map(([key, value]) => `${key.padEnd(26)}${String(value)}`);
				const events = history.map(
					(event) =>
						`${event.at.toISOString().slice(0, 19)}  ${event.kind.padEnd(10)}${event.actor}${event.reason_class === null ? "" : `  [${event.reason_class}]`}${event.reason === null ? "" : `  ${event.reason}`}`,
				);
				return `${lines.join("\n")}\n\nhistory\n${events.map((line) => `  ${line}`).join("\n")}\n`;
			});
			return EXIT.done;
		});
	},
};
