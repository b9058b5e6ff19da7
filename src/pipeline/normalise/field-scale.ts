import type { Config } from "../../config/schema.ts";
import { emptyBaselines } from "../../normalization/baseline.ts";
import { DEFAULT_GATE } from "../../normalization/ensemble-correction.ts";
import { type CachedCorrection, type CatalogueFluxes, catalogueFlux } from "../../normalization/fallback.ts";
import { type ImageAccuracy, imageAccuracy } from "../../normalization/image-accuracy.ts";
import {
	type ImageSolution,
	type NormalizationContext,
	type NormalizationMode,
	type NormalizedImage,
	normalizeImage,
} from "../../normalization/normalize-image.ts";
import { median } from "../../normalization/robust-location.ts";
import { blendGroups } from "../../photometry/blend-groups.ts";
import { tangentOffsets } from "../../sky/separation.ts";
import type { StoredBaselines } from "../../store/baselines.ts";
import { extendBaselines } from "./extended-baselines.ts";
import type { FieldRow, FieldSource } from "./field-rows.ts";

/** Values under these flags serve neither as references nor for baselines; others may look odd and be right. */
const UNUSABLE = new Set(["partial", "degenerate", "duplicate", "noise_outlier"]);
export const isUsable = (flags: string): boolean =>
	flags === "" || !flags.split("|").some((flag) => UNUSABLE.has(flag));

/** A subband of a field, as far as its flux scale is concerned. */
export interface FieldBand {
	id: number;
	frequency_hz: number;
	/** Largest beam of its images. */
	beam_major_deg: number;
}

/** What every image of a field in one subband is normalised with. */
export interface FieldScale {
	sources: FieldSource[];
	placeOfSource: Map<number, number>;
	/** Blend of each source, 0 for those that were solved alone. */
	groups: Int32Array;
	context: NormalizationContext;
}

/** How the settings read as options of the science. */
export const normalizationOptions = ({ normalization }: Config) => ({
	mode: normalization.position_dependent ? ("plane" as const) : ("ensemble" as const),
	maxDeviationSigma: normalization.max_deviation_sigma,
	cacheMaxAgeDays: normalization.cached_correction_max_days,
	gate: {
		...DEFAULT_GATE,
		low: normalization.gate_low,
		high: normalization.gate_high,
		minReferences: normalization.min_references,
	},
});

/** 1, 2, 3 ... for sources that were solved together with others, 0 for those that were not. */
function blendGroupsOf(sources: FieldSource[], radiusDeg: number): Int32Array {
	if (sources.length === 0) return new Int32Array(0);
	const [{ ra_deg, dec_deg }] = sources;
	const offsets = sources.map((source) => tangentOffsets(ra_deg, dec_deg, source.ra_deg, source.dec_deg));
	const { groupOf, starts } = blendGroups(
		Float64Array.from(offsets, ([x]) => x),
		Float64Array.from(offsets, ([, y]) => y),
		radiusDeg,
	);
	return groupOf.map((group) => (group >= 0 && starts[group + 1] - starts[group] > 1 ? group + 1 : 0));
}

/** Catalogue fluxes at a subband's frequency, as the third step of the chain; undefined when no source has one. */
export function catalogueAt(config: Config, sources: FieldSource[], frequencyHz: number): CatalogueFluxes | undefined {
	const { catalogue_frequency_mhz, catalogue_spectral_index } = config.normalization;
	const { fluxJy: factor, fluxErrJy: factorErr } = catalogueFlux(
		1,
		0,
		catalogue_frequency_mhz * 1e6,
		frequencyHz,
		catalogue_spectral_index,
	);
	if (!sources.some((source) => (source.catalogue_flux_jy ?? 0) > 0)) return undefined;
	const of = (by: number) => Float64Array.from(sources, ({ catalogue_flux_jy: flux }) => (flux ?? Number.NaN) * by);
	return { fluxJy: of(factor), fluxErrJy: of(factorErr) };
}

/**
 * Prepares the normalization of a field in one subband.
 *
 * @param stored the version of its baselines, undefined before the first
 * @param mode instead of the configured one
 */
export function fieldScale(
	config: Config,
	band: FieldBand,
	sources: FieldSource[],
	stored: StoredBaselines | undefined,
	mode?: NormalizationMode,
): FieldScale {
	const ids = sources.map((source) => source.id);
	const { baselines, placeOf } = extendBaselines(stored?.baselines ?? emptyBaselines(0), stored?.sourceIds ?? [], ids);
	const places = (list: Int32Array | undefined) =>
		(list ?? new Int32Array(0)).map((i) => placeOf[i]).filter((i) => i >= 0);
	return {
		sources,
		placeOfSource: new Map(ids.map((id, i) => [id, i])),
		groups: blendGroupsOf(sources, config.photometry_pipeline.blend_radius_beams * band.beam_major_deg),
		context: {
			baselines,
			references: { primary: places(stored?.primary), wide: places(stored?.wide) },
			catalogue: catalogueAt(config, sources, band.frequency_hz),
			options: { ...normalizationOptions(config), ...(mode === undefined ? {} : { mode }) },
		},
	};
}

/** One stored image on the scale of its field. */
export interface NormalizedRows {
	rows: readonly FieldRow[];
	result: NormalizedImage;
	/** Against the levels of its references and the catalogue. */
	accuracy: ImageAccuracy;
	/** Median signal to noise of the references behind its flux scale; NaN without any. */
	referenceSnr: number;
}

/** One stored image on the scale of its field; `rows` are its measurements. */
export function normalizeRows(
	{ sources, placeOfSource, groups, context }: FieldScale,
	mjd: number,
	rows: readonly FieldRow[],
	previous: CachedCorrection | undefined,
): NormalizedRows {
	const index = Int32Array.from(rows, (row) => placeOfSource.get(row.source_id) as number);
	const image = {
		mjd,
		sourceIndex: index,
		fluxJy: Float64Array.from(rows, (row) => row.flux_jy),
		fluxErrJy: Float64Array.from(rows, (row) => row.flux_err_jy),
		raDeg: Float64Array.from(index, (i) => sources[i].ra_deg),
		decDeg: Float64Array.from(index, (i) => sources[i].dec_deg),
		usable: Uint8Array.from(rows, (row) => (isUsable(row.flags) ? 1 : 0)),
		blendGroup: Int32Array.from(index, (i) => groups[i]),
	};
	const { baselines, references, catalogue } = context;
	const result = normalizeImage(image, { ...context, previous });
	return {
		rows,
		result,
		accuracy: imageAccuracy(image, result, baselines, references.primary, catalogue?.fluxJy),
		referenceSnr: median(result.solution.references.map(({ row }) => rows[row].flux_jy / rows[row].flux_err_jy)),
	};
}

/** Corrections by the field's own references. */
export const OWN_SOURCES = new Set(["ensemble", "ensemble_wide", "single"]);

/** What a later image may lean on: an accepted correction by the field's own references, else undefined. */
export const leanOn = ({
	status,
	source,
	correction,
	correctionErr,
	mjd,
}: ImageSolution): CachedCorrection | undefined =>
	status === "applied" && OWN_SOURCES.has(source) ? { correction, correctionErr, mjd } : undefined;
