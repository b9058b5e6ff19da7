import type { FieldData } from "../src/detection/light-curve-table.ts";
import type { SimulatedField, SimulatedLightCurves } from "../src/simulation/light-curves.ts";
import { tangentOffsets } from "../src/sky/separation.ts";

/** A simulated field as the detector arranges it. */
export function fieldDataOf(sky: SimulatedLightCurves, field: SimulatedField): FieldData {
	const members = sky.sources.slice(field.firstSource, field.firstSource + field.sources);
	const offsets = members.map((s) => tangentOffsets(members[0].raDeg, members[0].decDeg, s.raDeg, s.decDeg));
	return {
		fieldId: field.id,
		sources: Int32Array.from(members, (_, j) => field.firstSource + j),
		mjd: field.mjd,
		frequencyMhz: field.frequencyMhz,
		flux: field.flux,
		err: field.err,
		x: Float64Array.from(offsets, ([x]) => x),
		y: Float64Array.from(offsets, ([, y]) => y),
	};
}
