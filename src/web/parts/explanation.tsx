import type { ReactNode } from "react";
import { MISSING, short, words } from "../format.ts";

const isPlain = (value: unknown): value is string | number | boolean | null =>
	value === null || ["string", "number", "boolean"].includes(typeof value);

const isRecord = (value: unknown): value is Record<string, unknown> =>
	typeof value === "object" && value !== null && !Array.isArray(value);

const UNITS: [RegExp, string][] = [
	[/_mhz$/, "MHz"],
	[/_days$/, "d"],
	[/_jy$/, "Jy"],
	[/_deg$/, "°"],
	[/_arcsec$/, "″"],
	[/_sigma$/, "σ"],
	[/_seconds$/, "s"],
];

function named(key: string): { name: string; unit: string } {
	for (const [pattern, unit] of UNITS) if (pattern.test(key)) return { name: words(key.replace(pattern, "")), unit };
	return { name: words(key), unit: "" };
}

function Plain({ value, unit }: { value: string | number | boolean | null; unit: string }) {
	if (typeof value === "boolean") return value ? "yes" : "no";
	if (value === null) return MISSING;
	if (typeof value === "string") return value;
	const text = Number.isInteger(value) && Math.abs(value) < 1e6 ? String(value) : short(value, 4);
	return unit === "" ? text : `${text} ${unit}`;
}

/** The error that belongs to a key: `beta_s_err`, `fwhm_err_days`. */
const errorKeyOf = (key: string, all: string[]): string | undefined => {
	const unit = UNITS.find(([pattern]) => pattern.test(key))?.[0].exec(key)?.[0] ?? "";
	const stem = key.slice(0, key.length - unit.length);
	return [`${key}_err`, `${stem}_err${unit}`, `${key}_error`].find((name) => all.includes(name));
};

/** Anything the detector wrote, as numbers with units: plain values in rows, lists of records as tables, parts below one another. */
export function Explanation({ value }: { value: Record<string, unknown> }) {
	const keys = Object.keys(value);
	if (keys.length === 0) return <p className="empty">The detector left no explanation.</p>;
	const errorKeys = new Set(keys.flatMap((key) => errorKeyOf(key, keys) ?? []));
	const plain = keys.filter((key) => isPlain(value[key]) && !errorKeys.has(key));
	const parts = keys.filter((key) => !isPlain(value[key]));
	return (
		<div className="explanation">
			{plain.length > 0 && (
				<dl className="facts">
					{plain.map((key) => {
						const { name, unit } = named(key);
						const errorKey = errorKeyOf(key, keys);
						const error = errorKey === undefined ? undefined : value[errorKey];
						return (
							<div key={key}>
								<dt>{name}</dt>
								<dd>
									<Plain value={value[key] as string} unit={error === undefined ? unit : ""} />
									{typeof error === "number" && ` ± ${short(error, 2)}${unit === "" ? "" : ` ${unit}`}`}
								</dd>
							</div>
						);
					})}
				</dl>
			)}
			{parts.map((key) => (
				<section key={key}>
					<h3>{words(key)}</h3>
					<Part value={value[key]} />
				</section>
			))}
		</div>
	);
}

function Part({ value }: { value: unknown }): ReactNode {
	if (isRecord(value)) return <Explanation value={value} />;
	if (!Array.isArray(value)) return null;
	if (value.every(isPlain)) {
		const shown = value.slice(0, 40).map((one) => (typeof one === "number" ? short(one, 4) : String(one)));
		return (
			<p className="numbers">{`${shown.join(", ")}${value.length > shown.length ? ` … (${value.length})` : ""}`}</p>
		);
	}
	const records = value.filter(isRecord).slice(0, 60);
	const columns = [...new Set(records.flatMap((record) => Object.keys(record)))].filter((key) =>
		records.every((record) => record[key] === undefined || isPlain(record[key])),
	);
	return (
		<div className="table-scroll">
			<table>
				<thead>
					<tr>
						{columns.map((key) => {
							const { name, unit } = named(key);
							return (
								<th key={key} scope="col" className="n">
									{name}
									{unit !== "" && <span className="soft"> {unit}</span>}
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
									<Plain value={(record[key] ?? null) as string | number | boolean | null} unit="" />
								</td>
							))}
						</tr>
					))}
				</tbody>
			</table>
		</div>
	);
}
