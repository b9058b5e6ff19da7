import type { Beam } from "../../sky/beam.ts";
import type { ObservationTime } from "../../sky/observation-time.ts";
import type { Plane } from "../../sky/plane.ts";
import type { CelestialWcs } from "../../sky/wcs.ts";
import { choosePlane, findAxis, imageAxes } from "./axes.ts";
import { readBeamsTable } from "./beams-table.ts";
import { brightness } from "./brightness.ts";
import { FitsFile } from "./file.ts";
import { spectralPosition } from "./frequency.ts";
import type { FitsHeader } from "./header.ts";
import { coordinates, imageHdu, observationTime, paddingWarnings, planePixels } from "./image.ts";
import type { Precision } from "./pixels.ts";
import { pixelSizeDeg, restoringBeam } from "./restoring-beam.ts";

/** A spectral cube: channels of one celestial plane, each with its frequency and beam. */
export interface FitsCube {
	path: string;
	header: FitsHeader;
	wcs: CelestialWcs;
	/** Jy/beam, one per channel, in the order of the file. */
	planes: Plane[];
	/** NaN where the header does not say. */
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

/** Reads every channel of a cube (or the one channel of an image) in one pass over the file. */
export async function readFitsCube(
	path: string,
	options: { stokes?: string; precision?: Precision } = {},
): Promise<FitsCube> {
	const file = await FitsFile.open(path);
	try {
		const hdu = await imageHdu(file);
		const { header } = hdu;
		const axes = imageAxes(header);
		// Before anything is allocated by the lengths that the header claims.
		file.requireData(hdu);
		const unit = brightness(header);
		const wcs = coordinates(header);
		const spectralAxis = findAxis(header, /^(FREQ|VRAD|VOPT|VELO|FELO|WAVE)/) ?? 0;
		const stokesAxis = findAxis(header, /^STOKES/) ?? 0;
		const channels = axes.extra.find(({ axis }) => axis === spectralAxis)?.length ?? 1;
		const single = restoringBeam(header, axes.x, axes.y);
		const table =
			single.beam === undefined ? await readBeamsTable(file, pixelSizeDeg(header, axes.x, axes.y)) : undefined;
		const cube: FitsCube = {
			path,
			header,
			wcs,
			planes: [],
			frequenciesHz: new Float64Array(channels).fill(Number.NaN),
			bandwidthHz: undefined,
			beams: [],
			beamSource: table === undefined ? single.source : "BEAMS table",
			stokes: undefined,
			...observationTime(header),
			warnings: [...unit.warnings, ...single.warnings, ...(table?.warnings ?? [])],
		};
		for (let channel = 0; channel < channels; channel++) {
			const chosen = choosePlane(header, axes, { plane: channel, stokes: options.stokes });
			const spectral = spectralPosition(header, chosen.pixels);
			cube.frequenciesHz[channel] = spectral.frequencyHz ?? Number.NaN;
			if (channel === 0) {
				cube.bandwidthHz = spectral.bandwidthHz;
				cube.stokes = chosen.stokes;
				cube.warnings.push(...spectral.warnings);
			}
			cube.beams.push(single.beam ?? table?.at(channel, chosen.pixels.get(stokesAxis) ?? 0));
			const { width, height } = axes;
			const first = chosen.index * width * height;
			const precision = options.precision ?? "float32";
			const data = await planePixels(file, hdu, first, width * height, precision, unit.factor);
			cube.planes.push({ width, height, data });
		}
		cube.warnings.push(...paddingWarnings(file, hdu));
		await file.verify();
		return cube;
	} finally {
		await file.close();
	}
}
