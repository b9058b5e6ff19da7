import { createHash, type Hash } from "node:crypto";
import { basename } from "node:path";
import type { CasaRecord, CasaValue } from "../src/formats/casa/record.ts";
import type { CasaTable } from "../src/formats/casa/table.ts";
import type { CasaArray, CasaData } from "../src/formats/casa/values.ts";

/** Digests as test/oracle/casa_digest.py makes them from what python-casacore reads. */
export interface TableDigest {
	rows: number;
	keywords: string;
	columns: Record<string, string>;
}

const i32 = (hash: Hash, ...values: number[]) => hash.update(new Uint8Array(Int32Array.from(values).buffer));

function addData(hash: Hash, data: CasaData): void {
	if (!Array.isArray(data)) {
		hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
		return;
	}
	for (const text of data) {
		const bytes = Buffer.from(text, "utf8");
		i32(hash, bytes.length);
		hash.update(bytes);
	}
}

function addCell(hash: Hash, cell: CasaArray | undefined): void {
	if (cell === undefined) {
		i32(hash, -1);
		return;
	}
	i32(hash, cell.shape.length, ...cell.shape);
	addData(hash, cell.data);
}

const number = (value: number) => {
	const bytes = Buffer.alloc(8);
	bytes.writeDoubleBE(value);
	return `n${bytes.toString("hex")}`;
};

function canonicalValue(type: string, value: CasaValue): string {
	if (typeof value === "boolean") return `b${value ? 1 : 0}`;
	if (typeof value === "number" || typeof value === "bigint") return number(Number(value));
	if (typeof value === "string") return type === "Table" ? `t${basename(value)}` : `s${value}`;
	if (value instanceof Map) return canonicalRecord(value);
	if (Array.isArray(value)) throw new Error("no fixture has a complex keyword");
	if (value.data.length === 0) return "[]";
	const items = Array.from(value.data as ArrayLike<number | string>, (item) =>
		typeof item === "string" ? `s${item}` : type === "Bool" ? `b${item}` : number(Number(item)),
	);
	return `[${value.shape.join("x")}:${items.join(",")}]`;
}

const canonicalRecord = (record: CasaRecord): string =>
	`{${[...record.keys()]
		.sort((a, b) => (a < b ? -1 : 1))
		.map((name) => `${name}=${canonicalValue(record.get(name)?.type ?? "", record.get(name)?.value ?? "")}`)
		.join(",")}}`;

const short = (hash: Hash) => hash.digest("hex").slice(0, 16);
const textDigest = (text: string) => short(createHash("sha1").update(text));

export function digestOf(table: CasaTable): TableDigest {
	const columns: Record<string, string> = {};
	for (const { name, type, isArray, keywords } of table.description.columns) {
		if (type === "Record") continue;
		const column = table.column(name);
		const hash = createHash("sha1");
		if (isArray) for (let row = 0; row < table.nRows; row++) addCell(hash, column.cell(row));
		else addData(hash, column.scalars());
		columns[name] = `${short(hash)} ${textDigest(canonicalRecord(keywords))}`;
	}
	return { rows: table.nRows, keywords: textDigest(canonicalRecord(table.keywords)), columns };
}
