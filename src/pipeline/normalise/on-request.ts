import type { Config } from "../../config/schema.ts";
import { CORRECTION_SOURCES } from "../../normalization/fallback.ts";
import {
	type ImageSolution,
	type NormalizationMode,
	normalizationFlagNames,
} from "../../normalization/normalize-image.ts";
import * as metrics from "../../observability/metrics.ts";
import { lastAccepted } from "../../store/baselines.ts";
import type { Queryable } from "../../store/database.ts";
import { rowsOfImages, sourcesOfRows } from "./field-rows.ts";
import { type FieldBand, fieldScale, type NormalizedRows, normalizeRows } from "./field-scale.ts";
import { currentBaselines } from "./reference-lists.ts";
import { TtlCache } from "./ttl-cache.ts";

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
export interface SolvedImage extends NormalizedRows {
	mjd: number;
	fieldId: number;
	referenceSetId: number;
	/** References on the field's list. */
	listed: number;
}

/** Why an image could not be solved. */
export type Unsolved = Exclude<NormalizedOnRequest["status"], "done">;

/** What a correction may lean on when an image has too few references of its own. */
type Previous = NonNullable<Awaited<ReturnType<typeof lastAccepted>>>;

/** Results of requests; one of 10,000 sources takes a megabyte. */
const MOST_RESULTS = 64;
const results = new TtlCache<SolvedImage>(MOST_RESULTS);

/**
 * Solves a stored image's flux scale anew, in the configured mode or the one that is asked for. `previous` is an
 * accepted correction that is newer than what is stored, if there is one. The result for the same rows, baselines and
 * settings is kept for a while.
 */
export async function solveStored(
	db: Queryable,
	config: Config,
	configuration: string,
	imageId: number,
	mode?: NormalizationMode,
	previous?: Previous,
): Promise<SolvedImage | Unsolved> {
	const [image] = await db.query<FieldBand & { field_id: number; mjd: number; content_hash: string }>(
		"image to normalise",
		`SELECT image.field_id, band.id, band.frequency_hz, image.mjd, image.content_hash, (SELECT max(other.beam_major_deg) FROM image AS other
		 WHERE other.field_id = image.field_id AND other.band_id = image.band_id) AS beam_major_deg
		 FROM image JOIN band ON band.id = image.band_id WHERE image.id = $1`,
		[imageId],
	);
	if (image === undefined) return "no_image";
	// Measuring again gives rows a new run: with the count it tells whether the rows are those of the kept result.
	const [measured] = await db.query<{ n: number; runs: string }>(
		"rows of image",
		`SELECT count(*) AS n, string_agg(DISTINCT run_id, ',' ORDER BY run_id) AS runs FROM measurement
		 WHERE image_id = $1 AND method = 'forced' AND configuration = $2`,
		[imageId, configuration],
	);
	if (measured.n === 0) return "no_measurements";
	const stored = await currentBaselines(db, config, image.field_id, image.id);
	if (stored === undefined) return "no_baselines";
	const stable = await lastAccepted(db, image.field_id, image.id, image.mjd);
	const before = previous !== undefined && !((stable?.mjd ?? -Infinity) > previous.mjd) ? previous : stable;
	const { normalization } = config;
	const key = JSON.stringify([
		imageId,
		image.content_hash,
		configuration,
		measured,
		stored.referenceSetId,
		stored.baselines.version,
		normalization,
		mode,
		before,
	]);
	const known = results.get(key);
	metrics.cacheLookups.inc({ cache: "results", result: known === undefined ? "miss" : "hit" });
	if (known !== undefined) return known;
	const rows = await rowsOfImages(db, [imageId], configuration);
	if (rows.length === 0) return "no_measurements";
	const sources = await sourcesOfRows(db, [...new Set(rows.map((row) => row.source_id))]);
	const scale = fieldScale(config, image, sources, stored, mode);
	const solved: SolvedImage = {
		mjd: image.mjd,
		fieldId: image.field_id,
		...normalizeRows(scale, image.mjd, rows, before),
		referenceSetId: stored.referenceSetId,
		listed: stored.primary.length,
	};
	results.set(key, solved, normalization.cache_ttl_seconds);
	return solved;
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
