import type { Queryable, Row, Transaction } from "./database.ts";

export interface ArrivalGroupRow {
	id: string;
	state: "open" | "complete" | "partial" | "rejected" | "quarantined";
	first_stamp_s: number;
	last_stamp_s: number;
	start_mjd: number | null;
	waited_s: number;
	revision: number;
	gone_since_s: number | null;
}

export interface SubbandFileRow {
	path: string;
	group_id: string;
	role: "member" | "rival" | "copy";
	/** Its place among the files of its role, in the order of arrival. */
	place: number;
	subband: number | null;
	stamp_s: number | null;
	size_bytes: number | null;
	start_mjd: number | null;
	content_hash: string | null;
}

export interface DecisionRow {
	id: string;
	decision: Row;
}

/** Groups with all their files: a file that is listed here leaves any other group. */
export async function storeGroups(tx: Transaction, groups: ArrivalGroupRow[], files: SubbandFileRow[]): Promise<void> {
	if (groups.length === 0) return;
	const column = <T extends object, K extends keyof T>(rows: T[], name: K) => rows.map((row) => row[name]);
	await tx.execute(
		"store groups",
		`INSERT INTO arrival_group (id, state, first_stamp_s, last_stamp_s, start_mjd, waited_s, revision, gone_since_s)
		 SELECT * FROM unnest($1::text[], $2::text[], $3::float8[], $4::float8[], $5::float8[], $6::float8[], $7::int[], $8::float8[])
		 ON CONFLICT (id) DO UPDATE SET state = excluded.state, first_stamp_s = excluded.first_stamp_s,
		 last_stamp_s = excluded.last_stamp_s, start_mjd = excluded.start_mjd, waited_s = excluded.waited_s,
		 revision = excluded.revision, gone_since_s = excluded.gone_since_s, updated_at = now()`,
		[
			column(groups, "id"),
			column(groups, "state"),
			column(groups, "first_stamp_s"),
			column(groups, "last_stamp_s"),
			column(groups, "start_mjd"),
			column(groups, "waited_s"),
			column(groups, "revision"),
			column(groups, "gone_since_s"),
		],
	);
	// A file that lost the choice between rivals is listed no longer.
	await tx.execute("drop files left out", "DELETE FROM subband_file WHERE group_id = ANY($1) AND NOT path = ANY($2)", [
		column(groups, "id"),
		column(files, "path"),
	]);
	await tx.execute(
		"store subband files",
		`INSERT INTO subband_file (path, group_id, role, place, subband, stamp_s, size_bytes, start_mjd, content_hash)
		 SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::int[], $6::float8[], $7::int8[], $8::float8[], $9::text[])
		 ON CONFLICT (path) DO UPDATE SET group_id = excluded.group_id, role = excluded.role, place = excluded.place,
		 subband = excluded.subband, stamp_s = excluded.stamp_s, size_bytes = excluded.size_bytes,
		 start_mjd = excluded.start_mjd, content_hash = excluded.content_hash`,
		[
			column(files, "path"),
			column(files, "group_id"),
			column(files, "role"),
			column(files, "place"),
			column(files, "subband"),
			column(files, "stamp_s"),
			column(files, "size_bytes"),
			column(files, "start_mjd"),
			column(files, "content_hash"),
		],
	);
}

export const forgetGroups = (tx: Transaction, ids: string[]): Promise<number> =>
	tx.execute("forget groups", "DELETE FROM arrival_group WHERE id = ANY($1)", [ids]);

export const loadGroups = (db: Queryable): Promise<ArrivalGroupRow[]> =>
	db.query<ArrivalGroupRow>(
		"load groups",
		"SELECT id, state, first_stamp_s, last_stamp_s, start_mjd, waited_s, revision, gone_since_s FROM arrival_group ORDER BY first_stamp_s, id",
	);

export const loadSubbandFiles = (db: Queryable): Promise<SubbandFileRow[]> =>
	db.query<SubbandFileRow>(
		"load subband files",
		"SELECT path, group_id, role, place, subband, stamp_s, size_bytes, start_mjd, content_hash FROM subband_file ORDER BY group_id, place",
	);

export const addDecisions = (tx: Transaction, decisions: DecisionRow[]): Promise<number> =>
	tx.execute(
		"add decisions",
		"INSERT INTO arrival_decision (id, decision) SELECT * FROM unnest($1::uuid[], $2::jsonb[])",
		[decisions.map((row) => row.id), decisions.map((row) => JSON.stringify(row.decision))],
	);

export const loadDecisions = (db: Queryable): Promise<DecisionRow[]> =>
	db.query<DecisionRow>("load decisions", "SELECT id, decision FROM arrival_decision ORDER BY seq");

/** Takes a decision over. False when it has been taken before: then nothing may be done about it. */
export async function takeDecision(tx: Transaction, id: string, kind: string): Promise<boolean> {
	const taken = await tx.execute("take decision", "DELETE FROM arrival_decision WHERE id = $1", [id]);
	if (taken === 0) return false;
	await tx.execute(
		"count decision",
		"INSERT INTO arrival_count (kind, n) VALUES ($1, 1) ON CONFLICT (kind) DO UPDATE SET n = arrival_count.n + 1",
		[kind],
	);
	return true;
}

export const setGroupRun = (tx: Transaction, groupId: string, runId: string): Promise<number> =>
	tx.execute("group run", "UPDATE arrival_group SET run_id = $2, product = '{}' WHERE id = $1", [groupId, runId]);

/** Adds to what was made of a group, unless a later run has it by now. */
export const addGroupProduct = (tx: Transaction, groupId: string, runId: string, product: Row): Promise<number> =>
	tx.execute(
		"group product",
		`UPDATE arrival_group SET product = product || $3::jsonb, run_id = $2, updated_at = now() WHERE id = $1
		 AND coalesce((SELECT created_at FROM run WHERE run.id = arrival_group.run_id), '-infinity')
		 <= (SELECT created_at FROM run WHERE run.id = $2)`,
		[groupId, runId, JSON.stringify(product)],
	);

/**
 * Becomes the one watcher of this survey, or says who is: two would each take every file.
 *
 * @param isGone whether a watcher is known to be dead.
 * @returns undefined when it is ours, else the other one.
 */
export async function claimWatch(
	tx: Transaction,
	watcher: string,
	isGone: (other: string) => boolean,
	silentS = 120,
): Promise<string | undefined> {
	await tx.execute(
		"begin watch",
		"INSERT INTO arrival_watch (id, watcher, beat_at) VALUES (1, $1, now()) ON CONFLICT DO NOTHING",
		[watcher],
	);
	const [row] = await tx.query<{ watcher: string; silent_s: number }>(
		"lock watch",
		"SELECT watcher, extract(epoch FROM now() - beat_at)::float8 AS silent_s FROM arrival_watch WHERE id = 1 FOR UPDATE",
	);
	if (row.watcher !== watcher && row.watcher !== "" && !isGone(row.watcher) && row.silent_s < silentS)
		return row.watcher;
	await tx.execute("claim watch", "UPDATE arrival_watch SET watcher = $1, beat_at = now() WHERE id = 1", [watcher]);
	return undefined;
}

/** Says that the watcher is alive. False when another has taken its place. */
export const beatWatch = async (db: Queryable, watcher: string): Promise<boolean> =>
	(await db.execute("beat watch", "UPDATE arrival_watch SET beat_at = now() WHERE id = 1 AND watcher = $1", [
		watcher,
	])) === 1;

export const endWatch = (db: Queryable, watcher: string): Promise<number> =>
	db.execute("end watch", "UPDATE arrival_watch SET watcher = '' WHERE id = 1 AND watcher = $1", [watcher]);

export const setWatchClock = (tx: Transaction, clockS: number): Promise<number> =>
	tx.execute("watch clock", "UPDATE arrival_watch SET clock_s = $1 WHERE id = 1", [clockS]);

export async function watchClock(db: Queryable): Promise<number | undefined> {
	const [row] = await db.query<{ clock_s: number | null }>(
		"watch clock",
		"SELECT clock_s FROM arrival_watch WHERE id = 1",
	);
	return row?.clock_s ?? undefined;
}
