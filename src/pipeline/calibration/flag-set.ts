import { loadWindow } from "../../calibration/load-window.ts";
import { findRfi, RFI_DEFAULTS } from "../../calibration/rfi.ts";
import { ABSURD_FACTOR, inspectWindow } from "../../calibration/sample-validity.ts";
import { selectAll } from "../../calibration/selection.ts";
import type { VisibilityBlock, VisibilitySet } from "../../calibration/visibility-set.ts";

/** What was found in a set, for flaggers of other threads. */
export interface SetFlags {
	rfiFraction: number;
	/** [time][channel] 1 = interference. */
	mask: Uint8Array;
	/** [window][baseline]: above this a sample is absurd, whatever its polarisation. */
	limits: readonly Float64Array[];
}

/** Flags of data to which solutions are applied: what is no measurement, and interference. */
export interface SetFlagger {
	/** Share of (time, channel) lost to interference. */
	readonly rfiFraction: number;
	/** Flags bad samples of a block in place; returns how many were added. */
	flag(block: VisibilityBlock): number;
}

/**
 * Looks for interference in the whole set, one window at a time. Interference that comes and goes is flagged in no bandpass
 * and no gain: without this it would stay in the corrected data.
 */
export async function flagSet(set: VisibilitySet, onWindow: (done: number, total: number) => void): Promise<SetFlags> {
	const selection = selectAll(set);
	const nTimes = selection.times.length;
	const nPol = selection.polarizations.length;
	const nChannels = set.frequenciesHz.length;
	const waterfalls = Array.from({ length: nPol }, () => new Float64Array(nTimes * nChannels).fill(Number.NaN));
	// [window][baseline]: above this a sample is absurd, whatever its polarisation.
	const limits: Float64Array[] = [];
	for (const [w, { firstChannel, nChannels: own }] of set.spectralWindows.entries()) {
		const { data } = await loadWindow(set, w, selection);
		const { waterfall, scale } = inspectWindow(data, selection.array);
		for (let s = 0; s < nPol; s++) {
			for (let t = 0; t < nTimes; t++) {
				waterfalls[s].set(
					waterfall.subarray((s * nTimes + t) * own, (s * nTimes + t + 1) * own),
					t * nChannels + firstChannel,
				);
			}
		}
		const nBaselines = data.nBaselines;
		limits.push(
			Float64Array.from({ length: nBaselines }, (_, b) => {
				let most = Number.NaN;
				for (let s = 0; s < nPol; s++) {
					const own = scale[s * nBaselines + b];
					if (!(most >= own)) most = own;
				}
				return ABSURD_FACTOR * most;
			}),
		);
		onWindow(w + 1, set.spectralWindows.length);
	}
	const windowChannels = set.spectralWindows.map((window) => window.nChannels);
	const rfi = findRfi(waterfalls, nTimes, windowChannels, RFI_DEFAULTS);
	return { rfiFraction: rfi.fraction, mask: rfi.mask, limits };
}

/** Flags blocks of the set by what was found in it. */
export function setFlagger(set: VisibilitySet, { rfiFraction, mask, limits }: SetFlags): SetFlagger {
	const selection = selectAll(set);
	const nChannels = set.frequenciesHz.length;
	const setPol = set.polarizations.length;
	return {
		rfiFraction,
		flag(block) {
			let added = 0;
			const limitOf = limits[block.spectralWindow];
			for (let row = 0; row < block.nRows; row++) {
				const baseline = block.baseline[row];
				const limit = baseline < 0 ? Number.POSITIVE_INFINITY : limitOf[selection.baselineOf[baseline]];
				for (let c = 0; c < block.nChannels; c++) {
					const noisy = mask[selection.timeOf[block.timeIndex[row]] * nChannels + block.firstChannel + c] !== 0;
					for (let s = 0; s < setPol; s++) {
						const i = (row * block.nChannels + c) * setPol + s;
						if (block.flags[i] !== 0) continue;
						const re = block.visibilities[2 * i];
						const im = block.visibilities[2 * i + 1];
						const square = re * re + im * im;
						if (noisy || !(square > 0 && square < Number.POSITIVE_INFINITY) || square > limit * limit) {
							block.flags[i] = 1;
							added++;
						}
					}
				}
			}
			return added;
		},
	};
}
