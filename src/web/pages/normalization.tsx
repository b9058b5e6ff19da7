import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback, useMemo } from "react";
import type { Correction } from "../api.ts";
import { bandColour } from "../charts/colours.ts";
import type { PointSeries } from "../charts/points.ts";
import { PointsPlot, timeText } from "../charts/points-plot.tsx";
import { fixed, frequency, mjdDate, mjdText } from "../format.ts";
import { Answer } from "../parts/answer.tsx";
import { PageHead, Panel } from "../parts/panel.tsx";
import { Table } from "../parts/table.tsx";
import * as queries from "../queries.ts";

const NORMAL = new Set(["applied", "ok", "done"]);
const isUnusual = (row: Correction) => !NORMAL.has(row.status);

function byBand(rows: Correction[]): Correction[][] {
	const bands = new Map<number, Correction[]>();
	for (const row of rows) {
		const band = bands.get(row.band_id) ?? [];
		band.push(row);
		bands.set(row.band_id, band);
	}
	return [...bands.values()].sort((a, b) => a[0].frequency_mhz - b[0].frequency_mhz);
}

const LEVELS = [{ y: 1, label: "" }];

function BandPlot(props: { rows: Correction[]; colour: string; xRange: [number, number]; isLast: boolean }) {
	const { rows, colour } = props;
	const series = useMemo(
		(): PointSeries[] => [
			{
				label: frequency(rows[0].frequency_mhz),
				colour,
				x: rows.map((row) => row.mjd),
				y: rows.map((row) => row.correction),
				error: rows.map((row) => row.correction_err ?? Number.NaN),
				isFlagged: (i) => isUnusual(rows[i]),
			},
		],
		[rows, colour],
	);
	const describe = useCallback(
		(_: number, i: number) => {
			const row = rows[i];
			return `${timeText(row.mjd)}   ${fixed(row.correction, 4)} ± ${fixed(row.correction_err, 4)}   ${row.n_references} references   ${row.status}`;
		},
		[rows],
	);
	return (
		<PointsPlot
			summary={`Correction against time at ${frequency(rows[0].frequency_mhz)}: ${rows.length} images, ${rows.filter(isUnusual).length} not applied as they stand`}
			series={series}
			levels={LEVELS}
			height={props.isLast ? 158 : 124}
			yLabel="correction"
			{...(props.isLast ? { xLabel: "MJD (UTC)" } : {})}
			xAxis={props.isLast}
			syncKey="normalization"
			xRange={props.xRange}
			describe={describe}
			heading={
				<>
					<i className="swatch" style={{ background: colour }} aria-hidden="true" />
					<b>{frequency(rows[0].frequency_mhz)}</b>
				</>
			}
		/>
	);
}

function ReferencePlot({ bands, xRange }: { bands: Correction[][]; xRange: [number, number] }) {
	const of = useCallback(
		(value: (row: Correction) => number): PointSeries[] =>
			bands.map((rows, i) => ({
				label: frequency(rows[0].frequency_mhz),
				colour: bandColour(i, bands.length),
				x: rows.map((row) => row.mjd),
				y: rows.map(value),
			})),
		[bands],
	);
	const references = useMemo(() => of((row) => row.n_references), [of]);
	const scatter = useMemo(() => of((row) => 100 * (row.scatter ?? Number.NaN)), [of]);
	return (
		<>
			<PointsPlot
				summary="Number of references of each image"
				series={references}
				height={124}
				yLabel="references"
				xAxis={false}
				syncKey="normalization"
				xRange={xRange}
				heading={<b>References used</b>}
			/>
			<PointsPlot
				summary="Scatter of the references of each image, percent"
				series={scatter}
				height={158}
				yLabel="scatter, %"
				xLabel="MJD (UTC)"
				syncKey="normalization"
				xRange={xRange}
				heading={<b>Scatter of the references about the correction</b>}
			/>
		</>
	);
}

export function NormalizationPage() {
	const { field: wanted } = useSearch({ from: "/normalization" });
	const navigate = useNavigate();
	const fields = useQuery(queries.fields);
	const field = fields.data?.find((one) => one.id === wanted) ?? fields.data?.[0];
	const query = useQuery({ ...queries.corrections(field?.id), enabled: field !== undefined });
	const bands = useMemo(() => byBand(query.data ?? []), [query.data]);
	const times = (query.data ?? []).map((row) => row.mjd);
	const low = times.reduce((least, time) => Math.min(least, time), Infinity);
	const high = times.reduce((most, time) => Math.max(most, time), -Infinity);
	const xRange = useMemo((): [number, number] => [low, high], [low, high]);
	const unusual = (query.data ?? []).filter(isUnusual);
	return (
		<>
			<PageHead
				title="Normalization"
				lead="Normalised flux is raw flux divided by the correction. Hollow: not applied as it stands."
			>
				{(fields.data?.length ?? 0) > 1 && (
					<label className="inline">
						Field
						<select
							value={field?.id}
							onChange={(event) =>
								void navigate({ to: "/normalization", search: { field: Number(event.target.value) } })
							}
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
					{() =>
						bands.length === 0 ? (
							<p className="empty">No image of this field has been normalised.</p>
						) : (
							<div className="columns even">
								<Panel title={`Correction per epoch, ${field.name}`}>
									{bands.map((rows, i) => (
										<BandPlot
											key={rows[0].band_id}
											rows={rows}
											colour={bandColour(i, bands.length)}
											xRange={xRange}
											isLast={i === bands.length - 1}
										/>
									))}
								</Panel>
								<div>
									<Panel title="References">
										<ReferencePlot bands={bands} xRange={xRange} />
									</Panel>
									<Panel title="Not applied as they stand" flush>
										<Table
											caption="Images with an unusual correction"
											rows={unusual.slice(-100).toReversed()}
											keyOf={(row) => row.image_id}
											empty="Every correction was applied."
											columns={[
												{ name: "Date", cell: (row) => mjdDate(row.mjd) },
												{ name: "MJD", isNumber: true, cell: (row) => mjdText(row.mjd) },
												{ name: "MHz", isNumber: true, cell: (row) => fixed(row.frequency_mhz, 0) },
												{ name: "Correction", isNumber: true, cell: (row) => fixed(row.correction, 4) },
												{ name: "References", isNumber: true, cell: (row) => row.n_references },
												{ name: "From", cell: (row) => row.source },
												{ name: "Status", cell: (row) => row.status },
											]}
										/>
									</Panel>
								</div>
							</div>
						)
					}
				</Answer>
			)}
		</>
	);
}
