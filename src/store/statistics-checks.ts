import type { Queryable } from "./database.ts";

export interface StatisticsCheck {
	at: Date;
	trigger: "command" | "schedule";
	light_curves: number;
	wrong: number;
	repaired: number;
	problems: { source: string; band_mhz: number; problems: string[] }[];
}

export async function recordCheck(db: Queryable, check: Omit<StatisticsCheck, "at">): Promise<void> {
	await db.execute(
		"record check",
		"INSERT INTO statistics_check (trigger, light_curves, wrong, repaired, problems) VALUES ($1, $2, $3, $4, $5)",
		[check.trigger, check.light_curves, check.wrong, check.repaired, JSON.stringify(check.problems)],
	);
}

/** Whether the last check by schedule lies at least so many hours back; true when there was none. */
export async function isCheckDue(db: Queryable, everyHours: number): Promise<boolean> {
	const [{ due }] = await db.query<{ due: boolean }>(
		"check due",
		"SELECT NOT EXISTS (SELECT FROM statistics_check WHERE trigger = 'schedule' AND at > now() - $1::float8 * interval '1 hour') AS due",
		[everyHours],
	);
	return due;
}
