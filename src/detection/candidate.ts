import type { Alternative } from "./alternatives.ts";
import type { LensFit } from "./lens-fit.ts";
import { alphaAt, lensGain } from "./plasma-lens.ts";
import type { Looks } from "./significance.ts";
import { firstAtOrAfter, type ProfileCache, referenceFrequency } from "./templates.ts";

export type Tier = "high" | "medium" | "low";

/** Significance (sigma) from which a candidate is of the high and of the medium tier: configuration of a survey. */
export interface TierBoundaries {
	high: number;
	medium: number;
}
export const DEFAULT_TIERS: TierBoundaries = { high: 7, medium: 5 };

export const tierOf = (sigma: number, tiers: TierBoundaries = DEFAULT_TIERS): Tier =>
	sigma > tiers.high ? "high" : sigma >= tiers.medium ? "medium" : "low";

export interface SourceScore {
	/** Index into the list of sources. */
	sourceIndex: number;
	/** Gaussian sigmas equivalent to the false-alarm probability per source; of strong events, which no null resembles, a rank. */
	significance: number;
	/** Never below what the simulated nulls support: there an upper limit. */
	falseAlarmProbability: number;
	nMeasurements: number;
	/** Red noise that describes the source best without an event: rms (fraction of the flux) and time (days). */
	noise: { sigma: number; tau: number };
	/** Set by a coarse search where a whole one may find an event: twice a log-likelihood ratio, the more the likelier. */
	evidence?: number | undefined;
}

/** A possible event in one source, with what is needed to judge it and to recompute it. */
export interface Candidate extends SourceScore {
	tier: Tier;
	/** Epoch at which a run that saw only the data up to then would first have raised it, MJD. */
	firstDetectedMjd: number;
	/** First and last epoch at which the fitted lens changes the flux of some band by more than 5 %, and its centre. */
	startMjd: number;
	peakMjd: number;
	endMjd: number;
	/** Fitted depth at the centre, fraction of the flux at the reference frequency. */
	depth: number;
	/** Full width at half depth, days. */
	durationDays: number;
	/**
	 * Difference of the fitted effect between the lowest and the highest band, rms over the event, against the rms of
	 * the mean effect: 0 for an achromatic event.
	 */
	chromaticity: number;
	/** The score: twice the log-likelihood ratio against the best alternative and without any one epoch. */
	statistic: number;
	flags: string[];
	/** Fit, comparison with null and alternatives, and which epochs carry it: for people, and to recompute from. */
	explanation: Explanation;
}

export interface Explanation {
	[key: string]: unknown;
	/** Refractive strength at 1400 MHz, source size (lens radii), lensed fraction, width (days) and centre (MJD). */
	alpha_1400mhz: number;
	beta_s: number;
	lensed_fraction: number;
	fwhm_days: number;
	centre_mjd: number;
	/** Frequency to which width and depth refer, MHz. */
	reference_frequency_mhz: number;
	frequency_mhz: number[];
	depth_per_band: number[];
	/** Level per band, Jy. */
	baseline_jy: (number | null)[];
	/** Twice the log-likelihood ratios to the null, to the best alternative, and without any one epoch. */
	lambda_null: number;
	lambda_alternative: number;
	lambda_leave_one_out: number;
	best_alternative: Alternative["kind"];
	alternative_parameters: Record<string, number>;
	alternative_amplitude: number;
	/** Red noise under the lens and without it: rms, days, spectral index per rms. */
	null_with_lens: { sigma: number; tau: number; kappa: number };
	null_alone: { sigma: number; tau: number; kappa: number };
	error_scale: number;
	outliers: number;
	/** Epochs that carry most of the evidence, heaviest first, MJD. */
	carrying_mjd: number[];
	/** Whether the probability is that of one look at the data or of looks at every epoch. */
	looks: Looks;
	/** Stretches (first and last MJD) left out as other events of the source, found before this one. */
	left_out_mjd: [number, number][];
	/** Why this belongs to a brighter neighbour's event or to an incident of the field, if it does. */
	group?: string;
	blend_of?: string;
}

/** How the flux of each band changes over an event, and when. */
export function eventInterval(
	lens: LensFit,
	mjd: Float64Array,
	frequencyMhz: Float64Array,
	profiles: ProfileCache,
): { first: number; last: number; depth: number; depthPerBand: number[]; chromaticity: number } {
	const reference = referenceFrequency(frequencyMhz);
	const central = profiles.get(lens.alpha, lens.betaS);
	const days = lens.widthDays / central.fwhm;
	const byBand = Array.from(frequencyMhz, (nu) =>
		profiles.get(alphaAt(lens.alpha, (nu * 1400) / reference), lens.betaS),
	);
	let first = -1;
	let last = -1;
	let difference = 0;
	let mean = 0;
	for (let i = 0; i < mjd.length; i++) {
		const effects = byBand.map((profile) => lens.amplitude * (lensGain(profile, (mjd[i] - lens.centreMjd) / days) - 1));
		if (effects.some((effect) => Math.abs(effect) > EVENT_EFFECT)) {
			if (first < 0) first = i;
			last = i;
		}
		if (Math.abs(mjd[i] - lens.centreMjd) > lens.widthDays) continue;
		difference += (effects[0] - effects[effects.length - 1]) ** 2;
		mean += (effects.reduce((a, b) => a + b, 0) / effects.length) ** 2;
	}
	if (first < 0) {
		first = Math.min(mjd.length - 1, firstAtOrAfter(mjd, lens.centreMjd));
		last = first;
	}
	return {
		first,
		last,
		depth: lens.amplitude * (1 - central.gain[0]),
		depthPerBand: byBand.map((profile) => lens.amplitude * (1 - profile.gain[0])),
		chromaticity: mean > 0 ? Math.sqrt(difference / mean) : 0,
	};
}

/** Change of the flux from which an epoch belongs to an event. */
export const EVENT_EFFECT = 0.05;

/** Most significant first; ties by source and time, so that the order never depends on the number of workers. */
export const compareCandidates = (a: Candidate, b: Candidate) =>
	b.significance - a.significance ||
	b.statistic - a.statistic ||
	a.sourceIndex - b.sourceIndex ||
	a.startMjd - b.startMjd;
