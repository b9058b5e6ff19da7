import type { LightCurveSummary } from "./statistics.ts";

/** Rounding allowed beyond a mathematical bound. */
const SLACK = 1e-9;

/**
 * What a summary claims that no set of measurements can have: true mathematical bounds only. An event, however strong,
 * never breaks one, so a broken bound means a damaged record and not a rare source.
 *
 * @param rows number of measurements that the store holds for this light curve, if known
 * @returns one line per broken bound; empty when the summary is possible
 */
export function validate(summary: LightCurveSummary, rows?: number): string[] {
	const broken: string[] = [];
	const { n, mean, std } = summary;
	const check = (holds: boolean, message: string) => {
		if (!holds) broken.push(message);
	};
	check(Number.isInteger(n) && n >= 0, `n ${n} is not a count`);
	if (rows !== undefined) check(n === rows, `n ${n} differs from the ${rows} measurements held`);
	for (const [name, value] of Object.entries(summary))
		if (typeof value === "number" && Number.isNaN(value)) broken.push(`${name} is not a number`);
	for (const name of ["std", "weightedStd", "chi2", "eta", "vsMax", "v", "mPair", "sigmaDeviation"] as const) {
		const value = summary[name];
		if (value !== null) check(value >= 0, `${name} ${value} is negative`);
	}
	if (summary.logP !== null) check(summary.logP <= SLACK, `logP ${summary.logP} is above 0`);
	const { minFlux, maxFlux } = summary;
	if (minFlux !== null && maxFlux !== null) {
		const room = SLACK * Math.max(Math.abs(minFlux), Math.abs(maxFlux));
		check(minFlux <= maxFlux, "minFlux is above maxFlux");
		for (const name of ["mean", "weightedMean"] as const) {
			const value = summary[name];
			if (value !== null)
				check(value >= minFlux - room && value <= maxFlux + room, `${name} ${value} lies outside the fluxes`);
		}
		if (std !== null && n > 1)
			check(
				std <= ((maxFlux - minFlux) / 2) * Math.sqrt(n / (n - 1)) * (1 + SLACK) + room,
				`std ${std} exceeds what the range of the fluxes allows`,
			);
		if (minFlux >= 0) {
			if (summary.v !== null) check(summary.v <= Math.sqrt(n) * (1 + SLACK), `v ${summary.v} exceeds sqrt(n)`);
			if (summary.mPair !== null) check(summary.mPair <= 2 + SLACK, `mPair ${summary.mPair} exceeds 2`);
		}
	}
	if (summary.sigmaDeviation !== null && n > 1) {
		const low = Math.sqrt((n - 1) / n);
		const high = (n - 1) / Math.sqrt(n);
		check(
			summary.sigmaDeviation >= low * (1 - SLACK) && summary.sigmaDeviation <= high * (1 + SLACK),
			`sigmaDeviation ${summary.sigmaDeviation} lies outside its bounds ${low.toFixed(4)}..${high.toFixed(4)}`,
		);
	}
	if (summary.mPairVs !== null && summary.vsMax !== null)
		check(summary.mPairVs <= summary.vsMax * (1 + SLACK), "the pair of mPair is more significant than the largest Vs");
	if (summary.weightedMeanErr !== null && summary.minError !== null)
		check(summary.weightedMeanErr <= summary.minError * (1 + SLACK), "the mean has a larger error than one point");
	if (summary.firstMjd !== null && summary.lastMjd !== null)
		check(summary.firstMjd <= summary.lastMjd, "the first time is after the last");
	if (mean !== null && summary.v !== null && std !== null)
		check(Math.abs(summary.v * mean - std) <= 1e-6 * Math.abs(std), "v is not std / mean");
	if (summary.eta !== null && summary.chi2 !== null && n > 1)
		check(Math.abs(summary.eta * (n - 1) - summary.chi2) <= 1e-6 * summary.chi2, "eta is not chi2 / (n - 1)");
	return broken;
}
