import { type InjectionGrid, injectIntoField } from "../../detection/inject.ts";
import type { FieldData } from "../../detection/light-curve-table.ts";
import { ProfileCache } from "../../detection/templates.ts";
import { Random } from "../../simulation/random.ts";

export interface InjectionTask {
	field: FieldData;
	grid: InjectionGrid;
	perSource: number;
	leastSigma: number;
	seed: number;
	/** Which field this is, for a stream of random numbers of its own. */
	stream: string;
	normalized: boolean;
}

/** Lenses that any field of this thread has asked for. */
const profiles = new ProfileCache();

/** Lenses put into the sources of one field and looked for, in a thread of their own. */
export default ({ field, grid, perSource, leastSigma, seed, stream, normalized }: InjectionTask) =>
	injectIntoField(field, grid, perSource, leastSigma, new Random(seed).fork(stream), normalized, profiles);
