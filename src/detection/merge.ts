import { separationDeg } from "../sky/separation.ts";
import type { Candidate } from "./candidate.ts";
import type { DetectSource } from "./light-curve-table.ts";

/** Candidates that are one event, or one incident. Indices are into the list given. */
export interface CandidateGroup {
	kind: "event" | "blend" | "field";
	/** The one to keep: the most significant of an event, the brightest of a blend. */
	primary: number;
	members: number[];
	/** Why they belong together. */
	reason: string;
}

export interface MergeOptions {
	/** Distance within which sources share their light, arcsec: the beam's FWHM. */
	blendArcsec?: number | undefined;
	/** Correlation of the fitted shapes from which neighbours tell of one event. */
	leastCorrelation?: number | undefined;
	/** Candidates of one field at the same time from which the field is at fault. */
	fieldIncident?: number | undefined;
}

/** Overlapping, or apart by less than half of the longer width. */
export function sameTime(a: Candidate, b: Candidate): boolean {
	const gap = Math.max(a.startMjd, b.startMjd) - Math.min(a.endMjd, b.endMjd);
	return gap <= 0.5 * Math.max(a.durationDays, b.durationDays);
}

/**
 * Which candidates are one: the same source at the same time is one event; neighbours within a beam with the same shape
 * are one event and its copy by confusion; many sources of one field that begin and end together are an incident of
 * the field. Nothing is deleted: groups are for flags and for a person.
 *
 * @param brightness level of each candidate's source, Jy, to tell an event from its copy
 */
export function mergeCandidates(
	candidates: readonly Candidate[],
	sources: readonly DetectSource[],
	{ blendArcsec = 30, leastCorrelation = 0.9, fieldIncident = 3 }: MergeOptions = {},
	brightness: (candidate: Candidate) => number = levelOf,
): CandidateGroup[] {
	const groups: CandidateGroup[] = [];
	const taken = new Set<number>();
	for (let a = 0; a < candidates.length; a++) {
		if (taken.has(a)) continue;
		const members = [a];
		for (let b = a + 1; b < candidates.length; b++)
			if (
				!taken.has(b) &&
				candidates[b].sourceIndex === candidates[a].sourceIndex &&
				sameTime(candidates[a], candidates[b])
			)
				members.push(b);
		if (members.length === 1) continue;
		for (const member of members) taken.add(member);
		const primary = members.reduce((x, y) => (candidates[y].significance > candidates[x].significance ? y : x));
		groups.push({ kind: "event", primary, members, reason: "the same source at the same time" });
	}
	for (let a = 0; a < candidates.length; a++)
		for (let b = a + 1; b < candidates.length; b++) {
			const [x, y] = [sources[candidates[a].sourceIndex], sources[candidates[b].sourceIndex]];
			if (candidates[a].sourceIndex === candidates[b].sourceIndex || !sameTime(candidates[a], candidates[b])) continue;
			if (x.raDeg === undefined || x.decDeg === undefined || y.raDeg === undefined || y.decDeg === undefined) continue;
			const arcsec = 3600 * separationDeg(x.raDeg, x.decDeg, y.raDeg, y.decDeg);
			if (!(arcsec <= blendArcsec)) continue;
			const correlation = shapeCorrelation(candidates[a], candidates[b]);
			if (correlation < leastCorrelation) continue;
			const primary = brightness(candidates[b]) > brightness(candidates[a]) ? b : a;
			groups.push({
				kind: "blend",
				primary,
				members: [a, b],
				reason: `${arcsec.toFixed(1)} arcsec apart, shapes correlated by ${correlation.toFixed(2)}`,
			});
		}
	const byField = new Map<string, number[]>();
	candidates.forEach(({ sourceIndex }, i) => {
		const { fieldId } = sources[sourceIndex];
		if (fieldId !== undefined) byField.set(fieldId, [...(byField.get(fieldId) ?? []), i]);
	});
	for (const [field, list] of byField)
		for (const a of list) {
			const members = list.filter((b) => sameEdges(candidates[a], candidates[b]));
			const distinct = new Set(members.map((b) => candidates[b].sourceIndex)).size;
			if (distinct < fieldIncident || members[0] !== a) continue;
			const primary = members.reduce((x, y) => (candidates[y].significance > candidates[x].significance ? y : x));
			groups.push({
				kind: "field",
				primary,
				members,
				reason: `${distinct} sources of field ${field} at the same time`,
			});
		}
	return groups;
}

/** Beginnings and ends that agree within a quarter of the shorter event. */
function sameEdges(a: Candidate, b: Candidate): boolean {
	const room = 0.25 * Math.min(a.durationDays, b.durationDays);
	return (
		Math.abs(a.explanation.centre_mjd - b.explanation.centre_mjd) <= room &&
		Math.abs(Math.log(a.durationDays / b.durationDays)) < 0.25
	);
}

const levelOf = (candidate: Candidate) => Math.max(0, ...candidate.explanation.baseline_jy.map((level) => level ?? 0));

/** Correlation of two dips taken as Gaussians of their centres and widths: 1 for equal ones. */
function shapeCorrelation(a: Candidate, b: Candidate): number {
	const [s, t] = [a.durationDays, b.durationDays];
	const shift = a.explanation.centre_mjd - b.explanation.centre_mjd;
	const sum = s * s + t * t;
	return Math.sqrt((2 * s * t) / sum) * Math.exp((-2.77 * shift * shift) / sum);
}
