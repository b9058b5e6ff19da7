import { candidatesCurrent, databaseUp, deadLettersOpen, registry } from "../../observability/metrics.ts";
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
