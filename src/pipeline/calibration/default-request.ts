import { availableParallelism } from "node:os";
import type { Calibrator } from "../../calibration/calibrator-list.ts";
import { STANDARD_CALIBRATORS } from "../../calibration/calibrators.ts";
import { SOLVE_DEFAULTS } from "../../calibration/solve-options.ts";
import type { CalibrateRequest } from "./calibrate-set.ts";

/** Antennas that DSA-110 prefers as reference: its outriggers. */
const DSA_REFERENCES = [104, 105, 106, 107, 108, 109, 110, 111, 112, 113, 114, 115, 116, 103].map(String);

/** What the observatory prefers where nothing is asked for. */
export const preferredReferences = (telescope: string): readonly string[] =>
	/^(dsa|ovro)/i.test(telescope) ? DSA_REFERENCES : [];

/** A calibration that nobody asked for in detail: the calibrator that is in the beam, K, B and G as `caustic calibrate` solves them. */
export function defaultRequest(
	paths: readonly string[],
	calibrators: readonly Calibrator[],
	signal?: AbortSignal,
): CalibrateRequest {
	return {
		paths,
		calibrators: [...STANDARD_CALIBRATORS, ...calibrators],
		calibrator: { name: undefined, raDeg: undefined, decDeg: undefined, fluxJy: undefined, spectralIndex: 0 },
		modelColumn: false,
		field: [],
		fieldFrequencyHz: 1.4e9,
		faintest: 5e-4,
		solve: SOLVE_DEFAULTS,
		referenceAntennas: [],
		preferredReferences,
		excludedAntennas: [],
		fields: undefined,
		times: undefined,
		uvRange: undefined,
		dishM: undefined,
		beam: undefined,
		pointingDecDeg: undefined,
		minimumAntennas: 5,
		singlePolarization: false,
		workers: availableParallelism(),
		memoryBytes: undefined,
		signal,
	};
}
