import { MatchedFilter } from "./matched-filter.ts";
import { NULL_GRID, NullModel, type Series } from "./null-model.ts";
import { alphaAt, lensGain } from "./plasma-lens.ts";
import {
	alternativeBank,
	firstAtOrAfter,
	flareShape,
	lensBank,
	ProfileCache,
	referenceFrequency,
	type TemplateBank,
} from "./templates.ts";

/** A fitted lens. `alpha` and `widthDays` refer to the reference frequency of the series. */
export interface LensFit {
	alpha: number;
	betaS: number;
	widthDays: number;
	centreMjd: number;
	amplitude: number;
}

export interface Alternative {
	kind: "none" | "flare" | "step" | "box";
	/** Parameters, for the explanation: times MJD, durations days. */
	parameters: Record<string, number>;
	amplitude: number;
}

export interface SourceEvaluation {
	/** The smaller of `lambdaAlternative` and `lambdaLeaveOneOut`: what a candidate is judged by. */
	score: number;
	/** Twice the log-likelihood ratio of the best lens to the best null. */
	lambdaNull: number;
	/** The same against the best of null, flare, step and box. */
	lambdaAlternative: number;
	/** The smallest against the null when any one of the three epochs that carry most is left out. */
	lambdaLeaveOneOut: number;
	lens: LensFit | null;
	alternative: Alternative;
	/** Null point under the lens and without it. */
	nullWithLens: number;
	nullAlone: number;
	/** Epoch indices that carry most of the evidence, heaviest first. */
	carriers: number[];
}

/** Banks and work space for the sources of one field. Made once per field (or per source without a field). */
export class FieldFilter {
	readonly mjd: Float64Array;
	readonly frequencyMhz: Float64Array;
	readonly coarse: TemplateBank;
	readonly lenses: TemplateBank;
	readonly alternatives: TemplateBank;
	readonly profiles: ProfileCache;
	readonly model = new NullModel(NULL_GRID);
	readonly filter = new MatchedFilter();
	scratch = new Float64Array(0);

	constructor(mjd: Float64Array, frequencyMhz: Float64Array, profiles = new ProfileCache()) {
		this.mjd = mjd;
		this.frequencyMhz = frequencyMhz;
		this.profiles = profiles;
		this.lenses = lensBank(mjd, frequencyMhz, profiles);
		this.coarse = lensBank(mjd, frequencyMhz, profiles, [{ alpha: 8, betaS: 0.7 }], 2);
		this.alternatives = alternativeBank(mjd, frequencyMhz);
	}
}

/** Null points at which the coarse bank is run: a cross-section of the grid. */
const COARSE_POINTS = NULL_GRID.map((_, g) => g).filter(
	(g) => g === 0 || (NULL_GRID[g].kappa < 0.5 && [8, 40, 200].includes(NULL_GRID[g].tau)),
);
/** Null points on which the full banks are run. */
const LEADING_POINTS = 4;
const MOST_LENSED = 1.05;
const MOST_ALTERNATIVE = 4;
/** Below this the search ends early: far below any threshold in use. */
const HOPELESS = 8;
const COARSE_HOPELESS = 6;
/** Nulls less likely than the best by more than this (natural logarithm) play no part in the final comparison. */
const PLAUSIBLE = 25;

const NOTHING: Alternative = { kind: "none", parameters: {}, amplitude: 0 };

/** Judges one source on the first `series.mjd.length` epochs of its field. */
export function evaluateSource(field: FieldFilter, series: Series): SourceEvaluation {
	const { model, filter } = field;
	const epochs = series.mjd.length;
	const bands = series.frequencyMhz.length;
	const points = model.grid.length;
	const all = model.grid.map((_, g) => g);
	const bestNull = () => {
		let top = 0;
		for (let g = 1; g < points; g++) if (model.logLikelihood[g] > model.logLikelihood[top]) top = g;
		return top;
	};
	model.prepare(series, epochs, COARSE_POINTS);
	let nullAlone = bestNull();
	const evaluation: SourceEvaluation = {
		score: 0,
		lambdaNull: 0,
		lambdaAlternative: 0,
		lambdaLeaveOneOut: 0,
		lens: null,
		alternative: NOTHING,
		nullWithLens: nullAlone,
		nullAlone,
		carriers: [],
	};
	const run = (bank: TemplateBank, template: number, grid: readonly number[], most: number, bothSigns = false) => {
		const first = bank.first[template];
		if (first >= epochs) return -Infinity;
		const length = Math.min(bank.length[template], epochs - first);
		filter.load(series, bank.values, bank.offset[template], first, length);
		for (const g of grid) filter.evaluate(model, g, most, bothSigns);
		return filter.result.logLikelihood;
	};
	// 1. A coarse bank on a cross-section of the nulls: most sources end here.
	const leaders = best(field.coarse, 6, (t) => run(field.coarse, t, COARSE_POINTS, MOST_LENSED));
	if (leaders.length === 0) return evaluation;
	evaluation.lambdaNull = Math.max(0, 2 * (leaders[0].value - model.logLikelihood[nullAlone]));
	if (evaluation.lambdaNull < COARSE_HOPELESS) return evaluation;
	// 2. Which nulls matter with an event in the data.
	model.prepare(series);
	nullAlone = bestNull();
	evaluation.nullAlone = nullAlone;
	const none = model.logLikelihood[nullAlone];
	const value = model.logLikelihood.slice();
	for (const { template } of leaders) {
		run(field.coarse, template, [], MOST_LENSED);
		for (const g of all) value[g] = Math.max(value[g], filter.evaluate(model, g, MOST_LENSED));
	}
	const ranked = all.toSorted((a, b) => value[b] - value[a]);
	const leading = ranked.slice(0, LEADING_POINTS);
	if (!leading.includes(nullAlone)) leading[LEADING_POINTS - 1] = nullAlone;
	const plausible = all.filter(
		(g) => value[g] > value[ranked[0]] - PLAUSIBLE || model.logLikelihood[g] > none - PLAUSIBLE,
	);
	const search = (
		bank: TemplateBank,
		count: number,
		classes: Int16Array,
		most: number,
		signs: (t: number) => boolean,
	) => {
		// All of the bank on the foremost null; its best twentieth on the leading ones.
		const first = new Float64Array(bank.size);
		for (let t = 0; t < bank.size; t++) first[t] = run(bank, t, leading.slice(0, 1), most, signs(t));
		const cut = first.toSorted()[Math.floor(0.95 * bank.size)] ?? -Infinity;
		return best(bank, count, (t) => (first[t] >= cut ? run(bank, t, leading, most, signs(t)) : first[t]), classes);
	};
	const finalists = search(field.lenses, 4, field.lenses.shape, MOST_LENSED, () => false);
	if (finalists.length === 0 || 2 * (finalists[0].value - none) < HOPELESS) return evaluation;
	// 3. Refinement of the best of several classes.
	let lens: LensFit | null = null;
	let withLens = -Infinity;
	for (const { template } of finalists) {
		const shape = field.lenses.shapes[field.lenses.shape[template]];
		if (shape.kind !== "lens") continue;
		const start: LensFit = {
			alpha: shape.alpha,
			betaS: shape.betaS,
			widthDays: field.lenses.width[template],
			centreMjd: field.lenses.centre[template],
			amplitude: 0,
		};
		const refined = refineLens(field, series, start, withLens);
		if (refined.logLikelihood > withLens) {
			withLens = refined.logLikelihood;
			lens = refined.fit;
		}
	}
	if (lens === null) return evaluation;
	let template = lensTemplate(field, series, lens);
	filter.load(series, template.values, 0, template.first, template.length);
	for (const g of all) {
		const found = filter.evaluate(model, g, MOST_LENSED);
		if (found > withLens - PLAUSIBLE && !plausible.includes(g)) plausible.push(g);
	}
	withLens = filter.result.logLikelihood;
	lens = { ...lens, amplitude: filter.result.amplitude };
	evaluation.nullWithLens = filter.result.point;
	evaluation.lens = lens;
	evaluation.lambdaNull = 2 * (withLens - none);
	// 4. Alternatives, refined as the lenses are.
	const alternative = bestAlternative(field, series, leading.slice(0, 2), search);
	if (alternative.logLikelihood > none) evaluation.alternative = alternative.alternative;
	evaluation.lambdaAlternative = 2 * (withLens - Math.max(none, alternative.logLikelihood));
	if (evaluation.lambdaAlternative <= HOPELESS) {
		evaluation.score = Math.max(0, evaluation.lambdaAlternative);
		return evaluation;
	}
	// 5. Without each of the three epochs that carry most.
	template = lensTemplate(field, series, lens);
	evaluation.carriers = carriers(series, template, lens.amplitude);
	let worst = evaluation.lambdaNull;
	const w = series.w;
	const saved = new Float64Array(bands);
	for (const epoch of evaluation.carriers.slice(0, 3)) {
		for (let k = 0; k < bands; k++) {
			saved[k] = w[epoch * bands + k];
			w[epoch * bands + k] = 0;
		}
		model.prepare(series, epochs, plausible);
		const alone = model.logLikelihood[bestNull()];
		filter.load(series, template.values, 0, template.first, template.length);
		for (const g of plausible) filter.evaluate(model, g, MOST_LENSED);
		worst = Math.min(worst, 2 * (filter.result.logLikelihood - alone));
		for (let k = 0; k < bands; k++) w[epoch * bands + k] = saved[k];
	}
	evaluation.lambdaLeaveOneOut = worst;
	evaluation.score = Math.max(0, Math.min(evaluation.lambdaAlternative, worst));
	return evaluation;
}

interface Scored {
	template: number;
	value: number;
}

/** The best members of a bank, at most one per class if classes are given. */
function best(bank: TemplateBank, count: number, value: (t: number) => number, classes?: Int16Array): Scored[] {
	const top: Scored[] = [];
	for (let t = 0; t < bank.size; t++) {
		const found = value(t);
		if (found === -Infinity || (top.length >= count && found <= top[top.length - 1].value)) continue;
		if (classes !== undefined) {
			const same = top.findIndex((other) => classes[other.template] === classes[t]);
			if (same >= 0) {
				if (top[same].value >= found) continue;
				top.splice(same, 1);
			}
		}
		top.push({ template: t, value: found });
		top.sort((a, b) => b.value - a.value);
		if (top.length > count) top.length = count;
	}
	return top;
}

interface Loaded {
	values: Float64Array;
	first: number;
	length: number;
}

/** The effect of a lens of unit amplitude on the epochs of a series. */
export function lensTemplate(
	field: { profiles: ProfileCache; scratch: Float64Array },
	series: Series,
	fit: Pick<LensFit, "alpha" | "betaS" | "widthDays" | "centreMjd">,
): Loaded {
	const { mjd, frequencyMhz } = series;
	const bands = frequencyMhz.length;
	const reference = referenceFrequency(frequencyMhz);
	const days = fit.widthDays / field.profiles.get(fit.alpha, fit.betaS).fwhm;
	let reach = 0;
	const profiles = Array.from(frequencyMhz, (nu) => {
		const profile = field.profiles.get(alphaAt(fit.alpha, (nu * 1400) / reference), fit.betaS);
		reach = Math.max(reach, profile.gain.length * profile.step);
		return profile;
	});
	const first = firstAtOrAfter(mjd, fit.centreMjd - reach * days);
	const last = firstAtOrAfter(mjd, fit.centreMjd + reach * days);
	const length = Math.max(0, last - first);
	if (field.scratch.length < length * bands) field.scratch = new Float64Array(2 * mjd.length * bands);
	const values = field.scratch;
	for (let i = 0; i < length; i++) {
		const u = (mjd[first + i] - fit.centreMjd) / days;
		for (let k = 0; k < bands; k++) values[i * bands + k] = lensGain(profiles[k], u) - 1;
	}
	return { values, first, length };
}

/**
 * Refines parameters and null together: the null that suits the present fit, parameters under it, again until the null
 * stays. While the fit is poor only strong red noise is tolerable, under which the likelihood is smooth; as the fit
 * improves the null sharpens. Starts that fall far behind `toBeat` are given up after the first round.
 */
function anneal(
	field: FieldFilter,
	load: (p: number[]) => boolean,
	start: number[],
	steps: number[],
	mostAmplitude: number,
	toBeat: number,
): { at: number[]; logLikelihood: number } {
	const { filter, model } = field;
	const points = model.grid.length;
	const bestPoint = (p: number[]) => {
		if (!load(p)) return -1;
		for (let g = 0; g < points; g++) filter.evaluate(model, g, mostAmplitude);
		return filter.result.point;
	};
	let at = start;
	let value = -Infinity;
	let point = bestPoint(at);
	if (point < 0) return { at, logLikelihood: value };
	let scale = 1;
	for (let round = 0; round < 6; round++) {
		const grid = point;
		const found = nelderMead(
			(p) => (load(p) ? -filter.evaluate(model, grid, mostAmplitude) : Infinity),
			at,
			steps.map((step) => step * scale),
			round === 0 ? 60 : 45,
		);
		at = found.at;
		point = bestPoint(at);
		const now = filter.result.logLikelihood;
		if (round === 0 && now < toBeat - 0.3 * Math.abs(toBeat - model.logLikelihood[grid]))
			return { at, logLikelihood: now };
		const gained = now - value;
		value = now;
		if (point === grid && gained < 1) break;
		scale = round % 2 === 0 ? -0.5 : 0.5;
	}
	return { at, logLikelihood: value };
}

function refineLens(
	field: FieldFilter,
	series: Series,
	start: LensFit,
	toBeat: number,
): { fit: LensFit; logLikelihood: number } {
	const { mjd } = series;
	const span = Math.max(1, mjd[mjd.length - 1] - mjd[0]);
	const fitOf = (p: number[]): LensFit => ({
		alpha: Math.exp(p[0]),
		betaS: Math.exp(p[1]),
		widthDays: Math.exp(p[2]),
		centreMjd: p[3],
		amplitude: 0,
	});
	const load = (p: number[]) => {
		if (p[0] < Math.log(1.35) || p[0] > Math.log(245) || p[1] < Math.log(0.1) || p[1] > Math.log(3)) return false;
		if (p[2] < Math.log(4) || p[2] > Math.log(600)) return false;
		const width = Math.exp(p[2]);
		if (p[3] < mjd[0] - width || p[3] > mjd[0] + span + width) return false;
		const template = lensTemplate(field, series, fitOf(p));
		field.filter.load(series, template.values, 0, template.first, template.length);
		return true;
	};
	// Caustics are finer than the bank's steps in time: scan the centre first.
	let centre = start.centreMjd;
	let most = -Infinity;
	for (let shift = -4; shift <= 4; shift++) {
		const at = start.centreMjd + (shift * start.widthDays) / 24;
		if (!load([Math.log(start.alpha), Math.log(start.betaS), Math.log(start.widthDays), at])) continue;
		for (let g = 0; g < field.model.grid.length; g += 3) field.filter.evaluate(field.model, g, MOST_LENSED);
		if (field.filter.result.logLikelihood > most) [most, centre] = [field.filter.result.logLikelihood, at];
	}
	const found = anneal(
		field,
		load,
		[Math.log(start.alpha), Math.log(start.betaS), Math.log(start.widthDays), centre],
		[0.5, 0.6, 0.2, start.widthDays / 10],
		MOST_LENSED,
		toBeat,
	);
	return { fit: fitOf(found.at), logLikelihood: found.logLikelihood };
}

/** Nelder & Mead (1965) with a fixed number of evaluations. */
export function nelderMead(
	cost: (p: number[]) => number,
	start: number[],
	steps: number[],
	evaluations: number,
): { at: number[]; value: number } {
	const simplex = [start, ...start.map((_, i) => start.map((value, j) => value + (i === j ? steps[i] : 0)))].map(
		(at) => ({ at, value: cost(at) }),
	);
	let left = evaluations - simplex.length;
	while (left > 0) {
		simplex.sort((a, b) => a.value - b.value);
		const worst = simplex[simplex.length - 1];
		const centroid = start.map(
			(_, j) => simplex.slice(0, -1).reduce((sum, vertex) => sum + vertex.at[j], 0) / (simplex.length - 1),
		);
		const move = (factor: number) => {
			const at = centroid.map((value, j) => value + factor * (worst.at[j] - value));
			left--;
			return { at, value: cost(at) };
		};
		const reflected = move(-1);
		if (reflected.value < simplex[0].value) {
			const expanded = move(-2);
			simplex[simplex.length - 1] = expanded.value < reflected.value ? expanded : reflected;
		} else if (reflected.value < simplex[simplex.length - 2].value) simplex[simplex.length - 1] = reflected;
		else {
			const contracted = move(reflected.value < worst.value ? -0.5 : 0.5);
			if (contracted.value < Math.min(worst.value, reflected.value)) simplex[simplex.length - 1] = contracted;
			else
				for (let i = 1; i < simplex.length; i++) {
					simplex[i].at = simplex[i].at.map((value, j) => (value + simplex[0].at[j]) / 2);
					simplex[i].value = cost(simplex[i].at);
					left--;
				}
		}
	}
	simplex.sort((a, b) => a.value - b.value);
	return simplex[0];
}

function bestAlternative(
	field: FieldFilter,
	series: Series,
	grid: readonly number[],
	search: (
		bank: TemplateBank,
		count: number,
		classes: Int16Array,
		most: number,
		signs: (t: number) => boolean,
	) => Scored[],
): { alternative: Alternative; logLikelihood: number } {
	const { alternatives, model, filter } = field;
	const { mjd, frequencyMhz } = series;
	const bands = frequencyMhz.length;
	const epochs = mjd.length;
	const kinds = Int16Array.from(alternatives.shape, (s) =>
		["flare", "step", "box"].indexOf(alternatives.shapes[s].kind),
	);
	const finalists = search(alternatives, 3, kinds, MOST_ALTERNATIVE, (t) => kinds[t] !== 0);
	let alternative = NOTHING;
	let top = -Infinity;
	const keep = (kind: Alternative["kind"], parameters: Record<string, number>) => {
		for (let g = 0; g < model.grid.length; g++) filter.evaluate(model, g, MOST_ALTERNATIVE, kind !== "flare");
		if (filter.result.logLikelihood > top) {
			top = filter.result.logLikelihood;
			alternative = { kind, parameters, amplitude: filter.result.amplitude };
		}
	};
	for (const { template } of finalists) {
		const shape = alternatives.shapes[alternatives.shape[template]];
		if (shape.kind === "flare") {
			const reference = referenceFrequency(frequencyMhz);
			const load = (p: number[]) => {
				const [rise, decay] = [Math.exp(p[0]), Math.exp(p[1])];
				const first = firstAtOrAfter(mjd, p[2] - 8 * rise);
				const length = firstAtOrAfter(mjd, p[2] + 8 * decay) - first;
				if (field.scratch.length < length * bands) field.scratch = new Float64Array(2 * epochs * bands);
				for (let i = 0; i < length; i++) {
					const value = flareShape(mjd[first + i] - p[2], rise, decay);
					for (let k = 0; k < bands; k++) field.scratch[i * bands + k] = value * (frequencyMhz[k] / reference) ** p[3];
				}
				filter.load(series, field.scratch, 0, first, length);
			};
			const found = anneal(
				field,
				(p) => {
					if (p[0] < 0 || p[0] > 6 || p[1] < 0 || p[1] > 6.5 || Math.abs(p[3]) > 1.5) return false;
					load(p);
					return true;
				},
				[Math.log(shape.rise), Math.log(shape.decay), alternatives.centre[template], shape.index],
				[0.4, 0.4, shape.rise / 3, 0.4],
				MOST_ALTERNATIVE,
				-Infinity,
			);
			load(found.at);
			keep("flare", {
				riseDays: Math.exp(found.at[0]),
				decayDays: Math.exp(found.at[1]),
				peakMjd: found.at[2],
				index: found.at[3],
			});
		} else if (shape.kind === "step" || shape.kind === "box") {
			// Edges free, one after the other, until neither moves.
			let from = alternatives.first[template];
			let to = shape.kind === "step" ? epochs : Math.min(epochs, from + alternatives.length[template]);
			if (field.scratch.length < epochs * bands) field.scratch = new Float64Array(2 * epochs * bands);
			field.scratch.fill(-1, 0, epochs * bands);
			const value = (a: number, b: number) => {
				filter.load(series, field.scratch, 0, a, b - a);
				let most = -Infinity;
				for (const g of grid) most = Math.max(most, filter.evaluate(model, g, MOST_ALTERNATIVE, true));
				return most;
			};
			let current = value(from, to);
			let reach = Math.max(2, Math.round((to - from) / 3), Math.round(epochs / 60));
			for (let round = 0; round < 12; round++) {
				let moved = false;
				for (let a = Math.max(0, from - reach); a <= Math.min(to - 1, from + reach); a += Math.max(1, reach >> 2)) {
					const found = value(a, to);
					if (found > current) {
						[current, from, moved] = [found, a, true];
					}
				}
				if (shape.kind === "box")
					for (
						let b = Math.max(from + 1, to - reach);
						b <= Math.min(epochs, to + reach);
						b += Math.max(1, reach >> 2)
					) {
						const found = value(from, b);
						if (found > current) {
							[current, to, moved] = [found, b, true];
						}
					}
				if (!moved && reach <= 3) break;
				if (!moved) reach = Math.max(3, reach >> 1);
			}
			value(from, to);
			keep(shape.kind, { startMjd: mjd[from], endMjd: mjd[to - 1], epochs: to - from });
		}
	}
	return { alternative, logLikelihood: top };
}

/** Epochs by their share in the evidence for a template, heaviest first. */
function carriers(series: Series, template: Loaded, amplitude: number): number[] {
	const bands = series.frequencyMhz.length;
	const share: { epoch: number; value: number }[] = [];
	for (let i = 0; i < template.length; i++) {
		let value = 0;
		for (let k = 0; k < bands; k++) {
			const at = (template.first + i) * bands + k;
			const t = template.values[i * bands + k] * amplitude;
			value += series.w[at] * (series.y[at] * t - 0.5 * t * t);
		}
		share.push({ epoch: template.first + i, value });
	}
	return share
		.sort((a, b) => b.value - a.value)
		.slice(0, 8)
		.map(({ epoch }) => epoch);
}
