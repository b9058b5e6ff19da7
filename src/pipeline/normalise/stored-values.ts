import { CORRECTION_SOURCES } from "../../normalization/fallback.ts";
import {
	type ImageSolution,
	type NormalizedImage as NormalizedArrays,
	normalizationFlagNames,
} from "../../normalization/normalize-image.ts";
import type { CorrectionRow } from "../../store/baselines.ts";
import type { NormalizedImage } from "../../store/measurements.ts";
import type { FieldRow } from "./field-rows.ts";

/** The normalised values of an image as they are stored, beside the raw ones. */
export function normalizedImage(
	imageId: number,
	configuration: string,
	rows: FieldRow[],
	result: NormalizedArrays,
): NormalizedImage {
	return {
		imageId,
		configuration,
		referenceSetId: null,
		sourceId: Float64Array.from(rows, (row) => row.source_id),
		fluxNormJy: result.fluxNormJy,
		fluxNormErrJy: result.fluxNormErrJy,
		correction: result.correction,
		correctionErr: result.correctionErr,
		correctionSource: Array.from(result.correctionSource, (code) => CORRECTION_SOURCES[code]),
		flags: Array.from(result.flags, (bits) => normalizationFlagNames(bits)),
	};
}

/** The flux scale of an image as it is stored: every step of the chain that was tried, and why it did not do. */
export function correctionRow(imageId: number, referenceSetId: number | null, solution: ImageSolution): CorrectionRow {
	return {
		imageId,
		referenceSetId,
		source: solution.source,
		status: solution.status,
		correction: solution.correction,
		correctionErr: solution.correctionErr,
		scatter: solution.tau,
		nReferences: solution.used,
		nRejected: solution.references.filter((reference) => reference.rejected).length,
		details: {
			reasons: solution.reasons,
			steps: solution.steps,
			order: solution.order,
			lowest: solution.lowest,
			highest: solution.highest,
			largest_share: Number.isFinite(solution.largestShare) ? solution.largestShare : null,
			coefficients: Array.from(solution.coefficients),
		},
	};
}
