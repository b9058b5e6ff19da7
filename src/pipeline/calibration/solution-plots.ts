import { wrapPhase } from "../../calibration/robust.ts";
import type { Layer } from "../../plots/layers.ts";
import { PALETTE } from "../../plots/palette.ts";
import { plot } from "../../plots/plot.ts";
import type { CalibratedSet } from "./calibrate-set.ts";

const DEG = 180 / Math.PI;

/** A figure and the file name it goes by. */
export interface SolutionFigure {
	name: string;
	svg: string;
}

interface Curves {
	x: Float64Array;
	/** [antenna][point], NaN where flagged. */
	amplitude: Float64Array[];
	phaseDeg: Float64Array[];
}

function bandpassCurves(solved: CalibratedSet, s: number): Curves | undefined {
	const { bandpass } = solved.calibration;
	if (bandpass === undefined) return undefined;
	const { nAntennas } = solved.input.array;
	const x = Float64Array.from(
		solved.input.pool.frequenciesHz.flatMap((frequencies) => [...frequencies]),
		(f) => f / 1e6,
	);
	const at = (p: number, c: number) => (s * x.length + c) * nAntennas + p;
	return curves(x, nAntennas, at, bandpass.gains, bandpass.flags);
}

function gainCurves(solved: CalibratedSet, s: number): Curves | undefined {
	const { gains } = solved.calibration;
	if (gains === undefined) return undefined;
	const { nAntennas } = solved.input.array;
	const first = solved.input.timesMjd[0];
	const x = gains.timesMjd.map((mjd) => (mjd - first) * 86400);
	const at = (p: number, cell: number) => (s * x.length + cell) * nAntennas + p;
	return curves(x, nAntennas, at, gains.gains, gains.flags);
}

function curves(
	x: Float64Array,
	nAntennas: number,
	at: (antenna: number, point: number) => number,
	gains: Float64Array,
	flags: Uint8Array,
): Curves {
	const amplitude: Float64Array[] = [];
	const phaseDeg: Float64Array[] = [];
	for (let p = 0; p < nAntennas; p++) {
		const a = new Float64Array(x.length).fill(Number.NaN);
		const b = new Float64Array(x.length).fill(Number.NaN);
		let last = 0;
		for (let i = 0; i < x.length; i++) {
			const k = at(p, i);
			if (flags[k] !== 0) continue;
			a[i] = Math.hypot(gains[2 * k], gains[2 * k + 1]);
			// Carried on from the point before: a line across the whole plot would look like a jump.
			last += wrapPhase(Math.atan2(gains[2 * k + 1], gains[2 * k]) - last);
			b[i] = DEG * last;
		}
		amplitude.push(a);
		phaseDeg.push(b);
	}
	return { x, amplitude, phaseDeg };
}

const names = (solved: CalibratedSet) =>
	Array.from(solved.selection.antennaOf, (antenna) => solved.set.antennas[antenna].name);

/** Antennas that are named in a figure of all. */
const MOST_NAMED = 6;

/** One curve per antenna: good ones as a ground, the others in colours over them, with their names. */
function antennaLayers(
	x: Float64Array,
	lines: readonly Float64Array[],
	of: (antenna: number) => { state: string; label: string },
): Layer[] {
	const curve = (y: Float64Array): Layer =>
		x.length === 1 ? { kind: "points", x, y, size: 3 } : { kind: "line", x, y, width: 1 };
	const good: Layer[] = [];
	const named: Layer[] = [];
	// An antenna has its colour in every figure, whichever of the others have solutions there.
	let odd = 0;
	// Few lines are drawn strongly; of a hundred the ground must not hide what stands out.
	const opacity = Math.min(0.9, Math.max(0.45, 9 / lines.length));
	lines.forEach((y, p) => {
		const { state, label } = of(p);
		if (state === "good" || /^(dead|flagged-at-input)$/.test(state) || odd >= MOST_NAMED) {
			good.push({ ...curve(y), color: GROUND, opacity });
			return;
		}
		const color = PALETTE[odd++ % PALETTE.length];
		if (y.some((value) => !Number.isNaN(value))) named.push({ ...curve(y), color, label: `${label} (${state})` });
	});
	return [...good, ...named];
}

/** Colour of what is as it should be. */
const GROUND = "#7b93a8";

/** Figures of the whole array: for a report. */
export function arrayFigures(solved: CalibratedSet): SolutionFigure[] {
	const { input, calibration } = solved;
	const { quality, prep } = calibration;
	const labels = names(solved);
	const out: SolutionFigure[] = [];
	const size = { width: 600, height: 320 };
	const antennaAxis = {
		label: "antenna",
		ticks: labels.flatMap((label, at) => (at % Math.ceil(labels.length / 20) === 0 ? [{ at, label }] : [])),
	};
	const index = labels.map((_, p) => p);
	input.polarizations.forEach((hand, s) => {
		for (const [kind, found, xLabel] of [
			["bandpass", bandpassCurves(solved, s), "frequency (MHz)"],
			["gain", gainCurves(solved, s), "time since the first integration (s)"],
		] as const) {
			if (found === undefined) continue;
			for (const part of ["amplitude", "phase"] as const) {
				const lines = part === "amplitude" ? found.amplitude : found.phaseDeg;
				const reference = prep.order[s]?.[0];
				const all = `${lines.length} antennas`;
				out.push({
					name: `${kind}-${part}-${hand}`,
					svg: plot({
						...size,
						title: `${kind === "bandpass" ? "Bandpass" : "Gain"} ${part}, ${hand}`,
						subtitle: part === "amplitude" || reference === undefined ? all : `${all}, against ${labels[reference]}`,
						x: { label: xLabel },
						y: { label: part === "amplitude" ? "amplitude" : "phase (degrees)" },
						layers: antennaLayers(found.x, lines, (p) => ({ state: quality.antennas[p].state, label: labels[p] })),
					}),
				});
			}
		}
	});
	out.push({
		name: "delays",
		svg: plot({
			...size,
			title: "Delay against the reference antenna",
			x: antennaAxis,
			y: { label: "delay (ns)" },
			layers: input.polarizations.map((hand, s) => ({
				kind: "points",
				x: index,
				y: quality.antennas.map((antenna) => antenna.delaysNs[s]),
				label: hand,
			})),
		}),
	});
	out.push({
		name: "antenna-chi2",
		svg: plot({
			...size,
			title: "Residual chi-squared against the array's typical noise",
			x: antennaAxis,
			y: { label: "chi-squared", scale: "log" },
			layers: [
				{ kind: "rule", axis: "y", at: [1], dash: true },
				{
					kind: "points",
					x: index,
					y: quality.antennas.map((antenna) => antenna.chi2),
					titles: quality.antennas.map((antenna) => `${labels[antenna.antenna]}: ${antenna.state}`),
				},
			],
		}),
	});
	const frequencies = Float64Array.from(
		input.pool.frequenciesHz.flatMap((f) => [...f]),
		(f) => f / 1e6,
	);
	if (quality.channelChi2.length === frequencies.length) {
		out.push({
			name: "channel-chi2",
			svg: plot({
				...size,
				title: "Residual chi-squared of the bandpass by channel",
				x: { label: "frequency (MHz)" },
				y: { label: "chi-squared" },
				layers: [
					{ kind: "rule", axis: "y", at: [1], dash: true },
					{ kind: "points", x: frequencies, y: quality.channelChi2, size: 3 },
				],
			}),
		});
	}
	if (prep.rfi !== undefined && frequencies.length > 0) {
		const nTimes = input.timesMjd.length;
		const lastS = (input.timesMjd[nTimes - 1] - input.timesMjd[0]) * 86400 + input.integrationS;
		out.push({
			name: "interference",
			svg: plot({
				...size,
				title: "Interference flagged in all baselines",
				subtitle: `${(100 * prep.rfi.fraction).toFixed(2)} % of the samples; channels in order`,
				x: { label: "channel" },
				y: { label: "time since the first integration (s)" },
				layers: [
					{
						kind: "heat",
						x: [0, frequencies.length],
						y: [0, lastS],
						columns: frequencies.length,
						rows: nTimes,
						values: prep.rfi.mask,
						low: 0,
						high: 1,
					},
				],
			}),
		});
	}
	return out;
}

/** One figure per antenna: amplitude and phase over frequency and over time, both polarisations. */
export function antennaFigures(solved: CalibratedSet): SolutionFigure[] {
	const { input, calibration } = solved;
	const labels = names(solved);
	const hands = input.polarizations;
	const bandpass = hands.map((_, s) => bandpassCurves(solved, s));
	const gains = hands.map((_, s) => gainCurves(solved, s));
	const size = { width: 600, height: 320 };
	return labels.map((label, p) => {
		const state = calibration.quality.antennas[p].state;
		const panel = (
			title: string,
			found: (Curves | undefined)[],
			part: "amplitude" | "phaseDeg",
			x: string,
			y: string,
		) =>
			plot({
				...size,
				title,
				x: { label: x },
				y: { label: y },
				layers: hands.flatMap((hand, s) => {
					const own = found[s];
					return own === undefined
						? []
						: [{ kind: "points" as const, x: own.x, y: own[part][p], size: own.x.length > 100 ? 2 : 4, label: hand }];
				}),
			});
		const time = "time since the first integration (s)";
		const panels = [
			panel(`Antenna ${label} (${state}): bandpass`, bandpass, "amplitude", "frequency (MHz)", "amplitude"),
			panel("bandpass phase", bandpass, "phaseDeg", "frequency (MHz)", "phase (degrees)"),
			panel("gain", gains, "amplitude", time, "amplitude"),
			panel("gain phase", gains, "phaseDeg", time, "phase (degrees)"),
		];
		const placed = panels
			.map((svg, i) => svg.replace("<svg ", `<svg x="${(i % 2) * size.width}" y="${i < 2 ? 0 : size.height}" `))
			.join("\n");
		const width = 2 * size.width;
		const height = 2 * size.height;
		return {
			name: `antenna-${label.replaceAll(/[^\w.-]/g, "_")}`,
			svg: `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">${placed}</svg>`,
		};
	});
}
