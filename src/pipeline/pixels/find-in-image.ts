import { catalogueNoise } from "../../photometry/catalogue-noise.ts";
import type { FoundComponent } from "../../photometry/component.ts";
import { componentsOnSky, type SkyComponents } from "../../photometry/component-sky.ts";
import { findSources } from "../../photometry/find.ts";
import { FORCED_FLAG, flagNames } from "../../photometry/flags.ts";
import { fitPriorised } from "../../photometry/priorised.ts";
import { backgroundAt, type OpenImage, openImage } from "./open-image.ts";
import { positionsInImage } from "./positions.ts";
import type { FindTask, FoundImage, PriorisedPlaces } from "./tasks.ts";

/** An image beyond this many pixels gives its own memory to the residuals: nobody else asks for it. */
const LARGE_PIXELS = 1 << 26;

/** Finds the sources of one image, or fits at known places. */
export const findInImage = async (task: FindTask): Promise<FoundImage> =>
	findInOpen(await openImage(task.paths, task.beam), task, true);

/** The same for an image that is open; with `mayConsume` its pixels may be used up. */
export async function findInOpen(
	open: OpenImage,
	{ settings, negative, priorised }: Omit<FindTask, "paths" | "beam">,
	mayConsume: boolean,
): Promise<FoundImage> {
	const { image, maps, kernel } = open;
	const { noise, noiseMedianJy } = maps;
	if (priorised !== undefined) {
		return { ...(await atKnownPlaces(open, priorised, settings)), n: priorised.raDeg.length, noiseMedianJy };
	}
	const components = findSources(
		{ image: image.plane, noise, kernel },
		{
			seed: settings.seedSigma,
			flood: settings.floodSigma,
			negative,
			consumesImage: mayConsume && image.plane.data.length > LARGE_PIXELS,
		},
	);
	return { ...(await onSky(components, open)), n: components.length, noiseMedianJy };
}

/** Components on the sky, with the background that was taken off before they were looked for. */
async function onSky(components: FoundComponent[], open: OpenImage): Promise<SkyComponents> {
	const sky = componentsOnSky(components, open.image.wcs);
	sky.backgroundJy = await backgroundAt(
		open,
		components.map(({ x }) => x),
		components.map(({ y }) => y),
	);
	return sky;
}

/** What is said of a forced measurement beside what is said of a fit. */
const FORCED_ONLY = ~(FORCED_FLAG.edge | FORCED_FLAG.resolved);

async function atKnownPlaces(
	open: OpenImage,
	places: PriorisedPlaces,
	settings: FindTask["settings"],
): Promise<SkyComponents> {
	const { image, maps, kernel } = open;
	const { noise } = maps;
	const { raDeg, decDeg, shapes, stage } = places;
	const { x, y, kernels } = positionsInImage(open, raDeg, decDeg, shapes, settings.beamGeometry);
	const sources = { image: image.plane, noise, x, y, kernels, beam: kernel };
	const { components, forced } = fitPriorised(
		{
			...sources,
			noiseCorrelation: catalogueNoise(sources),
			options: { blendBeams: settings.blendRadiusBeams, limitSigma: settings.upperLimitSigma },
		},
		stage,
	);
	const sky = await onSky(components, open);
	const kept = (component: FoundComponent) => !(component.positionCovariance[0] > 0);
	components.forEach((component, i) => {
		// A position that was not fitted is the catalogue's own, not what two projections make of it.
		if (kept(component)) {
			sky.raDeg[i] = raDeg[i];
			sky.decDeg[i] = decDeg[i];
		}
		const more = flagNames(forced.flags[i] & FORCED_ONLY);
		sky.flags[i] = [...sky.flags[i].split("|"), ...more].filter(Boolean).join("|");
	});
	return sky;
}
