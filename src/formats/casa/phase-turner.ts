import { isUniform, phaseSegments, turnPhases } from "../../calibration/rephase.ts";
import { sampleMemoryOf } from "../sample-kernels.ts";
import { allFinite, wordsOf } from "./finite.ts";

/** Turns the phases of rows of equal channels, [row][channel][product], and looks whether all numbers are finite. */
export class PhaseTurner {
	private readonly frequenciesHz: Float64Array;
	private readonly nPol: number;
	private readonly uniform: boolean;

	constructor(frequenciesHz: Float64Array, nPol: number) {
		this.frequenciesHz = frequenciesHz;
		this.nPol = nPol;
		this.uniform = isUniform(frequenciesHz);
	}

	/**
	 * @param deltas how much larger w becomes, m, per row; 0 or left out: phases stay.
	 * @returns whether all numbers are finite afterwards.
	 */
	turn(visibilities: Float32Array, rows: number, deltas: Float64Array | undefined): boolean {
		const { frequenciesHz, nPol, uniform } = this;
		const memory = sampleMemoryOf(visibilities.buffer);
		const perRow = 2 * frequenciesHz.length * nPol;
		if (memory === undefined || !uniform || nPol % 2 !== 0) {
			const turned = deltas === undefined ? 0 : rows;
			for (let r = 0; r < turned; r++) {
				const delta = deltas?.[r] ?? 0;
				if (delta !== 0) turnPhases(visibilities, r * perRow, frequenciesHz, nPol, delta, uniform);
			}
			return allFinite(wordsOf(visibilities), 0, rows * perRow);
		}
		const { loops } = memory;
		const { byteOffset } = visibilities;
		if (deltas === undefined) return loops.notFinite(byteOffset, rows * perRow) === 0;
		let bad = 0;
		for (let r = 0; r < rows; r++) {
			const at = byteOffset + 4 * r * perRow;
			if (deltas[r] === 0) {
				bad |= loops.notFinite(at, perRow);
				continue;
			}
			phaseSegments(frequenciesHz, deltas[r], (begin, count, re0, im0, re1, im1, stepRe, stepIm) => {
				bad |= loops.turnPairs(at + 8 * begin * nPol, count, nPol / 2, re0, im0, re1, im1, stepRe, stepIm);
			});
		}
		return bad === 0;
	}
}
