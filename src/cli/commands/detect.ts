import { type DetectOptions, PRESETS, type Preset } from "../../detection/detect.ts";
import { badInput } from "../../error.ts";
import { type LightCurves, readLightCurves } from "../../formats/light-curves.ts";
import { checkTablePath, writeTable } from "../../formats/table/write.ts";
import { detectInThreads } from "../../pipeline/detection/in-threads.ts";
import { addMeasurement, emptyState, summarize } from "../../variability/statistics.ts";
import { type Command, type Invocation, numberOption, stringOption } from "../command.ts";
import { candidateTable, type ScoredSource, scoreTable } from "../detect/candidate-table.ts";
import { explainTable } from "../detect/explain.ts";
import { INJECTION_OPTIONS, injectStored, injectTable, isInjection } from "../detect/inject.ts";
import { detectStored } from "../detect/stored.ts";
import { reportProblems, writeResult } from "../image-options.ts";
import { progressOn } from "../progress.ts";
import { STORE_OPTIONS, threadsOption } from "../store-options.ts";

export const command: Command = {
	name: "detect",
	summary: "look for extreme scattering events in light curves",
	usage: "detect [--light-curves FILE | --source ID...] [--preset P | --min-sigma N] [--inject N] [options]",
	description: [
		"With --light-curves: reads source_id, mjd, frequency_mhz, flux_jy, flux_err_jy (optional ra_deg, dec_deg, field_id,",
		"epoch_id) and takes out the gain that the sources of a field share. Without it: judges the sources that are stored,",
		"all or those of --source, verifies each candidate against its measurements and stores it.",
		"Each source is compared with plasma lenses on top of chromatic red noise; flares, steps and boxes are rivals. One row",
		"per candidate, most significant first; significance is in Gaussian sigmas equivalent to the false-alarm probability",
		"per source. Presets are thresholds of that probability: conservative 0.01 %, moderate 0.05 %, sensitive 0.3 %.",
		"With --inject N: puts N lenses into each source, finds them again, and writes recall by strength, width, flux and",
		"depth with the false-alarm rate of the sources as they are; nothing is stored.",
	].join("\n"),
	examples: [
		"caustic detect --light-curves light_curves.csv --out candidates.csv",
		"caustic detect --light-curves survey.parquet --sources sources.csv --preset sensitive --scores scores.csv",
		"caustic detect --source J1939-3154 --min-sigma 3 --explain pages/ --data survey",
		"caustic detect --inject 2 --explain report/ --data survey",
	],
	options: {
		"light-curves": { type: "string", value: "FILE", help: "table of light curves: CSV (also .gz) or Parquet" },
		sources: {
			type: "string",
			value: "FILE",
			help: "positions and fields of the sources of --light-curves: source_id, ra_deg, dec_deg, field_id",
		},
		source: { type: "string", multiple: true, value: "ID", help: "only this source, by name or number; repeatable" },
		preset: { type: "string", value: "NAME", help: "conservative, moderate or sensitive", default: "moderate" },
		"min-sigma": {
			type: "string",
			value: "N",
			help: "least significance in sigmas, 0 to 20; without --preset instead of it",
		},
		scores: { type: "string", value: "FILE", help: "write one row per source, events or not" },
		explain: { type: "string", value: "FOLDER", help: "a page per candidate: picture and numbers" },
		...INJECTION_OPTIONS,
		threads: { type: "string", value: "N", help: "threads", default: "all cores" },
		out: {
			type: "string",
			value: "FILE",
			help: "where to write: .csv, .parquet, .vot, .json, .arrow or .fits",
			default: "standard output",
		},
		json: { type: "boolean", help: "print the result as JSON, for machines" },
		...STORE_OPTIONS,
	},

	async run(invocation) {
		if (invocation.args.length > 0)
			throw badInput("bad-usage", `${JSON.stringify(invocation.args[0])} has no place here`, {
				subject: "caustic detect",
				remedy: "Name a table by --light-curves, a stored source by --source",
			});
		const options = detectOptions(invocation);
		const threads = threadsOption(invocation);
		for (const name of ["out", "scores"]) {
			const out = stringOption(invocation, name);
			if (out !== undefined) checkTablePath(out);
		}
		const path = stringOption(invocation, "light-curves");
		if (path === undefined) {
			if (invocation.options.sources !== undefined)
				throw badInput("bad-usage", "belongs to --light-curves", {
					subject: "--sources",
					remedy: "Name the table of light curves as well",
				});
			return isInjection(invocation) ? injectStored(invocation, options, threads) : detectStored(invocation, options);
		}
		const curves = await readLightCurves(path, stringOption(invocation, "sources"));
		const only = chosenSources(invocation, path, curves);
		const table = {
			sourceIndex: curves.sourceIndex,
			mjd: curves.mjd,
			frequencyMhz: curves.frequencyMhz,
			flux: curves.fluxJy,
			fluxErr: curves.fluxErrJy,
		};
		if (isInjection(invocation)) return injectTable(invocation, options, table, curves.sources, threads);
		const progress = progressOn("caustic detect");
		const detections = await detectInThreads(
			table,
			curves.sources,
			{ ...options, only },
			(done, total) => progress.update(done, total, "fields"),
			threads,
		).finally(() => progress.end());
		const { candidates } = detections;
		await writeResult(
			invocation,
			candidateTable(candidates, (candidate) => curves.sources[candidate.sourceIndex].id),
		);
		const scores = stringOption(invocation, "scores");
		if (scores !== undefined) await writeTable(scores, scoreTable(scoredSources(curves, detections.scores, only)));
		const folder = stringOption(invocation, "explain");
		if (folder !== undefined) await explainTable(table, curves.sources, candidates, folder);
		const known = new Set(curves.problems.map(({ row }) => row));
		for (const { row, reason } of detections.rejected)
			if (!known.has(row + 1)) curves.problems.push({ row: row + 1, reason });
		return reportProblems(path, curves.problems);
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

/** The sources of a table that `--source` names; all without it. */
function chosenSources(invocation: Invocation, path: string, { sources }: LightCurves): Set<number> | undefined {
	const wanted = invocation.options.source;
	if (!Array.isArray(wanted)) return undefined;
	const place = new Map(sources.map((source, i) => [source.id, i]));
	const missing = wanted.filter((id) => !place.has(id));
	if (missing.length > 0)
		throw badInput("no-source", `${path} has no such source`, {
			subject: `--source ${missing.slice(0, 5).join(", ")}`,
			remedy: "Give a source_id of the table",
		});
	return new Set(wanted.map((id) => place.get(id) as number));
}

/** Every source with its score and its statistics at the frequency with the most measurements. */
function scoredSources(
	curves: LightCurves,
	scores: readonly {
		sourceIndex: number;
		significance: number;
		falseAlarmProbability: number;
		nMeasurements: number;
	}[],
	only: ReadonlySet<number> | undefined,
): ScoredSource[] {
	const rowsOf = new Map<number, Map<number, number[]>>();
	for (let row = 0; row < curves.fluxJy.length; row++) {
		if (Number.isNaN(curves.fluxJy[row])) continue;
		const bands = rowsOf.get(curves.sourceIndex[row]) ?? new Map<number, number[]>();
		rowsOf.set(curves.sourceIndex[row], bands);
		const rows = bands.get(curves.frequencyMhz[row]);
		if (rows === undefined) bands.set(curves.frequencyMhz[row], [row]);
		else rows.push(row);
	}
	const judged = new Map(scores.map((score) => [score.sourceIndex, score]));
	return curves.sources.flatMap((source, i) => {
		if (only !== undefined && !only.has(i)) return [];
		const bands = [...(rowsOf.get(i) ?? new Map<number, number[]>()).entries()].sort(
			([f, a], [g, b]) => b.length - a.length || f - g,
		);
		const state = emptyState();
		for (const row of bands[0]?.[1] ?? [])
			addMeasurement(state, curves.mjd[row], curves.fluxJy[row], curves.fluxErrJy[row]);
		const { eta, v } = summarize(state);
		const score = judged.get(i);
		return [
			{
				id: source.id,
				significance: score?.significance ?? 0,
				falseAlarmProbability: score?.falseAlarmProbability ?? 1,
				nMeasurements: score?.nMeasurements ?? 0,
				eta: eta ?? Number.NaN,
				v: v ?? Number.NaN,
			},
		];
	});
}
