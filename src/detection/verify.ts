import type { Candidate } from "./candidate.ts";
import { type CorrectedField, leaveOut, sourceOf } from "./detect.ts";
import { loadLens, MOST_LENSED } from "./lens-fit.ts";
import { MatchedFilter } from "./matched-filter.ts";
import { NullModel } from "./null-model.ts";
import { prepareSeries } from "./series.ts";
import { leastProbability, sigmaOf, significanceOf } from "./significance.ts";
import { ProfileCache } from "./templates.ts";

/** Relative difference between a claimed and a recomputed likelihood ratio that rounding and stored digits explain. */
const TOLERANCE = 0.05;

/**
 * What a candidate's record claims that cannot be: numbers that are not finite, probabilities outside 0..1, times out of
 * order, significance and probability that contradict each other. Mathematical bounds only: no event is too strong.
 *
 * @param bounds first and last measurement of the source (MJD) and how many there are
 * @returns one line per contradiction; empty when the record is possible
 */
export function impossibleCandidate(
	candidate: Candidate,
	bounds: { firstMjd: number; lastMjd: number; measurements: number },
): string[] {
	const problems: string[] = [];
	const check = (holds: boolean, message: string) => {
		if (!holds) problems.push(message);
	};
	for (const name of [
		"significance",
		"falseAlarmProbability",
		"firstDetectedMjd",
		"startMjd",
		"peakMjd",
		"endMjd",
		"depth",
		"durationDays",
		"chromaticity",
		"statistic",
	] as const)
		check(Number.isFinite(candidate[name]), `${name} ${candidate[name]} is not a finite number`);
	const { falseAlarmProbability: p, startMjd, peakMjd, endMjd, firstDetectedMjd } = candidate;
	check(p > 0 && p <= 1, `falseAlarmProbability ${p} is no probability`);
	check(startMjd <= peakMjd && peakMjd <= endMjd, "start, peak and end are not in this order");
	check(startMjd >= bounds.firstMjd && endMjd <= bounds.lastMjd, "the event lies outside the measurements");
	check(
		firstDetectedMjd >= bounds.firstMjd && firstDetectedMjd <= bounds.lastMjd,
		"it was detected when there were no measurements",
	);
	check(candidate.depth <= MOST_LENSED, `depth ${candidate.depth} exceeds the whole flux`);
	check(candidate.durationDays > 0, `durationDays ${candidate.durationDays} is not positive`);
	check(candidate.statistic >= 0, `statistic ${candidate.statistic} is negative`);
	check(
		Number.isInteger(candidate.nMeasurements) && candidate.nMeasurements > 0,
		`nMeasurements ${candidate.nMeasurements} is no count`,
	);
	check(candidate.nMeasurements <= bounds.measurements, `more measurements than the ${bounds.measurements} held`);
	if (p > 0 && p < 0.5) {
		// The least probability stated is an upper limit, which the significance may exceed.
		const excess = candidate.significance - sigmaOf(p);
		const isLimit = p <= 1.01 * leastProbability(candidate.explanation.looks);
		check(
			excess > -0.01 && (isLimit || excess < 0.01),
			`significance ${candidate.significance} does not belong to the probability ${p}`,
		);
	}
	return problems;
}

/**
 * Recomputes what a candidate claims from the measurements it rests on: the record must be possible, its likelihood ratio
 * must follow from the fluxes, and its significance from its statistic. A record that fails is to be refused, with
 * these reasons, and never stored.
 */
export function verifyCandidate(field: CorrectedField, candidate: Candidate): string[] {
	const j = field.sources.indexOf(candidate.sourceIndex);
	if (j < 0) return [`source ${candidate.sourceIndex} has no measurements in this field`];
	const { flux: whole, err, gainError } = sourceOf(field, j);
	const flux = whole.slice();
	for (const [from, to] of candidate.explanation.left_out_mjd) leaveOut(flux, field, from, to);
	const series = prepareSeries(field.mjd, field.frequencyMhz, flux, err, gainError);
	if (series === null) return ["no band of the source has a positive level"];
	const problems = impossibleCandidate(candidate, {
		firstMjd: field.mjd[0],
		lastMjd: field.mjd[field.mjd.length - 1],
		measurements: series.measurements,
	});
	if (problems.length > 0) return problems;
	const e = candidate.explanation;
	const model = new NullModel();
	const filter = new MatchedFilter();
	model.prepare(series);
	loadLens({ profiles: new ProfileCache(), scratch: new Float64Array(0), filter }, series, {
		alpha: e.alpha_1400mhz * (1400 / e.reference_frequency_mhz) ** 2,
		betaS: e.beta_s,
		widthDays: e.fwhm_days,
		centreMjd: e.centre_mjd,
	});
	let none = -Infinity;
	for (let g = 0; g < model.grid.length; g++) {
		none = Math.max(none, model.logLikelihood[g]);
		filter.evaluate(model, g, MOST_LENSED);
	}
	const lambda = 2 * (filter.result.logLikelihood - none);
	const close = (found: number, claimed: number) => Math.abs(found - claimed) <= TOLERANCE * Math.abs(claimed) + 1;
	if (!close(lambda, e.lambda_null))
		problems.push(`the measurements give a likelihood ratio of ${lambda.toFixed(2)}, not ${e.lambda_null.toFixed(2)}`);
	if (candidate.statistic > Math.min(lambda, e.lambda_alternative, e.lambda_leave_one_out) * (1 + TOLERANCE) + 1)
		problems.push(`statistic ${candidate.statistic.toFixed(2)} exceeds the likelihood ratios it is the least of`);
	const { falseAlarmProbability, sigma } = significanceOf(candidate.statistic, e.looks);
	if (Math.abs(sigma - candidate.significance) > 0.01)
		problems.push(
			`statistic ${candidate.statistic.toFixed(2)} has a significance of ${sigma.toFixed(2)}, not ${candidate.significance.toFixed(2)}`,
		);
	if (Math.abs(Math.log(falseAlarmProbability / candidate.falseAlarmProbability)) > 0.01)
		problems.push(
			`statistic ${candidate.statistic.toFixed(2)} has a false-alarm probability of ${falseAlarmProbability.toExponential(2)}, not ${candidate.falseAlarmProbability.toExponential(2)}`,
		);
	return problems;
}
