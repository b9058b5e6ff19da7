import { extent, type Values } from "./axis.ts";
import type { HistogramLayer, LineLayer } from "./layers.ts";

/**
 * Counts in equal bins. Without limits the bins span the data; values outside the limits are counted in `below` and
 * `above`, NaN in `missing`, so that nothing disappears without a trace.
 */
export function binCounts(values: Values, bins: number, low?: number, high?: number) {
	let [from, to] = extent(values, false);
	if (!(from <= to)) [from, to] = [0, 1];
	if (low !== undefined) from = low;
	if (high !== undefined) to = high;
	if (!(to > from)) to = from + 1;
	const edges = Float64Array.from({ length: bins + 1 }, (_, k) => from + ((to - from) * k) / bins);
	const counts = new Float64Array(bins);
	let below = 0;
	let above = 0;
	let missing = 0;
	for (let i = 0; i < values.length; i++) {
		const value = values[i];
		if (Number.isNaN(value)) missing++;
		else if (value < from) below++;
		else if (value > to) above++;
		else counts[Math.min(bins - 1, Math.floor(((value - from) / (to - from)) * bins))]++;
	}
	return { edges, counts, below, above, missing };
}

/** A histogram of `values` and the normal curve of the same area, unit normal unless told otherwise: for pulls. */
export function histogramWithNormal(
	values: Values,
	options: {
		bins?: number;
		low?: number;
		high?: number;
		mean?: number;
		std?: number;
		label?: string;
		color?: string;
	} = {},
): [HistogramLayer, LineLayer] {
	const { bins = 50, low = -5, high = 5, mean = 0, std = 1 } = options;
	const { edges, counts, below, above } = binCounts(values, bins, low, high);
	const total = counts.reduce((sum, count) => sum + count, below + above);
	const scale = (total * (high - low)) / bins / (std * Math.sqrt(2 * Math.PI));
	const x = Float64Array.from({ length: 201 }, (_, k) => low + ((high - low) * k) / 200);
	const y = x.map((value) => scale * Math.exp(-0.5 * ((value - mean) / std) ** 2));
	return [
		{ kind: "histogram", edges, counts, label: options.label ?? "measured", color: options.color },
		{ kind: "line", x, y, color: "#1f2933", label: std === 1 && mean === 0 ? "unit normal" : "normal" },
	];
}
