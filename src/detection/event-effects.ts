import type { Explanation } from "./candidate.ts";
import { alphaAt, lensGain, lensProfile } from "./plasma-lens.ts";
import { flareShape } from "./templates.ts";

/** What was fitted to an event: enough to draw it. */
export type FittedEvent = Pick<
	Explanation,
	| "alpha_1400mhz"
	| "beta_s"
	| "lensed_fraction"
	| "fwhm_days"
	| "centre_mjd"
	| "reference_frequency_mhz"
	| "best_alternative"
	| "alternative_parameters"
	| "alternative_amplitude"
>;

/** Fractional effect on the flux of the fitted lens and of the best alternative, bands fastest: -0.5 is half the flux. */
export function eventEffects(event: FittedEvent, mjd: ArrayLike<number>, frequencyMhz: ArrayLike<number>) {
	const bands = frequencyMhz.length;
	const lens = new Float64Array(mjd.length * bands);
	const alternative = new Float64Array(mjd.length * bands);
	const reference = event.reference_frequency_mhz;
	const days = event.fwhm_days / lensProfile(alphaAt(event.alpha_1400mhz, reference), event.beta_s).fwhm;
	const p = event.alternative_parameters;
	for (let k = 0; k < bands; k++) {
		const profile = lensProfile(alphaAt(event.alpha_1400mhz, frequencyMhz[k]), event.beta_s);
		for (let i = 0; i < mjd.length; i++) {
			lens[i * bands + k] = event.lensed_fraction * (lensGain(profile, (mjd[i] - event.centre_mjd) / days) - 1);
			let rival = 0;
			if (event.best_alternative === "flare")
				rival = flareShape(mjd[i] - p.peakMjd, p.riseDays, p.decayDays) * (frequencyMhz[k] / reference) ** p.index;
			else if (event.best_alternative !== "none" && mjd[i] >= p.startMjd && mjd[i] <= p.endMjd) rival = -1;
			alternative[i * bands + k] = event.alternative_amplitude * rival;
		}
	}
	return { lens, alternative };
}
