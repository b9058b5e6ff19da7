import type { Preparation, SolveInput } from "./prepare.ts";
import { emptySolutionWindow, type SolutionTable, solutionIndex } from "./solution-table.ts";
import type { BandpassSolutions, GainSolutions } from "./solve.ts";
import { UNSOLVED } from "./solve-cell.ts";

/** What tables need beyond the solve: the array's slots and the windows' channels. */
export interface TableFrame {
	/** Antennas of the array, with and without data. */
	nAntennas: number;
	/** Compact index to the array's. */
	antennaOf: Int32Array;
	windows: readonly { frequenciesHz: Float64Array; channelWidthsHz: Float64Array }[];
}

/** Delays, bandpass and gains as tables over all of the array's antennas; slots without data are flagged. */
export function solutionTables(
	input: SolveInput,
	prep: Preparation,
	bandpass: BandpassSolutions | undefined,
	gains: GainSolutions | undefined,
	withDelays: boolean,
	frame: TableFrame,
): { K?: SolutionTable; B?: SolutionTable; G?: SolutionTable } {
	return {
		...(withDelays ? { K: delayTable(input, prep, frame) } : {}),
		...(bandpass === undefined ? {} : { B: bandpassTable(input, bandpass, frame) }),
		...(gains === undefined ? {} : { G: gainTable(input, gains, frame) }),
	};
}

const wholeSpan = (input: SolveInput) => {
	const { timesMjd, integrationS } = input;
	const last = timesMjd.length - 1;
	return {
		timesMjd: Float64Array.of(0.5 * (timesMjd[0] + timesMjd[last])),
		intervalsS: Float64Array.of((timesMjd[last] - timesMjd[0]) * 86400 + integrationS),
	};
};

function delayTable(input: SolveInput, prep: Preparation, frame: TableFrame): SolutionTable {
	const nPol = input.polarizations.length;
	const all = frame.windows.flatMap((window) => [...window.frequenciesHz]);
	const width = all.length > 1 ? all[all.length - 1] - all[0] : frame.windows[0].channelWidthsHz[0];
	// One window of one channel, at the frequency where the delay term has no phase.
	const window = emptySolutionWindow(
		"K",
		1,
		frame.nAntennas,
		nPol,
		Float64Array.of(input.referenceHz),
		Float64Array.of(width),
	);
	const table: SolutionTable = {
		kind: "K",
		polarizations: input.polarizations,
		nAntennas: frame.nAntennas,
		...wholeSpan(input),
		windows: [window],
	};
	prep.delays.forEach((delay, s) => {
		// The table refers to the antenna to which bandpass and gains refer.
		const order = prep.order[s] ?? [];
		const reference = order.find((p) => delay.flags[p] === 0) ?? delay.reference;
		if (reference < 0) return;
		window.references[s] = frame.antennaOf[reference];
		for (let p = 0; p < input.array.nAntennas; p++) {
			const i = solutionIndex(table, window, 0, frame.antennaOf[p], s, 0);
			const lost = delay.flags[p] !== 0 || prep.excluded[s * input.array.nAntennas + p] !== 0;
			window.reasons[i] = lost ? UNSOLVED.excluded : UNSOLVED.solved;
			if (lost) continue;
			window.flags[i] = 0;
			window.values[2 * i] = delay.delaysS[p] - delay.delaysS[reference];
			window.errors[i] = delay.errorsS[p];
			window.snr[i] = delay.snr[p];
		}
	});
	return table;
}

function bandpassTable(input: SolveInput, bandpass: BandpassSolutions, frame: TableFrame): SolutionTable {
	const { nAntennas } = input.array;
	const nPol = input.polarizations.length;
	const nChannels = bandpass.references.length / nPol;
	const windows = frame.windows.map(({ frequenciesHz, channelWidthsHz }) =>
		emptySolutionWindow("B", 1, frame.nAntennas, nPol, frequenciesHz, channelWidthsHz),
	);
	const table: SolutionTable = {
		kind: "B",
		polarizations: input.polarizations,
		nAntennas: frame.nAntennas,
		...wholeSpan(input),
		windows,
	};
	for (let s = 0; s < nPol; s++) {
		let first = 0;
		for (const window of windows) {
			const n = window.frequenciesHz.length;
			const used = bandpass.references.subarray(s * nChannels + first, s * nChannels + first + n);
			const reference = used.find((antenna) => antenna >= 0) ?? -1;
			window.references[s] = reference < 0 ? -1 : frame.antennaOf[reference];
			for (let c = 0; c < n; c++) {
				for (let p = 0; p < nAntennas; p++) {
					const from = (s * nChannels + first + c) * nAntennas + p;
					const to = solutionIndex(table, window, 0, frame.antennaOf[p], s, c);
					window.reasons[to] = bandpass.reasons[from];
					if (bandpass.flags[from] !== 0) continue;
					window.flags[to] = 0;
					window.values[2 * to] = bandpass.gains[2 * from];
					window.values[2 * to + 1] = bandpass.gains[2 * from + 1];
					window.errors[to] = bandpass.errors[from];
					window.snr[to] = bandpass.snr[from];
				}
			}
			first += n;
		}
	}
	return table;
}

function gainTable(input: SolveInput, gains: GainSolutions, frame: TableFrame): SolutionTable {
	const { nAntennas } = input.array;
	const nPol = input.polarizations.length;
	const nCells = gains.timesMjd.length;
	const windows = gains.groups.map((group) => {
		const { low, high } = gainGroupWindows(frame.windows, group);
		return emptySolutionWindow(
			"G",
			nCells,
			frame.nAntennas,
			nPol,
			Float64Array.of(0.5 * (low + high)),
			Float64Array.of(high - low),
		);
	});
	const table: SolutionTable = {
		kind: "G",
		polarizations: input.polarizations,
		nAntennas: frame.nAntennas,
		timesMjd: gains.timesMjd,
		intervalsS: gains.intervalsS,
		windows,
	};
	windows.forEach((window, group) => {
		for (let s = 0; s < nPol; s++) {
			for (let cell = 0; cell < nCells; cell++) {
				const reference = gains.references[(group * nPol + s) * nCells + cell];
				window.references[cell * nPol + s] = reference < 0 ? -1 : frame.antennaOf[reference];
				for (let p = 0; p < nAntennas; p++) {
					const from = ((group * nPol + s) * nCells + cell) * nAntennas + p;
					const to = solutionIndex(table, window, cell, frame.antennaOf[p], s, 0);
					window.reasons[to] = gains.reasons[from];
					if (gains.flags[from] !== 0) continue;
					window.flags[to] = 0;
					window.values[2 * to] = gains.gains[2 * from];
					window.values[2 * to + 1] = gains.gains[2 * from + 1];
					window.errors[to] = gains.errors[from];
					window.snr[to] = gains.snr[from];
				}
			}
		}
	});
	return table;
}

/** Lowest and highest edge of a group's channels, Hz. */
function gainGroupWindows(
	windows: readonly { frequenciesHz: Float64Array; channelWidthsHz: Float64Array }[],
	group: readonly number[],
): { low: number; high: number } {
	let low = Number.POSITIVE_INFINITY;
	let high = 0;
	for (const w of group) {
		windows[w].frequenciesHz.forEach((f, c) => {
			low = Math.min(low, f - 0.5 * windows[w].channelWidthsHz[c]);
			high = Math.max(high, f + 0.5 * windows[w].channelWidthsHz[c]);
		});
	}
	return { low, high };
}
