/** Natural logarithm of the gamma function for x > 0 (Lanczos 1964, g = 7, nine terms): relative error below 1e-14. */
export function logGamma(x: number): number {
	if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x);
	const t = x - 1;
	let sum = 0.9999999999998099;
	for (let i = 0; i < LANCZOS.length; i++) sum += LANCZOS[i] / (t + i + 1);
	const base = t + 7.5;
	return 0.5 * Math.log(2 * Math.PI) + (t + 0.5) * Math.log(base) - base + Math.log(sum);
}
const LANCZOS = [
	676.5203681218851, -1259.1392167224028, 771.3234287776531, -176.6150291621406, 12.507343278686905,
	-0.13857109526572012, 9.984369578019572e-6, 1.5056327351493116e-7,
];

/**
 * Natural logarithm of the upper regularised incomplete gamma function Q(a, x), for probabilities far below the
 * smallest double. Series for x < a + 1, else Lentz's continued fraction (DLMF 8.7.1, 8.9.2).
 */
export function logUpperGamma(a: number, x: number): number {
	if (!(a > 0) || !(x >= 0)) return Number.NaN;
	if (x === 0) return 0;
	if (x === Infinity) return -Infinity;
	const front = a * Math.log(x) - x - logGamma(a);
	const limit = 200 + Math.ceil(20 * Math.sqrt(Math.max(a, x)));
	if (x < a + 1) {
		let term = 1 / a;
		let sum = term;
		for (let n = 1; n < limit; n++) {
			term *= x / (a + n);
			sum += term;
			if (term < sum * 1e-17) break;
		}
		return Math.log1p(-Math.min(1, Math.exp(front + Math.log(sum))));
	}
	const tiny = 1e-300;
	let b = x + 1 - a;
	let c = 1 / tiny;
	let d = 1 / b;
	let h = d;
	for (let n = 1; n < limit; n++) {
		const an = -n * (n - a);
		b += 2;
		d = an * d + b;
		if (Math.abs(d) < tiny) d = tiny;
		c = b + an / c;
		if (Math.abs(c) < tiny) c = tiny;
		d = 1 / d;
		const delta = d * c;
		h *= delta;
		if (Math.abs(delta - 1) < 1e-16) break;
	}
	return front + Math.log(h);
}

/** Natural logarithm of the probability that chi-squared with `dof` degrees of freedom exceeds `chi2` by chance. */
export const logChi2Probability = (chi2: number, dof: number) => logUpperGamma(dof / 2, chi2 / 2);
