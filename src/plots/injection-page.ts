import type { RecallCell, RecallMap } from "../detection/inject.ts";
import { page, type ReportTable } from "./page.ts";
import { plot } from "./plot.ts";

const LABELS: Record<RecallCell["axis"], string> = {
	alpha: "strength at 1400 MHz",
	width_days: "width of the dip, days",
	flux_jy: "flux density, Jy",
	amplitude: "lensed share of the flux",
};

/** What an injection test found: recall along each property with its intervals, maps of two, and scores of the nulls. */
export function injectionPage(
	text: string,
	cells: readonly RecallCell[],
	maps: readonly RecallMap[],
	nullScores: readonly { score: number }[],
	threshold: number,
): string {
	const axes = [...new Set(cells.map((cell) => cell.axis))];
	const wide = { width: 640, height: 330 };
	const curves = axes.map((axis) => {
		const own = cells.filter((cell) => cell.axis === axis && cell.injected > 0);
		const log = axis !== "amplitude";
		const x = own.map(({ low, high }) => (log ? Math.sqrt(low * high) : (low + high) / 2));
		return plot({
			...wide,
			title: `Recall by ${LABELS[axis]}`,
			subtitle: "90 % intervals",
			x: { label: LABELS[axis], scale: log ? "log" : "linear" },
			y: { label: "recall", min: 0, max: 1 },
			layers: [
				{ kind: "band", x, low: own.map((cell) => cell.recallLow), high: own.map((cell) => cell.recallHigh) },
				{ kind: "line", x, y: own.map((cell) => cell.recall) },
				{ kind: "points", x, y: own.map((cell) => cell.recall) },
			],
		});
	});
	const sorted = nullScores.map(({ score }) => Math.sqrt(Math.max(0, score))).sort((a, b) => a - b);
	const survival = plot({
		...wide,
		title: "The survey as it is",
		subtitle: "share of sources that score at least as much; the line is the threshold",
		x: { label: "root of the score" },
		y: { label: "share", scale: "log" },
		layers: [
			{ kind: "line", x: sorted, y: sorted.map((_, i) => (sorted.length - i) / sorted.length), step: true },
			{ kind: "rule", axis: "x", at: [Math.sqrt(threshold)], dash: true },
		],
	});
	return page("Injection and recovery", text, [
		{ heading: "Recall", figures: curves },
		{ heading: "Maps", text: "Percent found, of how many injected.", tables: maps.map(mapTable) },
		{ heading: "False alarms", figures: [survival] },
	]);
}

function mapTable({ x, y, injected, found }: RecallMap): ReportTable {
	const range = (edges: readonly number[], i: number) => `${edges[i]} to ${edges[i + 1]}`;
	const columns = x.edges.length - 1;
	return {
		columns: [
			`${LABELS[y.axis]} \\ ${LABELS[x.axis]}`,
			...Array.from({ length: columns }, (_, i) => range(x.edges, i)),
		],
		rows: Array.from({ length: y.edges.length - 1 }, (_, j) => [
			range(y.edges, j),
			...Array.from({ length: columns }, (__, i) => {
				const n = injected[j * columns + i];
				return n === 0 ? "–" : `${Math.round((100 * found[j * columns + i]) / n)} % of ${n}`;
			}),
		]),
	};
}
