/** Median of the finite values; NaN if there are none. */
export function median(values: ArrayLike<number>): number {
	const finite = finiteSorted(values);
	if (finite.length === 0) return Number.NaN;
	const half = finite.length >> 1;
	return finite.length % 2 === 1 ? finite[half] : 0.5 * (finite[half - 1] + finite[half]);
}

function finiteSorted(values: ArrayLike<number>): Float64Array {
	const finite = new Float64Array(values.length);
	let n = 0;
	for (let i = 0; i < values.length; i++) if (Number.isFinite(values[i])) finite[n++] = values[i];
	return finite.subarray(0, n).sort();
}

/** Quantile of the finite values by linear interpolation; NaN if there are none. */
export function quantile(values: ArrayLike<number>, fraction: number): number {
	const finite = finiteSorted(values);
	if (finite.length === 0) return Number.NaN;
	const at = fraction * (finite.length - 1);
	const low = Math.floor(at);
	const high = Math.min(finite.length - 1, low + 1);
	return finite[low] + (at - low) * (finite[high] - finite[low]);
}

/** Standard deviation estimated as 1.4826 times the median absolute deviation from the median. */
export function madSigma(values: ArrayLike<number>): number {
	const centre = median(values);
	return 1.4826 * median(Float64Array.from(values, (value) => Math.abs(value - centre)));
}

/** A phase brought into [-pi, pi). */
export const wrapPhase = (radians: number): number => radians - 2 * Math.PI * Math.floor(radians / (2 * Math.PI) + 0.5);
