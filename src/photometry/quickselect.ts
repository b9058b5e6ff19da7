/** The k-th smallest (0-based) of values[0..n), which are rearranged: Hoare's selection with a median-of-three pivot. */
export function quickselect(values: Float64Array, n: number, k: number): number {
	let low = 0;
	let high = n - 1;
	while (high > low) {
		const middle = (low + high) >> 1;
		if (values[middle] < values[low]) swap(values, middle, low);
		if (values[high] < values[low]) swap(values, high, low);
		if (values[high] < values[middle]) swap(values, high, middle);
		const pivot = values[middle];
		let i = low;
		let j = high;
		while (i <= j) {
			while (values[i] < pivot) i++;
			while (values[j] > pivot) j--;
			if (i <= j) {
				swap(values, i, j);
				i++;
				j--;
			}
		}
		if (k <= j) high = j;
		else if (k >= i) low = i;
		else break;
	}
	return values[k];
}

function swap(values: Float64Array, i: number, j: number): void {
	const value = values[i];
	values[i] = values[j];
	values[j] = value;
}

/** Median of values[0..n), which are rearranged; NaN of none. */
export function medianOf(values: Float64Array, n: number): number {
	if (n === 0) return Number.NaN;
	const upper = quickselect(values, n, n >> 1);
	if (n % 2 === 1) return upper;
	// After the selection everything below the middle is in the lower half.
	let lower = values[0];
	for (let i = 1; i < n >> 1; i++) if (values[i] > lower) lower = values[i];
	return (lower + upper) / 2;
}

/** Median absolute deviation from `centre` in units of a Gaussian's sigma; values are replaced by their deviations. */
export function madSigma(values: Float64Array, n: number, centre: number): number {
	for (let i = 0; i < n; i++) values[i] = Math.abs(values[i] - centre);
	return medianOf(values, n) / 0.6744897501960817;
}
