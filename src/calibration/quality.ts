import { type AntennaJudgement, judgeAntennas } from "./antenna-judgement.ts";
import { type ClosurePhases, closurePhases } from "./closure.ts";
import type { Preparation, SolveInput } from "./prepare.ts";
import type { BandpassSolutions, GainSolutions } from "./solve.ts";
import type { CellSolutions } from "./solve-cell.ts";
import { type SourceOffset, sourceOffset } from "./source-offset.ts";
import { delayQuality, solutionQuality, type TableQuality } from "./table-quality.ts";

/** The four parts of the score, each in 0..1; a low score names its cause by them. */
export interface ScoreParts {
	/** Antenna-polarisations with solutions, of those with data. */
	solved: number;
	/** Cells whose iteration converged, of those with data. */
	converged: number;
	/** min(1, median signal to noise / expected). */
	snr: number;
	/** min(1, reference chi-squared / chi-squared). */
	chi2: number;
}

export interface QualityLimits {
	/** Fewest antennas that may be solved. */
	antennas: number;
	/** Least share of active antenna-polarisations that must be solved. */
	solved: number;
	converged: number;
	/** Median signal to noise below this is a reason to refuse. */
	snrReject: number;
	/** And this is what is expected. */
	snrExpected: number;
	/** Chi-squared of past solves of the same strip, or what a good model gives. */
	chi2Reference: number;
	/** Refused above this many times the reference. */
	chi2Reject: number;
	/** Refused when the source stands farther from the model's place than this, arcmin, and than so many of its errors. */
	offsetArcmin: number;
	offsetSigma: number;
}

export const QUALITY_LIMITS: QualityLimits = {
	antennas: 5,
	solved: 0.7,
	converged: 0.95,
	snrReject: 5,
	snrExpected: 10,
	chi2Reference: 1.5,
	chi2Reject: 10,
	offsetArcmin: 6,
	offsetSigma: 8,
};

export interface CalibrationQuality {
	score: number;
	parts: ScoreParts;
	accepted: boolean;
	/** Why it was refused; empty when accepted. */
	reasons: string[];
	/** What to know although it was accepted. */
	warnings: string[];
	tables: { K: TableQuality | null; B: TableQuality | null; G: TableQuality | null };
	antennas: AntennaJudgement[];
	closure: ClosurePhases;
	/** Share of (time, channel) lost to interference, and the channels lost throughout. */
	rfi: { fraction: number; persistentChannels: number[] };
	/** Samples of active antennas by class, fractions of all. */
	samples: Record<string, number>;
	/** Why the source is not the model's, where the drift of the phases says so: one of the reasons. */
	elsewhere: string | undefined;
	/** How far the source stands from its place in the model; undefined where that cannot be told. */
	sourceOffset: SourceOffset | undefined;
	/** Residual chi-squared per channel of the whole band (all polarisations), NaN where unsolved. */
	channelChi2: Float64Array;
	/** Residual chi-squared per baseline, worst first: compact antenna indices. */
	worstBaselines: { antenna1: number; antenna2: number; chi2: number }[];
}

/** Judges a solve by its own residuals, never by thresholds that healthy arrays break. */
export function judge(
	input: SolveInput,
	prep: Preparation,
	bandpass: BandpassSolutions | undefined,
	gains: GainSolutions | undefined,
	minimumBaselines: number,
	limits: QualityLimits = QUALITY_LIMITS,
): CalibrationQuality {
	const { nAntennas, antenna1, antenna2 } = input.array;
	const nPol = input.polarizations.length;
	const active = Uint8Array.from({ length: nPol * nAntennas }, (_, i) => (inputFlagged(prep, i) ? 0 : 1));
	const antennas = judgeAntennas(input, prep, bandpass, gains);
	const K = prep.delays.length === 0 ? null : delayQuality(prep, active, nAntennas);
	const B =
		bandpass === undefined
			? null
			: solutionQuality(
					bandpass.raw,
					bandpass.snr,
					bandpass.flags,
					bandpass.reasons,
					active,
					prep.dead,
					nPol,
					nAntennas,
					1,
				);
	const G =
		gains === undefined
			? null
			: solutionQuality(
					gains.raw,
					gains.snr,
					gains.flags,
					gains.reasons,
					active,
					prep.dead,
					nPol,
					nAntennas,
					gains.groups.length,
				);

	let activeCount = 0;
	let solvedCount = 0;
	const solvedAntennas = new Set<number>();
	const anySolved = solvedAnywhere(nPol, nAntennas, prep, bandpass, gains);
	for (let i = 0; i < active.length; i++) {
		if (active[i] === 0) continue;
		activeCount++;
		if (anySolved[i] !== 0) {
			solvedCount++;
			solvedAntennas.add(i % nAntennas);
		}
	}
	const tables = [B, G].filter((table) => table !== null);
	const snr = tables.length === 0 ? (K?.snrMedian ?? 0) : Math.min(...tables.map((table) => table.snrMedian ?? 0));
	const chi2s = tables.map((table) => table.residualChi2 ?? Number.NaN).filter((value) => Number.isFinite(value));
	const chi2 = chi2s.length === 0 ? Number.NaN : Math.max(...chi2s);
	const parts: ScoreParts = {
		solved: activeCount === 0 ? 0 : solvedCount / activeCount,
		converged: Math.min(...[K, B, G].filter((table) => table !== null).map((table) => table.convergedFraction)),
		snr: Math.min(1, snr / limits.snrExpected),
		chi2: Number.isFinite(chi2) ? Math.min(1, limits.chi2Reference / chi2) : solvedCount > 0 ? 1 : 0,
	};
	const score = (parts.solved * parts.converged * parts.snr * parts.chi2) ** 0.25;

	const reasons: string[] = [];
	const warnings: string[] = [];
	const need = Math.max(limits.antennas, minimumBaselines + 1);
	if (solvedAntennas.size < need) reasons.push(`${solvedAntennas.size} antennas solved, ${need} needed`);
	if (parts.solved < limits.solved) {
		reasons.push(
			`${percent(parts.solved)} of the active antenna-polarisations solved, ${percent(limits.solved)} needed`,
		);
	}
	for (let s = 0; s < nPol; s++) {
		let solved = 0;
		for (let p = 0; p < nAntennas; p++) solved += anySolved[s * nAntennas + p];
		if (solved === 0) reasons.push(`no antenna solved in ${input.polarizations[s]}`);
	}
	if (!(parts.converged >= limits.converged)) {
		reasons.push(`${percent(parts.converged)} of the cells converged, ${percent(limits.converged)} needed`);
	}
	if (solvedCount > 0 && !(snr >= limits.snrReject)) {
		reasons.push(`median signal to noise ${snr.toFixed(1)}, ${limits.snrReject} needed`);
	} else if (snr < limits.snrExpected) warnings.push(`median signal to noise ${snr.toFixed(1)} is low`);
	if (chi2 > limits.chi2Reject * limits.chi2Reference) {
		reasons.push(
			`residual chi-squared ${chi2.toFixed(1)}: the model does not describe the data (wrong or missing sources, or gains that change within an interval)`,
		);
	} else if (chi2 > 2 * limits.chi2Reference) {
		warnings.push(
			`residual chi-squared ${chi2.toFixed(1)}: the model lacks sources, or gains change within an interval`,
		);
	}
	const offset =
		gains === undefined || input.source === undefined
			? undefined
			: sourceOffset(gains, nAntennas, nPol, input.source, input.referenceHz);
	let elsewhere: string | undefined;
	if (offset !== undefined) {
		const away = Math.hypot(offset.eastArcmin, offset.northArcmin);
		const place = `phases drift as those of a source ${offset.eastArcmin.toFixed(1)}' east and ${offset.northArcmin.toFixed(1)}' north of the model's place (error ${offset.errorArcmin.toFixed(1)}')`;
		if (away > limits.offsetSigma * offset.errorArcmin) {
			if (away > limits.offsetArcmin) {
				elsewhere = `${place}: another source, a wrong position or a wrong clock`;
				reasons.push(elsewhere);
			} else if (away > 0.1 * limits.offsetArcmin) warnings.push(place);
		}
	}
	const rfi = { fraction: prep.rfi?.fraction ?? 0, persistentChannels: prep.rfi?.persistentChannels ?? [] };
	if (rfi.fraction > 0.5) reasons.push(`${percent(rfi.fraction)} of the band lost to interference`);
	else if (rfi.fraction > 0) {
		warnings.push(
			`interference flagged in ${percent(rfi.fraction)} of (time, channel), ${rfi.persistentChannels.length} channels throughout`,
		);
	}
	const alive = Uint8Array.from(prep.excluded, (excluded) => (excluded === 0 ? 1 : 0));
	const closure =
		gains === undefined
			? { rmsDeg: Number.NaN, expectedDeg: Number.NaN, triangles: 0 }
			: closurePhases(gains.sums[0], input.array, nPol, prep.weights, alive);
	return {
		score: Number.isFinite(score) ? score : 0,
		parts,
		accepted: reasons.length === 0,
		reasons,
		warnings,
		tables: { K, B, G },
		antennas,
		closure,
		rfi,
		samples: sampleShares(prep),
		elsewhere,
		sourceOffset: offset,
		channelChi2: channelChi2(bandpass?.raw ?? [], nPol),
		worstBaselines: worstBaselines(gains, nPol, antenna1, antenna2),
	};
}

const percent = (fraction: number) => `${(100 * fraction).toFixed(fraction < 0.1 ? 1 : 0)} %`;

const inputFlagged = (prep: Preparation, i: number): boolean => {
	if (prep.empty[i] === 0) return false;
	let all = 0;
	for (const kind of Object.values(prep.counts)) all += kind[i];
	return all === 0 || prep.counts.input[i] + prep.counts.absent[i] >= 0.5 * all;
};

function solvedAnywhere(
	nPol: number,
	nAntennas: number,
	prep: Preparation,
	bandpass: BandpassSolutions | undefined,
	gains: GainSolutions | undefined,
): Uint8Array {
	const out = Uint8Array.from(prep.excluded, (excluded) => (excluded === 0 ? 1 : 0));
	const inTable = (flags: Uint8Array) => {
		const found = new Uint8Array(nPol * nAntennas);
		const perPol = flags.length / nPol;
		for (let i = 0; i < flags.length; i++) {
			if (flags[i] === 0) found[Math.floor(i / perPol) * nAntennas + (i % nAntennas)] = 1;
		}
		return found;
	};
	if (bandpass !== undefined) inTable(bandpass.flags).forEach((found, i) => (out[i] &= found));
	if (gains !== undefined) {
		const perGroup = gains.flags.length / gains.groups.length;
		const any = new Uint8Array(nPol * nAntennas);
		for (let group = 0; group < gains.groups.length; group++) {
			inTable(gains.flags.subarray(group * perGroup, (group + 1) * perGroup)).forEach((found, i) => (any[i] |= found));
		}
		any.forEach((found, i) => (out[i] &= found));
	}
	return out;
}

function sampleShares(prep: Preparation): Record<string, number> {
	const sums = Object.entries(prep.counts).map(
		([kind, counts]) => [kind, counts.reduce((sum, value) => sum + value, 0)] as const,
	);
	const all = sums.reduce((sum, [, value]) => sum + value, 0);
	return Object.fromEntries(sums.map(([kind, value]) => [kind, all > 0 ? value / all : 0]));
}

function channelChi2(raw: readonly CellSolutions[], nPol: number): Float64Array {
	const out: number[] = [];
	for (const cells of raw) {
		for (let c = 0; c < cells.nCells; c += nPol) {
			let [chi2, dof] = [0, 0];
			for (let s = 0; s < nPol; s++) {
				if (cells.states[c + s] !== "converged") continue;
				chi2 += cells.chi2[c + s];
				dof += cells.dof[c + s];
			}
			out.push(dof > 0 ? chi2 / dof : Number.NaN);
		}
	}
	return Float64Array.from(out);
}

function worstBaselines(gains: GainSolutions | undefined, nPol: number, antenna1: Int32Array, antenna2: Int32Array) {
	if (gains === undefined) return [];
	const nBaselines = antenna1.length;
	const list = Array.from({ length: nBaselines }, (_, b) => {
		let [chi2, dof] = [0, 0];
		for (const raw of gains.raw) {
			for (let s = 0; s < nPol; s++) {
				chi2 += raw.baselineChi2[s * nBaselines + b];
				dof += raw.baselineDof[s * nBaselines + b];
			}
		}
		return { antenna1: antenna1[b], antenna2: antenna2[b], chi2: dof > 0 ? chi2 / dof : Number.NaN };
	});
	return list
		.filter((one) => Number.isFinite(one.chi2))
		.sort((a, b) => b.chi2 - a.chi2 || a.antenna1 - b.antenna1 || a.antenna2 - b.antenna2)
		.slice(0, 10);
}
