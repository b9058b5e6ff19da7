import { escapeXml } from "./layers.ts";

/** One part of a report. */
export interface Section {
	heading: string;
	/** Plain text; a blank line begins a new paragraph. */
	text?: string;
	/** SVG figures as `plot` returns them, laid out in a row that wraps. */
	figures?: string[];
	table?: ReportTable;
	/** More tables, one under the other. */
	tables?: ReportTable[];
	/** Shown closed, to be opened by a click. */
	folded?: boolean;
}

export interface ReportTable {
	columns: string[];
	/** Numbers are right-aligned and shown as given: format them beforehand where digits matter. */
	rows: (string | number)[][];
	/** Rows to mark, with the reason shown on hover. */
	marked?: Map<number, string>;
}

const STYLE = `body{margin:0 auto;max-width:1340px;padding:28px 32px 60px;color:#1f2933;background:#fff;
font:15px/1.5 'Helvetica Neue',Arial,'Liberation Sans',system-ui,sans-serif}
h1{font-size:26px;margin:0 0 4px}h2{font-size:19px;margin:34px 0 8px;padding-top:10px;border-top:1px solid #e7ebef}
p{max-width:82ch;margin:6px 0}.lead{color:#52606d}.figures{display:flex;flex-wrap:wrap;gap:14px;margin:10px 0}
.figures svg{max-width:100%;height:auto}.scroll{overflow-x:auto}
table{border-collapse:collapse;font-size:13px;margin:10px 0;font-variant-numeric:tabular-nums}
th{text-align:left;border-bottom:2px solid #9aa5b1;padding:4px 12px 4px 0;vertical-align:bottom}
td{border-bottom:1px solid #e7ebef;padding:3px 12px 3px 0}td.n{text-align:right}
tr.marked td{background:#fff4e5}summary{cursor:pointer;font-weight:600;font-size:17px;margin:22px 0 6px}
@media print{body{max-width:none}.figures svg{break-inside:avoid}}`;

const cell = (value: string | number) =>
	typeof value === "number"
		? `<td class="n">${Number.isNaN(value) ? "–" : escapeXml(String(value))}</td>`
		: `<td>${escapeXml(value)}</td>`;

const tableHtml = ({ columns, rows, marked }: ReportTable) =>
	`<div class="scroll"><table><thead><tr>${columns.map((name) => `<th>${escapeXml(name)}</th>`).join("")}</tr></thead><tbody>${rows
		.map((row, k) => {
			const reason = marked?.get(k);
			const open = reason === undefined ? "<tr>" : `<tr class="marked" title="${escapeXml(reason)}">`;
			return `${open}${row.map(cell).join("")}</tr>`;
		})
		.join("\n")}</tbody></table></div>`;

/** A self-contained HTML report: one file, no script, no outside address, readable offline and on paper. */
export function page(title: string, lead: string, sections: Section[]): string {
	const paragraphs = (text: string) =>
		text
			.split(/\n\s*\n/)
			.map((part) => `<p>${escapeXml(part.trim())}</p>`)
			.join("");
	const body = sections.map((section) => {
		const content =
			(section.text === undefined ? "" : paragraphs(section.text)) +
			(section.figures === undefined ? "" : `<div class="figures">${section.figures.join("\n")}</div>`) +
			(section.table === undefined ? "" : tableHtml(section.table)) +
			(section.tables ?? []).map(tableHtml).join("");
		return section.folded
			? `<details><summary>${escapeXml(section.heading)}</summary>${content}</details>`
			: `<section><h2>${escapeXml(section.heading)}</h2>${content}</section>`;
	});
	return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${escapeXml(title)}</title><style>${STYLE}</style></head><body>
<h1>${escapeXml(title)}</h1><p class="lead">${escapeXml(lead)}</p>
${body.join("\n")}
</body></html>
`;
}
