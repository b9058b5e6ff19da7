import {
	arrivalBacklog,
	arrivalDecisions,
	arrivalGroups,
	calibrationAge,
	candidatesCurrent,
	databaseUp,
	deadLettersOpen,
	registry,
} from "../../observability/metrics.ts";
import { calibratorLabel } from "../../pipeline/calibration/solve-metrics.ts";
import { TIERS } from "../../store/candidates.ts";
import type { DatabaseProbe } from "../../store/probe.ts";
import type { Routes } from "../context.ts";

/** What the database knows better than any process: asked at each scrape, left out when it does not answer. */
async function refresh(probe: DatabaseProbe): Promise<void> {
	try {
		const rows = await probe.query<{ tier: (typeof TIERS)[number]; n: number }>(
			"SELECT tier, count(*)::int AS n FROM candidate WHERE status IN ('open', 'confirmed') GROUP BY tier",
		);
		const [{ letters }] = await probe.query<{ letters: number }>(
			"SELECT count(*)::int AS letters FROM dead_letter WHERE status = 'open'",
		);
		const groups = await probe.query<{ state: string; n: number }>(
			"SELECT state, count(*)::int AS n FROM arrival_group GROUP BY state",
		);
		const counts = await probe.query<{ kind: string; n: number }>("SELECT kind, n::int FROM arrival_count");
		const [{ waiting }] = await probe.query<{ waiting: number }>(
			"SELECT count(*)::int AS waiting FROM arrival_decision",
		);
		const tables = await probe.query<{ calibrator: string; newest: number }>(
			`SELECT product->>'calibrator' AS calibrator, max(first_stamp_s) AS newest FROM arrival_group
			 WHERE (product->>'accepted')::boolean AND product->>'calibrator' IS NOT NULL GROUP BY 1`,
		);
		calibrationAge.reset();
		const newest = new Map<string, number>();
		for (const one of tables) {
			const label = calibratorLabel(one.calibrator);
			newest.set(label, Math.max(newest.get(label) ?? 0, one.newest));
		}
		for (const [calibrator_name, stampS] of newest) {
			calibrationAge.set({ calibrator_name }, Math.max(0, Date.now() / 1000 - stampS) / 3600);
		}
		arrivalGroups.reset();
		for (const { state, n } of groups) arrivalGroups.set({ state }, n);
		// Counted where they are stored: decisions are taken in the process that watches, not in this one.
		arrivalDecisions.reset();
		for (const { kind, n } of counts) arrivalDecisions.inc({ kind }, n);
		arrivalBacklog.set(waiting);
		for (const tier of TIERS) {
			candidatesCurrent.set({ significance_tier: tier }, rows.find((row) => row.tier === tier)?.n ?? 0);
		}
		deadLettersOpen.set(letters);
		databaseUp.set(1);
	} catch {
		candidatesCurrent.reset();
		databaseUp.set(0);
	}
}

export const metricsRoutes: Routes = (app, { probe }) => {
	app.get("/metrics", async (c) => {
		await refresh(probe);
		c.header("Cache-Control", "no-store");
		return c.body(await registry.metrics(), 200, { "Content-Type": registry.contentType });
	});
};
