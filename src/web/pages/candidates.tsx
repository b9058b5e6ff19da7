import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect, useMemo, useState } from "react";
import type { Candidate } from "../api.ts";
import { LightCurveStack } from "../charts/light-curve-stack.tsx";
import { count, fixed, mjdDate, short } from "../format.ts";
import { Answer } from "../parts/answer.tsx";
import { Flags, StatusBadge, TierBadge } from "../parts/badges.tsx";
import { Exports } from "../parts/exports.tsx";
import { useKeys } from "../parts/keys.ts";
import { Choice, Facts, PageHead, Panel } from "../parts/panel.tsx";
import { Table } from "../parts/table.tsx";
import { VerdictButtons, VerdictDialog, type VerdictKind, verdictsFor } from "../parts/verdict.tsx";
import * as queries from "../queries.ts";
import { spansOf } from "./source.tsx";

const STATUSES = [
	["open", "Open"],
	["confirmed", "Confirmed"],
	["rejected", "Rejected"],
	["all", "All"],
] as const;
const TIERS = [
	["all", "Every tier"],
	["high", "High"],
	["medium", "Medium"],
	["low", "Low"],
] as const;
const ORDERS = [
	["queue", "Queue"],
	["significance", "Significance"],
	["newest", "Newest"],
] as const;

function Preview({ candidate, onChoose }: { candidate: Candidate; onChoose: (kind: VerdictKind) => void }) {
	const curves = useQuery(queries.lightCurves(candidate.source_id));
	const spans = useMemo(() => spansOf([candidate]), [candidate]);
	return (
		<Panel
			title={
				<>
					<Link to="/candidates/$id" params={{ id: String(candidate.id) }}>
						Candidate {candidate.id}
					</Link>{" "}
					<span className="soft">{candidate.source}</span>
				</>
			}
			tools={<VerdictButtons candidate={candidate} onChoose={onChoose} />}
		>
			<Facts
				facts={[
					{ name: "Significance", value: `${fixed(candidate.significance, 2)} σ` },
					{ name: "False alarm", value: short(candidate.false_alarm_probability) },
					{ name: "Depth", value: fixed(candidate.depth, 2) },
					{ name: "Duration", value: `${fixed(candidate.duration_days, 1)} d` },
					...(candidate.flags === "" ? [] : [{ name: "Flags", value: <Flags flags={candidate.flags} /> }]),
				]}
			/>
			<Answer query={curves}>
				{(data) => (
					<LightCurveStack
						curves={data.curves}
						kind="normalised"
						spans={spans}
						panelHeight={data.curves.length > 4 ? 74 : 92}
						syncKey={`preview-${candidate.id}`}
						title={`Light curve of ${candidate.source}`}
					/>
				)}
			</Answer>
		</Panel>
	);
}

export function CandidatesPage() {
	const { status, tier, sort } = useSearch({ from: "/candidates" });
	const navigate = useNavigate();
	const [selectedId, setSelectedId] = useState<number | undefined>();
	const [verdict, setVerdict] = useState<VerdictKind | undefined>();
	const counts = useQuery(queries.candidateCounts);
	const query = useQuery(
		queries.candidates({
			status: status === "all" ? undefined : status,
			tier: tier === "all" ? undefined : tier,
			sort,
			limit: 200,
		}),
	);
	const items = query.data?.items ?? [];
	const index = Math.max(
		0,
		items.findIndex((row) => row.id === selectedId),
	);
	const selected = items[index] as Candidate | undefined;
	const [last, setLast] = useState(0);
	useEffect(() => setLast(index), [index]);
	// When a verdict takes the selected row out of the list, the one that takes its place is next.
	useEffect(() => {
		if (selectedId !== undefined && items.length > 0 && !items.some((row) => row.id === selectedId)) {
			setSelectedId(items[Math.min(last, items.length - 1)].id);
		}
	}, [items, selectedId, last]);

	const select = (i: number) => {
		const row = items[Math.min(items.length - 1, Math.max(0, i))];
		if (row === undefined) return;
		setSelectedId(row.id);
		document.querySelector('tr[aria-selected="true"]')?.scrollIntoView({ block: "nearest" });
	};
	const choose = (kind: VerdictKind) => {
		if (selected !== undefined && verdictsFor(selected.status).includes(kind)) setVerdict(kind);
	};
	useKeys({
		j: () => select(index + 1),
		k: () => select(index - 1),
		ArrowDown: () => select(index + 1),
		ArrowUp: () => select(index - 1),
		c: () => choose("confirm"),
		r: () => choose("reject"),
		m: () => choose("comment"),
		Enter: () =>
			selected !== undefined && void navigate({ to: "/candidates/$id", params: { id: String(selected.id) } }),
	});
	const go = (search: Partial<{ status: typeof status; tier: typeof tier; sort: typeof sort }>) =>
		void navigate({ to: "/candidates", search: { status, tier, sort, ...search } });
	const tierCount = (name: string) =>
		(counts.data ?? [])
			.filter((row) => (status === "all" || row.status === status) && (name === "all" || row.tier === name))
			.reduce((sum, row) => sum + row.n, 0);

	return (
		<>
			<PageHead title="Candidates">
				<Choice label="Status" value={status} options={STATUSES} onChange={(value) => go({ status: value })} />
				<Choice
					label="Tier"
					value={tier}
					options={TIERS.map(([value, text]) => [value, `${text} ${count(tierCount(value))}`] as const)}
					onChange={(value) => go({ tier: value })}
				/>
				<Choice label="Order" value={sort} options={ORDERS} onChange={(value) => go({ sort: value })} />
			</PageHead>
			<p className="keys">
				<kbd>j</kbd> <kbd>k</kbd> next, previous · <kbd>c</kbd> confirm · <kbd>r</kbd> reject · <kbd>m</kbd> comment ·{" "}
				<kbd>Enter</kbd> open
			</p>
			<div className="columns even">
				<Panel title="Queue" flush>
					<Answer query={query}>
						{() => (
							<Table
								caption="Candidates"
								rows={items}
								keyOf={(row) => row.id}
								selected={selected?.id}
								onSelect={(row) => setSelectedId(row.id)}
								empty="No candidate matches."
								columns={[
									{
										name: "Id",
										isNumber: true,
										cell: (row) => (
											<Link to="/candidates/$id" params={{ id: String(row.id) }}>
												{row.id}
											</Link>
										),
									},
									{ name: "Tier", cell: (row) => <TierBadge tier={row.tier} /> },
									{ name: "σ", isNumber: true, hint: "Gaussian sigmas", cell: (row) => fixed(row.significance, 1) },
									{
										name: "FAP",
										isNumber: true,
										hint: "False-alarm probability",
										cell: (row) => short(row.false_alarm_probability, 2),
									},
									{ name: "Source", cell: (row) => <span className="name">{row.source}</span> },
									{ name: "Peak", isNumber: true, cell: (row) => mjdDate(row.peak_mjd) },
									{ name: "Days", isNumber: true, cell: (row) => fixed(row.duration_days, 0) },
									{ name: "Depth", isNumber: true, cell: (row) => fixed(row.depth, 2) },
									{ name: "Status", cell: (row) => <StatusBadge status={row.status} /> },
								]}
							/>
						)}
					</Answer>
					<Exports product="candidates" />
				</Panel>
				{selected !== undefined && <Preview key={selected.id} candidate={selected} onChoose={setVerdict} />}
			</div>
			{verdict !== undefined && selected !== undefined && (
				<VerdictDialog candidate={selected} kind={verdict} onClose={() => setVerdict(undefined)} />
			)}
		</>
	);
}
