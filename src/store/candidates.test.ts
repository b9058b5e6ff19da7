import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type SeededSurvey, seedSurvey } from "../../test/seeded-survey.ts";
import type { CausticError } from "../error.ts";
import { candidateHistory, getCandidate, type Review, review } from "./candidates.ts";
import { openStore, type Store } from "./open.ts";

const folder = mkdtempSync(join(tmpdir(), "caustic-candidates-"));
let store: Store;
let survey: SeededSurvey;
beforeAll(async () => {
	store = await openStore({ dataFolder: folder });
	survey = await seedSurvey(store.database, { sources: 24, epochs: 6 });
});
afterAll(async () => {
	await store.close();
	rmSync(folder, { recursive: true });
});

const judge = (verdict: Omit<Review, "actor"> & { actor?: string }) =>
	store.database.transaction("review", (tx) => review(tx, { actor: "ada", ...verdict }));
const codeOf = (work: Promise<unknown>) =>
	work.then(
		() => "accepted",
		(error: CausticError) => error.code,
	);

describe("review of candidates", () => {
	test("a history of verdicts, each with who, why and the score they saw", async () => {
		const candidateId = survey.lensed.candidateId;
		await judge({ candidateId, expectedSeq: 5, kind: "comment", reason: "chromatic, deeper at 888 MHz" });
		await judge({ candidateId, expectedSeq: 6, kind: "confirm" });
		await judge({ candidateId, expectedSeq: 7, kind: "reject", reasonClass: "blend", reason: "on second thought" });
		const { candidate } = await judge({ candidateId, expectedSeq: 8, kind: "reopen", actor: "bo" });
		expect(candidate).toMatchObject({ status: "open", last_seq: 9 });
		expect(await getCandidate(store.database, candidateId)).toEqual(candidate);
		const history = await candidateHistory(store.database, candidateId);
		expect(history.slice(5).map((event) => [event.seq, event.kind, event.actor, event.reason_class])).toEqual([
			[6, "commented", "ada", null],
			[7, "confirmed", "ada", null],
			[8, "rejected", "ada", "blend"],
			[9, "reopened", "bo", null],
		]);
		expect(history[7].snapshot).toMatchObject({ status: "confirmed", significance: 8.4, tier: "high" });
		const events = await store.database.query<{ data: { kind: string; seq: number } }>(
			"events",
			"SELECT data FROM event WHERE type = 'ESECandidateReviewed' AND subject = $1 ORDER BY seq",
			[String(candidateId)],
		);
		expect(events.map(({ data }) => data.seq)).toEqual([6, 7, 8, 9]);
	});

	test("of two reviewers who saw the same history, the second is refused", async () => {
		const verdict = { candidateId: survey.mediumCandidateId, expectedSeq: 2 };
		const outcomes = await Promise.all([
			codeOf(judge({ ...verdict, kind: "confirm", actor: "ada" })),
			codeOf(judge({ ...verdict, kind: "reject", reasonClass: "seasonal", actor: "bo" })),
		]);
		expect(outcomes.sort()).toEqual(["accepted", "out-of-date"]);
		expect((await candidateHistory(store.database, survey.mediumCandidateId)).length).toBe(3);
	});

	test("what does not follow from the state, or lacks its reason, is refused and leaves no trace", async () => {
		const candidateId = survey.rejectedCandidateId;
		const before = await candidateHistory(store.database, candidateId);
		expect(await codeOf(judge({ candidateId, expectedSeq: 2, kind: "confirm" }))).toBe("not-in-that-state");
		expect(await codeOf(judge({ candidateId, expectedSeq: 2, kind: "reject" }))).toBe("bad-review");
		expect(await codeOf(judge({ candidateId, expectedSeq: 2, kind: "reject", reasonClass: "other" }))).toBe(
			"bad-review",
		);
		expect(await codeOf(judge({ candidateId, expectedSeq: 2, kind: "comment", reason: "  " }))).toBe("bad-review");
		expect(await codeOf(judge({ candidateId, expectedSeq: 2, kind: "reopen", actor: " " }))).toBe("bad-review");
		expect(await codeOf(judge({ candidateId, expectedSeq: 2, kind: "reopen", reasonClass: "blend" }))).toBe(
			"bad-review",
		);
		expect(await codeOf(judge({ candidateId: 99, expectedSeq: 1, kind: "confirm" }))).toBe("no-candidate");
		expect(await candidateHistory(store.database, candidateId)).toEqual(before);
	});
});
