import type { BlockOptions } from "../calibration/visibility-set.ts";
import { badInput } from "../error.ts";

/**
 * Brings one row of samples from a file's order and sign into ours: channels ascending, the imaginary part times `sign`,
 * products exchanged where the antennas are.
 */
export function turnRow(
	raw: Float32Array,
	rawFlags: Uint8Array,
	rawSamples: Float32Array | undefined,
	from: number,
	block: { visibilities: Float32Array; flags: Uint8Array; weights: Float32Array | undefined },
	to: number,
	channels: number,
	nPol: number,
	descending: boolean,
	sign: number,
	exchange: Int32Array | undefined,
): void {
	const { visibilities, flags, weights } = block;
	for (let c = 0; c < channels; c++) {
		let source = from + (descending ? channels - 1 - c : c) * nPol;
		let target = to + c * nPol;
		for (let p = 0; p < nPol; p++, target++, source++) {
			const at = exchange === undefined ? source : source - p + exchange[p];
			visibilities[2 * target] = raw[2 * at];
			visibilities[2 * target + 1] = sign * raw[2 * at + 1];
			flags[target] = rawFlags[at] === 0 ? 0 : 1;
			if (weights !== undefined && rawSamples !== undefined) weights[target] = rawSamples[at];
		}
	}
}

/** Refuses other columns of a format that has only one. */
export function requireRecordedColumn(options: BlockOptions, source: string): void {
	if (options.column !== undefined && options.column !== "data") {
		throw badInput("no-column", `it has no column of ${options.column} visibilities`, {
			subject: source,
			remedy: "Convert it to a MeasurementSet and calibrate that",
		});
	}
}
