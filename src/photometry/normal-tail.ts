/**
 * Upper tail probability of the unit normal, 1 - Phi(z), to about 1e-14 relative: the positive series of the error
 * function below 3, the continued fraction of Laplace above it.
 */
export function normalTail(z: number): number {
	if (Number.isNaN(z)) return Number.NaN;
	if (z < 0) return 1 - normalTail(-z);
	const density = Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI);
	if (z < 3) {
		// Phi(z) - 1/2 = phi(z) (z + z^3/3 + z^5/15 + ...)
		let term = z;
		let sum = z;
		for (let k = 1; term > 1e-18 * sum; k++) {
			term *= (z * z) / (2 * k + 1);
			sum += term;
		}
		return 0.5 - density * sum;
	}
	// phi(z) / (z + 1/(z + 2/(z + 3/(z + ...))))
	let fraction = z;
	for (let k = 200; k > 0; k--) fraction = z + k / fraction;
	return density / fraction;
}
