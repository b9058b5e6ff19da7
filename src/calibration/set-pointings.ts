import { badInput } from "../error.ts";
import { toIcrs } from "../sky/frames.ts";
import type { Pointing } from "./transiting.ts";
import type { PhaseCentre, VisibilitySet } from "./visibility-set.ts";

/**
 * Where the antennas pointed in every integration of a set: the phase centre of the field observed then. With several
 * fields the rows are read for their field alone.
 *
 * Throws `no-pointing` when a field has no phase centre.
 */
export async function setPointings(set: VisibilitySet): Promise<Pointing[]> {
	const fieldOf = await fieldsByTime(set);
	return Array.from(set.timesMjd, (mjd, i) => pointingOf(set.fields[fieldOf[i]].phaseCentre, mjd, set));
}

async function fieldsByTime(set: VisibilitySet): Promise<Int32Array> {
	const fieldOf = new Int32Array(set.timesMjd.length);
	if (set.fields.length < 2) return fieldOf;
	for await (const block of set.blocks({ channels: [0, 1] })) {
		for (let row = 0; row < block.nRows; row++) fieldOf[block.timeIndex[row]] = block.field[row];
	}
	return fieldOf;
}

function pointingOf(centre: PhaseCentre, mjd: number, set: VisibilitySet): Pointing {
	if (centre.kind === "meridian") {
		return { mjd, apparentDecDeg: centre.declinationDeg, hourAngleDeg: centre.hourAngleDeg };
	}
	if (centre.kind === "sidereal") {
		const [raDeg, decDeg] =
			centre.frame === "ICRS"
				? [centre.raDeg, centre.decDeg]
				: toIcrs({ name: "fk5", equinox: centre.epochYear }, centre.raDeg, centre.decDeg);
		return { mjd, raDeg, decDeg };
	}
	throw badInput("no-pointing", "it does not say where the antennas pointed", {
		subject: set.source[0] ?? "visibilities",
		remedy: "Phase it to a position or name the calibrator",
	});
}
