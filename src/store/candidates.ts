import { badInput } from "../error.ts";
import type { Queryable, Transaction } from "./database.ts";
import { publish } from "./events.ts";

export const CANDIDATE_STATUSES = ["open", "confirmed", "rejected", "merged"] as const;
export type CandidateStatus = (typeof CANDIDATE_STATUSES)[number];

export const TIERS = ["high", "medium", "low"] as const;
export type Tier = (typeof TIERS)[number];

/** Why a candidate is no extreme scattering event. They are labels by which the detector is judged: keep them few. */
export const REJECTION_REASONS = [
	"scintillation",
	"intrinsic_flare",
	"calibration",
	"bad_image",
	"blend",
	"single_outlier",
	"seasonal",
	"other",
] as const;
export type RejectionReason = (typeof REJECTION_REASONS)[number];

export interface Candidate {
	id: number;
	source_id: number;
	status: CandidateStatus;
	/** Gaussian sigmas equivalent to the false-alarm probability per source. */
	significance: number;
	false_alarm_probability: number;
	tier: Tier;
	first_detected_mjd: number;
	start_mjd: number;
	peak_mjd: number;
	end_mjd: number;
	depth: number | null;
	duration_days: number | null;
	chromaticity: number | null;
	statistic: number | null;
	n_measurements: number;
	flags: string;
	/** What the score consists of, as the detector wrote it. */
	explanation: Record<string, unknown>;
	merged_into: number | null;
	/** Number of the newest event of its history. */
	last_seq: number;
}

export type CandidateEventKind =
	| "detected"
	| "updated"
	| "commented"
	| "confirmed"
	| "rejected"
	| "reopened"
	| "merged";

/** The score at the time of an event, so that a verdict can be read against what its reviewer saw. */
export interface CandidateSnapshot {
	status: CandidateStatus;
	significance: number;
	false_alarm_probability: number;
	tier: Tier;
	statistic: number | null;
	n_measurements: number;
	flags: string;
	/** Newest measurement of the source, MJD. */
	last_mjd: number | null;
}

export interface CandidateEvent {
	candidate_id: number;
	seq: number;
	kind: CandidateEventKind;
	at: Date;
	actor: string;
	reason_class: RejectionReason | null;
	reason: string | null;
	snapshot: Partial<CandidateSnapshot> & Record<string, unknown>;
}

export const REVIEW_KINDS = ["confirm", "reject", "reopen", "comment"] as const;
export type ReviewKind = (typeof REVIEW_KINDS)[number];

export interface Review {
	candidateId: number;
	/** Number of the newest event that the reviewer has seen; any other is refused, so that nobody judges blindly. */
	expectedSeq: number;
	kind: ReviewKind;
	/** Who judges, as it will stand in the history. */
	actor: string;
	/** Required for a rejection. */
	reasonClass?: RejectionReason | undefined;
	/** Required for a comment, and for a rejection of class `other`. */
	reason?: string | undefined;
}

const TRANSITIONS: Record<
	ReviewKind,
	{ event: CandidateEventKind; from: readonly CandidateStatus[]; to?: CandidateStatus }
> = {
	confirm: { event: "confirmed", from: ["open"], to: "confirmed" },
	reject: { event: "rejected", from: ["open", "confirmed"], to: "rejected" },
	reopen: { event: "reopened", from: ["rejected", "confirmed"], to: "open" },
	comment: { event: "commented", from: CANDIDATE_STATUSES },
};

const LONGEST_TEXT = 10_000;

export async function getCandidate(db: Queryable, id: number): Promise<Candidate | undefined> {
	return (await db.query<Candidate>("get candidate", "SELECT * FROM candidate WHERE id = $1", [id]))[0];
}

/** The candidate, its row held until the transaction ends: two verdicts on it take turns. */
async function lockCandidate(tx: Transaction, id: number): Promise<Candidate> {
	const rows = await tx.query<Candidate>("lock candidate", "SELECT * FROM candidate WHERE id = $1 FOR UPDATE", [id]);
	if (rows.length === 0) {
		throw badInput("no-candidate", "there is no such candidate", {
			subject: `candidate ${id}`,
			remedy: "See caustic candidates list",
		});
	}
	return rows[0];
}

/** Whole history of a candidate, oldest first. */
export const candidateHistory = (db: Queryable, id: number): Promise<CandidateEvent[]> =>
	db.query<CandidateEvent>("candidate history", "SELECT * FROM candidate_event WHERE candidate_id = $1 ORDER BY seq", [
		id,
	]);

async function snapshotOf(tx: Transaction, candidate: Candidate): Promise<CandidateSnapshot> {
	const rows = await tx.query<{ last_mjd: number | null }>(
		"candidate last epoch",
		"SELECT last_mjd FROM source_score WHERE source_id = $1",
		[candidate.source_id],
	);
	return {
		status: candidate.status,
		significance: candidate.significance,
		false_alarm_probability: candidate.false_alarm_probability,
		tier: candidate.tier,
		statistic: candidate.statistic,
		n_measurements: candidate.n_measurements,
		flags: candidate.flags,
		last_mjd: rows[0]?.last_mjd ?? null,
	};
}

function checkReview(review: Review): void {
	if (review.actor.trim() === "" || review.actor.length > 200) {
		throw badInput("bad-review", "must name the reviewer in at most 200 characters", {
			subject: "actor",
			remedy: "Give a name",
		});
	}
	if ((review.reason ?? "").length > LONGEST_TEXT) {
		throw badInput("bad-review", `is longer than ${LONGEST_TEXT} characters`, {
			subject: "reason",
			remedy: "Shorten it",
		});
	}
	if (review.kind === "reject" && review.reasonClass === undefined) {
		throw badInput("bad-review", "a rejection needs the class of its reason", {
			subject: "reasonClass",
			remedy: `Give one of ${REJECTION_REASONS.join(", ")}`,
		});
	}
	if (review.kind !== "reject" && review.reasonClass !== undefined) {
		throw badInput("bad-review", "belongs to rejections alone", { subject: "reasonClass", remedy: "Leave it out" });
	}
	const needsText = review.kind === "comment" || review.reasonClass === "other";
	if (needsText && (review.reason ?? "").trim() === "") {
		throw badInput("bad-review", `a ${review.kind === "comment" ? "comment" : "rejection as other"} needs a text`, {
			subject: "reason",
			remedy: "Say why in a sentence",
		});
	}
}

/**
 * A verdict or a comment: one more event of the history, the state that follows from it, and the announcement, together.
 *
 * @throws CausticError `no-candidate`; `bad-review` names the missing or misplaced field; `out-of-date` when the
 *   history has gone on since `expectedSeq`; `not-in-that-state` when the verdict does not follow from the status
 */
export async function review(
	tx: Transaction,
	verdict: Review,
): Promise<{ candidate: Candidate; event: CandidateEvent }> {
	checkReview(verdict);
	const candidate = await lockCandidate(tx, verdict.candidateId);
	const subject = `candidate ${candidate.id}`;
	if (candidate.last_seq !== verdict.expectedSeq) {
		throw badInput(
			"out-of-date",
			`its history is at event ${candidate.last_seq}, the verdict was given on event ${verdict.expectedSeq}`,
			{ subject, remedy: "Look at it again, then repeat the verdict" },
		);
	}
	const { event: kind, from, to } = TRANSITIONS[verdict.kind];
	if (!from.includes(candidate.status)) {
		throw badInput("not-in-that-state", `is ${candidate.status}, which nobody can ${verdict.kind}`, {
			subject,
			remedy: candidate.status === "merged" ? `Judge candidate ${candidate.merged_into} instead` : "Reopen it first",
		});
	}
	const status = to ?? candidate.status;
	const seq = candidate.last_seq + 1;
	const reason = verdict.reason?.trim() === "" ? null : (verdict.reason?.trim() ?? null);
	const [event] = await tx.query<CandidateEvent>(
		"insert candidate event",
		`INSERT INTO candidate_event (candidate_id, seq, kind, at, actor, reason_class, reason, snapshot)
		 VALUES ($1, $2, $3, clock_timestamp(), $4, $5, $6, $7) RETURNING *`,
		[
			candidate.id,
			seq,
			kind,
			verdict.actor.trim(),
			verdict.reasonClass ?? null,
			reason,
			JSON.stringify(await snapshotOf(tx, candidate)),
		],
	);
	await tx.execute("set candidate status", "UPDATE candidate SET status = $2, last_seq = $3 WHERE id = $1", [
		candidate.id,
		status,
		seq,
	]);
	await publish(tx, "ESECandidateReviewed", {
		source: "review",
		subject: String(candidate.id),
		data: {
			kind,
			seq,
			status,
			source_id: candidate.source_id,
			actor: event.actor,
			...(verdict.reasonClass === undefined ? {} : { reason_class: verdict.reasonClass }),
		},
	});
	return { candidate: { ...candidate, status, last_seq: seq }, event };
}
