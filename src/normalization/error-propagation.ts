import { excessVariance, madScale, median } from "./robust-location.ts";

export interface NormalizedFlux {
	/** S / c, Jy. */
	flux: number;
	/** One-sigma error: noise, correction and systematic floor. */
	error: number;
	/** The same with the terms that scale with the flux taken at the baseline, so that a low point does not get a smaller
	 * error and a dip does not look more significant than it is. For tests. Equal to `error` without a baseline. */
	errorAtBaseline: number;
}

/**
 * S' = S / c and e'^2 = (e/c)^2 + (S'/c)^2 sigma_c^2 + (f S')^2.
 *
 * @param flux,error raw flux and its noise, Jy
 * @param correction,correctionErr c at the source's place with the source itself left out, and its error
 * @param systematicFraction floor f of the field and subband
 * @param baseline the source's own level, Jy; NaN when there is none
 */
export function propagate(
	flux: number,
	error: number,
	correction: number,
	correctionErr: number,
	systematicFraction: number,
	baseline = Number.NaN,
): NormalizedFlux {
	const normalized = flux / correction;
	const noise = error / correction;
	const fractional = Math.hypot(correctionErr / correction, systematicFraction);
	return {
		flux: normalized,
		error: Math.hypot(noise, fractional * normalized),
		errorAtBaseline: Math.hypot(noise, fractional * (baseline > 0 ? baseline : normalized)),
	};
}

export interface SystematicFloor {
	/** Fraction of the flux. */
	value: number;
	error: number;
	/** Sources it rests on. */
	n: number;
}

/**
 * The fractional floor of a field and subband: for each steady source the scatter of its normalised fluxes beyond noise
 * and correction error, as a fraction of its level, and the median over the sources. The median, so that a variable among
 * them does not make the floor wide enough to hide the others.
 *
 * @param fluxJy normalised fluxes without any floor, source after source (`[source * epochs + epoch]`), NaN when missing
 * @param errorJy their errors at the baseline without any floor
 * @param share share of each measurement in its source's level, 0 where it took no part
 * @param steady 1 for sources to use
 */
export function estimateSystematicFloor(
	fluxJy: Float64Array,
	errorJy: Float64Array,
	share: Float64Array,
	level: Float64Array,
	steady: Uint8Array,
	epochs: number,
	limit = 5,
): SystematicFloor {
	const squares: number[] = [];
	for (let i = 0; i < level.length; i++) {
		if (steady[i] === 0 || !(level[i] > 0)) continue;
		const residuals = new Float64Array(epochs);
		const variance = new Float64Array(epochs);
		const perUnit = new Float64Array(epochs);
		const kept = new Uint8Array(epochs);
		let n = 0;
		for (let k = 0; k < epochs; k++) {
			const at = i * epochs + k;
			const room = 1 - share[at];
			if (!Number.isFinite(fluxJy[at]) || !(errorJy[at] > 0) || !(room > 0)) continue;
			residuals[k] = (fluxJy[at] - level[i]) / level[i] / Math.sqrt(room);
			variance[k] = (errorJy[at] / level[i]) ** 2;
			perUnit[k] = 1;
			kept[k] = 1;
			n++;
		}
		// The share already takes the level's degree of freedom into account.
		if (n >= 5) squares.push(excessVariance(residuals, variance, perUnit, kept, n, limit, { tuning: 3 }));
	}
	if (squares.length === 0) return { value: 0, error: Number.NaN, n: 0 };
	const value = Math.sqrt(median(squares));
	const spread = (1.2533 * madScale(squares)) / Math.sqrt(squares.length);
	return { value, error: value > 0 ? spread / (2 * value) : Math.sqrt(Math.max(0, spread)), n: squares.length };
}
