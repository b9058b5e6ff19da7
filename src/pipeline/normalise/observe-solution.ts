import type { ImageSolution, NormalizedImage } from "../../normalization/normalize-image.ts";
import { median } from "../../normalization/robust-location.ts";
import * as metrics from "../../observability/metrics.ts";
import type { FieldRow } from "./field-rows.ts";

/** Median signal to noise, in an image, of the references behind its flux scale; NaN without any. */
export function referenceSnr(result: NormalizedImage, rows: readonly FieldRow[]): number {
	return median(result.solution.references.map(({ row }) => rows[row].flux_jy / rows[row].flux_err_jy));
}

/**
 * Counts an image's flux scale in the metrics.
 *
 * @param listed references on the field's list
 * @param snr their median signal to noise in the image
 */
export function observeSolution(field: string, solution: ImageSolution, listed: number, snr: number): void {
	metrics.normalizationRequests.inc({ status: solution.status === "applied" ? solution.source : solution.status });
	metrics.correctionFactor.observe(solution.correction);
	metrics.referenceCount.observe(solution.used);
	if (Number.isFinite(solution.correctionErr))
		metrics.normalizationRms.observe(solution.correctionErr / solution.correction);
	const own = solution.steps.find((step) => step.source === "ensemble")?.available ?? solution.available;
	if (listed > 0) metrics.referenceAvailability.set({ field }, own / listed);
	if (Number.isFinite(snr)) metrics.referenceSnr.set({ field }, snr);
}
