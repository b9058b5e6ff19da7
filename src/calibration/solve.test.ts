import { describe, expect, test } from "vitest";
import { observeCalibrator, type SmallObservation } from "../simulation/observation.ts";
import { prepare } from "./prepare.ts";
import { type BandpassSolutions, type GainSolutions, solveBandpass, solveGains, solvePhases } from "./solve.ts";
import { SOLVE_DEFAULTS, type SolveOptions } from "./solve-options.ts";

async function solveAll(observation: SmallObservation, options: SolveOptions = SOLVE_DEFAULTS) {
	const { input } = observation;
	const prep = await prepare(input, options);
	const phases = await solvePhases(input, prep, options);
	const bandpass = await solveBandpass(input, prep, phases, { ...options, bandpass: SOLVE_DEFAULTS.bandpass! });
	const gains = await solveGains(input, prep, bandpass, { ...options, gain: options.gain! });
	return { prep, phases, bandpass, gains };
}

/** Errors of the product G B K against truth, phases referred to antenna `reference`, over all that is unflagged. */
function productErrors(
	{ truth, windows }: SmallObservation,
	prep: Awaited<ReturnType<typeof prepare>>,
	bandpass: BandpassSolutions,
	gains: GainSolutions,
	reference: number,
) {
	const { nAntennas, nTimes } = truth;
	const nChannels = windows.reduce((sum, window) => sum + window.length, 0);
	const nCells = gains.timesMjd.length;
	const times = (a: number[], b: number[]) => [a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]];
	let [amplitude, bias, phase, n, nPhase] = [0, 0, 0, 0, 0];
	for (let s = 0; s < 2; s++) {
		for (let t = 0; t < nTimes; t++) {
			let channel = 0;
			for (const [w, window] of windows.entries()) {
				for (let c = 0; c < window.length; c++, channel++) {
					const found = (p: number) => {
						const i = (s * nChannels + channel) * nAntennas + p;
						const j = (s * nCells + gains.cellOf[t]) * nAntennas + p;
						if (bandpass.flags[i] !== 0 || gains.flags[j] !== 0) return undefined;
						const angle = 2 * Math.PI * prep.delays[s].delaysS[p] * (window[c] - truth.referenceHz);
						const k = [Math.cos(angle), Math.sin(angle)];
						const b = [bandpass.gains[2 * i], bandpass.gains[2 * i + 1]];
						return times(times(k, b), [gains.gains[2 * j], gains.gains[2 * j + 1]]);
					};
					const real = (p: number) => {
						const angle = 2 * Math.PI * truth.delaysS[s * nAntennas + p] * (window[c] - truth.referenceHz);
						const i = 2 * ((s * window.length + c) * nAntennas + p);
						const j = 2 * ((s * nTimes + t) * nAntennas + p);
						const b = [truth.bandpass[w][i], truth.bandpass[w][i + 1]];
						return times(times([Math.cos(angle), Math.sin(angle)], b), [truth.timeGains[j], truth.timeGains[j + 1]]);
					};
					const arg = (z: number[]) => Math.atan2(z[1], z[0]);
					const at = found(reference);
					if (at === undefined) continue;
					for (let p = 0; p < nAntennas; p++) {
						const a = found(p);
						if (a === undefined) continue;
						const b = real(p);
						const ratio = Math.hypot(a[0], a[1]) / Math.hypot(b[0], b[1]) - 1;
						amplitude += ratio * ratio;
						bias += ratio;
						n++;
						const turn = arg(a) - arg(at) - arg(b) + arg(real(reference));
						if (p !== reference) {
							phase += Math.atan2(Math.sin(turn), Math.cos(turn)) ** 2;
							nPhase++;
						}
					}
				}
			}
		}
	}
	return { amplitude: Math.sqrt(amplitude / n), bias: bias / n, phase: Math.sqrt(phase / nPhase), n };
}

/** Per-channel thermal error of |g|/g: sigma/(S sqrt((N-1) samples)). */
const thermal = (sigma: number, flux: number, nAntennas: number, samples: number) =>
	sigma / (flux * Math.sqrt((nAntennas - 1) * samples));

describe("K, B and G together", () => {
	test("reach the thermal limit on a complete model", async () => {
		const observation = observeCalibrator({ fieldJy: [0.5, 0.3], rollOff: false });
		const { prep, bandpass, gains } = await solveAll(observation);
		const error = productErrors(observation, prep, bandpass, gains, prep.order[0][0]);
		const limit = thermal(1, 10, 10, 8);
		expect(error.amplitude).toBeLessThan(1.15 * limit);
		expect(error.amplitude).toBeGreaterThan(0.7 * limit);
		expect(error.phase).toBeLessThan(1.15 * Math.SQRT2 * limit);
		expect(Math.abs(error.bias)).toBeLessThan(0.002);
		for (const raw of gains.raw) expect(new Set(raw.states)).toEqual(new Set(["converged"]));
		const chi2 = gains.raw[0].chi2.reduce((sum, x) => sum + x, 0) / gains.raw[0].dof.reduce((sum, x) => sum + x, 0);
		expect(chi2).toBeGreaterThan(0.9);
		expect(chi2).toBeLessThan(1.1);
	});

	test("find dead antennas and polarisations, flagged ones, noise, and leave the healthy alone", async () => {
		const observation = observeCalibrator({
			seed: 2,
			nAntennas: 14,
			defects: {
				dead: [3],
				deadSecondPolarization: [5],
				noisy: [7],
				flaggedAtInput: [9],
				wildDelayS: new Map([[11, 150e-9]]),
				phaseJump: [12],
				rfi: true,
			},
		});
		const { prep, bandpass, gains } = await solveAll(observation);
		const where = (mask: Uint8Array) => Array.from(mask.keys()).filter((i) => mask[i] !== 0);
		expect(where(prep.dead)).toEqual([3, 14 + 3, 14 + 5]);
		expect(where(prep.empty)).toEqual([9, 14 + 9]);
		expect(where(prep.excluded)).toEqual([3, 9, 14 + 3, 14 + 5, 14 + 9]);
		expect(prep.noise[7] / prep.noise[0]).toBeGreaterThan(20);
		expect(prep.noise[7] / prep.noise[0]).toBeLessThan(30);
		expect(prep.order[0]).not.toContain(3);
		expect(prep.order[0].indexOf(7)).toBe(prep.order[0].length - 1);
		const error = productErrors(observation, prep, bandpass, gains, prep.order[0][0]);
		expect(error.amplitude).toBeLessThan(0.08);
		// One gain for all time would miss the 60 degrees; one per integration does not.
		expect(error.phase).toBeLessThan(0.08);
		let [missed, wrong] = [0, 0];
		observation.truth.rfiJy.forEach((rfi, w) => {
			for (let t = 0; t < 8; t++) {
				for (let c = 0; c < 16; c++) {
					const found = prep.rfi!.mask[t * 64 + w * 16 + c] !== 0;
					if (rfi[t * 16 + c] > 0 && !found) missed++;
					if (rfi[t * 16 + c] === 0 && found) wrong++;
				}
			}
		});
		expect(missed).toBe(0);
		expect(wrong).toBeLessThan(15);
	});

	test("an unmodelled source costs accuracy, and modelling it gives it back", async () => {
		const seen = { seed: 3, fieldJy: [1.5], sigmaJy: 0.5 };
		const without = observeCalibrator({ ...seen, modelJy: [10] });
		const including = observeCalibrator(seen);
		const a = await solveAll(without);
		const b = await solveAll(including);
		const errorWithout = productErrors(without, a.prep, a.bandpass, a.gains, a.prep.order[0][0]);
		const errorWith = productErrors(including, b.prep, b.bandpass, b.gains, b.prep.order[0][0]);
		expect(errorWith.amplitude).toBeLessThan(0.6 * errorWithout.amplitude);
	});

	test("a delay beyond the ambiguity comes out modulo 1/(channel spacing), harmless in the product", async () => {
		const observation = observeCalibrator({ seed: 4, defects: { wildDelayS: new Map([[6, -0.62e-6]]) } });
		const { prep, bandpass, gains } = await solveAll(observation);
		const reference = prep.order[0][0];
		const found = prep.delays[0].delaysS[6] - prep.delays[0].delaysS[reference];
		const real = observation.truth.delaysS[6] - observation.truth.delaysS[reference];
		const turns = (found - real) / 1e-6;
		expect(Math.round(turns)).toBe(1);
		expect(Math.abs(turns - 1)).toBeLessThan(1e-3);
		expect(productErrors(observation, prep, bandpass, gains, reference).phase).toBeLessThan(0.08);
	});

	test("a filled gap of interference is marked, longer ones stay flagged", async () => {
		const observation = observeCalibrator({ seed: 5, defects: { rfi: true } });
		const { bandpass } = await solveAll(observation);
		let flagged = 0;
		for (const flag of bandpass.flags) flagged += flag;
		expect(bandpass.filled + flagged).toBeGreaterThan(0);
	});

	test("the same data give the same solutions byte for byte", async () => {
		const a = await solveAll(observeCalibrator({ seed: 6 }));
		const b = await solveAll(observeCalibrator({ seed: 6 }));
		expect(Buffer.from(a.gains.gains.buffer).equals(Buffer.from(b.gains.gains.buffer))).toBe(true);
		expect(Buffer.from(a.bandpass.gains.buffer).equals(Buffer.from(b.bandpass.gains.buffer))).toBe(true);
	});
});
