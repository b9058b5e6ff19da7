import { useCallback, useMemo } from "react";
import type { BandStatistics, CandidateModel, LightCurve } from "../api.ts";
import { fixed, flagText, frequency, short } from "../format.ts";
import { bandColour, SOFT } from "./colours.ts";
import type { Curve, PointSeries, Span } from "./points.ts";
import { PointsPlot, timeText } from "./points-plot.tsx";

export type FluxKind = "normalised" | "raw";

interface LightCurveStackProps {
	curves: LightCurve[];
	kind: FluxKind;
	/** One panel for all subbands instead of one each. */
	overlay?: boolean;
	/** Each subband over its own median, so that depths can be compared. */
	relative?: boolean;
	spans?: Span[];
	statistics?: BandStatistics[];
	panelHeight?: number;
	/** What was fitted to an event, to be drawn over the normalised fluxes. */
	model?: CandidateModel | undefined;
	syncKey: string;
	title: string;
	/** Told the time of the point nearest to a click. */
	onPick?: ((mjd: number) => void) | undefined;
}

const numbers = (values: (number | null)[]): Float64Array => Float64Array.from(values, (value) => value ?? Number.NaN);

export function median(values: ArrayLike<number>): number {
	const sorted = Array.from(values)
		.filter((value) => !Number.isNaN(value))
		.sort((a, b) => a - b);
	if (sorted.length === 0) return Number.NaN;
	return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}

/** Flags that tell how a value came about and speak against nothing. */
const REMARKS = new Set(["own_reference", "rejected_reference", "resolved"]);

const flagsAt = (curve: LightCurve, i: number, kind: FluxKind): string =>
	[curve.flags[i], ...(kind === "normalised" ? [curve.norm_flags[i]] : [])].filter((text) => text !== "").join("|");

/** Whether a flag speaks against taking a value as it stands. */
export const isSuspicious = (flags: string): boolean =>
	flags !== "" && flags.split("|").some((flag) => !REMARKS.has(flag));

function seriesOf(curve: LightCurve, kind: FluxKind, colour: string, unit: number): PointSeries {
	const isRaw = kind === "raw" || curve.flux_norm_jy.every((value) => value === null);
	const y = numbers(isRaw ? curve.flux_jy : curve.flux_norm_jy);
	const error = numbers(isRaw ? curve.flux_err_jy : curve.flux_norm_err_jy);
	return {
		label: frequency(curve.frequency_mhz),
		colour,
		x: curve.mjd,
		y: y.map((value) => value / unit),
		error: error.map((value) => value / unit),
		isFlagged: (i) => isSuspicious(flagsAt(curve, i, kind)),
	};
}

/** The lens as a line, the best alternative dashed. */
function fittedCurves(
	curve: LightCurve,
	model: CandidateModel | undefined,
	i: number,
	n: number,
	unit: number,
): Curve[] {
	const band = model?.bands.find((one) => one.band_id === curve.band_id);
	if (model === undefined || band === undefined || curve.method !== "forced") return [];
	const line = (y: number[], isDashed: boolean): Curve => ({
		colour: isDashed ? SOFT : bandColour(i, n),
		x: model.mjd,
		y: y.map((value) => value / unit),
		isDashed,
	});
	return [...(model.best_alternative === "none" ? [] : [line(band.alternative_jy, true)]), line(band.lens_jy, false)];
}

/** Light curves, one panel per subband under a common time axis: error bars, flagged points hollow, events shaded. */
export function LightCurveStack(props: LightCurveStackProps) {
	const { curves, kind, overlay, relative, spans, statistics, syncKey, title, model } = props;
	const xRange = useMemo((): [number, number] | undefined => {
		const times = curves.flatMap((curve) =>
			curve.mjd.length === 0 ? [] : [curve.mjd[0], curve.mjd[curve.mjd.length - 1]],
		);
		return times.length === 0 ? undefined : [Math.min(...times), Math.max(...times)];
	}, [curves]);

	const { series, unitName, fitted } = useMemo(() => {
		const largest = Math.max(0, ...curves.map((curve) => Math.abs(median(numbers(curve.flux_jy))) || 0));
		const [scale, name] = largest >= 10 ? [1, "Jy"] : [1e-3, "mJy"];
		return {
			fitted: curves.map((curve, i) =>
				fittedCurves(curve, kind === "normalised" ? model : undefined, i, curves.length, scale),
			),
			unitName: relative === true ? "flux / median" : name,
			series: curves.map((curve, i) => {
				const unit = relative === true ? median(numbers(kind === "raw" ? curve.flux_jy : curve.flux_norm_jy)) : scale;
				return seriesOf(curve, kind, bandColour(i, curves.length), unit);
			}),
		};
	}, [curves, kind, relative, model]);

	if (curves.length === 0) return <p className="empty">There is no measurement of this source yet.</p>;
	if (overlay === true) {
		return (
			<>
				<BandLegend series={series} />
				<Panel
					curves={curves}
					series={series}
					kind={kind}
					unitName={unitName}
					spans={spans}
					xRange={xRange}
					height={props.panelHeight ?? 300}
					syncKey={syncKey}
					isLast
					title={title}
					onPick={props.onPick}
				/>
			</>
		);
	}
	return (
		<div className="stack">
			{curves.map((curve, i) => (
				<Panel
					key={`${curve.band_id}/${curve.method}`}
					curves={[curve]}
					series={[series[i]]}
					fitted={fitted[i]}
					kind={kind}
					unitName={unitName}
					spans={spans}
					xRange={xRange}
					height={(props.panelHeight ?? 120) + (i === curves.length - 1 ? 38 : 0)}
					syncKey={syncKey}
					isLast={i === curves.length - 1}
					title={title}
					onPick={props.onPick}
					statistics={statistics?.find((row) => row.band_id === curve.band_id)}
					showMethod={curves.some((other) => other.method !== curve.method)}
				/>
			))}
		</div>
	);
}

export const BandLegend = ({ series }: { series: { label: string; colour: string }[] }) => (
	<p className="legend">
		{series.map((one) => (
			<span key={one.label}>
				<i style={{ background: one.colour }} aria-hidden="true" />
				{one.label}
			</span>
		))}
	</p>
);

function Panel(props: {
	curves: LightCurve[];
	series: PointSeries[];
	kind: FluxKind;
	unitName: string;
	spans: Span[] | undefined;
	xRange: [number, number] | undefined;
	height: number;
	syncKey: string;
	isLast: boolean;
	title: string;
	onPick: ((mjd: number) => void) | undefined;
	fitted?: Curve[];
	statistics?: BandStatistics | undefined;
	showMethod?: boolean;
}) {
	const { curves, series, kind, unitName, statistics } = props;
	const describe = useCallback(
		(s: number, i: number) => {
			const curve = curves[s];
			const flags = flagsAt(curve, i, kind);
			const value = `${short(series[s].y[i], 4)} ± ${short(series[s].error?.[i], 2)}`;
			const more =
				curves.length > 1
					? `${frequency(curve.frequency_mhz)}: ${value}`
					: `${timeText(curve.mjd[i])}   ${value} ${unitName}   correction ${fixed(curve.correction[i], 3)}`;
			return flags === "" ? more : `${more}   [${flagText(flags)}]`;
		},
		[curves, series, kind, unitName],
	);
	const only = curves.length === 1 ? curves[0] : undefined;
	const flagged = curves.reduce(
		(sum, curve) => sum + curve.mjd.filter((_, i) => isSuspicious(flagsAt(curve, i, kind))).length,
		0,
	);
	const total = curves.reduce((sum, curve) => sum + curve.mjd.length, 0);
	return (
		<PointsPlot
			summary={`${props.title}, ${only === undefined ? "all subbands" : frequency(only.frequency_mhz)}: ${total} measurements against time, ${flagged} flagged. The table below has the numbers.`}
			series={series}
			spans={props.spans ?? NO_SPANS}
			height={props.height}
			yLabel={unitName}
			{...(props.isLast ? { xLabel: "MJD (UTC)" } : {})}
			xAxis={props.isLast}
			syncKey={props.syncKey}
			xRange={props.xRange}
			describe={describe}
			onPick={props.onPick}
			curves={props.fitted}
			heading={
				only === undefined ? undefined : (
					<>
						<i className="swatch" style={{ background: series[0].colour }} aria-hidden="true" />
						<b>{frequency(only.frequency_mhz)}</b>
						{props.showMethod === true && ` ${only.method}`}
						{statistics !== undefined && (
							<span className="soft">
								{" "}
								η {short(statistics.eta)} · V {fixed(statistics.v, 3)} · n {statistics.n}
							</span>
						)}
					</>
				)
			}
		/>
	);
}

const NO_SPANS: Span[] = [];
