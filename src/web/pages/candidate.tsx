import { useQueries, useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import type { Candidate, CandidateEvent } from "../api.ts";
import { MARK, TIER_COLOURS } from "../charts/colours.ts";
import type { PointSeries } from "../charts/points.ts";
import { PointsPlot, timeText } from "../charts/points-plot.tsx";
import { Sparkline } from "../charts/sparkline.tsx";
import { degrees, fixed, flux, hours, mjdDate, mjdText, moment, short, words } from "../format.ts";
import { Answer } from "../parts/answer.tsx";
import { Flags, StatusBadge, TierBadge } from "../parts/badges.tsx";
import { Explanation } from "../parts/explanation.tsx";
import { useKeys } from "../parts/keys.ts";
import { Facts, PageHead, Panel } from "../parts/panel.tsx";
import { VerdictButtons, VerdictDialog, type VerdictKind, verdictsFor } from "../parts/verdict.tsx";
import * as queries from "../queries.ts";
import { LightCurvePanel, spansOf } from "./source.tsx";

function SignificanceOverTime({ history, candidate }: { history: CandidateEvent[]; candidate: Candidate }) {
	const series = useMemo((): PointSeries[] => {
		const scored = history
			.filter((event) => typeof event.snapshot.significance === "number" && typeof event.snapshot.last_mjd === "number")
			.sort((a, b) => Number(a.snapshot.last_mjd) - Number(b.snapshot.last_mjd));
		return [
			{
				label: "significance",
				colour: MARK,
				x: scored.map((event) => Number(event.snapshot.last_mjd)),
				y: scored.map((event) => Number(event.snapshot.significance)),
				line: true,
			},
		];
	}, [history]);
	const [{ x, y }] = series;
	const highest = Math.max(0, ...Array.from(y));
	const last = x.length === 0 ? candidate.end_mjd : Math.max(candidate.end_mjd, x[x.length - 1]);
	const spans = useMemo(() => spansOf([candidate]), [candidate]);
	const levels = useMemo(
		() => [
			{ y: 7, label: "high", colour: TIER_COLOURS.high },
			{ y: 5, label: "medium", colour: TIER_COLOURS.medium },
		],
		[],
	);
	if (x.length === 0) return <p className="empty">No score carries a time yet.</p>;
	return (
		<PointsPlot
			summary={`Significance as epochs came in: ${x.length} scores, now ${fixed(y[y.length - 1], 1)} sigma`}
			series={series}
			levels={levels}
			height={190}
			yLabel="σ"
			xLabel="newest epoch, MJD (UTC)"
			spans={spans}
			xRange={[Math.min(candidate.start_mjd, x[0]) - 10, last + 5]}
			yRange={[0, Math.max(8, highest * 1.1)]}
			describe={(_, i) => `${timeText(x[i])}   ${fixed(y[i], 2)} σ`}
		/>
	);
}

function History({ history }: { history: CandidateEvent[] }) {
	return (
		<ol className="history">
			{history.toReversed().map((event) => (
				<li key={event.seq} className={`is-${event.kind}`}>
					<div>
						<b>{event.kind}</b> by {event.actor}
						<time dateTime={event.at}>{moment(event.at)}</time>
					</div>
					{event.reason_class !== null && <span className="badge is-off">{words(event.reason_class)}</span>}
					{event.reason !== null && <p>{event.reason}</p>}
					{typeof event.snapshot.significance === "number" && (
						<p className="soft">
							at {fixed(event.snapshot.significance, 2)} σ, {event.snapshot.tier ?? "–"} tier
							{typeof event.snapshot.n_measurements === "number" && `, ${event.snapshot.n_measurements} measurements`}
						</p>
					)}
				</li>
			))}
		</ol>
	);
}

/** What the nearest sources did at the same epochs: a jump common to a field is no event. */
function Neighbours({ candidate }: { candidate: Candidate }) {
	const near = useQuery(
		queries.sources({ ra: candidate.ra_deg, dec: candidate.dec_deg, radius: 0.5, sort: "separation", limit: 7 }),
	);
	const others = (near.data?.items ?? []).filter((row) => row.id !== candidate.source_id).slice(0, 5);
	const curves = useQueries({ queries: others.map((row) => queries.lightCurves(row.id)) });
	const times = curves.flatMap((query) => query.data?.curves.flatMap((curve) => curve.mjd) ?? []);
	const low = times.reduce((least, time) => Math.min(least, time), Infinity);
	const high = times.reduce((most, time) => Math.max(most, time), -Infinity);
	return (
		<Panel
			title="Neighbours at the same epochs"
			tools={<span className="soft">normalised over median, 0.5 to 1.5</span>}
		>
			<Answer query={near}>
				{() =>
					others.length === 0 ? (
						<p className="empty">None within half a degree.</p>
					) : (
						<ul className="neighbours">
							{others.map((row, i) => (
								<li key={row.id}>
									<div>
										<Link to="/sources/$id" params={{ id: String(row.id) }}>
											{row.name}
										</Link>
										<span className="soft">
											{fixed((row.separation_arcsec ?? Number.NaN) / 60, 1)}′ · {flux(row.mean_flux_jy)} · η{" "}
											{short(row.eta)}
										</span>
									</div>
									<Sparkline
										curves={curves[i]?.data?.curves ?? []}
										from={candidate.start_mjd}
										to={candidate.end_mjd}
										low={low}
										high={high}
										label={`Relative flux of ${row.name}, the event's interval shaded`}
									/>
								</li>
							))}
						</ul>
					)
				}
			</Answer>
		</Panel>
	);
}

function CandidateView({ candidate }: { candidate: Candidate }) {
	const [verdict, setVerdict] = useState<VerdictKind | undefined>();
	const history = useQuery(queries.candidateHistory(candidate.id));
	const spans = useMemo(() => spansOf([candidate]), [candidate]);
	const choose = (kind: VerdictKind) => {
		if (verdictsFor(candidate.status).includes(kind)) setVerdict(kind);
	};
	useKeys({ c: () => choose("confirm"), r: () => choose("reject"), m: () => choose("comment") });
	return (
		<>
			<PageHead
				title={
					<>
						Candidate {candidate.id} <TierBadge tier={candidate.tier} /> <StatusBadge status={candidate.status} />
					</>
				}
				lead={
					<>
						<Link to="/sources/$id" params={{ id: String(candidate.source_id) }}>
							{candidate.source}
						</Link>{" "}
						at {hours(candidate.ra_deg)} {degrees(candidate.dec_deg)}
					</>
				}
			>
				<VerdictButtons candidate={candidate} onChoose={setVerdict} />
			</PageHead>
			{candidate.merged_into !== null && (
				<p className="notice">
					Merged into{" "}
					<Link to="/candidates/$id" params={{ id: String(candidate.merged_into) }}>
						candidate {candidate.merged_into}
					</Link>
				</p>
			)}
			<div className="columns wide-left">
				<div>
					<LightCurvePanel
						id={candidate.source_id}
						name={candidate.source}
						raDeg={candidate.ra_deg}
						decDeg={candidate.dec_deg}
						spans={spans}
						{...(typeof candidate.explanation.alpha_1400mhz === "number" ? { candidate: candidate.id } : {})}
					/>
					<Panel title="Significance over time">
						<Answer query={history}>
							{(events) => <SignificanceOverTime history={events} candidate={candidate} />}
						</Answer>
					</Panel>
					<Neighbours candidate={candidate} />
				</div>
				<div>
					<Panel title="Score">
						<Facts
							facts={[
								{
									name: "Significance",
									value: `${fixed(candidate.significance, 2)} σ`,
									hint: "Gaussian sigmas equivalent to the false-alarm probability",
								},
								{
									name: "False alarm",
									value: short(candidate.false_alarm_probability),
									hint: "Probability per source",
								},
								{ name: "Statistic", value: short(candidate.statistic, 4) },
								{ name: "Depth", value: fixed(candidate.depth, 3) },
								{ name: "Duration", value: `${fixed(candidate.duration_days, 1)} d` },
								{ name: "Chromaticity", value: fixed(candidate.chromaticity, 2) },
								{ name: "Start", value: `${mjdText(candidate.start_mjd)} (${mjdDate(candidate.start_mjd)})` },
								{ name: "Peak", value: `${mjdText(candidate.peak_mjd)} (${mjdDate(candidate.peak_mjd)})` },
								{ name: "End", value: `${mjdText(candidate.end_mjd)} (${mjdDate(candidate.end_mjd)})` },
								{ name: "First to be seen", value: mjdText(candidate.first_detected_mjd) },
								{ name: "Measurements", value: candidate.n_measurements },
								{ name: "Flags", value: candidate.flags === "" ? "none" : <Flags flags={candidate.flags} /> },
							]}
						/>
					</Panel>
					<Panel title="History">
						<Answer query={history}>{(events) => <History history={events} />}</Answer>
					</Panel>
					<Panel title="Why">
						<Explanation value={candidate.explanation} />
					</Panel>
				</div>
			</div>
			{verdict !== undefined && (
				<VerdictDialog candidate={candidate} kind={verdict} onClose={() => setVerdict(undefined)} />
			)}
		</>
	);
}

export function CandidatePage() {
	const { id } = useParams({ from: "/candidates/$id" });
	const query = useQuery(queries.candidate(Number(id)));
	return <Answer query={query}>{(candidate) => <CandidateView key={candidate.id} candidate={candidate} />}</Answer>;
}
