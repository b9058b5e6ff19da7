import { badInput } from "../error.ts";

/** Why a component without a source is, or is not, called new. */
export type NewSourceVerdict =
	/** An earlier image would have shown it at `significance` or more. */
	| "new"
	/** Earlier images cover the position, none deep enough to have shown it. */
	| "could_not_have_been_seen"
	/** No earlier image covers the position. */
	| "no_earlier_image"
	/** The flux is not a number. */
	| "no_flux";

export interface NewSourceTest {
	/** Largest S_peak / rms over the earlier images; NaN when none covers the position. */
	significance: Float64Array;
	/** The earlier image that gives it, -1 when there is none. */
	image: Int32Array;
	verdict: NewSourceVerdict[];
}

/**
 * Should it have been seen before? Significance at which each component would have stood out in the most telling
 * earlier image: max over images of S_peak / rms at its position (Pintaldi et al. 2022, the VAST pipeline). Below the
 * limit the earlier images could not have excluded it, so that it is not called new.
 *
 * @param peakFluxJy peak flux density of each component, Jy/beam; of a band, scaled to it beforehand
 * @param earlierRmsJy rms of the earlier images at each component's position, Jy/beam, component after component
 *        (`earlierRmsJy[component * images + image]`); NaN or 0 where an image does not cover it
 * @param images number of earlier images
 */
export function newSourceSignificance(
	peakFluxJy: Float64Array,
	earlierRmsJy: Float64Array,
	images: number,
	limit = 5,
): NewSourceTest {
	const n = peakFluxJy.length;
	if (earlierRmsJy.length !== n * images) {
		throw badInput("length-mismatch", `${earlierRmsJy.length} noise values for ${n} components in ${images} images`, {
			subject: "earlierRmsJy",
			remedy: "Give one value for each component and image",
		});
	}
	const significance = new Float64Array(n).fill(Number.NaN);
	const image = new Int32Array(n).fill(-1);
	const verdict: NewSourceVerdict[] = [];
	for (let j = 0; j < n; j++) {
		let covered = false;
		for (let k = 0; k < images; k++) {
			const rms = earlierRmsJy[j * images + k];
			if (!(rms > 0) || !Number.isFinite(rms)) continue;
			covered = true;
			const ratio = peakFluxJy[j] / rms;
			if (image[j] < 0 ? !Number.isNaN(ratio) : ratio > significance[j]) {
				significance[j] = ratio;
				image[j] = k;
			}
		}
		if (Number.isNaN(peakFluxJy[j])) verdict.push("no_flux");
		else if (!covered) verdict.push("no_earlier_image");
		else verdict.push(significance[j] >= limit ? "new" : "could_not_have_been_seen");
	}
	return { significance, image, verdict };
}
