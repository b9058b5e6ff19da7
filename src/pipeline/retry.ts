import { badInput } from "../error.ts";
import type { Database } from "../store/database.ts";
import { type DeadLetter, setDeadLetterStatus } from "../store/dead-letters.ts";
import { publish } from "../store/events.ts";
import type { Run, RunInputs } from "../store/runs.ts";
import type { Session } from "./session.ts";

/** The inputs of the run that tries a dead letter again: the one file that it is about, or all that its run was given. */
export function inputsOf(letter: DeadLetter): RunInputs {
	const payload = letter.payload as { paths?: string[]; inputs?: RunInputs };
	if (payload.inputs?.sources !== undefined || payload.inputs?.group !== undefined)
		return { ...payload.inputs, trigger: "manual" };
	const catalogue = payload.inputs?.catalogue;
	const one = letter.stage === "find" || letter.stage === "measure" ? [letter.subject] : payload.paths;
	const paths = one ?? payload.inputs?.paths;
	if (paths === undefined) {
		throw badInput("not-retryable", "holds no input that could be run again", {
			subject: `dead letter ${letter.id}`,
			remedy:
				letter.stage === "arrival"
					? (letter.remedy ?? "Mend or replace the file: caustic watch takes it when it has changed")
					: "Mend the input and run caustic run on it, then caustic dead-letters resolve",
		});
	}
	return { paths, ...(catalogue === undefined ? {} : { catalogue }), trigger: "manual" };
}

/** Runs the input of a dead letter again, really: a new run whose outcome decides what becomes of the letter. */
export async function retryDeadLetter(database: Database, session: Session, letter: DeadLetter): Promise<Run> {
	if (letter.status === "resolved") {
		throw badInput("already-resolved", "is resolved", {
			subject: `dead letter ${letter.id}`,
			remedy: "Nothing is left to do",
		});
	}
	const inputs = inputsOf(letter);
	const kind = inputs.group !== undefined ? "visibilities" : inputs.sources !== undefined ? "detection" : "images";
	const { run } = await session.begin(inputs, { kind });
	await setDeadLetterStatus(database, letter.id, "retried", `run ${run.id}`);
	await database.transaction("retry dead letter", (tx) =>
		publish(tx, "DeadLetterRetried", { source: "dead-letters", subject: String(letter.id), data: { run: run.id } }),
	);
	return run;
}
