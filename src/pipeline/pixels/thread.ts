import { CausticError } from "../../error.ts";
import { contentHash } from "../ingest/content-hash.ts";
import { type CutoutTask, cutOut } from "./cutout.ts";
import { findInOpen } from "./find-in-image.ts";
import { measureOpen } from "./measure-in-image.ts";
import { measureSubbands } from "./measure-subbands.ts";
import { type OpenImage, openImage, openShared, type SharedMaps } from "./open-image.ts";
import type { ThreadFailure } from "./pool.ts";
import type { FindTask, ImageTask, MeasureTask, SubbandTask } from "./tasks.ts";

/** What a thread hands back: the result, and the maps of the image where they are to be kept. */
export interface ThreadAnswer<T> {
	value: T;
	maps?: SharedMaps;
	/** The header was known to this thread. */
	headerWasKept: boolean;
}

type Handed<T> = T & { shared?: SharedMaps; keep?: boolean };

/** Classes do not survive the way between threads, so an error travels as plain fields. */
async function guarded<T>(work: () => Promise<ThreadAnswer<T>>): Promise<ThreadAnswer<T> | { failed: ThreadFailure }> {
	try {
		return await work();
	} catch (error) {
		if (!(error instanceof CausticError)) throw error;
		const { code, message, subject, remedy, blame } = error;
		return { failed: { code, message, subject, remedy, blame } };
	}
}

async function onImage<T>(
	task: Handed<ImageTask>,
	work: (open: OpenImage, mayConsume: boolean) => Promise<T> | T,
): Promise<ThreadAnswer<T>> {
	const { paths, beam, shared, keep } = task;
	const known = shared === undefined ? undefined : await openShared(paths, beam, shared);
	const open = known?.open ?? (await openImage(paths, beam));
	const value = await work(open, shared === undefined && keep !== true);
	return { value, headerWasKept: known?.headerWasKept ?? false, ...(keep === true ? { maps: open.maps } : {}) };
}

export const find = (task: Handed<FindTask>) =>
	guarded(() => onImage(task, (open, mayConsume) => findInOpen(open, task, mayConsume)));
export const measure = (task: Handed<MeasureTask>) => guarded(() => onImage(task, (open) => measureOpen(open, task)));
export const subbands = (task: SubbandTask) =>
	guarded(async () => ({ value: await measureSubbands(task), headerWasKept: false }));
export const hash = (path: string) => guarded(async () => ({ value: await contentHash(path), headerWasKept: false }));
export const cutout = (task: CutoutTask) => guarded(async () => ({ value: await cutOut(task), headerWasKept: false }));
