import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback, useMemo } from "react";
import type { Field, Statistics } from "../api.ts";
import { FRAME, sequentialColour } from "../charts/colours.ts";
import { Scatter } from "../charts/scatter.tsx";
import type { ScatterPoint } from "../charts/scatter-drawing.ts";
import { count, degrees, fixed, flux, hours, short } from "../format.ts";
import { Answer } from "../parts/answer.tsx";
import { TierBadge } from "../parts/badges.tsx";
import { PageHead, Panel } from "../parts/panel.tsx";
import { Table } from "../parts/table.tsx";
import * as queries from "../queries.ts";

const RADIANS = Math.PI / 180;

/** Offsets from the centre in degrees on the tangent plane: east and north. */
export function tangentOffsets(ra: number, dec: number, ra0: number, dec0: number): [number, number] {
	const d = (ra - ra0) * RADIANS;
	const [sd, cd] = [Math.sin(dec * RADIANS), Math.cos(dec * RADIANS)];
	const [s0, c0] = [Math.sin(dec0 * RADIANS), Math.cos(dec0 * RADIANS)];
	const towards = s0 * sd + c0 * cd * Math.cos(d);
	if (towards <= 0.01) return [Number.NaN, Number.NaN];
	return [(cd * Math.sin(d)) / towards / RADIANS, (c0 * sd - s0 * cd * Math.cos(d)) / towards / RADIANS];
}

const ETA_LOW = 0.5;
const ETA_HIGH = 50;
const etaFraction = (eta: number | null): number =>
	eta === null ? Number.NaN : Math.log(Math.max(eta, ETA_LOW) / ETA_LOW) / Math.log(ETA_HIGH / ETA_LOW);

export function EtaScale() {
	const stops = Array.from({ length: 24 }, (_, i) => sequentialColour(i / 23));
	return (
		<div className="eta-scale" aria-hidden="true">
			<span>η {ETA_LOW}</span>
			<svg viewBox="0 0 24 1" preserveAspectRatio="none">
				{stops.map((colour, i) => (
					<rect key={colour} x={i} width={1.05} height={1} fill={colour} />
				))}
			</svg>
			<span>{ETA_HIGH}</span>
		</div>
	);
}

function SkyMap({ field, data, onPick }: { field: Field; data: Statistics; onPick: (id: number) => void }) {
	const { points, rows } = useMemo(() => {
		const fluxes = data.mean_flux_jy.flatMap((value) => (value === null || value <= 0 ? [] : [value]));
		const faint = Math.min(...fluxes, 1);
		const bright = Math.max(...fluxes, faint * 1.01);
		const size = (value: number | null) =>
			value === null || value <= 0 ? 2 : 2.2 + (7 * Math.log(value / faint)) / Math.log(bright / faint);
		const rows = new Map(data.source_id.map((id, i) => [id, i]));
		const points = data.source_id.flatMap((id, i): ScatterPoint[] => {
			const [x, y] = tangentOffsets(data.ra_deg[i], data.dec_deg[i], field.ra_deg, field.dec_deg);
			if (Number.isNaN(x)) return [];
			const colour = sequentialColour(etaFraction(data.eta[i]));
			return [{ id, x, y, radius: size(data.mean_flux_jy[i]), colour, label: data.name[i] }];
		});
		// Small ones last, so that no faint source hides under a bright one.
		return { points: points.sort((a, b) => b.radius - a.radius), rows };
	}, [data, field]);
	const reach = useMemo(
		() =>
			Math.max(
				0.2 * field.radius_deg,
				1.12 * points.reduce((most, point) => Math.max(most, Math.abs(point.x), Math.abs(point.y)), 0),
			),
		[points, field],
	);
	const marked = useMemo(() => new Set(data.source_id.filter((_, i) => data.candidate_tier[i] !== null)), [data]);
	const under = useCallback(
		(context: CanvasRenderingContext2D, toX: (v: number) => number, toY: (v: number) => number) => {
			context.strokeStyle = FRAME;
			context.setLineDash([3, 4]);
			context.beginPath();
			context.ellipse(
				toX(0),
				toY(0),
				Math.abs(toX(field.radius_deg) - toX(0)),
				Math.abs(toY(field.radius_deg) - toY(0)),
				0,
				0,
				2 * Math.PI,
			);
			context.stroke();
			context.setLineDash([]);
		},
		[field],
	);
	const describe = useCallback(
		(point: ScatterPoint) => {
			const i = rows.get(point.id) ?? 0;
			return `${point.label}\n${hours(data.ra_deg[i])} ${degrees(data.dec_deg[i])}\n${flux(data.mean_flux_jy[i])} · η ${short(data.eta[i])} · V ${fixed(data.v[i], 3)}`;
		},
		[rows, data],
	);
	return (
		<Scatter
			summary={`Sky map of ${field.name} with ${points.length} sources; the table beside it lists the most variable.`}
			points={points}
			x={{ label: "offset in right ascension, degrees (east left)", low: -reach, high: reach, isReversed: true }}
			y={{ label: "offset in declination, degrees", low: -reach, high: reach }}
			isMap
			height={660}
			under={under}
			describe={describe}
			marked={marked}
			onPick={(point) => onPick(point.id)}
		/>
	);
}

export function SkyPage() {
	const { field: wanted } = useSearch({ from: "/sky" });
	const navigate = useNavigate();
	const fields = useQuery(queries.fields);
	const field = fields.data?.find((one) => one.id === wanted) ?? fields.data?.[0];
	const query = useQuery({ ...queries.statistics({ field: field?.id }), enabled: field !== undefined });
	const open = (id: number) => void navigate({ to: "/sources/$id", params: { id: String(id) } });
	return (
		<>
			<PageHead
				title="Sky"
				lead={
					field === undefined
						? undefined
						: `${field.name}, centred at ${hours(field.ra_deg)} ${degrees(field.dec_deg)}: size by flux, colour by η, ringed where there is a candidate`
				}
			>
				{(fields.data?.length ?? 0) > 1 && (
					<label className="inline">
						Field
						<select
							value={field?.id}
							onChange={(event) => void navigate({ to: "/sky", search: { field: Number(event.target.value) } })}
						>
							{fields.data?.map((one) => (
								<option key={one.id} value={one.id}>
									{one.name}
								</option>
							))}
						</select>
					</label>
				)}
			</PageHead>
			<Answer query={fields}>
				{(all) =>
					all.length === 0 ? <p className="empty">There is no field yet. Begin with: caustic run PATH</p> : null
				}
			</Answer>
			{field !== undefined && (
				<Answer query={query}>
					{(data) => (
						<div className="columns wide-left">
							<Panel title={`${count(data.source_id.length)} sources`} tools={<EtaScale />}>
								<SkyMap field={field} data={data} onPick={open} />
							</Panel>
							<Panel title="Most variable" tools={<Link to="/sources">All sources</Link>} flush>
								<Table
									caption="Most variable sources of the field"
									rows={data.source_id.slice(0, 25).map((id, i) => ({ id, i }))}
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
			)}
		</>
	);
}
