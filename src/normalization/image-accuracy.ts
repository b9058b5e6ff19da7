import type { Baselines } from "./baseline.ts";
import { type ImageMeasurements, NORMALIZATION_FLAGS, type NormalizedImage } from "./normalize-image.ts";
import { type PullSummary, summarisePulls } from "./quality.ts";
import { madScale, median } from "./robust-location.ts";

/** How well one image was normalised, against what its sources were expected to be. */
export interface ImageAccuracy {
	/** Of the references, each left out of its own correction: (S' - B) over the error of both. Unit normal when right. */
	pulls: PullSummary;
	/** Whether the levels are from before this image. Those that rest on it too move with it: their pulls are the smaller. */
	independent: boolean;
	/** Median of S' / B - 1 over the references, and its robust scatter. */
	residual: number;
	scatter: number;
	/** The scatter of S / B about its median: what there was before. */
	scatterBefore: number;
	/** References at five or more times their noise, over those measured. */
	completeness: number;
	/** Median of S' over the catalogue's flux, of sources at ten or more times their noise; NaN without a catalogue. */
	catalogueRatio: number;
	/** Sources behind that. */
	catalogueSources: number;
}

/**
 * Compares an image's normalised fluxes with the levels of its references and with catalogue fluxes, the independent
 * scale.
 *
 * @param catalogueFluxJy flux of each of the baselines' sources at the image's frequency, NaN where unknown
 */
export function imageAccuracy(
	image: ImageMeasurements,
	result: NormalizedImage,
	baselines: Baselines,
	references: Int32Array,
	catalogueFluxJy?: Float64Array,
): ImageAccuracy {
	const listed = new Uint8Array(baselines.value.length);
	for (const i of references) listed[i] = 1;
	const pulls: number[] = [];
	const after: number[] = [];
	const before: number[] = [];
	const ratios: number[] = [];
	let known = 0;
	let measured = 0;
	let detected = 0;
	for (let row = 0; row < image.sourceIndex.length; row++) {
		const i = image.sourceIndex[row];
		const flux = image.fluxJy[row];
		const error = image.fluxErrJy[row];
		if (!Number.isFinite(flux) || !(error > 0) || (image.usable?.[row] ?? 1) === 0) continue;
		const applied = (result.flags[row] & NORMALIZATION_FLAGS.not_normalised) === 0;
		const catalogue = catalogueFluxJy?.[i] ?? Number.NaN;
		if (applied && catalogue > 0 && flux >= 10 * error) ratios.push(result.fluxNormJy[row] / catalogue);
		if (listed[i] === 0 || !(baselines.value[i] > 0)) continue;
		measured++;
		if (flux >= 5 * error) detected++;
		before.push(flux / baselines.value[i]);
		if (!applied) continue;
		const deviation = result.fluxNormJy[row] - baselines.value[i];
		const own = result.fluxNormErrAtBaselineJy[row];
		const knows = image.mjd <= baselines.lastMjd[i];
		if (knows) known++;
		pulls.push(deviation / (knows ? own : Math.hypot(own, baselines.error[i])));
		after.push(deviation / baselines.value[i]);
	}
	return {
		pulls: summarisePulls(pulls),
		independent: 2 * known < pulls.length,
		residual: median(after),
		scatter: madScale(after),
		scatterBefore: madScale(before) / median(before),
		completeness: measured === 0 ? Number.NaN : detected / measured,
		catalogueRatio: median(ratios),
		catalogueSources: ratios.length,
	};
}
