import type { Plane } from "../sky/plane.ts";
import { FORCED_FLAG, NOT_MEASURED } from "./flags.ts";
import type { ForcedFluxes } from "./forced-fluxes.ts";
import type { ForcedPlan } from "./forced-plan.ts";
import { kernelSquareSum } from "./kernel-overlap.ts";
import type { NoiseCorrelation } from "./noise-correlation.ts";
import { medianOf } from "./quickselect.ts";

/** How far the local noise may be from the image's median noise. */
const LEAST_NOISE_RATIO = 0.2;
const GREATEST_NOISE_RATIO = 5;
/** Chi-squared beyond so many (equivalent Gaussian) sigmas is not noise. */
const CHI2_SIGMAS = 5;
/** What the noise map may be wrong by, and the model, as shares of the noise variance and of the flux. */
const NOISE_MAP_ALLOWANCE = 1.2;
const MODEL_ALLOWANCE = 0.05;

/** Enough for a median good to a few per cent, which is compared with factors of five. */
const SAMPLES = 2_000;

/** Median of the positive finite values of a noise map, from an even sample. */
export function medianNoise(noise: Plane): number {
	const { data } = noise;
	const step = Math.max(1, Math.floor(data.length / SAMPLES));
	const values = new Float64Array(Math.ceil(data.length / step));
	let n = 0;
	for (let p = 0; p < data.length; p += step) if (data[p] > 0 && data[p] < Infinity) values[n++] = data[p];
	return medianOf(values, n);
}

/** Sum of rho^2 over lags: how many pixels share one independent value of the squared noise. */
export function squaredCorrelation(correlation: NoiseCorrelation): number {
	let sum = 0;
	for (const rho of correlation.table) sum += rho * rho;
	return Math.max(1, sum);
}

/**
 * Greatest chi-squared that correlated noise explains, over `pixels` pixels after fitting `fitted` fluxes of variance
 * factor `factor`. In correlated noise chi-squared has the mean N - fitted * factor and the spread of N/sum(rho^2)
 * independent values (Satterthwaite); its quantile by Wilson & Hilferty (1931).
 */
export function greatestChi2(pixels: number, fitted: number, factor: number, sharing: number): number {
	const independent = Math.max(1, pixels / sharing);
	const spread = 2 / (9 * independent);
	const quantile = (1 - spread + CHI2_SIGMAS * Math.sqrt(spread)) ** 3;
	return Math.max(1, pixels - fitted * factor) * quantile;
}

/**
 * Flags measurements whose surroundings are not what their image promises: `noise_outlier` and `poor_fit`. Rows keep
 * their values. Residuals of up to five per cent of the flux are put down to the beam, not to the measurement.
 */
export function validateForced(plan: ForcedPlan, out: ForcedFluxes): void {
	const { noise, noiseCorrelation } = plan.input;
	const median = medianNoise(noise);
	const sharing = squaredCorrelation(noiseCorrelation);
	const { starts, groupOf } = plan.groups;
	let group = -1;
	let brightest = 0;
	for (let i = 0; i < out.flags.length; i++) {
		if ((out.flags[i] & NOT_MEASURED) !== 0) continue;
		const ratio = out.localRms[i] / median;
		if (!(ratio >= LEAST_NOISE_RATIO && ratio <= GREATEST_NOISE_RATIO)) out.flags[i] |= FORCED_FLAG.noise_outlier;
		const members = starts[groupOf[i] + 1] - starts[groupOf[i]];
		const factor = Number.isNaN(plan.factor[i]) ? 1 : plan.factor[i];
		const noiseLimit = NOISE_MAP_ALLOWANCE * greatestChi2(out.dof[i] + members, members, factor, sharing);
		const squares = kernelSquareSum({ a: plan.a[i], b: plan.b[i], c: plan.c[i] });
		// The brightest member's imperfections are seen by the whole group: its own limit is the group's.
		if (members === 1) brightest = Math.abs(out.snr[i]);
		else if (group !== groupOf[i]) brightest = brightestOf(plan, out, groupOf[i]);
		group = groupOf[i];
		const modelLimit = members * (MODEL_ALLOWANCE * brightest) ** 2 * squares;
		if (out.chi2[i] > noiseLimit + modelLimit) out.flags[i] |= FORCED_FLAG.poor_fit;
	}
}

function brightestOf(plan: ForcedPlan, out: ForcedFluxes, group: number): number {
	const { starts, members } = plan.groups;
	let brightest = 0;
	for (let k = starts[group]; k < starts[group + 1]; k++) {
		const snr = Math.abs(out.snr[members[k]]);
		if (snr > brightest) brightest = snr;
	}
	return brightest;
}

/** Classes of signal to noise, in which accuracy and completeness are reported. */
export const SNR_CLASSES = ["negative", "below 3", "3 to 5", "5 to 10", "above 10"] as const;
export type SnrClass = (typeof SNR_CLASSES)[number];

/** The class of a measurement by flux over its error; undefined for one without a value. Negative fluxes are data. */
export function snrClass(flux: number, error: number): SnrClass | undefined {
	const snr = flux / error;
	if (Number.isNaN(snr)) return undefined;
	if (snr < 0) return "negative";
	if (snr < 3) return "below 3";
	if (snr < 5) return "3 to 5";
	return snr <= 10 ? "5 to 10" : "above 10";
}
