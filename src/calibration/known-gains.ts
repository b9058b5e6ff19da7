import type { GainsOfIntegration } from "./normal-sums.ts";

/**
 * What a stage of the solve already knows of the antennas' gains, for one window: g = G(t) B(nu) exp(2 pi i tau (nu - nu0)).
 * Flat arrays only, so that it can be handed to another thread.
 */
export interface KnownGains {
	/** Where the phase of a delay is zero, Hz. */
	readonly referenceHz: number;
	/** [polarisation][antenna] s; flagged antennas NaN. */
	readonly delaysS: Float64Array | undefined;
	/** [polarisation][channel][antenna][re, im] of this window; 0 where flagged. */
	readonly bandpass: Float64Array | undefined;
	/** [polarisation][time][antenna][re, im]; 0 where flagged. */
	readonly timeGains: Float64Array | undefined;
}

/** Multiplies out what is known, integration by integration. A gain of 0 leaves the antenna out. */
export function gainsOfIntegration(
	known: KnownGains,
	frequenciesHz: Float64Array,
	nAntennas: number,
	nTimes: number,
	nPolarizations: number,
): GainsOfIntegration {
	const nChannels = frequenciesHz.length;
	const { delaysS, bandpass, timeGains, referenceHz } = known;
	// Delay and bandpass do not change in time.
	const fixed = new Float32Array(2 * nAntennas * nChannels * nPolarizations);
	for (let p = 0; p < nAntennas; p++) {
		for (let s = 0; s < nPolarizations; s++) {
			const delay = delaysS === undefined ? 0 : delaysS[s * nAntennas + p];
			for (let c = 0; c < nChannels; c++) {
				let re = 0;
				let im = 0;
				if (Number.isFinite(delay)) {
					const angle = 2 * Math.PI * delay * (frequenciesHz[c] - referenceHz);
					re = Math.cos(angle);
					im = Math.sin(angle);
				}
				if (bandpass !== undefined) {
					const i = 2 * ((s * nChannels + c) * nAntennas + p);
					const next = re * bandpass[i] - im * bandpass[i + 1];
					im = re * bandpass[i + 1] + im * bandpass[i];
					re = next;
				}
				const o = 2 * ((p * nChannels + c) * nPolarizations + s);
				fixed[o] = re;
				fixed[o + 1] = im;
			}
		}
	}
	return (time, out) => {
		if (timeGains === undefined) {
			out.set(fixed);
			return;
		}
		for (let p = 0; p < nAntennas; p++) {
			for (let s = 0; s < nPolarizations; s++) {
				const i = 2 * ((s * nTimes + time) * nAntennas + p);
				const gRe = timeGains[i];
				const gIm = timeGains[i + 1];
				for (let c = 0; c < nChannels; c++) {
					const o = 2 * ((p * nChannels + c) * nPolarizations + s);
					out[o] = fixed[o] * gRe - fixed[o + 1] * gIm;
					out[o + 1] = fixed[o] * gIm + fixed[o + 1] * gRe;
				}
			}
		}
	};
}
