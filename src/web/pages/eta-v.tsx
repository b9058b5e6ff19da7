import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback, useMemo } from "react";
import type { Statistics } from "../api.ts";
import { PLAIN, SOFT, TIER_COLOURS, WARM } from "../charts/colours.ts";
import { Scatter } from "../charts/scatter.tsx";
import type { ScatterPoint } from "../charts/scatter-drawing.ts";
import { count, fixed, flux, frequency, short } from "../format.ts";
import { Answer } from "../parts/answer.tsx";
import { TierBadge } from "../parts/badges.tsx";
import { PageHead, Panel } from "../parts/panel.tsx";
import { Table } from "../parts/table.tsx";
import * as queries from "../queries.ts";

/** Centre and width of the logarithms, from quantiles: what stands out does not move them. */
export function robustLogRange(values: number[]): { centre: number; sigma: number } {
	const logs = values.map((value) => Math.log10(value)).sort((a, b) => a - b);
	const at = (fraction: number) =>
		logs[Math.min(logs.length - 1, Math.max(0, Math.round(fraction * (logs.length - 1))))];
	if (logs.length === 0) return { centre: 0, sigma: 1 };
	return { centre: at(0.5), sigma: Math.max(1e-6, (at(0.84) - at(0.16)) / 2) };
}

const SIGMAS = 2;

function Plane({ data, onPick }: { data: Statistics; onPick: (id: number) => void }) {
	const { points, x, y, limitEta, limitV, rows } = useMemo(() => {
		const rows = new Map<number, number>();
		const points: ScatterPoint[] = [];
		for (const [i, id] of data.source_id.entries()) {
			const eta = data.eta[i];
			const v = data.v[i];
			if (eta === null || v === null || !(eta > 0) || !(v > 0)) continue;
			const tier = data.candidate_tier[i];
			rows.set(id, i);
			points.push({
				id,
				x: eta,
				y: v,
				radius: tier === null ? 2.6 : 5,
				colour: tier === null ? PLAIN : TIER_COLOURS[tier],
				label: data.name[i],
			});
		}
		const range = (values: number[]) => [Math.min(...values) / 1.4, Math.max(...values) * 1.4] as const;
		const etas = points.map((point) => point.x);
		const vs = points.map((point) => point.y);
		const [etaLow, etaHigh] = points.length === 0 ? [0.1, 10] : range(etas);
		const [vLow, vHigh] = points.length === 0 ? [0.001, 1] : range(vs);
		const eta = robustLogRange(etas);
		const v = robustLogRange(vs);
		return {
			points: points.toReversed(),
			rows,
			x: { label: "η (reduced chi-square about the weighted mean)", low: etaLow, high: etaHigh, isLog: true },
			y: { label: "V (standard deviation over mean)", low: vLow, high: vHigh, isLog: true },
			limitEta: 10 ** (eta.centre + SIGMAS * eta.sigma),
			limitV: 10 ** (v.centre + SIGMAS * v.sigma),
		};
	}, [data]);
	const under = useCallback(
		(context: CanvasRenderingContext2D, toX: (v: number) => number, toY: (v: number) => number) => {
			const { width, height } = context.canvas;
			context.fillStyle = WARM;
			context.globalAlpha = 0.55;
			context.fillRect(toX(limitEta), 0, width, toY(limitV));
			context.globalAlpha = 1;
			context.strokeStyle = SOFT;
			context.setLineDash([4, 4]);
			context.beginPath();
			context.moveTo(toX(limitEta), 0);
			context.lineTo(toX(limitEta), height);
			context.moveTo(0, toY(limitV));
			context.lineTo(width, toY(limitV));
			context.stroke();
			context.setLineDash([]);
		},
		[limitEta, limitV],
	);
	const describe = useCallback(
		(point: ScatterPoint) => {
			const i = rows.get(point.id) ?? 0;
			return `${point.label}\nη ${short(point.x)} · V ${fixed(point.y, 4)}\n${flux(data.mean_flux_jy[i])} · n ${data.n_measurements[i]}`;
		},
		[rows, data],
	);
	return (
		<>
			<Scatter
				summary={`Eta against V for ${points.length} sources; the table beside it lists those that stand out.`}
				points={points}
				x={x}
				y={y}
				height={620}
				under={under}
				describe={describe}
				onPick={(point) => onPick(point.id)}
			/>
			<p className="legend">
				{(["high", "medium", "low"] as const).map((tier) => (
					<span key={tier}>
						<i style={{ background: TIER_COLOURS[tier] }} aria-hidden="true" />
						{tier} candidate
					</span>
				))}
				<span className="soft">
					dashed: {SIGMAS} robust σ above the median, η {short(limitEta)}, V {fixed(limitV, 3)}
				</span>
			</p>
		</>
	);
}

export function EtaVPage() {
	const { band } = useSearch({ from: "/eta-v" });
	const navigate = useNavigate();
	const bands = useQuery(queries.bands);
	const query = useQuery(queries.statistics({ band }));
	const open = (id: number) => void navigate({ to: "/sources/$id", params: { id: String(id) } });
	return (
		<>
			<PageHead title="η–V plane" lead="How significantly and how strongly each source varies.">
				<label className="inline">
					Subband
					<select
						value={band ?? ""}
						onChange={(event) =>
							void navigate({
								to: "/eta-v",
								search: event.target.value === "" ? {} : { band: Number(event.target.value) },
							})
						}
					>
						<option value="">greatest of all</option>
						{bands.data?.map((one) => (
							<option key={one.id} value={one.id}>
								{frequency(one.frequency_mhz)}
							</option>
						))}
					</select>
				</label>
			</PageHead>
			<Answer query={query}>
				{(data) => (
					<div className="columns wide-left">
						<Panel title={`${count(data.source_id.length)} sources`}>
							{data.source_id.length === 0 ? (
								<p className="empty">No source has been measured yet. Begin with: caustic run PATH</p>
							) : (
								<Plane data={data} onPick={open} />
							)}
						</Panel>
						<Panel title="Most variable" flush>
							<Table
								caption="Sources by eta"
								rows={data.source_id
									.map((id, i) => ({ id, i, eta: data.eta[i] ?? -1 }))
									.sort((a, b) => b.eta - a.eta)
									.slice(0, 25)}
								keyOf={(row) => row.id}
								empty="No source has been measured."
								columns={[
									{
										name: "Source",
										cell: (row) => (
											<Link to="/sources/$id" params={{ id: String(row.id) }}>
												{data.name[row.i]}
											</Link>
										),
									},
									{ name: "η", isNumber: true, cell: (row) => short(data.eta[row.i]) },
									{ name: "V", isNumber: true, cell: (row) => fixed(data.v[row.i], 3) },
									{ name: "Flux", isNumber: true, cell: (row) => flux(data.mean_flux_jy[row.i]) },
									{
										name: "Tier",
										cell: (row) => {
											const tier = data.candidate_tier[row.i];
											return tier === null ? "" : <TierBadge tier={tier} />;
										},
									},
								]}
							/>
						</Panel>
					</div>
				)}
			</Answer>
		</>
	);
}
