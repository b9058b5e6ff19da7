import type { Polarization, VisibilityBlock } from "../src/calibration/visibility-set.ts";
import { openVisibilities } from "../src/formats/open-visibilities.ts";
import { Uvh5Writer } from "../src/formats/uvh5/write.ts";

/** How a file is damaged. */
export interface Alteration {
	/** Changes samples, flags and weights in place. */
	samples?: (block: VisibilityBlock) => void;
	/** Rows that stay. */
	keepRow?: (antenna1: number, antenna2: number) => boolean;
	/** Only this polarisation stays. */
	polarization?: Polarization;
	/** Added to all times, days. */
	laterDays?: number;
	/** Renames antennas, and moves each by this much in x, m. */
	movedM?: number;
}

/** Copies one UVH5 file with something changed. */
export async function alterUvh5(from: string, to: string, change: Alteration): Promise<void> {
	const set = openVisibilities([from]);
	try {
		const keep = change.keepRow ?? (() => true);
		const hand = change.polarization === undefined ? -1 : set.polarizations.indexOf(change.polarization);
		const polarizations = hand < 0 ? set.polarizations : [set.polarizations[hand]];
		const blocks: VisibilityBlock[] = [];
		let nRows = 0;
		for await (const block of set.blocks({ autocorrelations: true })) {
			const rows = Array.from({ length: block.nRows }, (_, r) => r).filter((r) =>
				keep(block.antenna1[r], block.antenna2[r]),
			);
			const nPol = polarizations.length;
			const all = set.polarizations.length;
			const perRow = block.nChannels * nPol;
			const pick = <T extends Int32Array | Float64Array>(values: T, width = 1): T => {
				const out = values.slice(0, rows.length * width) as T;
				rows.forEach((r, i) => {
					for (let k = 0; k < width; k++) out[i * width + k] = values[r * width + k];
				});
				return out;
			};
			const copy: VisibilityBlock = {
				...block,
				nRows: rows.length,
				timeIndex: pick(block.timeIndex),
				antenna1: pick(block.antenna1),
				antenna2: pick(block.antenna2),
				baseline: pick(block.baseline),
				field: pick(block.field),
				integrationS: pick(block.integrationS),
				uvwM: pick(block.uvwM, 3),
				visibilities: new Float32Array(2 * rows.length * perRow),
				flags: new Uint8Array(rows.length * perRow),
				weights: new Float32Array(rows.length * perRow),
			};
			rows.forEach((r, i) => {
				for (let c = 0; c < block.nChannels; c++) {
					for (let s = 0; s < nPol; s++) {
						const source = (r * block.nChannels + c) * all + (hand < 0 ? s : hand);
						const target = i * perRow + c * nPol + s;
						copy.visibilities[2 * target] = block.visibilities[2 * source];
						copy.visibilities[2 * target + 1] = block.visibilities[2 * source + 1];
						copy.flags[target] = block.flags[source];
						(copy.weights as Float32Array)[target] = block.weights?.[source] ?? 1;
					}
				}
			});
			change.samples?.(copy);
			blocks.push(copy);
			nRows += rows.length;
		}
		const moved = change.movedM ?? 0;
		if (set.location === undefined) throw new Error("the set has no place");
		const writer = new Uvh5Writer(to, {
			telescope: set.telescope,
			location: set.location,
			antennas: set.antennas.map((antenna) => ({
				...antenna,
				positionItrfM: [antenna.positionItrfM[0] + moved, antenna.positionItrfM[1], antenna.positionItrfM[2]],
			})),
			frequenciesHz: set.frequenciesHz,
			channelWidthsHz: set.channelWidthsHz,
			polarizations,
			field: set.fields[0],
			nRows,
		});
		const times = set.timesMjd.map((mjd) => mjd + (change.laterDays ?? 0));
		for (const block of blocks) writer.append(block, times);
		writer.close();
	} finally {
		set.close();
	}
}
