import { type AntennaState, graver } from "./antenna-state.ts";
import { roughness } from "./bandpass.ts";
import { gainIndex, phaseJumps, phaseRms } from "./phase-jumps.ts";
import type { Preparation, SolveInput } from "./prepare.ts";
import { madSigma, median } from "./robust.ts";
import type { BandpassSolutions, GainSolutions } from "./solve.ts";

export interface AntennaJudgement {
	/** Compact index. */
	antenna: number;
	state: AntennaState;
	/** Sentences, one per finding; empty for a good antenna. */
	reasons: string[];
	/** Residual chi-squared against the array's typical noise: about 1 for a good antenna, 25 at five times the noise. */
	chi2: number;
	/** Median signal to noise of its gains. */
	snr: number;
	/** Noise against the array's median. */
	noiseRatio: number;
	/** Per polarisation, ns; NaN without. */
	delaysNs: number[];
	/** Rms of its gain phase about a slow drift, degrees, worst polarisation. */
	phaseRmsDeg: number;
	/** Channel-to-channel roughness of its bandpass over what noise gives. */
	roughness: number;
}

export interface JudgementLimits {
	/** Noise above this many times the median (of a baseline with a typical antenna) is named. */
	noiseRatio: number;
	/** A step in phase above this many degrees is named. */
	phaseJumpDeg: number;
	/** A delay farther from the median than this many MAD-sigma and ns is named, and any beyond a gap in the array's. */
	delaySigma: number;
	delayNs: number;
}

export const JUDGEMENT_LIMITS: JudgementLimits = { noiseRatio: 2, phaseJumpDeg: 15, delaySigma: 3.5, delayNs: 50 };

/** Names what is wrong with each antenna, and nothing where nothing is. */
export function judgeAntennas(
	input: SolveInput,
	prep: Preparation,
	bandpass: BandpassSolutions | undefined,
	gains: GainSolutions | undefined,
	limits: JudgementLimits = JUDGEMENT_LIMITS,
): AntennaJudgement[] {
	const { nAntennas } = input.array;
	const nPol = input.polarizations.length;
	const jumps = gains === undefined ? undefined : phaseJumps(input, gains, limits.phaseJumpDeg);
	const rough = bandpass === undefined ? undefined : roughnessOf(input, bandpass);
	// Both polarisations share the cable: an antenna's delay is their mean.
	const delayOf = Float64Array.from({ length: nAntennas }, (_, p) => {
		const own = prep.delays.flatMap((delay, s) => (prep.excluded[s * nAntennas + p] === 0 ? [delay.delaysS[p]] : []));
		return own.length === 0 ? Number.NaN : own.reduce((sum, value) => sum + value, 0) / own.length;
	});
	const middleDelay = median(delayOf);
	const wild = wildDelays(delayOf, limits);
	return Array.from({ length: nAntennas }, (_, p) => {
		const reasons: string[] = [];
		let state: AntennaState = "good";
		const name = (next: AntennaState, reason: string) => {
			state = graver(state, next);
			reasons.push(reason);
		};
		const polarizations = Array.from({ length: nPol }, (_, s) => s);
		const label = (s: number) => input.polarizations[s];
		const at = (s: number) => s * nAntennas + p;
		const inputOnly = (s: number) =>
			prep.empty[at(s)] !== 0 && prep.counts.input[at(s)] + prep.counts.absent[at(s)] >= 0.5 * total(prep, at(s));
		const silent = polarizations.filter((s) => prep.dead[at(s)] !== 0 || (prep.empty[at(s)] !== 0 && !inputOnly(s)));
		const flagged = polarizations.filter(inputOnly);
		if (flagged.length === nPol) name("flagged-at-input", "all data flagged in the input");
		else for (const s of flagged) name("dead-polarization", `${label(s)} flagged throughout in the input`);
		for (const s of silent) {
			const why = prep.dead[at(s)] !== 0 ? "noise only: no fringe with any live antenna" : silence(prep, at(s));
			name(silent.length === nPol ? "dead" : "dead-polarization", `${label(s)} dead: ${why}`);
		}
		const live = polarizations.filter((s) => prep.empty[at(s)] === 0 && prep.dead[at(s)] === 0);
		for (const s of live) {
			const bad = prep.counts.notFinite[at(s)] + prep.counts.zero[at(s)] + prep.counts.absurd[at(s)];
			const share = bad / total(prep, at(s));
			if (share > 0.1) name("good", `${label(s)}: ${percent(share)} of samples are zero, not numbers or absurd`);
			if (prep.excluded[at(s)] !== 0) name("failed", `${label(s)}: no delay found (too few baselines with fringes)`);
		}
		const ratios = live.map((s) => {
			const own = prep.noise.subarray(s * nAntennas, (s + 1) * nAntennas);
			const typical = median(Array.from(own).filter((_, q) => prep.excluded[s * nAntennas + q] === 0));
			return Math.sqrt(own[p] / typical);
		});
		const noiseRatio = ratios.length === 0 ? Number.NaN : Math.max(...ratios);
		// sigma_pq^2 = s_p s_q: an antenna five times as noisy has s_p 25 times the others'.
		if (noiseRatio > limits.noiseRatio) name("noisy", `noise ${noiseRatio.toFixed(1)} times the array's median`);
		const delaysNs = prep.delays.map((delay) => (delay.flags[p] === 0 ? 1e9 * delay.delaysS[p] : Number.NaN));
		const away = 1e9 * Math.abs(delayOf[p] - middleDelay);
		if (wild[p] !== 0) {
			name(
				"wild-delay",
				`delay ${(1e9 * delayOf[p]).toFixed(1)} ns against the reference antenna, ${away.toFixed(0)} ns from the array's median`,
			);
		}
		for (const jump of jumps?.[p] ?? []) {
			name(
				"phase-jump",
				`${label(jump.polarization)}: phase steps by ${jump.deg.toFixed(0)} degrees at MJD ${jump.mjd.toFixed(6)}`,
			);
		}
		const snr = gains === undefined ? Number.NaN : antennaSnr(input, gains, p);
		if (gains !== undefined) {
			for (const s of live) {
				if (prep.excluded[at(s)] !== 0) continue;
				if (solvedFraction(input, gains, s, p) === 0)
					name("failed", `${label(s)}: no gain reached the minimum signal to noise`);
			}
		}
		return {
			antenna: p,
			state,
			reasons,
			chi2: gains === undefined ? Number.NaN : antennaChi2(input, prep, gains, p),
			snr,
			noiseRatio,
			delaysNs,
			phaseRmsDeg: gains === undefined ? Number.NaN : phaseRms(input, gains, p),
			roughness: rough === undefined ? Number.NaN : rough[p],
		};
	});
}

/**
 * Delays that do not belong to the array's: farther from the median than the limit, or beyond a gap of more than the
 * array's scatter (cables of one array fill a range without such gaps).
 *
 * @param delaysS per antenna; NaN without.
 */
export function wildDelays(delaysS: Float64Array, limits: Pick<JudgementLimits, "delaySigma" | "delayNs">): Uint8Array {
	const out = new Uint8Array(delaysS.length);
	const middle = median(delaysS);
	// Of few antennas the scatter is often taken too small.
	const sigma = madSigma(delaysS) * (1 + 3 / Math.max(1, delaysS.length));
	const least = limits.delayNs * 1e-9;
	for (const side of [1, -1]) {
		const order = Array.from(delaysS.keys())
			.filter((p) => side * (delaysS[p] - middle) >= 0)
			.sort((a, b) => side * (delaysS[a] - delaysS[b]));
		let beyond = false;
		order.forEach((p, i) => {
			const away = Math.abs(delaysS[p] - middle);
			const gap = Math.abs(delaysS[p] - (i === 0 ? middle : delaysS[order[i - 1]]));
			if (away > Math.max(least, 2 * sigma) && gap > Math.max(0.5 * least, sigma)) beyond = true;
			if (beyond || away > Math.max(least, limits.delaySigma * sigma)) out[p] = 1;
		});
	}
	return out;
}

const percent = (fraction: number) => `${(100 * fraction).toFixed(fraction < 0.1 ? 1 : 0)} %`;

const total = (prep: Preparation, i: number) => Object.values(prep.counts).reduce((sum, kind) => sum + kind[i], 0);

function silence(prep: Preparation, i: number): string {
	const { zero, notFinite, absurd } = prep.counts;
	if (zero[i] >= notFinite[i] && zero[i] >= absurd[i]) return "all samples are zero";
	return notFinite[i] >= absurd[i] ? "no sample is a number" : "all samples are absurd";
}

/** Chi-squared with equal weights: the residuals in units of the array's typical noise. */
function antennaChi2(input: SolveInput, prep: Preparation, gains: GainSolutions, p: number): number {
	const { nAntennas } = input.array;
	let worst = Number.NaN;
	for (let s = 0; s < input.polarizations.length; s++) {
		const i = s * nAntennas + p;
		let chi2 = 0;
		let dof = 0;
		for (const raw of gains.raw) {
			chi2 += raw.antennaChi2[i];
			dof += raw.antennaDof[i];
		}
		if (dof === 0) continue;
		const typical = median(Array.from(prep.noise.subarray(s * nAntennas, (s + 1) * nAntennas)));
		const value = (chi2 / dof) * (prep.noise[i] / typical);
		worst = Number.isNaN(worst) ? value : Math.max(worst, value);
	}
	return worst;
}

function antennaSnr(input: SolveInput, gains: GainSolutions, p: number): number {
	const values: number[] = [];
	for (let group = 0; group < gains.groups.length; group++) {
		for (let s = 0; s < input.polarizations.length; s++) {
			for (let cell = 0; cell < gains.timesMjd.length; cell++) {
				const i = gainIndex(input, gains, group, s, cell, p);
				if (gains.flags[i] === 0) values.push(gains.snr[i]);
			}
		}
	}
	return values.length === 0 ? 0 : median(values);
}

function solvedFraction(input: SolveInput, gains: GainSolutions, s: number, p: number): number {
	let solved = 0;
	for (let group = 0; group < gains.groups.length; group++) {
		for (let cell = 0; cell < gains.timesMjd.length; cell++) {
			if (gains.flags[gainIndex(input, gains, group, s, cell, p)] === 0) solved++;
		}
	}
	return solved / (gains.groups.length * gains.timesMjd.length);
}

function roughnessOf(input: SolveInput, bandpass: BandpassSolutions): Float64Array {
	const { nAntennas } = input.array;
	const nPol = input.polarizations.length;
	const windowChannels = input.pool.frequenciesHz.map((frequencies) => frequencies.length);
	const nChannels = windowChannels.reduce((sum, n) => sum + n, 0);
	const size = nChannels * nAntennas;
	const worst = new Float64Array(nAntennas).fill(Number.NaN);
	for (let s = 0; s < nPol; s++) {
		const part = (array: Float64Array, width = 1) => array.subarray(width * s * size, width * (s + 1) * size);
		const own = roughness(
			{
				nChannels,
				nAntennas,
				gains: part(bandpass.gains, 2),
				errors: part(bandpass.errors),
				snr: part(bandpass.snr),
				flags: bandpass.flags.subarray(s * size, (s + 1) * size),
				reasons: bandpass.reasons.subarray(s * size, (s + 1) * size),
			},
			windowChannels,
		);
		for (let p = 0; p < nAntennas; p++) if (!(worst[p] >= own[p])) worst[p] = own[p];
	}
	return worst;
}
