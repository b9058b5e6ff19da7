/** K: delays in seconds; B: complex gain per channel; G: complex gain per solution interval. */
export type SolutionKind = "K" | "B" | "G";

/**
 * A calibration table: g = G(t) B(nu) exp(2 pi i tau (nu - nu0)), V_pq = g_p conj(g_q) M_pq in MeasurementSet convention.
 * Antennas are those of the array, with and without data: slots without a solution are flagged.
 */
export interface SolutionTable {
	readonly kind: SolutionKind;
	readonly polarizations: readonly string[];
	readonly nAntennas: number;
	/** Mean time of each solution interval, MJD UTC. */
	readonly timesMjd: Float64Array;
	readonly intervalsS: Float64Array;
	readonly windows: readonly SolutionWindow[];
}

/** The solutions of one spectral window; arrays [time][antenna][polarisation][channel]. */
export interface SolutionWindow {
	/** One channel (the middle of the band) for K and G. */
	readonly frequenciesHz: Float64Array;
	readonly channelWidthsHz: Float64Array;
	/** Complex gain [.. re, im], 1 where flagged; for K the delay in s as the real part, 0 where flagged. */
	readonly values: Float64Array;
	/** Standard error of each real component; s for K. */
	readonly errors: Float64Array;
	readonly snr: Float64Array;
	/** 1 = no solution. */
	readonly flags: Uint8Array;
	/** A value of UNSOLVED: why there is none, or that it was interpolated. */
	readonly reasons: Uint8Array;
	/** [time][polarisation] antenna to which phases refer, -1 without solutions. */
	readonly references: Int32Array;
}

export const solutionIndex = (
	table: SolutionTable,
	window: SolutionWindow,
	time: number,
	antenna: number,
	polarization: number,
	channel: number,
): number =>
	((time * table.nAntennas + antenna) * table.polarizations.length + polarization) * window.frequenciesHz.length +
	channel;

/** A window in which nothing is solved yet. */
export function emptySolutionWindow(
	kind: SolutionKind,
	nTimes: number,
	nAntennas: number,
	nPolarizations: number,
	frequenciesHz: Float64Array,
	channelWidthsHz: Float64Array,
): SolutionWindow {
	const n = nTimes * nAntennas * nPolarizations * frequenciesHz.length;
	const values = new Float64Array(2 * n);
	if (kind !== "K") for (let i = 0; i < n; i++) values[2 * i] = 1;
	return {
		frequenciesHz,
		channelWidthsHz,
		values,
		errors: new Float64Array(n),
		snr: new Float64Array(n),
		flags: new Uint8Array(n).fill(1),
		reasons: new Uint8Array(n).fill(1),
		references: new Int32Array(nTimes * nPolarizations).fill(-1),
	};
}
