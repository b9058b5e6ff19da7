import { badInput } from "../error.ts";
import { kernelAxes, type PixelKernel } from "../sky/beam.ts";
import type { Plane } from "../sky/plane.ts";
import type { FoundComponent } from "./component.ts";
import { groupComponents } from "./component-values.ts";
import { type FitGroup, type FitSettings, fitGroup } from "./fit-group.ts";
import { bestFootprintLevel } from "./footprint.ts";
import { PARAMETERS } from "./gaussian-fit.ts";
import { addHiddenSources } from "./hidden-sources.ts";
import { islandGroups } from "./island-groups.ts";
import { islandMoments } from "./island-moments.ts";
import { findIslands, type Island, type MapSet } from "./islands.ts";
import { measureNoiseCorrelation } from "./noise-autocorrelation.ts";
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
	/** How the noise is correlated; measured when not given, with the sources found taken out. */
	noiseCorrelation?: NoiseCorrelation;
}

export interface FindOptions {
	/** An island needs a pixel above this many times the noise, and each summit too. */
	seed?: number;
	/** Islands reach down to this many times the noise. */
	flood?: number;
	/** Look for negative sources as well. */
	negative?: boolean;
	/** Height above the saddle to a higher summit, in units of the noise, that makes a summit. */
	prominence?: number;
	/** Islands with more pixels, or more summits, are described by their moments. */
	maxIslandPixels?: number;
	maxIslandComponents?: number;
	maxIterations?: number;
	/** The image's memory may be used for the residuals, and is worth nothing afterwards. Not with `negative`. */
	consumesImage?: boolean;
}

export const FIND_DEFAULTS = {
	seed: 5,
	flood: 4,
	negative: false,
	prominence: 1.5,
	maxIslandPixels: 50_000,
	maxIslandComponents: 300,
	maxIterations: 40,
	consumesImage: false,
};

/** Fits look at no more pixels than this, whatever the size of a source. */
const MAX_FIT_PIXELS = 4000;

/**
 * Finds sources: islands above a flood level with a pixel above a seed level, a summit for each source in them, and
 * Gaussians fitted to the image, neighbours subtracted, with errors under the noise's own correlation. What the
 * residuals still show is added and fitted again. Islands too large to fit are described by their moments. Sorted by
 * island (raster order), then by brightness.
 *
 * @throws CausticError `grid-mismatch`, `bad-threshold`, `bad-beam`.
 */
export function findSources(input: FindInput, options: FindOptions = {}): FoundComponent[] {
	const { image, noise, background, kernel: beam, noiseCorrelation } = input;
	const settings = { ...FIND_DEFAULTS, ...options };
	check(input, settings);
	const maps: MapSet = { image, noise, background };
	const first = noiseCorrelation ?? measureNoiseCorrelation(image, noise, background, beam);
	const fit: FitSettings = {
		beam,
		level: bestFootprintLevel(beam, first),
		maxIterations: settings.maxIterations,
		maxPixels: MAX_FIT_PIXELS,
	};
	const signs: (1 | -1)[] = settings.negative ? [1, -1] : [1];
	const found = signs.map((sign) =>
		searchOneSign(maps, beam, fit, settings, first, noiseCorrelation !== undefined, sign),
	);
	const positive = numbered(found[0], 0);
	return [...positive, ...numbered(found[1] ?? [], positive.at(-1)?.islandId ?? 0)];
}

function searchOneSign(
	maps: MapSet,
	beam: PixelKernel,
	fit: FitSettings,
	settings: typeof FIND_DEFAULTS,
	correlation: NoiseCorrelation,
	isGiven: boolean,
	sign: 1 | -1,
): FoundComponent[] {
	const groups: FitGroup[] = [];
	const giants: Island[] = [];
	const islands = findIslands(maps, settings.flood, settings.seed, sign);
	for (const island of islands) {
		const found =
			island.pixels <= settings.maxIslandPixels
				? summits(maps, island, settings.seed, settings.prominence, settings.maxIslandComponents, sign)
				: undefined;
		if (found?.complete) groups.push(...islandGroups(maps, island, found.summits, beam, sign));
		else giants.push(island);
	}
	// Before the image's memory turns into residuals.
	const moments = giants.map((island) => islandMoments(maps, island, beam, sign));
	const residual = new ResidualMap(maps, sign, settings.consumesImage && !settings.negative);
	// The brightest first: each is then gone when its fainter neighbours are fitted.
	groups.sort((p, q) => q.parameters[0] - p.parameters[0] || p.island[0] - q.island[0]);
	for (const group of groups) fitGroup(group, residual, fit, true);
	addHiddenSources(
		groups,
		residual,
		islands.filter((island) => !giants.includes(island)),
		beam,
		fit,
		settings,
	);
	// Once more with every neighbour's model subtracted, over footprints set by the fitted models.
	for (const group of groups) fitGroup(group, residual, fit, false);

	const final = isGiven ? correlation : residualCorrelation(residual, maps.noise, groups, beam, correlation);
	return [
		...groups.flatMap((group) => groupComponents(group, residual, maps, beam, final, sign)),
		...moments.map((describe) => describe(final)),
	];
}

/** The noise's correlation with all models subtracted and their cores masked. */
function residualCorrelation(
	residual: ResidualMap,
	noise: Plane,
	groups: readonly FitGroup[],
	beam: PixelKernel,
	fallback: NoiseCorrelation,
): NoiseCorrelation {
	const x: number[] = [];
	const y: number[] = [];
	for (const { parameters } of groups) {
		for (let p = 0; p < parameters.length; p += PARAMETERS) {
			x.push(parameters[p + 1]);
			y.push(parameters[p + 2]);
		}
	}
	const sources = { x, y, flux: new Float64Array(x.length) };
	const measured = measureNoiseCorrelation(residual.plane, noise, undefined, beam, { sources });
	return measured.origin === "measured" ? measured : fallback;
}

/** Numbers islands in raster order from `after` + 1, and the components of each by brightness from 0. */
function numbered(components: FoundComponent[], after: number): FoundComponent[] {
	components.sort((p, q) => p.islandId - q.islandId || Math.abs(q.peak) - Math.abs(p.peak) || p.y - q.y || p.x - q.x);
	let island = after;
	let last = Number.NaN;
	let place = 0;
	return components.map((component) => {
		if (component.islandId !== last) {
			last = component.islandId;
			island++;
			place = 0;
		}
		return { ...component, islandId: island, componentId: place++ };
	});
}

function check(
	{ image, noise, background, kernel }: FindInput,
	{ seed, flood }: { seed: number; flood: number },
): void {
	for (const [what, map] of [
		["noise map", noise],
		["background map", background],
	] as const) {
		if (map === undefined || (map.width === image.width && map.height === image.height)) continue;
		throw badInput(
			"grid-mismatch",
			`${map.width} x ${map.height} pixels, but the image has ${image.width} x ${image.height}`,
			{ subject: what, remedy: "Give a map on the image's own pixel grid" },
		);
	}
	if (!(flood > 0 && seed >= flood)) {
		throw badInput("bad-threshold", `seed ${seed} and flood ${flood}`, {
			subject: "thresholds",
			remedy: "Give a positive flood level and a seed level not below it",
		});
	}
	const { majorPx, minorPx } = kernelAxes(kernel);
	if (!(minorPx > 0 && majorPx < 512)) {
		throw badInput("bad-beam", `the beam is ${majorPx} x ${minorPx} pixels`, {
			subject: "beam",
			remedy: "Check the units of BMAJ and BMIN (degrees), or give the beam by hand",
		});
	}
}
