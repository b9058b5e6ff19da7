import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type DetectOptions, thresholdSigma } from "../../detection/detect.ts";
import {
	type InjectionGrid,
	type InjectionSummary,
	type RecallCell,
	recallAlong,
	recallMap,
	wilsonInterval,
} from "../../detection/inject.ts";
import type { DetectSource, LightCurveTable } from "../../detection/light-curve-table.ts";
import { scoreAtSigma } from "../../detection/significance.ts";
import { badInput } from "../../error.ts";
import type { Column, Table } from "../../formats/table/table.ts";
import { writeTable } from "../../formats/table/write.ts";
import { type InjectionOptions, injectInThreads } from "../../pipeline/detection/inject-in-threads.ts";
import { bandFrequencies, detectSources, tableOf } from "../../pipeline/detection/judge-stored.ts";
import { configurationHash } from "../../pipeline/runner.ts";
import { injectionPage } from "../../plots/injection-page.ts";
import { lightCurvesOf } from "../../store/measurements.ts";
import { EXIT, type Invocation, numberOption, type OptionSpec, stringOption } from "../command.ts";
import { writeResult } from "../image-options.ts";
import { progressOn } from "../progress.ts";
import { withStore } from "../store-options.ts";
import { sourcesNamed } from "./stored.ts";

const GRID: InjectionGrid = {
	alpha: [0.5, 1.5, 4, 12, 40, 120, 300],
	widthDays: [5, 12, 25, 50, 100, 200, 400],
	fluxJy: [0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.3, 1000],
	amplitude: [0.1, 1],
	betaS: [0.15, 2],
};
const AMPLITUDES = [0, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1];

export const INJECTION_OPTIONS: Record<string, OptionSpec> = {
	inject: { type: "string", value: "N", help: "put N lenses into each source and find them again" },
	"inject-amplitude": { type: "string", value: "LOW,HIGH", help: "lensed share of the flux", default: "0.1,1" },
	seed: { type: "string", value: "N", help: "seed of the injections", default: "1" },
};

export const isInjection = (invocation: Invocation): boolean => invocation.options.inject !== undefined;

function injectionOptions(invocation: Invocation, options: DetectOptions): Omit<InjectionOptions, "normalized"> {
	const perSource = numberOption(invocation, "inject", 1, 1, 1000);
	if (!Number.isInteger(perSource))
		throw badInput("bad-option", "is not a whole number", { subject: "--inject", remedy: "Give 1 to 1000" });
	const text = stringOption(invocation, "inject-amplitude") ?? GRID.amplitude.join(",");
	const parts = text.split(",").map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
	const [low, high] = parts;
	if (!(parts.length === 2 && low > 0 && high >= low && high <= 1))
		throw badInput("bad-option", `${JSON.stringify(text)} is no range of shares`, {
			subject: "--inject-amplitude",
			remedy: "Give LOW,HIGH with 0 < LOW <= HIGH <= 1",
		});
	const seed = numberOption(invocation, "seed", 1, 0, 2 ** 31);
	return { grid: { ...GRID, amplitude: [low, high] }, perSource, seed, leastSigma: thresholdSigma(options) };
}

/** Injection into a table of light curves. */
export async function injectTable(
	invocation: Invocation,
	options: DetectOptions,
	table: LightCurveTable,
	sources: readonly DetectSource[],
	threads: number | undefined,
	normalized = false,
): Promise<number> {
	const chosen = { ...injectionOptions(invocation, options), normalized };
	const progress = progressOn("caustic detect --inject");
	const summary = await injectInThreads(
		table,
		sources,
		chosen,
		(done, total) => progress.update(done, total, "fields"),
		threads,
	).finally(() => progress.end());
	await report(invocation, summary, chosen);
	return EXIT.done;
}

/** Injection into what is stored; reads only. */
export function injectStored(
	invocation: Invocation,
	options: DetectOptions,
	threads: number | undefined,
): Promise<number> {
	// Bad options are refused before a database is opened.
	injectionOptions(invocation, options);
	const wanted = invocation.options.source;
	return withStore(invocation, { mustExist: true }, async ({ store: { database }, config }) => {
		const stored = await sourcesNamed(database, Array.isArray(wanted) ? wanted : []);
		const rows = await lightCurvesOf(
			database,
			stored.map((source) => source.id),
			configurationHash(config),
		);
		const settings: DetectOptions =
			options.preset === undefined && options.minSigma === undefined
				? { preset: config.ese_detection.preset, minSigma: config.ese_detection.min_sigma }
				: options;
		const table = tableOf(stored, rows, await bandFrequencies(database));
		return injectTable(invocation, settings, table, detectSources(stored), threads, true);
	});
}

async function report(invocation: Invocation, summary: InjectionSummary, options: InjectionOptions): Promise<void> {
	const { injections, nullScores } = summary;
	const cells = [
		...recallAlong(injections, "alpha", GRID.alpha),
		...recallAlong(injections, "width_days", GRID.widthDays),
		...recallAlong(injections, "flux_jy", GRID.fluxJy),
		...recallAlong(injections, "amplitude", AMPLITUDES),
	];
	await writeResult(invocation, recallTable(cells));
	const least = scoreAtSigma(options.leastSigma);
	const raised = nullScores.filter(({ score }) => score > least).length;
	const [low, high] = wilsonInterval(raised, nullScores.length);
	const percent = (value: number) => `${(100 * value).toFixed(2)} %`;
	const found = injections.filter((one) => one.found).length;
	const text =
		`${injections.length} lenses injected, ${found} found (${percent(found / Math.max(1, injections.length))}) at ${options.leastSigma.toFixed(2)} sigma. ` +
		`As they are, ${raised} of ${nullScores.length} sources pass that threshold: ${percent(raised / Math.max(1, nullScores.length))} (90 % interval ${percent(low)} to ${percent(high)}), real events among them.`;
	process.stderr.write(`${text}\n`);
	const folder = stringOption(invocation, "explain");
	if (folder === undefined) return;
	await mkdir(folder, { recursive: true });
	await writeTable(join(folder, "recall.csv"), recallTable(cells));
	const maps = [
		recallMap(injections, ["alpha", GRID.alpha], ["width_days", GRID.widthDays]),
		recallMap(injections, ["flux_jy", GRID.fluxJy], ["width_days", GRID.widthDays]),
		recallMap(injections, ["flux_jy", GRID.fluxJy], ["amplitude", AMPLITUDES]),
	];
	await writeFile(join(folder, "injection.html"), injectionPage(text, cells, maps, nullScores, least));
	process.stderr.write(`${join(folder, "injection.html")}\n`);
}

function recallTable(cells: readonly RecallCell[]): Table {
	const of = (name: string, value: (cell: RecallCell) => number): Column => ({
		name,
		kind: "number",
		values: Float64Array.from(cells, value),
	});
	return {
		name: "recall",
		rows: cells.length,
		columns: [
			{ name: "axis", kind: "text", values: cells.map((cell) => cell.axis) },
			of("low", (cell) => cell.low),
			of("high", (cell) => cell.high),
			of("injected", (cell) => cell.injected),
			of("found", (cell) => cell.found),
			of("recall", (cell) => cell.recall),
			of("recall_low", (cell) => cell.recallLow),
			of("recall_high", (cell) => cell.recallHigh),
		],
	};
}
