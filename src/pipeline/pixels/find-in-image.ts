import { componentsOnSky } from "../../photometry/component-sky.ts";
import { findSources } from "../../photometry/find.ts";
import { openImage } from "./open-image.ts";
import type { FindTask, FoundImage } from "./tasks.ts";

/** Finds the sources of one image. */
export async function findInImage({ paths, settings, beam }: FindTask): Promise<FoundImage> {
	const { image, noise, background, kernel, noiseMedianJy } = await openImage(paths, beam);
	const components = findSources(
		{ image: image.plane, noise, background, kernel },
		{ seed: settings.seedSigma, flood: settings.floodSigma },
	);
	return { ...componentsOnSky(components, image.wcs), n: components.length, noiseMedianJy };
}
