import { badInput } from "../../error.ts";
import type { CasaTable } from "./table.ts";

/** Names everything that a MeasurementSet must have and this table has not. */
export function requireParts(table: CasaTable): void {
	const columns = ["TIME", "ANTENNA1", "ANTENNA2", "DATA_DESC_ID", "FIELD_ID", "UVW", "FLAG"];
	const subtables = ["ANTENNA", "DATA_DESCRIPTION", "FIELD", "OBSERVATION", "POLARIZATION", "SPECTRAL_WINDOW"];
	const lacking = (what: string, names: string[]) =>
		names.length === 0 ? [] : [`no ${what}${names.length > 1 ? "s" : ""} ${names.join(", ")}`];
	const missing = [
		...lacking(
			"column",
			columns.filter((name) => !table.has(name)),
		),
		...lacking(
			"subtable",
			subtables.filter((name) => !table.hasSubtable(name)),
		),
	];
	if (missing.length === 0) return;
	const isOther = table.type !== "" && table.type !== "Measurement Set";
	throw badInput("not-a-measurement-set", `it has ${missing.join(" and ")}`, {
		subject: table.path,
		remedy: isOther
			? `It is a table of type ${JSON.stringify(table.type)}: give a MeasurementSet`
			: "Give a whole MeasurementSet: copy it again from its source",
	});
}
