import * as metrics from "../../observability/metrics.ts";
import type { Queryable } from "../../store/database.ts";
import { tierCounts } from "../../store/detections.ts";
import { type JudgedSource, judgeStored, newCandidates, storeJudgement } from "../detection/judge-stored.ts";
import type { Stage, StageContext, StageResult } from "../stage.ts";

/** Reduced chi-squared about the level, in any subband, below which a light curve cannot hold an event. */
const RESTLESS_ETA = 1.5;

/** A newest point this many errors from the level makes its source due at once. */
const NEWS_SIGMA = 4;
/** Without news a source is looked at again when its points have grown by this share, and by at least so many. */
const GROWTH = 0.1;
const LEAST_GROWTH = 24;

/**
 * Sources that are due: not ruled out by their running statistics, and either never judged, or under review, or with a
 * newest point far from the level, or with enough new points since. An epoch of a quiet sky costs little, however long
 * the history; every source is judged again as its history grows by a tenth.
 */
const changedSources = (db: Queryable, runId: string): Promise<JudgedSource[]> =>
	db.query<JudgedSource>(
		"sources due",
		`WITH fresh AS (
			SELECT m.source_id, bool_or(abs(coalesce(flux_norm_jy, flux_jy) - l.weighted_mean_jy) > $3::float8 * coalesce(flux_norm_err_jy, flux_err_jy)) AS news,
			max(l.eta) AS eta
			FROM measurement m JOIN light_curve_state l ON l.source_id = m.source_id AND l.band_id = m.band_id WHERE m.run_id = $1 GROUP BY m.source_id)
		 SELECT s.id, s.ra_deg, s.dec_deg, s.field_id FROM fresh JOIN source s ON s.id = fresh.source_id LEFT JOIN source_score sc ON sc.source_id = s.id
		 WHERE fresh.eta > $2::float8 AND (sc.source_id IS NULL OR fresh.news
			OR EXISTS (SELECT FROM candidate c WHERE c.source_id = s.id AND c.status IN ('open', 'confirmed'))
			OR (SELECT sum(n) FROM light_curve_state l WHERE l.source_id = s.id) >= sc.n_measurements + greatest($4::float8 * sc.n_measurements, $5::float8)) ORDER BY s.id`,
		[runId, RESTLESS_ETA, NEWS_SIGMA, GROWTH, LEAST_GROWTH],
	);

/** Looks for extreme scattering events among the sources that the run has brought news of. */
export const detect: Stage = {
	name: "detect",
	after: ["statistics"],
	enabled: (config) => config.ese_detection.enabled,
	async units(db, run) {
		return (await changedSources(db, run.id)).length > 0 ? ["survey"] : [];
	},
	onFailure: "reject",

	async execute({ database, config, configurationHash }: StageContext, run): Promise<StageResult> {
		const begun = performance.now();
		const sources = await changedSources(database, run.id);
		const judgement = await judgeStored(database, sources, config.ese_detection, configurationHash);
		const seconds = (performance.now() - begun) / 1000;
		const output = {
			examined: judgement.detections.scores.length,
			candidates: judgement.detections.candidates.length,
			new_candidates: 0,
		};
		return {
			output,
			async store(tx) {
				output.new_candidates = newCandidates(await storeJudgement(tx, judgement));
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
