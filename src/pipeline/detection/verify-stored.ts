import type { Candidate } from "../../detection/candidate.ts";
import { correctFieldData } from "../../detection/detect.ts";
import { arrangeFields, type DetectSource, type LightCurveTable } from "../../detection/light-curve-table.ts";
import { mergeCandidates } from "../../detection/merge.ts";
import { verifyCandidate } from "../../detection/verify.ts";

export interface RefusedCandidate {
	candidate: Candidate;
	reasons: string[];
}

/**
 * Recomputes every candidate from the measurements of its source alone before it may be stored: what does not follow
 * from them is refused, with the reasons. The measurements are on the common scale.
 */
export function verifyCandidates(
	table: LightCurveTable,
	sources: readonly DetectSource[],
	candidates: readonly Candidate[],
): { accepted: Candidate[]; refused: RefusedCandidate[] } {
	const accepted: Candidate[] = [];
	const refused: RefusedCandidate[] = [];
	const wanted = new Set(candidates.map((candidate) => candidate.sourceIndex));
	const rowsOf = new Map<number, number[]>();
	for (let row = 0; row < table.flux.length; row++) {
		const source = table.sourceIndex[row];
		if (!wanted.has(source)) continue;
		const rows = rowsOf.get(source);
		if (rows === undefined) rowsOf.set(source, [row]);
		else rows.push(row);
	}
	for (const candidate of candidates) {
		const rows = rowsOf.get(candidate.sourceIndex) ?? [];
		const pick = (values: ArrayLike<number>) => Float64Array.from(rows, (row) => values[row]);
		const { fields } = arrangeFields(
			{
				sourceIndex: new Int32Array(rows.length),
				mjd: pick(table.mjd),
				frequencyMhz: pick(table.frequencyMhz),
				flux: pick(table.flux),
				fluxErr: pick(table.fluxErr),
			},
			[sources[candidate.sourceIndex]],
		);
		const reasons =
			fields.length === 0
				? [`source ${sources[candidate.sourceIndex].id} has no measurements`]
				: verifyCandidate(correctFieldData(fields[0], true), { ...candidate, sourceIndex: 0 });
		if (reasons.length === 0) accepted.push(candidate);
		else refused.push({ candidate, reasons });
	}
	return { accepted, refused };
}

/** Flags candidates that are copies of a brighter neighbour's event, or an incident of the whole field. */
export function flagGroups(
	candidates: readonly Candidate[],
	sources: readonly DetectSource[],
	blendArcsec?: number,
): Candidate[] {
	const flags = candidates.map((candidate) => new Set(candidate.flags));
	const because = candidates.map((candidate) => ({ ...candidate.explanation }));
	for (const { kind, primary, members, reason } of mergeCandidates(candidates, sources, { blendArcsec }))
		for (const member of members) {
			if (kind === "field") flags[member].add("common_mode");
			else if (kind === "blend" && member !== primary) {
				flags[member].add("blend");
				because[member].blend_of = sources[candidates[primary].sourceIndex].id;
			} else continue;
			because[member].group = reason;
		}
	return candidates.map((candidate, i) => ({ ...candidate, flags: [...flags[i]], explanation: because[i] }));
}
