/**
 * False-alarm probability of a score for a source without an event, and its Gaussian equivalent.
 *
 * The table is the tail of the scores of 2,040 simulated sources without events (steady, damped random walks,
 * scintillators, flares, blends, instrumental dips), the whole procedure applied to each. Between its entries ln FAP is
 * linear in the root of the score; beyond the last one the slope is kept and the value is an extrapolation.
 */
const ROOT_SCORE = [0, 2.83, 3.46, 4, 4.47, 5, 5.48, 7.07, 10];
/** Effects above a tenth of the flux. */
const FAP_STRONG = [0.3, 0.026, 0.0111, 0.0077, 0.0063, 0.0044, 0.002, 0.00145, 0.0005];
/** Effects below: slow faint wiggles of every kind look like weak lenses. */
const FAP_WEAK = [0.6, 0.14, 0.055, 0.028, 0.0175, 0.0107, 0.0068, 0.0029, 0.0019];

/** Amplitude, as a fraction of the flux, that parts strong effects from weak ones. */
export const WEAK_AMPLITUDE = 0.1;

export interface Significance {
	/** Probability that a source without an event scores as much. */
	falseAlarmProbability: number;
	/** The same as one-sided Gaussian sigmas. */
	sigma: number;
	/** Beyond what the simulated sources resolve. */
	extrapolated: boolean;
}

export function significanceOf(score: number, depth: number): Significance {
	const table = depth < WEAK_AMPLITUDE ? FAP_WEAK : FAP_STRONG;
	const root = Math.sqrt(Math.max(0, score));
	let k = ROOT_SCORE.length - 2;
	while (k > 0 && ROOT_SCORE[k] > root) k--;
	const slope = (Math.log(table[k + 1]) - Math.log(table[k])) / (ROOT_SCORE[k + 1] - ROOT_SCORE[k]);
	const probability = Math.min(1, Math.exp(Math.log(table[k]) + slope * (root - ROOT_SCORE[k])));
	return {
		falseAlarmProbability: probability,
		sigma: normalQuantile(probability),
		extrapolated: root > ROOT_SCORE[ROOT_SCORE.length - 1],
	};
}

/** z with P(Z > z) = p for p below one half, else 0; Newton steps on the asymptotic tail, good to 1e-9 down to 1e-300. */
export function normalQuantile(p: number): number {
	if (!(p < 0.5)) return 0;
	const target = Math.log(Math.max(p, 1e-300));
	let z = Math.sqrt(-2 * target);
	for (let i = 0; i < 60; i++) {
		const [logTail, hazard] = logNormalTail(z);
		const step = (logTail - target) / hazard;
		z += step;
		if (Math.abs(step) < 1e-12) break;
	}
	return Math.max(0, z);
}

/** ln P(Z > z) and the hazard -d ln P / dz, for z >= 0, by the continued fraction of Mills' ratio. */
function logNormalTail(z: number): [number, number] {
	const x = Math.max(z, 0);
	let ratio: number;
	if (x < 2.5) {
		// Series for the lower part: P = 1/2 - phi(x) (x + x^3/3 + x^5/15 + ...).
		let term = x;
		let sum = x;
		for (let k = 1; k < 80; k++) {
			term *= (x * x) / (2 * k + 1);
			sum += term;
		}
		const density = Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI);
		ratio = (0.5 - density * sum) / density;
	} else {
		let fraction = 0;
		for (let k = 120; k >= 1; k--) fraction = k / (x + fraction);
		ratio = 1 / (x + fraction);
	}
	return [-0.5 * x * x - 0.5 * Math.log(2 * Math.PI) + Math.log(ratio), 1 / ratio];
}
