import { type LightCurveState, rebuild, summarize, validate } from "./statistics.ts";

/** Relative difference that a change of the order of arrival explains. */
const ROUNDING = 1e-9;

/**
 * Compares a stored state with the measurements it claims to describe.
 *
 * @param rows the valid measurements of the light curve, any order
 * @returns what disagrees, one line each, and the state that the rows give: write it to repair
 */
export function checkState(
	state: LightCurveState,
	rows: { mjd: ArrayLike<number>; flux: ArrayLike<number>; err: ArrayLike<number> },
): { problems: string[]; repaired: LightCurveState } {
	const repaired = rebuild(rows);
	const claimed = summarize(state);
	const true_ = summarize(repaired);
	const problems = validate(claimed, repaired.n);
	for (const [name, value] of Object.entries(true_)) {
		const other = claimed[name as keyof typeof claimed];
		if (typeof value === "number" && typeof other === "number") {
			const scale = Math.max(Math.abs(value), name === "std" || name === "chi2" || name === "eta" ? 1e-12 : 1e-300);
			if (!(Math.abs(value - other) <= ROUNDING * scale))
				problems.push(`${name} is ${other}, the measurements give ${value}`);
		} else if ((value === null) !== (other === null))
			problems.push(`${name} is ${JSON.stringify(other)}, the measurements give ${JSON.stringify(value)}`);
	}
	return { problems, repaired };
}
