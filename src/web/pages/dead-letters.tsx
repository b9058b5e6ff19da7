import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { type DeadLetter, post } from "../api.ts";
import { moment } from "../format.ts";
import { Answer, ProblemNotice } from "../parts/answer.tsx";
import { StatusBadge } from "../parts/badges.tsx";
import { Choice, PageHead, Panel } from "../parts/panel.tsx";
import { Table } from "../parts/table.tsx";
import * as queries from "../queries.ts";

const STATUSES = [
	["open", "Open"],
	["retried", "Retried"],
	["resolved", "Resolved"],
	["all", "All"],
] as const;

function Resolve({ letter }: { letter: DeadLetter }) {
	const client = useQueryClient();
	const [note, setNote] = useState("");
	const resolve = useMutation({
		mutationFn: () => post(`/api/v1/dead-letters/${letter.id}/resolve`, { note }),
		onSuccess: () =>
			Promise.all([
				client.invalidateQueries({ queryKey: ["dead-letters"] }),
				client.invalidateQueries({ queryKey: ["survey"] }),
			]),
	});
	return (
		<form
			className="inline"
			onSubmit={(event) => {
				event.preventDefault();
				resolve.mutate();
			}}
		>
			<input
				value={note}
				onChange={(event) => setNote(event.target.value)}
				placeholder="why it can be put aside"
				aria-label="Note"
				required
				maxLength={2000}
			/>
			<button type="submit" disabled={resolve.isPending}>
				Resolve
			</button>
			{resolve.isError && <ProblemNotice error={resolve.error} />}
		</form>
	);
}

function Letter({ letter }: { letter: DeadLetter }) {
	return (
		<li>
			<div className="letter-head">
				<b>{letter.subject}</b>
				<StatusBadge status={letter.status} />
				<span className="soft">
					{letter.stage} · {letter.code} · {letter.attempts} attempt{letter.attempts === 1 ? "" : "s"} ·{" "}
					{moment(letter.updated_at)}
				</span>
				{letter.run_id !== null && (
					<Link to="/runs/$id" params={{ id: letter.run_id }}>
						run {letter.run_id}
					</Link>
				)}
			</div>
			<p>
				{letter.reason}. {letter.remedy !== null && <span className="soft">{letter.remedy}.</span>}
			</p>
			{letter.note !== null && <p className="soft">Note: {letter.note}</p>}
			<details>
				<summary>What is needed to run it again</summary>
				<pre>{JSON.stringify(letter.payload, null, 2)}</pre>
			</details>
			{letter.status !== "resolved" && <Resolve letter={letter} />}
		</li>
	);
}

export function DeadLettersPage() {
	const { status } = useSearch({ from: "/dead-letters" });
	const navigate = useNavigate();
	const patterns = useQuery(queries.failurePatterns);
	const query = useQuery(queries.deadLetters(status === "all" ? undefined : status));
	return (
		<>
			<PageHead
				title="Dead letters"
				lead="Inputs that could not be used, each with its reason. Nothing that came in is lost."
			>
				<Choice
					label="Status"
					value={status}
					options={STATUSES}
					onChange={(value) => void navigate({ to: "/dead-letters", search: { status: value } })}
				/>
			</PageHead>
			<Panel title="Patterns" flush>
				<Answer query={patterns}>
					{(rows) => (
						<Table
							caption="Failures by kind"
							rows={rows}
							keyOf={(row) => `${row.stage}/${row.code}`}
							empty="Nothing has failed."
							columns={[
								{ name: "Stage", cell: (row) => row.stage },
								{ name: "Code", cell: (row) => <code>{row.code}</code> },
								{ name: "Open", isNumber: true, cell: (row) => row.open },
								{ name: "Ever", isNumber: true, cell: (row) => row.total },
								{ name: "Latest", cell: (row) => moment(row.latest_at) },
								{ name: "Reason of the latest", cell: (row) => row.latest_reason },
							]}
						/>
					)}
				</Answer>
			</Panel>
			<Panel title="Letters">
				<Answer query={query}>
					{({ items, next_cursor }) =>
						items.length === 0 ? (
							<p className="empty">No letter matches.</p>
						) : (
							<>
								<ul className="letters">
									{items.map((letter) => (
										<Letter key={letter.id} letter={letter} />
									))}
								</ul>
								{next_cursor !== null && <p className="soft">The newest 200; caustic dead-letters list shows all.</p>}
							</>
						)
					}
				</Answer>
			</Panel>
		</>
	);
}
