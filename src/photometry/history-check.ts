import { madSigma, medianOf } from "./quickselect.ts";

/** Earlier measurements of one source in one band: fluxes and errors of the same length, Jy/beam. */
export interface SourceHistory {
	flux: ArrayLike<number>;
	error: ArrayLike<number>;
}

export interface HistoryOptions {
	/** Farther from the baseline than this is an anomaly. */
	limitSigma?: number;
	/** Scatter that any steady source shows, as a share of its flux: calibration from epoch to epoch. */
	systematic?: number;
	/** Fewer earlier values than this are no history. */
	leastPoints?: number;
}

export interface HistoryCheck {
	/** Robust level of the history, the tested point not in it; NaN without a history. */
	baseline: number;
	baselineError: number;
	/** (flux - baseline) / sqrt(error^2 + baselineError^2 + scatter^2 + (systematic * baseline)^2). */
	sigmas: number;
	isAnomalous: boolean;
	/** Values that made the baseline. */
	points: number;
}

/**
 * Compares a measurement with the source's own past. The baseline is the median of the earlier values and its scatter
 * what they show beyond their errors, so that a source that always varies is not an anomaly each time.
 */
export function checkAgainstHistory(
	flux: number,
	error: number,
	history: SourceHistory,
	options: HistoryOptions = {},
): HistoryCheck {
	const { limitSigma = 5, systematic = 0.02, leastPoints = 4 } = options;
	const values = new Float64Array(history.flux.length);
	const variances = new Float64Array(history.flux.length);
	let n = 0;
	for (let i = 0; i < history.flux.length; i++) {
		if (!(Number.isFinite(history.flux[i]) && history.error[i] > 0 && history.error[i] < Infinity)) continue;
		values[n] = history.flux[i];
		variances[n] = history.error[i] ** 2;
		n++;
	}
	if (n < leastPoints || !Number.isFinite(flux) || !(error > 0)) {
		return { baseline: Number.NaN, baselineError: Number.NaN, sigmas: Number.NaN, isAnomalous: false, points: n };
	}
	const baseline = medianOf(values, n);
	const spread = madSigma(values, n, baseline);
	const expected = medianOf(variances, n);
	// Few points can show a small scatter by luck: never less than their errors say.
	const intrinsic = Math.max(0, spread * spread - expected);
	// The variance of a median is pi/2 times that of a mean.
	const baselineError = Math.sqrt(((Math.PI / 2) * (expected + intrinsic)) / n);
	const floor = systematic * baseline;
	const sigmas = (flux - baseline) / Math.sqrt(error * error + baselineError ** 2 + intrinsic + floor * floor);
	return { baseline, baselineError, sigmas, isAnomalous: Math.abs(sigmas) > limitSigma, points: n };
}

export interface ImageHistory {
	/** The image is at fault, not its sources: they deviate together. */
	isImageAnomalous: boolean;
	/** Median deviation of the checked sources, sigmas, and median of flux over baseline. */
	medianSigmas: number;
	medianRatio: number;
	/** Sources with a history. */
	checked: number;
	/** Per source: an anomaly of its own. When the image is at fault none is. */
	anomalous: Uint8Array;
}

/** The share of sources that deviate to one side beyond which the image is at fault. */
const TOGETHER = 0.7;
const SIDE_SIGMA = 2;
const LEAST_SOURCES = 5;

/**
 * Judges the checks of all sources of an image together: if most lie on the same side of their histories, something is
 * wrong with the image (its flux scale, its calibration) and the sources are not flagged for it.
 */
export function judgeImage(checks: readonly HistoryCheck[], flux: ArrayLike<number>): ImageHistory {
	const sigmas: number[] = [];
	const ratios: number[] = [];
	for (let i = 0; i < checks.length; i++) {
		if (Number.isNaN(checks[i].sigmas)) continue;
		sigmas.push(checks[i].sigmas);
		ratios.push(flux[i] / checks[i].baseline);
	}
	const median = (values: number[]) => medianOf(Float64Array.from(values), values.length);
	const above = sigmas.filter((z) => z > SIDE_SIGMA).length / sigmas.length;
	const below = sigmas.filter((z) => z < -SIDE_SIGMA).length / sigmas.length;
	const isImageAnomalous = sigmas.length >= LEAST_SOURCES && Math.max(above, below) >= TOGETHER;
	return {
		isImageAnomalous,
		medianSigmas: median(sigmas),
		medianRatio: median(ratios),
		checked: sigmas.length,
		anomalous: Uint8Array.from(checks, (check) => (check.isAnomalous && !isImageAnomalous ? 1 : 0)),
	};
}
