import { kernelAxes, type PixelKernel } from "../sky/beam.ts";
import { blendGroups } from "./blend-groups.ts";
import type { FitGroup } from "./fit-group.ts";
import { type Freedom, PARAMETERS } from "./gaussian-fit.ts";
import type { Island, MapSet } from "./islands.ts";
import type { Summit } from "./summits.ts";

/** Summits closer than this many major axes, directly or in a chain, are fitted together. */
export const TOGETHER_BEAMS = 1.5;
/** At most so many components in one fit; larger clusters are divided and fitted in turn. */
export const LARGEST_GROUP = 10;
/** Pixels of an island above this share of the nearest summit belong to its first fit: a resolved source's body. */
const BODY = 0.25;

/** A group of components of the beam's shape at the given places. */
export function newGroup(summits: readonly Summit[], island: number, beam: PixelKernel, flags = 0): FitGroup {
	const parameters = new Float64Array(summits.length * PARAMETERS);
	summits.forEach(({ x, y, value }, i) => {
		parameters.set([value, x, y, beam.a, beam.b, beam.c], i * PARAMETERS);
	});
	return {
		island: summits.map(() => island),
		parameters,
		freedom: summits.map((): Freedom => 6),
		flags: summits.map(() => flags),
		extra: [],
		pixels: undefined,
	};
}

/** Divides the summits of an island into groups to be fitted together, each with the bright pixels nearest to it. */
export function islandGroups(
	maps: MapSet,
	island: Island,
	summits: readonly Summit[],
	beam: PixelKernel,
	sign: 1 | -1,
): FitGroup[] {
	const reach = TOGETHER_BEAMS * kernelAxes(beam).majorPx;
	const { starts, members, count } = blendGroups(
		summits.map((s) => s.x),
		summits.map((s) => s.y),
		reach,
	);
	const clusters: Summit[][] = [];
	for (let g = 0; g < count; g++) {
		divide(
			Array.from(members.subarray(starts[g], starts[g + 1]), (i) => summits[i]),
			clusters,
		);
	}
	const groups = clusters.map((cluster) => newGroup(cluster, island.id, beam));
	const groupOf = new Map(clusters.flatMap((cluster, g) => cluster.map((summit) => [summit, groups[g]] as const)));
	const { image, background } = maps;
	for (let k = 0; k < island.runs.length; k += 3) {
		const y = island.runs[k];
		for (let x = island.runs[k + 1]; x < island.runs[k + 2]; x++) {
			const p = y * image.width + x;
			let nearest = summits[0];
			let least = Infinity;
			for (const summit of summits) {
				const distance = (x - summit.x) ** 2 + (y - summit.y) ** 2;
				if (distance < least) {
					least = distance;
					nearest = summit;
				}
			}
			const value = sign * (image.data[p] - (background === undefined ? 0 : background.data[p]));
			if (value > BODY * nearest.value) groupOf.get(nearest)?.extra.push(p);
		}
	}
	return groups;
}

/** Halves a cluster along its longer side until each part is small enough. */
function divide(cluster: readonly Summit[], out: Summit[][]): void {
	if (cluster.length <= LARGEST_GROUP) {
		out.push([...cluster]);
		return;
	}
	const spread = (key: "x" | "y") =>
		cluster.reduce((most, s) => Math.max(most, s[key]), -Infinity) -
		cluster.reduce((least, s) => Math.min(least, s[key]), Infinity);
	const key = spread("x") >= spread("y") ? "x" : "y";
	const sorted = cluster.toSorted((p, q) => p[key] - q[key]);
	const middle = sorted.length >> 1;
	divide(sorted.slice(0, middle), out);
	divide(sorted.slice(middle), out);
}
