import { DELAY_DEFAULTS, type DelayOptions } from "./delay.ts";
import type { ReferenceMode } from "./reference-antenna.ts";
import { RFI_DEFAULTS, type RfiOptions } from "./rfi.ts";
import type { SolveMode } from "./stefcal.ts";

/** Everything that may be asked of a solve. */
export interface SolveOptions {
	/** Antennas by preference, compact indices; the best by data after them. */
	referenceAntennas: number[];
	referenceMode: ReferenceMode;
	/** Baselines to other solved antennas that an antenna needs. */
	minimumBaselines: number;
	/** Undefined: no interference is looked for. */
	rfi: RfiOptions | undefined;
	/** Undefined: no delays are solved. */
	delay: (DelayOptions & { blockS: number }) | undefined;
	/** Interval of the phases that make the bandpass coherent in time, s; 0 = chosen from the signal to noise. */
	phaseIntervalS: number;
	bandpass: BandpassOptions | undefined;
	gain: GainOptions | undefined;
}

export interface BandpassOptions {
	minimumSnr: number;
	/** Channels solved together; 0 = as many as a signal to noise of three times the minimum takes. */
	averageChannels: number;
	/** Gaps of at most so many channels are filled by interpolation, and marked. */
	maximumGapChannels: number;
	/** Scale to unit rms amplitude over the whole band; the gains take up the factor. */
	normalise: boolean;
}

export interface GainOptions {
	mode: SolveMode;
	/** Solution interval, s: 0 = every integration, Infinity = one for all. */
	intervalS: number;
	/** Intervals may cross from one scan into the next. */
	combineScans: boolean;
	/** One gain for all windows; otherwise one each. */
	combineWindows: boolean;
	minimumSnr: number;
}

export const SOLVE_DEFAULTS: SolveOptions = {
	referenceAntennas: [],
	referenceMode: "flex",
	minimumBaselines: 4,
	rfi: RFI_DEFAULTS,
	delay: { ...DELAY_DEFAULTS, blockS: 300 },
	phaseIntervalS: 0,
	bandpass: { minimumSnr: 5, averageChannels: 0, maximumGapChannels: 3, normalise: true },
	gain: { mode: "ap", intervalS: 0, combineScans: false, combineWindows: true, minimumSnr: 3 },
};

/**
 * Assigns integrations to solution intervals of about `intervalS`, never across a change of scan unless asked.
 *
 * @param scans scan of each integration; undefined = one scan.
 * @returns per integration its interval, and per interval its mean time and length.
 */
export function solutionIntervals(
	timesMjd: Float64Array,
	integrationS: number,
	intervalS: number,
	scans: ArrayLike<number> | undefined,
): { cellOf: Int32Array; timesMjd: Float64Array; intervalsS: Float64Array } {
	const cellOf = new Int32Array(timesMjd.length);
	const first: number[] = [];
	for (let t = 0; t < timesMjd.length; t++) {
		const start = first.length === 0 ? -1 : first[first.length - 1];
		// Half an integration of tolerance: intervals hold a whole number of integrations.
		const fits =
			start >= 0 &&
			(intervalS === Number.POSITIVE_INFINITY ||
				(timesMjd[t] - timesMjd[start]) * 86400 + 0.5 * integrationS < intervalS) &&
			(scans === undefined || scans[t] === scans[start]);
		if (!fits) first.push(t);
		cellOf[t] = first.length - 1;
	}
	const times = new Float64Array(first.length);
	const lengths = new Float64Array(first.length);
	for (let i = 0; i < first.length; i++) {
		const last = (i + 1 < first.length ? first[i + 1] : timesMjd.length) - 1;
		times[i] = 0.5 * (timesMjd[first[i]] + timesMjd[last]);
		lengths[i] = (timesMjd[last] - timesMjd[first[i]]) * 86400 + integrationS;
	}
	return { cellOf, timesMjd: times, intervalsS: lengths };
}
