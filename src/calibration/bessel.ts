/** Above this the series loses too many digits and the asymptotic expansion has enough. */
const SWITCH = 16;

/**
 * Bessel function of the first kind of order one, to 1e-10 for every argument: its power series, and Hankel's asymptotic
 * expansion far out (Abramowitz & Stegun 9.1.10 and 9.2.5).
 */
export function besselJ1(x: number): number {
	const size = Math.abs(x);
	if (size <= SWITCH) {
		const quarter = (x * x) / 4;
		let term = x / 2;
		let sum = term;
		for (let k = 1; k < 60; k++) {
			term *= -quarter / (k * (k + 1));
			sum += term;
			if (Math.abs(term) < 1e-17 * Math.abs(sum)) break;
		}
		return sum;
	}
	// P and Q with mu = 4: the terms fall until k is about 2 x, far beyond the ones used.
	let p = 1;
	let q = 0;
	let term = 1;
	for (let k = 1; k <= 14; k++) {
		term *= (4 - (2 * k - 1) ** 2) / (k * 8 * size);
		const sign = k % 4 === 1 || k % 4 === 0 ? 1 : -1;
		if (k % 2 === 0) p += sign * term;
		else q += sign * term;
	}
	const phase = size - 0.75 * Math.PI;
	return Math.sign(x) * Math.sqrt(2 / (Math.PI * size)) * (p * Math.cos(phase) - q * Math.sin(phase));
}
