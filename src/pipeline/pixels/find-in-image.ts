import { catalogueNoise } from "../../photometry/catalogue-noise.ts";
import type { FoundComponent } from "../../photometry/component.ts";
import { componentsOnSky, type SkyComponents } from "../../photometry/component-sky.ts";
import { findSources } from "../../photometry/find.ts";
import { FORCED_FLAG, flagNames } from "../../photometry/flags.ts";
import { fitPriorised } from "../../photometry/priorised.ts";
import { type OpenImage, openImage } from "./open-image.ts";
import { positionsInImage } from "./positions.ts";
import type { FindTask, FoundImage, PriorisedPlaces } from "./tasks.ts";

/** Finds the sources of one image, or fits at known places. */
export async function findInImage({ paths, settings, beam, negative, priorised }: FindTask): Promise<FoundImage> {
	const open = await openImage(paths, beam);
	const { image, noise, background, kernel, noiseMedianJy } = open;
	if (priorised !== undefined) {
		return { ...atKnownPlaces(open, priorised, settings), n: priorised.raDeg.length, noiseMedianJy };
	}
	const components = findSources(
		{ image: image.plane, noise, background, kernel },
		{ seed: settings.seedSigma, flood: settings.floodSigma, negative },
	);
	return { ...componentsOnSky(components, image.wcs), n: components.length, noiseMedianJy };
}

/** What is said of a forced measurement beside what is said of a fit. */
const FORCED_ONLY = ~(FORCED_FLAG.edge | FORCED_FLAG.resolved);

function atKnownPlaces(open: OpenImage, places: PriorisedPlaces, settings: FindTask["settings"]): SkyComponents {
	const { image, noise, background, kernel } = open;
	const { raDeg, decDeg, shapes, stage } = places;
	const { x, y, kernels } = positionsInImage(open, raDeg, decDeg, shapes, settings.beamGeometry);
	const sources = { image: image.plane, noise, background, x, y, kernels, beam: kernel };
	const { components, forced } = fitPriorised(
		{
			...sources,
			noiseCorrelation: catalogueNoise(sources),
			options: { blendBeams: settings.blendRadiusBeams, limitSigma: settings.upperLimitSigma },
		},
		stage,
	);
	const sky = componentsOnSky(components, image.wcs);
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
