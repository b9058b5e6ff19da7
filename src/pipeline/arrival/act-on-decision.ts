import { statfs } from "node:fs/promises";
import type { Config } from "../../config/schema.ts";
import * as metrics from "../../observability/metrics.ts";
import { setGroupRun, takeDecision } from "../../store/arrivals.ts";
import type { Database, Transaction } from "../../store/database.ts";
import { addDeadLetter, resolveDeadLetters } from "../../store/dead-letters.ts";
import { publish } from "../../store/events.ts";
import type { RunInputs } from "../../store/runs.ts";
import type { StageQueue } from "../queue.ts";
import { insertFreshRun } from "../runner.ts";
import type { ArrivalDecision } from "./grouping.ts";
import type { PendingDecision } from "./watching.ts";

export interface DecisionReceiver {
	database: Database;
	dataFolder: string;
	queue: StageQueue;
	config: Config;
	/** Whether a later decision about the same group waits already. */
	isOvertaken(pending: PendingDecision): boolean;
	/** Tells people what was decided; `run` is that of an accepted group. */
	say(decision: ArrivalDecision, run: string | undefined): void;
}

/**
 * Acts on a decision, exactly once: what follows from it and that it has been taken over are stored together. False: there is
 * enough work already (`arrival.groups_in_work`), or too little room on the disk.
 */
export async function actOnDecision(receiver: DecisionReceiver, pending: PendingDecision): Promise<boolean> {
	const { database, config } = receiver;
	const { id, decision } = pending;
	const works = decision.kind === "accepted" && !receiver.isOvertaken(pending);
	if (works && !(await hasRoom(receiver, decision.group))) return false;
	let run: string | undefined;
	const isOurs = await database.transaction("take decision", async (tx) => {
		if (!(await takeDecision(tx, id, decision.kind))) return false;
		if (works) run = await beginGroup(tx, receiver.queue, config, decision);
		await record(tx, decision);
		return true;
	});
	if (isOurs) {
		metrics.arrivalDecisions.inc({ kind: decision.kind });
		receiver.say(decision, run);
	}
	return true;
}

async function hasRoom({ database, dataFolder, config }: DecisionReceiver, group: string): Promise<boolean> {
	const [{ all, same }] = await database.query<{ all: number; same: number }>(
		"groups in work",
		`SELECT count(*)::int AS all, count(*) FILTER (WHERE inputs ->> 'group' = $1)::int AS same
		 FROM run WHERE kind = 'visibilities' AND status = 'running'`,
		[group],
	);
	if (all >= config.arrival.groups_in_work || same > 0) return false;
	const { bavail, bsize } = await statfs(dataFolder);
	return (bavail * bsize) / 2 ** 20 >= config.service.disk_free_min_mb;
}

type Accepted = Extract<ArrivalDecision, { kind: "accepted" }>;

const inputsOf = (
	decision: Extract<ArrivalDecision, { files: unknown }>,
	trigger: RunInputs["trigger"],
): RunInputs => ({
	paths: decision.files.map((file) => file.path),
	group: decision.group,
	trigger,
});

async function beginGroup(tx: Transaction, queue: StageQueue, config: Config, decision: Accepted): Promise<string> {
	const run = await insertFreshRun(tx, queue, config, inputsOf(decision, "automatic"), "visibilities");
	await setGroupRun(tx, decision.group, run);
	return run;
}

/** The events, and what is put before a person. */
async function record(tx: Transaction, decision: ArrivalDecision): Promise<void> {
	const { group } = decision;
	const source = "arrival";
	switch (decision.kind) {
		case "accepted":
			await resolveDeadLetters(tx, source, [group], "complete enough since");
			return publish(tx, "ArrivalGroupAccepted", {
				source,
				subject: group,
				data: { complete: decision.complete, subbands: decision.files.length, missing: decision.missing },
			});
		case "rejected":
			await addDeadLetter(tx, {
				stage: source,
				unit: group,
				subject: group,
				code: "too-few-subbands",
				reason: `${group}: ${decision.reasons.join("; ")}`,
				remedy: "A late subband opens the group again; caustic dead-letters retry takes what is there",
				payload: { inputs: inputsOf(decision, "manual") },
			});
			return publish(tx, "ArrivalGroupRejected", { source, subject: group, data: { reasons: decision.reasons } });
		case "quarantined":
			await addDeadLetter(tx, {
				stage: source,
				unit: group,
				subject: group,
				code: "rival-subbands",
				reason: `${group}: ${decision.reasons.join("; ")}`,
				remedy: "Take the wrong file away: the group goes on by itself",
			});
			return publish(tx, "ArrivalGroupQuarantined", { source, subject: group, data: { reasons: decision.reasons } });
		case "refused":
			await addDeadLetter(tx, {
				stage: source,
				unit: decision.file.path,
				subject: decision.file.path,
				code: "no-such-subband",
				reason: `${decision.file.path}: ${decision.reasons.join("; ")}`,
				remedy: "Check its name, and arrival.subbands in the settings",
			});
			return;
		case "reopened":
			return publish(tx, "ArrivalGroupReopened", { source, subject: group, data: { file: decision.file.path } });
		case "duplicate":
			return publish(tx, "SubbandDuplicated", {
				source,
				subject: group,
				data: { file: decision.file.path, of: decision.of },
			});
	}
}
