import { fieldCoordinates, fieldOf } from "../normalization/field-coordinates.ts";
import type { FieldQuality, ModeComparison, NormalizationAlert, PullSummary } from "../normalization/quality.ts";
import type { ReferenceSelection } from "../normalization/references.ts";
import type { FieldSurvey } from "../normalization/survey.ts";
import { histogramWithNormal } from "./histogram.ts";
import type { Layer } from "./layers.ts";
import { page, type ReportTable, type Section } from "./page.ts";
import { plot } from "./plot.ts";

/** One field in one subband, as the report shows it. */
export interface ReportedField {
	fieldId: string;
	frequencyMhz: number;
	survey: FieldSurvey;
	/** Name of each source. */
	sourceIds: string[];
	quality: FieldQuality;
	/** References, the signal to noise that they were chosen at, and how many sources each condition refused. */
	selection: Pick<ReferenceSelection, "primary" | "snrLimit"> & { counts: Partial<ReferenceSelection["counts"]> };
	level: Float64Array;
	systematicFraction: number;
	systematicFractionErr: number;
	modes: ModeComparison[];
}

const digits = (value: number, n = 3) => (Number.isFinite(value) ? String(Number(value.toPrecision(n))) : "–");
const fixed = (value: number, n: number) => (Number.isFinite(value) ? value.toFixed(n) : "–");
const percent = (value: number, n = 2) => (Number.isFinite(value) ? `${(100 * value).toFixed(n)} %` : "–");
const titleOf = ({ fieldId, frequencyMhz }: ReportedField) =>
	`${fieldId === "" ? "All sources" : `Field ${fieldId}`}, ${digits(frequencyMhz, 6)} MHz`;

/** An alert in words. */
export function alertText(alert: NormalizationAlert, sourceIds: string[]): string {
	const when = alert.mjd === undefined ? "" : ` at MJD ${fixed(alert.mjd, 2)}`;
	const source = alert.sourceIndex === undefined ? "" : sourceIds[alert.sourceIndex];
	switch (alert.kind) {
		case "too_few_references":
			return `only ${alert.value} references measured${when}`;
		case "correction_suspicious":
			return `correction of ${digits(alert.value)}${when} is outside its gate and was not applied`;
		case "not_normalised":
			return `no correction${when}: fluxes left raw`;
		case "pull_scatter":
			return `standard deviation of the pulls${when} is ${fixed(alert.value, 2)}, limit ${alert.limit}`;
		case "reference_variable":
			return `reference ${source} has turned variable: probability ${alert.value.toExponential(1)} of being steady`;
		case "baseline_stale":
			return `baselines end ${digits(alert.value)} days before the last epoch`;
		case "normalization_harmful":
			return `steady sources scatter more after normalization (V ${digits(alert.value)}) than before (${digits(alert.limit)})`;
		case "catalogue_ratio":
			return `median ratio to the catalogue${when} is ${fixed(alert.value, 2)}, limit ${alert.limit}`;
	}
}

function scalePlot({ quality }: ReportedField): string {
	const { epochs } = quality;
	const pick = (keep: (k: number) => boolean) => {
		const rows = epochs.filter((_, k) => keep(k));
		return {
			x: rows.map(({ mjd }) => mjd),
			y: rows.map(({ correction }) => correction),
			yErr: rows.map(({ correctionErr }) => correctionErr),
		};
	};
	const sloped = epochs.filter(({ order, status }) => order > 0 && status === "applied");
	const layers: Layer[] = [{ kind: "rule", axis: "y", at: [1] }];
	if (sloped.length > 0) {
		// The range of c over the field, as a bar through each epoch with a gradient.
		layers.push({
			kind: "points",
			x: sloped.map(({ mjd }) => mjd),
			y: sloped.map(({ lowest, highest }) => 0.5 * (lowest + highest)),
			yErr: sloped.map(({ lowest, highest }) => 0.5 * (highest - lowest)),
			size: 0.1,
			color: "#b8860b",
			label: "range over the field, where it varies",
		});
	}
	layers.push({
		kind: "points",
		...pick(
			(k) => epochs[k].status === "applied" && (epochs[k].source === "ensemble" || epochs[k].source === "single"),
		),
		color: "#0072b2",
		label: "ensemble",
		size: 4,
	});
	const fallback = pick((k) => epochs[k].status === "applied" && !["ensemble", "single"].includes(epochs[k].source));
	if (fallback.x.length > 0) {
		layers.push({ kind: "points", ...fallback, shape: "square", color: "#009e73", label: "fallback", size: 6 });
	}
	const refused = pick((k) => epochs[k].status !== "applied");
	if (refused.x.length > 0)
		layers.push({ kind: "points", ...refused, hollow: true, color: "#d55e00", label: "not applied" });
	return plot({
		width: 640,
		height: 300,
		title: "Flux scale of each epoch",
		x: { label: "MJD (UTC)" },
		y: { label: "correction factor c" },
		layers,
	});
}

/** Residuals of the steady sources and the ratio to the catalogue, epoch after epoch: how accurate the scale was. */
function accuracyPlot({ quality, survey, level }: ReportedField): string {
	const { epochs } = quality;
	const residual = epochs.map((_, k) => {
		const values: number[] = [];
		for (let i = 0; i < survey.sources; i++) {
			const z = quality.pullOf[i * survey.epochs + k];
			if (quality.steady[i] === 1 && level[i] > 0 && Number.isFinite(z)) values.push(z);
		}
		return values.reduce((sum, z) => sum + z, 0) / Math.max(1, values.length);
	});
	const shown = epochs.map((_, k) => k).filter((k) => epochs[k].pulls.n > 0);
	return plot({
		width: 640,
		height: 300,
		title: "Residuals of steady sources, epoch by epoch",
		subtitle: "mean of (S′ − B) / error; bars: their standard deviation, 1 when the errors are right",
		x: { label: "MJD (UTC)" },
		y: { label: "residual (sigma)" },
		layers: [
			{ kind: "rule", axis: "y", at: [-1, 0, 1] },
			{
				kind: "points",
				x: shown.map((k) => epochs[k].mjd),
				y: shown.map((k) => residual[k]),
				yErr: shown.map((k) => epochs[k].pulls.std),
				color: "#0072b2",
				size: 4,
			},
		],
	});
}

function cataloguePlot({ quality }: ReportedField): string | undefined {
	const epochs = quality.epochs.filter(({ catalogueRatio }) => Number.isFinite(catalogueRatio));
	if (epochs.length === 0) return undefined;
	return plot({
		width: 520,
		height: 300,
		title: "Normalised over catalogue flux",
		subtitle: "median of the sources above 10 sigma; the survey's own scale is relative",
		x: { label: "MJD (UTC)" },
		y: { label: "median ratio" },
		layers: [
			{ kind: "rule", axis: "y", at: [1] },
			{
				kind: "points",
				x: epochs.map(({ mjd }) => mjd),
				y: epochs.map(({ catalogueRatio }) => catalogueRatio),
				color: "#009e73",
				size: 4,
			},
		],
	});
}

function scatterPlot({ quality, level, survey }: ReportedField): string {
	const shown = Array.from(level.keys()).filter((i) => level[i] > 0 && quality.scatterAfter[i] > 0);
	const steady = shown.filter((i) => quality.steady[i] === 1);
	const other = shown.filter((i) => quality.steady[i] === 0);
	const noise = steady
		.map((i) => {
			const row = survey.fluxErrJy.subarray(i * survey.epochs, (i + 1) * survey.epochs).filter((err) => err > 0);
			return [level[i] * 1e3, row.reduce((sum, err) => sum + err, 0) / row.length / level[i]];
		})
		.sort((a, b) => a[0] - b[0]);
	return plot({
		width: 520,
		height: 340,
		title: "Scatter of each source",
		subtitle: "fraction of its flux, before and after",
		x: { label: "level (mJy)", scale: "log" },
		y: { label: "fractional scatter", scale: "log" },
		layers: [
			{
				kind: "points",
				x: steady.map((i) => level[i] * 1e3),
				y: steady.map((i) => quality.scatterBefore[i]),
				hollow: true,
				color: "#667380",
				size: 4,
				label: "steady, raw",
			},
			{
				kind: "points",
				x: other.map((i) => level[i] * 1e3),
				y: other.map((i) => quality.scatterAfter[i]),
				shape: "cross",
				color: "#d55e00",
				size: 5,
				label: "variable, normalised",
			},
			{
				kind: "points",
				x: steady.map((i) => level[i] * 1e3),
				y: steady.map((i) => quality.scatterAfter[i]),
				color: "#0072b2",
				size: 4,
				label: "steady, normalised",
			},
			{
				kind: "line",
				x: noise.map((p) => p[0]),
				y: noise.map((p) => p[1]),
				color: "#1f2933",
				width: 1.2,
				label: "noise",
			},
		],
	});
}

function pullPlot({ quality, survey }: ReportedField): string {
	const pulls = quality.pullOf.filter((_, at) => quality.steady[Math.floor(at / survey.epochs)] === 1);
	return plot({
		width: 420,
		height: 340,
		title: "Pulls of steady sources",
		subtitle: `standard deviation ${fixed(quality.pulls.std, 3)}, mean ${fixed(quality.pulls.mean, 3)}`,
		x: { label: "(S′ − B) / error" },
		y: { label: "measurements" },
		layers: histogramWithNormal(pulls, { bins: 50 }),
	});
}

/** Quantiles of the pulls against those of a unit normal: tails that a histogram hides. */
function quantilePlot({ quality, survey }: ReportedField): string {
	const pulls = quality.pullOf
		.filter((z, at) => !Number.isNaN(z) && quality.steady[Math.floor(at / survey.epochs)] === 1)
		.sort();
	const x: number[] = [];
	const y: number[] = [];
	const n = pulls.length;
	for (let q = -4; q <= 4.001; q += 0.1) {
		// Position of the unit normal's quantile among the sorted pulls, by the logistic form of its cumulative (1e-2 of a tick).
		const p = 1 / (1 + Math.exp(-1.5976 * q - 0.07056 * q ** 3));
		if (p * n < 2 || (1 - p) * n < 2) continue;
		x.push(q);
		y.push(pulls[Math.min(n - 1, Math.floor(p * n))]);
	}
	return plot({
		width: 340,
		height: 340,
		title: "Quantiles",
		x: { label: "unit normal", min: -4, max: 4 },
		y: { label: "pulls", min: -6, max: 6 },
		layers: [
			{ kind: "line", x: [-4, 4], y: [-4, 4], dash: true, color: "#667380" },
			{ kind: "points", x, y, size: 4 },
		],
	});
}

/** Mean pull of each source over the field: a pattern here is a gradient that the correction missed. */
function residualMap({ quality, survey, level }: ReportedField): string | undefined {
	if (survey.raDeg === undefined || survey.decDeg === undefined) return undefined;
	const field = fieldOf(survey.raDeg, survey.decDeg);
	const { x, y } = fieldCoordinates(survey.raDeg, survey.decDeg, field);
	const cells = 8;
	const sum = new Float64Array(cells * cells);
	const count = new Float64Array(cells * cells);
	for (let i = 0; i < survey.sources; i++) {
		if (quality.steady[i] === 0 || !(level[i] > 0)) continue;
		const column = Math.min(cells - 1, Math.floor(((x[i] + 1) / 2) * cells));
		const row = Math.min(cells - 1, Math.floor(((y[i] + 1) / 2) * cells));
		for (let k = 0; k < survey.epochs; k++) {
			// Only epochs far from the usual scale can show what a constant correction leaves behind.
			const z = quality.pullOf[i * survey.epochs + k];
			if (Number.isNaN(z) || Math.abs(z) > 5) continue;
			sum[row * cells + column] += z * z;
			count[row * cells + column]++;
		}
	}
	const radius = field.radiusDeg;
	return plot({
		width: 400,
		height: 340,
		title: "Scatter of the pulls over the field",
		x: { label: "east of the centre (deg)", reverse: true },
		y: { label: "north of the centre (deg)" },
		layers: [
			{
				kind: "heat",
				x: [-radius, radius],
				y: [-radius, radius],
				columns: cells,
				rows: cells,
				values: sum.map((value, c) => (count[c] > 0 ? Math.sqrt(value / count[c]) : Number.NaN)),
				low: 0.5,
				high: 1.5,
				map: "diverging",
				label: "standard deviation",
			},
		],
	});
}

function referencePlot({ quality }: ReportedField): string {
	const { epochs } = quality;
	return plot({
		width: 520,
		height: 300,
		title: "References behind each correction",
		x: { label: "MJD (UTC)" },
		y: { label: "references", min: 0 },
		layers: [
			{
				kind: "line",
				x: epochs.map((e) => e.mjd),
				y: epochs.map((e) => e.available),
				step: true,
				color: "#9aa5b1",
				label: "measured",
			},
			{
				kind: "line",
				x: epochs.map((e) => e.mjd),
				y: epochs.map((e) => e.used),
				step: true,
				color: "#0072b2",
				label: "used",
			},
			{ kind: "rule", axis: "y", at: [3], color: "#d55e00", label: "fewest allowed" },
		],
	});
}

const pullCells = (pulls: PullSummary) => [
	fixed(pulls.mean, 3),
	fixed(pulls.std, 3),
	fixed(pulls.robustStd, 3),
	percent(pulls.outliers),
];

const modesTable = (modes: ModeComparison[]): ReportTable => ({
	columns: [
		"mode",
		"scatter of steady sources",
		"pull std",
		"beyond 5 sigma",
		"error of c",
		"difference from first, std",
		"beyond 3 sigma",
	],
	rows: modes.map((row) => [
		row.mode,
		percent(row.scatter),
		fixed(row.pulls.std, 3),
		percent(row.pulls.outliers),
		percent(row.correctionErr),
		fixed(row.differenceStd, 2),
		percent(row.significant),
	]),
});

function referencesTable({ quality, sourceIds }: ReportedField): ReportTable {
	const rows = [...quality.references].sort((a, b) => b.snr - a.snr).slice(0, 60);
	return {
		columns: ["reference", "SNR", "probability steady", "scatter", "drift (sigma)", "epochs rejected"],
		rows: rows.map((r) => [
			sourceIds[r.sourceIndex],
			fixed(r.snr, 0),
			digits(r.steadyP, 2),
			percent(r.scatter),
			fixed(r.drift, 1),
			r.rejections,
		]),
		marked: new Map(
			rows.flatMap((r, k) => (Math.abs(r.drift) > 5 ? [[k, "its level drifts against the others"] as const] : [])),
		),
	};
}

function fieldSection(field: ReportedField, open: boolean): Section {
	const { quality, selection } = field;
	const refused = Object.entries(selection.counts)
		.filter(([, n]) => n > 0)
		.map(([name, n]) => `${name.replaceAll("_", " ")} ${n}`);
	const map = residualMap(field);
	const catalogue = cataloguePlot(field);
	const alerts = quality.alerts.map((alert) => alertText(alert, field.sourceIds));
	return {
		heading: titleOf(field),
		folded: !open,
		text: [
			`${field.survey.sources} sources, ${field.survey.epochs} epochs, ${selection.primary.length} references of signal to noise ${digits(selection.snrLimit)} and more. Refused: ${refused.length > 0 ? refused.join(", ") : "none"}.`,
			`Systematic floor ${percent(field.systematicFraction)} ± ${percent(field.systematicFractionErr)}. Median V of steady sources ${percent(quality.before.v)} before, ${percent(quality.after.v)} after; median eta ${digits(quality.before.eta)} before, ${digits(quality.after.eta)} after.`,
			alerts.length === 0
				? "No alerts."
				: `Alerts: ${alerts.slice(0, 20).join("; ")}${alerts.length > 20 ? `; and ${alerts.length - 20} more` : ""}.`,
		].join("\n\n"),
		figures: [
			scalePlot(field),
			accuracyPlot(field),
			referencePlot(field),
			...(catalogue === undefined ? [] : [catalogue]),
			scatterPlot(field),
			pullPlot(field),
			quantilePlot(field),
			...(map === undefined ? [] : [map]),
		],
		tables: [
			{
				columns: ["signal to noise", "pulls", "mean", "std", "robust std", "beyond 5 sigma"],
				rows: quality.bySnr
					.filter(({ pulls }) => pulls.n > 0)
					.map(({ low, high, pulls }) => [
						Number.isFinite(high) ? `${low} to ${high}` : `above ${low}`,
						pulls.n,
						...pullCells(pulls),
					]),
			},
			...(field.modes.length > 0 ? [modesTable(field.modes)] : []),
			referencesTable(field),
		],
	};
}

/**
 * Quality report of a normalization: one self-contained page with a summary of all fields and subbands and, for each, the
 * flux scale of its epochs, its references, the scatter of its sources before and after, and the pulls.
 */
export function normalizationReport(title: string, lead: string, fields: ReportedField[]): string {
	const summary: ReportTable = {
		columns: [
			"field",
			"MHz",
			"sources",
			"epochs",
			"references",
			"floor",
			"scatter before",
			"after",
			"pull std",
			"beyond 5 sigma",
			"error of c",
			"not applied",
			"alerts",
		],
		rows: fields.map((field) => {
			const { quality } = field;
			const errors = quality.epochs.map((e) => e.correctionErr / e.correction).sort((a, b) => a - b);
			return [
				field.fieldId === "" ? "all" : field.fieldId,
				digits(field.frequencyMhz, 6),
				field.survey.sources,
				field.survey.epochs,
				field.selection.primary.length,
				percent(field.systematicFraction),
				percent(quality.before.scatter),
				percent(quality.after.scatter),
				fixed(quality.pulls.std, 3),
				percent(quality.pulls.outliers),
				percent(errors[errors.length >> 1] ?? Number.NaN),
				quality.epochs.filter((e) => e.status !== "applied").length,
				quality.alerts.length,
			];
		}),
		marked: new Map(
			fields.flatMap((field, k) =>
				field.quality.alerts.length > 0 ? [[k, alertText(field.quality.alerts[0], field.sourceIds)] as const] : [],
			),
		),
	};
	return page(title, lead, [
		{
			heading: "Summary",
			text: "Scatter: median over the steady sources of the fractional scatter about the median. Pull: residual over its full error, each source left out of its own correction; the errors are right when its standard deviation is 1. Marked rows carry alerts.",
			table: summary,
		},
		...fields.map((field) => fieldSection(field, fields.length <= 4)),
	]);
}
