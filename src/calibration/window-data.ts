/**
 * The cross-correlations of one spectral window on a full grid, as the solver holds them: every pass of a solve is a
 * walk over these arrays. Parallel hands only (XX and YY, or RR and LL), no autocorrelations.
 */
export interface WindowData {
	readonly nTimes: number;
	readonly nBaselines: number;
	readonly nChannels: number;
	readonly nPolarizations: number;
	/** Channel centres, Hz, ascending. */
	readonly frequenciesHz: Float64Array;
	/** [time][baseline][channel][polarisation][re, im]. */
	readonly visibilities: Float32Array;
	/** [time][baseline][channel][polarisation], a union of {@link FLAG} bits; 0 = good. */
	readonly flags: Uint8Array;
	/** [time][baseline][polarisation] relative weights; undefined where all are equal. */
	readonly weights: Float32Array | undefined;
}

/** Why a sample is not used. The classes stay apart for ever: "flagged" alone explains nothing. */
export const FLAG = {
	/** Flagged in the input. */
	input: 1,
	/** No row in the input for this time and baseline, or outside the uv range. */
	absent: 2,
	/** NaN or infinite. */
	notFinite: 4,
	/** Exactly zero. */
	zero: 8,
	/** Above 1,000 times the median of its baseline. */
	absurd: 16,
	/** Radio-frequency interference. */
	rfi: 32,
	/** The antenna (or its polarisation) was found dead. */
	dead: 64,
	/** Excluded on request: uv range, antennas. */
	excluded: 128,
} as const;

/** The antennas with data and their pairs, by compact index. */
export interface ArrayBaselines {
	readonly nAntennas: number;
	/** Compact antenna indices of each baseline, antenna1 < antenna2. */
	readonly antenna1: Int32Array;
	readonly antenna2: Int32Array;
}

/** Number of samples of a window. */
export const samplesOf = (data: WindowData): number =>
	data.nTimes * data.nBaselines * data.nChannels * data.nPolarizations;
