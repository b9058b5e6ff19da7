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
	/** Sources that the catalogue gives a flux for, in each subband. */
	catalogue: { name: string; bandMhz: number; catalogueJy: number; meanJy: number }[];
	corrections: {
		mjd: number;
		bandMhz: number;
		correction: number;
		correctionErr: number;
		/** Of the references about it, relative. */
		scatter: number;
		references: number;
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

const plural = (n: number, noun: string): string => `${n.toLocaleString("en")} ${noun}${n === 1 ? "" : "s"}`;

const medianOf = (values: number[]): number => {
	const sorted = values.filter((value) => !Number.isNaN(value)).sort((a, b) => a - b);
	if (sorted.length === 0) return Number.NaN;
	return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
};

/** Scatter of values as a Gaussian would have it, from the median of their distances to the median. */
const robustScatter = (values: number[]): number => {
	const middle = medianOf(values);
	return 1.4826 * medianOf(values.map((value) => Math.abs(value - middle)));
};

/** Low frequencies warm, high ones cool: the same subband has the same colour in every figure. */
const BAND_COLOURS = ["#a8201a", "#c76f00", "#208058", "#1f5fa8", "#5b3a9b"];
const bandColour = (k: number, n: number): string =>
	BAND_COLOURS[n <= 1 ? 3 : n <= BAND_COLOURS.length ? k : Math.floor((k / n) * BAND_COLOURS.length)];

const SIZES = [4, 7, 11];

function skyPlot({ fields, sources }: RunReportData): string[] {
	return fields.map((field) => {
		const near = sources.filter((source) => Math.abs(source.decDeg - field.decDeg) <= field.radiusDeg);
		const east = (raDeg: number) =>
			(((raDeg - field.raDeg + 540) % 360) - 180) * Math.cos((field.decDeg * Math.PI) / 180);
		const layer = (
			rows: typeof near,
			label: string | undefined,
			color: string,
			size: number,
			hollow = false,
		): Layer => ({
			kind: "points",
			x: rows.map((source) => east(source.raDeg)),
			y: rows.map((source) => source.decDeg - field.decDeg),
			...(label === undefined ? {} : { label }),
			color,
			size,
			hollow,
			titles: rows.map((source) => `${source.name}: ${digits(source.meanJy)} Jy, eta ${digits(source.eta, 3)}`),
		});
		// Three sizes by flux, each ten times brighter than the one before.
		const brightest = Math.max(...near.map((source) => source.meanJy).filter(Number.isFinite), 1e-9);
		const classOf = (fluxJy: number) => (fluxJy > 0.1 * brightest ? 2 : fluxJy > 0.01 * brightest ? 1 : 0);
		const labels = [0.01, 0.1].map((share) => fluxText(share * brightest));
		const names = [`below ${labels[0]}`, `${labels[0]} to ${labels[1]}`, `above ${labels[1]}`];
		const candidates = near.filter((source) => source.isCandidate);
		return plot({
			width: 600,
			height: 600,
			title: `Field ${field.name}`,
			subtitle: `${plural(near.length, "source")}; centre ${digits(field.raDeg, 7)}°, ${digits(field.decDeg, 7)}° (ICRS); north up, east left`,
			x: { label: "offset east (deg)", reverse: true },
			y: { label: "offset north (deg)" },
			layers: [
				...SIZES.map((size, k) =>
					layer(
						near.filter((source) => classOf(source.meanJy) === k),
						names[k],
						"#1f5fa8",
						size,
					),
				),
				layer(candidates, candidates.length === 0 ? undefined : "candidate", "#d55e00", 17, true),
			],
		});
	});
}

const fluxText = (jy: number): string => (jy >= 1 ? `${digits(jy, 2)} Jy` : `${digits(1e3 * jy, 2)} mJy`);

function catalogueFigures({ catalogue }: RunReportData): string[] {
	const bands = byBand(catalogue.filter((row) => row.meanJy > 0));
	if (bands.length === 0) return [];
	return [
		plot({
			width: 900,
			height: 400,
			title: "Mean flux against the catalogue",
			subtitle:
				"median ratio and scatter of each subband; a catalogue of another frequency shows the sources' spectra here",
			x: { label: "catalogue flux density (Jy)", scale: "log" },
			y: { label: "measured / catalogue", scale: "log" },
			layers: [
				{ kind: "rule", axis: "y", at: [1], dash: true },
				...bands.map(([band, rows], k): Layer => {
					const ratio = rows.map((row) => row.meanJy / row.catalogueJy);
					const scatter = robustScatter(ratio.map((value) => Math.log(value)));
					return {
						kind: "points",
						x: rows.map((row) => row.catalogueJy),
						y: ratio,
						color: bandColour(k, bands.length),
						label: `${digits(band, 5)} MHz: ${digits(medianOf(ratio), 3)}, ${digits(100 * scatter, 2)} %`,
						opacity: 0.8,
						titles: rows.map((row) => row.name),
					};
				}),
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
			subtitle: "correction by which each image's fluxes are divided, with its error; hollow where it was not applied",
			x: { label: "MJD (UTC)" },
			y: { label: "correction factor" },
			layers: [
				{ kind: "rule", axis: "y", at: [1], dash: true },
				...byBand(corrections).flatMap(([band, rows], k, bands): Layer[] => {
					const color = bandColour(k, bands.length);
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

const normalizationTable = ({ corrections }: RunReportData): ReportTable => ({
	columns: [
		"subband",
		"images",
		"references, median",
		"correction, median",
		"least",
		"greatest",
		"error, median",
		"scatter of references, median",
		"not applied",
	],
	rows: byBand(corrections).map(([band, rows]) => {
		const applied = rows.filter((row) => row.source !== "none").map((row) => row.correction);
		const percent = (value: number) => (Number.isNaN(value) ? "–" : `${digits(100 * value, 2)} %`);
		return [
			`${digits(band, 5)} MHz`,
			rows.length,
			medianOf(rows.map((row) => row.references)),
			digits(medianOf(applied)),
			digits(Math.min(...applied)),
			digits(Math.max(...applied)),
			percent(medianOf(rows.map((row) => row.correctionErr / row.correction))),
			percent(medianOf(rows.map((row) => row.scatter))),
			rows.length - applied.length,
		];
	}),
});

/** Above so many robust standard deviations of the logarithms a source stands out (Rowlinson et al. 2019). */
const OUTSTANDING_SIGMA = 2;
/** Fewer sources do not say what is usual. */
const LEAST_SOURCES = 20;

function etaVFigure({ sources }: RunReportData): string[] {
	const rows = sources.filter((source) => source.eta > 0 && source.v > 0);
	if (rows.length === 0) return [];
	const limitOf = (values: number[]) => {
		const logs = values.map((value) => Math.log10(value));
		return 10 ** (medianOf(logs) + OUTSTANDING_SIGMA * robustScatter(logs));
	};
	const limits =
		rows.length < LEAST_SOURCES
			? undefined
			: { eta: limitOf(rows.map((row) => row.eta)), v: limitOf(rows.map((row) => row.v)) };
	const outstanding = rows.filter((row) => limits !== undefined && row.eta > limits.eta && row.v > limits.v);
	const layer = (candidates: boolean): Layer => {
		const some = rows.filter((source) => source.isCandidate === candidates);
		return {
			kind: "points",
			x: some.map((source) => source.eta),
			y: some.map((source) => source.v),
			color: candidates ? "#d55e00" : "#1f5fa8",
			...(some.length === 0 ? {} : { label: candidates ? "candidates" : "sources" }),
			size: candidates ? 10 : 5,
			titles: some.map((source) => source.name),
		};
	};
	const named = outstanding.toSorted((a, b) => b.eta - a.eta).slice(0, 8);
	return [
		plot({
			width: 760,
			height: 560,
			title: "Variability",
			subtitle:
				limits === undefined
					? "significance against strength; steady sources lie near η = 1"
					: `brightest subband; dashed: ${OUTSTANDING_SIGMA} robust sigmas above the median, η ${digits(limits.eta, 3)} and V ${digits(limits.v, 3)}`,
			x: { label: "η, reduced chi-squared about the weighted mean", scale: "log" },
			y: { label: "V, standard deviation / mean", scale: "log" },
			layers: [
				...(limits === undefined
					? []
					: ([
							{ kind: "rule", axis: "x", at: [limits.eta], dash: true },
							{ kind: "rule", axis: "y", at: [limits.v], dash: true },
						] satisfies Layer[])),
				layer(false),
				layer(true),
				{
					kind: "text",
					x: named.map((source) => source.eta),
					y: named.map((source) => source.v),
					text: named.map((source) => `${source.name}\u2002`),
					anchor: "end",
				},
			],
		}),
	];
}

export function lightCurveFigure(candidate: ReportCandidate): string {
	const bands = byBand(candidate.points);
	const isFaint = Math.max(...candidate.points.map((point) => point.fluxJy), 0) < 1;
	const unit = isFaint ? 1e-3 : 1;
	return plot({
		width: 960,
		height: 420,
		title: `${candidate.name}: ${digits(candidate.significance, 3)} sigma (${candidate.tier})`,
		subtitle: `false-alarm probability ${candidate.flags.includes("extrapolated") ? "at most " : ""}${candidate.falseAlarmProbability.toExponential(1)} per source; depth ${digits(candidate.depth, 3)}, ${digits(candidate.durationDays, 3)} d; shaded: the event, dashed: its peak`,
		x: { label: "MJD (UTC)" },
		y: { label: `flux density (${isFaint ? "mJy" : "Jy"}/beam)` },
		layers: [
			{
				kind: "rects",
				x0: [candidate.startMjd],
				x1: [candidate.endMjd],
				y0: [-Infinity],
				y1: [Infinity],
				color: "#d55e00",
				opacity: 0.08,
			},
			{ kind: "rule", axis: "x", at: [candidate.peakMjd], dash: true },
			// Points of one subband belong together: a thin line leads the eye from epoch to epoch.
			...bands.map(
				([, rows], k): Layer => ({
					kind: "line",
					x: rows.map((row) => row.mjd),
					y: rows.map((row) => row.fluxJy / unit),
					color: bandColour(k, bands.length),
					width: 0.8,
					opacity: 0.45,
				}),
			),
			...bands.map(
				([band, rows], k): Layer => ({
					kind: "points",
					x: rows.map((row) => row.mjd),
					y: rows.map((row) => row.fluxJy / unit),
					yErr: rows.map((row) => row.errJy / unit),
					color: bandColour(k, bands.length),
					size: 6,
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
			...(data.corrections.length === 0 ? {} : { table: normalizationTable(data) }),
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
	const lead = `Run ${run.id} of ${run.createdAt.slice(0, 10)}: ${plural(counts.images, "image")} of ${plural(counts.epochs, "epoch")}, ${plural(counts.sources, "source")}, ${plural(counts.measurements, "measurement")} (${counts.flagged} more of this run flagged), ${plural(counts.candidates, "candidate")}; ${plural(data.ignored, "other file")} left alone. Configuration ${run.configurationHash}.`;
	return page("Caustic survey report", lead, sections);
}
