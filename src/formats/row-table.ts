/** What the rows of a set are: which times, baselines and orientation. Shared by readers of row-ordered formats. */
export interface RowTable {
	/** Sorted, unique. */
	timesMjd: Float64Array;
	timeIndex: Int32Array;
	/** Per time: its first and last row. */
	firstRow: Int32Array;
	lastRow: Int32Array;
	/** antenna1 <= antenna2 after putting each pair in order. */
	antenna1: Int32Array;
	antenna2: Int32Array;
	/** 1 where the file had the pair the other way round. */
	exchanged: Uint8Array;
	/** Index into the baselines, -1 for autocorrelations. */
	baseline: Int32Array;
	baselines: { antenna1: Int32Array; antenna2: Int32Array };
	autocorrelations: Int32Array;
}

/** Orders times and pairs: O(n log n) in the number of distinct times only. */
export function tabulateRows(
	timesMjd: Float64Array,
	first: Int32Array,
	second: Int32Array,
	nAntennas: number,
): RowTable {
	const n = timesMjd.length;
	const unique = new Map<number, number>();
	for (let i = 0; i < n; i++) if (i === 0 || timesMjd[i] !== timesMjd[i - 1]) unique.set(timesMjd[i], 0);
	const times = Float64Array.from(unique.keys()).sort();
	times.forEach((mjd, index) => unique.set(mjd, index));

	const timeIndex = new Int32Array(n);
	const antenna1 = new Int32Array(n);
	const antenna2 = new Int32Array(n);
	const exchanged = new Uint8Array(n);
	const present = new Map<number, number>();
	const autos = new Set<number>();
	for (let i = 0; i < n; i++) {
		timeIndex[i] = i > 0 && timesMjd[i] === timesMjd[i - 1] ? timeIndex[i - 1] : (unique.get(timesMjd[i]) as number);
		const swap = first[i] > second[i];
		antenna1[i] = swap ? second[i] : first[i];
		antenna2[i] = swap ? first[i] : second[i];
		exchanged[i] = swap ? 1 : 0;
		if (antenna1[i] === antenna2[i]) autos.add(antenna1[i]);
		else present.set(antenna1[i] * nAntennas + antenna2[i], 0);
	}
	const firstRow = new Int32Array(times.length).fill(n);
	const lastRow = new Int32Array(times.length).fill(-1);
	for (let i = 0; i < n; i++) {
		const t = timeIndex[i];
		if (i < firstRow[t]) firstRow[t] = i;
		lastRow[t] = i;
	}
	const pairs = Float64Array.from(present.keys()).sort();
	pairs.forEach((pair, index) => present.set(pair, index));
	const baseline = new Int32Array(n);
	for (let i = 0; i < n; i++) {
		const auto = antenna1[i] === antenna2[i];
		baseline[i] = auto ? -1 : (present.get(antenna1[i] * nAntennas + antenna2[i]) as number);
	}
	return {
		timesMjd: times,
		timeIndex,
		firstRow,
		lastRow,
		antenna1,
		antenna2,
		exchanged,
		baseline,
		baselines: {
			antenna1: Int32Array.from(pairs, (pair) => Math.floor(pair / nAntennas)),
			antenna2: Int32Array.from(pairs, (pair) => pair % nAntennas),
		},
		autocorrelations: Int32Array.from(autos).sort(),
	};
}

/** First row and one behind the last that may be of times [t0, t1). */
export function rowRange(table: RowTable, t0: number, t1: number): [number, number] {
	let low = Infinity;
	let high = -1;
	for (let t = Math.max(0, t0); t < Math.min(t1, table.timesMjd.length); t++) {
		low = Math.min(low, table.firstRow[t]);
		high = Math.max(high, table.lastRow[t]);
	}
	return high < 0 ? [0, 0] : [low, high + 1];
}

/** Median of values that are all finite; NaN for none. */
export function median(values: Float64Array): number {
	if (values.length === 0) return Number.NaN;
	const sorted = Float64Array.from(values).sort();
	const middle = sorted.length >> 1;
	return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
