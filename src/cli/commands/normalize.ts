import { writeFileSync } from "node:fs";
import { basename } from "node:path";
import { badInput } from "../../error.ts";
import { type LightCurves, readLightCurves } from "../../formats/light-curves.ts";
import { type Column, column, type Table, texts } from "../../formats/table/table.ts";
import { checkTablePath } from "../../formats/table/write.ts";
import { propagate } from "../../normalization/error-propagation.ts";
import { CORRECTION_SOURCES } from "../../normalization/fallback.ts";
import type { FieldResult } from "../../normalization/normalize-field.ts";
import { type NormalizationMode, normalizationFlagNames } from "../../normalization/normalize-image.ts";
import type { FieldSurvey } from "../../normalization/survey.ts";
import { normalizationOptions } from "../../pipeline/normalise/field-scale.ts";
import { normalizeInThreads } from "../../pipeline/normalise/in-threads.ts";
import { normalizationReport } from "../../plots/normalization-report.ts";
import { type Command, type Invocation, JSON_OPTION, numberOption, stringOption } from "../command.ts";
import { reportProblems, writeResult } from "../image-options.ts";
import { normalizeStored } from "../normalize-stored.ts";
import { progressOn } from "../progress.ts";
import { STORE_OPTIONS, threadsOption, withStore } from "../store-options.ts";

const MODES: NormalizationMode[] = ["plane", "ensemble", "single", "none"];
/** Without an epoch_id, images closer in time than this are one epoch, days. */
const EPOCH_DAYS = 0.02;

/** One field in one subband. */
interface Group {
	field: string;
	frequencyMhz: number;
	rows: number[];
	/** Sources of the survey, as indices into the table's sources. */
	members: number[];
	survey: FieldSurvey;
	/** Cell of the survey of each row. */
	cellOf: Int32Array;
}

export const command: Command = {
	name: "normalize",
	summary: "put the light curves of a field on one flux scale",
	usage: "normalize --light-curves FILE | --image ID | --measurement SOURCE/IMAGE | --all [--mode MODE] [--store]",
	description: [
		"Of a table: finds steady reference sources in each field and subband, solves their levels and the flux scale of every epoch",
		"jointly, and divides the scale out; a source never takes part in its own correction. Adds flux_norm_jy,",
		"flux_norm_err_jy, correction, correction_err, correction_source, n_references and norm_flags to the table.",
		"Of stored images: solves one measurement, one image or many against the present baselines and shows the result; with",
		"--store it takes the place of the stored one, and statistics and detection follow. Raw fluxes are never changed.",
		"--compare shows all modes beside one another; --report writes the quality of what is stored, field by field.",
	].join("\n"),
	examples: [
		"caustic normalize --light-curves light_curves.csv --out scaled.csv --report quality.html",
		"caustic normalize --light-curves survey.parquet --sources sources.csv --mode ensemble --out scaled.parquet",
		"caustic normalize --image 12 --mode single-reference --json --data survey",
		"caustic normalize --all --field F01 --compare --report quality.html --data survey",
	],
	options: {
		"light-curves": {
			type: "string",
			value: "FILE",
			help: "table with source_id, mjd, frequency_mhz, flux_jy, flux_err_jy, field_id, ra_deg, dec_deg",
		},
		sources: { type: "string", value: "FILE", help: "positions and fields of the sources, if the table has none" },
		image: { type: "string", multiple: true, value: "ID", help: "a stored image; may be repeated" },
		measurement: { type: "string", value: "SOURCE/IMAGE", help: "one stored measurement" },
		all: { type: "boolean", help: "every stored image, or those that --field, --frequency, --from and --to leave" },
		field: { type: "string", value: "NAME", help: "only images of this field" },
		frequency: { type: "string", value: "MHZ", help: "only images of this subband" },
		from: { type: "string", value: "MJD", help: "only images from this time on" },
		to: { type: "string", value: "MJD", help: "only images up to this time" },
		store: { type: "boolean", help: "let the result take the place of the stored one" },
		compare: { type: "boolean", help: "show every mode, with its differences from --mode in units of their errors" },
		mode: {
			type: "string",
			value: "MODE",
			help: "plane (a gradient where references show one), ensemble, single-reference (the nearest) or none",
			default: "plane; as configured for stored images",
		},
		"min-snr": { type: "string", value: "N", help: "median signal to noise that a reference needs", default: "20" },
		report: {
			type: "string",
			value: "FILE",
			help: "write a quality report with plots (HTML), the modes compared with one another",
		},
		threads: { type: "string", value: "N", help: "threads", default: "all cores" },
		out: {
			type: "string",
			value: "FILE",
			help: "where to write: .csv, .parquet, .vot, .json, .arrow or .fits",
			default: "standard output",
		},
		...STORE_OPTIONS,
		...JSON_OPTION,
	},

	async run(invocation) {
		const path = stringOption(invocation, "light-curves");
		const asked = ["light-curves", "image", "measurement", "all"].filter(
			(name) => invocation.options[name] !== undefined,
		);
		if (asked.length !== 1) {
			throw badInput(
				"bad-usage",
				asked.length === 0
					? "nothing to normalise was given"
					: `${asked.map((name) => `--${name}`).join(" and ")} at once`,
				{
					subject: "caustic normalize",
					remedy: "Give one of --light-curves FILE, --image ID, --measurement SOURCE/IMAGE and --all",
				},
			);
		}
		const mode = modeOption(invocation);
		const out = stringOption(invocation, "out");
		if (out !== undefined) checkTablePath(out);
		if (path === undefined) {
			return withStore(invocation, { mustExist: true }, (opened) => {
				const first = invocation.options.mode === undefined ? normalizationOptions(opened.config).mode : mode;
				const others = invocation.options.compare === true ? MODES.filter((name) => name !== first) : [];
				return normalizeStored(invocation, opened, [first, ...others]);
			});
		}
		for (const name of ["field", "frequency", "from", "to", "store", "compare", "data", "database", "config", "set"]) {
			if (invocation.options[name] !== undefined) {
				throw badInput("bad-usage", "is for stored images", {
					subject: `--${name}`,
					remedy: "Leave it out, or give --image or --all instead of --light-curves",
				});
			}
		}
		const minSnr = numberOption(invocation, "min-snr", 20, 1, 1e6);
		const curves = await readLightCurves(path, stringOption(invocation, "sources"));
		const report = stringOption(invocation, "report");
		const threads = threadsOption(invocation);
		const groups = groupsOf(path, curves);
		const progress = progressOn("caustic normalize");
		const results = await normalizeInThreads(
			groups.map(({ survey, field, frequencyMhz }) => ({
				survey,
				mode,
				references: { minSnr },
				identity: { version: "1", fieldId: field, frequencyHz: frequencyMhz * 1e6, method: "light curves" },
				assess: report !== undefined,
				compareWith: MODES,
			})),
			(done, total) => progress.update(done, total, "fields and subbands"),
			{ threads, signal: invocation.signal },
		).finally(() => progress.end());
		await writeResult(invocation, normalizedTable(curves, groups, results));
		if (report !== undefined) writeFileSync(report, qualityReport(path, curves, groups, results, mode));
		return reportProblems(path, curves.problems);
	},
};

function modeOption(invocation: Invocation): NormalizationMode {
	const text = stringOption(invocation, "mode") ?? "plane";
	const mode = MODES.find((name) => name === (text === "single-reference" ? "single" : text));
	if (mode !== undefined) return mode;
	throw badInput("bad-option", `${JSON.stringify(text)} is no mode`, {
		subject: "--mode",
		remedy: "Give one of plane, ensemble, single-reference, none",
	});
}

/** Rows by field and subband, each laid out as sources times epochs. */
function groupsOf(path: string, curves: LightCurves): Group[] {
	const groups = new Map<string, { field: string; frequencyMhz: number; rows: number[] }>();
	for (let row = 0; row < curves.fluxJy.length; row++) {
		if (Number.isNaN(curves.fluxJy[row])) continue;
		const field = curves.sources[curves.sourceIndex[row]].fieldId ?? "";
		const key = `${field} ${curves.frequencyMhz[row]}`;
		const group = groups.get(key);
		if (group === undefined) groups.set(key, { field, frequencyMhz: curves.frequencyMhz[row], rows: [row] });
		else group.rows.push(row);
	}
	if (groups.size === 0) {
		throw badInput("no-measurements", "holds no usable measurement", {
			subject: path,
			remedy: "Give finite flux_jy and positive flux_err_jy in Jy",
		});
	}
	const named = column(curves.table, "epoch_id") === undefined ? undefined : texts(curves.table, "epoch_id");
	return [...groups.values()]
		.sort((a, b) => (a.field < b.field ? -1 : a.field > b.field ? 1 : a.frequencyMhz - b.frequencyMhz))
		.map((group) => layOut(curves, group, named));
}

/** Epoch of each row: by its name, else by its time. Epochs are in order of time. */
function epochsOf(rows: number[], mjd: Float64Array, names: (string | null)[] | undefined) {
	if (names !== undefined && rows.every((row) => names[row])) {
		const first = new Map<string, number>();
		for (const row of rows) {
			const name = names[row] as string;
			first.set(name, Math.min(first.get(name) ?? Infinity, mjd[row]));
		}
		const ordered = [...first].sort((a, b) => a[1] - b[1] || (a[0] < b[0] ? -1 : 1));
		const place = new Map(ordered.map(([name], k) => [name, k]));
		return {
			times: ordered.map(([, time]) => time),
			epochOf: rows.map((row) => place.get(names[row] as string) as number),
		};
	}
	const times: number[] = [];
	const place = new Map<number, number>();
	for (const time of Float64Array.from(new Set(rows.map((row) => mjd[row]))).sort()) {
		if (times.length === 0 || time - times[times.length - 1] > EPOCH_DAYS) times.push(time);
		place.set(time, times.length - 1);
	}
	return { times, epochOf: rows.map((row) => place.get(mjd[row]) as number) };
}

function layOut(
	curves: LightCurves,
	group: { field: string; frequencyMhz: number; rows: number[] },
	names: (string | null)[] | undefined,
): Group {
	const members = [...new Set(group.rows.map((row) => curves.sourceIndex[row]))].sort((a, b) => a - b);
	const place = new Map(members.map((source, i) => [source, i]));
	const { times, epochOf } = epochsOf(group.rows, curves.mjd, names);
	const epochs = times.length;
	const size = members.length * epochs;
	const cellOf = Int32Array.from(
		group.rows,
		(row, k) => (place.get(curves.sourceIndex[row]) as number) * epochs + epochOf[k],
	);
	const placed = members.map((source) => curves.sources[source]);
	const located = placed.every((source) => source.raDeg !== undefined && source.decDeg !== undefined);
	const survey: FieldSurvey = {
		sources: members.length,
		epochs,
		fluxJy: new Float64Array(size).fill(Number.NaN),
		fluxErrJy: new Float64Array(size).fill(Number.NaN),
		mjd: Float64Array.from(times),
		...(located
			? {
					raDeg: Float64Array.from(placed, (source) => source.raDeg as number),
					decDeg: Float64Array.from(placed, (source) => source.decDeg as number),
				}
			: {}),
	};
	group.rows.forEach((row, k) => {
		const at = cellOf[k];
		// Of repeated measurements the best one stands for the epoch; each row is corrected by the epoch's factor all the same.
		if (survey.fluxErrJy[at] <= curves.fluxErrJy[row]) return;
		survey.fluxJy[at] = curves.fluxJy[row];
		survey.fluxErrJy[at] = curves.fluxErrJy[row];
	});
	return { ...group, members, survey, cellOf };
}

function normalizedTable(curves: LightCurves, groups: Group[], results: FieldResult[]): Table {
	const rows = curves.fluxJy.length;
	const blank = () => new Float64Array(rows).fill(Number.NaN);
	const [flux, err, correction, correctionErr, references] = [blank(), blank(), blank(), blank(), blank()];
	const source = new Array<string | null>(rows).fill(null);
	const flags = new Array<string | null>(rows).fill(null);
	groups.forEach(({ rows: own, cellOf }, g) => {
		const { normalized, baselines } = results[g];
		own.forEach((row, k) => {
			const at = cellOf[k];
			correction[row] = normalized.correction[at];
			correctionErr[row] = normalized.correctionErr[at];
			const value = propagate(
				curves.fluxJy[row],
				curves.fluxErrJy[row],
				correction[row],
				correctionErr[row],
				baselines.systematicFraction,
			);
			flux[row] = value.flux;
			err[row] = value.error;
			references[row] = normalized.nReferences[at];
			source[row] = CORRECTION_SOURCES[normalized.correctionSource[at]];
			flags[row] = normalizationFlagNames(normalized.flags[at]) || null;
		});
	});
	const added: Column[] = [
		{ name: "flux_norm_jy", kind: "number", unit: "Jy", values: flux },
		{ name: "flux_norm_err_jy", kind: "number", unit: "Jy", values: err },
		{ name: "correction", kind: "number", values: correction },
		{ name: "correction_err", kind: "number", values: correctionErr },
		{ name: "correction_source", kind: "text", values: source },
		{ name: "n_references", kind: "integer", values: references },
		{ name: "norm_flags", kind: "text", values: flags },
	];
	const names = new Set(added.map(({ name }) => name));
	return { ...curves.table, columns: [...curves.table.columns.filter(({ name }) => !names.has(name)), ...added] };
}

function qualityReport(
	path: string,
	curves: LightCurves,
	groups: Group[],
	results: FieldResult[],
	mode: NormalizationMode,
): string {
	const fields = groups.flatMap(({ field, frequencyMhz, survey, members }, g) => {
		const { quality, references, baselines, modes } = results[g];
		if (quality === undefined) return [];
		return [
			{
				fieldId: field,
				frequencyMhz,
				survey,
				sourceIds: members.map((source) => curves.sources[source].id),
				quality,
				selection: references,
				level: baselines.value,
				systematicFraction: baselines.systematicFraction,
				systematicFractionErr: baselines.systematicFractionErr,
				modes,
			},
		];
	});
	const lead = `${basename(path)}, mode ${mode}: ${groups.length} ${groups.length === 1 ? "field in one subband" : "fields and subbands"}.`;
	return normalizationReport("Normalization quality", lead, fields);
}
