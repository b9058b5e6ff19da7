import type { Candidate } from "../../detection/detect.ts";
import type { Column, Table } from "../../formats/table/table.ts";

const number = (name: string, values: Float64Array, unit?: string): Column => ({
	name,
	kind: "number",
	...(unit === undefined ? {} : { unit }),
	values,
});

/** The columns that `caustic detect` promises, one row per candidate in the order given. */
export function candidateTable(
	candidates: readonly Candidate[],
	sourceName: (candidate: Candidate) => string,
	candidateId: (candidate: Candidate, place: number) => number = (_, place) => place + 1,
): Table {
	const of = (name: string, value: (candidate: Candidate) => number, unit?: string) =>
		number(name, Float64Array.from(candidates, value), unit);
	const text = (name: string, value: (candidate: Candidate) => string | null): Column => ({
		name,
		kind: "text",
		values: candidates.map(value),
	});
	return {
		name: "candidates",
		rows: candidates.length,
		columns: [
			{ name: "candidate_id", kind: "integer", values: Float64Array.from(candidates, candidateId) },
			text("source_id", sourceName),
			of("significance", (candidate) => candidate.significance),
			of("false_alarm_probability", (candidate) => candidate.falseAlarmProbability),
			text("tier", (candidate) => candidate.tier),
			of("first_detected_mjd", (candidate) => candidate.firstDetectedMjd, "d"),
			of("start_mjd", (candidate) => candidate.startMjd, "d"),
			of("peak_mjd", (candidate) => candidate.peakMjd, "d"),
			of("end_mjd", (candidate) => candidate.endMjd, "d"),
			of("depth", (candidate) => candidate.depth),
			of("duration_days", (candidate) => candidate.durationDays, "d"),
			of("chromaticity", (candidate) => candidate.chromaticity),
			of("statistic", (candidate) => candidate.statistic),
			{
				name: "n_measurements",
				kind: "integer",
				values: Float64Array.from(candidates, (candidate) => candidate.nMeasurements),
			},
			text("flags", (candidate) => candidate.flags.join("|") || null),
		],
	};
}

export interface ScoredSource {
	id: string;
	significance: number;
	falseAlarmProbability: number;
	nMeasurements: number;
	/** Of the band with the most measurements; NaN where there is none. */
	eta: number;
	v: number;
}

/** One row per source, event or not. */
export function scoreTable(sources: readonly ScoredSource[]): Table {
	const of = (name: string, value: (source: ScoredSource) => number) => number(name, Float64Array.from(sources, value));
	return {
		name: "scores",
		rows: sources.length,
		columns: [
			{ name: "source_id", kind: "text", values: sources.map((source) => source.id) },
			of("significance", (source) => source.significance),
			of("false_alarm_probability", (source) => source.falseAlarmProbability),
			{ name: "n_measurements", kind: "integer", values: Float64Array.from(sources, (source) => source.nMeasurements) },
			of("eta", (source) => source.eta),
			of("v", (source) => source.v),
		],
	};
}
