import { CORRECTION_SOURCES } from "../../normalization/fallback.ts";
import { normalizationFlagNames } from "../../normalization/normalize-image.ts";
import type { CorrectionRow } from "../../store/baselines.ts";
import type { NormalizedImage } from "../../store/measurements.ts";
import type { NormalizedRows } from "./field-scale.ts";

/** The normalised values of an image as they are stored, beside the raw ones. */
export function normalizedImage(
	imageId: number,
	configuration: string,
	referenceSetId: number | null,
	{ rows, result }: NormalizedRows,
): NormalizedImage {
	return {
		imageId,
		configuration,
		referenceSetId,
		sourceId: Float64Array.from(rows, (row) => row.source_id),
		fluxNormJy: result.fluxNormJy,
		fluxNormErrJy: result.fluxNormErrJy,
		correction: result.correction,
		correctionErr: result.correctionErr,
		correctionSource: Array.from(result.correctionSource, (code) => CORRECTION_SOURCES[code]),
		flags: Array.from(result.flags, (bits) => normalizationFlagNames(bits)),
	};
}

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);

/**
 * The flux scale of an image as it is stored: every step of the chain that was tried and why it did not do, and how well
 * its references and the catalogue agree with the result.
 */
export function correctionRow(
	imageId: number,
	referenceSetId: number | null,
	{ rows, result, accuracy }: NormalizedRows,
): CorrectionRow {
	const { solution } = result;
	const rejected = solution.references.filter((reference) => reference.rejected);
	return {
		imageId,
		referenceSetId,
		source: solution.source,
		status: solution.status,
		correction: solution.correction,
		correctionErr: solution.correctionErr,
		scatter: solution.tau,
		nReferences: solution.used,
		nRejected: rejected.length,
		details: {
			reasons: solution.reasons,
			steps: solution.steps,
			order: solution.order,
			lowest: solution.lowest,
			highest: solution.highest,
			available: solution.available,
			largest_share: finite(solution.largestShare),
			rejected: rejected.map(({ row }) => rows[row].source_id),
			coefficients: Array.from(solution.coefficients),
			accuracy: {
				n: accuracy.pulls.n,
				pull_mean: finite(accuracy.pulls.mean),
				pull_std: finite(accuracy.pulls.std),
				residual: finite(accuracy.residual),
				scatter: finite(accuracy.scatter),
				scatter_before: finite(accuracy.scatterBefore),
				completeness: finite(accuracy.completeness),
				catalogue_ratio: finite(accuracy.catalogueRatio),
				catalogue_sources: accuracy.catalogueSources,
			},
		},
	};
}
