import { type LensEvent, lensLightCurve } from "../detection/plasma-lens.ts";
import type { Random } from "./random.ts";

/** What a source does besides being lensed. */
export type HostClass = "const" | "drw" | "iss" | "flare" | "blend" | "instdip";

/** Relative flux of every epoch and band, bands fastest. */
export type Factors = Float64Array;

const logUniform = (random: Random, low: number, high: number) =>
	Math.exp(random.uniform(Math.log(low), Math.log(high)));

/** An Ornstein-Uhlenbeck process of unit variance at the given times (days). */
export function ornsteinUhlenbeck(random: Random, mjd: Float64Array, tau: number): Float64Array {
	const values = new Float64Array(mjd.length);
	for (let i = 0; i < values.length; i++) {
		const r = i === 0 ? 0 : Math.exp(-(mjd[i] - mjd[i - 1]) / tau);
		values[i] = (i === 0 ? 0 : r * values[i - 1]) + Math.sqrt(1 - r * r) * random.normal();
	}
	return values;
}

/** Damped random walk of the logarithm of the flux, with a spectral index that wanders along: the bulk of AGN. */
export function dampedRandomWalk(random: Random, mjd: Float64Array, frequencyMhz: Float64Array): Factors {
	const sigma = logUniform(random, 0.015, 0.2);
	const tau = logUniform(random, 20, 400);
	const index = random.uniform(0, 0.4);
	const walk = ornsteinUhlenbeck(random, mjd, tau);
	return tabulate(mjd, frequencyMhz, (i, _k, nu) => Math.exp(sigma * walk[i] * (nu / 1400) ** index));
}

/** Interstellar scintillation: days to weeks, stronger at low frequency, partly independent between the bands. */
export function scintillation(random: Random, mjd: Float64Array, frequencyMhz: Float64Array): Factors {
	const rms = logUniform(random, 0.03, 0.15);
	const tau = logUniform(random, 1.5, 20);
	const slope = random.uniform(0, 0.8);
	const common = random.uniform(0.6, 0.95);
	const shared = ornsteinUhlenbeck(random, mjd, tau);
	const own = Array.from(frequencyMhz, () => ornsteinUhlenbeck(random, mjd, tau));
	return tabulate(mjd, frequencyMhz, (i, k, nu) =>
		Math.max(0.05, 1 + rms * (nu / 1400) ** -slope * (common * shared[i] + Math.sqrt(1 - common * common) * own[k][i])),
	);
}

/** One or two flares: exponential rise and slower decay, stronger at high frequency. */
export function flares(random: Random, mjd: Float64Array, frequencyMhz: Float64Array): Factors {
	const span = mjd[mjd.length - 1] - mjd[0];
	const list = Array.from({ length: random.uniform() < 0.2 ? 2 : 1 }, () => ({
		peak: mjd[0] + random.uniform(-0.02, 1.02) * span,
		rise: logUniform(random, 5, 70),
		stretch: random.uniform(1, 2.8),
		amplitude: logUniform(random, 0.12, 1.1),
		index: random.uniform(0.2, 1),
	}));
	return tabulate(mjd, frequencyMhz, (i, _k, nu) =>
		list.reduce((sum, { peak, rise, stretch, amplitude, index }) => {
			const dt = mjd[i] - peak;
			return sum + amplitude * (nu / 1400) ** index * Math.exp(dt < 0 ? dt / rise : -dt / (rise * stretch));
		}, 1),
	);
}

/** A stretch of epochs on which calibration failed for this source: the same factor in all bands, sharp edges. */
export function instrumentalDip(random: Random, mjd: Float64Array, frequencyMhz: Float64Array): Factors {
	const length = 4 + random.integer(18);
	const first = random.integer(Math.max(1, mjd.length - length));
	const depth = random.uniform(0.1, 0.42);
	return tabulate(mjd, frequencyMhz, (i) => (i >= first && i < first + length ? 1 - depth : 1));
}

export function lensed(mjd: Float64Array, frequencyMhz: Float64Array, event: LensEvent): Factors {
	const byBand = Array.from(frequencyMhz, (nu) => lensLightCurve(event, mjd, nu));
	return tabulate(mjd, frequencyMhz, (i, k) => byBand[k][i]);
}

export function tabulate(
	mjd: Float64Array,
	frequencyMhz: Float64Array,
	value: (epoch: number, band: number, frequencyMhz: number) => number,
): Factors {
	const bands = frequencyMhz.length;
	const factors = new Float64Array(mjd.length * bands);
	for (let i = 0; i < mjd.length; i++)
		for (let k = 0; k < bands; k++) factors[i * bands + k] = value(i, k, frequencyMhz[k]);
	return factors;
}
