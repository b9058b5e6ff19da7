import type { Polarization, VisibilitySet } from "./visibility-set.ts";
import type { ArrayBaselines } from "./window-data.ts";

/** Which part of a set a solve looks at, and how its compact indices map to the set's. */
export interface Selection {
	readonly array: ArrayBaselines;
	/** Compact antenna index to the set's. */
	readonly antennaOf: Int32Array;
	/** The set's baseline index to compact; -1 = not selected. */
	readonly baselineOf: Int32Array;
	/** Parallel hands, and where they stand in the set's polarisation axis. */
	readonly polarizations: readonly Polarization[];
	readonly polarizationOf: readonly number[];
	/** One of the set's time indices for each integration selected, ascending. */
	readonly times: Int32Array;
	/** The set's time index to the integration's number; -1 = not selected. */
	readonly timeOf: Int32Array;
	/** Fields whose rows count; undefined = all. */
	readonly fields: ReadonlySet<number> | undefined;
	/** Range of baseline lengths in wavelengths that takes part. */
	readonly uvRange: readonly [number, number] | undefined;
}

/** Parallel hands of a set: XX and YY, or RR and LL, whichever there are. */
export function parallelHands(set: VisibilitySet): { names: Polarization[]; at: number[] } {
	for (const hands of [
		["XX", "YY"],
		["RR", "LL"],
	] as const) {
		const names = hands.filter((hand) => set.polarizations.includes(hand));
		if (names.length > 0) return { names: [...names], at: names.map((name) => set.polarizations.indexOf(name)) };
	}
	return { names: [], at: [] };
}

/** Selects everything that has data: all baselines between different antennas, all times, parallel hands. */
export function selectAll(
	set: VisibilitySet,
	options: {
		times?: Int32Array;
		fields?: ReadonlySet<number>;
		uvRange?: readonly [number, number];
		excludedAntennas?: ReadonlySet<number>;
	} = {},
): Selection {
	const excluded = options.excludedAntennas ?? new Set();
	const { antenna1, antenna2 } = set.baselines;
	const used = new Set<number>();
	for (let b = 0; b < antenna1.length; b++) {
		if (excluded.has(antenna1[b]) || excluded.has(antenna2[b])) continue;
		used.add(antenna1[b]);
		used.add(antenna2[b]);
	}
	const antennaOf = Int32Array.from([...used].sort((a, b) => a - b));
	const compact = new Int32Array(set.antennas.length).fill(-1);
	antennaOf.forEach((antenna, i) => (compact[antenna] = i));
	const baselineOf = new Int32Array(antenna1.length).fill(-1);
	const first: number[] = [];
	const second: number[] = [];
	for (let b = 0; b < antenna1.length; b++) {
		if (compact[antenna1[b]] < 0 || compact[antenna2[b]] < 0) continue;
		baselineOf[b] = first.length;
		first.push(compact[antenna1[b]]);
		second.push(compact[antenna2[b]]);
	}
	const hands = parallelHands(set);
	return {
		array: { nAntennas: antennaOf.length, antenna1: Int32Array.from(first), antenna2: Int32Array.from(second) },
		antennaOf,
		baselineOf,
		polarizations: hands.names,
		polarizationOf: hands.at,
		...groupTimes(set, options.times ?? Int32Array.from({ length: set.timesMjd.length }, (_, t) => t)),
		fields: options.fields,
		uvRange: options.uvRange,
	};
}

/**
 * Time from one integration to the next, s: what the time stamps say, for some files give integrations a length of
 * nothing. Three quarters of the steps are no longer: gaps between scans do not count, nor do stamps that belong together.
 */
export function cadenceS(set: VisibilitySet): number {
	const steps = Float64Array.from(set.timesMjd.subarray(1), (mjd, t) => (mjd - set.timesMjd[t]) * 86400).sort();
	if (steps.length === 0) return set.integrationS;
	return Math.max(set.integrationS, steps[Math.floor(0.75 * (steps.length - 1))]);
}

/**
 * Integrations: time stamps within a quarter of the cadence of each other are one. Real arrays stamp some antennas by their own
 * clocks, or start them late.
 */
function groupTimes(set: VisibilitySet, chosen: Int32Array): { times: Int32Array; timeOf: Int32Array } {
	const timeOf = new Int32Array(set.timesMjd.length).fill(-1);
	const near = 0.25 * cadenceS(set);
	const groups: number[][] = [];
	for (const t of chosen) {
		const open = groups[groups.length - 1];
		const apart = open === undefined ? Infinity : (set.timesMjd[t] - set.timesMjd[open[0]]) * 86400;
		if (apart < near) open.push(t);
		else groups.push([t]);
		timeOf[t] = groups.length - 1;
	}
	return { times: Int32Array.from(groups, (group) => group[group.length >> 1]), timeOf };
}

/** The same selection with only some of its integrations. */
export function withIntegrations(selection: Selection, kept: readonly number[]): Selection {
	const renumber = new Int32Array(selection.times.length).fill(-1);
	kept.forEach((t, i) => (renumber[t] = i));
	return {
		...selection,
		times: Int32Array.from(kept, (t) => selection.times[t]),
		timeOf: selection.timeOf.map((t) => (t < 0 ? -1 : renumber[t])),
	};
}
