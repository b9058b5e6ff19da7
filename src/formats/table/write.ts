import { badInput } from "../../error.ts";
import { writeAtomically } from "../atomic-file.ts";
import { writeFitsTable } from "../fits/table.ts";
import { csvChunks } from "./csv-write.ts";
import { jsonChunks } from "./json.ts";
import type { Table } from "./table.ts";
import { votableChunks } from "./votable-write.ts";

export { toCsv, toTerminal } from "./csv-write.ts";

const TEXT: Record<string, (table: Table) => IterableIterator<string>> = {
	csv: csvChunks,
	json: jsonChunks,
	vot: votableChunks,
	votable: votableChunks,
	xml: votableChunks,
};

/** What {@link writeTable} can write, by extension; all but Parquet and Arrow also with `.gz`. */
export const TABLE_EXTENSIONS = [".csv", ".parquet", ".vot", ".json", ".arrow", ".fits"] as const;

/** The extension of a path without `.gz`, in lower case, and whether `.gz` follows it. */
function formatOf(path: string): { extension: string; gzip: boolean } {
	const match = /\.([a-z0-9]+?)(\.gz)?$/i.exec(path);
	return { extension: match?.[1].toLowerCase() ?? "", gzip: match?.[2] !== undefined };
}

/**
 * Refuses a path that no table can be written to: called before the work whose result goes there.
 * @throws CausticError `unknown-table-format`
 */
export function checkTablePath(path: string): void {
	const { extension, gzip } = formatOf(path);
	const isKnown = extension in TEXT || ["parquet", "arrow", "feather", "fits", "fit"].includes(extension);
	if (isKnown && !(gzip && ["parquet", "arrow", "feather"].includes(extension))) return;
	throw badInput(
		"unknown-table-format",
		`${gzip ? `.${extension}.gz` : extension ? `.${extension}` : "no extension"} names no table format`,
		{
			subject: path,
			remedy: `Use one of ${TABLE_EXTENSIONS.join(", ")} (text and FITS also with .gz)`,
		},
	);
}

/**
 * Writes a table in the format that the extension names, whole or not at all: `.csv`, `.json`, `.vot`, `.fits` (each
 * also with `.gz`), `.parquet`, `.arrow`. Memory is bounded by a few thousand rows (a row group for Parquet).
 * @throws CausticError for an unknown extension, columns of unequal length, or what the format cannot hold.
 */
export async function writeTable(path: string, table: Table): Promise<void> {
	checkTablePath(path);
	for (const column of table.columns) {
		if (column.values.length === table.rows) continue;
		throw badInput("bad-table", `column ${column.name} has ${column.values.length} values for ${table.rows} rows`, {
			subject: path,
		});
	}
	const { extension, gzip } = formatOf(path);
	if (extension === "parquet") return (await import("./parquet.ts")).writeParquet(path, table);
	if (extension === "arrow" || extension === "feather") return (await import("./arrow.ts")).writeArrow(path, table);
	if (extension === "fits" || extension === "fit") return writeFitsTable(path, table, { gzip });
	await writeAtomically(
		path,
		async (sink) => {
			for (const chunk of TEXT[extension](table)) await sink.write(Buffer.from(chunk));
		},
		{ gzip },
	);
}
