import type { Preparation, SolveInput } from "./prepare.ts";
import { median } from "./robust.ts";
import type { Selection } from "./selection.ts";
import type { VisibilitySet } from "./visibility-set.ts";

export interface ValidationLimits {
	/** Fewest antennas with data. */
	antennas: number;
	/** Solve a set that has only one parallel hand. */
	singlePolarization: boolean;
	/** Least primary-beam response towards the calibrator at its best integration. */
	beam: number;
	/** Largest share of unflagged samples, outside antennas bad as a whole, that may be zero, no number or absurd. */
	invalid: number;
	/** Least share of an antenna's baselines, median over antennas, that must show a fringe. */
	coherent: number;
}

export const VALIDATION_LIMITS: ValidationLimits = {
	antennas: 5,
	singlePolarization: false,
	beam: 0.3,
	invalid: 0.15,
	coherent: 0.3,
};

/** What the headers alone forbid. Empty when nothing does. */
export function validateSelection(set: VisibilitySet, selection: Selection, limits: ValidationLimits): string[] {
	const reasons: string[] = [];
	if (set.baselines.antenna1.length === 0) {
		reasons.push(
			set.autocorrelations.length > 0
				? "it holds autocorrelations only; gains need pairs of different antennas"
				: "it holds no baseline",
		);
	} else if (selection.array.nAntennas < limits.antennas) {
		reasons.push(`${selection.array.nAntennas} antennas have data; ${limits.antennas} are needed`);
	}
	if (selection.polarizations.length === 0) {
		reasons.push(`no parallel hands (XX YY or RR LL) among ${set.polarizations.join(" ")}`);
	} else if (selection.polarizations.length === 1 && !limits.singlePolarization) {
		reasons.push(`only one polarisation, ${selection.polarizations[0]}; --single-polarization solves it all the same`);
	}
	if (selection.times.length === 0) reasons.push("no integration is selected");
	if (set.frequenciesHz.length < 4) reasons.push(`${set.frequenciesHz.length} channels; a delay needs at least 4`);
	return reasons;
}

/** What the model forbids. */
export function validateModel(
	calibrator: { name: string; bestBeam: number; peakJy: number } | undefined,
	limits: ValidationLimits,
): string[] {
	if (calibrator === undefined) return [];
	if (!(calibrator.bestBeam >= limits.beam)) {
		return [
			`${calibrator.name} is not in the beam: the response towards it is at best ${calibrator.bestBeam.toFixed(3)}, ${limits.beam} needed`,
		];
	}
	return calibrator.peakJy > 0 && Number.isFinite(calibrator.peakJy)
		? []
		: [`the model of ${calibrator.name} is ${calibrator.peakJy} Jy`];
}

/**
 * What the samples forbid: nothing unflagged, a good part of it no measurement, or no coherent signal where a calibrator
 * should be. A set whose baselines show nothing but noise has no calibrator in it, or another than the one named.
 */
export function validatePrepared(input: SolveInput, prep: Preparation, limits: ValidationLimits): string[] {
	const { nAntennas } = input.array;
	const reasons: string[] = [];
	if (prep.noModel) return ["the model is zero in every sample"];
	const alive = Array.from(prep.empty.keys()).filter((i) => prep.empty[i] === 0);
	if (alive.length === 0) {
		const sum = (kind: keyof Preparation["counts"]) => prep.counts[kind].reduce((total, n) => total + n, 0);
		const invalid = sum("zero") + sum("notFinite") + sum("absurd");
		return [
			invalid > 0
				? `no usable sample: ${share(sum("input"), sum)} flagged in the input, ${share(sum("zero"), sum)} zero, ${share(sum("notFinite"), sum)} not numbers, ${share(sum("absurd"), sum)} absurd`
				: "all data are flagged or without weight in the input, or left out by what was asked for (baselines, antennas)",
		];
	}
	const antennas = new Set(alive.map((i) => i % nAntennas));
	if (antennas.size < limits.antennas)
		reasons.push(`${antennas.size} antennas have unflagged data; ${limits.antennas} are needed`);
	for (let s = 0; s < input.polarizations.length; s++) {
		if (!alive.some((i) => Math.floor(i / nAntennas) === s))
			reasons.push(`no usable sample in ${input.polarizations[s]}`);
	}
	// Antennas bad as a whole are dead antennas; what is strewn over the others is damage.
	const shares = alive.map((i) => {
		const bad = prep.counts.zero[i] + prep.counts.notFinite[i] + prep.counts.absurd[i];
		return bad / (bad + prep.counts.good[i]);
	});
	const damaged = median(shares);
	if (damaged > limits.invalid) {
		const sums = (["zero", "notFinite", "absurd"] as const).map((kind) =>
			alive.reduce((total, i) => total + prep.counts[kind][i], 0),
		);
		const all = sums.reduce((a, b) => a + b, 0) + alive.reduce((total, i) => total + prep.counts.good[i], 0);
		const [zero, notFinite, absurd] = sums.map((n) => percent(n / all));
		reasons.push(`unflagged samples that are no measurement: ${zero} zero, ${notFinite} not numbers, ${absurd} absurd`);
	}
	const coherent = Math.max(...prep.coherence);
	if (coherent < limits.coherent) {
		reasons.push(
			`no coherent signal: the median antenna shows a fringe on ${percent(coherent)} of its baselines (wrong source, time or position, or no calibrator in the field)`,
		);
	} else {
		prep.coherence.forEach((own, s) => {
			if (own < limits.coherent && alive.some((i) => Math.floor(i / nAntennas) === s)) {
				reasons.push(`no coherent signal in ${input.polarizations[s]}: fringes on ${percent(own)} of the baselines`);
			}
		});
		const usable = prep.excluded.reduce((n, excluded) => n + (excluded === 0 ? 1 : 0), 0);
		const solvable = new Set(
			Array.from(prep.excluded.keys())
				.filter((i) => prep.excluded[i] === 0)
				.map((i) => i % nAntennas),
		);
		if (usable === 0 || solvable.size < limits.antennas) {
			reasons.push(`${solvable.size} antennas show fringes; ${limits.antennas} are needed`);
		}
	}
	return reasons;
}

const percent = (fraction: number) => `${(100 * fraction).toFixed(fraction < 0.1 ? 1 : 0)} %`;

function share(n: number, sum: (kind: keyof Preparation["counts"]) => number): string {
	const all = (["input", "absent", "notFinite", "zero", "absurd", "good"] as const).reduce(
		(total, kind) => total + sum(kind),
		0,
	);
	return percent(all > 0 ? n / all : 0);
}
