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

/** The part that does not change in time, [antenna][polarisation][channel][re, im]. A gain of 0 leaves the antenna out. */
export function fixedGains(
	known: KnownGains,
	frequenciesHz: Float64Array,
	nAntennas: number,
	nPolarizations: number,
): Float64Array {
	const nChannels = frequenciesHz.length;
	const { delaysS, bandpass, referenceHz } = known;
	const out = new Float64Array(2 * nAntennas * nChannels * nPolarizations);
	for (let p = 0; p < nAntennas; p++) {
		for (let s = 0; s < nPolarizations; s++) {
			const delay = delaysS === undefined ? 0 : delaysS[s * nAntennas + p];
			if (!Number.isFinite(delay)) continue;
			for (let c = 0; c < nChannels; c++) {
				const angle = 2 * Math.PI * delay * (frequenciesHz[c] - referenceHz);
				let re = Math.cos(angle);
				let im = Math.sin(angle);
				if (bandpass !== undefined) {
					const i = 2 * ((s * nChannels + c) * nAntennas + p);
					const next = re * bandpass[i] - im * bandpass[i + 1];
					im = re * bandpass[i + 1] + im * bandpass[i];
					re = next;
				}
				const o = 2 * ((p * nPolarizations + s) * nChannels + c);
				out[o] = re;
				out[o + 1] = im;
			}
		}
	}
	return out;
}

/**
 * Writes g_p conj(g_q) of the fixed part for one baseline and polarisation, [channel][re, im]; 1 where nothing is known.
 *
 * @param at first number of `out`, and `stride` numbers from one channel to the next.
 */
export function fixedProduct(
	fixed: Float64Array | undefined,
	p: number,
	q: number,
	s: number,
	nPolarizations: number,
	nChannels: number,
	out: Float64Array,
	at = 0,
	stride = 2,
): void {
	let o = at;
	if (fixed === undefined) {
		for (let c = 0; c < nChannels; c++, o += stride) {
			out[o] = 1;
			out[o + 1] = 0;
		}
		return;
	}
	const a = 2 * (p * nPolarizations + s) * nChannels;
	const b = 2 * (q * nPolarizations + s) * nChannels;
	for (let j = 0; j < 2 * nChannels; j += 2, o += stride) {
		const pRe = fixed[a + j];
		const pIm = fixed[a + j + 1];
		const qRe = fixed[b + j];
		const qIm = fixed[b + j + 1];
		out[o] = pRe * qRe + pIm * qIm;
		out[o + 1] = pIm * qRe - pRe * qIm;
	}
}
