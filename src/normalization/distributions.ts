/** Tail probabilities that decide between hypotheses: chi-squared and Fisher's F. */

/** Logarithm of the gamma function for x > 0 (Lanczos, g = 7, 9 terms; relative error below 1e-14). */
function logGamma(x: number): number {
	const g = [
		0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
		12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
	];
	if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x);
	let sum = g[0];
	for (let k = 1; k < 9; k++) sum += g[k] / (x - 1 + k);
	const t = x + 6.5;
	return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(t) - t + Math.log(sum);
}

/** Regularised upper incomplete gamma function Q(a, x), by series below and continued fraction above x = a + 1. */
function upperGamma(a: number, x: number): number {
	if (x <= 0) return 1;
	const front = Math.exp(a * Math.log(x) - x - logGamma(a));
	if (x < a + 1) {
		let term = 1 / a;
		let sum = term;
		for (let n = 1; n < 100_000 && term > sum * 1e-16; n++) {
			term *= x / (a + n);
			sum += term;
		}
		return Math.max(0, 1 - front * sum);
	}
	const tiny = 1e-300;
	let b = x + 1 - a;
	let c = 1 / tiny;
	let d = 1 / b;
	let h = d;
	for (let n = 1; n < 100_000; n++) {
		const an = -n * (n - a);
		b += 2;
		d = 1 / (an * d + b || tiny);
		c = b + an / c || tiny;
		const factor = d * c;
		h *= factor;
		if (Math.abs(factor - 1) < 1e-15) break;
	}
	return Math.min(1, front * h);
}

/** Probability that chi-squared with `dof` degrees of freedom exceeds `chi2`; NaN for dof <= 0 or a NaN. */
export function chiSquareSurvival(chi2: number, dof: number): number {
	if (!(dof > 0) || Number.isNaN(chi2)) return Number.NaN;
	return upperGamma(dof / 2, chi2 / 2);
}

/** Regularised incomplete beta function I_x(a, b) by its continued fraction. */
function incompleteBeta(x: number, a: number, b: number): number {
	if (x <= 0) return 0;
	if (x >= 1) return 1;
	if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a);
	const front = Math.exp(
		logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x) - Math.log(a),
	);
	const tiny = 1e-300;
	let c = 1;
	let d = 1 / (1 - ((a + b) * x) / (a + 1) || tiny);
	let h = d;
	for (let m = 1; m < 10_000; m++) {
		const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
		d = 1 / (1 + even * d || tiny);
		c = 1 + even / c || tiny;
		h *= d * c;
		const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
		d = 1 / (1 + odd * d || tiny);
		c = 1 + odd / c || tiny;
		const factor = d * c;
		h *= factor;
		if (Math.abs(factor - 1) < 1e-15) break;
	}
	return front * h;
}

/** Probability that Fisher's F with (d1, d2) degrees of freedom exceeds `f`; NaN when a number of degrees is not positive. */
export function fisherSurvival(f: number, d1: number, d2: number): number {
	if (!(d1 > 0) || !(d2 > 0) || Number.isNaN(f)) return Number.NaN;
	if (f <= 0) return 1;
	return incompleteBeta(d2 / (d2 + d1 * f), d2 / 2, d1 / 2);
}

/** Standard normal cumulative probability. */
export function normalCumulative(z: number): number {
	const tail = 0.5 * upperGamma(0.5, (z * z) / 2);
	return z > 0 ? 1 - tail : tail;
}
