import type { Config } from "../../config/schema.ts";
import type { Candidate, Detections, DetectOptions, DetectSource, LightCurveTable } from "../../detection/detect.ts";
import type { Looks } from "../../detection/significance.ts";
import * as metrics from "../../observability/metrics.ts";
import type { Queryable, Transaction } from "../../store/database.ts";
import { type DetectionOutcome, recordDetection, storeScores } from "../../store/detections.ts";
import { type LightCurveColumns, lightCurveColumns, type MeasurementRow } from "../../store/measurements.ts";
import { detectBestFirst, detectInThreads } from "./in-threads.ts";
import { mergeStored } from "./merge-stored.ts";
import { flagGroups, type RefusedCandidate, verifyCandidates } from "./verify-stored.ts";

/** Which detector spoke, in the history of a candidate. */
const DETECTOR = "lens-filter-3";

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
	/** What the stored measurements do not bear out: never stored. */
	refused: readonly RefusedCandidate[];
	/** Newest measurement of each source, MJD. */
	lastMjd: ReadonlyMap<number, number>;
}

export interface JudgeHooks {
	/** Told of each reason for which a candidate is not stored. */
	onRefused?: (sourceId: string, reason: string) => void;
	onProgress?: (done: number, total: number) => void;
	/** So many newest points of each source, instead of all. */
	newest?: number | undefined;
	/** How often the sources are looked at. */
	looks?: Looks | undefined;
	/** Per source the number of its newest points that no run has seen: what they tell cannot have been raised before. */
	unsearched?: ReadonlyMap<number, number> | undefined;
	/**
	 * Sources (identifiers) that may wait, and how many of them are searched beyond a coarse look, those with most evidence
	 * first: the others have no score in the judgement.
	 */
	canWait?: { sources: ReadonlySet<number>; most: number } | undefined;
}

/** A detector that contradicts the measurements is a fault that somebody must hear of. */
const reportRefused = (sourceId: string, reason: string) =>
	process.emitWarning(`candidate of source ${sourceId} refused: ${reason}`);

/** Looks for events in the stored light curves of sources, those measured under the given settings. */
export async function judgeStored(
	db: Queryable,
	sources: readonly JudgedSource[],
	settings: DetectionSettings,
	configurationHash: string,
	{ onRefused = reportRefused, onProgress = () => {}, newest, looks, unsearched, canWait }: JudgeHooks = {},
): Promise<Judgement> {
	const columns = await lightCurveColumns(
		db,
		sources.map((source) => source.id),
		configurationHash,
		newest,
	);
	const table = packedTable(sources, columns, await bandFrequencies(db));
	const named = detectSources(sources);
	const options: DetectOptions = {
		preset: settings.min_sigma === undefined ? settings.preset : undefined,
		minSigma: settings.min_sigma,
		tierHigh: settings.tier_high,
		tierMedium: settings.tier_medium,
		normalized: true,
		looks,
		searchedUntil: searchedUntil(sources, columns, unsearched),
	};
	const found =
		canWait === undefined
			? await detectInThreads(table, named, options, onProgress)
			: await detectBestFirst(
					table,
					named,
					options,
					new Set(sources.flatMap(({ id }, place) => (canWait.sources.has(id) ? [place] : []))),
					canWait.most,
				);
	const { accepted, refused } = verifyCandidates(table, named, found.candidates);
	for (const { candidate, reasons } of refused)
		for (const reason of reasons) onRefused(named[candidate.sourceIndex].id, reason);
	const detections = { ...found, candidates: flagGroups(accepted, named) };
	const lastMjd = new Map<number, number>();
	columns.mjd.forEach((mjd, i) => {
		const id = columns.sourceId[i];
		lastMjd.set(id, Math.max(mjd, lastMjd.get(id) ?? -Infinity));
	});
	return { sources, detections, refused, lastMjd };
}

/** Per source (index) when the newest of the points was measured that a search has seen. */
function searchedUntil(
	sources: readonly JudgedSource[],
	columns: LightCurveColumns,
	unsearched: ReadonlyMap<number, number> | undefined,
): Map<number, number> | undefined {
	if (unsearched === undefined) return undefined;
	const times = new Map<number, number[]>();
	columns.mjd.forEach((mjd, i) => {
		const id = columns.sourceId[i];
		if (!unsearched.has(id)) return;
		const own = times.get(id);
		if (own === undefined) times.set(id, [mjd]);
		else own.push(mjd);
	});
	const until = new Map<number, number>();
	sources.forEach(({ id }, place) => {
		const own = times.get(id)?.sort((a, b) => a - b) ?? [];
		const seen = own.length - (unsearched.get(id) ?? own.length);
		if (seen > 0) until.set(place, own[seen - 1]);
	});
	return until;
}

export async function bandFrequencies(db: Queryable): Promise<Map<number, number>> {
	const bands = await db.query<{ id: number; mhz: number }>(
		"band frequencies",
		"SELECT id, frequency_hz / 1e6 AS mhz FROM band",
	);
	return new Map(bands.map((band) => [band.id, band.mhz]));
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
	const fresh = recorded.filter(({ outcome }) => outcome !== "unchanged").map(({ id }) => id);
	await mergeStored(tx, fresh, DETECTOR);
	return recorded;
}

export const newCandidates = (recorded: RecordedCandidate[]): number =>
	recorded.filter(({ outcome }) => outcome === "detected").length;

function packedTable(
	sources: readonly JudgedSource[],
	columns: LightCurveColumns,
	bandMhz: ReadonlyMap<number, number>,
): LightCurveTable {
	const place = new Map(sources.map((source, i) => [source.id, i]));
	return {
		sourceIndex: Int32Array.from(columns.sourceId, (id) => place.get(id) as number),
		mjd: columns.mjd,
		frequencyMhz: columns.bandId.map((id) => bandMhz.get(id) as number),
		flux: columns.flux,
		fluxErr: columns.err,
	};
}

/** Stored rows as a table of light curves: on the common scale where there is one. */
export function tableOf(
	sources: readonly JudgedSource[],
	rows: readonly MeasurementRow[],
	bandMhz: ReadonlyMap<number, number>,
): LightCurveTable {
	const place = new Map(sources.map((source, i) => [source.id, i]));
	return {
		sourceIndex: Int32Array.from(rows, (row) => place.get(row.source_id) as number),
		mjd: Float64Array.from(rows, (row) => row.mjd),
		frequencyMhz: Float64Array.from(rows, (row) => bandMhz.get(row.band_id) as number),
		flux: Float64Array.from(rows, (row) => row.flux_norm_jy ?? row.flux_jy ?? Number.NaN),
		fluxErr: Float64Array.from(
			rows,
			(row) => (row.flux_norm_jy === null ? row.flux_err_jy : row.flux_norm_err_jy) ?? Number.NaN,
		),
	};
}

export const detectSources = (sources: readonly JudgedSource[]): DetectSource[] =>
	sources.map((source) => ({
		id: String(source.id),
		raDeg: source.ra_deg,
		decDeg: source.dec_deg,
		...(source.field_id === null ? {} : { fieldId: String(source.field_id) }),
	}));

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
