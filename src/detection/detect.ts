import { tangentOffsets } from "../sky/separation.ts";
import { correctField } from "./ensemble-plane.ts";
import { alphaAt, lensGain } from "./plasma-lens.ts";
import { evaluateSource, FieldFilter, type LensFit, type SourceEvaluation } from "./score.ts";
import { type PreparedSeries, prepareSeries } from "./series.ts";
import { significanceOf } from "./significance.ts";
import { ProfileCache, referenceFrequency } from "./templates.ts";

/** A table of light curves by column: rows in any order. */
export interface LightCurveTable {
	/** Index into the list of sources. */
	sourceIndex: ArrayLike<number>;
	mjd: ArrayLike<number>;
	frequencyMhz: ArrayLike<number>;
	/** Jy; NaN where there is no value. */
	flux: ArrayLike<number>;
	fluxErr: ArrayLike<number>;
}

export interface DetectSource {
	id: string;
	raDeg?: number;
	decDeg?: number;
	/** Sources of one field are observed together and share its gain. Without it every source stands alone. */
	fieldId?: string;
}

export const PRESETS = { conservative: 0.001, moderate: 0.003, sensitive: 0.01 } as const;
export type Preset = keyof typeof PRESETS;

export interface DetectOptions {
	/** Threshold as false-alarm probability per source. */
	preset?: Preset;
	/** Threshold in sigmas instead. */
	minSigma?: number | undefined;
	/** Judge only these sources; the others still serve the field's gain. */
	only?: ReadonlySet<number>;
	/** Fluxes are on one scale already: the field's gain is not looked for again. */
	normalized?: boolean;
	/** Significance above which a candidate is of the high and of the medium tier. */
	tierHigh?: number;
	tierMedium?: number;
}

export interface SourceScore {
	sourceIndex: number;
	significance: number;
	falseAlarmProbability: number;
	nMeasurements: number;
}

export interface Candidate extends SourceScore {
	tier: "high" | "medium" | "low";
	firstDetectedMjd: number;
	startMjd: number;
	peakMjd: number;
	endMjd: number;
	depth: number;
	durationDays: number;
	chromaticity: number;
	statistic: number;
	flags: string[];
	explanation: Record<string, unknown>;
}

export interface Detections {
	/** Most significant first. */
	candidates: Candidate[];
	/** One per judged source with a light curve. */
	scores: SourceScore[];
}

/** Images closer in time than this are one epoch, days. */
const EPOCH_DAYS = 0.04;
/** Below this reduced chi-squared about the level nothing can hide that a threshold would pass. */
const QUIET = 1.6;

interface FieldRows {
	sources: number[];
	rows: number[];
}

function fieldsOf(table: LightCurveTable, sources: readonly DetectSource[]): FieldRows[] {
	const fields = new Map<string, FieldRows>();
	const keyOf = (i: number) => sources[i].fieldId ?? `alone ${i}`;
	const members = new Map<string, Set<number>>();
	for (let row = 0; row < table.flux.length; row++) {
		const source = table.sourceIndex[row];
		const key = keyOf(source);
		const field = fields.get(key) ?? { sources: [], rows: [] };
		fields.set(key, field);
		field.rows.push(row);
		const known = members.get(key) ?? new Set<number>();
		members.set(key, known);
		if (!known.has(source)) {
			known.add(source);
			field.sources.push(source);
		}
	}
	for (const field of fields.values()) field.sources.sort((a, b) => a - b);
	return [...fields].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, field]) => field);
}

interface FieldGrid {
	mjd: Float64Array;
	frequencyMhz: Float64Array;
	flux: Float64Array;
	err: Float64Array;
	x: Float64Array | null;
	y: Float64Array | null;
}

/** Lays the rows of a field out on its epochs and bands; a value given twice counts once, the later row wins. */
function gridOf(table: LightCurveTable, sources: readonly DetectSource[], field: FieldRows): FieldGrid {
	const times = Float64Array.from(new Set(field.rows.map((row) => table.mjd[row]))).sort();
	const epochOf = new Map<number, number>();
	const mjd: number[] = [];
	for (const time of times) {
		if (mjd.length === 0 || time - mjd[mjd.length - 1] > EPOCH_DAYS) mjd.push(time);
		epochOf.set(time, mjd.length - 1);
	}
	const frequencyMhz = Float64Array.from(new Set(field.rows.map((row) => table.frequencyMhz[row]))).sort();
	const bandOf = new Map(Array.from(frequencyMhz, (value, k) => [value, k]));
	const placeOf = new Map(field.sources.map((source, j) => [source, j]));
	const bands = frequencyMhz.length;
	const size = field.sources.length * mjd.length * bands;
	const flux = new Float64Array(size).fill(Number.NaN);
	const err = new Float64Array(size).fill(Number.NaN);
	for (const row of field.rows) {
		const j = placeOf.get(table.sourceIndex[row]) as number;
		const at =
			(j * mjd.length + (epochOf.get(table.mjd[row]) as number)) * bands +
			(bandOf.get(table.frequencyMhz[row]) as number);
		if (!Number.isFinite(table.flux[row]) || !(table.fluxErr[row] > 0)) continue;
		flux[at] = table.flux[row];
		err[at] = table.fluxErr[row];
	}
	const placed = field.sources.map((source) => sources[source]);
	const located = placed.every(
		(source) =>
			source.raDeg !== undefined && source.decDeg !== undefined && Number.isFinite(source.raDeg + source.decDeg),
	);
	if (!located) return { mjd: Float64Array.from(mjd), frequencyMhz, flux, err, x: null, y: null };
	const origin = placed[0];
	const offsets = placed.map((source) =>
		tangentOffsets(origin.raDeg as number, origin.decDeg as number, source.raDeg as number, source.decDeg as number),
	);
	return {
		mjd: Float64Array.from(mjd),
		frequencyMhz,
		flux,
		err,
		x: Float64Array.from(offsets, ([x]) => x),
		y: Float64Array.from(offsets, ([, y]) => y),
	};
}

/** Reduced chi-squared of the fractional fluxes about their levels: the screen before the filter. */
function restlessness(series: PreparedSeries): number {
	let sum = 0;
	let n = 0;
	for (let at = 0; at < series.y.length; at++) {
		if (!(series.w[at] > 0)) continue;
		sum += series.w[at] * series.y[at] * series.y[at] * series.errorScale ** 2;
		n += 1;
	}
	return n === 0 ? 0 : sum / n;
}

/**
 * Looks for extreme scattering events: the field's gain is taken out epoch by epoch, each source's light curves in all
 * bands are compared with plasma lenses on top of chromatic red noise, with flares, steps and boxes as rivals, and what
 * remains without any single epoch is what counts. The first detection is that of a run which saw no later epoch.
 */
export function detectEvents(
	table: LightCurveTable,
	sources: readonly DetectSource[],
	options: DetectOptions = {},
): Detections {
	const { tierHigh = 7, tierMedium = 5, minSigma } = options;
	const mostFap = PRESETS[options.preset ?? "moderate"];
	const passes = (score: number, depth: number) => {
		const { falseAlarmProbability, sigma } = significanceOf(score, depth);
		return minSigma === undefined ? falseAlarmProbability <= mostFap : sigma >= minSigma;
	};
	const profiles = new ProfileCache();
	const scores: SourceScore[] = [];
	const candidates: Candidate[] = [];
	for (const field of fieldsOf(table, sources)) {
		const grid = gridOf(table, sources, field);
		const { mjd, frequencyMhz, flux, err } = grid;
		const epochs = mjd.length;
		const bands = frequencyMhz.length;
		const gainError =
			options.normalized === true
				? null
				: correctField({ sources: field.sources.length, epochs, bands, flux, err, x: grid.x, y: grid.y }).gainError;
		let filter: FieldFilter | undefined;
		for (let j = 0; j < field.sources.length; j++) {
			const source = field.sources[j];
			if (options.only !== undefined && !options.only.has(source)) continue;
			const [from, to] = [j * epochs * bands, (j + 1) * epochs * bands];
			const seriesOf = (n: number) =>
				prepareSeries(
					mjd,
					frequencyMhz,
					flux.subarray(from, to),
					err.subarray(from, to),
					gainError?.subarray(from, to) ?? null,
					n,
				);
			const series = seriesOf(epochs);
			if (series === null) continue;
			const quiet = epochs < 5 || restlessness(series) < QUIET;
			filter ??= new FieldFilter(mjd, frequencyMhz, profiles);
			const evaluation = quiet ? undefined : evaluateSource(filter, series);
			const depth = evaluation?.lens == null ? 0 : depthOf(evaluation.lens, frequencyMhz, profiles).deepest;
			const { falseAlarmProbability, sigma } = significanceOf(evaluation?.score ?? 0, depth);
			const score = {
				sourceIndex: source,
				significance: sigma,
				falseAlarmProbability,
				nMeasurements: series.measurements,
			};
			scores.push(score);
			if (evaluation?.lens == null || !passes(evaluation.score, depth)) continue;
			const first = firstDetection(filter, seriesOf, mjd, evaluation.lens, passes, profiles);
			candidates.push(
				candidateOf(score, evaluation, evaluation.lens, series, profiles, first, { tierHigh, tierMedium }),
			);
		}
	}
	candidates.sort(
		(a, b) => b.significance - a.significance || b.statistic - a.statistic || a.sourceIndex - b.sourceIndex,
	);
	return { candidates, scores };
}

function depthOf(
	lens: LensFit,
	frequencyMhz: Float64Array,
	profiles: ProfileCache,
): { deepest: number; perBand: number[] } {
	const reference = referenceFrequency(frequencyMhz);
	const perBand = Array.from(
		frequencyMhz,
		(nu) => lens.amplitude * (1 - lensGain(profiles.get(alphaAt(lens.alpha, (nu * 1400) / reference), lens.betaS), 0)),
	);
	return { deepest: Math.max(...perBand), perBand };
}

/** The earliest epoch at which a run that saw no later one would have raised the event. */
function firstDetection(
	filter: FieldFilter,
	seriesOf: (epochs: number) => PreparedSeries | null,
	mjd: Float64Array,
	lens: LensFit,
	passes: (score: number, depth: number) => boolean,
	profiles: ProfileCache,
): number {
	const begin = mjd.findIndex((time) => time >= lens.centreMjd - 1.2 * lens.widthDays);
	for (let n = Math.max(5, begin + 1); n < mjd.length; n++) {
		const series = seriesOf(n);
		if (series === null) continue;
		const { lens: early, score } = evaluateSource(filter, series);
		// An earlier alarm of another kind is not this event's detection.
		if (early === null || Math.abs(early.centreMjd - lens.centreMjd) > 1.5 * Math.max(early.widthDays, lens.widthDays))
			continue;
		if (passes(score, depthOf(early, filter.frequencyMhz, profiles).deepest)) return mjd[n - 1];
	}
	return mjd[mjd.length - 1];
}

function candidateOf(
	score: SourceScore,
	evaluation: SourceEvaluation,
	lens: LensFit,
	series: PreparedSeries,
	profiles: ProfileCache,
	firstDetectedMjd: number,
	tiers: { tierHigh: number; tierMedium: number },
): Candidate {
	const { mjd, frequencyMhz } = series;
	const { deepest, perBand } = depthOf(lens, frequencyMhz, profiles);
	const startMjd = Math.max(mjd[0], lens.centreMjd - lens.widthDays);
	const endMjd = Math.min(mjd[mjd.length - 1], lens.centreMjd + lens.widthDays);
	const peakMjd = Math.min(endMjd, Math.max(startMjd, lens.centreMjd));
	const flags: string[] = [];
	if (significanceOf(evaluation.score, deepest).extrapolated) flags.push("extrapolated");
	if (lens.centreMjd - lens.widthDays < mjd[0] || lens.centreMjd + lens.widthDays > mjd[mjd.length - 1])
		flags.push("partial");
	if (frequencyMhz.length === 1) flags.push("single_band");
	const spread = Math.max(...perBand) - Math.min(...perBand);
	if (frequencyMhz.length > 1 && spread < 0.02 * deepest) flags.push("achromatic");
	return {
		...score,
		tier: score.significance > tiers.tierHigh ? "high" : score.significance >= tiers.tierMedium ? "medium" : "low",
		firstDetectedMjd,
		startMjd,
		peakMjd,
		endMjd,
		depth: deepest,
		durationDays: lens.widthDays,
		chromaticity: deepest > 0 ? spread / deepest : 0,
		statistic: evaluation.score,
		flags,
		explanation: {
			alpha_1400mhz: lens.alpha,
			beta_s: lens.betaS,
			fwhm_days: lens.widthDays,
			centre_mjd: lens.centreMjd,
			lensed_fraction: lens.amplitude,
			depth_per_band: perBand,
			frequency_mhz: Array.from(frequencyMhz),
			lambda_null: evaluation.lambdaNull,
			lambda_alternative: evaluation.lambdaAlternative,
			lambda_leave_one_out: evaluation.lambdaLeaveOneOut,
			best_alternative: evaluation.alternative.kind,
			alternative_parameters: evaluation.alternative.parameters,
			error_scale: series.errorScale,
			outliers: series.outliers,
			baseline_jy: Array.from(series.reference),
			carrying_mjd: evaluation.carriers.map((epoch) => mjd[epoch]),
		},
	};
}
