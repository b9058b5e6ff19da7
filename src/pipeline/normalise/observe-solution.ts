import * as metrics from "../../observability/metrics.ts";
import type { NormalizedRows } from "./field-scale.ts";

/**
 * Counts an image's flux scale in the metrics.
 *
 * @param listed references on the field's list
 */
export function observeSolution(
	field: string,
	{ result, accuracy, referenceSnr }: NormalizedRows,
	listed: number,
): void {
	const { solution } = result;
	metrics.normalizationRequests.inc({ status: solution.status === "applied" ? solution.source : solution.status });
	metrics.correctionFactor.observe(solution.correction);
	metrics.referenceCount.observe(solution.used);
	if (Number.isFinite(solution.correctionErr))
		metrics.normalizationRms.observe(solution.correctionErr / solution.correction);
	const own = solution.steps.find((step) => step.source === "ensemble")?.available ?? solution.available;
	if (listed > 0) metrics.referenceAvailability.set({ field }, own / listed);
	if (Number.isFinite(referenceSnr)) metrics.referenceSnr.set({ field }, referenceSnr);
	if (accuracy.pulls.n >= 3) {
		metrics.normalizationResidual.observe(Math.abs(accuracy.residual));
		metrics.normalizationPullStd.set({ field }, accuracy.pulls.std);
	}
	if (accuracy.catalogueSources >= 3) metrics.catalogueRatio.set({ field }, accuracy.catalogueRatio);
}
