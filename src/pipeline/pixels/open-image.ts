import { stat } from "node:fs/promises";
import { badInput, CausticError } from "../../error.ts";
import { readFitsImage, readFitsPlane } from "../../formats/fits/image.ts";
import { backgroundNodes, noiseMap, subtractNodes, subtractPlane } from "../../photometry/background.ts";
import { type NodeGrid, nodePlaces, valueAt } from "../../photometry/node-grid.ts";
import { type Beam, type PixelKernel, pixelKernel } from "../../sky/beam.ts";
import type { Plane } from "../../sky/plane.ts";
import { adoptPlanes, memoryOf, nextPlane } from "../../sky/plane-memory.ts";
import type { CelestialWcs } from "../../sky/wcs.ts";
import type { ImagePaths } from "./tasks.ts";

/** An image without its background, its noise, and what they say of it: plain, over memory that threads can share. */
export interface SharedMaps {
	/** Jy/beam, the background taken off. */
	plane: Plane;
	noise: Plane;
	/** The background where it was made from the image itself. */
	background: NodeGrid | null;
	noiseMedianJy: number;
	/** In which both planes lie, where they were put so: without it another thread would take other loops. */
	memory: WebAssembly.Memory | undefined;
}

/** An image with everything that its pixels are measured against. */
export interface OpenImage {
	image: { plane: Plane; wcs: CelestialWcs; beam: Beam };
	maps: SharedMaps;
	paths: Pick<ImagePaths, "background">;
	/** The beam at the reference point, as the pixels see it. */
	kernel: PixelKernel;
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

/** Names the file in what is said of an image's pixels. */
export function naming<T>(path: string, work: () => T): T {
	try {
		return work();
	} catch (error) {
		if (!(error instanceof CausticError)) throw error;
		const { code, message, remedy, cause } = error;
		throw badInput(code, message, { subject: path, ...(remedy === undefined ? {} : { remedy }), cause });
	}
}

/**
 * Puts the noise beside an image and takes its background off, in the image's own memory; maps that are not there are
 * made from the image itself. `channel` chooses the plane of maps that are cubes themselves.
 */
export async function withMaps(image: OpenImage["image"], paths: ImagePaths, channel?: number): Promise<OpenImage> {
	const { plane, wcs, beam } = image;
	const kernel = pixelKernel(beam, wcs.referenceJacobian);
	const options = channel === undefined ? {} : { plane: channel };
	const read = async (path: string, into?: Float32Array) =>
		sameGrid((await readFitsPlane(path, { ...options, into })).plane, path, plane);
	// Behind the image, where compiled loops reach both.
	const behind = nextPlane(plane.data);
	let noise = paths.noise === null ? undefined : await read(paths.noise, behind);
	let background: NodeGrid | null = null;
	if (noise === undefined || (paths.background === null && paths.noise === null)) {
		const nodes = naming(paths.image, () => backgroundNodes(plane, kernel));
		noise ??= noiseMap(plane, nodes.noise, behind);
		if (paths.background === null && paths.noise === null) {
			background = nodes.background;
			subtractNodes(plane, background);
		}
	}
	if (paths.background !== null) subtractPlane(plane, await read(paths.background));
	const maps = { plane, noise, background, noiseMedianJy: medianNoise(noise), memory: memoryOf(plane.data) };
	return { image, maps, paths, kernel };
}

/** Reads an image and its maps. A beam that is given takes the place of the header's. */
export async function openImage(paths: ImagePaths, beam?: Beam): Promise<OpenImage> {
	const read = await readFitsImage(paths.image, { requireBeam: beam === undefined });
	return withMaps({ plane: read.plane, wcs: read.wcs, beam: beam ?? (read.beam as Beam) }, paths);
}

/** Headers that this thread has read, the newest last. */
const headers = new Map<string, { wcs: CelestialWcs; beam: Beam }>();
const MOST_HEADERS = 256;

/** An image whose maps another task has read already: only its header is read, once per thread. */
export async function openShared(
	paths: ImagePaths,
	beam: Beam | undefined,
	maps: SharedMaps,
): Promise<{ open: OpenImage; headerWasKept: boolean }> {
	const { size, mtimeMs } = await stat(paths.image);
	const key = JSON.stringify([paths.image, size, mtimeMs, beam ?? null]);
	const kept = headers.get(key);
	let header = kept;
	if (header === undefined) {
		const read = await readFitsImage(paths.image, { requireBeam: beam === undefined, rows: [0, 1] });
		header = { wcs: read.wcs, beam: beam ?? (read.beam as Beam) };
		if (headers.size >= MOST_HEADERS) headers.delete(headers.keys().next().value as string);
		headers.set(key, header);
	}
	if (maps.memory !== undefined) adoptPlanes(maps.memory, maps.plane.data.buffer, maps.noise.data.buffer);
	const image = { plane: maps.plane, ...header };
	const kernel = pixelKernel(header.beam, header.wcs.referenceJacobian);
	return { open: { image, maps, paths, kernel }, headerWasKept: kept !== undefined };
}

/** Rows of a background map that are read at once when it is looked up at places. */
const STRIP_ROWS = 64;

/** The background that was taken off at given pixels, Jy/beam; 0 where none was. */
export async function backgroundAt(
	{ maps, paths, image }: OpenImage,
	x: ArrayLike<number>,
	y: ArrayLike<number>,
): Promise<Float64Array> {
	const { width, height } = image.plane;
	const column = (i: number) => Math.max(0, Math.min(width - 1, Math.round(x[i])));
	const row = (i: number) => Math.max(0, Math.min(height - 1, Math.round(y[i])));
	const out = new Float64Array(x.length);
	if (maps.background !== null) {
		const places = nodePlaces(width, maps.background.columns, maps.background.step);
		const rowPlaces = nodePlaces(height, maps.background.rows, maps.background.step);
		for (let i = 0; i < x.length; i++) {
			out[i] = Number.isFinite(x[i] + y[i])
				? valueAt(maps.background, places, rowPlaces, column(i), row(i))
				: Number.NaN;
		}
		return out;
	}
	const path = paths.background;
	if (path === null) return out;
	// A packed map is unpacked from its beginning each time it is opened: read it once.
	const strip = /\.(gz|fz)$/i.test(path) ? height : STRIP_ROWS;
	const byStrip = Map.groupBy(
		Array.from({ length: x.length }, (_, i) => i),
		(i) => Math.floor(row(i) / strip),
	);
	for (const [number, places] of byStrip) {
		const rows: [number, number] = [number * strip, Math.min(height, (number + 1) * strip)];
		const { plane } = await readFitsPlane(path, { rows });
		for (const i of places) out[i] = plane.data[(row(i) - rows[0]) * width + column(i)];
	}
	return out;
}
