import { madSigma, median } from "./robust.ts";

/** One figure of one antenna (or table) at successive solves. */
export interface QualitySeries {
	/** For instance `antenna 40 XX amplitude` or `G residual chi-squared`. */
	name: string;
	/** Ascending, MJD. */
	timesMjd: ArrayLike<number>;
	values: ArrayLike<number>;
	/** Least change that matters, in units of the value. */
	tolerance: number;
}

export interface Trend {
	name: string;
	kind: "jump" | "drift";
	/** When: of the first point after a jump, or the last of a drift. */
	mjd: number;
	/** Change of the value. */
	change: number;
	/** In sigmas of the series' own scatter. */
	significance: number;
}

/**
 * Jumps and drifts of a series against its own past.
 *
 * A jump: the median of the last `after` points (those of the newest solves) differs from the median of all before by more
 * than five times the scatter of the past and by more than the tolerance. A drift: the Theil-Sen slope over the whole
 * series, times its length, exceeds the tolerance, and Kendall's statistic of order exceeds 4 sigma. Both use ranks and
 * medians: one bad solve is neither.
 *
 * @param after how many newest points must agree; with fewer than 3 + after points nothing is said.
 */
export function findTrends(series: QualitySeries, after = 2): Trend[] {
	const times: number[] = [];
	const values: number[] = [];
	for (let i = 0; i < series.values.length; i++) {
		if (!Number.isFinite(series.values[i])) continue;
		times.push(series.timesMjd[i]);
		values.push(series.values[i]);
	}
	const n = values.length;
	if (n < 3 + after) return [];
	const out: Trend[] = [];
	const past = values.slice(0, n - after);
	const recent = values.slice(n - after);
	const scatter = Math.max(madSigma(past), 1e-12 * Math.abs(median(past)), Number.MIN_VALUE);
	const change = median(recent) - median(past);
	const agree = recent.every((value) => Math.abs(value - median(past)) > 0.5 * Math.abs(change));
	if (agree && Math.abs(change) > 5 * scatter && Math.abs(change) > series.tolerance) {
		out.push({
			name: series.name,
			kind: "jump",
			mjd: times[n - after],
			change,
			significance: Math.abs(change) / scatter,
		});
	}
	if (n < 8) return out;
	const slopes: number[] = [];
	let order = 0;
	for (let i = 0; i < n; i++) {
		for (let j = i + 1; j < n; j++) {
			if (times[j] > times[i]) slopes.push((values[j] - values[i]) / (times[j] - times[i]));
			order += Math.sign(values[j] - values[i]);
		}
	}
	const significance = Math.abs(order) / Math.sqrt((n * (n - 1) * (2 * n + 5)) / 18);
	const total = median(slopes) * (times[n - 1] - times[0]);
	if (out.length === 0 && significance > 4 && Math.abs(total) > series.tolerance) {
		out.push({ name: series.name, kind: "drift", mjd: times[n - 1], change: total, significance });
	}
	return out;
}
