import type { Random } from "./random.ts";

/** A flare of an active nucleus: fast rise, slow decay, stronger and earlier at high frequency. */
export interface Flare {
	peakMjd: number;
	/** Rise of the flux over its quiet value at 1400 MHz. */
	amplitude: number;
	riseDays: number;
	decayDays: number;
}

/** Flux over quiet flux. The delay and the spectrum follow an expanding, self-absorbed component qualitatively. */
export function flareFactor(flare: Flare, mjd: number, frequencyMhz: number): number {
	const delayDays = 0.5 * flare.riseDays * (1400 / frequencyMhz - 1);
	const days = mjd - flare.peakMjd - delayDays;
	const shape = days < 0 ? Math.exp(days / flare.riseDays) : Math.exp(-days / flare.decayDays);
	return 1 + flare.amplitude * (frequencyMhz / 1400) ** 0.5 * shape;
}

/**
 * Refractive scintillation as an Ornstein-Uhlenbeck process: stationary, of the given time scale, a share of it common
 * to all subbands.
 * @returns flux over mean flux, [epoch * subbands + subband]
 */
export function scintillation(
	random: Random,
	mjd: readonly number[],
	subbands: number,
	modulation: number,
	scaleDays: number,
): Float64Array {
	const COMMON = 0.8;
	const factors = new Float64Array(mjd.length * subbands);
	const state = new Float64Array(subbands + 1);
	for (let epoch = 0; epoch < mjd.length; epoch++) {
		const memory = epoch === 0 ? 0 : Math.exp(-(mjd[epoch] - mjd[epoch - 1]) / scaleDays);
		const fresh = Math.sqrt(1 - memory * memory);
		for (let k = 0; k <= subbands; k++) state[k] = memory * state[k] + fresh * random.normal();
		for (let band = 0; band < subbands; band++) {
			const value = Math.sqrt(COMMON) * state[subbands] + Math.sqrt(1 - COMMON) * state[band];
			factors[epoch * subbands + band] = Math.max(0.1, 1 + modulation * value);
		}
	}
	return factors;
}
