import type { Candidate } from "./candidate.ts";
import { type CorrectedField, sourceOf } from "./detect.ts";
import { eventEffects } from "./event-effects.ts";
import type { DetectSource, FieldData } from "./light-curve-table.ts";

/** One band of a candidate's light curve, with what was fitted to it. All arrays run over the epochs with data. */
export interface ExplainedBand {
	frequencyMhz: number;
	/** Level without an event, Jy: the median of the flux over the fitted effect. */
	levelJy: number;
	mjd: Float64Array;
	/** Corrected flux and error over the level. */
	flux: Float64Array;
	err: Float64Array;
	/** Flux over level of the best lens and of the best alternative. */
	lens: Float64Array;
	alternative: Float64Array;
	/** (flux - lens) / error and (flux - alternative) / error. */
	lensResidual: Float64Array;
	alternativeResidual: Float64Array;
	/** Gain by which the raw flux was divided. */
	gain: Float64Array;
}

export interface ExplainedCandidate {
	bands: ExplainedBand[];
	/** Median over the nearest sources of the field of their flux over level, per epoch: NaN with fewer than three. */
	neighbours: { mjd: Float64Array; median: Float64Array; names: string[] };
	/** What was found, in numbers. */
	text: string;
}

const NEIGHBOURS = 8;

/**
 * Everything a person needs to judge a candidate: the light curves with the best lens and the best alternative,
 * residuals of both, the field's correction, the neighbours, and what each test said.
 */
export function explainCandidate(
	raw: FieldData,
	field: CorrectedField,
	sources: readonly DetectSource[],
	candidate: Candidate,
): ExplainedCandidate {
	const j = field.sources.indexOf(candidate.sourceIndex);
	const { flux, err } = sourceOf(field, j);
	const rawFlux = raw.flux.subarray(j * flux.length, (j + 1) * flux.length);
	const effects = eventEffects(candidate.explanation, field.mjd, field.frequencyMhz);
	const bands = Array.from(field.frequencyMhz, (frequencyMhz, k): ExplainedBand => {
		const epochs: number[] = [];
		for (let i = 0; i < field.mjd.length; i++)
			if (Number.isFinite(flux[i * field.frequencyMhz.length + k])) epochs.push(i);
		const at = (i: number) => i * field.frequencyMhz.length + k;
		const levelOf = (effect: Float64Array) =>
			medianOf(epochs.map((i) => flux[at(i)] / Math.max(0.02, 1 + effect[at(i)])));
		const level = levelOf(effects.lens);
		const rivalLevel = levelOf(effects.alternative);
		const take = (value: (i: number) => number) => Float64Array.from(epochs, value);
		return {
			frequencyMhz,
			levelJy: level,
			mjd: take((i) => field.mjd[i]),
			flux: take((i) => flux[at(i)] / level),
			err: take((i) => err[at(i)] / level),
			lens: take((i) => 1 + effects.lens[at(i)]),
			alternative: take((i) => ((1 + effects.alternative[at(i)]) * rivalLevel) / level),
			lensResidual: take((i) => (flux[at(i)] - level * (1 + effects.lens[at(i)])) / err[at(i)]),
			alternativeResidual: take((i) => (flux[at(i)] - rivalLevel * (1 + effects.alternative[at(i)])) / err[at(i)]),
			gain: take((i) => rawFlux[at(i)] / flux[at(i)]),
		};
	});
	return { bands, neighbours: neighboursOf(field, sources, j), text: describeInNumbers(candidate, sources, bands) };
}

function neighboursOf(field: CorrectedField, sources: readonly DetectSource[], j: number) {
	const { x, y, mjd } = field;
	const bands = field.frequencyMhz.length;
	const others = Array.from(field.sources.keys()).filter((other) => other !== j);
	if (x !== null && y !== null)
		others.sort((a, b) => Math.hypot(x[a] - x[j], y[a] - y[j]) - Math.hypot(x[b] - x[j], y[b] - y[j]));
	const nearest = others.slice(0, NEIGHBOURS);
	const relative = nearest.map((other) => {
		const { flux } = sourceOf(field, other);
		const levels = Array.from({ length: bands }, (_, k) =>
			medianOf(Array.from(mjd.keys(), (i) => flux[i * bands + k]).filter(Number.isFinite)),
		);
		return (i: number) => medianOf(levels.map((level, k) => flux[i * bands + k] / level).filter(Number.isFinite));
	});
	const median = Float64Array.from(mjd, (_, i) => {
		const values = relative.map((value) => value(i)).filter(Number.isFinite);
		return values.length >= 3 ? medianOf(values) : Number.NaN;
	});
	return { mjd, median, names: nearest.map((other) => sources[field.sources[other]].id) };
}

function medianOf(values: number[]): number {
	if (values.length === 0) return Number.NaN;
	const sorted = Float64Array.from(values).sort();
	const middle = sorted.length >> 1;
	return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function describeInNumbers(candidate: Candidate, sources: readonly DetectSource[], bands: ExplainedBand[]): string {
	const e = candidate.explanation;
	const number = (value: number, digits = 1) => value.toFixed(digits);
	const source = sources[candidate.sourceIndex];
	const inEvent = (band: ExplainedBand, residual: Float64Array) => {
		let sum = 0;
		let n = 0;
		for (let i = 0; i < residual.length; i++)
			if (band.mjd[i] >= candidate.startMjd && band.mjd[i] <= candidate.endMjd) {
				sum += residual[i] ** 2;
				n++;
			}
		return n > 0 ? sum / n : Number.NaN;
	};
	const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
	const p = e.alternative_parameters;
	const rival =
		e.best_alternative === "none"
			? "no alternative did better than red noise"
			: `the best alternative is a ${e.best_alternative} (${Object.entries(p)
					.map(([name, value]) => `${name} ${number(value, 2)}`)
					.join(", ")}, amplitude ${number(e.alternative_amplitude, 2)})`;
	return [
		`${source.id}${source.fieldId === undefined ? "" : ` in field ${source.fieldId}`}: significance ${number(candidate.significance, 2)} sigma, false-alarm probability ${candidate.flags.includes("extrapolated") ? "at most " : ""}${candidate.falseAlarmProbability.toExponential(1)} per source${candidate.flags.includes("extrapolated") ? " (no simulated source without an event scores as much: the significance is a rank)" : ""}; tier ${candidate.tier}; ${candidate.nMeasurements} measurements.`,
		`The flux changes by more than 5 % from MJD ${number(candidate.startMjd)} to ${number(candidate.endMjd)}; it was first raised at MJD ${number(candidate.firstDetectedMjd)} from the data up to then. Depth ${number(100 * candidate.depth)} % at ${number(e.reference_frequency_mhz, 0)} MHz (${e.depth_per_band.map((depth, k) => `${number(100 * depth, 0)} % at ${number(e.frequency_mhz[k], 0)}`).join(", ")}), full width ${number(candidate.durationDays)} d at half depth, chromaticity ${number(candidate.chromaticity, 2)}.`,
		`Best lens: alpha(1400 MHz) ${number(e.alpha_1400mhz, 2)}, source size ${number(e.beta_s, 2)} lens radii, lensed fraction ${number(e.lensed_fraction, 2)}, centre MJD ${number(e.centre_mjd, 2)}. Twice the log-likelihood ratio is ${number(e.lambda_null)} against red noise (rms ${number(100 * e.null_alone.sigma)} %, ${number(e.null_alone.tau)} d; under the lens ${number(100 * e.null_with_lens.sigma)} %, ${number(e.null_with_lens.tau)} d), ${number(e.lambda_alternative)} against the best alternative, ${number(e.lambda_leave_one_out)} without the epoch that carries most (MJD ${e.carrying_mjd
			.slice(0, 3)
			.map((t) => number(t))
			.join(", ")}): ${rival}.`,
		`Mean squared residual over the event: ${number(mean(bands.map((band) => inEvent(band, band.lensResidual))))} with the lens, ${number(mean(bands.map((band) => inEvent(band, band.alternativeResidual))))} with the alternative. Errors were scaled by ${number(e.error_scale, 2)}; ${e.outliers} values were left out as outliers.${candidate.flags.length > 0 ? ` Flags: ${candidate.flags.join(", ")}.` : ""}`,
	].join("\n\n");
}
