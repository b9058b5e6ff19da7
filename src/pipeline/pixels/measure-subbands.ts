import { CausticError } from "../../error.ts";
import { eachCubeChannel } from "../../formats/fits/cube.ts";
import { measureOpen } from "./measure-in-image.ts";
import { withMaps } from "./open-image.ts";
import type { MeasuredSubband, SubbandTask } from "./tasks.ts";

/**
 * Forced photometry in the channels of a cube, each with its own beam. The file is read once, channel by channel; a
 * channel that cannot be measured is a hole with a reason, not a failure of the cube.
 */
export async function measureSubbands(task: SubbandTask): Promise<MeasuredSubband[]> {
	const { paths, channels, stokes, beam } = task;
	const measured: MeasuredSubband[] = [];
	const options = { channels, ...(stokes === undefined ? {} : { stokes }) };
	await eachCubeChannel(paths.image, options, async (channel, plane, cube) => {
		const subband = { path: paths.image, channel, frequencyHz: cube.frequenciesHz[channel] };
		const own = beam ?? cube.beams[channel];
		try {
			if (own === undefined) throw new CausticError("no-beam", "has no restoring beam");
			const isCube = cube.frequenciesHz.length > 1;
			const open = await withMaps({ plane, wcs: cube.wcs, beam: own }, paths, isCube ? channel : undefined);
			const { fluxJy, fluxErrJy, flags } = measureOpen(open, task);
			measured.push({ ...subband, fluxJy, fluxErrJy, flags, problem: null });
		} catch (error) {
			// Maps of another grid are a mistake of the whole task; a blank channel is what cubes hold.
			if (!(error instanceof CausticError) || !["no-beam", "blank-image"].includes(error.code)) throw error;
			const none = () => new Float64Array(task.raDeg.length).fill(Number.NaN);
			measured.push({
				...subband,
				fluxJy: none(),
				fluxErrJy: none(),
				flags: new Array<string>(task.raDeg.length).fill("no_data"),
				problem: error.message,
			});
		}
	});
	return measured;
}
