import { type CorrectedField, correctFieldData, FEWEST_EPOCHS, sourceOf } from "./detect.ts";
import { FieldFilter } from "./field-filter.ts";
import type { FieldData } from "./light-curve-table.ts";
import { type LensEvent, lensLightCurve } from "./plasma-lens.ts";
import { evaluateSource } from "./score.ts";
import { prepareSeries } from "./series.ts";
import { significanceOf } from "./significance.ts";
import { ProfileCache } from "./templates.ts";

/** Cells of an injection map. Each range is cut at these edges. */
export interface InjectionGrid {
	/** Strength at 1400 MHz. */
	alpha: number[];
	/** Width of the dip, days. */
	widthDays: number[];
	/** Level of the host, Jy. */
	fluxJy: number[];
	/** Lensed share of the flux. */
	amplitude: [number, number];
	betaS: [number, number];
}

export interface InjectionOutcome {
	sourceIndex: number;
	event: LensEvent;
	hostJy: number;
	score: number;
	significance: number;
	found: boolean;
	/** Fitted minus true: centre in widths; depth; logarithm of the width. NaN if not found. */
	centreError: number;
	depthError: number;
	logWidthError: number;
}

/** Source of random numbers in [0, 1): the caller seeds it. */
export interface Draws {
	uniform(low?: number, high?: number): number;
}

/**
 * Puts one lens into one source of a field, before the field's gain is looked for, noise and flags kept, and searches that
 * source as any other.
 */
export function injectOne(
	raw: FieldData,
	quiet: CorrectedField,
	j: number,
	event: LensEvent,
	leastSigma: number,
	filter: FieldFilter,
): InjectionOutcome {
	const { flux, err, gainError } = sourceOf(quiet, j);
	const bands = raw.frequencyMhz.length;
	const changed = flux.slice();
	const errors = err.slice();
	for (let k = 0; k < bands; k++) {
		const factor = lensLightCurve(event, raw.mjd, raw.frequencyMhz[k]);
		for (let i = 0; i < raw.mjd.length; i++) {
			const at = i * bands + k;
			// The part of the error that grows with the flux stays with the noise: the event adds none of its own.
			changed[at] *= factor[i];
		}
	}
	// The gain was found without this source, so an event in it changes nothing of what was divided out.
	const series = prepareSeries(raw.mjd, raw.frequencyMhz, changed, errors, gainError);
	const level = series?.reference.find((value) => value > 0) ?? Number.NaN;
	const outcome: InjectionOutcome = {
		sourceIndex: raw.sources[j],
		event,
		hostJy: level,
		score: 0,
		significance: 0,
		found: false,
		centreError: Number.NaN,
		depthError: Number.NaN,
		logWidthError: Number.NaN,
	};
	if (series === null || series.usedEpochs < FEWEST_EPOCHS) return outcome;
	const evaluation = evaluateSource(filter, series);
	outcome.score = evaluation.score;
	outcome.significance = significanceOf(evaluation.score).sigma;
	const { lens } = evaluation;
	if (lens === null || outcome.significance < leastSigma) return outcome;
	// Another event of the same source is not this one.
	if (Math.abs(lens.centreMjd - event.centreMjd) > 0.5 * (lens.widthDays + event.fwhmDays)) return outcome;
	outcome.found = true;
	outcome.centreError = (lens.centreMjd - event.centreMjd) / event.fwhmDays;
	const depth = (alpha: number, betaS: number) => 1 - filter.profiles.get(alpha, betaS).gain[0];
	outcome.depthError =
		lens.amplitude * depth(lens.alpha, lens.betaS) - event.amplitude * depth(event.alpha1400, event.betaS);
	outcome.logWidthError = Math.log(lens.widthDays / event.fwhmDays);
	return outcome;
}

export interface InjectionSummary {
	injections: InjectionOutcome[];
	/** Score of each source as it is: the survey's own nulls. */
	nullScores: { sourceIndex: number; score: number }[];
}

/**
 * Injects lenses into the sources of one field and searches them; also scores every source as it is. Sources that raise
 * a candidate by themselves host no injections.
 */
export function injectIntoField(
	raw: FieldData,
	grid: InjectionGrid,
	perSource: number,
	leastSigma: number,
	draws: Draws,
	normalized = false,
	profiles = new ProfileCache(),
): InjectionSummary {
	const quiet = correctFieldData(raw, normalized);
	const filter = new FieldFilter(raw.mjd, raw.frequencyMhz, profiles);
	const injections: InjectionOutcome[] = [];
	const nullScores: InjectionSummary["nullScores"] = [];
	const span = raw.mjd[raw.mjd.length - 1] - raw.mjd[0];
	const within = (low: number, high: number) => Math.exp(draws.uniform(Math.log(low), Math.log(high)));
	const ends = (edges: number[]) => [edges[0], edges[edges.length - 1]] as const;
	for (let j = 0; j < raw.sources.length; j++) {
		const { flux, err, gainError } = sourceOf(quiet, j);
		const series = prepareSeries(raw.mjd, raw.frequencyMhz, flux, err, gainError);
		if (series === null || series.usedEpochs < FEWEST_EPOCHS) continue;
		const { score } = evaluateSource(filter, series);
		nullScores.push({ sourceIndex: raw.sources[j], score });
		for (let n = 0; n < perSource; n++) {
			const event: LensEvent = {
				alpha1400: within(...ends(grid.alpha)),
				betaS: within(...grid.betaS),
				fwhmDays: within(...ends(grid.widthDays)),
				// Partly covered events belong to what a survey sees.
				centreMjd: raw.mjd[0] + draws.uniform(-0.02, 1.02) * span,
				amplitude: draws.uniform(...grid.amplitude),
			};
			if (significanceOf(score).sigma < leastSigma)
				injections.push(injectOne(raw, quiet, j, event, leastSigma, filter));
		}
	}
	return { injections, nullScores };
}

/** Recall in one cell, with its 90 % binomial interval (Wilson 1927). */
export interface RecallCell {
	axis: "alpha" | "width_days" | "flux_jy" | "amplitude";
	low: number;
	high: number;
	injected: number;
	found: number;
	recall: number;
	recallLow: number;
	recallHigh: number;
}

export function wilsonInterval(found: number, n: number, z = 1.645): [number, number] {
	if (n === 0) return [0, 1];
	const p = found / n;
	const centre = (p + (z * z) / (2 * n)) / (1 + (z * z) / n);
	const half = (z * Math.sqrt((p * (1 - p)) / n + (z * z) / (4 * n * n))) / (1 + (z * z) / n);
	return [Math.max(0, centre - half), Math.min(1, centre + half)];
}

function valueOf(one: InjectionOutcome, axis: RecallCell["axis"]): number {
	if (axis === "alpha") return one.event.alpha1400;
	if (axis === "width_days") return one.event.fwhmDays;
	return axis === "flux_jy" ? one.hostJy : one.event.amplitude;
}

export interface RecallMap {
	x: { axis: RecallCell["axis"]; edges: readonly number[] };
	y: { axis: RecallCell["axis"]; edges: readonly number[] };
	/** Injected and found, x fastest. */
	injected: Int32Array;
	found: Int32Array;
}

/** Recall against two properties of the injections at once. */
export function recallMap(
	injections: readonly InjectionOutcome[],
	[xAxis, xEdges]: readonly [RecallCell["axis"], readonly number[]],
	[yAxis, yEdges]: readonly [RecallCell["axis"], readonly number[]],
): RecallMap {
	const columns = xEdges.length - 1;
	const injected = new Int32Array(columns * (yEdges.length - 1));
	const found = new Int32Array(injected.length);
	const cellOf = (value: number, edges: readonly number[]) =>
		edges.slice(0, -1).findIndex((low, i) => value >= low && (value < edges[i + 1] || i === edges.length - 2));
	for (const one of injections) {
		const x = cellOf(valueOf(one, xAxis), xEdges);
		const y = cellOf(valueOf(one, yAxis), yEdges);
		if (x < 0 || y < 0) continue;
		injected[y * columns + x]++;
		if (one.found) found[y * columns + x]++;
	}
	return { x: { axis: xAxis, edges: xEdges }, y: { axis: yAxis, edges: yEdges }, injected, found };
}

/** Recall against one property of the injections, cut at the edges given. */
export function recallAlong(
	injections: readonly InjectionOutcome[],
	axis: RecallCell["axis"],
	edges: readonly number[],
): RecallCell[] {
	return edges.slice(0, -1).map((low, i) => {
		const high = edges[i + 1];
		const inside = injections.filter(
			(one) => valueOf(one, axis) >= low && (valueOf(one, axis) < high || i === edges.length - 2),
		);
		const found = inside.filter((one) => one.found).length;
		const [recallLow, recallHigh] = wilsonInterval(found, inside.length);
		return {
			axis,
			low,
			high,
			injected: inside.length,
			found,
			recall: inside.length > 0 ? found / inside.length : Number.NaN,
			recallLow,
			recallHigh,
		};
	});
}
