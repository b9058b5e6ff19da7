import type { Candidate, CandidateEventKind, CandidateStatus, Tier } from "./candidates.ts";
import type { Queryable, Transaction } from "./database.ts";
import { publish } from "./events.ts";
import { takeIds } from "./ids.ts";

/** What the detector says of one event, after it has been verified against the stored measurements. */
export interface Detection {
	sourceId: number;
	significance: number;
	falseAlarmProbability: number;
	tier: Tier;
	firstDetectedMjd: number;
	startMjd: number;
	peakMjd: number;
	endMjd: number;
	depth: number | null;
	durationDays: number | null;
	chromaticity: number | null;
	statistic: number | null;
	nMeasurements: number;
	flags: string[];
	explanation: Record<string, unknown>;
	detector: string;
}

/** A rejected candidate comes back only when the case is stronger and rests on new epochs. */
const NEW_EPOCHS_TO_REOPEN = 3;
const TIER_RANK: Record<Tier, number> = { low: 0, medium: 1, high: 2 };

export type DetectionOutcome = "detected" | "updated" | "reopened" | "unchanged";

/** The same event: the intervals overlap, or the gap is less than half the longer one. */
export function isSameEvent(a: { startMjd: number; endMjd: number }, b: { startMjd: number; endMjd: number }): boolean {
	const gap = Math.max(a.startMjd, b.startMjd) - Math.min(a.endMjd, b.endMjd);
	return gap <= 0.5 * Math.max(a.endMjd - a.startMjd, b.endMjd - b.startMjd);
}

async function appendEvent(
	tx: Transaction,
	id: number,
	seq: number,
	kind: CandidateEventKind,
	detection: Detection,
	status: CandidateStatus,
	extra: Record<string, unknown>,
) {
	await tx.execute(
		"append candidate event",
		"INSERT INTO candidate_event (candidate_id, seq, kind, actor, snapshot) VALUES ($1, $2, $3, $4, $5)",
		[
			id,
			seq,
			kind,
			detection.detector,
			JSON.stringify({
				status,
				significance: detection.significance,
				false_alarm_probability: detection.falseAlarmProbability,
				tier: detection.tier,
				statistic: detection.statistic,
				n_measurements: detection.nMeasurements,
				flags: detection.flags.join("|"),
				...extra,
			}),
		],
	);
}

const columnsOf = (d: Detection) => ({
	significance: d.significance,
	false_alarm_probability: d.falseAlarmProbability,
	tier: d.tier,
	start_mjd: d.startMjd,
	peak_mjd: d.peakMjd,
	end_mjd: d.endMjd,
	depth: d.depth,
	duration_days: d.durationDays,
	chromaticity: d.chromaticity,
	statistic: d.statistic,
	n_measurements: d.nMeasurements,
	flags: d.flags.join("|"),
	explanation: JSON.stringify(d.explanation),
});

/**
 * Writes a detection as a new candidate, or as news of the one that it belongs to. Data that have been judged are not
 * raised again; what was first seen when is never changed.
 */
export async function recordDetection(
	tx: Transaction,
	detection: Detection,
	lastMjd: number | null,
): Promise<{ outcome: DetectionOutcome; id: number }> {
	const earlier = await tx.query<Candidate>(
		"candidates of source",
		"SELECT * FROM candidate WHERE source_id = $1 ORDER BY status = 'merged', id FOR UPDATE",
		[detection.sourceId],
	);
	const same = earlier.find((row) => isSameEvent({ startMjd: row.start_mjd, endMjd: row.end_mjd }, detection));
	// News of a copy is news of nothing: the event is that of the brighter source.
	if (same?.status === "merged") return { outcome: "unchanged", id: same.merged_into ?? same.id };
	const values = columnsOf(detection);
	if (same === undefined) {
		const id = await takeIds(tx, "candidate", 1);
		const names = Object.keys(values);
		await tx.execute(
			"insert candidate",
			`INSERT INTO candidate (id, source_id, status, first_detected_mjd, last_seq, ${names.join(", ")})
			 VALUES ($1, $2, 'open', $3, 1, ${names.map((_, i) => `$${i + 4}`).join(", ")})`,
			[id, detection.sourceId, detection.firstDetectedMjd, ...Object.values(values)],
		);
		await appendEvent(tx, id, 1, "detected", detection, "open", {
			last_mjd: lastMjd,
			earlier: earlier.map((row) => row.id),
		});
		await publish(tx, "ESECandidateDetected", {
			source: "stage/detect",
			subject: String(id),
			data: { source_id: detection.sourceId, significance: detection.significance, tier: detection.tier },
		});
		return { outcome: "detected", id };
	}
	const unchanged =
		same.significance === detection.significance &&
		same.n_measurements === detection.nMeasurements &&
		same.start_mjd === detection.startMjd &&
		same.end_mjd === detection.endMjd;
	if (unchanged) return { outcome: "unchanged", id: same.id };
	const seq = same.last_seq + 1;
	if (same.status === "rejected") {
		const stronger =
			TIER_RANK[detection.tier] > TIER_RANK[same.tier] &&
			detection.nMeasurements >= same.n_measurements + NEW_EPOCHS_TO_REOPEN;
		if (!stronger) return { outcome: "unchanged", id: same.id };
	}
	const reopened = same.status === "rejected";
	const status: CandidateStatus = reopened ? "open" : same.status;
	const names = Object.keys(values);
	await tx.execute(
		"update candidate",
		`UPDATE candidate SET status = $2, last_seq = $3, ${names.map((name, i) => `${name} = $${i + 4}`).join(", ")} WHERE id = $1`,
		[same.id, status, seq, ...Object.values(values)],
	);
	await appendEvent(tx, same.id, seq, reopened ? "reopened" : "updated", detection, status, { last_mjd: lastMjd });
	return { outcome: reopened ? "reopened" : "updated", id: same.id };
}

/** Ends a candidate as a copy of another, with the reason in its history. */
export async function mergeInto(
	tx: Transaction,
	candidate: Candidate,
	into: number,
	actor: string,
	reason: string,
): Promise<void> {
	const seq = candidate.last_seq + 1;
	await tx.execute(
		"append merge",
		"INSERT INTO candidate_event (candidate_id, seq, kind, actor, reason, snapshot) VALUES ($1, $2, 'merged', $3, $4, $5)",
		[candidate.id, seq, actor, reason, JSON.stringify({ status: "merged", merged_into: into })],
	);
	await tx.execute(
		"merge candidate",
		"UPDATE candidate SET status = 'merged', merged_into = $2, last_seq = $3 WHERE id = $1",
		[candidate.id, into, seq],
	);
}

export interface SourceScoreRow {
	sourceId: number;
	significance: number;
	falseAlarmProbability: number;
	nMeasurements: number;
	lastMjd: number | null;
}

export async function storeScores(tx: Transaction, scores: SourceScoreRow[]): Promise<void> {
	await tx.execute(
		"store scores",
		`INSERT INTO source_score (source_id, significance, false_alarm_probability, n_measurements, last_mjd)
		 SELECT * FROM unnest($1::bigint[], $2::float8[], $3::float8[], $4::int[], $5::float8[])
		 ON CONFLICT (source_id) DO UPDATE SET significance = excluded.significance, false_alarm_probability = excluded.false_alarm_probability,
		 n_measurements = excluded.n_measurements, last_mjd = excluded.last_mjd, updated_at = now()`,
		[
			scores.map((score) => score.sourceId),
			scores.map((score) => score.significance),
			scores.map((score) => score.falseAlarmProbability),
			scores.map((score) => score.nMeasurements),
			scores.map((score) => score.lastMjd),
		],
	);
}

export const tierCounts = (db: Queryable): Promise<{ tier: Tier; count: number }[]> =>
	db.query(
		"tier counts",
		"SELECT tier, count(*)::int AS count FROM candidate WHERE status IN ('open', 'confirmed') GROUP BY tier",
	);
