/** One flux of a source in one image, by one method, Jy/beam. */
export interface MethodFlux {
	flux: number;
	error: number;
}

/** The comparison of a forced and a fitted flux of one source in one image. */
export interface CrossCheck {
	/** Fitted less forced. */
	difference: number;
	/** Its standard error, given that both see the same noise. */
	differenceError: number;
	/** difference / differenceError. */
	sigmas: number;
	/** Correlation of the two errors that was used. */
	correlation: number;
	/** More apart than the limit. */
	isDiscrepant: boolean;
	/** The more precise of the two where they agree, never a mean that counts the same pixels twice; NaN where not. */
	consensus: MethodFlux;
	/** Which value the consensus is. */
	method: "forced" | "fitted" | "none";
}

export interface CrossCheckOptions {
	/** Apart by more sigmas than this is a discrepancy. */
	limitSigma?: number;
	/** Correlation of forced and fitted errors; from {@link sharedErrorCorrelation} or an empirical scatter. */
	correlation?: number;
	/** What the two may differ by beyond noise, as a share of the flux: calibration cancels, beam shape does not. */
	systematic?: number;
}

/**
 * Correlation of the errors of a forced and a fitted peak of the same source: the covariance of the best linear estimate
 * with any other unbiased one is the former's own variance (Gauss & Markov), so that it is the ratio of the errors. The
 * more precise of the two is close to the best. Bounded, since neither is it exactly.
 */
export const sharedErrorCorrelation = (forced: MethodFlux, fitted: MethodFlux): number =>
	Math.min(0.95, Math.min(forced.error, fitted.error) / Math.max(forced.error, fitted.error));

/**
 * Compares the forced with the fitted flux. Both are measured on the same pixels, so that the variance of their
 * difference is v1 + v2 - 2 cov, not v1 + v2.
 */
export function crossCheck(forced: MethodFlux, fitted: MethodFlux, options: CrossCheckOptions = {}): CrossCheck {
	const { limitSigma = 5, systematic = 0.01 } = options;
	const correlation = options.correlation ?? sharedErrorCorrelation(forced, fitted);
	const difference = fitted.flux - forced.flux;
	const floor = systematic * Math.max(Math.abs(forced.flux), Math.abs(fitted.flux));
	const variance = forced.error ** 2 + fitted.error ** 2 - 2 * correlation * forced.error * fitted.error + floor ** 2;
	const differenceError = Math.sqrt(Math.max(0, variance));
	const sigmas = difference / differenceError;
	const valid = (value: MethodFlux) => Number.isFinite(value.flux) && value.error > 0 && value.error < Infinity;
	const isDiscrepant = valid(forced) && valid(fitted) && Math.abs(sigmas) > limitSigma;
	const method = !valid(forced)
		? valid(fitted)
			? "fitted"
			: "none"
		: isDiscrepant
			? "none"
			: !valid(fitted) || forced.error <= fitted.error
				? "forced"
				: "fitted";
	const consensus =
		method === "forced" ? { ...forced } : method === "fitted" ? { ...fitted } : { flux: Number.NaN, error: Number.NaN };
	return { difference, differenceError, sigmas, correlation, isDiscrepant, consensus, method };
}

const LEAST_SOURCES = 10;
/** Median of the square of a unit normal. */
const MEDIAN_SQUARE = 0.454936423119572;

const median = (values: number[]): number => values.sort((p, q) => p - q)[values.length >> 1];

/**
 * The correlation of forced and fitted errors as the sources of an image show it: what the scatter of their differences
 * lacks to the independent one, median(d^2) / 0.4549 = v1 + v2 - 2 rho s1 s2. NaN for fewer than ten sources.
 */
export function empiricalCorrelation(forced: readonly MethodFlux[], fitted: readonly MethodFlux[]): number {
	const squares: number[] = [];
	const overlaps: number[] = [];
	for (let i = 0; i < Math.min(forced.length, fitted.length); i++) {
		const independent = forced[i].error ** 2 + fitted[i].error ** 2;
		const square = (fitted[i].flux - forced[i].flux) ** 2 / independent;
		if (!Number.isFinite(square)) continue;
		squares.push(square);
		overlaps.push((2 * forced[i].error * fitted[i].error) / independent);
	}
	if (squares.length < LEAST_SOURCES) return Number.NaN;
	const correlation = (1 - median(squares) / MEDIAN_SQUARE) / median(overlaps);
	return Math.max(-1, Math.min(1, correlation));
}
