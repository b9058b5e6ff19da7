import { badInput } from "../error.ts";
import type { Table } from "../formats/table/table.ts";
import { checkTablePath, toCsv, toTerminal, writeTable } from "../formats/table/write.ts";
import type { Beam } from "../sky/beam.ts";
import { EXIT, type Invocation, type OptionSpec, stringOption } from "./command.ts";

/** Options of the commands that work on one image and need no database. */
export const IMAGE_OPTIONS: Record<string, OptionSpec> = {
	noise: {
		type: "string",
		value: "FITS",
		help: "local rms map, Jy/beam; zero means not measured",
		default: "made from the image",
	},
	background: {
		type: "string",
		value: "FITS",
		help: "background map, Jy/beam",
		default: "made from the image, or zero beside --noise",
	},
	beam: {
		type: "string",
		value: "MAJ,MIN,PA",
		help: "restoring beam, arcsec, arcsec, degrees",
		default: "from the header",
	},
	out: {
		type: "string",
		value: "FILE",
		help: "where to write: .csv, .parquet, .vot, .json, .arrow or .fits",
		default: "standard output",
	},
	json: { type: "boolean", help: "print the result as JSON, for machines" },
};

export const CATALOG_BEAM: OptionSpec = {
	type: "string",
	value: "MAJ,MIN,PA",
	help: "beam with which the catalogue's sizes were fitted, arcsec, arcsec, degrees",
	default: "the image's",
};

const SHOWN_PROBLEMS = 10;

/** Names the rows of a catalogue that could not be used; the exit code that says so. */
export function reportProblems(path: string, problems: readonly { row: number; reason: string }[]): number {
	for (const { row, reason } of problems.slice(0, SHOWN_PROBLEMS)) {
		process.stderr.write(`caustic: ${path} row ${row}: ${reason}\n`);
	}
	const more = problems.length - SHOWN_PROBLEMS;
	if (more > 0) process.stderr.write(`caustic: ${path}: and ${more} rows more\n`);
	return problems.length > 0 ? EXIT.rejectedItems : EXIT.done;
}

export function beamOption(invocation: Invocation, name = "beam"): Beam | undefined {
	const text = stringOption(invocation, name);
	if (text === undefined) return undefined;
	const [major, minor, pa] = text.split(",").map(Number);
	if (!(major >= minor && minor > 0) || !Number.isFinite(pa)) {
		throw badInput("bad-option", `${JSON.stringify(text)} is no beam`, {
			subject: `--${name}`,
			remedy: `Give MAJOR,MINOR in arcsec and PA in degrees, for instance --${name} 12,9,30`,
		});
	}
	return { majorDeg: major / 3600, minorDeg: minor / 3600, paDeg: pa };
}

/** The one image that a command works on. */
export function imageArgument(invocation: Invocation, command: string): string {
	if (invocation.args.length === 1) return invocation.args[0];
	throw badInput("bad-usage", `${invocation.args.length === 0 ? "no image" : "more than one image"} was given`, {
		subject: `caustic ${command}`,
		remedy: `Name one FITS image, see caustic ${command} --help`,
	});
}

/** Refuses a place that cannot be written before any work is done. */
export function checkOut(invocation: Invocation): void {
	const out = stringOption(invocation, "out");
	if (out !== undefined) checkTablePath(out);
}

/** Writes a result where it was asked for: a file, JSON, a table for people, or CSV for pipes. */
export async function writeResult(invocation: Invocation, table: Table): Promise<void> {
	const out = stringOption(invocation, "out");
	if (out !== undefined) await writeTable(out, table);
	if (invocation.options.json === true) process.stdout.write(`${JSON.stringify(rowsOf(table))}\n`);
	else if (out === undefined) process.stdout.write(process.stdout.isTTY ? toTerminal(table, 50) : toCsv(table));
}

const rowsOf = (table: Table): Record<string, unknown>[] =>
	Array.from({ length: table.rows }, (_, i) =>
		Object.fromEntries(
			table.columns.map((column) => {
				const value = column.values[i];
				return [column.name, typeof value === "number" && Number.isNaN(value) ? null : value];
			}),
		),
	);
