import type { Candidate, Detections } from "../../detection/detect.ts";
import * as metrics from "../../observability/metrics.ts";
import type { Queryable } from "../../store/database.ts";
import { recordDetection, storeScores, tierCounts } from "../../store/detections.ts";
import { lightCurvesOf, type MeasurementRow } from "../../store/measurements.ts";
import { detectInThreads } from "../detection/in-threads.ts";
import type { Stage, StageContext, StageResult } from "../stage.ts";

/** Which detector spoke, in the history of a candidate. */
const DETECTOR = "lens-filter-1";
/** Reduced chi-squared about the level, in any subband, below which a light curve cannot hold an event. */
const RESTLESS_ETA = 1.5;

interface ChangedSource {
	id: number;
	ra_deg: number;
	dec_deg: number;
	field_id: number | null;
}

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
const changedSources = (db: Queryable, runId: string): Promise<ChangedSource[]> =>
	db.query<ChangedSource>(
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
		const rows = await lightCurvesOf(
			database,
			sources.map((source) => source.id),
			configurationHash,
		);
		const bands = new Map(
			(
				await database.query<{ id: number; mhz: number }>(
					"band frequencies",
					"SELECT id, frequency_hz / 1e6 AS mhz FROM band",
				)
			).map((band) => [band.id, band.mhz]),
		);
		const { candidates, scores } = await judge(sources, rows, bands, config.ese_detection);
		const seconds = (performance.now() - begun) / 1000;
		const lastMjd = new Map<number, number>();
		for (const row of rows) lastMjd.set(row.source_id, Math.max(row.mjd, lastMjd.get(row.source_id) ?? -Infinity));
		const output = { examined: scores.length, candidates: candidates.length, new_candidates: 0 };
		return {
			output,
			async store(tx) {
				await storeScores(
					tx,
					scores.map((score) => ({
						sourceId: sources[score.sourceIndex].id,
						significance: score.significance,
						falseAlarmProbability: score.falseAlarmProbability,
						nMeasurements: score.nMeasurements,
						lastMjd: lastMjd.get(sources[score.sourceIndex].id) ?? null,
					})),
				);
				for (const candidate of candidates) {
					const sourceId = sources[candidate.sourceIndex].id;
					const { outcome } = await recordDetection(
						tx,
						detectionOf(candidate, sourceId),
						lastMjd.get(sourceId) ?? null,
					);
					if (outcome === "detected") {
						output.new_candidates += 1;
						metrics.candidatesDetected.inc({ significance_tier: candidate.tier });
					}
				}
				await tx.execute(
					"count new candidates",
					"UPDATE stage_run SET output = output || $2 WHERE run_id = $1 AND stage = 'detect'",
					[run.id, JSON.stringify({ new_candidates: output.new_candidates })],
				);
				for (const { tier, count } of await tierCounts(tx))
					metrics.candidatesCurrent.set({ significance_tier: tier }, count);
				metrics.detectionDuration.observe(seconds);
				metrics.pipelineRuns.inc({ trigger: run.inputs.trigger, status: "done" });
				metrics.detectionRequests.inc({ scope: "automatic", status: "done" });
			},
		};
	},
};

/** The detector over stored rows: on the common scale where there is one. */
export function judge(
	sources: readonly ChangedSource[],
	rows: readonly MeasurementRow[],
	bandMhz: ReadonlyMap<number, number>,
	settings: {
		preset: "conservative" | "moderate" | "sensitive";
		min_sigma?: number | undefined;
		tier_high: number;
		tier_medium: number;
	},
): Promise<Detections> {
	const place = new Map(sources.map((source, i) => [source.id, i]));
	return detectInThreads(
		{
			sourceIndex: Int32Array.from(rows, (row) => place.get(row.source_id) as number),
			mjd: Float64Array.from(rows, (row) => row.mjd),
			frequencyMhz: Float64Array.from(rows, (row) => bandMhz.get(row.band_id) as number),
			flux: Float64Array.from(rows, (row) => row.flux_norm_jy ?? row.flux_jy ?? Number.NaN),
			fluxErr: Float64Array.from(
				rows,
				(row) => (row.flux_norm_jy === null ? row.flux_err_jy : row.flux_norm_err_jy) ?? Number.NaN,
			),
		},
		sources.map((source) => ({
			id: String(source.id),
			raDeg: source.ra_deg,
			decDeg: source.dec_deg,
			...(source.field_id === null ? {} : { fieldId: String(source.field_id) }),
		})),
		{
			preset: settings.preset,
			minSigma: settings.min_sigma,
			tierHigh: settings.tier_high,
			tierMedium: settings.tier_medium,
			normalized: true,
		},
	);
}

const detectionOf = (candidate: Candidate, sourceId: number) => ({
	sourceId,
	significance: candidate.significance,
	falseAlarmProbability: candidate.falseAlarmProbability,
	tier: candidate.tier,
	firstDetectedMjd: candidate.firstDetectedMjd,
	startMjd: candidate.startMjd,
	peakMjd: candidate.peakMjd,
	endMjd: candidate.endMjd,
	depth: candidate.depth,
	durationDays: candidate.durationDays,
	chromaticity: candidate.chromaticity,
	statistic: candidate.statistic,
	nMeasurements: candidate.nMeasurements,
	flags: candidate.flags,
	explanation: candidate.explanation,
	detector: DETECTOR,
});
