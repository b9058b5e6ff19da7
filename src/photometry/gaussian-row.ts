/** Beyond this exponent a row is computed directly: exp(-700) is the last normal double. */
const LARGEST_EXPONENT = 600;

/**
 * exp(-(a dx^2 + b dx dy + c dy^2)) for dx = dx0, dx0 + 1, ... into out[from .. from + count).
 *
 * Two exponentials a row: k(x + 1) = k(x) g(x), g(x + 1) = g(x) exp(-2a). The relative error grows as count^2 times
 * rounding. Where a row would begin below the smallest double although its middle does not, each value is computed.
 */
export function gaussianRow(
	out: Float64Array,
	from: number,
	count: number,
	a: number,
	b: number,
	c: number,
	dx0: number,
	dy: number,
): void {
	const exponent = a * dx0 * dx0 + b * dx0 * dy + c * dy * dy;
	if (exponent > LARGEST_EXPONENT || count > 2000) {
		for (let i = 0; i < count; i++) {
			const dx = dx0 + i;
			out[from + i] = Math.exp(-(a * dx * dx + b * dx * dy + c * dy * dy));
		}
		return;
	}
	let k = Math.exp(-exponent);
	let g = Math.exp(-(a * (2 * dx0 + 1) + b * dy));
	const q = Math.exp(-2 * a);
	for (let i = 0; i < count; i++) {
		out[from + i] = k;
		k *= g;
		g *= q;
	}
}
