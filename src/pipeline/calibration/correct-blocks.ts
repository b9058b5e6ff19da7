import { Applier, type ApplyOptions, type NamedTable } from "../../calibration/apply.ts";
import type { VisibilityBlock, VisibilitySet } from "../../calibration/visibility-set.ts";
import type { Corrector } from "../../formats/casa/correction.ts";
import { type SetFlagger, type SetFlags, setFlagger } from "./flag-set.ts";

/** What the correctors of all threads are told. */
export interface BlockCorrection {
	tables: readonly NamedTable[];
	options: ApplyOptions;
	/** Undefined: nothing is looked for. */
	flags: SetFlags | undefined;
	/** Noise of antennas by name against the array's median; weights fall with its square. */
	noiseRatio: ReadonlyMap<string, number>;
}

/** A corrector of blocks of a set, for one thread. */
export const correctorOf = (set: VisibilitySet, order: BlockCorrection): Corrector => new BlockCorrector(set, order);

/** Flags, corrects and weighs blocks; the block itself stays as it was read. */
class BlockCorrector implements Corrector {
	private flaggedBad = 0;
	private readonly set: VisibilitySet;
	private readonly applier: Applier;
	private readonly flagger: SetFlagger | undefined;
	/** [antenna] factor on the weights. */
	private readonly weight: Float64Array;

	constructor(set: VisibilitySet, { tables, options, flags, noiseRatio }: BlockCorrection) {
		this.set = set;
		this.applier = new Applier(set, tables, options);
		this.flagger = flags === undefined ? undefined : setFlagger(set, flags);
		this.weight = Float64Array.from(set.antennas, ({ name }) => {
			const ratio = noiseRatio.get(name) ?? 1;
			return ratio > 0 ? 1 / ratio ** 2 : 1;
		});
	}

	counts(): Record<string, number> {
		return { ...this.applier.counts, flaggedBad: this.flaggedBad };
	}

	correct(block: VisibilityBlock) {
		const copy: VisibilityBlock = {
			...block,
			visibilities: block.visibilities.slice(),
			flags: block.flags.slice(),
			weights: block.weights?.slice() ?? new Float32Array(block.flags.length).fill(1),
		};
		this.flaggedBad += this.flagger?.flag(copy) ?? 0;
		this.applier.apply(copy);
		const weights = copy.weights as Float32Array;
		const perRow = block.nChannels * this.set.polarizations.length;
		for (let row = 0; row < block.nRows; row++) {
			const factor = this.weight[block.antenna1[row]] * this.weight[block.antenna2[row]];
			if (factor === 1) continue;
			for (let i = row * perRow; i < (row + 1) * perRow; i++) weights[i] *= factor;
		}
		return { visibilities: copy.visibilities, flags: copy.flags, weights };
	}
}
