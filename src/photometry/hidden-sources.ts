import { kernelAxes, type PixelKernel } from "../sky/beam.ts";
import { COMPONENT_FLAG } from "./component.ts";
import { type FitGroup, type FitSettings, fitGroup } from "./fit-group.ts";
import { type Freedom, PARAMETERS } from "./gaussian-fit.ts";
import { LARGEST_GROUP, newGroup, TOGETHER_BEAMS } from "./island-groups.ts";
import { findIslandsWithin, type Island } from "./islands.ts";
import type { ResidualMap } from "./residual-map.ts";
import { type Summit, summits } from "./summits.ts";

/** A residual this close to a fitted component (in major axes) is a misfit of it, not a source. */
const LEAST_SEPARATION = 0.35;
/** Nor is one below some share of a component within two major axes: real beams are not exactly Gaussian. */
const LEAST_SHARE = 0.02;
/** The share where there are too few bright components to tell. */
const CAUTIOUS_SHARE = 0.2;
const BRIGHT_SNR = 50;
const LEAST_BRIGHT = 5;
/** The brightest so many tell it. */
const MOST_BRIGHT = 300;
const ROUNDS = 2;

/** A place where a source may hide, and the component nearest to it. */
interface Candidate {
	summit: Summit;
	group: FitGroup | undefined;
	distance: number;
}

/**
 * Looks for sources in the residuals: a fainter neighbour that makes no summit of its own on a brighter one's flank.
 * Each is fitted together with its neighbours and kept if it stays above the seed level and apart from them.
 */
export function addHiddenSources(
	groups: FitGroup[],
	residual: ResidualMap,
	islands: readonly Island[],
	beam: PixelKernel,
	settings: FitSettings,
	thresholds: { seed: number; flood: number; prominence: number },
): void {
	const maps = { image: residual.plane, noise: residual.noise };
	const { majorPx } = kernelAxes(beam);
	const taken = new Set<string>();
	const share = imperfection(groups, residual, 2 * majorPx);
	for (let round = 0; round < ROUNDS; round++) {
		const near = componentIndex(groups, 2 * majorPx);
		let added = 0;
		for (const { island, within } of findIslandsWithin(islands, maps, thresholds.flood, thresholds.seed)) {
			const { summits: list } = summits(maps, island, thresholds.seed, thresholds.prominence, LARGEST_GROUP);
			for (const summit of list) {
				const key = `${summit.x},${summit.y}`;
				if (taken.has(key)) continue;
				taken.add(key);
				const candidate = judge(summit, near(summit), majorPx, share);
				if (candidate === undefined) continue;
				const joined = candidate.group !== undefined && candidate.distance < TOGETHER_BEAMS * majorPx;
				if (joined && candidate.group !== undefined) {
					if (candidate.group.freedom.length >= LARGEST_GROUP) continue;
					if (extend(candidate.group, summit, residual, beam, settings, thresholds.seed, majorPx)) added++;
				} else {
					const group = newGroup([summit], within.id, beam, COMPONENT_FLAG.residual);
					fitGroup(group, residual, settings, true);
					groups.push(group);
					added++;
				}
			}
		}
		if (added === 0) return;
	}
}

/**
 * How far from Gaussian the sources of this image are, as a share of their peak: three times the median depth of the
 * holes beside bright components after their subtraction, beyond what noise digs. Holes, because a neighbour that is
 * not modelled yet makes none.
 */
function imperfection(groups: readonly FitGroup[], residual: ResidualMap, reach: number): number {
	const shares: number[] = [];
	const { width, height } = residual.plane;
	for (const { parameters } of groups) {
		for (let p = 0; p < parameters.length && shares.length < MOST_BRIGHT; p += PARAMETERS) {
			const x = parameters[p + 1];
			const y = parameters[p + 2];
			const column = Math.max(0, Math.min(width - 1, Math.round(x)));
			const line = Math.max(0, Math.min(height - 1, Math.round(y)));
			const snr = parameters[p] / residual.noise.data[line * width + column];
			if (snr > BRIGHT_SNR && snr < Infinity) shares.push(Math.max(0, residual.deepest(x, y, reach) - 4) / snr);
		}
	}
	if (shares.length < LEAST_BRIGHT) return CAUTIOUS_SHARE;
	shares.sort((p, q) => p - q);
	return Math.max(LEAST_SHARE, 3 * shares[shares.length >> 1]);
}

interface Neighbour {
	group: FitGroup;
	peak: number;
	distance: number;
}

/** Components within `reach` pixels of a place, by a grid of cells. */
function componentIndex(groups: readonly FitGroup[], reach: number): (place: Summit) => Neighbour[] {
	const cells = new Map<string, { group: FitGroup; at: number }[]>();
	for (const group of groups) {
		for (let p = 0; p < group.parameters.length; p += PARAMETERS) {
			const key = `${Math.floor(group.parameters[p + 1] / reach)},${Math.floor(group.parameters[p + 2] / reach)}`;
			const list = cells.get(key);
			if (list === undefined) cells.set(key, [{ group, at: p }]);
			else list.push({ group, at: p });
		}
	}
	return ({ x, y }) => {
		const found: Neighbour[] = [];
		const cx = Math.floor(x / reach);
		const cy = Math.floor(y / reach);
		for (let j = cy - 1; j <= cy + 1; j++) {
			for (let i = cx - 1; i <= cx + 1; i++) {
				for (const { group, at } of cells.get(`${i},${j}`) ?? []) {
					const distance = Math.hypot(x - group.parameters[at + 1], y - group.parameters[at + 2]);
					if (distance < reach) found.push({ group, peak: group.parameters[at], distance });
				}
			}
		}
		return found;
	};
}

/** Whether a residual may be a source, and which group it belongs to. */
function judge(
	summit: Summit,
	neighbours: readonly Neighbour[],
	majorPx: number,
	share: number,
): Candidate | undefined {
	let nearest: Neighbour | undefined;
	for (const neighbour of neighbours) {
		if (neighbour.distance < LEAST_SEPARATION * majorPx) return undefined;
		if (summit.value < share * neighbour.peak) return undefined;
		if (nearest === undefined || neighbour.distance < nearest.distance) nearest = neighbour;
	}
	return { summit, group: nearest?.group, distance: nearest?.distance ?? Infinity };
}

/** Fits a group with one component more; keeps the result if the new one proves itself, else restores the group. */
function extend(
	group: FitGroup,
	summit: Summit,
	residual: ResidualMap,
	beam: PixelKernel,
	settings: FitSettings,
	seed: number,
	majorPx: number,
): boolean {
	const before = { ...group };
	const extra = newGroup([summit], group.island[0], beam, COMPONENT_FLAG.residual);
	const n = group.freedom.length;
	residual.add(group.parameters, 1);
	group.parameters = new Float64Array([...group.parameters, ...extra.parameters]);
	group.freedom = [...group.freedom.map((): Freedom => 6), 6];
	group.flags = [...group.flags, ...extra.flags];
	group.island = [...group.island, ...extra.island];
	group.extra = [];
	fitGroup(group, residual, settings, true);
	const at = n * PARAMETERS;
	const peak = group.parameters[at];
	const x = group.parameters[at + 1];
	const y = group.parameters[at + 2];
	let apart = true;
	for (let p = 0; p < at; p += PARAMETERS) {
		const distance = Math.hypot(x - group.parameters[p + 1], y - group.parameters[p + 2]);
		if (distance < LEAST_SEPARATION * majorPx) apart = false;
	}
	const rms = summit.value / summit.snr;
	if (apart && peak > seed * rms) return true;
	residual.add(group.parameters, 1);
	Object.assign(group, before);
	residual.add(group.parameters, -1);
	return false;
}
