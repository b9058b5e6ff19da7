import { page, type ReportTable, type Section } from "../../plots/page.ts";
import { type Layer, plot } from "../../plots/plot.ts";

/** Everything that the report of a run shows, as plain columns. */
export interface RunReportData {
	run: { id: string; createdAt: string; configurationHash: string; paths: string[] };
	counts: {
		images: number;
		epochs: number;
		sources: number;
		measurements: number;
		flagged: number;
		candidates: number;
	};
	fields: { name: string; raDeg: number; decDeg: number; radiusDeg: number }[];
	sources: {
		name: string;
		raDeg: number;
		decDeg: number;
		/** Of the brightest band. */
		meanJy: number;
		catalogueJy: number;
		eta: number;
		v: number;
		isCandidate: boolean;
	}[];
	corrections: {
		mjd: number;
		bandMhz: number;
		correction: number;
		correctionErr: number;
		source: string;
		status: string;
	}[];
	candidates: ReportCandidate[];
	rejected: { subject: string; reason: string }[];
	ignored: number;
}

export interface ReportCandidate {
	id: number;
	name: string;
	significance: number;
	falseAlarmProbability: number;
	tier: string;
	startMjd: number;
	endMjd: number;
	peakMjd: number;
	depth: number;
	durationDays: number;
	flags: string;
	points: { bandMhz: number; mjd: number; fluxJy: number; errJy: number }[];
}

const byBand = <T extends { bandMhz: number }>(rows: T[]): [number, T[]][] =>
	[...Map.groupBy(rows, (row) => row.bandMhz)].sort(([a], [b]) => a - b);

const digits = (value: number, n = 4): string => (Number.isFinite(value) ? String(Number(value.toPrecision(n))) : "–");

function skyPlot({ fields, sources }: RunReportData): string[] {
	return fields.map((field) => {
		const near = sources.filter((source) => Math.abs(source.decDeg - field.decDeg) <= field.radiusDeg);
		const east = (raDeg: number) =>
			(((raDeg - field.raDeg + 540) % 360) - 180) * Math.cos((field.decDeg * Math.PI) / 180);
		const brightest = Math.max(...near.map((source) => source.meanJy).filter(Number.isFinite), 1e-9);
		const layer = (rows: typeof near, label: string, color: string, size: number): Layer => ({
			kind: "points",
			x: rows.map((source) => -east(source.raDeg)),
			y: rows.map((source) => source.decDeg - field.decDeg),
			label,
			color,
			size,
			titles: rows.map((source) => `${source.name}: ${digits(source.meanJy)} Jy, eta ${digits(source.eta, 3)}`),
		});
		const bright = near.filter((source) => !source.isCandidate && source.meanJy > 0.1 * brightest);
		const faint = near.filter((source) => !source.isCandidate && !(source.meanJy > 0.1 * brightest));
		return plot({
			width: 560,
			height: 520,
			title: `Field ${field.name}`,
			subtitle: `centre ${digits(field.raDeg, 7)}, ${digits(field.decDeg, 7)} deg (ICRS); east is left`,
			x: { label: "offset in right ascension (deg), negative east" },
			y: { label: "offset in declination (deg)" },
			layers: [
				layer(faint, "below a tenth of the brightest", "#9aa5b1", 4),
				layer(bright, "bright", "#0072b2", 7),
				layer(
					near.filter((source) => source.isCandidate),
					"candidate",
					"#d55e00",
					10,
				),
			],
		});
	});
}

function catalogueFigures({ sources }: RunReportData): string[] {
	const rows = sources.filter((source) => source.catalogueJy > 0 && source.meanJy > 0);
	if (rows.length === 0) return [];
	const ratio = rows.map((source) => source.meanJy / source.catalogueJy);
	const sorted = ratio.toSorted((a, b) => a - b);
	const median = sorted[Math.floor(sorted.length / 2)];
	return [
		plot({
			title: "Flux against the catalogue",
			subtitle: `${rows.length} sources, median ratio ${digits(median)}`,
			x: { label: "catalogue flux density (Jy)", scale: "log" },
			y: { label: "measured / catalogue" },
			layers: [
				{ kind: "rule", axis: "y", at: [1], dash: true },
				{
					kind: "points",
					x: rows.map((source) => source.catalogueJy),
					y: ratio,
					titles: rows.map((source) => source.name),
				},
			],
		}),
	];
}

function correctionFigure({ corrections }: RunReportData): string[] {
	if (corrections.length === 0) return [];
	return [
		plot({
			width: 900,
			height: 340,
			title: "Flux scale of each epoch",
			subtitle: "correction by which the image's fluxes are divided; hollow where it was not applied",
			x: { label: "MJD (UTC)" },
			y: { label: "correction factor" },
			layers: [
				{ kind: "rule", axis: "y", at: [1], dash: true },
				...byBand(corrections).flatMap(([band, rows], k): Layer[] => {
					const color = ["#0072b2", "#d55e00", "#009e73", "#aa4499", "#b8860b", "#3399cc"][k % 6];
					const part = (applied: boolean): Layer => {
						const some = rows.filter((row) => (row.source !== "none") === applied);
						return {
							kind: "points",
							x: some.map((row) => row.mjd),
							y: some.map((row) => row.correction),
							yErr: some.map((row) => row.correctionErr),
							color,
							hollow: !applied,
							...(applied ? { label: `${digits(band, 5)} MHz` } : {}),
						};
					};
					return [part(true), part(false)];
				}),
			],
		}),
	];
}

function etaVFigure({ sources }: RunReportData): string[] {
	const rows = sources.filter((source) => source.eta > 0 && source.v > 0);
	if (rows.length === 0) return [];
	const layer = (candidates: boolean): Layer => {
		const some = rows.filter((source) => source.isCandidate === candidates);
		return {
			kind: "points",
			x: some.map((source) => source.eta),
			y: some.map((source) => source.v),
			color: candidates ? "#d55e00" : "#0072b2",
			label: candidates ? "candidates" : "sources",
			size: candidates ? 9 : 5,
			titles: some.map((source) => source.name),
		};
	};
	return [
		plot({
			title: "Variability",
			subtitle: "significance against strength; steady sources lie near eta = 1",
			x: { label: "eta, reduced chi-squared about the weighted mean", scale: "log" },
			y: { label: "V, standard deviation / mean", scale: "log" },
			layers: [{ kind: "rule", axis: "x", at: [1], dash: true }, layer(false), layer(true)],
		}),
	];
}

export function lightCurveFigure(candidate: ReportCandidate): string {
	return plot({
		width: 900,
		height: 360,
		title: `${candidate.name}: ${digits(candidate.significance, 3)} sigma (${candidate.tier})`,
		subtitle: `false-alarm probability ${candidate.falseAlarmProbability.toExponential(1)} per source; depth ${digits(candidate.depth, 3)}, ${digits(candidate.durationDays, 3)} d`,
		x: { label: "MJD (UTC)" },
		y: { label: "flux density (Jy/beam)" },
		layers: [
			{
				kind: "rects",
				x0: [candidate.startMjd],
				x1: [candidate.endMjd],
				y0: [-Infinity],
				y1: [Infinity],
				color: "#d55e00",
				opacity: 0.1,
			},
			...byBand(candidate.points).map(
				([band, rows]): Layer => ({
					kind: "points",
					x: rows.map((row) => row.mjd),
					y: rows.map((row) => row.fluxJy),
					yErr: rows.map((row) => row.errJy),
					label: `${digits(band, 5)} MHz`,
				}),
			),
		],
	});
}

const candidateTable = (candidates: ReportCandidate[]): ReportTable => ({
	columns: [
		"candidate",
		"source",
		"significance",
		"FAP per source",
		"tier",
		"start MJD",
		"peak MJD",
		"end MJD",
		"depth",
		"flags",
	],
	rows: candidates.map((c) => [
		c.id,
		c.name,
		digits(c.significance, 3),
		c.falseAlarmProbability.toExponential(1),
		c.tier,
		digits(c.startMjd, 8),
		digits(c.peakMjd, 8),
		digits(c.endMjd, 8),
		digits(c.depth, 3),
		c.flags,
	]),
});

/** The report of a run as one self-contained HTML page. */
export function runReport(data: RunReportData): string {
	const { run, counts, candidates, rejected } = data;
	const sections: Section[] = [
		{
			heading: "Candidates",
			text:
				candidates.length === 0
					? "No source shows an event above the threshold."
					: "Most significant first. Shaded: the event's interval. A person confirms or rejects them on the review page.",
			...(candidates.length === 0 ? {} : { table: candidateTable(candidates) }),
			figures: candidates.slice(0, 12).map(lightCurveFigure),
		},
		{ heading: "The field", figures: skyPlot(data) },
		{
			heading: "Flux scale",
			text: "Each image's fluxes are compared with those of steady sources in it. What is common to all is the image's own and is removed; what remains belongs to the source.",
			figures: [...correctionFigure(data), ...catalogueFigures(data)],
		},
		{ heading: "Variability", figures: etaVFigure(data) },
	];
	if (rejected.length > 0) {
		sections.push({
			heading: "Rejected inputs",
			text: "Nothing of these went into the results. Mend them and run again.",
			table: { columns: ["input", "reason"], rows: rejected.map((row) => [row.subject, row.reason]) },
		});
	}
	const lead = `Run ${run.id}: ${counts.images} images of ${counts.epochs} epochs, ${counts.sources} sources, ${counts.measurements} measurements (${counts.flagged} flagged), ${counts.candidates} candidates; ${data.ignored} other files left alone. Configuration ${run.configurationHash}.`;
	return page("Caustic survey report", lead, sections);
}
