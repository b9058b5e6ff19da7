import type { Preparation } from "./prepare.ts";
import { median, quantile } from "./robust.ts";
import { type CellSolutions, UNSOLVED } from "./solve-cell.ts";

/** What one table is worth. Null where the table cannot say: a delay table of CASA has no signal to noise. */
export interface TableQuality {
	/** Over unflagged solutions. */
	snrMedian: number | null;
	snrLow: number | null;
	/** Over antennas with data in the input. */
	flaggedFractionActive: number;
	/** The same, split by cause. */
	flaggedByCause: { dead: number; calibration: number };
	residualChi2: number | null;
	convergedFraction: number;
	/** Solutions of active antennas, flagged ones included. */
	nSolutions: number;
}

/** Of the delays of all polarisations. */
export function delayQuality(prep: Preparation, active: Uint8Array, nAntennas: number): TableQuality {
	const snr: number[] = [];
	let [n, flagged, dead, converged] = [0, 0, 0, 0];
	prep.delays.forEach((delay, s) => {
		if (delay.converged) converged++;
		for (let p = 0; p < nAntennas; p++) {
			if (active[s * nAntennas + p] === 0) continue;
			n++;
			if (delay.flags[p] === 0) snr.push(delay.snr[p]);
			else if (prep.dead[s * nAntennas + p] !== 0) dead++;
			if (delay.flags[p] !== 0) flagged++;
		}
	});
	const chi2 = median(prep.delays.map((delay) => delay.residualChi2));
	return {
		snrMedian: snr.length === 0 ? null : median(snr),
		snrLow: snr.length === 0 ? null : quantile(snr, 0.05),
		flaggedFractionActive: n === 0 ? 1 : flagged / n,
		flaggedByCause: { dead: n === 0 ? 0 : dead / n, calibration: n === 0 ? 0 : (flagged - dead) / n },
		residualChi2: Number.isFinite(chi2) ? chi2 : null,
		convergedFraction: prep.delays.length === 0 ? 0 : converged / prep.delays.length,
		nSolutions: n,
	};
}

/** Arrays are [group or nothing][polarisation][position][antenna]. */
export function solutionQuality(
	raw: readonly CellSolutions[],
	snr: Float64Array,
	flags: Uint8Array,
	reasons: Uint8Array,
	active: Uint8Array,
	deadMask: Uint8Array,
	nPol: number,
	nAntennas: number,
	groups: number,
): TableQuality {
	const good: number[] = [];
	let [n, flagged, dead] = [0, 0, 0];
	const perPol = flags.length / (groups * nPol);
	for (let i = 0; i < flags.length; i++) {
		const antenna = (Math.floor(i / perPol) % nPol) * nAntennas + (i % nAntennas);
		if (active[antenna] === 0) continue;
		n++;
		if (flags[i] === 0) {
			if (reasons[i] === UNSOLVED.solved) good.push(snr[i]);
		} else {
			flagged++;
			if (deadMask[antenna] !== 0) dead++;
		}
	}
	let [cells, converged, chi2, dof] = [0, 0, 0, 0];
	for (const one of raw) {
		one.states.forEach((state, c) => {
			if (state === "no-data") return;
			cells++;
			if (state === "converged") {
				converged++;
				chi2 += one.chi2[c];
				dof += one.dof[c];
			}
		});
	}
	return {
		snrMedian: good.length === 0 ? null : median(good),
		snrLow: good.length === 0 ? null : quantile(good, 0.05),
		flaggedFractionActive: n === 0 ? 1 : flagged / n,
		flaggedByCause: { dead: n === 0 ? 0 : dead / n, calibration: n === 0 ? 0 : (flagged - dead) / n },
		residualChi2: dof > 0 ? chi2 / dof : null,
		convergedFraction: cells === 0 ? 0 : converged / cells,
		nSolutions: n,
	};
}
