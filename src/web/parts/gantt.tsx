import { useMemo } from "react";
import type { StageProgress, TimelineUnit } from "../api.ts";
import { roundTicks } from "../charts/scatter-drawing.ts";
import { duration } from "../format.ts";

interface Bar {
	unit: TimelineUnit;
	from: number;
	to: number;
	lane: number;
}

const LANE = 9;
const MOST_LANES = 10;
const LABEL = 96;
const WIDTH = 1000;

/** Puts intervals into as few lanes as they need; those beyond the last lane share it. */
export function packLanes(intervals: { from: number; to: number }[]): number[] {
	const ends: number[] = [];
	return intervals.map(({ from, to }) => {
		let lane = ends.findIndex((end) => end <= from);
		if (lane < 0) lane = Math.min(ends.length, MOST_LANES - 1);
		ends[lane] = Math.max(ends[lane] ?? 0, to);
		return lane;
	});
}

/** What ran when: a row per stage, units side by side in lanes where they overlapped. Times from the start of the run. */
export function Gantt(props: { units: TimelineUnit[]; stages: StageProgress[]; begun: string; ended: string | null }) {
	const { units, stages, begun } = props;
	const origin = Date.parse(begun);
	const now = props.ended === null ? Date.now() : Date.parse(props.ended);
	const { rows, total } = useMemo(() => {
		let last = Math.max(0.001, (now - origin) / 1000);
		const rows = stages.map((stage) => {
			const intervals = units
				.filter((unit) => unit.stage === stage.stage && unit.started_at !== null)
				.map((unit) => ({
					unit,
					from: (Date.parse(unit.started_at as string) - origin) / 1000,
					to: ((unit.finished_at === null ? now : Date.parse(unit.finished_at)) - origin) / 1000,
				}))
				.sort((a, b) => a.from - b.from);
			for (const { to } of intervals) last = Math.max(last, to);
			const lanes = packLanes(intervals);
			const bars: Bar[] = intervals.map((interval, i) => ({ ...interval, lane: lanes[i] }));
			return { stage, bars, lanes: Math.max(1, ...lanes.map((lane) => lane + 1)) };
		});
		return { rows, total: last };
	}, [units, stages, origin, now]);

	const x = (seconds: number) => LABEL + (seconds / total) * (WIDTH - LABEL - 8);
	const tops: number[] = [];
	let height = 4;
	for (const row of rows) {
		tops.push(height);
		height += row.lanes * LANE + 9;
	}
	return (
		<div className="gantt-scroll">
			<svg
				className="gantt"
				viewBox={`0 0 ${WIDTH} ${height + 20}`}
				role="img"
				aria-label="Timeline of the stages; the table has the same times"
			>
				{roundTicks(0, total, 8).map((tick) => (
					<g key={tick}>
						<line x1={x(tick)} x2={x(tick)} y1={0} y2={height} className="gantt-grid" />
						<text x={x(tick)} y={height + 13} textAnchor="middle">
							{tick === 0 ? "0" : duration(tick)}
						</text>
					</g>
				))}
				{rows.map(({ stage, bars, lanes }, r) => (
					<g key={stage.stage}>
						<text x={LABEL - 8} y={tops[r] + (lanes * LANE) / 2 + 3.5} textAnchor="end" className="gantt-label">
							{stage.stage}
						</text>
						{bars.map(({ unit, from, to, lane }) => (
							<rect
								key={unit.unit}
								x={x(from)}
								y={tops[r] + lane * LANE}
								width={Math.max(1.2, x(to) - x(from))}
								height={LANE - 2}
								className={`bar is-${unit.status}`}
							>
								<title>
									{`${unit.stage} ${unit.unit}: ${unit.status}, ${duration(to - from)}${unit.attempt > 1 ? `, attempt ${unit.attempt}` : ""}${unit.error === null ? "" : `, ${unit.error}`}`}
								</title>
							</rect>
						))}
					</g>
				))}
			</svg>
		</div>
	);
}

/** How far a run is, stage by stage, in a line. */
export const StageBars = ({ stages }: { stages: StageProgress[] }) => (
	<div className="stage-bars">
		{stages.map((stage) => {
			const share = (n: number) => `${(100 * n) / Math.max(1, stage.units)}%`;
			return (
				<div
					key={stage.stage}
					className="stage-bar"
					title={`${stage.stage}: ${stage.done} of ${stage.units} done${stage.running > 0 ? `, ${stage.running} running` : ""}${stage.failed > 0 ? `, ${stage.failed} failed` : ""}`}
				>
					<span>{stage.stage}</span>
					<div>
						<i className="is-done" style={{ width: share(stage.done) }} />
						<i className="is-failed" style={{ width: share(stage.failed) }} />
						<i className="is-running" style={{ width: share(stage.running) }} />
					</div>
				</div>
			);
		})}
	</div>
);
