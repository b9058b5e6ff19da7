import type { Beam } from "../../sky/beam.ts";
import type { ObservationTime } from "../../sky/observation-time.ts";
import type { Plane } from "../../sky/plane.ts";
import type { CelestialWcs } from "../../sky/wcs.ts";
import { choosePlane, findAxis, type ImageAxes, imageAxes } from "./axes.ts";
import { readBeamsTable } from "./beams-table.ts";
import { brightness } from "./brightness.ts";
import { FitsFile, type FitsHdu } from "./file.ts";
import { spectralPosition } from "./frequency.ts";
import type { FitsHeader } from "./header.ts";
import { coordinates, imageHdu, observationTime, paddingWarnings, planePixels } from "./image.ts";
import type { Precision } from "./pixels.ts";
import { pixelSizeDeg, restoringBeam } from "./restoring-beam.ts";

/** What a spectral cube is, without its pixels: channels of one celestial plane, each with its frequency and beam. */
export interface CubeDescription {
	path: string;
	header: FitsHeader;
	wcs: CelestialWcs;
	width: number;
	height: number;
	/** One per channel, in the order of the file; NaN where the header does not say. */
	frequenciesHz: Float64Array;
	/** Width of a channel, or undefined. */
	bandwidthHz: number | undefined;
	/** Undefined where a channel has no beam (nothing was restored). */
	beams: (Beam | undefined)[];
	beamSource: string;
	stokes: string | undefined;
	time: ObservationTime | undefined;
	timeProblem?: string;
	warnings: string[];
}

export interface FitsCube extends CubeDescription {
	/** Jy/beam, one per channel, in the order of the file. */
	planes: Plane[];
}

export interface ReadCubeOptions {
	stokes?: string;
	precision?: Precision;
	/** Only these channels, from inclusive to exclusive. */
	channels?: readonly [from: number, to: number];
}

interface OpenCube {
	file: FitsFile;
	hdu: FitsHdu;
	axes: ImageAxes;
	factor: number;
	cube: CubeDescription;
	/** Number of each channel's plane in the order of the file. */
	planes: number[];
}

async function withCube<T>(path: string, stokes: string | undefined, use: (open: OpenCube) => Promise<T>): Promise<T> {
	const file = await FitsFile.open(path);
	try {
		const hdu = await imageHdu(file);
		const { header } = hdu;
		const axes = imageAxes(header);
		// Before anything is allocated by the lengths that the header claims.
		file.requireData(hdu);
		const unit = brightness(header);
		const spectralAxis = findAxis(header, /^(FREQ|VRAD|VOPT|VELO|FELO|WAVE)/) ?? 0;
		const stokesAxis = findAxis(header, /^STOKES/) ?? 0;
		const channels = axes.extra.find(({ axis }) => axis === spectralAxis)?.length ?? 1;
		const single = restoringBeam(header, axes.x, axes.y);
		const table =
			single.beam === undefined ? await readBeamsTable(file, pixelSizeDeg(header, axes.x, axes.y)) : undefined;
		const cube: CubeDescription = {
			path,
			header,
			wcs: coordinates(header),
			width: axes.width,
			height: axes.height,
			frequenciesHz: new Float64Array(channels).fill(Number.NaN),
			bandwidthHz: undefined,
			beams: [],
			beamSource: table === undefined ? single.source : "BEAMS table",
			stokes: undefined,
			...observationTime(header),
			warnings: [...unit.warnings, ...single.warnings, ...(table?.warnings ?? []), ...paddingWarnings(file, hdu)],
		};
		const planes: number[] = [];
		for (let channel = 0; channel < channels; channel++) {
			const chosen = choosePlane(header, axes, { plane: channel, stokes });
			const spectral = spectralPosition(header, chosen.pixels);
			cube.frequenciesHz[channel] = spectral.frequencyHz ?? Number.NaN;
			if (channel === 0) {
				cube.bandwidthHz = spectral.bandwidthHz;
				cube.stokes = chosen.stokes;
				cube.warnings.push(...spectral.warnings);
			}
			cube.beams.push(single.beam ?? table?.at(channel, chosen.pixels.get(stokesAxis) ?? 0));
			planes.push(chosen.index);
		}
		const result = await use({ file, hdu, axes, factor: unit.factor, cube, planes });
		await file.verify();
		return result;
	} finally {
		await file.close();
	}
}

/** What a cube (or an image: a cube of one channel) holds, from its headers alone. */
export const describeFitsCube = (
	path: string,
	options: Pick<ReadCubeOptions, "stokes"> = {},
): Promise<CubeDescription> => withCube(path, options.stokes, async ({ cube }) => cube);

/** Reads a cube channel by channel, each pixel once; `visit` has a plane to itself and none of the others is in memory. */
export const eachCubeChannel = (
	path: string,
	options: ReadCubeOptions,
	visit: (channel: number, plane: Plane, cube: CubeDescription) => Promise<void> | void,
): Promise<CubeDescription> =>
	withCube(path, options.stokes, async ({ file, hdu, axes, factor, cube, planes }) => {
		const { width, height } = axes;
		const [from, to] = options.channels ?? [0, planes.length];
		for (let channel = from; channel < Math.min(to, planes.length); channel++) {
			const first = planes[channel] * width * height;
			const data = await planePixels(file, hdu, first, width * height, options.precision ?? "float32", factor);
			await visit(channel, { width, height, data }, cube);
		}
		return cube;
	});

/** Reads every channel of a cube (or the one channel of an image) in one pass over the file. */
export async function readFitsCube(path: string, options: ReadCubeOptions = {}): Promise<FitsCube> {
	const planes: Plane[] = [];
	const cube = await eachCubeChannel(path, options, (_, plane) => {
		planes.push(plane);
	});
	return { ...cube, planes };
}
