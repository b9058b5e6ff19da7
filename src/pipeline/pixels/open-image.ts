import { badInput } from "../../error.ts";
import { readFitsImage, readFitsPlane } from "../../formats/fits/image.ts";
import { backgroundAndNoise } from "../../photometry/background.ts";
import { type Beam, type PixelKernel, pixelKernel } from "../../sky/beam.ts";
import type { Plane } from "../../sky/plane.ts";
import type { CelestialWcs } from "../../sky/wcs.ts";
import type { ImagePaths } from "./tasks.ts";

/** An image with everything that its pixels are measured against. */
export interface OpenImage {
	image: { plane: Plane; wcs: CelestialWcs; beam: Beam };
	noise: Plane;
	background: Plane | undefined;
	/** The beam at the reference point, as the pixels see it. */
	kernel: PixelKernel;
	noiseMedianJy: number;
}

function medianNoise(noise: Plane): number {
	const step = Math.max(1, Math.floor(noise.data.length / 20_000));
	const values: number[] = [];
	for (let i = 0; i < noise.data.length; i += step) if (noise.data[i] > 0) values.push(noise.data[i]);
	values.sort((a, b) => a - b);
	return values.length === 0 ? Number.NaN : values[values.length >> 1];
}

function sameGrid(plane: Plane, path: string, image: Plane): Plane {
	if (plane.width !== image.width || plane.height !== image.height) {
		throw badInput(
			"grid-mismatch",
			`has ${plane.width} x ${plane.height} pixels, its image has ${image.width} x ${image.height}`,
			{
				subject: path,
				remedy: "Put a map of the image's own grid beside it, or move this one away",
			},
		);
	}
	return plane;
}

/**
 * Puts noise and background beside an image; maps that are not there are made from the image itself. `channel` chooses
 * the plane of maps that are cubes themselves.
 */
export async function withMaps(
	image: OpenImage["image"],
	paths: Pick<ImagePaths, "noise" | "background">,
	channel?: number,
): Promise<OpenImage> {
	const { plane, wcs, beam } = image;
	const kernel = pixelKernel(beam, wcs.referenceJacobian);
	const options = channel === undefined ? {} : { plane: channel };
	const read = async (path: string) => sameGrid((await readFitsPlane(path, options)).plane, path, plane);
	let noise = paths.noise === null ? undefined : await read(paths.noise);
	let background = paths.background === null ? undefined : await read(paths.background);
	if (noise === undefined || (background === undefined && paths.noise === null)) {
		const own = backgroundAndNoise(plane, kernel);
		noise ??= own.noise;
		background ??= own.background;
	}
	return { image, noise, background, kernel, noiseMedianJy: medianNoise(noise) };
}

/** Reads an image and its maps. A beam that is given takes the place of the header's. */
export async function openImage(paths: ImagePaths, beam?: Beam): Promise<OpenImage> {
	const read = await readFitsImage(paths.image, { requireBeam: beam === undefined });
	return withMaps({ plane: read.plane, wcs: read.wcs, beam: beam ?? (read.beam as Beam) }, paths);
}
