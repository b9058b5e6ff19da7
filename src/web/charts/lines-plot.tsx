import { useMemo } from "react";
import type uPlot from "uplot";
import { GRID, SOFT } from "./colours.ts";
import { useUplot } from "./use-uplot.ts";

const FONT = "11px system-ui, sans-serif";

interface LinesPlotProps {
	summary: string;
	/** Unix seconds. */
	time: number[];
	lines: { label: string; colour: string; values: (number | null)[]; fill?: boolean }[];
	height: number;
	unit: string;
	/** Upper end of the axis, if it is fixed. */
	high?: number;
}

/** Hours and minutes, with seconds where the ticks are closer than a minute. */
const clock = (_: unknown, splits: number[], __: number, ___: number, step: number): string[] =>
	splits.map((time) => new Date(time * 1000).toISOString().slice(11, step < 60 ? 19 : 16));

/** Lines over the last minutes, newest at the right. */
export function LinesPlot({ summary, time, lines, height, unit, high }: LinesPlotProps) {
	const shape = lines.map((line) => `${line.label}/${line.colour}/${line.fill}`).join();
	const options = useMemo(
		(): Omit<uPlot.Options, "width"> => ({
			height,
			padding: [6, 8, 0, 0],
			legend: { show: false },
			cursor: { show: false },
			scales: { x: { time: true }, y: { range: (_, __, most) => [0, high ?? (Math.max(most, 1e-9) * 1.1 || 1)] } },
			axes: [
				{
					stroke: SOFT,
					font: FONT,
					size: 24,
					grid: { show: false },
					ticks: { show: false },
					space: 70,
					values: clock,
				},
				{
					stroke: SOFT,
					font: FONT,
					size: 46,
					space: 24,
					grid: { stroke: GRID, width: 1 },
					ticks: { show: false },
					values: (_, splits) => splits.map((value) => `${value}${unit}`),
				},
			],
			series: [
				{},
				...lines.map((line) => ({
					stroke: line.colour,
					width: 1.3,
					points: { show: false },
					...(line.fill === true ? { fill: `${line.colour}22` } : {}),
				})),
			],
		}),
		[height, unit, high, shape],
	);
	const data = useMemo(
		() => [time.slice(), ...lines.map((line) => line.values.slice())] as uPlot.AlignedData,
		// The columns of a new answer are new arrays: their identity says that there is something to draw.
		[time, ...lines.map((line) => line.values)],
	);
	const element = useUplot(options, data);
	return (
		<figure className="plot">
			<figcaption className="legend">
				{lines.map((line) => (
					<span key={line.label}>
						<i style={{ background: line.colour }} aria-hidden="true" />
						{line.label}
					</span>
				))}
			</figcaption>
			<div ref={element} role="img" aria-label={summary} />
		</figure>
	);
}
