import type { KnownGains } from "./known-gains.ts";
import { measureNoise, type NoiseSums, noNoise } from "./noise.ts";
import { crossSpectraOf, type NormalSums, sumOverChannels, sumOverTime } from "./normal-sums.ts";
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
	/** Bandpass of this window: its sums, then its solve, which gives them up. */
	| { kind: "bandpass-sums"; gains: KnownGains; averageChannels: number }
	| { kind: "bandpass-solve"; weights: Float64Array; excluded: Uint8Array; options: CellOptions };

export interface WindowAnswers {
	/** `noModel`: the model is zero throughout. */
	inspect: WindowInspection & { noModel: boolean };
	/** Samples newly flagged. */
	flag: { flagged: number };
	noise: NoiseSums;
	sums: NormalSums;
	spectra: { d: Float32Array; n: Float32Array };
	"bandpass-sums": { cells: number };
	"bandpass-solve": CellSolutions;
}

/** Anything that answers for all windows: in this thread or on workers. */
export interface WindowPool {
	readonly frequenciesHz: readonly Float64Array[];
	ask<K extends WindowRequest["kind"]>(
		request: (window: number) => Extract<WindowRequest, { kind: K }>,
	): Promise<WindowAnswers[K][]>;
}

/** Holds one window's samples and answers for it. */
export class WindowProcessor {
	readonly data: WindowData;
	private readonly array: ArrayBaselines;
	private readonly window: ReferredWindow;
	private bandpass: NormalSums | undefined;

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
			case "bandpass-sums": {
				this.bandpass = sumOverTime(window, array, request.gains, request.averageChannels);
				return { cells: this.bandpass.nCells };
			}
			case "bandpass-solve": {
				const sums = this.bandpass;
				if (sums === undefined) throw new Error("bandpass solved before its sums were built");
				// A quarter of a gigabyte of a large set.
				this.bandpass = undefined;
				return solveCells(sums, array, data.nPolarizations, request.weights, request.excluded, request.options);
			}
		}
	}

	/** The same with its bandpass sums alone, for when the samples do not fit in memory. */
	withoutSamples(): WindowProcessor {
		const none = { ...this.data, visibilities: new Float32Array(0), weights: undefined };
		const values = new Float32Array(0);
		const rest = new WindowProcessor({ data: none, amplitudes: { ...this.window.amplitudes, values } }, this.array);
		rest.bandpass = this.bandpass;
		return rest;
	}
}

function applyFlags(data: WindowData, array: ArrayBaselines, rfi: Uint8Array, dead: Uint8Array): number {
	const { nTimes, nBaselines, nChannels, nPolarizations: nPol, flags } = data;
	let flagged = 0;
	for (let t = 0; t < nTimes; t++) {
		for (let b = 0; b < nBaselines; b++) {
			const at = (t * nBaselines + b) * nChannels * nPol;
			for (let s = 0; s < nPol; s++) {
				const lost =
					dead[s * array.nAntennas + array.antenna1[b]] !== 0 || dead[s * array.nAntennas + array.antenna2[b]] !== 0;
				for (let c = 0; c < nChannels; c++) {
					const bits = (lost ? FLAG.dead : 0) | (rfi[t * nChannels + c] !== 0 ? FLAG.rfi : 0);
					if (bits === 0) continue;
					const i = at + c * nPol + s;
					if (flags[i] === 0) flagged++;
					flags[i] |= bits;
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
	};
}
