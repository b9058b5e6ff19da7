import { badInput } from "../../error.ts";
import type { SubbandFluxes } from "../../photometry/adaptive-binning.ts";
import type { MeasuredSubband } from "../pixels/tasks.ts";

/** Forced values that stand for something else than the source: no member of a mean over subbands. */
const LEFT_OUT = new Set(["degenerate", "duplicate"]);

/**
 * Puts subbands side by side in order of frequency: one row per position, one column per subband. Holes stay holes.
 * @throws CausticError `no-frequency`, `same-frequency` naming the files.
 */
export function subbandFluxes(measured: readonly MeasuredSubband[], sources: number): SubbandFluxes {
	for (const { path, channel, frequencyHz } of measured) {
		if (frequencyHz > 0) continue;
		throw badInput("no-frequency", `channel ${channel} has no frequency`, {
			subject: path,
			remedy: "Add a FREQ axis or RESTFRQ in Hz",
		});
	}
	const sorted = [...measured].sort((p, q) => p.frequencyHz - q.frequencyHz);
	for (let k = 1; k < sorted.length; k++) {
		if (sorted[k].frequencyHz > sorted[k - 1].frequencyHz) continue;
		throw badInput("same-frequency", `shows the same ${sorted[k].frequencyHz / 1e6} MHz as ${sorted[k - 1].path}`, {
			subject: sorted[k].path,
			remedy: "Give each subband of one epoch once",
		});
	}
	const subbands = sorted.length;
	const flux = new Float64Array(sources * subbands).fill(Number.NaN);
	const error = new Float64Array(sources * subbands).fill(Number.NaN);
	sorted.forEach((subband, k) => {
		for (let s = 0; s < sources; s++) {
			if (subband.flags[s].split("|").some((flag) => LEFT_OUT.has(flag))) continue;
			flux[s * subbands + k] = subband.fluxJy[s];
			error[s * subbands + k] = subband.fluxErrJy[s];
		}
	});
	return { sources, subbands, flux, error, frequencyHz: Float64Array.from(sorted, (subband) => subband.frequencyHz) };
}
