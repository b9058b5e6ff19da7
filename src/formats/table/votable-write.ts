import { meaningOf } from "./column-meaning.ts";
import type { Column, Table } from "./table.ts";

const CHUNK_ROWS = 8192;
const ENTITIES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;" };

/** Whether XML 1.0 can hold a control character. */
const isXml = (character: string) => "\t\n\r".includes(character) || (character >= "\u007f" && character < "\u00a0");

/** Text for XML 1.0: the five entities; control characters, which XML cannot hold at all, become U+FFFD. */
function escaped(text: string): string {
	return text
		.replaceAll(/[&<>"']/g, (character) => ENTITIES[character])
		.replaceAll(/\p{Cc}|[\ufffe\uffff]/gu, (character) => (isXml(character) ? character : "\ufffd"));
}

const isAscii = (column: Column): boolean =>
	!Array.isArray(column.values) || column.values.every((value) => value === null || /^[\0-\x7f]*$/.test(value));

function datatype(column: Column): string {
	if (column.kind === "boolean") return 'datatype="boolean"';
	if (column.kind === "integer") return 'datatype="long"';
	if (column.kind === "number") return 'datatype="double"';
	return isAscii(column) ? 'datatype="char" arraysize="*"' : 'datatype="unicodeChar" arraysize="*"';
}

function field(column: Column, index: number, refs: { sky: boolean; time: boolean }): string {
	const { unit, ucd, description } = meaningOf(column);
	const attributes = [`ID="col${index}"`, `name="${escaped(column.name)}"`, datatype(column)];
	if (unit) attributes.push(`unit="${escaped(unit)}"`);
	if (ucd) attributes.push(`ucd="${escaped(ucd)}"`);
	if (refs.sky && ucd?.startsWith("pos.eq.")) attributes.push('ref="icrs"');
	else if (refs.time && ucd?.startsWith("time.") && !ucd.startsWith("time.duration")) attributes.push('ref="utc"');
	const inside = description ? `<DESCRIPTION>${escaped(description)}</DESCRIPTION>` : "";
	return `      <FIELD ${attributes.join(" ")}>${inside}</FIELD>\n`;
}

function cell(column: Column, row: number): string {
	const value = column.values[row];
	if (value === null) return "<TD/>";
	if (typeof value === "string") return `<TD>${escaped(value)}</TD>`;
	if (Number.isNaN(value)) return "<TD/>";
	if (column.kind === "boolean") return value !== 0 ? "<TD>true</TD>" : "<TD>false</TD>";
	if (!Number.isFinite(value)) return value > 0 ? "<TD>+Inf</TD>" : "<TD>-Inf</TD>";
	return `<TD>${value}</TD>`;
}

/**
 * The table as VOTable 1.4 (IVOA 2019) in pieces: TABLEDATA, no value as an empty cell, ICRS positions and MJD UTC
 * times declared by COOSYS and TIMESYS.
 */
export function* votableChunks(table: Table): IterableIterator<string> {
	const meanings = table.columns.map(meaningOf);
	const refs = {
		sky: meanings.some(({ ucd }) => ucd?.startsWith("pos.eq.ra")),
		time: meanings.some(({ ucd }) => ucd?.startsWith("time.epoch")),
	};
	yield '<?xml version="1.0" encoding="UTF-8"?>\n' +
		'<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">\n  <RESOURCE type="results">\n' +
		(refs.sky ? '    <COOSYS ID="icrs" system="ICRS"/>\n' : "") +
		(refs.time ? '    <TIMESYS ID="utc" timeorigin="2400000.5" timescale="UTC" refposition="TOPOCENTER"/>\n' : "") +
		`    <TABLE name="${escaped(table.name ?? "caustic")}" nrows="${table.rows}">\n` +
		(table.description ? `      <DESCRIPTION>${escaped(table.description)}</DESCRIPTION>\n` : "") +
		table.columns.map((column, i) => field(column, i + 1, refs)).join("") +
		"      <DATA>\n        <TABLEDATA>\n";
	for (let from = 0; from < table.rows; from += CHUNK_ROWS) {
		const to = Math.min(table.rows, from + CHUNK_ROWS);
		let text = "";
		for (let row = from; row < to; row++) {
			text += "<TR>";
			for (const column of table.columns) text += cell(column, row);
			text += "</TR>\n";
		}
		yield text;
	}
	yield "        </TABLEDATA>\n      </DATA>\n    </TABLE>\n  </RESOURCE>\n</VOTABLE>\n";
}
