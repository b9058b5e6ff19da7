import type { Config } from "../../config/schema.ts";
import type { Logger } from "../../observability/log.ts";
import type { Database } from "../../store/database.ts";
import { isCheckDue } from "../../store/statistics-checks.ts";
import { surveyConfiguration } from "../runner.ts";
import { checkStatistics } from "./consistency.ts";

/** How often a process looks whether the check is due. */
const LOOK_MS = 10 * 60_000;

/**
 * Has the statistics checked, and repaired, as often as configured, whichever process of the survey gets to it first.
 * What was wrong is logged and kept; a check that fails is tried again at the next look.
 */
export function scheduleChecks(
	database: Database,
	config: Config,
	log: Logger,
	lookMs = LOOK_MS,
): { stop(): Promise<void> } {
	const { check_hours: everyHours } = config.ese_detection;
	if (everyHours === 0) return { stop: async () => {} };
	const ending = new AbortController();
	let running: Promise<void> = Promise.resolve();
	let isBusy = false;
	const look = async () => {
		try {
			if (!(await isCheckDue(database, everyHours))) return;
			const result = await checkStatistics(database, await surveyConfiguration(database, config), {
				repair: true,
				trigger: "schedule",
				signal: ending.signal,
			});
			const counts = { light_curves: result.light_curves, wrong: result.wrong, repaired: result.repaired };
			if (result.wrong > 0) log.warn({ ...counts, problems: result.problems.slice(0, 5) }, "statistics_repaired");
			else log.info(counts, "statistics_checked");
		} catch (error) {
			if (!ending.signal.aborted) log.warn({ error: (error as Error).message }, "statistics_check_failed");
		}
	};
	const timer = setInterval(() => {
		if (isBusy) return;
		isBusy = true;
		running = look().finally(() => {
			isBusy = false;
		});
	}, lookMs);
	timer.unref();
	return {
		async stop() {
			clearInterval(timer);
			ending.abort();
			await running;
		},
	};
}
