import { writeFileSync } from "node:fs";
import { badInput } from "../../error.ts";
import { type LightCurves, readLightCurves } from "../../formats/light-curves.ts";
import type { Column, Table } from "../../formats/table/table.ts";
import { checkTablePath } from "../../formats/table/write.ts";
import { CORRECTION_SOURCES } from "../../normalization/fallback.ts";
import { type NormalizationMode, normalizationFlagNames } from "../../normalization/normalize-image.ts";
import {
	type FieldSurvey,
	type NormalizedSurvey,
	renormalize,
	type SurveyBaselines,
	solveBaselines,
} from "../../normalization/survey.ts";
import { page, type Section } from "../../plots/page.ts";
import { plot } from "../../plots/plot.ts";
import { type Command, EXIT, numberOption, stringOption } from "../command.ts";
import { writeResult } from "../image-options.ts";

const MODES: NormalizationMode[] = ["plane", "ensemble", "single", "none"];
/** Images closer in time than this are one epoch, days. */
const EPOCH_DAYS = 0.02;

interface Group {
	field: string;
	frequencyMhz: number;
	rows: number[];
}

interface Solved extends Group {
	survey: FieldSurvey;
	/** Cell of the survey of each row. */
	cellOf: Int32Array;
	solved: SurveyBaselines;
	result: NormalizedSurvey;
}

export const command: Command = {
	name: "normalize",
	summary: "put the light curves of a field on one flux scale",
	usage: "normalize --light-curves FILE [--mode MODE] [--out FILE] [--report FILE]",
	description: [
		"Finds steady reference sources in each field and subband, solves their levels and the flux scale of every epoch",
		"jointly, and divides the scale out; a source never takes part in its own correction. Adds flux_norm_jy,",
		"flux_norm_err_jy, correction, correction_err, correction_source, n_references and norm_flags to the table.",
	].join("\n"),
	examples: [
		"caustic normalize --light-curves light_curves.csv --out scaled.csv --report quality.html",
		"caustic normalize --light-curves survey.parquet --sources sources.csv --mode ensemble --out scaled.parquet",
	],
	options: {
		"light-curves": {
			type: "string",
			value: "FILE",
			help: "table with source_id, mjd, frequency_mhz, flux_jy, flux_err_jy, field_id, ra_deg, dec_deg",
		},
		sources: { type: "string", value: "FILE", help: "positions and fields of the sources, if the table has none" },
		mode: {
			type: "string",
			value: "MODE",
			help: "plane (a gradient where references show one), ensemble, single (nearest reference) or none",
			default: "plane",
		},
		"min-snr": { type: "string", value: "N", help: "median signal to noise that a reference needs", default: "20" },
		report: { type: "string", value: "FILE", help: "write a quality report with plots (HTML)" },
		out: {
			type: "string",
			value: "FILE",
			help: "where to write: .csv, .parquet, .vot, .json, .arrow or .fits",
			default: "standard output",
		},
		json: { type: "boolean", help: "print the result as JSON, for machines" },
	},

	async run(invocation) {
		const path = stringOption(invocation, "light-curves");
		if (path === undefined) {
			throw badInput("bad-usage", "no light curves were given", {
				subject: "--light-curves",
				remedy: "Name a table, for instance --light-curves light_curves.csv",
			});
		}
		const mode = MODES.find((name) => name === (stringOption(invocation, "mode") ?? "plane"));
		if (mode === undefined)
			throw badInput("bad-option", `${JSON.stringify(invocation.options.mode)} is no mode`, {
				subject: "--mode",
				remedy: `Give one of ${MODES.join(", ")}`,
			});
		const out = stringOption(invocation, "out");
		if (out !== undefined) checkTablePath(out);
		const minSnr = numberOption(invocation, "min-snr", 20, 1, 1e6);
		const curves = await readLightCurves(path, stringOption(invocation, "sources"));
		const groups = groupsOf(curves).map((group) => solveGroup(curves, group, mode, minSnr));
		await writeResult(invocation, normalizedTable(curves, groups));
		const report = stringOption(invocation, "report");
		if (report !== undefined) writeFileSync(report, qualityReport(path, groups, mode));
		for (const { row, reason } of curves.problems.slice(0, 10))
			process.stderr.write(`caustic: ${path} row ${row}: ${reason}\n`);
		if (curves.problems.length > 10)
			process.stderr.write(`caustic: ${path}: and ${curves.problems.length - 10} rows more\n`);
		return curves.problems.length > 0 ? EXIT.rejectedItems : EXIT.done;
	},
};

function groupsOf(curves: LightCurves): Group[] {
	const groups = new Map<string, Group>();
	for (let row = 0; row < curves.fluxJy.length; row++) {
		if (Number.isNaN(curves.fluxJy[row])) continue;
		const field = curves.sources[curves.sourceIndex[row]].fieldId ?? "";
		const key = `${field} ${curves.frequencyMhz[row]}`;
		const group = groups.get(key);
		if (group === undefined) groups.set(key, { field, frequencyMhz: curves.frequencyMhz[row], rows: [row] });
		else group.rows.push(row);
	}
	return [...groups.values()].sort((a, b) =>
		a.field < b.field ? -1 : a.field > b.field ? 1 : a.frequencyMhz - b.frequencyMhz,
	);
}

function solveGroup(curves: LightCurves, group: Group, mode: NormalizationMode, minSnr: number): Solved {
	const members = [...new Set(group.rows.map((row) => curves.sourceIndex[row]))].sort((a, b) => a - b);
	const place = new Map(members.map((source, i) => [source, i]));
	const times = Float64Array.from(new Set(group.rows.map((row) => curves.mjd[row]))).sort();
	const mjd: number[] = [];
	const epochOf = new Map<number, number>();
	for (const time of times) {
		if (mjd.length === 0 || time - mjd[mjd.length - 1] > EPOCH_DAYS) mjd.push(time);
		epochOf.set(time, mjd.length - 1);
	}
	const size = members.length * mjd.length;
	const cellOf = Int32Array.from(
		group.rows,
		(row) => (place.get(curves.sourceIndex[row]) as number) * mjd.length + (epochOf.get(curves.mjd[row]) as number),
	);
	const placed = members.map((source) => curves.sources[source]);
	const located = placed.every((source) => source.raDeg !== undefined && source.decDeg !== undefined);
	const survey: FieldSurvey = {
		sources: members.length,
		epochs: mjd.length,
		fluxJy: new Float64Array(size).fill(Number.NaN),
		fluxErrJy: new Float64Array(size).fill(Number.NaN),
		mjd: Float64Array.from(mjd),
		...(located
			? {
					raDeg: Float64Array.from(placed, (source) => source.raDeg as number),
					decDeg: Float64Array.from(placed, (source) => source.decDeg as number),
				}
			: {}),
	};
	group.rows.forEach((row, k) => {
		survey.fluxJy[cellOf[k]] = curves.fluxJy[row];
		survey.fluxErrJy[cellOf[k]] = curves.fluxErrJy[row];
	});
	const solved = solveBaselines(survey, {
		normalization: { mode },
		references: { minSnr },
		identity: { version: "1", fieldId: group.field, frequencyHz: group.frequencyMhz * 1e6, method: "light curves" },
	});
	return {
		...group,
		survey,
		cellOf,
		solved,
		result: renormalize(survey, solved.baselines, solved.references, { mode }),
	};
}

function normalizedTable(curves: LightCurves, groups: Solved[]): Table {
	const rows = curves.fluxJy.length;
	const blank = () => new Float64Array(rows).fill(Number.NaN);
	const [flux, err, correction, correctionErr, references] = [blank(), blank(), blank(), blank(), blank()];
	const source = new Array<string | null>(rows).fill(null);
	const flags = new Array<string | null>(rows).fill(null);
	for (const { rows: own, cellOf, result } of groups) {
		own.forEach((row, k) => {
			const at = cellOf[k];
			flux[row] = result.fluxNormJy[at];
			err[row] = result.fluxNormErrJy[at];
			correction[row] = result.correction[at];
			correctionErr[row] = result.correctionErr[at];
			references[row] = result.nReferences[at];
			source[row] = CORRECTION_SOURCES[result.correctionSource[at]];
			flags[row] = normalizationFlagNames(result.flags[at]) || null;
		});
	}
	const added: Column[] = [
		{ name: "flux_norm_jy", kind: "number", unit: "Jy", values: flux },
		{ name: "flux_norm_err_jy", kind: "number", unit: "Jy", values: err },
		{ name: "correction", kind: "number", values: correction },
		{ name: "correction_err", kind: "number", values: correctionErr },
		{ name: "correction_source", kind: "text", values: source },
		{ name: "n_references", kind: "integer", values: references },
		{ name: "norm_flags", kind: "text", values: flags },
	];
	const names = new Set(added.map((column) => column.name));
	return { ...curves.table, columns: [...curves.table.columns.filter((column) => !names.has(column.name)), ...added] };
}

const short = (value: number) => (Number.isFinite(value) ? String(Number(value.toPrecision(4))) : "–");

/** What was corrected by how much, by whom, and whether the steady sources are steady after it. */
function qualityReport(path: string, groups: Solved[], mode: NormalizationMode): string {
	const sections: Section[] = groups.map(({ field, frequencyMhz, survey, solved, result }): Section => {
		const { solutions } = result;
		const references = [...solved.references.primary];
		const pulls: number[] = [];
		const level = solved.baselines.value;
		for (const i of references)
			for (let k = 0; k < survey.epochs; k++) {
				const at = i * survey.epochs + k;
				const room = 1 - solved.joint.share[at];
				if (Number.isFinite(result.fluxNormJy[at]) && room > 0.01)
					pulls.push((result.fluxNormJy[at] - level[i]) / result.fluxNormErrAtBaselineJy[at] / Math.sqrt(room));
			}
		const mean = pulls.reduce((sum, pull) => sum + pull, 0) / pulls.length;
		const std = Math.sqrt(pulls.reduce((sum, pull) => sum + (pull - mean) ** 2, 0) / Math.max(1, pulls.length - 1));
		const edges = Float64Array.from({ length: 41 }, (_, i) => -5 + i / 4);
		const counts = new Float64Array(40);
		for (const pull of pulls) if (Math.abs(pull) < 5) counts[Math.floor((pull + 5) * 4)] += 1;
		return {
			heading: `${field === "" ? "All sources" : `Field ${field}`}, ${short(frequencyMhz)} MHz`,
			text: `${survey.sources} sources in ${survey.epochs} epochs; ${references.length} references (median signal to noise from ${short(solved.references.snrLimit)}). Systematic floor ${short(100 * solved.floor.value)} %. Pulls of the references, each left out of its own correction: mean ${short(mean)}, standard deviation ${short(std)}.`,
			figures: [
				plot({
					width: 640,
					height: 320,
					title: "Flux scale of each epoch",
					x: { label: "MJD (UTC)" },
					y: { label: "correction factor" },
					layers: [
						{ kind: "rule", axis: "y", at: [1], dash: true },
						{
							kind: "points",
							x: solutions.map((s) => s.mjd),
							y: solutions.map((s) => (s.status === "applied" ? s.correction : Number.NaN)),
							yErr: solutions.map((s) => s.correctionErr),
							label: "applied",
						},
						{
							kind: "points",
							x: solutions.map((s) => s.mjd),
							y: solutions.map((s) => (s.status === "applied" ? Number.NaN : s.correction)),
							hollow: true,
							label: "not applied",
						},
					],
				}),
				plot({
					width: 420,
					height: 320,
					title: "Pulls of the references",
					x: { label: "(flux - level) / error" },
					y: { label: "measurements" },
					layers: [
						{ kind: "histogram", edges, counts },
						{
							kind: "line",
							x: edges,
							y: edges.map((x) => ((pulls.length / 4) * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI)),
							label: "unit normal",
						},
					],
				}),
			],
		};
	});
	return page("Normalization quality", `${path}, mode ${mode}: ${groups.length} fields and subbands.`, sections);
}
