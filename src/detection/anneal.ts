import type { MatchedFilter } from "./matched-filter.ts";
import type { NullModel } from "./null-model.ts";
import { nelderMead } from "./simplex.ts";

/**
 * Refines parameters and null together: the null that suits the present fit, parameters under it, again until the null
 * stays. While the fit is poor only strong red noise is tolerable, under which the likelihood is smooth; as the fit
 * improves the null sharpens. Starts that fall far behind `toBeat` are given up after the first round.
 */
export function anneal(
	filter: MatchedFilter,
	model: NullModel,
	load: (p: number[]) => boolean,
	start: number[],
	steps: number[],
	mostAmplitude: number,
	toBeat: number,
): { at: number[]; logLikelihood: number } {
	const bestPoint = (p: number[]) => {
		if (!load(p)) return -1;
		filter.evaluateAll(model, mostAmplitude);
		return filter.result.point;
	};
	let at = start;
	let value = -Infinity;
	let point = bestPoint(at);
	if (point < 0) return { at, logLikelihood: value };
	let scale = 1;
	for (let round = 0; round < 6; round++) {
		const grid = point;
		const found = nelderMead(
			(p) => (load(p) ? -filter.evaluate(model, grid, mostAmplitude) : Infinity),
			at,
			steps.map((step) => step * scale),
			round === 0 ? 60 : 45,
		);
		at = found.at;
		point = bestPoint(at);
		const now = filter.result.logLikelihood;
		if (round === 0 && now < toBeat - 0.3 * Math.abs(toBeat - model.logLikelihood[grid]))
			return { at, logLikelihood: now };
		const gained = now - value;
		value = now;
		if (point === grid && gained < 1) break;
		scale = round % 2 === 0 ? -0.5 : 0.5;
	}
	return { at, logLikelihood: value };
}
