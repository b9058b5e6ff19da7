import { chiSquareSurvival } from "./distributions.ts";
import { excessVariance } from "./robust-location.ts";

/** Squares of residuals are cut off here: one glitch is no sign of a variable source, an event of a few epochs is. */
const CUT = 3;
/** Mean of min(z^2, 9) over a unit normal. */
const EXPECTED = 0.9950075;

export interface Steadiness {
	/** Probability that a steady source scatters as much; NaN with fewer than two epochs. */
	pValue: Float64Array;
	/** Chi-squared about the baseline per degree of freedom, cut off at 3 sigma. */
	eta: Float64Array;
	/** Fractional scatter beyond the errors. */
	scatter: Float64Array;
	n: Int32Array;
}

/**
 * How steady each source is about its baseline, from fluxes normalised by the *other* references.
 *
 * @param fluxNormJy,fluxErrJy normalised fluxes and their full errors at the baseline, `[source * epochs + epoch]`
 * @param share share of each measurement in its source's baseline
 */
export function steadiness(
	fluxNormJy: Float64Array,
	fluxErrJy: Float64Array,
	share: Float64Array,
	level: Float64Array,
	epochs: number,
): Steadiness {
	const sources = level.length;
	const result: Steadiness = {
		pValue: new Float64Array(sources).fill(Number.NaN),
		eta: new Float64Array(sources).fill(Number.NaN),
		scatter: new Float64Array(sources).fill(Number.NaN),
		n: new Int32Array(sources),
	};
	const residuals = new Float64Array(epochs);
	const variance = new Float64Array(epochs);
	const perUnit = new Float64Array(epochs).fill(1);
	const kept = new Uint8Array(epochs);
	for (let i = 0; i < sources; i++) {
		if (!(level[i] > 0)) continue;
		let sum = 0;
		let n = 0;
		kept.fill(0);
		for (let k = 0; k < epochs; k++) {
			const at = i * epochs + k;
			const room = 1 - share[at];
			if (!Number.isFinite(fluxNormJy[at]) || !(fluxErrJy[at] > 0) || !(room > 1e-9)) continue;
			const r = (fluxNormJy[at] - level[i]) / Math.sqrt(room);
			const z2 = (r / fluxErrJy[at]) ** 2;
			sum += Math.min(z2, CUT * CUT);
			residuals[k] = r / level[i];
			variance[k] = (fluxErrJy[at] / level[i]) ** 2;
			kept[k] = 1;
			n++;
		}
		result.n[i] = n;
		if (n < 2) continue;
		result.eta[i] = sum / EXPECTED / n;
		result.pValue[i] = chiSquareSurvival(sum / EXPECTED, n);
		result.scatter[i] = Math.sqrt(excessVariance(residuals, variance, perUnit, kept, n, 1e6));
	}
	return result;
}
