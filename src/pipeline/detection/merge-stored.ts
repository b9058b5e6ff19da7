import type { Candidate as FoundCandidate } from "../../detection/candidate.ts";
import { mergeCandidates } from "../../detection/merge.ts";
import type { Candidate } from "../../store/candidates.ts";
import type { Transaction } from "../../store/database.ts";
import { mergeInto } from "../../store/detections.ts";

interface PlacedCandidate extends Candidate {
	ra_deg: number;
	dec_deg: number;
}

/** Two sources closer than the beam share their light. Without images: arcsec. */
const DEFAULT_BEAM_ARCSEC = 30;

/**
 * One event seen in two sources within a beam is one candidate: the copy in the fainter source is merged into that of the
 * brighter one. Only open candidates are merged away; what a person confirmed stays.
 *
 * @param ids candidates just stored
 * @returns ids that were merged away
 */
export async function mergeStored(tx: Transaction, ids: number[], actor: string): Promise<number[]> {
	if (ids.length === 0) return [];
	const [{ beam }] = await tx.query<{ beam: number | null }>(
		"largest beam",
		"SELECT max(beam_major_deg) AS beam FROM image",
	);
	const arcsec = beam === null ? DEFAULT_BEAM_ARCSEC : 3600 * beam;
	const rows = await tx.query<PlacedCandidate>(
		"candidates near",
		`SELECT c.*, s.ra_deg, s.dec_deg FROM candidate c JOIN source s ON s.id = c.source_id WHERE c.status IN ('open', 'confirmed')
		 AND c.explanation ? 'centre_mjd' AND c.duration_days IS NOT NULL
		 AND EXISTS (SELECT FROM candidate n JOIN source t ON t.id = n.source_id WHERE n.id = ANY($1)
		   AND t.dec_deg BETWEEN s.dec_deg - $2::float8 AND s.dec_deg + $2::float8 AND n.start_mjd <= c.end_mjd AND n.end_mjd >= c.start_mjd)
		 ORDER BY c.id FOR UPDATE OF c`,
		[ids, arcsec / 3600],
	);
	const found = rows.map(
		(row, i) =>
			({
				sourceIndex: i,
				significance: row.significance,
				startMjd: row.start_mjd,
				endMjd: row.end_mjd,
				durationDays: row.duration_days,
				explanation: row.explanation,
			}) as FoundCandidate,
	);
	const sources = rows.map((row) => ({ id: String(row.source_id), raDeg: row.ra_deg, decDeg: row.dec_deg }));
	const gone = new Set<number>();
	for (const { kind, primary, members, reason } of mergeCandidates(found, sources, { blendArcsec: arcsec })) {
		const [copy] = members.filter((member) => member !== primary);
		if (kind !== "blend" || gone.has(copy) || gone.has(primary)) continue;
		if (rows[copy].status !== "open" || rows[copy].source_id === rows[primary].source_id) continue;
		gone.add(copy);
		await mergeInto(tx, rows[copy], rows[primary].id, actor, reason);
	}
	return [...gone].map((place) => rows[place].id);
}
