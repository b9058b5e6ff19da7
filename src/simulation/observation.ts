import { type ApparentSources, componentModel } from "../calibration/component-model.ts";
import type { SolveInput } from "../calibration/prepare.ts";
import { referToModel } from "../calibration/refer-samples.ts";
import type { ArrayBaselines, WindowData } from "../calibration/window-data.ts";
import { localPool, WindowProcessor } from "../calibration/window-processor.ts";
import { type Defects, drawInstrument, type InstrumentTruth, NO_DEFECTS } from "./instrument.ts";
import { Random } from "./random.ts";
import { recordWindow } from "./visibilities.ts";

export interface SmallObservation {
	truth: InstrumentTruth;
	array: ArrayBaselines;
	windows: Float64Array[];
	data: WindowData[];
	input: SolveInput;
}

/** Every pair of antennas. */
export function everyPair(nAntennas: number): ArrayBaselines {
	const antenna1: number[] = [];
	const antenna2: number[] = [];
	for (let p = 0; p < nAntennas; p++) {
		for (let q = p + 1; q < nAntennas; q++) {
			antenna1.push(p);
			antenna2.push(q);
		}
	}
	return { nAntennas, antenna1: Int32Array.from(antenna1), antenna2: Int32Array.from(antenna2) };
}

/**
 * A calibrator seen by a small array for a few minutes, held in memory: quick to make, with known gains. The geometry is
 * a plane one: each source has a path per antenna that drifts in time.
 *
 * @param overrides what differs from 10 antennas, 8 integrations of 10 s, 4 windows of 16 channels of 1 MHz from 1.3 GHz, a
 * calibrator of 10 Jy at the phase centre and 1 Jy of noise.
 */
export function observeCalibrator(
	overrides: {
		seed?: number;
		nAntennas?: number;
		nTimes?: number;
		nWindows?: number;
		nChannels?: number;
		fluxJy?: number;
		fieldJy?: readonly number[];
		sigmaJy?: number;
		delaySpreadS?: number;
		rollOff?: boolean;
		defects?: Partial<Defects>;
		/** Flux densities that the solver's model has, where it differs from the sky. */
		modelJy?: readonly number[];
	} = {},
): SmallObservation {
	const { nAntennas = 10, nTimes = 8, nWindows = 4, nChannels = 16, fluxJy = 10, sigmaJy = 1 } = overrides;
	const random = new Random(overrides.seed ?? 1);
	const array = everyPair(nAntennas);
	const nBaselines = array.antenna1.length;
	const windows = Array.from({ length: nWindows }, (_, w) =>
		Float64Array.from({ length: nChannels }, (_, c) => 1.3e9 + (w * nChannels + c) * 1e6),
	);
	const truth = drawInstrument(
		{
			nAntennas,
			nTimes,
			windows,
			nPolarizations: 2,
			sigmaJy,
			referenceHz: 1.3e9 + 0.5e6 * nWindows * nChannels,
			delaySpreadS: overrides.delaySpreadS ?? 40e-9,
			rollOff: overrides.rollOff ?? true,
			defects: { ...NO_DEFECTS, ...overrides.defects },
		},
		random,
	);
	const fluxes = [fluxJy, ...(overrides.fieldJy ?? [])];
	const geometry = random.fork("geometry");
	const positions = Array.from({ length: nAntennas }, () => [geometry.uniform(0, 1500), geometry.uniform(0, 1500)]);
	const places = fluxes.map((_, s) =>
		s === 0 ? [0, 0] : [geometry.uniform(-0.02, 0.02), geometry.uniform(-0.02, 0.02)],
	);
	const sourcesOf = (frequencies: Float64Array, jy: readonly number[]): ApparentSources => {
		const pathsM = new Float64Array(jy.length * nTimes * nBaselines);
		const apparentJy = new Float32Array(jy.length * nTimes * frequencies.length);
		for (let s = 0; s < jy.length; s++) {
			for (let t = 0; t < nTimes; t++) {
				for (let b = 0; b < nBaselines; b++) {
					const u = positions[array.antenna1[b]][0] - positions[array.antenna2[b]][0];
					const v = positions[array.antenna1[b]][1] - positions[array.antenna2[b]][1];
					pathsM[(s * nTimes + t) * nBaselines + b] = u * (places[s][0] + 1e-4 * t) + v * places[s][1];
				}
				apparentJy.fill(jy[s], (s * nTimes + t) * frequencies.length, (s * nTimes + t + 1) * frequencies.length);
			}
		}
		return { nSources: jy.length, nTimes, nBaselines, pathsM, apparentJy };
	};
	const data = windows.map((frequencies, w) =>
		recordWindow(truth, array, frequencies, w, componentModel(sourcesOf(frequencies, fluxes), frequencies, 2), random),
	);
	const pool = localPool(
		data.map((window, w) => {
			const sources = sourcesOf(windows[w], overrides.modelJy ?? fluxes);
			return new WindowProcessor(referToModel(window, { kind: "sources", sources }), array);
		}),
	);
	const timesMjd = Float64Array.from({ length: nTimes }, (_, t) => 60000 + (t * 10) / 86400);
	const input: SolveInput = {
		pool,
		array,
		polarizations: ["XX", "YY"],
		timesMjd,
		integrationS: 10,
		scans: undefined,
		referenceHz: truth.referenceHz,
	};
	return { truth, array, windows, data, input };
}
