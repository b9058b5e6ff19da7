import type { SolveInput } from "./prepare.ts";
import { madSigma, median, wrapPhase } from "./robust.ts";
import type { GainSolutions } from "./solve.ts";

export const gainIndex = (input: SolveInput, gains: GainSolutions, group: number, s: number, cell: number, p: number) =>
	((group * input.polarizations.length + s) * gains.timesMjd.length + cell) * input.array.nAntennas + p;

/** Phase of an antenna's gain per interval, unwrapped, radians; NaN where flagged. */
function phases(input: SolveInput, gains: GainSolutions, s: number, p: number): Float64Array {
	const out = new Float64Array(gains.timesMjd.length).fill(Number.NaN);
	let last = Number.NaN;
	for (let cell = 0; cell < out.length; cell++) {
		const i = gainIndex(input, gains, 0, s, cell, p);
		if (gains.flags[i] !== 0) continue;
		const phase = Math.atan2(gains.gains[2 * i + 1], gains.gains[2 * i]);
		out[cell] = Number.isNaN(last) ? phase : last + wrapPhase(phase - last);
		last = out[cell];
	}
	return out;
}

export function phaseRms(input: SolveInput, gains: GainSolutions, p: number): number {
	let worst = Number.NaN;
	for (let s = 0; s < input.polarizations.length; s++) {
		const phase = phases(input, gains, s, p);
		const steps: number[] = [];
		for (let cell = 1; cell < phase.length; cell++) steps.push(phase[cell] - phase[cell - 1]);
		const rms = (180 / Math.PI) * (madSigma(steps) / Math.SQRT2);
		if (Number.isFinite(rms)) worst = Number.isNaN(worst) ? rms : Math.max(worst, rms);
	}
	return worst;
}

export interface PhaseJump {
	polarization: number;
	mjd: number;
	deg: number;
}

/**
 * Steps of phase that stay: a difference between successive intervals far beyond the array's usual one, with the levels
 * before and after (up to four intervals each) apart by as much. A step of the reference antenna appears in all others
 * with the opposite sign; the median over antennas takes it out and gives it back to the reference.
 */
export function phaseJumps(input: SolveInput, gains: GainSolutions, limitDeg: number): PhaseJump[][] {
	const { nAntennas } = input.array;
	const nTimes = gains.timesMjd.length;
	const out: PhaseJump[][] = Array.from({ length: nAntennas }, () => []);
	if (nTimes < 4) return out;
	for (let s = 0; s < input.polarizations.length; s++) {
		const all = Array.from({ length: nAntennas }, (_, p) => phases(input, gains, s, p));
		const common = new Float64Array(nTimes);
		for (let t = 1; t < nTimes; t++) {
			const steps = all.map((phase) => phase[t] - phase[t - 1]).filter((step) => Number.isFinite(step));
			common[t] = steps.length === 0 ? 0 : median(steps);
		}
		const residual = all.map((phase) => {
			let sum = 0;
			return Float64Array.from(phase, (value, t) => {
				sum += common[t];
				return value - sum;
			});
		});
		const steps = residual.flatMap((phase) => Array.from(phase.subarray(1), (value, t) => value - phase[t]));
		const sigma = madSigma(steps);
		const limit = Math.max((limitDeg * Math.PI) / 180, 8 * sigma);
		for (let p = 0; p < nAntennas; p++) {
			const own = residual[p];
			const scatter = madSigma(Array.from(own.subarray(1), (value, t) => value - own[t]));
			for (let t = 1; t < nTimes; t++) {
				const step = own[t] - own[t - 1];
				if (!(Math.abs(step) > Math.max(limit, 6 * scatter))) continue;
				const before = median(own.subarray(Math.max(0, t - 4), t));
				const after = median(own.subarray(t, Math.min(nTimes, t + 4)));
				if (Math.abs(after - before) < 0.7 * Math.abs(step)) continue;
				out[p].push({ polarization: s, mjd: gains.timesMjd[t], deg: (180 / Math.PI) * wrapPhase(after - before) });
			}
		}
	}
	return out;
}
