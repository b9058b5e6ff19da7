import type { VisibilityBlock, VisibilitySet } from "../../calibration/visibility-set.ts";

/** New values for a block's samples, in the block's layout; undefined where they stay. */
export interface CorrectedBlock {
	visibilities: Float32Array;
	flags?: Uint8Array;
	weights?: Float32Array;
}

/** Calibrated values of blocks, worked out in one thread of several. */
export interface Corrector {
	correct(block: VisibilityBlock): CorrectedBlock;
	/** What is to be added up over all threads. */
	counts(): Record<string, number>;
}

/** What threads load to calibrate: a module with `correctorOf(set, order)`, and what that is told, which can be cloned. */
export interface CorrectionOrder {
	module: string;
	order: unknown;
}

/** A corrector of this thread's own. */
export async function correctorFor(set: VisibilitySet, { module, order }: CorrectionOrder): Promise<Corrector> {
	const { correctorOf } = (await import(module)) as {
		correctorOf: (set: VisibilitySet, order: unknown) => Corrector;
	};
	return correctorOf(set, order);
}

/** Adds counts to those there are. */
export function addCounts(total: Record<string, number>, more: Readonly<Record<string, number>>): void {
	for (const [name, count] of Object.entries(more)) total[name] = (total[name] ?? 0) + count;
}
