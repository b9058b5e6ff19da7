import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ASIDE, MARK } from "../charts/colours.ts";
import { LinesPlot } from "../charts/lines-plot.tsx";
import { bytes, count, duration, fixed, mjdDate, mjdText, moment, secondsBetween } from "../format.ts";
import { type LiveEvent, useLive } from "../live.ts";
import { Answer } from "../parts/answer.tsx";
import { StatusBadge, TierBadge } from "../parts/badges.tsx";
import { StageBars } from "../parts/gantt.tsx";
import { PageHead, Panel } from "../parts/panel.tsx";
import { Table } from "../parts/table.tsx";
import * as queries from "../queries.ts";

const Tile = (props: { name: string; value: string; note?: string; to?: string }) => {
	const inside = (
		<>
			<span className="tile-name">{props.name}</span>
			<span className="tile-value">{props.value}</span>
			<span className="tile-note">{props.note ?? "\u00a0"}</span>
		</>
	);
	return props.to === undefined ? (
		<div className="tile">{inside}</div>
	) : (
		<Link className="tile" to={props.to}>
			{inside}
		</Link>
	);
};

function Tiles() {
	const query = useQuery(queries.survey);
	return (
		<Answer query={query}>
			{(survey) => (
				<div className="tiles">
					<Tile
						name="Sources"
						value={count(survey.sources)}
						to="/sources"
						note={`${survey.fields} field${survey.fields === 1 ? "" : "s"}`}
					/>
					<Tile
						name="Epochs"
						value={count(survey.epochs)}
						note={
							survey.first_mjd === null ? "none yet" : `${mjdDate(survey.first_mjd)} to ${mjdDate(survey.last_mjd)}`
						}
					/>
					<Tile
						name="Images"
						value={count(survey.images)}
						note={`${survey.bands} subband${survey.bands === 1 ? "" : "s"}`}
					/>
					<Tile
						name="Measurements"
						value={count(survey.measurements)}
						note={`${bytes(survey.database_bytes)} stored`}
					/>
					<Tile
						name="Open candidates"
						value={count(survey.candidates_open)}
						to="/candidates"
						note={`${survey.candidates_confirmed} confirmed`}
					/>
					<Tile
						name="Dead letters"
						value={count(survey.dead_letters_open)}
						to="/dead-letters"
						note="inputs that wait"
					/>
				</div>
			)}
		</Answer>
	);
}

function LatestRuns() {
	const query = useQuery(queries.runs(6));
	return (
		<Panel title="Latest runs" tools={<Link to="/runs">All runs</Link>}>
			<Answer query={query}>
				{({ items }) =>
					items.length === 0 ? (
						<p className="empty">Nothing has run yet. Begin with: caustic run PATH</p>
					) : (
						<ul className="run-list">
							{items.map((run) => (
								<li key={run.id}>
									<div>
										<Link to="/runs/$id" params={{ id: run.id }}>
											{run.id}
										</Link>
										<StatusBadge status={run.status} />
										<span className="soft">
											{moment(run.created_at)} · {duration(secondsBetween(run.created_at, run.finished_at))}
										</span>
									</div>
									<StageBars stages={run.stages} />
								</li>
							))}
						</ul>
					)
				}
			</Answer>
		</Panel>
	);
}

function OpenCandidates() {
	const query = useQuery(queries.candidates({ status: "open", limit: 6 }));
	return (
		<Panel title="First in the queue" tools={<Link to="/candidates">Review</Link>} flush>
			<Answer query={query}>
				{({ items }) => (
					<Table
						caption="Open candidates"
						rows={items}
						keyOf={(row) => row.id}
						empty="No candidate is open."
						columns={[
							{
								name: "Source",
								cell: (row) => (
									<Link to="/candidates/$id" params={{ id: String(row.id) }}>
										{row.source}
									</Link>
								),
							},
							{ name: "Tier", cell: (row) => <TierBadge tier={row.tier} /> },
							{ name: "σ", isNumber: true, cell: (row) => fixed(row.significance, 1) },
							{ name: "Peak", isNumber: true, cell: (row) => mjdDate(row.peak_mjd) },
							{ name: "Days", isNumber: true, cell: (row) => fixed(row.duration_days, 0) },
						]}
					/>
				)}
			</Answer>
		</Panel>
	);
}

function ErrorRates() {
	const query = useQuery(queries.errorRates);
	return (
		<Panel title="Stages, last 7 days" flush>
			<Answer query={query}>
				{(rows) => (
					<Table
						caption="Error rate by stage"
						rows={rows}
						keyOf={(row) => row.stage}
						empty="No stage has ended in the last 7 days."
						columns={[
							{ name: "Stage", cell: (row) => row.stage },
							{ name: "Units", isNumber: true, cell: (row) => count(row.units) },
							{ name: "Median", isNumber: true, cell: (row) => duration(row.median_seconds) },
							{ name: "Retried", isNumber: true, cell: (row) => count(row.retried) },
							{
								name: "Failed",
								isNumber: true,
								cell: (row) => (
									<span className={row.failed > 0 ? "bad" : "soft"}>
										{((100 * row.failed) / Math.max(1, row.units)).toFixed(1)} %
									</span>
								),
							},
						]}
					/>
				)}
			</Answer>
		</Panel>
	);
}

function ResourceGraphs() {
	const query = useQuery(queries.resources);
	return (
		<Panel title="Resources">
			<Answer query={query}>
				{(data) => {
					const percent = (values: (number | null)[]) => values.map((value) => (value === null ? null : 100 * value));
					const last = (values: (number | null)[]) => values[values.length - 1];
					return (
						<>
							<LinesPlot
								summary={`CPU: machine ${fixed((last(data.cpu_machine) ?? 0) * 100, 0)} percent, service ${fixed((last(data.cpu_process) ?? 0) * 100, 0)} percent`}
								time={data.time}
								height={104}
								unit="%"
								high={100}
								lines={[
									{ label: "CPU, machine", colour: ASIDE, values: percent(data.cpu_machine), fill: true },
									{ label: "CPU, this process", colour: MARK, values: percent(data.cpu_process) },
								]}
							/>
							<LinesPlot
								summary={`Memory of the service: ${fixed(last(data.memory_process_mb), 0)} MB`}
								time={data.time}
								height={104}
								unit=" MB"
								lines={[{ label: "Memory, this process", colour: MARK, values: data.memory_process_mb, fill: true }]}
							/>
							<p className="soft">
								Event loop delay {fixed(last(data.event_loop_delay_ms), 0)} ms ·{" "}
								{bytes((last(data.disk_free_mb) ?? 0) * 2 ** 20)} of disk free
							</p>
						</>
					);
				}}
			</Answer>
		</Panel>
	);
}

function subject(event: LiveEvent): string {
	const data = event.data as { stage?: string; unit?: string; kind?: string; status?: string };
	return [event.subject, data.unit, data.kind, data.status]
		.filter((part) => part !== undefined && part !== "")
		.join(" · ");
}

function EventList() {
	const { recent } = useLive();
	return (
		<Panel title="As it happens" flush={recent.length === 0}>
			{recent.length === 0 ? (
				<p className="empty">Events appear here as they come.</p>
			) : (
				<ol className="events">
					{recent.slice(0, 12).map((event) => (
						<li key={event.id}>
							<time>{event.time.slice(11, 19)}</time> <b>{event.type}</b> <span className="soft">{subject(event)}</span>
						</li>
					))}
				</ol>
			)}
		</Panel>
	);
}

function LatestEpochs() {
	const query = useQuery(queries.epochs(8));
	return (
		<Panel title="Latest epochs" tools={<Link to="/normalization">Normalization</Link>} flush>
			<Answer query={query}>
				{({ items }) => (
					<Table
						caption="Latest epochs"
						rows={items}
						keyOf={(row) => row.id}
						empty="There is no epoch yet."
						columns={[
							{ name: "Date", cell: (row) => <span className="name">{mjdDate(row.mjd)}</span> },
							{ name: "MJD", isNumber: true, cell: (row) => mjdText(row.mjd) },
							{ name: "Field", cell: (row) => row.field },
							{ name: "Images", isNumber: true, cell: (row) => row.images },
							{
								name: "Correction",
								isNumber: true,
								hint: "Least and greatest over the epoch's images",
								cell: (row) => `${fixed(row.correction_low, 3)} … ${fixed(row.correction_high, 3)}`,
							},
							{
								name: "Flagged",
								isNumber: true,
								cell: (row) => (
									<span className={row.suspicious_images > 0 ? "bad" : "soft"}>{row.suspicious_images}</span>
								),
							},
						]}
					/>
				)}
			</Answer>
		</Panel>
	);
}

export function OverviewPage() {
	return (
		<>
			<PageHead title="Overview" />
			<Tiles />
			<div className="columns">
				<div>
					<LatestRuns />
					<ErrorRates />
					<LatestEpochs />
				</div>
				<div>
					<OpenCandidates />
					<ResourceGraphs />
					<EventList />
				</div>
			</div>
		</>
	);
}
