import { badInput } from "../../error.ts";
import { type ByteSource, openBytes } from "../byte-source.ts";
import { readFitsTable } from "../fits/table.ts";
import { readColumnar } from "./columnar-read.ts";
import { type CsvOptions, readCsv } from "./csv-read.ts";
import { readJsonTable } from "./json.ts";
import type { Table } from "./table.ts";
import { readVotable } from "./votable-read.ts";

/** Text tables are held in memory whole while they are read; longer ones belong into Parquet. */
const MAX_BYTES = 4 * 1024 ** 3;
const FIRST_BYTES = 4096;
/** JSON goes through one string, and strings have a longest length. */
const MAX_JSON_BYTES = 500 * 1024 ** 2;

async function readAll(source: ByteSource, most = MAX_BYTES): Promise<Buffer> {
	const tooLong = () =>
		badInput("table-too-large", `it holds more than ${Math.round(most / 1024 ** 2)} MiB`, {
			subject: source.path,
			remedy: "Convert it to Parquet",
		});
	if (source.size !== undefined) {
		if (source.size > most) throw tooLong();
		const bytes = Buffer.allocUnsafe(source.size);
		return bytes.subarray(0, await source.read(bytes, 0));
	}
	// gzip does not say how much it holds.
	const pieces: Buffer[] = [];
	let length = 0;
	for (;;) {
		const piece = Buffer.allocUnsafe(Math.min(1 << 24, Math.max(1 << 16, length)));
		const got = await source.read(piece, length);
		length += got;
		if (length > most) throw tooLong();
		pieces.push(piece.subarray(0, got));
		if (got < piece.length) return pieces.length === 1 ? pieces[0] : Buffer.concat(pieces, length);
	}
}

type Format = "fits" | "parquet" | "arrow" | "votable" | "json" | "csv";

function formatOf(head: Buffer, path: string): Format {
	const text = head.toString("latin1");
	if (text.startsWith("SIMPLE  =")) return "fits";
	if (text.startsWith("PAR1")) return "parquet";
	if (text.startsWith("ARROW1")) return "arrow";
	if (head.includes(0)) {
		throw badInput("unknown-table-format", "this is not a table in a known format", {
			subject: path,
			remedy: "Give CSV, TSV, VOTable, FITS, Parquet, Arrow or JSON",
		});
	}
	const start = text.replace(/^\u00ef\u00bb\u00bf/, "").trimStart();
	if (start.startsWith("<")) return "votable";
	if (start.startsWith("[") || start.startsWith("{")) return "json";
	return "csv";
}

/**
 * Reads a table, its format told by its content: CSV, TSV (or other delimiters), VOTable, JSON (an array of
 * objects), each also gzipped, FITS tables, Parquet, Arrow IPC files.
 * @param options.text columns of text formats to keep as they are spelled: identifiers such as `007` or `1e5`
 * @throws CausticError naming the file and the line, row or field that cannot be read.
 */
export async function readTable(path: string, options: CsvOptions = {}): Promise<Table> {
	const source = await openBytes(path);
	try {
		const head = Buffer.alloc(FIRST_BYTES);
		const format = formatOf(head.subarray(0, await source.read(head, 0)), path);
		const read = async (): Promise<Table> => {
			switch (format) {
				case "fits":
					return readFitsTable(path);
				case "parquet":
				case "arrow":
					if (source.size !== undefined) return readColumnar({ path, format }, source.size);
					throw badInput("unknown-table-format", `${format} inside gzip is not read`, {
						subject: path,
						remedy: "Unpack it first",
					});
				case "votable":
					return readVotable(await readAll(source), path);
				case "json":
					return readJsonTable((await readAll(source, MAX_JSON_BYTES)).toString("utf8"), path);
				default:
					return readCsv(await readAll(source), path, options);
			}
		};
		return { ...(await read()), source: path };
	} finally {
		await source.close();
	}
}
