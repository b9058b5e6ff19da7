import type { DelaySolution } from "./delay.ts";
import { channelSpacing } from "./delay-spectrum.ts";
import { antennaNoise, baselineVariance, baselineWeights } from "./noise.ts";
import { type ReferenceCandidate, referenceOrder } from "./reference-antenna.ts";
import { findRfi, type RfiFlags } from "./rfi.ts";
import { median } from "./robust.ts";
import type { WindowInspection } from "./sample-validity.ts";
import type { SolveOptions } from "./solve-options.ts";
import type { SourceGeometry } from "./source-offset.ts";
import type { ArrayBaselines } from "./window-data.ts";
import type { WindowPool } from "./window-processor.ts";

/** What the solver needs to know of a set, beside its samples. */
export interface SolveInput {
	readonly pool: WindowPool;
	readonly array: ArrayBaselines;
	/** Parallel hands, in the data's order. */
	readonly polarizations: readonly string[];
	readonly timesMjd: Float64Array;
	readonly integrationS: number;
	/** Scan of each integration, if the set has scans. */
	readonly scans: ArrayLike<number> | undefined;
	/** Where delays have zero phase, Hz. */
	readonly referenceHz: number;
	/** For a check of the source's place; undefined where nobody knows it. */
	readonly source?: SourceGeometry;
}

/** Everything known before bandpass and gain are solved. */
export interface Preparation {
	/** [polarisation][antenna] samples per class, all windows together. */
	readonly counts: WindowInspection["counts"];
	readonly rfi: RfiFlags | undefined;
	/** [polarisation][antenna] sigma of one real component, NaN where unknown. */
	readonly noise: Float64Array;
	/** [polarisation][baseline] 1/sigma^2. */
	readonly weights: Float64Array;
	/** [polarisation][antenna] 1 = no unflagged sample. */
	readonly empty: Uint8Array;
	/** [polarisation][antenna] 1 = data, but no signal in them. */
	readonly dead: Uint8Array;
	/** [polarisation][antenna] empty, dead, or without a delay where delays are solved. */
	readonly excluded: Uint8Array;
	/** Per polarisation. */
	readonly delays: DelaySolution[];
	/** Antennas by preference as reference, per polarisation. */
	readonly order: number[][];
	/** The model is zero in every sample. */
	readonly noModel: boolean;
	/** Median over live baselines of the delay peak's share of detection, per polarisation. */
	readonly coherence: number[];
}

/**
 * From samples to a usable start: flags with reasons, interference, noise of every antenna, delays, dead antennas.
 * Dead antennas are found before any gain is solved, by having no fringe with antennas that have fringes with each other.
 */
export async function prepare(input: SolveInput, options: SolveOptions): Promise<Preparation> {
	const { pool, array, timesMjd } = input;
	const { nAntennas, antenna1 } = array;
	const nPol = input.polarizations.length;
	const nTimes = timesMjd.length;
	const nBaselines = antenna1.length;
	const inspections = await pool.ask<"inspect">(() => ({ kind: "inspect" }));
	const counts = Object.fromEntries(
		Object.entries(inspections[0].counts).map(([kind, first]) => [
			kind,
			first.map((_, i) => inspections.reduce((sum, one) => sum + one.counts[kind as keyof typeof one.counts][i], 0)),
		]),
	) as unknown as WindowInspection["counts"];
	const empty = Uint8Array.from(counts.good, (good) => (good > 0 ? 0 : 1));

	const windowChannels = pool.frequenciesHz.map((frequencies) => frequencies.length);
	const nChannels = windowChannels.reduce((sum, n) => sum + n, 0);
	let rfi: RfiFlags | undefined;
	if (options.rfi !== undefined) {
		const waterfalls = Array.from({ length: nPol }, (_, s) => {
			const all = new Float64Array(nTimes * nChannels);
			let first = 0;
			inspections.forEach(({ waterfall }, w) => {
				const n = windowChannels[w];
				for (let t = 0; t < nTimes; t++) {
					all.set(waterfall.subarray((s * nTimes + t) * n, (s * nTimes + t + 1) * n), t * nChannels + first);
				}
				first += n;
			});
			return all;
		});
		rfi = findRfi(waterfalls, nTimes, windowChannels, options.rfi);
		const mask = rfi.mask;
		const none = new Uint8Array(nPol * nAntennas);
		const firstOf = windowChannels.map((_, w) => windowChannels.slice(0, w).reduce((sum, n) => sum + n, 0));
		await pool.ask<"flag">((w) => {
			const n = windowChannels[w];
			const own = new Uint8Array(nTimes * n);
			for (let t = 0; t < nTimes; t++) {
				own.set(mask.subarray(t * nChannels + firstOf[w], t * nChannels + firstOf[w] + n), t * n);
			}
			return { kind: "flag", rfi: own, dead: none };
		});
	}

	// A hundred differences per integration are plenty: at least eight channels in each of some windows.
	const perWindow = Math.max(8, Math.ceil(128 / windowChannels.length));
	const measure = async (gains: Parameters<typeof gainsFor>[1] | undefined, windows: number) => {
		const windowStep = Math.max(1, Math.ceil(windowChannels.length / windows));
		const sums = await pool.ask<"noise">((w) => ({
			kind: "noise",
			channelStep: nTimes > 1 ? Math.max(1, Math.floor(windowChannels[w] / perWindow)) : 1,
			skip: w % windowStep !== 0,
			gains: gains === undefined ? undefined : gainsFor(input, gains),
		}));
		const variance = baselineVariance(sums, nPol, nBaselines);
		const noise = new Float64Array(nPol * nAntennas);
		const weights = new Float64Array(nPol * nBaselines);
		for (let s = 0; s < nPol; s++) {
			const own = antennaNoise(variance.subarray(s * nBaselines, (s + 1) * nBaselines), array);
			noise.set(own, s * nAntennas);
			weights.set(baselineWeights(own, array), s * nBaselines);
		}
		return { noise, weights };
	};
	let { noise, weights } = await measure(undefined, 3);

	const spacing = channelSpacing(Float64Array.from(pool.frequenciesHz.flatMap((f) => [...f])));
	const solveBlocks = async (blockS: number, most: number) => {
		const { timeCell, nTimeCells } = delayBlocks(timesMjd, input.integrationS, blockS, most);
		const sums = await pool.ask<"spectra">(() => ({ kind: "spectra", nTimeCells, timeCell }));
		const integrations = timeCell.filter((cell) => cell >= 0).length;
		return pool.solveDelays(
			Array.from({ length: nPol }, (_, s) => ({
				windows: sums.map(({ d, n }, w) => ({ frequenciesHz: pool.frequenciesHz[w], d: d[s], n: n[s] })),
				nBlocks: nTimeCells,
				integrations,
				array,
				weights: weights.slice(s * nBaselines, (s + 1) * nBaselines),
				excluded: empty.slice(s * nAntennas, (s + 1) * nAntennas),
				order: referenceOrder(candidatesOf(s, counts, noise, nAntennas, undefined), options.referenceAntennas),
				channelSpacingHz: spacing,
				options: options.delay ?? DELAY_PROBE,
			})),
		);
	};
	const share = (delays: DelaySolution[]) => delays.map((delay, s) => medianAlive(delay, empty, s, nAntennas));
	// What is left of an error in a delay goes into the bandpass: on a bright calibrator some integrations are enough.
	const few = 6;
	const blockS = options.delay?.blockS ?? 300;
	let delays = await solveBlocks(blockS, nTimes >= 2 * few ? few : nTimes);
	const bright = delays.every((delay) => median(Array.from(delay.snr).filter((snr) => snr > 0)) > 300);
	if (nTimes >= 2 * few && !bright) delays = await solveBlocks(blockS, nTimes);
	// Phases that wander within minutes (high frequencies, troposphere) wash a long average out: shorter ones then.
	if (Math.max(...share(delays)) < 0.5 && nTimes > 1) {
		const shorter = await solveBlocks(Math.max(input.integrationS, 30), nTimes);
		if (Math.max(...share(shorter)) > Math.max(...share(delays))) delays = shorter;
	}
	const coherence = share(delays);

	const dead = new Uint8Array(nPol * nAntennas);
	for (let s = 0; s < nPol; s++) {
		if (coherence[s] < 0.5) continue;
		for (let p = 0; p < nAntennas; p++) {
			const i = s * nAntennas + p;
			if (empty[i] === 0 && delays[s].detected[p] < 0.2 * coherence[s] && delays[s].flags[p] !== 0) dead[i] = 1;
		}
	}
	// Again with the delays taken out: the drift of the gains is then common to a window's channels.
	if (options.delay !== undefined) ({ noise, weights } = await measure(delays, 6));
	const excluded = new Uint8Array(nPol * nAntennas);
	for (let s = 0; s < nPol; s++) {
		for (let p = 0; p < nAntennas; p++) {
			const i = s * nAntennas + p;
			const lost = options.delay !== undefined && delays[s].flags[p] !== 0;
			excluded[i] = empty[i] | dead[i] | (lost ? 1 : 0);
		}
	}
	const order = Array.from({ length: nPol }, (_, s) =>
		referenceOrder(candidatesOf(s, counts, noise, nAntennas, delays[s]), options.referenceAntennas).filter(
			(p) => excluded[s * nAntennas + p] === 0,
		),
	);
	const noModel = inspections.every((one) => one.noModel);
	return { counts, rfi, noise, weights, empty, dead, excluded, delays, order, noModel, coherence };
}

/** Detection of fringes is wanted even where no delay is to be solved. */
const DELAY_PROBE = { minimumPeak: 5, minimumSnr: 5, minimumBaselines: 4 };

/** Delays as the known gains of a later pass; flagged antennas NaN, which leaves them out. */
export function gainsFor(input: SolveInput, delays: readonly DelaySolution[]) {
	const { nAntennas } = input.array;
	const delaysS = new Float64Array(delays.length * nAntennas);
	delays.forEach((delay, s) => {
		for (let p = 0; p < nAntennas; p++) {
			delaysS[s * nAntennas + p] = delay.flags[p] === 0 ? delay.delaysS[p] : Number.NaN;
		}
	});
	return { referenceHz: input.referenceHz, delaysS, bandpass: undefined, timeGains: undefined };
}

function candidatesOf(
	s: number,
	counts: WindowInspection["counts"],
	noise: Float64Array,
	nAntennas: number,
	delays: DelaySolution | undefined,
): ReferenceCandidate[] {
	const own = noise.subarray(s * nAntennas, (s + 1) * nAntennas);
	const typical = median(own);
	return Array.from({ length: nAntennas }, (_, p) => {
		const i = s * nAntennas + p;
		const all = Object.values(counts).reduce((sum, kind) => sum + kind[i], 0);
		return {
			antenna: p,
			usable: all > 0 ? counts.good[i] / all : 0,
			snr: delays === undefined ? (counts.good[i] > 0 ? 1 : 0) : delays.snr[p],
			noise: Number.isFinite(own[p]) && typical > 0 ? own[p] / typical : Number.POSITIVE_INFINITY,
		};
	});
}

function medianAlive(delay: DelaySolution, empty: Uint8Array, s: number, nAntennas: number): number {
	const alive = Array.from(delay.detected).filter((_, p) => empty[s * nAntennas + p] === 0);
	return alive.length === 0 ? 0 : median(alive);
}

/**
 * Up to eight blocks of `blockS`, spread evenly, of which `most` integrations, spread evenly, are used: the others are not
 * needed for a delay.
 */
function delayBlocks(timesMjd: Float64Array, integrationS: number, blockS: number, most: number) {
	const nTimes = timesMjd.length;
	const length = Math.max(1, Math.floor(blockS / integrationS + 0.5));
	const blocks = Math.max(1, Math.ceil(nTimes / length - 0.25));
	const kept = Math.min(8, blocks);
	const timeCell = new Int32Array(nTimes).fill(-1);
	for (let k = 0; k < kept; k++) {
		const block = kept === blocks ? k : Math.floor((k * blocks) / kept);
		const last = block === blocks - 1 ? nTimes : Math.min(nTimes, (block + 1) * length);
		for (let t = block * length; t < last; t++) timeCell[t] = k;
	}
	const used = Array.from(timeCell.keys()).filter((t) => timeCell[t] >= 0);
	if (used.length > most) {
		const chosen = new Set(Array.from({ length: most }, (_, k) => used[Math.floor(((k + 0.5) * used.length) / most)]));
		for (const t of used) if (!chosen.has(t)) timeCell[t] = -1;
	}
	return { timeCell, nTimeCells: kept };
}
