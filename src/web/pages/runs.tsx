import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import type { Run } from "../api.ts";
import { count, duration, moment, secondsBetween } from "../format.ts";
import { Answer } from "../parts/answer.tsx";
import { StatusBadge } from "../parts/badges.tsx";
import { Explanation } from "../parts/explanation.tsx";
import { Gantt, StageBars } from "../parts/gantt.tsx";
import { Facts, PageHead, Panel } from "../parts/panel.tsx";
import { Table } from "../parts/table.tsx";
import * as queries from "../queries.ts";

export function RunsPage() {
	const query = useQuery(queries.runs(100));
	return (
		<>
			<PageHead title="Runs" lead="Newest first. What a run stored stays when it is begun again." />
			<Panel title="Runs" flush>
				<Answer query={query}>
					{({ items }) => (
						<Table
							caption="Runs, newest first"
							rows={items}
							keyOf={(row) => row.id}
							empty="Nothing has run yet. Begin with: caustic run PATH"
							columns={[
								{
									name: "Run",
									cell: (row) => (
										<Link to="/runs/$id" params={{ id: row.id }} className="name">
											{row.id}
										</Link>
									),
								},
								{ name: "Status", cell: (row) => <StatusBadge status={row.status} /> },
								{ name: "Begun (UTC)", cell: (row) => moment(row.created_at) },
								{
									name: "Took",
									isNumber: true,
									cell: (row) => duration(secondsBetween(row.created_at, row.finished_at)),
								},
								{ name: "Work", cell: (row) => row.kind },
								{ name: "Inputs", cell: inputsOf },
								{ name: "Stages", cell: (row) => <StageBars stages={row.stages} /> },
							]}
						/>
					)}
				</Answer>
			</Panel>
		</>
	);
}

/** What a run was given, in a few words. */
function inputsOf({ inputs }: Run): string {
	const { paths, sources, images } = inputs;
	const named = (what: number[] | "all" | undefined, noun: string) =>
		what === undefined
			? []
			: [what === "all" ? `every ${noun}` : `${count(what.length)} ${noun}${what.length === 1 ? "" : "s"}`];
	return [...(paths ?? []), ...named(sources, "source"), ...named(images, "image")].join(", ");
}

interface SpanSummary {
	name: string;
	n: number;
	total: number;
	longest: number;
	failed: number;
}

function summarise(spans: { name: string; duration_ms: number; failed: boolean }[]): SpanSummary[] {
	const byName = new Map<string, SpanSummary>();
	for (const span of spans) {
		const row = byName.get(span.name) ?? { name: span.name, n: 0, total: 0, longest: 0, failed: 0 };
		row.n += 1;
		row.total += span.duration_ms / 1000;
		row.longest = Math.max(row.longest, span.duration_ms / 1000);
		row.failed += span.failed ? 1 : 0;
		byName.set(span.name, row);
	}
	return [...byName.values()].sort((a, b) => b.total - a.total).slice(0, 25);
}

export function RunPage() {
	const { id } = useParams({ from: "/runs/$id" });
	const query = useQuery(queries.run(id));
	const timeline = useQuery(queries.timeline(id, query.data?.status === "running"));
	return (
		<Answer query={query}>
			{(run) => (
				<>
					<PageHead title={`Run ${run.id}`} lead={`${run.kind}: ${inputsOf(run)}`}>
						{run.stages.some((stage) => stage.stage === "report" && stage.done > 0) && (
							<a href={`/api/v1/runs/${encodeURIComponent(run.id)}/report`} target="_blank" rel="noreferrer">
								Report
							</a>
						)}
						<StatusBadge status={run.status} />
					</PageHead>
					<Panel title="Run">
						<Facts
							facts={[
								{ name: "Begun (UTC)", value: moment(run.created_at) },
								{ name: "Ended (UTC)", value: moment(run.finished_at) },
								{ name: "Took", value: duration(secondsBetween(run.created_at, run.finished_at)) },
								{ name: "Set going", value: run.inputs.trigger ?? "–" },
								{
									name: "Configuration",
									value: <code title={run.configuration_hash}>{run.configuration_hash.slice(0, 12)}</code>,
								},
								{ name: "Trace", value: <code title={run.trace_id ?? ""}>{run.trace_id?.slice(0, 12) ?? "–"}</code> },
							]}
						/>
					</Panel>
					<Panel title="Timeline">
						<Answer query={timeline}>
							{(data) =>
								data.units.length === 0 ? (
									<p className="empty">No stage has begun.</p>
								) : (
									<>
										<Gantt units={data.units} stages={run.stages} begun={run.created_at} ended={run.finished_at} />
										<p className="legend">
											{["done", "running", "failed"].map((status) => (
												<span key={status}>
													<i className={`bar is-${status}`} aria-hidden="true" />
													{status}
												</span>
											))}
											<span className="soft">Rest the pointer on a bar for its unit.</span>
										</p>
									</>
								)
							}
						</Answer>
					</Panel>
					<div className="columns">
						<div>
							<Panel title="Stages" flush>
								<Table
									caption="Stages of the run"
									rows={run.stages}
									keyOf={(row) => row.stage}
									empty="No stage has begun."
									columns={[
										{ name: "Stage", cell: (row) => row.stage },
										{ name: "Done", isNumber: true, cell: (row) => `${count(row.done)} / ${count(row.units)}` },
										{ name: "Running", isNumber: true, cell: (row) => count(row.running) },
										{
											name: "Failed",
											isNumber: true,
											cell: (row) => <span className={row.failed > 0 ? "bad" : "soft"}>{count(row.failed)}</span>,
										},
										{
											name: "Wall",
											isNumber: true,
											cell: (row) => duration(secondsBetween(row.started_at, row.finished_at)),
										},
										{
											name: "Busy",
											isNumber: true,
											hint: "Sum over the units",
											cell: (row) => duration(row.busy_seconds),
										},
									]}
								/>
							</Panel>
							<Panel title="Summary">
								<Explanation value={inOrder(run)} />
							</Panel>
						</div>
						<Panel title="Where the time went" flush>
							<Answer query={timeline}>
								{(data) => (
									<Table
										caption="Spans of the trace by total time"
										rows={summarise(data.spans)}
										keyOf={(row) => row.name}
										empty="No spans are stored for this run."
										columns={[
											{ name: "Span", cell: (row) => <code>{row.name}</code> },
											{ name: "n", isNumber: true, cell: (row) => count(row.n) },
											{ name: "Total", isNumber: true, cell: (row) => duration(row.total) },
											{ name: "Longest", isNumber: true, cell: (row) => duration(row.longest) },
										]}
									/>
								)}
							</Answer>
						</Panel>
					</div>
					<Failures units={timeline.data?.units ?? []} />
				</>
			)}
		</Answer>
	);
}

/** The summary's parts in the order of the stages. */
function inOrder(run: Run): Record<string, unknown> {
	const names = run.stages.map((stage) => stage.stage);
	const place = (name: string) => (names.includes(name) ? names.indexOf(name) : names.length);
	return Object.fromEntries(Object.entries(run.summary).sort(([a], [b]) => place(a) - place(b)));
}

function Failures({ units }: { units: { stage: string; unit: string; error: string | null; status: string }[] }) {
	const failed = units.filter((unit) => unit.error !== null);
	if (failed.length === 0) return null;
	return (
		<Panel title="What failed" flush>
			<Table
				caption="Units with an error"
				rows={failed}
				keyOf={(row) => `${row.stage}/${row.unit}`}
				empty=""
				columns={[
					{ name: "Stage", cell: (row) => row.stage },
					{ name: "Unit", cell: (row) => row.unit },
					{ name: "Now", cell: (row) => <StatusBadge status={row.status} /> },
					{ name: "Error", cell: (row) => row.error },
				]}
			/>
		</Panel>
	);
}
