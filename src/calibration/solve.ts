import { fillGaps, normaliseBandpass } from "./bandpass.ts";
import type { KnownGains } from "./known-gains.ts";
import { addSums, type NormalSums } from "./normal-sums.ts";
import { gainsFor, type Preparation, type SolveInput } from "./prepare.ts";
import { referPhases } from "./reference-antenna.ts";
import { median } from "./robust.ts";
import { type CellSolutions, solveCells, UNSOLVED } from "./solve-cell.ts";
import { type SolveOptions, solutionIntervals } from "./solve-options.ts";
import { windowBandpass } from "./window-bandpass.ts";

/** Bandpass of every polarisation over the whole band, referred; [polarisation][channel][antenna]. */
export interface BandpassSolutions {
	readonly gains: Float64Array;
	readonly errors: Float64Array;
	readonly snr: Float64Array;
	readonly flags: Uint8Array;
	readonly reasons: Uint8Array;
	/** [polarisation][channel]. */
	readonly references: Int32Array;
	/** As the cells came, per window. */
	readonly raw: readonly CellSolutions[];
	readonly filled: number;
}

/** Gains of every polarisation and group of windows, referred; [group][polarisation][interval][antenna]. */
export interface GainSolutions {
	/** Windows of each group: one group of all, or one each. */
	readonly groups: readonly (readonly number[])[];
	readonly timesMjd: Float64Array;
	readonly intervalsS: Float64Array;
	readonly cellOf: Int32Array;
	readonly gains: Float64Array;
	readonly errors: Float64Array;
	readonly snr: Float64Array;
	readonly flags: Uint8Array;
	readonly reasons: Uint8Array;
	/** [group][polarisation][interval]. */
	readonly references: Int32Array;
	readonly raw: readonly CellSolutions[];
	readonly sums: readonly NormalSums[];
}

export interface PhaseSolutions {
	readonly cellOf: Int32Array;
	/** Integrations per interval. */
	readonly integrations: number;
	/** [polarisation][time][antenna][re, im]; 0 where flagged. */
	readonly timeGains: Float64Array;
	readonly raw: CellSolutions;
}

async function gainSums(
	input: SolveInput,
	cellOf: Int32Array,
	nCells: number,
	known: (window: number) => KnownGains,
	channelStep = 1,
): Promise<NormalSums[]> {
	return input.pool.ask<"sums">((w) => ({
		kind: "sums",
		timeCell: cellOf,
		nTimeCells: nCells,
		channelStep,
		gains: known(w),
	}));
}

/**
 * Phases per interval over the whole band, delays taken out: they only make the time average of the bandpass coherent.
 * An interval of 0 means every integration, or as many as the signal to noise of the array asks for.
 */
export async function solvePhases(
	input: SolveInput,
	prep: Preparation,
	options: SolveOptions,
): Promise<PhaseSolutions> {
	const { array, timesMjd, integrationS } = input;
	const { nAntennas } = array;
	const nPol = input.polarizations.length;
	const nTimes = timesMjd.length;
	let intervalS = options.phaseIntervalS;
	const perIntegration = integrationSnr(input, prep);
	if (intervalS === 0) {
		const integrations = perIntegration >= 8 ? 1 : Math.ceil((8 / perIntegration) ** 2);
		intervalS = Number.isFinite(integrations) ? integrations * integrationS : Number.POSITIVE_INFINITY;
	}
	const intervals = solutionIntervals(timesMjd, integrationS, intervalS, input.scans);
	const nCells = intervals.timesMjd.length;
	const known = options.delay === undefined ? noGains(input) : gainsFor(input, prep.delays);
	// A phase known to 1/150 radian costs no coherence: on a bright calibrator some of the channels are enough.
	const narrowest = Math.min(...input.pool.frequenciesHz.map((frequencies) => frequencies.length));
	const spare = Math.floor((perIntegration / 150) ** 2);
	const channelStep = Math.max(1, Math.min(8, spare, Math.floor(narrowest / 8)));
	const sums = await gainSums(input, intervals.cellOf, nCells, () => known, channelStep);
	const total = sums[0];
	for (const more of sums.slice(1)) addSums(total, more);
	const raw = solveCells(total, array, nPol, prep.weights, prep.excluded, {
		mode: "p",
		minimumSnr: 3,
		minimumBaselines: options.minimumBaselines,
		root: prep.order[0]?.[0] ?? 0,
	});
	const timeGains = new Float64Array(2 * nPol * nTimes * nAntennas);
	for (let s = 0; s < nPol; s++) {
		for (let t = 0; t < nTimes; t++) {
			for (let p = 0; p < nAntennas; p++) {
				const from = (intervals.cellOf[t] * nPol + s) * nAntennas + p;
				if (raw.reasons[from] !== UNSOLVED.solved) continue;
				const to = (s * nTimes + t) * nAntennas + p;
				timeGains[2 * to] = raw.gains[2 * from];
				timeGains[2 * to + 1] = raw.gains[2 * from + 1];
			}
		}
	}
	return { cellOf: intervals.cellOf, integrations: Math.ceil(nTimes / Math.max(1, nCells)), timeGains, raw };
}

/** Typical signal to noise of an antenna's phase in one integration, all channels together: from model and noise. */
function integrationSnr(input: SolveInput, prep: Preparation): number {
	const perDelay = prep.delays.map(
		(delay) => median(Array.from(delay.snr).filter((snr) => snr > 0)) / Math.sqrt(Math.max(1, delay.integrations)),
	);
	const snr = median(perDelay);
	return Number.isFinite(snr) ? snr : 0;
}

const noGains = (input: SolveInput): KnownGains => ({
	referenceHz: input.referenceHz,
	delaysS: undefined,
	bandpass: undefined,
	timeGains: undefined,
});

/** One complex gain per channel, antenna and polarisation over the whole time range. */
export async function solveBandpass(
	input: SolveInput,
	prep: Preparation,
	phases: PhaseSolutions,
	options: SolveOptions & { bandpass: NonNullable<SolveOptions["bandpass"]> },
): Promise<BandpassSolutions> {
	const { pool, array } = input;
	const { nAntennas } = array;
	const nPol = input.polarizations.length;
	const windowChannels = pool.frequenciesHz.map((frequencies) => frequencies.length);
	const nChannels = windowChannels.reduce((sum, n) => sum + n, 0);
	const delays = options.delay === undefined ? noGains(input) : gainsFor(input, prep.delays);
	const known = { ...delays, timeGains: phases.timeGains };
	const together = channelsTogether(input, prep, options.bandpass, windowChannels);
	const raw = await pool.ask<"bandpass">(() => ({
		kind: "bandpass",
		gains: known,
		averageChannels: together,
		weights: prep.weights,
		excluded: prep.excluded,
		options: {
			mode: "ap",
			minimumSnr: options.bandpass.minimumSnr,
			minimumBaselines: options.minimumBaselines,
			root: prep.order[0]?.[0] ?? 0,
		},
	}));
	const size = nChannels * nAntennas;
	const out: BandpassSolutions = {
		gains: new Float64Array(2 * nPol * size),
		errors: new Float64Array(nPol * size),
		snr: new Float64Array(nPol * size),
		flags: new Uint8Array(nPol * size),
		reasons: new Uint8Array(nPol * size),
		references: new Int32Array(nPol * nChannels),
		raw,
		filled: 0,
	};
	let filled = 0;
	for (let s = 0; s < nPol; s++) {
		let first = 0;
		for (const [w, cells] of raw.entries()) {
			for (let c = 0; c < windowChannels[w]; c++) {
				const from = (Math.floor(c / together) * nPol + s) * nAntennas;
				const to = s * size + (first + c) * nAntennas;
				out.gains.set(cells.gains.subarray(2 * from, 2 * (from + nAntennas)), 2 * to);
				out.errors.set(cells.errors.subarray(from, from + nAntennas), to);
				out.snr.set(cells.snr.subarray(from, from + nAntennas), to);
				out.reasons.set(cells.reasons.subarray(from, from + nAntennas), to);
			}
			first += windowChannels[w];
		}
		const own = {
			nChannels,
			nAntennas,
			gains: out.gains.subarray(2 * s * size, 2 * (s + 1) * size),
			errors: out.errors.subarray(s * size, (s + 1) * size),
			snr: out.snr.subarray(s * size, (s + 1) * size),
			flags: out.flags.subarray(s * size, (s + 1) * size),
			reasons: out.reasons.subarray(s * size, (s + 1) * size),
		};
		for (let i = 0; i < size; i++) own.flags[i] = own.reasons[i] === UNSOLVED.solved ? 0 : 1;
		const at = (c: number, p: number) => c * nAntennas + p;
		const used = referPhases(nChannels, at, nAntennas, own.gains, own.flags, prep.order[s], options.referenceMode);
		out.references.set(used, s * nChannels);
		filled += fillGaps(own, windowChannels, options.bandpass.maximumGapChannels);
		if (options.bandpass.normalise) normaliseBandpass(own);
	}
	return { ...out, filled };
}

/** Channels of a weak calibrator are solved together until the typical solution stands three times above the minimum. */
function channelsTogether(
	input: SolveInput,
	prep: Preparation,
	{ averageChannels, minimumSnr }: NonNullable<SolveOptions["bandpass"]>,
	windowChannels: readonly number[],
): number {
	const most = Math.max(1, Math.floor(Math.min(...windowChannels) / 2));
	if (averageChannels > 0) return Math.min(most, averageChannels);
	const nChannels = windowChannels.reduce((sum, n) => sum + n, 0);
	const perChannel = integrationSnr(input, prep) * Math.sqrt(input.timesMjd.length / nChannels);
	if (!(perChannel > 0) || perChannel >= 2 * minimumSnr) return 1;
	return Math.max(1, Math.min(most, Math.ceil(((3 * minimumSnr) / perChannel) ** 2)));
}

/** One gain per solution interval, antenna and polarisation, delays and bandpass taken out. */
export async function solveGains(
	input: SolveInput,
	prep: Preparation,
	bandpass: BandpassSolutions | undefined,
	options: SolveOptions & { gain: NonNullable<SolveOptions["gain"]> },
): Promise<GainSolutions> {
	const { array, timesMjd, integrationS } = input;
	const { nAntennas } = array;
	const nPol = input.polarizations.length;
	const { gain } = options;
	const scans = gain.combineScans ? undefined : input.scans;
	const intervals = solutionIntervals(timesMjd, integrationS, gain.intervalS, scans);
	const nCells = intervals.timesMjd.length;
	const delays = options.delay === undefined ? noGains(input) : gainsFor(input, prep.delays);
	const sums = await gainSums(input, intervals.cellOf, nCells, (w) => ({
		...delays,
		bandpass: bandpass === undefined ? undefined : windowBandpass(input, bandpass, w),
	}));
	const groups = gain.combineWindows ? [sums.map((_, w) => w)] : sums.map((_, w) => [w]);
	const grouped = groups.map((windows) => {
		const total = sums[windows[0]];
		for (const w of windows.slice(1)) addSums(total, sums[w]);
		return total;
	});
	const perGroup = nPol * nCells * nAntennas;
	const out = {
		groups,
		timesMjd: intervals.timesMjd,
		intervalsS: intervals.intervalsS,
		cellOf: intervals.cellOf,
		gains: new Float64Array(2 * groups.length * perGroup),
		errors: new Float64Array(groups.length * perGroup),
		snr: new Float64Array(groups.length * perGroup),
		flags: new Uint8Array(groups.length * perGroup),
		reasons: new Uint8Array(groups.length * perGroup),
		references: new Int32Array(groups.length * nPol * nCells),
		raw: [] as CellSolutions[],
		sums: grouped,
	};
	for (const [group, total] of grouped.entries()) {
		const raw = solveCells(total, array, nPol, prep.weights, prep.excluded, {
			mode: gain.mode,
			minimumSnr: gain.minimumSnr,
			minimumBaselines: options.minimumBaselines,
			root: prep.order[0]?.[0] ?? 0,
		});
		out.raw.push(raw);
		for (let s = 0; s < nPol; s++) {
			const first = (group * nPol + s) * nCells * nAntennas;
			for (let cell = 0; cell < nCells; cell++) {
				const from = (cell * nPol + s) * nAntennas;
				const to = first + cell * nAntennas;
				out.gains.set(raw.gains.subarray(2 * from, 2 * (from + nAntennas)), 2 * to);
				out.errors.set(raw.errors.subarray(from, from + nAntennas), to);
				out.snr.set(raw.snr.subarray(from, from + nAntennas), to);
				out.reasons.set(raw.reasons.subarray(from, from + nAntennas), to);
			}
			const size = nCells * nAntennas;
			const gains = out.gains.subarray(2 * first, 2 * (first + size));
			const flags = out.flags.subarray(first, first + size);
			for (let i = 0; i < size; i++) flags[i] = out.reasons[first + i] === UNSOLVED.solved ? 0 : 1;
			const at = (cell: number, p: number) => cell * nAntennas + p;
			const used = referPhases(nCells, at, nAntennas, gains, flags, prep.order[s], options.referenceMode);
			out.references.set(used, (group * nPol + s) * nCells);
		}
	}
	return out;
}
