import type { PixelKernel } from "../sky/beam.ts";
import type { Plane } from "../sky/plane.ts";
import { COMPONENT_FLAG, type FoundComponent } from "./component.ts";
import { fitCovariance } from "./fit-covariance.ts";
import { type FitGroup, fitGroup } from "./fit-group.ts";
import { bestFootprintLevel } from "./footprint.ts";
import { freeParameters, PARAMETERS } from "./gaussian-fit.ts";
import { integratedError, integratedFlux } from "./integrated-flux.ts";
import { findIslands, type Island, type MapSet } from "./islands.ts";
import type { NoiseCorrelation } from "./noise-correlation.ts";
import { ResidualMap } from "./residual-map.ts";
import { summits } from "./summits.ts";

export interface FindInput {
	/** Jy/beam; NaN is "no data". */
	image: Plane;
	/** Local rms, same grid; zero or NaN is "not measured". */
	noise: Plane;
	background?: Plane;
	/** The beam on this pixel grid. */
	kernel: PixelKernel;
	noiseCorrelation: NoiseCorrelation;
}

export interface FindOptions {
	/** An island needs a pixel above this many local rms. */
	seed?: number;
	/** Islands grow down to this many local rms. */
	flood?: number;
	/** Look for negative sources as well (Stokes Q, U, V). */
	negative?: boolean;
	/** Islands beyond this many pixels are given by their moments. */
	maxIslandPixels?: number;
	/** Components fitted in one island, at most. */
	maxComponents?: number;
}

/** Rise above the saddle to a higher summit, in local rms, that makes a summit a source. */
const PROMINENCE = 1;
const ITERATIONS = 60;
const FIT_PIXELS = 1500;

/**
 * Finds the sources of an image: islands above the flood level with a pixel above the seed, their summits, and one
 * Gaussian for each summit, fitted together within an island while all other models are subtracted. Errors are those of
 * the least-squares fit under the given noise correlation. Components are ordered by island, then by brightness.
 */
export function findSources(input: FindInput, options: FindOptions = {}): FoundComponent[] {
	const { seed = 5, flood = 4, negative = false, maxIslandPixels = 100_000, maxComponents = 40 } = options;
	const found: FoundComponent[] = [];
	let islands = 0;
	for (const sign of negative ? ([1, -1] as const) : ([1] as const)) {
		const maps: MapSet = { image: input.image, noise: input.noise, background: input.background };
		const list = findIslands(maps, flood, seed, sign);
		const residual = new ResidualMap(maps, sign);
		const settings = {
			beam: input.kernel,
			level: bestFootprintLevel(input.kernel, input.noiseCorrelation),
			maxIterations: ITERATIONS,
			maxPixels: FIT_PIXELS,
		};
		const groups = new Map<Island, FitGroup>();
		const bright = list.toSorted((a, b) => b.peakSnr - a.peakSnr || a.id - b.id);
		for (const island of bright) {
			if (island.pixels > maxIslandPixels) continue;
			const tops = summits(maps, island, seed, PROMINENCE, maxComponents, sign).summits;
			const group: FitGroup = {
				island: tops.map(() => island.id),
				parameters: Float64Array.from(
					tops.flatMap((top) => [top.value, top.x, top.y, input.kernel.a, input.kernel.b, input.kernel.c]),
				),
				freedom: tops.map(() => 6),
				flags: tops.map(() => 0),
				extra: [],
				pixels: undefined,
			};
			fitGroup(group, residual, settings, true);
			groups.set(island, group);
		}
		// Again with every neighbour's model taken away: the first round saw those not yet fitted.
		for (const group of groups.values()) fitGroup(group, residual, settings, false);
		for (const island of list) {
			const group = groups.get(island);
			const components = group === undefined ? [moments(input, island, sign)] : fitted(input, group);
			components.sort((a, b) => b.peak - a.peak || a.y - b.y || a.x - b.x);
			components.forEach((component, k) => {
				const flags = component.flags | (sign < 0 ? COMPONENT_FLAG.negative : 0);
				found.push({
					...component,
					peak: sign * component.peak,
					integrated: sign * component.integrated,
					snr: sign * component.snr,
					islandId: islands + island.id,
					componentId: k,
					flags,
				});
			});
		}
		islands += list.length;
	}
	return found;
}

const valueAt = (plane: Plane | undefined, x: number, y: number): number => {
	if (plane === undefined) return 0;
	const column = Math.max(0, Math.min(plane.width - 1, Math.round(x)));
	const row = Math.max(0, Math.min(plane.height - 1, Math.round(y)));
	return plane.data[row * plane.width + column];
};

function fitted(input: FindInput, group: FitGroup): FoundComponent[] {
	const { pixels, parameters, freedom } = group;
	if (pixels === undefined) return [];
	const columns = freeParameters(freedom).length;
	const { covariance } = fitCovariance(pixels, parameters, freedom, input.noiseCorrelation);
	let offset = 0;
	return freedom.map((free, c) => {
		const own = parameters.slice(c * PARAMETERS, (c + 1) * PARAMETERS);
		const [peak, x, y, a, b, cc] = own;
		const at = (p: number, q: number) => (p < free && q < free ? covariance[(offset + p) * columns + offset + q] : 0);
		const localRms = valueAt(input.noise, x, y);
		const component: FoundComponent = {
			islandId: group.island[c],
			componentId: c,
			x,
			y,
			peak,
			peakError: Math.sqrt(at(0, 0)),
			integrated: integratedFlux(peak, { a, b, c: cc }, input.kernel),
			integratedError: integratedError(own, covariance, free, columns, offset, input.kernel),
			kernel: { a, b, c: cc },
			positionCovariance: [at(1, 1), at(1, 2), at(2, 2)],
			shapeCovariance: [at(3, 3), at(3, 4), at(3, 5), at(4, 4), at(4, 5), at(5, 5)],
			localRms,
			background: valueAt(input.background, x, y),
			snr: peak / localRms,
			flags: group.flags[c],
		};
		offset += free;
		return component;
	});
}

/** An island that is too large to fit: its peak, sum, centroid and extent. */
function moments(input: FindInput, island: Island, sign: 1 | -1): FoundComponent {
	const { image, noise, background, kernel } = input;
	let [sum, sx, sy, peak, variance] = [0, 0, 0, 0, 0];
	const visit = (work: (x: number, y: number, value: number, rms: number) => void) => {
		for (let k = 0; k < island.runs.length; k += 3) {
			const y = island.runs[k];
			for (let x = island.runs[k + 1]; x < island.runs[k + 2]; x++) {
				const p = y * image.width + x;
				work(x, y, sign * (image.data[p] - (background === undefined ? 0 : background.data[p])), noise.data[p]);
			}
		}
	};
	visit((x, y, value, rms) => {
		sum += value;
		sx += value * x;
		sy += value * y;
		variance += rms * rms;
		if (value > peak) peak = value;
	});
	const x = sx / sum;
	const y = sy / sum;
	let [xx, xy, yy] = [0, 0, 0];
	visit((px, py, value) => {
		xx += value * (px - x) ** 2;
		xy += value * (px - x) * (py - y);
		yy += value * (py - y) ** 2;
	});
	const det = (xx * yy - xy * xy) / (sum * sum);
	const shape = { a: yy / sum / (2 * det), b: -xy / sum / det, c: xx / sum / (2 * det) };
	const beamArea = (2 * Math.PI) / Math.sqrt(4 * kernel.a * kernel.c - kernel.b * kernel.b);
	const localRms = valueAt(noise, x, y);
	return {
		islandId: island.id,
		componentId: 0,
		x,
		y,
		peak,
		peakError: localRms,
		integrated: sum / beamArea,
		integratedError: Math.sqrt(variance / beamArea),
		kernel: shape,
		positionCovariance: [0.25, 0, 0.25],
		shapeCovariance: [0, 0, 0, 0, 0, 0],
		localRms,
		background: valueAt(background, x, y),
		snr: peak / localRms,
		flags: COMPONENT_FLAG.too_large | COMPONENT_FLAG.not_fitted,
	};
}
