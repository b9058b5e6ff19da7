import { type DelayProblem, type DelaySolution, solveDelays } from "./delay.ts";
import type { KnownGains } from "./known-gains.ts";
import { measureNoise, type NoiseSums, noNoise } from "./noise.ts";
import { crossSpectraOf, emptySums, type NormalSums, sumOverChannels, sumOverTime } from "./normal-sums.ts";
import type { ReferredWindow } from "./refer-samples.ts";
import { inspectWindow, type WindowInspection } from "./sample-validity.ts";
import { type CellOptions, type CellSolutions, solveCells } from "./solve-cell.ts";
import { type ArrayBaselines, FLAG, type WindowData } from "./window-data.ts";

/**
 * One question about one window. A solve is a series of these: they carry only small flat arrays, so the windows can live
 * on any number of threads, and each is answered alike wherever it lives.
 */
export type WindowRequest =
	| { kind: "inspect" }
	/** Flags [time][channel of this window] in every baseline, and whole antennas per polarisation. */
	| { kind: "flag"; rfi: Uint8Array; dead: Uint8Array }
	| { kind: "noise"; channelStep: number; skip: boolean; gains: KnownGains | undefined }
	/** Sums over every `channelStep`-th channel; interval of each integration, -1 leaves it out. */
	| { kind: "sums"; timeCell: Int32Array; nTimeCells: number; channelStep: number; gains: KnownGains }
	/** D and N alone of every channel, in single precision: what a delay needs. */
	| { kind: "spectra"; nTimeCells: number; timeCell: Int32Array }
	/** Bandpass of this window: its sums, solved at once, for all windows' together are a quarter of a gigabyte of a large set. */
	| {
			kind: "bandpass";
			gains: KnownGains;
			averageChannels: number;
			weights: Float64Array;
			excluded: Uint8Array;
			options: CellOptions;
	  };

export interface WindowAnswers {
	/** `noModel`: the model is zero throughout. */
	inspect: WindowInspection & { noModel: boolean };
	/** Samples newly flagged. */
	flag: { flagged: number };
	noise: NoiseSums;
	sums: NormalSums;
	/** Per polarisation. */
	spectra: { d: Float32Array[]; n: Float32Array[] };
	bandpass: CellSolutions;
}

/** Anything that answers for all windows: in this thread or on workers. */
export interface WindowPool {
	readonly frequenciesHz: readonly Float64Array[];
	ask<K extends WindowRequest["kind"]>(
		request: (window: number) => Extract<WindowRequest, { kind: K }>,
	): Promise<WindowAnswers[K][]>;
	/** Solves every problem, at the same time where there are threads; what they hold may be gone afterwards. */
	solveDelays(problems: readonly DelayProblem[]): Promise<DelaySolution[]>;
}

/** Memory for the sums of a bandpass, kept from window to window: fresh memory costs as much as the sums. */
let spare: NormalSums | undefined;

function sumsOf(nCells: number, nBaselines: number): NormalSums {
	if (spare === undefined || spare.nCells !== nCells || spare.nBaselines !== nBaselines) {
		spare = emptySums(nCells, nBaselines);
		return spare;
	}
	for (const part of [spare.d, spare.n, spare.p, spare.count]) part.fill(0);
	return spare;
}

/** Holds one window's samples and answers for it. */
export class WindowProcessor {
	readonly data: WindowData;
	private readonly array: ArrayBaselines;
	private readonly window: ReferredWindow;

	constructor(window: ReferredWindow, array: ArrayBaselines) {
		this.data = window.data;
		this.array = array;
		this.window = window;
	}

	answer(request: WindowRequest): WindowAnswers[WindowRequest["kind"]] {
		const { data, array, window } = this;
		switch (request.kind) {
			case "inspect":
				return { ...inspectWindow(data, array), noModel: !window.amplitudes.values.some((a) => a > 0) };
			case "flag":
				return { flagged: applyFlags(data, array, request.rfi, request.dead) };
			case "noise":
				return request.skip ? noNoise(data) : measureNoise(window, array, request.gains, request.channelStep);
			case "sums":
				return sumOverChannels(window, array, request.gains, request.timeCell, request.nTimeCells, request.channelStep);
			case "spectra":
				return crossSpectraOf(window, request.timeCell, request.nTimeCells);
			case "bandpass": {
				const { gains, averageChannels: together, weights, excluded, options } = request;
				const nCells = Math.ceil(data.nChannels / together) * data.nPolarizations;
				const sums = sumOverTime(window, array, gains, together, sumsOf(nCells, data.nBaselines));
				return solveCells(sums, array, data.nPolarizations, weights, excluded, options);
			}
		}
	}
}

function applyFlags(data: WindowData, array: ArrayBaselines, rfi: Uint8Array, dead: Uint8Array): number {
	const { nTimes, nBaselines, nChannels, nPolarizations: nPol, flags } = data;
	const { nAntennas, antenna1, antenna2 } = array;
	let flagged = 0;
	const lost = new Int32Array(nChannels * nPol);
	for (let t = 0; t < nTimes; t++) {
		// Few samples of an integration are interference, and the same on every baseline.
		let many = 0;
		for (let c = 0; c < nChannels; c++) {
			if (rfi[t * nChannels + c] === 0) continue;
			for (let s = 0; s < nPol; s++) lost[many++] = c * nPol + s;
		}
		for (let b = 0; b < nBaselines; b++) {
			const at = (t * nBaselines + b) * nChannels * nPol;
			for (let k = 0; k < many; k++) {
				const i = at + lost[k];
				if (flags[i] === 0) flagged++;
				flags[i] |= FLAG.rfi;
			}
			for (let s = 0; s < nPol; s++) {
				if (dead[s * nAntennas + antenna1[b]] === 0 && dead[s * nAntennas + antenna2[b]] === 0) continue;
				for (let i = at + s; i < at + nChannels * nPol; i += nPol) {
					if (flags[i] === 0) flagged++;
					flags[i] |= FLAG.dead;
				}
			}
		}
	}
	return flagged;
}

/** All windows in this thread, one after the other. */
export function localPool(processors: readonly WindowProcessor[]): WindowPool {
	return {
		frequenciesHz: processors.map((processor) => processor.data.frequenciesHz),
		ask: <K extends WindowRequest["kind"]>(request: (window: number) => Extract<WindowRequest, { kind: K }>) =>
			Promise.resolve(processors.map((processor, w) => processor.answer(request(w)) as WindowAnswers[K])),
		solveDelays: (problems) => Promise.resolve(problems.map(solveDelays)),
	};
}
