/** Pixels beyond this many (rough) sigmas do not enter the sums. */
export const TRUNCATION = 3;

const density = (z: number): number => Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI);

/** Share of a normal distribution within +-c sigma, by the series of the error function. */
function inside(c: number): number {
	// erf(x) = 2/sqrt(pi) exp(-x^2) sum of 2^k x^(2k+1) / (2k+1)!!: every term positive, no cancellation.
	const x = c / Math.SQRT2;
	let term = x;
	let sum = x;
	for (let k = 1; k < 400 && term > 1e-17 * sum; k++) {
		term *= (2 * x * x) / (2 * k + 1);
		sum += term;
	}
	return Math.min(1, (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum);
}

/** Variance of a unit normal cut at +-c: 1 - 2 c phi(c) / (2 Phi(c) - 1). */
const truncatedVariance = (c: number): number => 1 - (2 * c * density(c)) / inside(c);

/** How much of a small offset of the mean from the middle of the cut survives it: to first order the same number. */
export const truncatedMeanShare = (c: number): number => truncatedVariance(c);

/**
 * The sigma of the normal distribution that shows the standard deviation `observed` when it is cut at +-`cut` (both in
 * the same units). Solved by fixed-point iteration; a distribution as wide as the cut itself is returned as that.
 */
export function untruncatedSigma(observed: number, cut: number): number {
	if (!(observed > 0)) return 0;
	let sigma = observed;
	for (let round = 0; round < 50; round++) {
		const next = Math.min(observed / Math.sqrt(truncatedVariance(cut / sigma)), cut);
		if (Math.abs(next - sigma) < 1e-10 * sigma) return next;
		sigma = next;
	}
	return sigma;
}
