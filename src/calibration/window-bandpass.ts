import type { SolveInput } from "./prepare.ts";
import type { BandpassSolutions } from "./solve.ts";

/** One window's part of the bandpass as known gains: 0 where flagged. */
export function windowBandpass(input: SolveInput, bandpass: BandpassSolutions, window: number): Float64Array {
	const { nAntennas } = input.array;
	const nPol = input.polarizations.length;
	const windowChannels = input.pool.frequenciesHz.map((frequencies) => frequencies.length);
	const nChannels = windowChannels.reduce((sum, n) => sum + n, 0);
	const first = windowChannels.slice(0, window).reduce((sum, n) => sum + n, 0);
	const n = windowChannels[window];
	const out = new Float64Array(2 * nPol * n * nAntennas);
	for (let s = 0; s < nPol; s++) {
		for (let c = 0; c < n; c++) {
			for (let p = 0; p < nAntennas; p++) {
				const from = (s * nChannels + first + c) * nAntennas + p;
				// A filled gap has a value for the targets, but no data of its own went into it.
				if (bandpass.flags[from] !== 0) continue;
				const to = (s * n + c) * nAntennas + p;
				out[2 * to] = bandpass.gains[2 * from];
				out[2 * to + 1] = bandpass.gains[2 * from + 1];
			}
		}
	}
	return out;
}
