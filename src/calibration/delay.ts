import { antennaLeastSquares } from "./antenna-least-squares.ts";
import { baselineDelays, crossSpectra, wrapDelay } from "./delay-spectrum.ts";
import { madSigma } from "./robust.ts";
import type { ArrayBaselines } from "./window-data.ts";

export interface DelayOptions {
	/** A baseline counts if its delay peak stands this many times above the noise of its delay spectrum. */
	minimumPeak: number;
	/** Antennas with a lower signal to noise are flagged. */
	minimumSnr: number;
	/** Baselines to solved antennas that an antenna needs. */
	minimumBaselines: number;
}

export const DELAY_DEFAULTS: DelayOptions = { minimumPeak: 5, minimumSnr: 5, minimumBaselines: 4 };

/** Delays of one polarisation. */
export interface DelaySolution {
	/** [antenna] s; 0 where flagged. Zero at the reference. */
	readonly delaysS: Float64Array;
	/** [antenna] standard error, s. */
	readonly errorsS: Float64Array;
	/** [antenna] 1 = no solution. */
	readonly flags: Uint8Array;
	/** [antenna] phase signal to noise of the band. */
	readonly snr: Float64Array;
	/** [antenna] share of its baselines that show a fringe. */
	readonly detected: Float64Array;
	/** Reference really used, -1 without solutions. */
	readonly reference: number;
	readonly converged: boolean;
	/** Of the baseline delays against the antennas', in units of their errors squared. */
	readonly residualChi2: number;
	/** Integrations that went into it. */
	readonly integrations: number;
	/** Length in s after which delays repeat: 1/(channel spacing). */
	readonly ambiguityS: number;
}

/** What the delays of one polarisation are solved from; flat arrays, so that it can be handed to another thread. */
export interface DelayProblem {
	/** Per window D and N, [block][baseline][channel]. */
	readonly windows: readonly { frequenciesHz: Float64Array; d: Float32Array; n: Float32Array }[];
	readonly nBlocks: number;
	/** Integrations in all blocks together. */
	readonly integrations: number;
	readonly array: ArrayBaselines;
	/** [baseline] 1/sigma^2 of a sample's real part, 0 leaves the baseline out. */
	readonly weights: Float64Array;
	/** [antenna] 1 = dead or flagged: no part in it. */
	readonly excluded: Uint8Array;
	/** Reference antennas by preference. */
	readonly order: readonly number[];
	readonly channelSpacingHz: number;
	readonly options: DelayOptions;
}

const TURN = 2 * Math.PI;

/**
 * Delay of every antenna against the reference, for one polarisation.
 *
 * Peaks of the baselines' delay spectra give a first guess through the reference's own baselines; weighted least
 * squares over all baselines follows on residuals *wrapped* at 1/(channel spacing), because one aliased baseline
 * otherwise pulls every antenna; the phases of the de-rotated spectra refine it (Gauss-Newton).
 */
export function solveDelays(problem: DelayProblem): DelaySolution {
	const { array, weights, excluded, order, channelSpacingHz, options } = problem;
	const spectra = crossSpectra(problem.windows, array.antenna1.length, problem.nBlocks, problem.integrations);
	const { nAntennas, antenna1, antenna2 } = array;
	const { nBaselines, frequenciesHz, d, n, nBlocks } = spectra;
	const nChannels = frequenciesHz.length;
	const ambiguityS = 1 / channelSpacingHz;
	const usable = (b: number) => weights[b] > 0 && excluded[antenna1[b]] === 0 && excluded[antenna2[b]] === 0;
	const { delayS, peak } = baselineDelays(spectra, channelSpacingHz, usable);
	const detected = new Float64Array(nAntennas);
	{
		const seen = new Int32Array(nAntennas);
		const found = new Int32Array(nAntennas);
		for (let b = 0; b < nBaselines; b++) {
			if (!usable(b) || !Number.isFinite(delayS[b])) continue;
			for (const p of [antenna1[b], antenna2[b]]) {
				seen[p]++;
				if (peak[b] >= options.minimumPeak) found[p]++;
			}
		}
		for (let p = 0; p < nAntennas; p++) detected[p] = seen[p] === 0 ? 0 : found[p] / seen[p];
	}
	const empty = (): DelaySolution => ({
		delaysS: new Float64Array(nAntennas),
		errorsS: new Float64Array(nAntennas),
		flags: new Uint8Array(nAntennas).fill(1),
		snr: new Float64Array(nAntennas),
		detected,
		reference: -1,
		converged: false,
		residualChi2: Number.NaN,
		integrations: spectra.integrations,
		ambiguityS,
	});
	// The first of the list with fringes to at least half of the others.
	const reference = order.find((p) => excluded[p] === 0 && detected[p] >= 0.5) ?? -1;
	if (reference < 0) return empty();

	const use = new Float64Array(nBaselines);
	for (let b = 0; b < nBaselines; b++) if (usable(b) && peak[b] >= options.minimumPeak) use[b] = peak[b] ** 2;
	// First guess: along the tree of the strongest baselines from the reference.
	const tau = new Float64Array(nAntennas).fill(Number.NaN);
	tau[reference] = 0;
	const direct = (p: number, q: number) => {
		for (let b = 0; b < nBaselines; b++) {
			if (use[b] <= 0) continue;
			if (antenna1[b] === p && antenna2[b] === q) return delayS[b];
			if (antenna1[b] === q && antenna2[b] === p) return -delayS[b];
		}
		return Number.NaN;
	};
	for (let p = 0; p < nAntennas; p++) {
		if (p === reference || excluded[p] !== 0) continue;
		tau[p] = direct(p, reference);
	}
	for (let b = 0; b < nBaselines; b++) {
		if (use[b] <= 0) continue;
		const p = antenna1[b];
		const q = antenna2[b];
		if (Number.isNaN(tau[p]) && Number.isFinite(tau[q])) tau[p] = wrapDelay(tau[q] + delayS[b], ambiguityS);
		else if (Number.isNaN(tau[q]) && Number.isFinite(tau[p])) tau[q] = wrapDelay(tau[p] - delayS[b], ambiguityS);
	}

	const bandwidth = frequenciesHz[nChannels - 1] - frequenciesHz[0] + channelSpacingHz;
	const residual = new Float64Array(nBaselines);
	let converged = false;
	for (let iteration = 0; iteration < 12 && !converged; iteration++) {
		const kept: number[] = [];
		for (let b = 0; b < nBaselines; b++) {
			residual[b] = wrapDelay(delayS[b] - (tau[antenna1[b]] - tau[antenna2[b]]), ambiguityS);
			if (use[b] > 0 && Number.isFinite(residual[b])) kept.push(residual[b]);
		}
		const limit = Math.max(8 * madSigma(kept), 2 / bandwidth);
		const w = use.map((value, b) => (value > 0 && Math.abs(residual[b]) <= limit ? value : 0));
		const { solution } = antennaLeastSquares(array, residual, w, reference);
		let moved = 0;
		for (let p = 0; p < nAntennas; p++) {
			if (!Number.isFinite(solution[p]) || Number.isNaN(tau[p])) continue;
			tau[p] += solution[p];
			moved = Math.max(moved, Math.abs(solution[p]));
		}
		converged = moved < 1e-3 / bandwidth;
	}

	// Gauss-Newton on the phases: the slope left in each de-rotated spectrum, weighted by its information.
	const slope = new Float64Array(nBaselines);
	const information = new Float64Array(nBaselines);
	const snrSquared = new Float64Array(nBaselines);
	let chi2 = Number.NaN;
	let variance: Float64Array = new Float64Array(nAntennas);
	const middle = frequenciesHz.reduce((sum, f) => sum + f, 0) / nChannels;
	const offsets = frequenciesHz.map((f) => TURN * (f - middle));
	// [antenna][channel][re, im]: a baseline's phase is the difference of two antennas'.
	const phasors = new Float64Array(2 * nAntennas * nChannels);
	const turned = new Float64Array(2 * nChannels);
	for (let iteration = 0; iteration < 3; iteration++) {
		for (let p = 0; p < nAntennas; p++) {
			const delay = Number.isFinite(tau[p]) ? tau[p] : 0;
			for (let c = 0; c < nChannels; c++) {
				phasors[2 * (p * nChannels + c)] = Math.cos(offsets[c] * delay);
				phasors[2 * (p * nChannels + c) + 1] = Math.sin(offsets[c] * delay);
			}
		}
		information.fill(0);
		snrSquared.fill(0);
		for (let b = 0; b < nBaselines; b++) {
			slope[b] = 0;
			const delay = tau[antenna1[b]] - tau[antenna2[b]];
			if (use[b] <= 0 || !Number.isFinite(delay)) continue;
			if (Math.abs(wrapDelay(delayS[b] - delay, ambiguityS)) > 2 / bandwidth) continue;
			const w = weights[b];
			let numerator = 0;
			for (let block = 0; block < nBlocks; block++) {
				const row = (block * nBaselines + b) * nChannels;
				let meanRe = 0;
				let meanIm = 0;
				let total = 0;
				const first = 2 * antenna1[b] * nChannels;
				const second = 2 * antenna2[b] * nChannels;
				for (let c = 0; c < nChannels; c++) {
					const j = 2 * c;
					const i = 2 * row + j;
					const pRe = phasors[first + j];
					const pIm = phasors[first + j + 1];
					const qRe = phasors[second + j];
					const qIm = phasors[second + j + 1];
					const cos = pRe * qRe + pIm * qIm;
					const sin = pIm * qRe - pRe * qIm;
					const re = d[i] * cos + d[i + 1] * sin;
					const im = d[i + 1] * cos - d[i] * sin;
					turned[j] = re;
					turned[j + 1] = im;
					meanRe += re;
					meanIm += im;
					total += n[row + c];
				}
				const size = Math.hypot(meanRe, meanIm);
				if (total <= 0 || size === 0) continue;
				const amplitude = size / total;
				const phaseRe = meanRe / size;
				const phaseIm = meanIm / size;
				let sx = 0;
				let sxx = 0;
				let sy = 0;
				let sxy = 0;
				for (let c = 0; c < nChannels; c++) {
					const weight = n[row + c];
					if (weight <= 0) continue;
					const x = offsets[c];
					// Imaginary part against the mean phase: amplitude x phase x N.
					const y = turned[2 * c + 1] * phaseRe - turned[2 * c] * phaseIm;
					sx += weight * x;
					sxx += weight * x * x;
					sy += y;
					sxy += y * x;
				}
				const centred = sxx - (sx * sx) / total;
				numerator += w * amplitude * (sxy - (sx * sy) / total);
				information[b] += w * amplitude * amplitude * centred;
				snrSquared[b] += w * amplitude * amplitude * total;
			}
			slope[b] = information[b] > 0 ? numerator / information[b] : 0;
		}
		const result = antennaLeastSquares(array, slope, information, reference);
		variance = result.variance;
		chi2 = 0;
		let count = 0;
		for (let b = 0; b < nBaselines; b++) {
			if (information[b] <= 0) continue;
			const r = slope[b] - (result.solution[antenna1[b]] - result.solution[antenna2[b]]);
			chi2 += information[b] * r * r;
			count++;
		}
		chi2 = count > 0 ? chi2 / count : Number.NaN;
		for (let p = 0; p < nAntennas; p++) if (Number.isFinite(result.solution[p])) tau[p] += result.solution[p];
	}

	const out = empty();
	const snr = new Float64Array(nAntennas);
	const baselines = new Int32Array(nAntennas);
	for (let b = 0; b < nBaselines; b++) {
		if (information[b] <= 0) continue;
		for (const p of [antenna1[b], antenna2[b]]) {
			snr[p] += snrSquared[b];
			baselines[p]++;
		}
	}
	for (let p = 0; p < nAntennas; p++) {
		const enough = baselines[p] >= Math.min(options.minimumBaselines, nAntennas - 1);
		const signal = Math.sqrt(snr[p]);
		if (excluded[p] !== 0 || !enough || !Number.isFinite(tau[p]) || !(signal >= options.minimumSnr)) continue;
		out.flags[p] = 0;
		out.delaysS[p] = wrapDelay(tau[p], ambiguityS);
		out.errorsS[p] = Math.sqrt(Math.max(0, variance[p]));
		out.snr[p] = signal;
	}
	return { ...out, reference, converged, residualChi2: chi2 };
}
