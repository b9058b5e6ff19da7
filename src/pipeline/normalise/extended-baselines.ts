import { type Baselines, emptyBaselines } from "../../normalization/baseline.ts";

/**
 * The same version of baselines over another list of sources: those that it does not know have none. A version speaks
 * of the sources that were there when it was made; an image may show more.
 */
export function extendBaselines(
	base: Baselines,
	known: readonly number[],
	wanted: readonly number[],
): { baselines: Baselines; placeOf: Int32Array } {
	const place = new Map(wanted.map((id, i) => [id, i]));
	const placeOf = Int32Array.from(known, (id) => place.get(id) ?? -1);
	const { frozenEpochsMjd, pooledTau, systematicFraction, systematicFractionErr, epochScatter, ...rest } = base;
	const identity = {
		version: rest.version,
		supersedes: rest.supersedes,
		fieldId: rest.fieldId,
		frequencyHz: rest.frequencyHz,
		method: rest.method,
		configuration: rest.configuration,
		referenceSet: rest.referenceSet,
		field: rest.field,
		frozenEpochsMjd,
		pooledTau,
		systematicFraction,
		systematicFractionErr,
		epochScatter,
	};
	const wide = emptyBaselines(wanted.length, identity);
	for (const name of ["value", "error", "tau", "nEpochs", "firstMjd", "lastMjd", "status", "component"] as const) {
		for (let i = 0; i < known.length; i++) if (placeOf[i] >= 0) wide[name][placeOf[i]] = base[name][i];
	}
	return { baselines: wide, placeOf };
}
