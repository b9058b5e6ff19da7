import { badInput } from "../../error.ts";

/** A run of neighbouring channels of one file that ascend or descend in frequency. */
export interface ChannelRun {
	/** First channel in the file's order. */
	first: number;
	count: number;
	/** The file stores the highest frequency first. */
	descending: boolean;
	/** Lowest and highest channel centre, Hz. */
	lowHz: number;
	highHz: number;
}

/**
 * Cuts a file's channels into spectral windows, each a monotonic run.
 *
 * @throws CausticError `uvh5-frequencies` if channels jump to and fro or repeat.
 */
export function channelRuns(file: string, frequenciesHz: Float64Array, windows: Int32Array): ChannelRun[] {
	const runs: ChannelRun[] = [];
	for (let begin = 0; begin < frequenciesHz.length; ) {
		let end = begin + 1;
		while (end < frequenciesHz.length && windows[end] === windows[begin]) end++;
		const descending = end - begin > 1 && frequenciesHz[begin + 1] < frequenciesHz[begin];
		for (let i = begin + 1; i < end; i++) {
			const step = frequenciesHz[i] - frequenciesHz[i - 1];
			if (descending ? step >= 0 : step <= 0) {
				throw badInput("uvh5-frequencies", `Header/freq_array neither ascends nor descends at channel ${i}`, {
					subject: file,
					remedy: "Sort its channels, for instance with pyuvdata's reorder_freqs",
				});
			}
		}
		runs.push({
			first: begin,
			count: end - begin,
			descending,
			lowHz: frequenciesHz[descending ? end - 1 : begin],
			highHz: frequenciesHz[descending ? begin : end - 1],
		});
		begin = end;
	}
	return runs;
}
