import { anneal } from "./anneal.ts";
import type { FieldFilter } from "./field-filter.ts";
import type { LensFit } from "./lens-fit.ts";
import type { NullModel, Series } from "./null-model.ts";
import type { Search } from "./template-search.ts";
import { firstAtOrAfter, flareShape, referenceFrequency } from "./templates.ts";

export interface Alternative {
	kind: "none" | "flare" | "step" | "box";
	/** Parameters, for the explanation: times MJD, durations days. */
	parameters: Record<string, number>;
	amplitude: number;
}

export const NOTHING: Alternative = { kind: "none", parameters: {}, amplitude: 0 };

const MOST_ALTERNATIVE = 4;
/** Starts per kind that are refined. */
const STARTS = 3;
const KINDS = ["flare", "step", "box"];

interface Rival {
	alternative: Alternative;
	logLikelihood: number;
}

/**
 * The best of flares, steps and boxes, each refined as the lenses are: from several starts, parameters and null together.
 * A box on the epochs of the lens is always among the starts. Once one rival reaches a log-likelihood of `enough` the
 * case is lost, and the search ends.
 */
export function bestAlternative(
	field: FieldFilter,
	series: Series,
	search: Search,
	lens: LensFit,
	enough: number,
): Rival {
	const { alternatives, model, filter } = field;
	const { mjd } = series;
	const epochs = mjd.length;
	const kinds = Int16Array.from(alternatives.shape, (s) => KINDS.indexOf(alternatives.shapes[s].kind));
	// One place per kind and scale, so that the starts differ.
	const scales = Int16Array.from(kinds, (kind, t) => 512 * kind + (kind === 1 ? 0 : alternatives.length[t] & 511));
	field.searchModel.prepare(series);
	let top: Rival = { alternative: NOTHING, logLikelihood: -Infinity };
	const keep = (kind: Alternative["kind"], parameters: Record<string, number>) => {
		filter.evaluateAll(model, MOST_ALTERNATIVE, kind !== "flare");
		const { logLikelihood, amplitude } = filter.result;
		if (logLikelihood > top.logLikelihood) top = { alternative: { kind, parameters, amplitude }, logLikelihood };
	};
	const finalists = search(alternatives, [[2 * STARTS, scales]], MOST_ALTERNATIVE, (t) => kinds[t] !== 0);
	const counts = [0, 0, 0];
	for (const { template } of finalists) {
		const shape = alternatives.shapes[alternatives.shape[template]];
		if (top.logLikelihood >= enough) return top;
		if (shape.kind === "lens" || counts[KINDS.indexOf(shape.kind)]++ >= STARTS) continue;
		if (shape.kind === "flare") {
			const { load, parameters } = refineFlare(field, series, shape, alternatives.centre[template]);
			load();
			keep("flare", parameters);
			continue;
		}
		const from = alternatives.first[template];
		const to = shape.kind === "step" ? epochs : Math.min(epochs, from + alternatives.length[template]);
		keep(shape.kind, refineBox(field, series, from, to, shape.kind === "step"));
	}
	if (top.logLikelihood >= enough) return top;
	const from = Math.min(epochs - 1, firstAtOrAfter(mjd, lens.centreMjd - lens.widthDays / 2));
	const to = Math.max(from + 1, firstAtOrAfter(mjd, lens.centreMjd + lens.widthDays / 2));
	keep("box", refineBox(field, series, from, to, false));
	return top;
}

/** Log-likelihood of the rival as it was fitted, its amplitude and null free again; -Infinity where there is none. */
export function alternativeLogLikelihood(
	field: FieldFilter,
	series: Series,
	{ kind, parameters }: Alternative,
): number {
	if (kind === "none") return -Infinity;
	if (kind === "flare") {
		const { riseDays, decayDays, peakMjd, index } = parameters;
		loadFlare(field, series, riseDays, decayDays, peakMjd, index);
	} else {
		const from = firstAtOrAfter(series.mjd, parameters.startMjd);
		loadBox(field, series, from, Math.min(series.mjd.length, from + parameters.epochs));
	}
	field.filter.evaluateAll(field.model, MOST_ALTERNATIVE, kind !== "flare");
	return field.filter.result.logLikelihood;
}

function loadFlare(field: FieldFilter, series: Series, rise: number, decay: number, peak: number, index: number): void {
	const { mjd, frequencyMhz } = series;
	const bands = frequencyMhz.length;
	const reference = referenceFrequency(frequencyMhz);
	const first = firstAtOrAfter(mjd, peak - 8 * rise);
	const length = Math.max(0, firstAtOrAfter(mjd, peak + 8 * decay) - first);
	if (field.scratch.length < length * bands) field.scratch = new Float64Array(2 * mjd.length * bands);
	const colour = Array.from(frequencyMhz, (nu) => (nu / reference) ** index);
	for (let i = 0; i < length; i++) {
		const value = flareShape(mjd[first + i] - peak, rise, decay);
		for (let k = 0; k < bands; k++) field.scratch[i * bands + k] = value * colour[k];
	}
	field.filter.load(series, field.scratch, 0, first, length);
}

function loadBox(field: FieldFilter, series: Series, from: number, to: number): void {
	field.filter.load(series, boxValues(field, series), 0, from, to - from);
}

/** The effect of a box wherever it is, in the field's scratch. */
function boxValues(field: FieldFilter, series: Series): Float64Array {
	const size = series.mjd.length * series.frequencyMhz.length;
	if (field.scratch.length < size) field.scratch = new Float64Array(2 * size);
	return field.scratch.fill(-1, 0, size);
}

function refineFlare(
	field: FieldFilter,
	series: Series,
	shape: { rise: number; decay: number; index: number },
	peak: number,
): { load: () => void; parameters: Record<string, number> } {
	const { filter, model } = field;
	const load = (p: number[]) => {
		loadFlare(field, series, Math.exp(p[0]), Math.exp(p[1]), p[2], p[3]);
		return true;
	};
	const bounded = (p: number[]) => !(p[0] < 0 || p[0] > 6 || p[1] < 0 || p[1] > 6.5 || Math.abs(p[3]) > 1.5) && load(p);
	const steps = [0.4, 0.4, shape.rise / 3, 0.4];
	const start = [Math.log(shape.rise), Math.log(shape.decay), peak, shape.index];
	const rough = anneal(filter, field.searchModel, bounded, start, steps, MOST_ALTERNATIVE, -Infinity);
	let found = anneal(
		filter,
		model,
		bounded,
		rough.at,
		steps.map((step) => step / 2),
		MOST_ALTERNATIVE,
		-Infinity,
	);
	const direct = anneal(filter, model, bounded, start, steps, MOST_ALTERNATIVE, found.logLikelihood);
	if (direct.logLikelihood > found.logLikelihood) found = direct;
	return {
		load: () => load(found.at),
		parameters: {
			riseDays: Math.exp(found.at[0]),
			decayDays: Math.exp(found.at[1]),
			peakMjd: found.at[2],
			index: found.at[3],
		},
	};
}

/** Free edges: one after the other until neither moves, first without memory, then under the null that suits the box. */
function refineBox(
	field: FieldFilter,
	series: Series,
	from: number,
	to: number,
	isStep: boolean,
): Record<string, number> {
	const { filter, model } = field;
	const { mjd } = series;
	const epochs = mjd.length;
	const values = boxValues(field, series);
	const load = (a: number, b: number) => filter.load(series, values, 0, a, b - a);
	const settle = (by: NullModel, point: number) => {
		const value = (a: number, b: number) => {
			load(a, b);
			return filter.evaluate(by, point, MOST_ALTERNATIVE, true);
		};
		let current = value(from, to);
		let reach = Math.max(4, Math.round((to - from) / 2));
		for (let round = 0; round < 12; round++) {
			let moved = false;
			const stride = Math.max(1, reach >> 2);
			for (let a = Math.max(0, from - reach); a <= Math.min(to - 1, from + reach); a += stride) {
				const found = value(a, to);
				if (found > current) [current, from, moved] = [found, a, true];
			}
			if (!isStep)
				for (let b = Math.max(from + 1, to - reach); b <= Math.min(epochs, to + reach); b += stride) {
					const found = value(from, b);
					if (found > current) [current, to, moved] = [found, b, true];
				}
			if (!moved && reach <= 3) break;
			if (!moved) reach = Math.max(3, reach >> 1);
		}
	};
	settle(field.searchModel, 0);
	let point = -1;
	for (let round = 0; round < 3; round++) {
		load(from, to);
		filter.evaluateAll(model, MOST_ALTERNATIVE, true);
		if (filter.result.point === point) break;
		point = filter.result.point;
		settle(model, point);
	}
	load(from, to);
	return { startMjd: mjd[from], endMjd: mjd[to - 1], epochs: to - from };
}
