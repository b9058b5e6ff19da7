import { badInput } from "../../error.ts";
import { type FitsImage, readFitsImage, readFitsPlane } from "../../formats/fits/image.ts";
import { backgroundAndNoise } from "../../photometry/background.ts";
import { type Beam, type PixelKernel, pixelKernel } from "../../sky/beam.ts";
import type { Plane } from "../../sky/plane.ts";
import type { ImagePaths } from "./tasks.ts";

/** An image with everything that its pixels are measured against. */
export interface OpenImage {
	image: FitsImage & { beam: Beam };
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

function sameGrid(plane: Plane, path: string, image: FitsImage): Plane {
	if (plane.width !== image.plane.width || plane.height !== image.plane.height) {
		throw badInput(
			"grid-mismatch",
			`has ${plane.width} x ${plane.height} pixels, its image has ${image.plane.width} x ${image.plane.height}`,
			{
				subject: path,
				remedy: "Put a map of the image's own grid beside it, or move this one away",
			},
		);
	}
	return plane;
}

/**
 * Reads an image and its maps; maps that are not there are made from the image itself. A beam that is given takes the
 * place of the header's.
 */
export async function openImage(paths: ImagePaths, beam?: Beam): Promise<OpenImage> {
	const read = await readFitsImage(paths.image, { requireBeam: beam === undefined });
	const image = { ...read, beam: beam ?? (read.beam as Beam) };
	const kernel = pixelKernel(image.beam, image.wcs.referenceJacobian);
	let noise = paths.noise === null ? undefined : sameGrid((await readFitsPlane(paths.noise)).plane, paths.noise, image);
	let background =
		paths.background === null
			? undefined
			: sameGrid((await readFitsPlane(paths.background)).plane, paths.background, image);
	if (noise === undefined || (background === undefined && paths.noise === null)) {
		const own = backgroundAndNoise(image.plane, kernel);
		noise ??= own.noise;
		background ??= own.background;
	}
	return { image, noise, background, kernel, noiseMedianJy: medianNoise(noise) };
}
