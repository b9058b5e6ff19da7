/** Above this many points a curve is thinned to what its pixels can show. */
export const DECIMATE_ABOVE = 20_000;

/**
 * The points to draw so that the picture stays the same: of each pixel column those that reach lowest and highest with
 * their error bars. Points in order of x; NaN is passed over. Order is kept.
 */
export function columnExtremes(
	x: ArrayLike<number>,
	low: ArrayLike<number>,
	high: ArrayLike<number>,
	columnOf: (x: number) => number,
): number[] {
	const kept: number[] = [];
	let column = Number.NaN;
	let lowest = -1;
	let highest = -1;
	const close = () => {
		if (lowest < 0) return;
		kept.push(Math.min(lowest, highest));
		if (lowest !== highest) kept.push(Math.max(lowest, highest));
	};
	for (let i = 0; i < x.length; i++) {
		if (Number.isNaN(low[i]) || Number.isNaN(high[i])) continue;
		const at = Math.floor(columnOf(x[i]));
		if (at !== column) {
			close();
			column = at;
			lowest = i;
			highest = i;
			continue;
		}
		if (low[i] < low[lowest]) lowest = i;
		if (high[i] > high[highest]) highest = i;
	}
	close();
	return kept;
}
