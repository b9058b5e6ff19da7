import { type Alternative, alternativeLogLikelihood, bestAlternative, NOTHING } from "./alternatives.ts";
import type { FieldFilter } from "./field-filter.ts";
import { carriers, without } from "./leave-one-out.ts";
import { type LensFit, loadLens, MOST_LENSED, refineLens, scanLens } from "./lens-fit.ts";
import type { MatchedFilter } from "./matched-filter.ts";
import { NULL_GRID, type NullModel, type Series } from "./null-model.ts";
import { best, type Search, type Start } from "./template-search.ts";
import { SPIKE_LIMIT, type TemplateBank } from "./templates.ts";

export interface SourceEvaluation {
	/** The smaller of `lambdaAlternative` and `lambdaLeaveOneOut`: what a candidate is judged by. */
	score: number;
	/** Twice the log-likelihood ratio of the best lens to the best null. */
	lambdaNull: number;
	/** The same against the best of null, flare, step and box. */
	lambdaAlternative: number;
	/** The smallest against the same with one or two of the epochs that carry most left out. */
	lambdaLeaveOneOut: number;
	lens: LensFit | null;
	alternative: Alternative;
	/** Null point under the lens and without it. */
	nullWithLens: number;
	nullAlone: number;
	/**
	 * What a coarse look found beyond what ends a search: negative where the search ended there, and the score is final.
	 */
	evidence: number;
	/** Epoch indices that carry most of the evidence, heaviest first. */
	carriers: number[];
}

/** Null points at which the coarse bank is run: a cross-section of the grid. */
const COARSE_POINTS = NULL_GRID.map((_, g) => g).filter(
	(g) =>
		g === 0 ||
		(NULL_GRID[g].kappa < 0.5 &&
			([0.012, 0.35].includes(NULL_GRID[g].sigma) ? [40] : [8, 200]).includes(NULL_GRID[g].tau)),
);
/** A null less likely than the best by so much (natural logarithm) is left out of the coarse search. */
const UNLIKELY = 60;
/** Classes (shape and width) whose best template is scanned finely, and how many of these are refined. */
const FINALISTS = 6;
const REFINED = 3;
/** Below this the search ends early: far below any threshold in use. */
const HOPELESS = 15;
const COARSE_HOPELESS = 14;
/** What a second outlier just where a caustic would be costs: twice the logarithm of the odds, one epoch in 400. */
const SECOND_OUTLIER = 12;
/** The same for the memoryless null, in which a dip of depth d over n epochs gives some n (d / 0.1)^2. */
const MEMORYLESS_HOPELESS = 25;

/** Lengths, in epochs, of the latest stretch that may hold the first sign of an event, and its colours. */
const NEWEST = [3, 5, 8, 13, 21];
const COLOURS = [0, -2];

/**
 * Log-likelihood of a change of either sign over the latest epochs, of whatever colour suits best. The outer caustic of a
 * strong lens, long before its shadow, is no dip, and the coarse bank does not know it.
 */
function newest({ model, filter, scratch }: FieldFilter, series: Series, points: readonly number[]): number {
	const { mjd, frequencyMhz } = series;
	const epochs = mjd.length;
	const bands = frequencyMhz.length;
	const values =
		scratch.length >= NEWEST[NEWEST.length - 1] * bands ? scratch : new Float64Array(NEWEST[NEWEST.length - 1] * bands);
	let most = -Infinity;
	for (const colour of bands > 1 ? COLOURS : [0]) {
		for (let at = 0; at < NEWEST[NEWEST.length - 1] * bands; at++)
			values[at] = (frequencyMhz[at % bands] / frequencyMhz[0]) ** colour;
		for (const length of NEWEST) {
			if (2 * length > epochs) continue;
			filter.load(series, values, 0, epochs - length, length);
			for (const g of points) filter.evaluate(model, g, 1, true);
			most = Math.max(most, filter.result.logLikelihood);
		}
	}
	return most;
}

/**
 * Judges one source on the first `series.mjd.length` epochs of its field.
 *
 * @param least the search may end as soon as the score is known to be smaller than this
 * @param coarseOnly the search ends after the coarse look, whatever it finds: see {@link SourceEvaluation.evidence}
 */
export function evaluateSource(
	field: FieldFilter,
	series: Series,
	least = HOPELESS,
	coarseOnly = false,
): SourceEvaluation {
	const hopeless = Math.max(HOPELESS, least);
	const { model, filter, second } = field;
	const found = new Float64Array(2);
	const epochs = series.mjd.length;
	const points = model.grid.length;
	const all = model.grid.map((_, g) => g);
	const bestNull = () => {
		let top = 0;
		for (let g = 1; g < points; g++) if (model.logLikelihood[g] > model.logLikelihood[top]) top = g;
		return top;
	};
	const latest = series.mjd[epochs - 1];
	// The search looks at fluxes cut at a modest excess: caustic spikes, one epoch wide and several times the flux, would
	// otherwise outweigh the shadow whenever a template's spike misses them. The final fits see everything.
	const limited: Series = { ...series, y: series.y.map((value) => Math.min(value, SPIKE_LIMIT)) };
	let data = limited;
	model.prepare(data, epochs, COARSE_POINTS);
	let nullAlone = bestNull();
	const likely = COARSE_POINTS.filter((g) => model.logLikelihood[g] > model.logLikelihood[nullAlone] - UNLIKELY);
	const evaluation: SourceEvaluation = {
		score: 0,
		lambdaNull: 0,
		lambdaAlternative: 0,
		lambdaLeaveOneOut: 0,
		lens: null,
		alternative: NOTHING,
		nullWithLens: nullAlone,
		nullAlone,
		evidence: -Infinity,
		carriers: [],
	};
	/** Loads a template as far as the epochs seen go; false if a bank of these epochs would not hold it. */
	const loadTemplate = (bank: TemplateBank, template: number, bothSigns = false, into = filter): boolean => {
		const first = bank.first[template];
		// A search on a longer bank must not end elsewhere than one on a bank of the epochs seen so far.
		const width = bank.width[template];
		if (bank.ready[template] >= epochs || bank.centre[template] > latest + bank.ahead[bank.shape[template]] * width)
			return false;
		if (width > Math.max(bank.longestShare * (latest - series.mjd[0]), 3 * bank.cadence)) return false;
		const length = Math.min(bank.length[template], epochs - first);
		const least = bothSigns ? 0 : bank.least[bank.shape[template]];
		into.load(data, bank.values, bank.offset[template], first, length, least);
		return true;
	};
	/** Loads templates into both filters by turns, as far as they can be, and looks at two at once; the last may be alone (-1). */
	const inPairs = (
		size: number,
		load: (template: number, into: MatchedFilter) => boolean,
		look: (one: number, other: number) => void,
	) => {
		let waiting = -1;
		for (let t = 0; t < size; t++) {
			if (!load(t, waiting < 0 ? filter : second)) continue;
			if (waiting >= 0) look(waiting, t);
			waiting = waiting < 0 ? t : -1;
		}
		if (waiting >= 0) look(waiting, -1);
	};
	// 1. A coarse bank on a cross-section of the nulls, and without memory: most sources end here.
	field.searchModel.prepare(limited);
	const memorylessOf = new Float64Array(field.coarse.size).fill(-Infinity);
	const coarseOf = new Float64Array(field.coarse.size).fill(-Infinity);
	inPairs(
		field.coarse.size,
		(t, into) => loadTemplate(field.coarse, t, false, into),
		(one, other) => {
			const evaluate = (by: NullModel, point: number) => {
				if (other < 0) found[0] = filter.evaluate(by, point, MOST_LENSED);
				else filter.evaluateWith(second, by, point, MOST_LENSED, [false, false], found);
			};
			evaluate(field.searchModel, 0);
			memorylessOf[one] = found[0];
			if (other >= 0) memorylessOf[other] = found[1];
			filter.forget();
			second.forget();
			for (const g of likely) evaluate(model, g);
			coarseOf[one] = filter.result.logLikelihood;
			if (other >= 0) coarseOf[other] = second.result.logLikelihood;
		},
	);
	const leaders = best(field.coarse, 6, (t) => coarseOf[t]);
	if (leaders.length === 0) return evaluation;
	let memoryless = -Infinity;
	for (const found of memorylessOf) memoryless = Math.max(memoryless, found);
	evaluation.lambdaNull = Math.max(0, 2 * (leaders[0].value - model.logLikelihood[nullAlone]));
	evaluation.score = Math.min(evaluation.lambdaNull, COARSE_HOPELESS);
	const evidence = evaluation.lambdaNull - COARSE_HOPELESS;
	const abrupt = 2 * (memoryless - field.searchModel.logLikelihood[0]) - MEMORYLESS_HOPELESS;
	// The changes of late need looking at only where nothing else keeps the search going, or to tell how much there is.
	const late =
		coarseOnly || (evidence < 0 && abrupt < 0)
			? 2 * (newest(field, limited, likely) - model.logLikelihood[nullAlone]) - COARSE_HOPELESS
			: -Infinity;
	evaluation.evidence = Math.max(evidence, late, abrupt >= 0 ? 0 : -Infinity);
	if (coarseOnly || evaluation.evidence < 0) return evaluation;
	// 2. Which nulls matter with an event in the data.
	model.prepare(data);
	nullAlone = bestNull();
	const value = model.logLikelihood.slice();
	for (const { template } of leaders) {
		loadTemplate(field.coarse, template);
		for (const g of all) value[g] = Math.max(value[g], filter.evaluate(model, g, MOST_LENSED));
	}
	const leading = all.reduce((top, g) => (value[g] > value[top] ? g : top));
	const search: Search = (bank, counts, most, signs) => {
		const nulls = [
			{ by: model, point: leading, value: new Float64Array(bank.size).fill(-Infinity) },
			{ by: field.searchModel, point: 0, value: new Float64Array(bank.size).fill(-Infinity) },
		];
		inPairs(
			bank.size,
			(t, into) => loadTemplate(bank, t, signs(t), into),
			(one, other) => {
				for (const { by, point, value } of nulls) {
					if (other < 0) value[one] = filter.evaluate(by, point, most, signs(one));
					else {
						filter.evaluateWith(second, by, point, most, [signs(one), signs(other)], found);
						value[one] = found[0];
						value[other] = found[1];
					}
				}
			},
		);
		const chosen = new Map<number, Start>();
		nulls.forEach(({ by, point, value }, n) => {
			for (const [count, classes] of counts)
				for (const { template } of best(bank, count, (t) => value[t], classes))
					chosen.set(2 * template + n, {
						template,
						model: by,
						point,
						lambda: 2 * (value[template] - by.logLikelihood[point]),
					});
		});
		return [...chosen.values()];
	};
	const finalists = search(
		field.lenses,
		[
			[FINALISTS, field.lensClasses],
			[FINALISTS, field.lenses.shape],
		],
		MOST_LENSED,
		() => false,
	);
	// 3. Refinement of the best of several classes. The best of each shape, so that one broad maximum does not take all
	// the places, and from each of the two nulls.
	let lens: LensFit | null = null;
	let withLens = -Infinity;
	const scanned = new Map<string, { fit: LensFit; logLikelihood: number; memoryless: boolean }>();
	for (const { template, model: by, point } of finalists) {
		const shape = field.lenses.shapes[field.lenses.shape[template]];
		if (shape.kind !== "lens") continue;
		const memoryless = by !== model;
		const start = scanLens(field, limited, by, point, {
			alpha: shape.alpha,
			betaS: shape.betaS,
			widthDays: field.lenses.width[template],
			centreMjd: field.lenses.centre[template],
			amplitude: 0,
		});
		const name = `${memoryless} ${shape.alpha} ${shape.betaS}`;
		if (start.logLikelihood > (scanned.get(name)?.logLikelihood ?? -Infinity))
			scanned.set(name, { ...start, memoryless });
	}
	const starts = [...scanned.values()].sort((x, y) => y.logLikelihood - x.logLikelihood);
	const chosen = [true, false].flatMap((memoryless) =>
		starts.filter((start) => start.memoryless === memoryless).slice(0, REFINED),
	);
	for (const start of chosen)
		if (start.memoryless) start.fit = refineLens(field, limited, start.fit, field.searchModel, -Infinity).fit;
	data = series;
	model.prepare(data);
	nullAlone = bestNull();
	evaluation.nullAlone = nullAlone;
	const none = model.logLikelihood[nullAlone];
	for (const start of chosen) {
		const refined = refineLens(field, series, start.fit, model, withLens);
		if (refined.logLikelihood > withLens) {
			withLens = refined.logLikelihood;
			lens = refined.fit;
		}
	}
	if (lens === null) return evaluation;
	loadLens(field, series, lens);
	filter.evaluateAll(model, MOST_LENSED);
	withLens = filter.result.logLikelihood;
	lens = { ...lens, amplitude: filter.result.amplitude };
	evaluation.nullWithLens = filter.result.point;
	evaluation.lens = lens;
	evaluation.lambdaNull = 2 * (withLens - none);
	evaluation.score = Math.max(0, Math.min(evaluation.lambdaNull, hopeless));
	if (evaluation.lambdaNull < hopeless) return evaluation;
	// 4. Alternatives, refined as the lenses are.
	const alternative = bestAlternative(field, series, search, lens, withLens - hopeless / 2);
	if (alternative.logLikelihood > none) evaluation.alternative = alternative.alternative;
	evaluation.lambdaAlternative = 2 * (withLens - Math.max(none, alternative.logLikelihood));
	if (evaluation.lambdaAlternative < hopeless) {
		evaluation.score = Math.max(0, evaluation.lambdaAlternative);
		return evaluation;
	}
	// 5. Without each of the three epochs that carry most, and without any two of the four.
	const fit = lens;
	const heaviest = carriers(field, series, fit, [...new Set([evaluation.nullWithLens, nullAlone])]);
	evaluation.carriers = heaviest.slice(0, 8).map(({ epoch }) => epoch);
	const leftWithout = (left: readonly number[]) =>
		without(series, left, () => {
			// Every null again: a single outlier may be all that made the quiet ones impossible.
			model.prepare(series);
			const alone = model.logLikelihood[bestNull()];
			loadLens(field, series, fit);
			filter.evaluateAll(model, MOST_LENSED);
			const lensed = filter.result.logLikelihood;
			// A dip with sharp edges beside one outlier is neither of the rivals alone, nor a lens.
			const rival = Math.max(alone, alternativeLogLikelihood(field, series, evaluation.alternative));
			return 2 * (lensed - rival);
		});
	let worst = evaluation.lambdaNull;
	for (const epoch of evaluation.carriers.slice(0, 3)) worst = Math.min(worst, leftWithout([epoch]));
	// Two outliers make a pair of caustics.
	const four = evaluation.carriers.slice(0, 4);
	for (let i = 1; i < four.length && worst >= hopeless; i++)
		for (let j = 0; j < i; j++) worst = Math.min(worst, leftWithout([four[i], four[j]]) + SECOND_OUTLIER);
	evaluation.lambdaLeaveOneOut = worst;
	evaluation.score = Math.max(0, Math.min(evaluation.lambdaAlternative, worst));
	return evaluation;
}
