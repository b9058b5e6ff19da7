import type { Config } from "../../config/schema.ts";
import type { Candidate, Detections } from "../../detection/detect.ts";
import * as metrics from "../../observability/metrics.ts";
import type { Queryable, Transaction } from "../../store/database.ts";
import { type DetectionOutcome, recordDetection, storeScores } from "../../store/detections.ts";
import { lightCurvesOf, type MeasurementRow } from "../../store/measurements.ts";
import { detectInThreads } from "./in-threads.ts";

/** Which detector spoke, in the history of a candidate. */
const DETECTOR = "lens-filter-2";

export interface JudgedSource {
	id: number;
	ra_deg: number;
	dec_deg: number;
	field_id: number | null;
}

export type DetectionSettings = Pick<Config["ese_detection"], "preset" | "min_sigma" | "tier_high" | "tier_medium">;

/** What the detector says of stored sources, before anything is written. */
export interface Judgement {
	sources: readonly JudgedSource[];
	detections: Detections;
	/** Newest measurement of each source, MJD. */
	lastMjd: ReadonlyMap<number, number>;
}

/** Looks for events in the stored light curves of sources, those measured under the given settings. */
export async function judgeStored(
	db: Queryable,
	sources: readonly JudgedSource[],
	settings: DetectionSettings,
	configurationHash: string,
): Promise<Judgement> {
	const rows = await lightCurvesOf(
		db,
		sources.map((source) => source.id),
		configurationHash,
	);
	const bands = await db.query<{ id: number; mhz: number }>(
		"band frequencies",
		"SELECT id, frequency_hz / 1e6 AS mhz FROM band",
	);
	const detections = await judge(sources, rows, new Map(bands.map((band) => [band.id, band.mhz])), settings);
	const lastMjd = new Map<number, number>();
	for (const row of rows) lastMjd.set(row.source_id, Math.max(row.mjd, lastMjd.get(row.source_id) ?? -Infinity));
	return { sources, detections, lastMjd };
}

export interface RecordedCandidate {
	sourceId: number;
	id: number;
	outcome: DetectionOutcome;
}

/** Stores scores and candidates, in the order of their significance. */
export async function storeJudgement(
	tx: Transaction,
	{ sources, detections, lastMjd }: Judgement,
): Promise<RecordedCandidate[]> {
	await storeScores(
		tx,
		detections.scores.map((score) => ({
			sourceId: sources[score.sourceIndex].id,
			significance: score.significance,
			falseAlarmProbability: score.falseAlarmProbability,
			nMeasurements: score.nMeasurements,
			lastMjd: lastMjd.get(sources[score.sourceIndex].id) ?? null,
		})),
	);
	const recorded: RecordedCandidate[] = [];
	for (const candidate of detections.candidates) {
		const sourceId = sources[candidate.sourceIndex].id;
		const { id, outcome } = await recordDetection(tx, detectionOf(candidate, sourceId), lastMjd.get(sourceId) ?? null);
		if (outcome === "detected") metrics.candidatesDetected.inc({ significance_tier: candidate.tier });
		recorded.push({ sourceId, id, outcome });
	}
	return recorded;
}

export const newCandidates = (recorded: RecordedCandidate[]): number =>
	recorded.filter(({ outcome }) => outcome === "detected").length;

/** The detector over stored rows: on the common scale where there is one. */
function judge(
	sources: readonly JudgedSource[],
	rows: readonly MeasurementRow[],
	bandMhz: ReadonlyMap<number, number>,
	settings: DetectionSettings,
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
			preset: settings.min_sigma === undefined ? settings.preset : undefined,
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
