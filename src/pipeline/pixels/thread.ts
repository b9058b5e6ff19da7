import { CausticError } from "../../error.ts";
import { type CutoutTask, cutOut } from "./cutout.ts";
import { findInImage } from "./find-in-image.ts";
import { measureInImage } from "./measure-in-image.ts";
import { measureSubbands } from "./measure-subbands.ts";
import type { FindTask, MeasureTask, SubbandTask } from "./tasks.ts";

/** Classes do not survive the way between threads, so an error travels as plain fields. */
async function guarded<T>(work: () => Promise<T>) {
	try {
		return await work();
	} catch (error) {
		if (!(error instanceof CausticError)) throw error;
		const { code, message, subject, remedy, blame } = error;
		return { failed: { code, message, subject, remedy, blame } };
	}
}

export const find = (task: FindTask) => guarded(() => findInImage(task));
export const measure = (task: MeasureTask) => guarded(() => measureInImage(task));
export const subbands = (task: SubbandTask) => guarded(() => measureSubbands(task));
export const cutout = (task: CutoutTask) => guarded(() => cutOut(task));
