import {
	type Candidate,
	compareCandidates,
	DEFAULT_TIERS,
	eventInterval,
	type SourceScore,
	tierOf,
} from "./candidate.ts";
import { correctField, type PlaneFit } from "./ensemble-plane.ts";
import { type FieldFilter, FilterCache } from "./field-filter.ts";
import type { LensFit } from "./lens-fit.ts";
import {
	arrangeFields,
	type DetectSource,
	type FieldData,
	type LightCurveTable,
	type RejectedRow,
} from "./light-curve-table.ts";
import { NULL_GRID } from "./null-model.ts";
import { evaluateSource, type SourceEvaluation } from "./score.ts";
import { type PreparedSeries, prepareSeries } from "./series.ts";
import { type Looks, scoreAtSigma, sigmaOf, significanceOf } from "./significance.ts";
import { firstAtOrAfter, referenceFrequency } from "./templates.ts";

export type { Candidate, SourceScore, Tier } from "./candidate.ts";
export type { DetectSource, LightCurveTable, RejectedRow } from "./light-curve-table.ts";

/**
 * Presets by false-alarm probability per source. At 5e-4 nineteen candidates in twenty are real when one source in a
 * hundred holds an event; at 1e-4 when one in five hundred does.
 */
export const PRESETS = { conservative: 1e-4, moderate: 5e-4, sensitive: 3e-3 } as const;
export type Preset = keyof typeof PRESETS;

export interface DetectOptions {
	/** Threshold as false-alarm probability per source; moderate unless `minSigma` is given. */
	preset?: Preset | undefined;
	/** Least significance in sigmas; alone it replaces the preset, with a preset both must hold. 0..20. */
	minSigma?: number | undefined;
	/** Judge only these sources; the others still serve the field's gain. */
	only?: ReadonlySet<number> | undefined;
	/** Fluxes are on one scale already: the field's gain is not looked for again. */
	normalized?: boolean | undefined;
	/** Significance above which a candidate is of the high and of the medium tier. */
	tierHigh?: number | undefined;
	tierMedium?: number | undefined;
	/** How often the sources are looked at: the probability is that of the highest score of all looks. Once by default. */
	looks?: Looks | undefined;
	/**
	 * Per source (index) the MJD up to which its measurements were known to runs before: what is first raised now was first
	 * raised after it.
	 */
	searchedUntil?: ReadonlyMap<number, number> | undefined;
	/** A coarse look only: what it cannot rule out bears its {@link SourceScore.evidence} and no score yet. */
	coarseOnly?: boolean | undefined;
	/** Largest number of events looked for in one source. */
	mostEvents?: number | undefined;
}

export interface Detections {
	/** Most significant first. */
	candidates: Candidate[];
	/** One per judged source with a light curve, in the order of the sources. */
	scores: SourceScore[];
	/** Rows left out because they repeat others or are no measurement. */
	rejected: RejectedRow[];
	/** Sources (indices) that were left for another time. */
	left?: ReadonlySet<number>;
}

/** Least significance that the options ask for. */
export function thresholdSigma(options: DetectOptions): number {
	const preset =
		options.preset === undefined && options.minSigma !== undefined ? 0 : sigmaOf(PRESETS[options.preset ?? "moderate"]);
	return Math.max(preset, options.minSigma ?? 0);
}

/**
 * Finds extreme scattering events in a survey's light curves.
 *
 * Per field: gains are removed by a plane fitted to the steady majority, each source left out of its own fit; errors are
 * rescaled; lenses of every strength, size, width and time are compared with chromatic red noise and with flares, steps
 * and boxes; any one epoch may be dropped. Everything an epoch is judged by comes from that epoch and those before it,
 * so cutting the table at an epoch gives what a run on that day gave.
 *
 * @param filters what calls before have computed: most of a short one's work
 * @returns candidates, most significant first, one score per source in the order given, and the rows left out
 */
export function detectEvents(
	table: LightCurveTable,
	sources: readonly DetectSource[],
	options: DetectOptions = {},
	filters = new FilterCache(),
): Detections {
	const { fields, rejected } = arrangeFields(table, sources);
	const candidates: Candidate[] = [];
	const scores: SourceScore[] = [];
	for (const field of fields) {
		const corrected = correctFieldData(field, options.normalized === true);
		const found = detectInField(corrected, options, filters);
		candidates.push(...found.candidates);
		scores.push(...found.scores);
	}
	scores.sort((a, b) => a.sourceIndex - b.sourceIndex);
	return { candidates: candidates.sort(compareCandidates), scores, rejected };
}

export interface CorrectedField extends FieldData {
	gainError: Float64Array;
	/** Gains found, epoch by epoch, band by band. */
	gains: PlaneFit[][];
}

/** Removes the field's gain unless that has been done; the argument keeps its raw fluxes. */
export function correctFieldData(field: FieldData, normalized = false): CorrectedField {
	if (normalized) return { ...field, gainError: new Float64Array(field.flux.length).fill(Number.NaN), gains: [] };
	const flux = field.flux.slice();
	const err = field.err.slice();
	const { fits, gainError } = correctField({
		sources: field.sources.length,
		epochs: field.mjd.length,
		bands: field.frequencyMhz.length,
		flux,
		err,
		x: field.x,
		y: field.y,
	});
	return { ...field, flux, err, gainError, gains: fits };
}

/** Judges the sources of one field. */
export function detectInField(
	field: CorrectedField,
	options: DetectOptions,
	filters: FilterCache,
): { candidates: Candidate[]; scores: SourceScore[] } {
	const candidates: Candidate[] = [];
	const scores: SourceScore[] = [];
	const least = thresholdSigma(options);
	let filter: FieldFilter | null = null;
	for (let j = 0; j < field.sources.length; j++) {
		const sourceIndex = field.sources[j];
		if (options.only !== undefined && !options.only.has(sourceIndex)) continue;
		const { flux, err, gainError } = sourceOf(field, j);
		const series = prepareSeries(field.mjd, field.frequencyMhz, flux, err, gainError);
		if (series === null) continue;
		let statistic = 0;
		let noise = { sigma: 0, tau: 0 };
		let evidence: number | undefined;
		if (series.usedEpochs >= FEWEST_EPOCHS) {
			filter ??= filters.of(field.mjd, field.frequencyMhz);
			let evaluation: SourceEvaluation = evaluateSource(filter, series, undefined, options.coarseOnly);
			if (evaluation.evidence >= 0) evidence = evaluation.evidence;
			statistic = evaluation.score;
			const { sigma: rms, tau } = NULL_GRID[evaluation.nullAlone];
			noise = { sigma: rms, tau };
			let current = series;
			const remaining = flux.slice();
			const leftOut: [number, number][] = [];
			const mostEvents = options.coarseOnly === true ? 0 : (options.mostEvents ?? MOST_EVENTS);
			for (let event = 0; event < mostEvents; event++) {
				const { sigma } = significanceOf(evaluation.score, options.looks);
				if (evaluation.lens === null || !(evaluation.score > 0) || !(sigma >= least)) break;
				// With an event's epochs gone the best lens may span the hole: that is the same event.
				const { first, last } = eventInterval(evaluation.lens, field.mjd, field.frequencyMhz, filter.profiles);
				if (leftOut.some(([from, to]) => field.mjd[first] <= to && field.mjd[last] >= from)) break;
				const candidate = describe(filter, field, sourceIndex, current, evaluation, options, remaining, err, gainError);
				candidate.explanation.left_out_mjd = leftOut.slice();
				leftOut.push([candidate.startMjd, candidate.endMjd]);
				candidates.push(candidate);
				// What remains when the epochs of this event are taken out may hold another.
				leaveOut(remaining, field, candidate.startMjd, candidate.endMjd);
				const rest = prepareSeries(field.mjd, field.frequencyMhz, remaining, err, gainError);
				if (rest === null || rest.usedEpochs < FEWEST_EPOCHS) break;
				current = rest;
				evaluation = evaluateSource(filter, rest);
			}
		}
		const { sigma, falseAlarmProbability } = significanceOf(statistic, options.looks);
		scores.push({
			sourceIndex,
			significance: sigma,
			falseAlarmProbability,
			nMeasurements: series.measurements,
			noise,
			...(options.coarseOnly === true && evidence !== undefined ? { evidence } : {}),
		});
	}
	return { candidates, scores };
}

/** Takes the measurements from one time to another out of one source's fluxes. */
export function leaveOut(
	flux: Float64Array,
	{ mjd, frequencyMhz }: Pick<FieldData, "mjd" | "frequencyMhz">,
	from: number,
	to: number,
): void {
	const bands = frequencyMhz.length;
	for (let i = 0; i < mjd.length; i++)
		if (mjd[i] >= from && mjd[i] <= to) flux.fill(Number.NaN, i * bands, (i + 1) * bands);
}

const MOST_EVENTS = 4;
/** Fewest epochs on which a search makes sense. */
export const FEWEST_EPOCHS = 6;

export function sourceOf(
	field: CorrectedField,
	j: number,
): { flux: Float64Array; err: Float64Array; gainError: Float64Array } {
	const size = field.mjd.length * field.frequencyMhz.length;
	const cut = (values: Float64Array) => values.subarray(j * size, (j + 1) * size);
	return { flux: cut(field.flux), err: cut(field.err), gainError: cut(field.gainError) };
}

function describe(
	filter: FieldFilter,
	field: CorrectedField,
	sourceIndex: number,
	series: PreparedSeries,
	evaluation: SourceEvaluation,
	options: DetectOptions,
	flux: Float64Array,
	err: Float64Array,
	gainError: Float64Array,
): Candidate {
	const lens = evaluation.lens as LensFit;
	const { mjd, frequencyMhz } = field;
	const interval = eventInterval(lens, mjd, frequencyMhz, filter.profiles);
	const detected = firstDetection(
		filter,
		field,
		flux,
		err,
		gainError,
		interval,
		thresholdSigma(options),
		options.looks,
		options.searchedUntil?.get(sourceIndex),
	);
	const { sigma, falseAlarmProbability, extrapolated } = significanceOf(evaluation.score, options.looks);
	const reference = referenceFrequency(frequencyMhz);
	const flags: string[] = [];
	if (extrapolated) flags.push("extrapolated");
	if (lens.centreMjd - lens.widthDays / 2 < mjd[0] || lens.centreMjd + lens.widthDays / 2 > mjd[mjd.length - 1])
		flags.push("partial");
	if (frequencyMhz.length === 1) flags.push("single_band");
	else if (interval.chromaticity < ACHROMATIC) flags.push("achromatic");
	if (options.normalized !== true && field.gains.every((fits) => fits.every((fit) => fit.used <= 0)))
		flags.push("no_ensemble");
	if (interval.last - interval.first < 5) flags.push("few_epochs");
	if (brightest(flux, series, interval) > EXTREME) flags.push("extreme_flux");
	return {
		sourceIndex,
		significance: sigma,
		falseAlarmProbability,
		tier: tierOf(sigma, {
			high: options.tierHigh ?? DEFAULT_TIERS.high,
			medium: options.tierMedium ?? DEFAULT_TIERS.medium,
		}),
		firstDetectedMjd: mjd[detected],
		startMjd: mjd[interval.first],
		peakMjd: Math.min(mjd[interval.last], Math.max(mjd[interval.first], lens.centreMjd)),
		endMjd: mjd[interval.last],
		depth: interval.depth,
		durationDays: lens.widthDays,
		chromaticity: interval.chromaticity,
		statistic: evaluation.score,
		nMeasurements: series.measurements,
		noise: { sigma: NULL_GRID[evaluation.nullAlone].sigma, tau: NULL_GRID[evaluation.nullAlone].tau },
		flags,
		explanation: {
			alpha_1400mhz: lens.alpha * (reference / 1400) ** 2,
			beta_s: lens.betaS,
			lensed_fraction: lens.amplitude,
			fwhm_days: lens.widthDays,
			centre_mjd: lens.centreMjd,
			reference_frequency_mhz: reference,
			frequency_mhz: Array.from(frequencyMhz),
			depth_per_band: interval.depthPerBand,
			baseline_jy: Array.from(series.reference, (level) => (Number.isFinite(level) ? level : null)),
			lambda_null: evaluation.lambdaNull,
			lambda_alternative: evaluation.lambdaAlternative,
			lambda_leave_one_out: evaluation.lambdaLeaveOneOut,
			best_alternative: evaluation.alternative.kind,
			alternative_parameters: evaluation.alternative.parameters,
			alternative_amplitude: evaluation.alternative.amplitude,
			null_with_lens: { ...NULL_GRID[evaluation.nullWithLens] },
			null_alone: { ...NULL_GRID[evaluation.nullAlone] },
			error_scale: series.errorScale,
			outliers: series.outliers,
			carrying_mjd: evaluation.carriers.map((i) => mjd[i]),
			looks: options.looks ?? "once",
			left_out_mjd: [],
		},
	};
}

/**
 * Flux over level beyond which an event asks for a second look: caustics of a source much smaller than its lens reach it,
 * and so do faults. Never a reason to drop it.
 */
const EXTREME = 5;

/** Largest flux over level of any band during an event, whether its value counts as an outlier or not. */
function brightest(
	flux: Float64Array,
	{ reference }: PreparedSeries,
	{ first, last }: { first: number; last: number },
): number {
	const bands = reference.length;
	let most = 0;
	for (let at = first * bands; at < (last + 1) * bands; at++)
		if (flux[at] > most * reference[at % bands]) most = flux[at] / reference[at % bands];
	return most;
}

/** Chromaticity below which an event is called achromatic. */
const ACHROMATIC = 0.1;

/** How far before the fitted beginning the first detection is looked for, as a share of the event's length. */
const EARLIER = 0.1;

/**
 * The first epoch at which the data seen so far raise an event that overlaps the one of epochs `first` to `last`: the
 * very search of the whole series, on what there was by then.
 */
function firstDetection(
	filter: FieldFilter,
	field: CorrectedField,
	flux: Float64Array,
	err: Float64Array,
	gainError: Float64Array,
	{ first, last }: { first: number; last: number },
	least: number,
	looks: Looks | undefined,
	searchedUntil = -Infinity,
): number {
	const { mjd, frequencyMhz } = field;
	const leastScore = scoreAtSigma(least, looks);
	const length = mjd[last] - mjd[first];
	const begin = firstAtOrAfter(mjd, mjd[first] - EARLIER * length);
	const unsearched = mjd.findIndex((time) => time > searchedUntil);
	for (let seen = Math.max(FEWEST_EPOCHS, begin + 2, unsearched + 1); seen < mjd.length; seen++) {
		const series = prepareSeries(mjd, frequencyMhz, flux, err, gainError, seen);
		if (series === null || series.usedEpochs < FEWEST_EPOCHS) continue;
		// An epoch without data for this source cannot raise anything new.
		if (!hasData(series, seen - 1)) continue;
		const { score, lens } = evaluateSource(filter, series, leastScore);
		if (lens === null || significanceOf(score, looks).sigma < least) continue;
		const early = eventInterval(lens, series.mjd, frequencyMhz, filter.profiles);
		// An alarm about something else, over by the time this event begins, is not its detection.
		if (mjd[early.last] >= mjd[first] - EARLIER * length) return seen - 1;
	}
	return mjd.length - 1;
}

function hasData(series: PreparedSeries, epoch: number): boolean {
	const bands = series.frequencyMhz.length;
	for (let k = 0; k < bands; k++) if (series.w[epoch * bands + k] > 0) return true;
	return false;
}
