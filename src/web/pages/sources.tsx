import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { degrees, fixed, flux, hours, short } from "../format.ts";
import { Answer } from "../parts/answer.tsx";
import { TierBadge } from "../parts/badges.tsx";
import { Exports } from "../parts/exports.tsx";
import { Choice, PageHead, Panel } from "../parts/panel.tsx";
import { Table } from "../parts/table.tsx";
import * as queries from "../queries.ts";

const ORDERS = [
	["significance", "Significance"],
	["eta", "η"],
	["v", "V"],
	["flux", "Flux"],
	["name", "Name"],
] as const;

/** `12:34:56 -07:08:09`, `188.73 -7.14` or a part of a name. */
export function parseSearch(text: string): { name?: string; ra?: number; dec?: number; radius?: number } {
	const parts = text
		.trim()
		.replaceAll("−", "-")
		.split(/[\s,]+/);
	if (text.trim() === "") return {};
	if (parts.length === 2) {
		const sexagesimal = (value: string, factor: number) => {
			const match = /^([+-]?)(\d{1,3}):(\d{1,2}):(\d{1,2}(?:\.\d*)?)$/.exec(value);
			if (match === null) return Number.NaN;
			const size = Number(match[2]) + Number(match[3]) / 60 + Number(match[4]) / 3600;
			return (match[1] === "-" ? -size : size) * factor;
		};
		const read = (value: string, factor: number) => (value.includes(":") ? sexagesimal(value, factor) : Number(value));
		const ra = read(parts[0], 15);
		const dec = read(parts[1], 1);
		if (ra >= 0 && ra <= 360 && dec >= -90 && dec <= 90) return { ra, dec, radius: 0.1 };
	}
	return { name: text.trim() };
}

export function SourcesPage() {
	const { sort, find } = useSearch({ from: "/sources" });
	const navigate = useNavigate();
	const [text, setText] = useState(find);
	const [trail, setTrail] = useState<string[]>([]);
	const where = parseSearch(find);
	const isCone = where.ra !== undefined;
	const query = useQuery(
		queries.sources({ ...where, sort: isCone ? "separation" : sort, limit: 100, cursor: trail[trail.length - 1] }),
	);
	const go = (search: { sort?: typeof sort; find?: string }) => {
		setTrail([]);
		void navigate({ to: "/sources", search: { sort, find, ...search } });
	};
	return (
		<>
			<PageHead title="Sources" lead={isCone ? "Within 6′ of the position, nearest first" : undefined}>
				<form
					className="inline"
					onSubmit={(event) => {
						event.preventDefault();
						go({ find: text });
					}}
				>
					<input
						type="search"
						value={text}
						onChange={(event) => setText(event.target.value)}
						placeholder="name, or RA Dec"
						aria-label="Find by name or position"
					/>
					<button type="submit">Find</button>
				</form>
				{!isCone && <Choice label="Order" value={sort} options={ORDERS} onChange={(value) => go({ sort: value })} />}
			</PageHead>
			<Panel title="Sources" flush>
				<Answer query={query}>
					{({ items, next_cursor }) => (
						<>
							<Table
								caption="Sources"
								rows={items}
								keyOf={(row) => row.id}
								empty="No source matches."
								columns={[
									{
										name: "Source",
										cell: (row) => (
											<Link to="/sources/$id" params={{ id: String(row.id) }}>
												{row.name}
											</Link>
										),
									},
									{ name: "RA", isNumber: true, cell: (row) => hours(row.ra_deg) },
									{ name: "Dec", isNumber: true, cell: (row) => degrees(row.dec_deg) },
									...(isCone
										? [
												{
													name: "Distance",
													isNumber: true,
													cell: (row: { separation_arcsec: number | null }) => `${fixed(row.separation_arcsec, 1)}″`,
												},
											]
										: []),
									{
										name: "Flux",
										isNumber: true,
										hint: "Mean of the subbands' weighted means",
										cell: (row) => flux(row.mean_flux_jy),
									},
									{
										name: "η",
										isNumber: true,
										hint: "Reduced chi-square about the weighted mean",
										cell: (row) => short(row.eta),
									},
									{ name: "V", isNumber: true, hint: "Standard deviation over mean", cell: (row) => fixed(row.v, 3) },
									{ name: "n", isNumber: true, cell: (row) => row.n_measurements },
									{
										name: "σ",
										isNumber: true,
										hint: "Significance of the best event",
										cell: (row) => fixed(row.significance, 1),
									},
									{ name: "Origin", cell: (row) => <span className="soft">{row.origin}</span> },
									{
										name: "Candidate",
										cell: (row) =>
											row.candidate_id === null || row.candidate_tier === null ? (
												""
											) : (
												<Link to="/candidates/$id" params={{ id: String(row.candidate_id) }}>
													<TierBadge tier={row.candidate_tier} />
												</Link>
											),
									},
								]}
							/>
							<div className="pager">
								<Exports product="sources" />
								<button type="button" disabled={trail.length === 0} onClick={() => setTrail(trail.slice(0, -1))}>
									Back
								</button>
								<button
									type="button"
									disabled={next_cursor === null}
									onClick={() => next_cursor !== null && setTrail([...trail, next_cursor])}
								>
									Further
								</button>
							</div>
						</>
					)}
				</Answer>
			</Panel>
		</>
	);
}
