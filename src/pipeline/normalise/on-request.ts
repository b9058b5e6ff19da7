import type { Config } from "../../config/schema.ts";
import { CORRECTION_SOURCES } from "../../normalization/fallback.ts";
import {
	type ImageSolution,
	type NormalizationMode,
	type NormalizedImage,
	normalizationFlagNames,
	normalizeImage,
} from "../../normalization/normalize-image.ts";
import { lastAccepted, loadBaselines } from "../../store/baselines.ts";
import type { Queryable } from "../../store/database.ts";
import { blendGroupsOf, isUsable, normalizationOptions } from "../stages/normalise.ts";
import { extendBaselines } from "./extended-baselines.ts";
import { type FieldRow, rowsOfImages, sourcesOfRows } from "./field-rows.ts";

/** One measurement on the common flux scale, beside its raw value. */
export interface NormalizedMeasurement {
	source_id: number;
	flux_jy: number;
	flux_err_jy: number;
	flux_norm_jy: number | null;
	flux_norm_err_jy: number | null;
	correction: number | null;
	correction_err: number | null;
	correction_source: string;
	/** References behind the correction, the source itself not counted. */
	n_references: number;
	flags: string;
}

export interface NormalizedOnRequest {
	image_id: number;
	/** `no_measurements`: none under the present settings; `no_baselines`: too few epochs so far. */
	status: "done" | "no_image" | "no_measurements" | "no_baselines";
	/** `applied`, `suspicious` or `not_normalised`. */
	solution: {
		status: ImageSolution["status"];
		source: string;
		correction: number;
		correction_err: number | null;
		scatter: number | null;
		n_references: number;
		n_rejected: number;
		baseline_version: string;
		reasons: string[];
	} | null;
	measurements: NormalizedMeasurement[];
}

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);

/** The flux scale of a stored image, solved against the present baselines and not stored. */
export interface SolvedImage {
	mjd: number;
	rows: FieldRow[];
	result: NormalizedImage;
	referenceSetId: number;
}

/** Why an image could not be solved. */
export type Unsolved = Exclude<NormalizedOnRequest["status"], "done">;

/** What a correction may lean on when an image has too few references of its own. */
type Previous = NonNullable<Awaited<ReturnType<typeof lastAccepted>>>;

/**
 * Solves a stored image's flux scale anew, in the configured mode or the one that is asked for. `previous` is an
 * accepted correction that is newer than what is stored, if there is one.
 */
export async function solveStored(
	db: Queryable,
	config: Config,
	configuration: string,
	imageId: number,
	mode?: NormalizationMode,
	previous?: Previous,
): Promise<SolvedImage | Unsolved> {
	const [image] = await db.query<{ field_id: number; band_id: number; mjd: number; beam_major_deg: number }>(
		"image to normalise",
		`SELECT field_id, band_id, mjd, (SELECT max(beam_major_deg) FROM image AS other WHERE other.field_id = image.field_id AND other.band_id = image.band_id)
		 AS beam_major_deg FROM image WHERE id = $1`,
		[imageId],
	);
	if (image === undefined) return "no_image";
	const rows = await rowsOfImages(db, [imageId], configuration);
	if (rows.length === 0) return "no_measurements";
	const stored = await loadBaselines(db, image.field_id, image.band_id);
	if (stored === undefined) return "no_baselines";
	const sources = await sourcesOfRows(db, [...new Set(rows.map((row) => row.source_id))]);
	const ids = sources.map((source) => source.id);
	const { baselines, placeOf } = extendBaselines(stored.baselines, stored.sourceIds, ids);
	const places = (list: Int32Array) => Int32Array.from([...list].map((i) => placeOf[i]).filter((place) => place >= 0));
	const groups = blendGroupsOf(sources, config.photometry_pipeline.blend_radius_beams * image.beam_major_deg);
	const place = new Map(ids.map((id, i) => [id, i]));
	const index = Int32Array.from(rows, (row) => place.get(row.source_id) as number);
	const before = await lastAccepted(db, image.field_id, image.band_id, image.mjd);
	const result = normalizeImage(
		{
			mjd: image.mjd,
			sourceIndex: index,
			fluxJy: Float64Array.from(rows, (row) => row.flux_jy),
			fluxErrJy: Float64Array.from(rows, (row) => row.flux_err_jy),
			raDeg: Float64Array.from(index, (i) => sources[i].ra_deg),
			decDeg: Float64Array.from(index, (i) => sources[i].dec_deg),
			usable: Uint8Array.from(rows, (row) => (isUsable(row.flags) ? 1 : 0)),
			blendGroup: Int32Array.from(index, (i) => groups[i]),
		},
		{
			baselines,
			references: { primary: places(stored.primary), wide: places(stored.wide) },
			previous: previous !== undefined && !((before?.mjd ?? -Infinity) > previous.mjd) ? previous : before,
			options: { ...normalizationOptions(config), ...(mode === undefined ? {} : { mode }) },
		},
	);
	return { mjd: image.mjd, rows, result, referenceSetId: stored.referenceSetId };
}

/**
 * Normalises a stored image anew against the present baselines, in the mode that is asked for, and writes nothing: what
 * the pipeline stored stays, so that modes and baselines can be compared.
 */
export async function normalizeOnRequest(
	db: Queryable,
	config: Config,
	configuration: string,
	imageId: number,
	mode?: NormalizationMode,
): Promise<NormalizedOnRequest> {
	const solved = await solveStored(db, config, configuration, imageId, mode);
	if (typeof solved === "string") {
		return { image_id: imageId, status: solved, solution: null, measurements: [] };
	}
	const { rows, result } = solved;
	const { solution } = result;
	return {
		image_id: imageId,
		status: "done",
		solution: {
			status: solution.status,
			source: solution.source,
			correction: solution.correction,
			correction_err: finite(solution.correctionErr),
			scatter: finite(solution.tau),
			n_references: solution.used,
			n_rejected: solution.references.filter((reference) => reference.rejected).length,
			baseline_version: solution.baselineVersion,
			reasons: solution.reasons,
		},
		measurements: rows.map((row, i) => ({
			source_id: row.source_id,
			flux_jy: row.flux_jy,
			flux_err_jy: row.flux_err_jy,
			flux_norm_jy: finite(result.fluxNormJy[i]),
			flux_norm_err_jy: finite(result.fluxNormErrJy[i]),
			correction: finite(result.correction[i]),
			correction_err: finite(result.correctionErr[i]),
			correction_source: CORRECTION_SOURCES[result.correctionSource[i]],
			n_references: result.nReferences[i],
			flags: normalizationFlagNames(result.flags[i]),
		})),
	};
}
