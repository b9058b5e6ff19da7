import { type Candidate, type Detections, type DetectOptions, PRESETS, type Preset } from "../../detection/detect.ts";
import { badInput } from "../../error.ts";
import { type LightCurves, readLightCurves } from "../../formats/light-curves.ts";
import type { Column, Table } from "../../formats/table/table.ts";
import { checkTablePath, writeTable } from "../../formats/table/write.ts";
import { detectInThreads } from "../../pipeline/detection/in-threads.ts";
import { addMeasurement, emptyState, summarize } from "../../variability/statistics.ts";
import { type Command, EXIT, type Invocation, numberOption, stringOption } from "../command.ts";
import { writeResult } from "../image-options.ts";
import { progressOn } from "../progress.ts";

export const command: Command = {
	name: "detect",
	summary: "look for extreme scattering events in light curves",
	usage: "detect --light-curves FILE [--preset P] [--min-sigma N] [--out FILE] [--scores FILE]",
	description: [
		"Reads source_id, mjd, frequency_mhz, flux_jy, flux_err_jy (optional ra_deg, dec_deg, field_id, epoch_id), takes out",
		"the gain that the sources of a field share, and compares each source with plasma lenses on top of chromatic red",
		"noise, flares, steps and boxes being rivals. One row per candidate, most significant first; significance is in",
		"Gaussian sigmas equivalent to the false-alarm probability per source.",
		"Presets are thresholds of that probability: conservative 0.01 %, moderate 0.05 %, sensitive 0.3 %.",
	].join("\n"),
	examples: [
		"caustic detect --light-curves light_curves.csv --out candidates.csv",
		"caustic detect --light-curves survey.parquet --sources sources.csv --preset sensitive --scores scores.csv",
	],
	options: {
		"light-curves": { type: "string", value: "FILE", help: "table of light curves: CSV (also .gz) or Parquet" },
		sources: {
			type: "string",
			value: "FILE",
			help: "positions and fields of the sources: source_id, ra_deg, dec_deg, field_id",
		},
		preset: { type: "string", value: "NAME", help: "conservative, moderate or sensitive", default: "moderate" },
		"min-sigma": {
			type: "string",
			value: "N",
			help: "least significance in sigmas, 0 to 20; without --preset instead of it",
		},
		scores: { type: "string", value: "FILE", help: "write one row per source, events or not" },
		threads: { type: "string", value: "N", help: "threads", default: "all cores" },
		out: {
			type: "string",
			value: "FILE",
			help: "where to write: .csv, .parquet, .vot, .json, .arrow or .fits",
			default: "standard output",
		},
		json: { type: "boolean", help: "print the result as JSON, for machines" },
	},

	async run(invocation) {
		const path = stringOption(invocation, "light-curves");
		if (path === undefined) {
			throw badInput("bad-usage", "no light curves were given", {
				subject: "--light-curves",
				remedy: "Name a table, for instance --light-curves light_curves.csv; caustic run looks for events by itself",
			});
		}
		const options = detectOptions(invocation);
		const threads =
			invocation.options.threads === undefined ? undefined : numberOption(invocation, "threads", 1, 1, 256);
		for (const name of ["out", "scores"]) {
			const out = stringOption(invocation, name);
			if (out !== undefined) checkTablePath(out);
		}
		const curves = await readLightCurves(path, stringOption(invocation, "sources"));
		const progress = progressOn("caustic detect");
		const table = {
			sourceIndex: curves.sourceIndex,
			mjd: curves.mjd,
			frequencyMhz: curves.frequencyMhz,
			flux: curves.fluxJy,
			fluxErr: curves.fluxErrJy,
		};
		const detections = await detectInThreads(
			table,
			curves.sources,
			options,
			(done, total) => progress.update(done, total, "fields"),
			threads,
		).finally(() => progress.end());
		await writeResult(invocation, candidateTable(detections.candidates, curves));
		const scores = stringOption(invocation, "scores");
		if (scores !== undefined) await writeTable(scores, scoreTable(detections, curves));
		const known = new Set(curves.problems.map(({ row }) => row));
		for (const { row, reason } of detections.rejected)
			if (!known.has(row + 1)) curves.problems.push({ row: row + 1, reason });
		for (const { row, reason } of curves.problems.slice(0, 10))
			process.stderr.write(`caustic: ${path} row ${row}: ${reason}\n`);
		if (curves.problems.length > 10)
			process.stderr.write(`caustic: ${path}: and ${curves.problems.length - 10} rows more\n`);
		return curves.problems.length > 0 ? EXIT.rejectedItems : EXIT.done;
	},
};

export function detectOptions(invocation: Invocation): DetectOptions {
	const preset = stringOption(invocation, "preset");
	if (preset !== undefined && !Object.hasOwn(PRESETS, preset)) {
		throw badInput("bad-option", `${JSON.stringify(preset)} is no preset`, {
			subject: "--preset",
			remedy: `Give one of ${Object.keys(PRESETS).join(", ")}`,
		});
	}
	const minSigma =
		invocation.options["min-sigma"] === undefined ? undefined : numberOption(invocation, "min-sigma", 3, 0, 20);
	return { preset: preset as Preset | undefined, minSigma };
}

function candidateTable(candidates: readonly Candidate[], curves: LightCurves): Table {
	const number = (name: string, value: (candidate: Candidate) => number, unit?: string): Column => ({
		name,
		kind: "number",
		...(unit === undefined ? {} : { unit }),
		values: Float64Array.from(candidates, value),
	});
	const text = (name: string, value: (candidate: Candidate) => string | null): Column => ({
		name,
		kind: "text",
		values: candidates.map(value),
	});
	return {
		name: "candidates",
		rows: candidates.length,
		columns: [
			{ name: "candidate_id", kind: "integer", values: Float64Array.from(candidates, (_, i) => i + 1) },
			text("source_id", (candidate) => curves.sources[candidate.sourceIndex].id),
			number("significance", (candidate) => candidate.significance),
			number("false_alarm_probability", (candidate) => candidate.falseAlarmProbability),
			text("tier", (candidate) => candidate.tier),
			number("first_detected_mjd", (candidate) => candidate.firstDetectedMjd, "d"),
			number("start_mjd", (candidate) => candidate.startMjd, "d"),
			number("peak_mjd", (candidate) => candidate.peakMjd, "d"),
			number("end_mjd", (candidate) => candidate.endMjd, "d"),
			number("depth", (candidate) => candidate.depth),
			number("duration_days", (candidate) => candidate.durationDays, "d"),
			number("chromaticity", (candidate) => candidate.chromaticity),
			number("statistic", (candidate) => candidate.statistic),
			{
				name: "n_measurements",
				kind: "integer",
				values: Float64Array.from(candidates, (candidate) => candidate.nMeasurements),
			},
			text("flags", (candidate) => candidate.flags.join("|") || null),
		],
	};
}

/** One row per source: its score and its statistics at the frequency with the most measurements. */
function scoreTable({ scores }: Detections, curves: LightCurves): Table {
	const rowsOf = new Map<number, Map<number, number[]>>();
	for (let row = 0; row < curves.fluxJy.length; row++) {
		if (Number.isNaN(curves.fluxJy[row])) continue;
		const bands = rowsOf.get(curves.sourceIndex[row]) ?? new Map<number, number[]>();
		rowsOf.set(curves.sourceIndex[row], bands);
		bands.set(curves.frequencyMhz[row], [...(bands.get(curves.frequencyMhz[row]) ?? []), row]);
	}
	const summaries = curves.sources.map((_, i) => {
		const bands = [...(rowsOf.get(i) ?? new Map<number, number[]>()).entries()].sort(
			([f, a], [g, b]) => b.length - a.length || f - g,
		);
		const state = emptyState();
		for (const row of bands[0]?.[1] ?? [])
			addMeasurement(state, curves.mjd[row], curves.fluxJy[row], curves.fluxErrJy[row]);
		return summarize(state);
	});
	const judged = new Map(scores.map((score) => [score.sourceIndex, score]));
	const number = (name: string, value: (i: number) => number | null | undefined): Column => ({
		name,
		kind: "number",
		values: Float64Array.from(curves.sources, (_, i) => value(i) ?? Number.NaN),
	});
	return {
		name: "scores",
		rows: curves.sources.length,
		columns: [
			{ name: "source_id", kind: "text", values: curves.sources.map((source) => source.id) },
			number("significance", (i) => judged.get(i)?.significance ?? 0),
			number("false_alarm_probability", (i) => judged.get(i)?.falseAlarmProbability ?? 1),
			number("n_measurements", (i) => judged.get(i)?.nMeasurements ?? 0),
			number("eta", (i) => summaries[i].eta),
			number("v", (i) => summaries[i].v),
		],
	};
}
