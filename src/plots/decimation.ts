import type { Values } from "./axis.ts";

/** Above this many points a layer is thinned to what the picture can show. */
export const DECIMATE_ABOVE = 20_000;

/**
 * Which points of a series to draw so that the picture stays the same: in each pixel column the first, the last and
 * those that reach lowest and highest with their error bars. Order is kept.
 *
 * @param xPixel pixel of each point; NaN where it cannot be shown
 * @param low,high pixels that each point reaches, its error bar included
 */
export function columnExtremes(xPixel: Values, low: Values, high: Values): number[] {
	const keep: number[] = [];
	const n = xPixel.length;
	let i = 0;
	while (i < n) {
		const column = Math.floor(xPixel[i]);
		if (Number.isNaN(column)) {
			i++;
			continue;
		}
		const first = i;
		let lowest = i;
		let highest = i;
		let last = i;
		for (; i < n && (Math.floor(xPixel[i]) === column || Number.isNaN(xPixel[i])); i++) {
			if (Number.isNaN(xPixel[i])) continue;
			last = i;
			if (low[i] < low[lowest] || Number.isNaN(low[lowest])) lowest = i;
			if (high[i] > high[highest] || Number.isNaN(high[highest])) highest = i;
		}
		keep.push(...[...new Set([first, lowest, highest, last])].sort((a, b) => a - b));
	}
	return keep;
}

/** Which points of a cloud to draw: one for each cell of the picture that holds any, with cells as fine as the limit allows. */
export function cellOccupancy(xPixel: Values, yPixel: Values, limit = DECIMATE_ABOVE): number[] {
	for (let cell = 0.5; ; cell *= 1.5) {
		const seen = new Set<number>();
		const keep: number[] = [];
		for (let i = 0; i < xPixel.length; i++) {
			const key = Math.floor(xPixel[i] / cell) * 1_000_003 + Math.floor(yPixel[i] / cell);
			if (Number.isNaN(key) || seen.has(key)) continue;
			seen.add(key);
			keep.push(i);
		}
		if (keep.length <= limit || cell > 64) return keep;
	}
}

/** Whether the values never fall: a series in order rather than a cloud. */
export function isSeries(x: Values): boolean {
	let last = -Infinity;
	for (let i = 0; i < x.length; i++) {
		if (x[i] < last) return false;
		if (!Number.isNaN(x[i])) last = x[i];
	}
	return true;
}
