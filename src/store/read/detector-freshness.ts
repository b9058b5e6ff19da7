import type { Queryable } from "../database.ts";

/** When detection last succeeded and last failed, over all runs. */
export interface DetectorFreshness {
	last_success: Date | null;
	last_failure: Date | null;
}

export async function detectorFreshness(db: Queryable): Promise<DetectorFreshness> {
	const [row] = await db.query<DetectorFreshness>(
		"detector freshness",
		`SELECT max(finished_at) FILTER (WHERE status = 'done') AS last_success, max(finished_at) FILTER (WHERE status = 'failed') AS last_failure
		 FROM stage_run WHERE stage IN ('detect', 'detect-requested')`,
	);
	return row;
}
