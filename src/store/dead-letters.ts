import type { Queryable, Row, Transaction } from "./database.ts";
import { publish } from "./events.ts";

export interface DeadLetter {
	id: number;
	run_id: string | null;
	stage: string;
	unit: string;
	subject: string;
	code: string;
	reason: string;
	remedy: string | null;
	payload: Row;
	attempts: number;
	status: "open" | "retried" | "resolved";
	note: string | null;
	created_at: Date;
	updated_at: Date;
}

/** Records an input that could not be used, with what is needed to run it again. The same failure twice is one letter. */
export async function addDeadLetter(
	tx: Transaction,
	letter: Pick<DeadLetter, "stage" | "unit" | "subject" | "code" | "reason"> & {
		runId?: string;
		remedy?: string | undefined;
		payload?: Row;
	},
): Promise<void> {
	await tx.execute(
		"add dead letter",
		`INSERT INTO dead_letter (run_id, stage, unit, subject, code, reason, remedy, payload) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		 ON CONFLICT (stage, subject) WHERE status = 'open' DO UPDATE SET attempts = dead_letter.attempts + 1, run_id = excluded.run_id,
		 unit = excluded.unit, code = excluded.code, reason = excluded.reason, remedy = excluded.remedy, payload = excluded.payload, updated_at = now()`,
		[
			letter.runId ?? null,
			letter.stage,
			letter.unit,
			letter.subject,
			letter.code,
			letter.reason,
			letter.remedy ?? null,
			JSON.stringify(letter.payload ?? {}),
		],
	);
	await publish(tx, "DeadLetterCreated", {
		source: `stage/${letter.stage}`,
		subject: letter.subject,
		data: { code: letter.code, reason: letter.reason },
	});
}

/** A cured input leaves the queue by itself. */
export async function resolveDeadLetters(
	tx: Transaction,
	stage: string,
	subjects: string[],
	note: string,
): Promise<void> {
	await tx.execute(
		"resolve dead letters",
		"UPDATE dead_letter SET status = 'resolved', note = $3, updated_at = now() WHERE stage = $1 AND subject = ANY($2) AND status <> 'resolved'",
		[stage, subjects, note],
	);
}

export const listDeadLetters = (db: Queryable, status?: string): Promise<DeadLetter[]> =>
	db.query<DeadLetter>(
		"list dead letters",
		"SELECT * FROM dead_letter WHERE ($1::text IS NULL OR status = $1) ORDER BY id",
		[status ?? null],
	);

export async function getDeadLetter(db: Queryable, id: number): Promise<DeadLetter | undefined> {
	return (await db.query<DeadLetter>("get dead letter", "SELECT * FROM dead_letter WHERE id = $1", [id]))[0];
}

export const setDeadLetterStatus = (
	db: Queryable,
	id: number,
	status: DeadLetter["status"],
	note: string | null,
): Promise<number> =>
	db.execute(
		"set dead letter",
		"UPDATE dead_letter SET status = $2, note = coalesce($3, note), updated_at = now() WHERE id = $1",
		[id, status, note],
	);
