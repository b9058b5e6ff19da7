import { DEFAULT_NOISE, searched } from "../../detection/watch.ts";
import * as metrics from "../../observability/metrics.ts";
import { tierCounts } from "../../store/detections.ts";
import { hasRestless, storeWatches } from "../../store/watches.ts";
import { dueSources, MOST_SEARCHED, RESTLESS_ETA } from "../detection/due-sources.ts";
import { type Judgement, judgeStored, newCandidates, storeJudgement } from "../detection/judge-stored.ts";
import type { Stage, StageContext, StageResult } from "../stage.ts";

/** Newest points of a source that are searched as epochs come: the cost of an epoch does not grow with the history. */
export const NEWEST_POINTS = 1200;

/**
 * Looks for extreme scattering events among the sources that the run has brought news of. The probability stated is that
 * of the highest score of all looks, since every epoch is one.
 */
export const detect: Stage = {
	name: "detect",
	after: ["statistics"],
	enabled: (config) => config.ese_detection.enabled,
	async units(db, run) {
		return (await hasRestless(db, run.id, RESTLESS_ETA)) ? ["survey"] : [];
	},
	onFailure: "reject",

	async execute({ database, config, configurationHash }: StageContext, run): Promise<StageResult> {
		const begun = performance.now();
		const { due, watched } = await dueSources(database, run.id);
		const judgements: Judgement[] = [];
		for (let at = 0; at < due.length; at += config.ese_detection.batch_size) {
			const sources = due.slice(at, at + config.ese_detection.batch_size);
			const judgement = await judgeStored(database, sources, config.ese_detection, configurationHash, {
				newest: NEWEST_POINTS,
				looks: "every-epoch",
				unsearched: new Map(
					sources.flatMap(({ id, fresh, watch }) => (watch.searchedPoints > 0 ? [[id, fresh] as const] : [])),
				),
				canWait: { sources: new Set(sources.flatMap(({ id, canWait }) => (canWait ? [id] : []))), most: MOST_SEARCHED },
			});
			judgements.push(judgement);
			const noise = new Map(judgement.detections.scores.map((score) => [score.sourceIndex, score.noise]));
			sources.forEach((source, i) => {
				// What had to wait keeps its surprises, and with them its place in the queue.
				if (judgement.detections.left?.has(i)) return;
				searched(source.watch, noise.get(i) ?? DEFAULT_NOISE, source.points);
			});
		}
		const seconds = (performance.now() - begun) / 1000;
		const output = {
			watched: watched.length,
			examined: judgements.reduce((sum, one) => sum + one.detections.scores.length, 0),
			candidates: judgements.reduce((sum, one) => sum + one.detections.candidates.length, 0),
			new_candidates: 0,
		};
		return {
			output,
			async store(tx) {
				for (const judgement of judgements) output.new_candidates += newCandidates(await storeJudgement(tx, judgement));
				await storeWatches(tx, watched);
				await tx.execute(
					"count new candidates",
					"UPDATE stage_run SET output = output || $2 WHERE run_id = $1 AND stage = 'detect'",
					[run.id, JSON.stringify({ new_candidates: output.new_candidates })],
				);
				for (const { tier, count } of await tierCounts(tx))
					metrics.candidatesCurrent.set({ significance_tier: tier }, count);
				metrics.detectionDuration.observe(seconds);
				metrics.detectionLatency.observe((Date.now() - run.created_at.getTime()) / 1000);
				metrics.pipelineRuns.inc({ trigger: run.inputs.trigger, status: "done" });
				metrics.detectionRequests.inc({ scope: "automatic", status: "done" });
			},
		};
	},
};
