import type { ReactNode } from "react";
import { fixed, MISSING, short, words } from "../format.ts";

type Scalar = string | number | boolean | null;

const isScalar = (value: unknown): value is Scalar =>
	value === null || ["string", "number", "boolean"].includes(typeof value);

const isRecord = (value: unknown): value is Record<string, unknown> =>
	typeof value === "object" && value !== null && !Array.isArray(value);

const isNumbers = (value: unknown): value is number[] =>
	Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === "number");

const UNITS: [RegExp, string][] = [
	[/_mhz$/, "MHz"],
	[/_?days$/i, "d"],
	[/_jy$/, "Jy"],
	[/_deg$/, "°"],
	[/_arcsec$/, "″"],
	[/_sigma$/, "σ"],
	[/^seconds$|_seconds$/, "s"],
];

/** What the detector notes, as an astronomer would say it; other keys are read as words. */
const NAMES: Record<string, { name: string; unit?: string }> = {
	alpha_1400mhz: { name: "Lens strength α at 1400 MHz" },
	beta_s: { name: "Source size, lens radii" },
	lensed_fraction: { name: "Lensed share of the flux" },
	fwhm_days: { name: "Width (FWHM)", unit: "d" },
	centre_mjd: { name: "Centre, MJD" },
	reference_frequency_mhz: { name: "Width and depth are of", unit: "MHz" },
	lambda_null: { name: "2 Δln L against noise" },
	lambda_alternative: { name: "2 Δln L against the alternative" },
	lambda_leave_one_out: { name: "… without any one epoch" },
	best_alternative: { name: "Best alternative" },
	alternative_amplitude: { name: "Its amplitude" },
	alternative_parameters: { name: "Best alternative" },
	error_scale: { name: "Errors scaled by" },
	outliers: { name: "Outliers" },
	carrying_mjd: { name: "Epochs that carry the evidence, MJD" },
	left_out_mjd: { name: "Left out as other events, MJD" },
	null_alone: { name: "Red noise without the lens" },
	null_with_lens: { name: "Red noise under the lens" },
	tau: { name: "Time scale", unit: "d" },
	kappa: { name: "Spectral index of it" },
	sigma: { name: "rms, relative" },
	riseDays: { name: "Rise", unit: "d" },
	decayDays: { name: "Decay", unit: "d" },
	peakMjd: { name: "Peak, MJD" },
	startMjd: { name: "Start, MJD" },
	endMjd: { name: "End, MJD" },
	index: { name: "Spectral index" },
	looks: { name: "False alarm counts" },
};

/** A key in words, and the unit that it ends in. */
function named(key: string): { name: string; unit: string } {
	const known = NAMES[key];
	if (known !== undefined) return { name: known.name, unit: known.unit ?? "" };
	for (const [pattern, unit] of UNITS) {
		const stem = key.replace(pattern, "");
		if (stem !== key) return { name: words(stem === "" ? key : stem), unit };
	}
	return { name: words(key), unit: "" };
}

function scalarText(key: string, value: Scalar): string {
	if (value === null) return MISSING;
	if (typeof value === "boolean") return value ? "yes" : "no";
	if (typeof value === "string") return words(value);
	if (/mjd$/i.test(key)) return fixed(value, 2);
	return Number.isInteger(value) && Math.abs(value) < 1e6 ? String(value) : short(value, 4);
}

/** The error that belongs to a key: `beta_s_err`, `fwhm_err_days`. */
function errorKeyOf(key: string, all: string[]): string | undefined {
	const unit = UNITS.map(([pattern]) => pattern.exec(key)?.[0]).find((text) => text !== undefined) ?? "";
	const stem = key.slice(0, key.length - unit.length);
	return [`${key}_err`, `${stem}_err${unit}`, `${key}_error`].find((name) => name !== key && all.includes(name));
}

/**
 * Anything that was noted about a score, as numbers with units: scalars in rows, lists that run along the subbands as one
 * table, lists of records as tables, parts below one another.
 */
export function Explanation({ value }: { value: Record<string, unknown> }) {
	const keys = Object.keys(value);
	if (keys.length === 0) return <p className="empty">Nothing is noted.</p>;
	const errorKeys = new Set(keys.flatMap((key) => errorKeyOf(key, keys) ?? []));
	const scalars = keys.filter((key) => isScalar(value[key]) && !errorKeys.has(key));
	const bands = isNumbers(value.frequency_mhz) ? value.frequency_mhz : undefined;
	const perBand =
		bands === undefined
			? []
			: keys.filter((key) => {
					const column = value[key];
					return isNumbers(column) && column.length === bands.length && (key === "frequency_mhz" || !/mjd$/i.test(key));
				});
	const parts = keys.filter((key) => !isScalar(value[key]) && !perBand.includes(key));
	return (
		<div className="explanation">
			{scalars.length > 0 && (
				<dl className="facts">
					{scalars.map((key) => {
						const { name, unit } = named(key);
						const errorKey = errorKeyOf(key, keys);
						const error = errorKey === undefined ? undefined : value[errorKey];
						return (
							<div key={key}>
								<dt>{name}</dt>
								<dd>
									{scalarText(key, value[key] as Scalar)}
									{typeof error === "number" && ` ± ${short(error, 2)}`}
									{unit !== "" && typeof value[key] === "number" && ` ${unit}`}
								</dd>
							</div>
						);
					})}
				</dl>
			)}
			{bands !== undefined && perBand.length > 1 && (
				<Records
					records={bands
						.map((_, i) =>
							Object.fromEntries(perBand.map((key) => [key.replace(/_per_band$/, ""), (value[key] as number[])[i]])),
						)
						.sort((a, b) => a.frequency_mhz - b.frequency_mhz)}
					columns={[
						"frequency_mhz",
						...perBand.filter((key) => key !== "frequency_mhz").map((key) => key.replace(/_per_band$/, "")),
					]}
				/>
			)}
			{parts.map((key) => (
				<section key={key}>
					<h3>{named(key).name}</h3>
					<Part name={key} value={value[key]} />
				</section>
			))}
		</div>
	);
}

const MOST_NUMBERS = 40;
const MOST_RECORDS = 60;

function Part({ name, value }: { name: string; value: unknown }): ReactNode {
	if (isRecord(value)) return <Explanation value={value} />;
	if (!Array.isArray(value)) return null;
	if (value.length === 0) return <p className="soft">none</p>;
	if (value.every(isScalar)) {
		const shown = value.slice(0, MOST_NUMBERS).map((one) => scalarText(name, one));
		const more = value.length > shown.length ? ` … (${value.length} in all)` : "";
		return <p className="numbers">{`${shown.join(", ")}${more}`}</p>;
	}
	const records = value.filter(isRecord).slice(0, MOST_RECORDS);
	const columns = [...new Set(records.flatMap((record) => Object.keys(record)))].filter((key) =>
		records.every((record) => record[key] === undefined || isScalar(record[key])),
	);
	return <Records records={records} columns={columns} />;
}

function Records({ records, columns }: { records: Record<string, unknown>[]; columns: string[] }) {
	return (
		<div className="table-scroll">
			<table>
				<thead>
					<tr>
						{columns.map((key) => {
							const { name, unit } = named(key);
							return (
								<th key={key} scope="col" className="n">
									{key === "frequency_mhz" ? "MHz" : name}
									{unit !== "" && key !== "frequency_mhz" && `, ${unit}`}
								</th>
							);
						})}
					</tr>
				</thead>
				<tbody>
					{records.map((record, i) => (
						<tr key={JSON.stringify([i, record[columns[0]]])}>
							{columns.map((key) => (
								<td key={key} className="n">
									{scalarText(key, (record[key] ?? null) as Scalar)}
								</td>
							))}
						</tr>
					))}
				</tbody>
			</table>
		</div>
	);
}
