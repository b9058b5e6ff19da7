import { badInput } from "../error.ts";
import type { Queryable, Transaction } from "./database.ts";

export interface StoredClassifier<Model = unknown, Performance = unknown> {
	version: number;
	status: "trial" | "promoted" | "retired";
	model: Model;
	/** When it was trained: cross-validated. */
	performance: Performance;
	created_at: Date;
	promoted_by: string | null;
	promoted_at: Date | null;
}

export const listClassifiers = <M, P>(db: Queryable): Promise<StoredClassifier<M, P>[]> =>
	db.query<StoredClassifier<M, P>>("classifiers", "SELECT * FROM classifier ORDER BY version");

/** Stores a classifier on trial under the next version; the one that was on trial before is retired. */
export async function storeTrial(
	tx: Transaction,
	modelOf: (version: number) => unknown,
	performance: unknown,
): Promise<number> {
	await tx.execute("lock classifiers", "LOCK TABLE classifier IN EXCLUSIVE MODE");
	const [{ version }] = await tx.query<{ version: number }>(
		"next version",
		"SELECT coalesce(max(version), 0) + 1 AS version FROM classifier",
	);
	await tx.execute("retire trial", "UPDATE classifier SET status = 'retired' WHERE status = 'trial'");
	await tx.execute(
		"store classifier",
		"INSERT INTO classifier (version, status, model, performance) VALUES ($1, 'trial', $2, $3)",
		[version, JSON.stringify(modelOf(version)), JSON.stringify(performance)],
	);
	return version;
}

/** Makes a version the one that counts, in a person's name; the one before is retired. */
export async function promote(tx: Transaction, version: number, actor: string): Promise<void> {
	await tx.execute("lock classifiers", "LOCK TABLE classifier IN EXCLUSIVE MODE");
	const [row] = await tx.query<{ status: string }>("classifier", "SELECT status FROM classifier WHERE version = $1", [
		version,
	]);
	if (row === undefined)
		throw badInput("no-classifier", "there is no such version", {
			subject: `classifier ${version}`,
			remedy: "See caustic classifier list",
		});
	if (row.status === "promoted")
		throw badInput("not-in-that-state", "is promoted already", { subject: `classifier ${version}` });
	await tx.execute("retire promoted", "UPDATE classifier SET status = 'retired' WHERE status = 'promoted'");
	await tx.execute(
		"promote",
		"UPDATE classifier SET status = 'promoted', promoted_by = $2, promoted_at = now() WHERE version = $1",
		[version, actor],
	);
}
