import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import type { LightCurve, LightCurves, SourceDetail } from "../api.ts";
import { ASIDE, bandColour, MARK, TIER_COLOURS } from "../charts/colours.ts";
import { type FluxKind, isSuspicious, LightCurveStack } from "../charts/light-curve-stack.tsx";
import type { PointSeries, Span } from "../charts/points.ts";
import { PointsPlot } from "../charts/points-plot.tsx";
import { degrees, fixed, flagText, flux, frequency, hours, mjdDate, mjdText, short, words } from "../format.ts";
import { Answer } from "../parts/answer.tsx";
import { Flags, StatusBadge, TierBadge } from "../parts/badges.tsx";
import { Cutouts } from "../parts/cutouts.tsx";
import { Exports } from "../parts/exports.tsx";
import { Choice, Facts, PageHead, Panel } from "../parts/panel.tsx";
import { type Column, Table } from "../parts/table.tsx";
import * as queries from "../queries.ts";

const KINDS = [
	["normalised", "Normalised"],
	["raw", "Raw"],
] as const;
const LAYOUTS = [
	["stack", "Per subband"],
	["overlay", "Together"],
	["relative", "Relative"],
] as const;

export function LightCurvePanel(props: {
	id: number;
	name: string;
	raDeg: number;
	decDeg: number;
	spans: Span[];
	/** Whose fit is drawn over the points. */
	candidate?: number;
	statistics?: SourceDetail["statistics"];
}) {
	const model = useQuery({
		...queries.candidateModel(props.candidate ?? 0),
		enabled: props.candidate !== undefined,
	});
	const [picked, setPicked] = useState<number | undefined>();
	const [kind, setKind] = useState<FluxKind>("normalised");
	const [layout, setLayout] = useState<"stack" | "overlay" | "relative">("stack");
	const query = useQuery(queries.lightCurves(props.id));
	// The epoch whose images are shown stands as a line among the events.
	const spans = useMemo(
		() =>
			picked === undefined
				? props.spans
				: [...props.spans, { from: picked, to: picked, at: picked, colour: MARK, label: "images" }],
		[props.spans, picked],
	);
	return (
		<>
			<Panel
				title="Light curve"
				tools={
					<>
						<Choice label="Fluxes" value={kind} options={KINDS} onChange={setKind} />
						<Choice label="Layout" value={layout} options={LAYOUTS} onChange={setLayout} />
					</>
				}
			>
				<Answer query={query}>
					{(data) => (
						<>
							<LightCurveStack
								curves={data.curves}
								kind={kind}
								overlay={layout !== "stack"}
								relative={layout === "relative"}
								spans={spans}
								onPick={setPicked}
								model={model.data}
								{...(props.statistics === undefined ? {} : { statistics: props.statistics })}
								syncKey={`source-${props.id}`}
								title={`Light curve of ${props.name}`}
							/>
							{model.data !== undefined && kind === "normalised" && layout === "stack" && (
								<p className="soft">
									Line: the fitted plasma lens.
									{model.data.best_alternative !== "none" &&
										` Dashed: the best alternative, a ${words(model.data.best_alternative)}.`}
								</p>
							)}
							{kind === "normalised" && <CorrectionPlot curves={data.curves} syncKey={`source-${props.id}`} />}
							<MeasurementTable data={data} />
							<Exports product="light-curves" source={props.id} />
						</>
					)}
				</Answer>
			</Panel>
			{query.data !== undefined && (
				<Cutouts
					name={props.name}
					raDeg={props.raDeg}
					decDeg={props.decDeg}
					curves={query.data.curves.filter((curve) => curve.method === "forced")}
					spans={props.spans}
					picked={picked}
					onPick={setPicked}
				/>
			)}
		</>
	);
}

/** What each epoch's fluxes of this source were divided by. */
function CorrectionPlot({ curves, syncKey }: { curves: LightCurve[]; syncKey: string }) {
	const series = useMemo(
		(): PointSeries[] =>
			curves.map((curve, i) => ({
				label: frequency(curve.frequency_mhz),
				colour: bandColour(i, curves.length),
				x: curve.mjd,
				y: Float64Array.from(curve.correction, (value) => value ?? Number.NaN),
				isFlagged: (k) => isSuspicious(curve.norm_flags[k]),
			})),
		[curves],
	);
	const times = curves.flatMap((curve) => curve.mjd);
	if (times.length === 0) return null;
	return (
		<PointsPlot
			summary="Correction applied to this source at each epoch, by subband; hollow where the correction is flagged."
			series={series}
			levels={UNITY}
			height={104}
			yLabel="correction"
			xAxis={false}
			syncKey={syncKey}
			xRange={[Math.min(...times), Math.max(...times)]}
			heading={<b>Correction per epoch</b>}
		/>
	);
}
const UNITY = [{ y: 1, label: "" }];

interface MeasurementRow {
	curve: LightCurve;
	mjd: number;
	i: number;
}
const MEASUREMENT_COLUMNS: Column<MeasurementRow>[] = [
	{ name: "MJD", isNumber: true, cell: ({ mjd }) => mjdText(mjd, 4) },
	{ name: "Date", cell: ({ mjd }) => mjdDate(mjd) },
	{ name: "MHz", isNumber: true, cell: ({ curve }) => fixed(curve.frequency_mhz, 0) },
	{ name: "Method", cell: ({ curve }) => curve.method },
	{ name: "Raw", isNumber: true, cell: ({ curve, i }) => flux(curve.flux_jy[i]) },
	{ name: "± raw", isNumber: true, cell: ({ curve, i }) => flux(curve.flux_err_jy[i]) },
	{ name: "Normalised", isNumber: true, cell: ({ curve, i }) => flux(curve.flux_norm_jy[i]) },
	{ name: "± normalised", isNumber: true, cell: ({ curve, i }) => flux(curve.flux_norm_err_jy[i]) },
	{ name: "Correction", isNumber: true, cell: ({ curve, i }) => fixed(curve.correction[i], 4) },
	{
		name: "Flags",
		cell: ({ curve, i }) => flagText([curve.flags[i], curve.norm_flags[i]].filter((text) => text !== "").join("|")),
	},
];

function MeasurementTable({ data }: { data: LightCurves }) {
	const [isOpen, setIsOpen] = useState(false);
	const rows = isOpen
		? data.curves.flatMap((curve) => curve.mjd.map((mjd, i) => ({ curve, mjd, i }))).sort((a, b) => b.mjd - a.mjd)
		: [];
	const shown = rows.slice(0, 400);
	return (
		<details onToggle={(event) => setIsOpen(event.currentTarget.open)}>
			<summary>Measurements as a table</summary>
			{isOpen && (
				<>
					<Table
						caption="Measurements, newest first"
						rows={shown}
						keyOf={(row) => `${row.curve.band_id}/${row.curve.method}/${row.curve.image_id[row.i]}`}
						empty="None."
						columns={MEASUREMENT_COLUMNS}
					/>
					{rows.length > shown.length && (
						<p className="soft">
							The newest {shown.length} of {rows.length}; all are at{" "}
							<a href={`/api/v1/sources/${data.source_id}/light-curves`}>
								/api/v1/sources/{data.source_id}/light-curves
							</a>
							.
						</p>
					)}
				</>
			)}
		</details>
	);
}

function Neighbours({ source }: { source: SourceDetail }) {
	const query = useQuery(
		queries.sources({ ra: source.ra_deg, dec: source.dec_deg, radius: 0.5, sort: "separation", limit: 11 }),
	);
	return (
		<Panel title="Nearby" flush>
			<Answer query={query}>
				{({ items }) => (
					<Table
						caption="Nearest sources"
						rows={items.filter((row) => row.id !== source.id)}
						keyOf={(row) => row.id}
						empty="None within half a degree."
						columns={[
							{
								name: "Source",
								cell: (row) => (
									<Link to="/sources/$id" params={{ id: String(row.id) }}>
										{row.name}
									</Link>
								),
							},
							{
								name: "Distance",
								isNumber: true,
								cell: (row) => `${fixed((row.separation_arcsec ?? Number.NaN) / 60, 2)}′`,
							},
							{ name: "Flux", isNumber: true, cell: (row) => flux(row.mean_flux_jy) },
							{ name: "η", isNumber: true, cell: (row) => short(row.eta) },
						]}
					/>
				)}
			</Answer>
		</Panel>
	);
}

export const spansOf = (
	candidates: {
		id: number;
		status: string;
		tier: keyof typeof TIER_COLOURS;
		start_mjd: number;
		end_mjd: number;
		peak_mjd?: number;
	}[],
): Span[] =>
	candidates
		.filter((one) => one.status !== "merged")
		.map((one) => ({
			from: one.start_mjd,
			to: one.end_mjd,
			at: one.peak_mjd,
			colour: one.status === "rejected" ? ASIDE : TIER_COLOURS[one.tier],
			label: `candidate ${one.id}`,
		}));

function SourceView({ source }: { source: SourceDetail }) {
	const spans = useMemo(() => spansOf(source.candidates), [source]);
	return (
		<>
			<PageHead
				title={source.name}
				lead={`${hours(source.ra_deg)} ${degrees(source.dec_deg)} (ICRS)${source.field === null ? "" : `, field ${source.field}`}`}
			>
				{source.candidate_id !== null && source.candidate_tier !== null && (
					<Link to="/candidates/$id" params={{ id: String(source.candidate_id) }}>
						<TierBadge tier={source.candidate_tier} /> candidate {source.candidate_id}
					</Link>
				)}
			</PageHead>
			<div className="columns wide-left">
				<div>
					<LightCurvePanel
						id={source.id}
						name={source.name}
						raDeg={source.ra_deg}
						decDeg={source.dec_deg}
						spans={spans}
						statistics={source.statistics}
					/>
				</div>
				<div>
					<Panel title="Source">
						<Facts
							facts={[
								{ name: "RA, Dec", value: `${source.ra_deg.toFixed(5)}°, ${source.dec_deg.toFixed(5)}°` },
								{
									name: "Position error",
									value:
										source.ra_err_arcsec === null
											? "not given"
											: `${fixed(source.ra_err_arcsec, 2)}″, ${fixed(source.dec_err_arcsec, 2)}″`,
								},
								{ name: "Origin", value: source.origin },
								{ name: "Catalogue flux", value: flux(source.catalogue_flux_jy) },
								{ name: "Mean flux", value: flux(source.mean_flux_jy) },
								{ name: "Measurements", value: source.n_measurements },
								{ name: "Last seen", value: mjdDate(source.last_mjd) },
								{
									name: "Best event",
									value: `${fixed(source.significance, 2)} σ`,
									hint: "Gaussian sigmas equivalent to the false-alarm probability",
								},
								{ name: "False alarm", value: short(source.false_alarm_probability) },
							]}
						/>
					</Panel>
					<Panel title="Statistics" flush>
						<Table
							caption="Variability by subband"
							rows={source.statistics}
							keyOf={(row) => row.band_id}
							empty="None yet."
							columns={[
								{ name: "MHz", isNumber: true, cell: (row) => fixed(row.frequency_mhz, 0) },
								{ name: "n", isNumber: true, cell: (row) => row.n },
								{
									name: "Mean",
									isNumber: true,
									hint: "Weighted by the errors",
									cell: (row) => flux(row.weighted_mean_jy),
								},
								...(source.catalogue_flux_jy === null
									? []
									: [
											{
												name: "/ cat.",
												isNumber: true,
												hint: "Mean flux over the catalogue's, which may be of another frequency",
												cell: (row: { weighted_mean_jy: number | null }) =>
													fixed((row.weighted_mean_jy ?? Number.NaN) / (source.catalogue_flux_jy ?? Number.NaN), 3),
											},
										]),
								{ name: "V", isNumber: true, cell: (row) => fixed(row.v, 3) },
								{ name: "η", isNumber: true, cell: (row) => short(row.eta) },
								{
									name: "log p",
									isNumber: true,
									hint: "log10 of the probability of such an eta from noise",
									cell: (row) => (row.log10_p !== null && row.log10_p < -999 ? "<−999" : fixed(row.log10_p, 1)),
								},
								...(source.statistics.some((row) => row.flags !== "")
									? [{ name: "Flags", cell: (row: { flags: string }) => <Flags flags={row.flags} /> }]
									: []),
							]}
						/>
					</Panel>
					<Panel title="Candidates" flush>
						<Table
							caption="Candidates of this source"
							rows={source.candidates}
							keyOf={(row) => row.id}
							empty="None so far."
							columns={[
								{
									name: "Candidate",
									cell: (row) => (
										<Link to="/candidates/$id" params={{ id: String(row.id) }}>
											{row.id}
										</Link>
									),
								},
								{ name: "Status", cell: (row) => <StatusBadge status={row.status} /> },
								{ name: "Tier", cell: (row) => <TierBadge tier={row.tier} /> },
								{ name: "σ", isNumber: true, cell: (row) => fixed(row.significance, 1) },
								{ name: "From", isNumber: true, cell: (row) => mjdText(row.start_mjd, 0) },
								{ name: "To", isNumber: true, cell: (row) => mjdText(row.end_mjd, 0) },
							]}
						/>
					</Panel>
					<Neighbours source={source} />
				</div>
			</div>
		</>
	);
}

export function SourcePage() {
	const { id } = useParams({ from: "/sources/$id" });
	const query = useQuery(queries.source(Number(id)));
	return <Answer query={query}>{(source) => <SourceView key={source.id} source={source} />}</Answer>;
}
