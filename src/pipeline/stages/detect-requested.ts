import * as metrics from "../../observability/metrics.ts";
import type { Queryable } from "../../store/database.ts";
import type { Run } from "../../store/runs.ts";
import {
	type JudgedSource,
	type Judgement,
	judgeStored,
	newCandidates,
	type RecordedCandidate,
	storeJudgement,
} from "../detection/judge-stored.ts";
import type { Stage, StageContext, StageResult } from "../stage.ts";

/** What became of one source of a request. */
export interface RequestedResult {
	source_id: number;
	/** `no_measurements`: none under the settings of the request. */
	status: "done" | "no_source" | "no_measurements" | "failed";
	significance: number | null;
	false_alarm_probability: number | null;
	n_measurements: number;
	/** The candidates that the source has by this, with what the request did to them. */
	candidates: { id: number; outcome: string }[];
}

const JUDGED = "SELECT id, ra_deg, dec_deg, field_id FROM source";

/** The ids that a unit of a request by name stands for: `PLACE:FIRST-LAST`. */
const idsOfUnit = (named: number[], unit: string, batch: number): number[] => {
	const place = Number(unit.split(":")[0]);
	return named.slice(place * batch, (place + 1) * batch);
};

function sourcesOfUnit(db: Queryable, run: Run, unit: string, batch: number): Promise<JudgedSource[]> {
	const named = run.inputs.sources;
	if (Array.isArray(named)) {
		return db.query<JudgedSource>("sources requested", `${JUDGED} WHERE id = ANY($1) ORDER BY id`, [
			idsOfUnit(named, unit, batch),
		]);
	}
	const [first, last] = unit.split("-").map(Number);
	return db.query<JudgedSource>(
		"sources of batch",
		`${JUDGED} WHERE id BETWEEN $1 AND $2 AND EXISTS (SELECT FROM light_curve_state WHERE source_id = source.id)
		 AND ($3::bigint[] IS NULL OR field_id = ANY($3)) ORDER BY id`,
		[first, last, run.inputs.fields ?? null],
	);
}

/** One entry for each source that was named, found or not, in the order of the request. */
export function resultsOf(ids: number[], judgement: Judgement, recorded: RecordedCandidate[]): RequestedResult[] {
	const { sources, detections } = judgement;
	const known = new Set(sources.map((source) => source.id));
	const scoreOf = new Map(detections.scores.map((score) => [sources[score.sourceIndex].id, score]));
	return ids.map((id) => {
		const score = scoreOf.get(id);
		return {
			source_id: id,
			status: !known.has(id) ? "no_source" : score === undefined ? "no_measurements" : "done",
			significance: score?.significance ?? null,
			false_alarm_probability: score?.falseAlarmProbability ?? null,
			n_measurements: score?.nMeasurements ?? 0,
			candidates: recorded
				.filter((candidate) => candidate.sourceId === id)
				.map((candidate) => ({ id: candidate.id, outcome: candidate.outcome })),
		};
	});
}

/**
 * Judges stored sources because somebody asked: those named, each with its own outcome, or every one with a light
 * curve, due or not.
 */
export const detectRequested: Stage = {
	name: "detect-requested",
	after: [],
	enabled: () => true,
	async units(db, run, config) {
		const batch = config.ese_detection.batch_size;
		const named = run.inputs.sources;
		if (Array.isArray(named)) {
			return Array.from({ length: Math.ceil(named.length / batch) }, (_, i) => {
				const ids = named.slice(i * batch, (i + 1) * batch);
				return `${i}:${ids[0]}-${ids[ids.length - 1]}`;
			});
		}
		const rows = await db.query<{ first: number; last: number }>(
			"batches of sources",
			`SELECT min(id) AS first, max(id) AS last FROM (SELECT id, (row_number() OVER (ORDER BY id) - 1) / $1::int AS batch FROM source
			 WHERE EXISTS (SELECT FROM light_curve_state WHERE source_id = source.id) AND ($2::bigint[] IS NULL OR field_id = ANY($2))) AS s GROUP BY batch ORDER BY batch`,
			[batch, run.inputs.fields ?? null],
		);
		return rows.map(({ first, last }) => `${first}-${last}`);
	},
	onFailure: "reject",

	async execute({ database, config, configurationHash }: StageContext, run, unit): Promise<StageResult> {
		const begun = performance.now();
		const batch = config.ese_detection.batch_size;
		const sources = await sourcesOfUnit(database, run, unit, batch);
		const judgement = await judgeStored(database, sources, config.ese_detection, configurationHash);
		const { scores, candidates } = judgement.detections;
		const seconds = (performance.now() - begun) / 1000;
		const output: Record<string, unknown> = {
			examined: scores.length,
			candidates: candidates.length,
			new_candidates: 0,
		};
		return {
			output,
			async store(tx) {
				const recorded = await storeJudgement(tx, judgement);
				output.new_candidates = newCandidates(recorded);
				const named = run.inputs.sources;
				if (Array.isArray(named)) output.results = resultsOf(idsOfUnit(named, unit, batch), judgement, recorded);
				await tx.execute(
					"note requested results",
					"UPDATE stage_run SET output = output || $3::jsonb WHERE run_id = $1 AND stage = 'detect-requested' AND unit = $2",
					[run.id, unit, JSON.stringify(output)],
				);
				metrics.detectionDuration.observe(seconds);
				metrics.pipelineRuns.inc({ trigger: run.inputs.trigger, status: "done" });
			},
		};
	},
};
