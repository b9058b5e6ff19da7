import type { FieldFilter } from "./field-filter.ts";
import { type LensFit, lensTemplate, MOST_LENSED } from "./lens-fit.ts";
import type { Series } from "./null-model.ts";
import { amplitudeAtDepth, SMALLEST_DEPTH } from "./templates.ts";

/** Epochs tried when the evidence is looked at without one. */
const MOST_CARRIERS = 40;

/**
 * Epochs by what the evidence loses without them, heaviest first: the likelihood ratio under the two nulls in play, with
 * each epoch left out in turn.
 */
export function carriers(
	field: FieldFilter,
	series: Series,
	lens: LensFit,
	points: readonly number[],
): { epoch: number; lambda: number }[] {
	const { model, filter } = field;
	const bands = series.frequencyMhz.length;
	const template = lensTemplate(field, series, lens);
	const least = amplitudeAtDepth(field.profiles, lens.alpha, lens.betaS, SMALLEST_DEPTH);
	const weightOf: { epoch: number; value: number }[] = [];
	for (let i = 0; i < template.length; i++) {
		let value = 0;
		for (let k = 0; k < bands; k++)
			value += series.w[(template.first + i) * bands + k] * template.values[i * bands + k] ** 2;
		if (value > 0) weightOf.push({ epoch: template.first + i, value });
	}
	return weightOf
		.sort((a, b) => b.value - a.value)
		.slice(0, MOST_CARRIERS)
		.map(({ epoch }) => ({
			epoch,
			lambda: without(series, [epoch], () => {
				model.prepare(series, series.mjd.length, points);
				filter.load(series, template.values, 0, template.first, template.length, least);
				let alone = -Infinity;
				for (const g of points) {
					alone = Math.max(alone, model.logLikelihood[g]);
					filter.evaluate(model, g, MOST_LENSED);
				}
				return 2 * (filter.result.logLikelihood - alone);
			}),
		}))
		.sort((a, b) => a.lambda - b.lambda);
}

/** Does something with some epochs of a series blanked out. */
export function without<T>(series: Series, epochs: readonly number[], action: () => T): T {
	const bands = series.frequencyMhz.length;
	const saved = epochs.map((epoch) => series.w.slice(epoch * bands, (epoch + 1) * bands));
	for (const epoch of epochs) series.w.fill(0, epoch * bands, (epoch + 1) * bands);
	try {
		return action();
	} finally {
		epochs.forEach((epoch, i) => {
			series.w.set(saved[i], epoch * bands);
		});
	}
}
