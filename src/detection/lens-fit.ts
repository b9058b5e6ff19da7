import { anneal } from "./anneal.ts";
import type { FieldFilter } from "./field-filter.ts";
import type { MatchedFilter } from "./matched-filter.ts";
import type { NullModel, Series } from "./null-model.ts";
import { alphaAt } from "./plasma-lens.ts";
import {
	amplitudeAtDepth,
	firstAtOrAfter,
	LONGEST_SHARE,
	type ProfileCache,
	referenceFrequency,
	SEARCHED_DEPTH,
	SMALLEST_DEPTH,
	SPIKE_LIMIT,
	widthsAhead,
} from "./templates.ts";

/** A fitted lens. `alpha` and `widthDays` refer to the reference frequency of the series. */
export interface LensFit {
	alpha: number;
	betaS: number;
	widthDays: number;
	centreMjd: number;
	amplitude: number;
}

/** Largest lensed fraction: a little above 1, since levels are measured. */
export const MOST_LENSED = 1.05;

/** A template on consecutive epochs, bands fastest. */
export interface Loaded {
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
	for (let k = 0; k < bands; k++) {
		// As lensGain does, without its calls: this is where a search spends its time.
		const { gain } = profiles[k];
		const perSample = 1 / (days * profiles[k].step);
		const last = gain.length - 1;
		for (let i = 0, at = k; i < length; i++, at += bands) {
			const x = Math.abs(mjd[first + i] - fit.centreMjd) * perSample;
			const sample = x | 0;
			values[at] = sample < last ? gain[sample] + (x - sample) * (gain[sample + 1] - gain[sample]) - 1 : 0;
		}
	}
	return { values, first, length };
}

/** Loads the lens into the filter of its field; events shallower than the smallest depth do not count. */
export function loadLens(
	field: { profiles: ProfileCache; scratch: Float64Array; filter: MatchedFilter },
	series: Series,
	fit: Pick<LensFit, "alpha" | "betaS" | "widthDays" | "centreMjd">,
	{ cutSpikes = false, depth = SMALLEST_DEPTH, into = field.filter } = {},
): Loaded {
	const template = lensTemplate(field, series, fit);
	if (cutSpikes) limitSpikes(template.values, template.length * series.frequencyMhz.length);
	const least = amplitudeAtDepth(field.profiles, fit.alpha, fit.betaS, depth);
	into.load(series, template.values, 0, template.first, template.length, least);
	return template;
}

function limitSpikes(values: Float64Array, size: number): void {
	for (let at = 0; at < size; at++) if (values[at] > SPIKE_LIMIT) values[at] = SPIKE_LIMIT;
}

/** Caustics are finer than the bank's steps: the best centre and width around a template of the bank. */
export function scanLens(
	field: FieldFilter,
	series: Series,
	model: NullModel,
	point: number,
	start: LensFit,
): { fit: LensFit; logLikelihood: number } {
	const fits = [0.76, 0.87, 1, 1.15, 1.32].flatMap((stretch) =>
		Array.from({ length: 13 }, (_, k) => ({
			...start,
			widthDays: start.widthDays * stretch,
			centreMjd: start.centreMjd + ((k - 6) * start.widthDays) / 24,
		})),
	);
	let best = start;
	let most = -Infinity;
	const keep = (fit: LensFit, found: number) => {
		if (found > most) [most, best] = [found, fit];
	};
	const { filter, second } = field;
	const found = new Float64Array(2);
	const options = { cutSpikes: true, depth: SEARCHED_DEPTH };
	for (let k = 0; k + 1 < fits.length; k += 2) {
		loadLens(field, series, fits[k], options);
		loadLens(field, series, fits[k + 1], { ...options, into: second });
		filter.evaluateWith(second, model, point, MOST_LENSED, [false, false], found);
		keep(fits[k], found[0]);
		keep(fits[k + 1], found[1]);
	}
	const last = fits[fits.length - 1];
	loadLens(field, series, last, options);
	keep(last, filter.evaluate(model, point, MOST_LENSED));
	return { fit: best, logLikelihood: most };
}

export function refineLens(
	field: FieldFilter,
	series: Series,
	start: LensFit,
	model: NullModel,
	toBeat: number,
): { fit: LensFit; logLikelihood: number } {
	const { mjd } = series;
	const span = Math.max(1, mjd[mjd.length - 1] - mjd[0]);
	const reference = referenceFrequency(series.frequencyMhz);
	const fitOf = (p: number[]): LensFit => ({
		alpha: Math.exp(p[0]),
		betaS: Math.exp(p[1]),
		widthDays: Math.exp(p[2]),
		centreMjd: p[3],
		amplitude: 0,
	});
	const load = (p: number[]) => {
		if (p[0] < Math.log(1.35) || p[0] > Math.log(245) || p[1] < Math.log(0.1) || p[1] > Math.log(3)) return false;
		if (p[2] < Math.log(4) || p[2] > Math.log(Math.max(15, LONGEST_SHARE * span))) return false;
		const width = Math.exp(p[2]);
		const ahead = widthsAhead(field.profiles, Math.exp(p[0]), Math.exp(p[1]), series.frequencyMhz[0], reference);
		if (p[3] < mjd[0] - width || p[3] > mjd[0] + span + (ahead + 0.25) * width) return false;
		loadLens(field, series, fitOf(p), { cutSpikes: model === field.searchModel });
		return true;
	};
	const found = anneal(
		field.filter,
		model,
		load,
		[Math.log(start.alpha), Math.log(start.betaS), Math.log(start.widthDays), start.centreMjd],
		[0.4, 0.5, 0.1, start.widthDays / 20],
		MOST_LENSED,
		toBeat,
	);
	return { fit: fitOf(found.at), logLikelihood: found.logLikelihood };
}
