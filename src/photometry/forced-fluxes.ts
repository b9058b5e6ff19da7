import type { BlendCovariance } from "./blend-covariance.ts";
import { NOT_MEASURED } from "./flags.ts";

/** One value per position, in input order; NaN where `flags` has one of {@link NOT_MEASURED}. */
export interface ForcedFluxes {
	/** Peak flux density, Jy/beam. Negative values are data. */
	flux: Float64Array;
	/** True standard error of `flux`, correlated noise included. */
	fluxErr: Float64Array;
	/** Kernel-weighted local rms, Jy/beam. */
	localRms: Float64Array;
	/** flux / localRms. */
	snr: Float64Array;
	/** Sum of squared residuals in units of the local rms over the stamp, or over the union of a blend's stamps. */
	chi2: Float64Array;
	/** Valid pixels less fitted sources. */
	dof: Int32Array;
	/** Sources solved together, 1 for an isolated one; 0 when not measured. */
	nBlend: Int32Array;
	/** max(flux, 0) + limitSigma * error where flux < limitSigma * error, else NaN. */
	upperLimit: Float64Array;
	/** Share of the kernel's weight (k^2) on valid pixels. */
	coverage: Float64Array;
	/** Bits of FORCED_FLAG. */
	flags: Uint32Array;
	/** Covariances of the fluxes of blends of two and more. */
	blends: BlendCovariance[];
}

/** Empty results for n sources: everything not measured. */
export function emptyFluxes(n: number): ForcedFluxes {
	const blank = () => new Float64Array(n).fill(Number.NaN);
	return {
		flux: blank(),
		fluxErr: blank(),
		localRms: blank(),
		snr: blank(),
		chi2: blank(),
		dof: new Int32Array(n),
		nBlend: new Int32Array(n),
		upperLimit: blank(),
		coverage: blank(),
		flags: new Uint32Array(n),
		blends: [],
	};
}

/** Stores a flux, its error, and the two that follow from them. */
export function setFlux(out: ForcedFluxes, i: number, flux: number, error: number, limitSigma: number): void {
	out.flux[i] = flux;
	out.fluxErr[i] = error;
	out.snr[i] = flux / out.localRms[i];
	out.upperLimit[i] = flux < limitSigma * error ? Math.max(flux, 0) + limitSigma * error : Number.NaN;
}

export const isMeasured = (flags: number): boolean => (flags & NOT_MEASURED) === 0;
