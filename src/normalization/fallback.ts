import { type CorrectionGate, DEFAULT_GATE, type EnsembleSolution, ensembleCorrection } from "./ensemble-correction.ts";

/** Where a correction came from, best first. The index is what `correctionSource` arrays store. */
export const CORRECTION_SOURCES = [
	/** The field's own references against their own baselines. */
	"ensemble",
	/** The nearest good reference alone, on request. */
	"single",
	/** References of a wider circle or lower signal to noise. */
	"ensemble_wide",
	/** Catalogue fluxes instead of baselines. */
	"catalogue",
	/** The last accepted correction of the field. */
	"cached",
	/** No correction: the raw flux, marked. */
	"none",
] as const;
export type CorrectionSource = (typeof CORRECTION_SOURCES)[number];

/** Catalogue fluxes of sources, for {@link catalogueFlux} and as the third step of the chain. */
export interface CatalogueFluxes {
	/** At the image's frequency, Jy; NaN where the catalogue has none. One entry per source. */
	fluxJy: Float64Array;
	fluxErrJy: Float64Array;
}

/** Fractional difference between a catalogue and an image by epoch, resolution and spectrum. */
export const CATALOGUE_SYSTEMATIC = 0.1;

/** S (nu / nu_catalogue)^alpha and its error, the uncertainty of the spectral index included. */
export function catalogueFlux(
	fluxJy: number,
	fluxErrJy: number,
	catalogueHz: number,
	frequencyHz: number,
	spectralIndex = -0.7,
	spectralIndexErr = 0.3,
): { fluxJy: number; fluxErrJy: number } {
	const ln = Math.log(frequencyHz / catalogueHz);
	const factor = Math.exp(spectralIndex * ln);
	return {
		fluxJy: fluxJy * factor,
		fluxErrJy: Math.hypot(fluxErrJy * factor, fluxJy * factor * spectralIndexErr * ln),
	};
}

/** The last accepted correction of a field, subband and configuration. */
export interface CachedCorrection {
	correction: number;
	correctionErr: number;
	mjd: number;
}

/** What was tried before the step that succeeded, and why it did not do. */
export interface FallbackStep {
	source: CorrectionSource;
	reasons: string[];
	available: number;
	used: number;
}

/**
 * c from catalogue fluxes: a robust fit through the origin of the measured against the catalogue fluxes. Its scatter,
 * which holds the catalogue's epoch, resolution and spectra, is its error. Never mixed with baselines.
 */
export function catalogueCorrection(
	fluxJy: Float64Array,
	fluxErrJy: Float64Array,
	catalogueFluxJy: Float64Array,
	catalogueErrJy: Float64Array,
	x: Float64Array,
	y: Float64Array,
	options: { limit?: number; gate?: Partial<CorrectionGate> } = {},
): EnsembleSolution {
	const known = (i: number) => catalogueFluxJy[i] > 0 && fluxErrJy[i] > 0 && Number.isFinite(fluxJy[i]);
	const of = (value: (i: number) => number) => Float64Array.from(fluxJy, (_, i) => (known(i) ? value(i) : Number.NaN));
	const solution = ensembleCorrection(
		{
			ratio: of((i) => fluxJy[i] / catalogueFluxJy[i]),
			noiseVariance: of((i) => (fluxErrJy[i] / catalogueFluxJy[i]) ** 2),
			relativeVariance: of((i) => {
				const err = Number.isFinite(catalogueErrJy[i]) ? catalogueErrJy[i] / catalogueFluxJy[i] : 0;
				return err * err + CATALOGUE_SYSTEMATIC ** 2;
			}),
			x,
			y,
		},
		{ ...options, gate: { ...DEFAULT_GATE, ...options.gate } },
	);
	return solution;
}

/**
 * The cached correction for an image, when it is young enough. Its error is enlarged by the scatter of c from epoch to
 * epoch, because the gain of one epoch does not predict the next.
 */
export function cachedCorrection(
	cached: CachedCorrection | undefined,
	mjd: number,
	epochScatter: number,
	maxAgeDays: number,
): { correction: number; error: number } | { reason: string } {
	if (cached === undefined) return { reason: "no_cached_correction" };
	if (!(cached.correction > 0) || !(cached.correctionErr >= 0)) return { reason: "cached_correction_unusable" };
	if (!(Math.abs(mjd - cached.mjd) <= maxAgeDays)) return { reason: "cached_correction_too_old" };
	return {
		correction: cached.correction,
		error: Math.hypot(cached.correctionErr, epochScatter * cached.correction),
	};
}
