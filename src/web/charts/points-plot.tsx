import { useMemo, useState } from "react";
import uPlot from "uplot";
import { mjdDate } from "../format.ts";
import { GRID, INK, SOFT } from "./colours.ts";
import { type Curve, drawCurves, drawPoints, drawSpans, type PointSeries, type Span, shownRange } from "./points.ts";
import { useUplot } from "./use-uplot.ts";

const FONT = "11px system-ui, sans-serif";

interface PointsPlotProps {
	/** What a reader who does not see the picture is told. */
	summary: string;
	series: PointSeries[];
	spans?: Span[];
	/** What was fitted to the points. */
	curves?: Curve[] | undefined;
	/** Horizontal lines. */
	levels?: { y: number; label: string; colour?: string }[];
	height: number;
	yLabel: string;
	xLabel?: string;
	/** Hidden on all but the last of a stack. */
	xAxis?: boolean;
	/** Plots with the same key share their cursor and zoom. */
	syncKey?: string;
	xRange?: [number, number] | undefined;
	yRange?: [number, number] | undefined;
	/** What the cursor is at: the nearest point of the series. */
	describe?: (series: number, i: number) => string;
	/** Told the time of the point nearest to a click. */
	onPick?: ((mjd: number) => void) | undefined;
	/** Shown above the plot, left of what the cursor is at. */
	heading?: React.ReactNode;
}

const nearest = (x: ArrayLike<number>, value: number): number => {
	let low = 0;
	let high = x.length - 1;
	while (low < high) {
		const middle = (low + high) >> 1;
		if (x[middle] < value) low = middle + 1;
		else high = middle;
	}
	return low > 0 && Math.abs(x[low - 1] - value) < Math.abs(x[low] - value) ? low - 1 : low;
};

/** Points with error bars over time (MJD). Drag zooms in, a double click zooms out. */
export function PointsPlot(props: PointsPlotProps) {
	const { series, spans, levels, height, yLabel, xLabel, xAxis, syncKey, describe, onPick, curves } = props;
	const [readout, setReadout] = useState("");
	const [xLow, xHigh] = props.xRange ?? [Number.NaN, Number.NaN];
	const [yLow, yHigh] = props.yRange ?? [Number.NaN, Number.NaN];

	const data = useMemo((): uPlot.AlignedData => {
		const all = [...new Set(series.flatMap((one) => Array.from(one.x)))].sort((a, b) => a - b);
		return [all, all.map(() => null)];
	}, [series]);

	const options = useMemo((): Omit<uPlot.Options, "width"> => {
		const times = data[0];
		const padded = (low: number, high: number): [number, number] => {
			const margin = 0.015 * (high - low) || 1;
			return [low - margin, high + margin];
		};
		const whole = Number.isFinite(xLow)
			? padded(xLow, xHigh)
			: times.length > 0
				? padded(times[0], times[times.length - 1])
				: ([0, 1] as [number, number]);
		const isWhole = (low: number | null, high: number | null) =>
			low === null || high === null || low === high || (low <= times[0] && high >= times[times.length - 1]);
		return {
			height,
			padding: [6, 10, xAxis === false ? 6 : 0, 0],
			legend: { show: false },
			cursor: {
				...(syncKey === undefined ? {} : { sync: { key: syncKey, scales: ["x", null] } }),
				drag: { x: true, y: false },
				points: { show: false },
				y: false,
			},
			scales: {
				x: { time: false, range: (_, low, high) => (isWhole(low, high) ? whole : [low, high]) },
				y: { range: () => (Number.isFinite(yLow) ? [yLow, yHigh] : shownRange(series)) },
			},
			axes: [
				{
					show: xAxis !== false,
					stroke: SOFT,
					font: FONT,
					size: 24,
					grid: { stroke: GRID, width: 1 },
					ticks: { stroke: GRID, width: 1, size: 4 },
					values: (_, splits) => splits.map((value) => String(value)),
					...(xLabel === undefined ? {} : { label: xLabel, labelFont: FONT, labelSize: 14, labelGap: 0 }),
				},
				{
					stroke: SOFT,
					font: FONT,
					size: 46,
					grid: { stroke: GRID, width: 1 },
					ticks: { stroke: GRID, width: 1, size: 4 },
					label: yLabel,
					labelFont: FONT,
					labelSize: 16,
					space: 26,
				},
			],
			series: [{}, { show: true, paths: () => null, points: { show: false }, scale: "y" }],
			hooks: {
				init: [
					(u) => {
						if (onPick === undefined) return;
						let from = 0;
						u.over.addEventListener("mousedown", (event) => {
							from = event.clientX;
						});
						u.over.addEventListener("click", (event) => {
							// A drag zooms; only a click that stayed where it began points at an epoch.
							const { left } = u.cursor;
							if (Math.abs(event.clientX - from) > 3 || left === undefined || left < 0) return;
							const time = u.posToVal(left, "x");
							if (times.length > 0) onPick(times[nearest(times, time)]);
						});
					},
				],
				drawAxes: [(u) => drawSpans(u, spans ?? [])],
				draw: [
					(u) => {
						drawLevels(u, levels ?? []);
						drawCurves(u, curves ?? []);
						drawPoints(u, series);
					},
				],
				setCursor: [
					(u) => {
						const { left } = u.cursor;
						if (describe === undefined || left === undefined || left < 0) {
							setReadout("");
							return;
						}
						const time = u.posToVal(left, "x");
						const lines = series.flatMap((one, s) => (one.x.length === 0 ? [] : [describe(s, nearest(one.x, time))]));
						setReadout(lines.join("   "));
					},
				],
			},
		};
	}, [
		series,
		spans,
		levels,
		height,
		yLabel,
		xLabel,
		xAxis,
		syncKey,
		describe,
		onPick,
		curves,
		data,
		xLow,
		xHigh,
		yLow,
		yHigh,
	]);

	const element = useUplot(options, data);
	return (
		<figure className="plot">
			{(props.heading !== undefined || describe !== undefined) && (
				<figcaption>
					<span className="plot-heading">{props.heading}</span>
					<span className="readout" aria-hidden="true">
						{readout}
					</span>
				</figcaption>
			)}
			<div ref={element} role="img" aria-label={props.summary} />
		</figure>
	);
}

function drawLevels(u: uPlot, levels: NonNullable<PointsPlotProps["levels"]>): void {
	const { ctx, bbox } = u;
	ctx.save();
	ctx.font = `${10.5 * devicePixelRatio}px system-ui, sans-serif`;
	ctx.textAlign = "right";
	for (const { y, label, colour } of levels) {
		const height = Math.round(u.valToPos(y, "y", true)) + 0.5;
		if (height < bbox.top || height > bbox.top + bbox.height) continue;
		ctx.strokeStyle = colour ?? INK;
		ctx.fillStyle = colour ?? INK;
		ctx.globalAlpha = 0.5;
		ctx.lineWidth = devicePixelRatio;
		ctx.setLineDash([3 * devicePixelRatio, 4 * devicePixelRatio]);
		ctx.beginPath();
		ctx.moveTo(bbox.left, height);
		ctx.lineTo(bbox.left + bbox.width, height);
		ctx.stroke();
		ctx.globalAlpha = 0.85;
		ctx.fillText(label, bbox.left + bbox.width - 4 * devicePixelRatio, height - 3 * devicePixelRatio);
	}
	ctx.restore();
}

/** A time as MJD and date. */
export const timeText = (mjd: number): string => `MJD ${mjd.toFixed(2)} (${mjdDate(mjd)})`;
