import { CausticError } from "../../error.ts";
import type { CardToWrite } from "../../formats/fits/card-text.ts";
import type { FitsHeader } from "../../formats/fits/header.ts";
import { readFitsImage } from "../../formats/fits/image.ts";
import { writeFitsImage } from "../../formats/fits/write.ts";
import { backgroundAndNoise } from "../../photometry/background.ts";
import { naming } from "../../pipeline/pixels/open-image.ts";
import { pixelKernel } from "../../sky/beam.ts";
import { type Command, EXIT, stringOption } from "../command.ts";
import { beamOption, IMAGE_OPTIONS, imageArgument } from "../image-options.ts";

/** Cards that say where the pixels of axes 1 and 2 are and what they measure. */
const KEPT =
	/^((CTYPE|CRVAL|CRPIX|CDELT|CUNIT|CROTA)[12]|(CD|PC)[12]_[12]|PV[12]_\d+|RADESYS|EQUINOX|LONPOLE|LATPOLE|BMAJ|BMIN|BPA|DATE-OBS|MJD-OBS|TELESCOP|OBJECT)$/;

const cardsOf = (header: FitsHeader): CardToWrite[] =>
	[...header.entries()]
		.filter(([keyword, value]) => KEPT.test(keyword) && value !== undefined)
		.map(([keyword, value]) => [keyword, value as string | number | boolean]);

const withoutExtension = (path: string) => path.replace(/\.(fits?|fts)(\.(gz|fz))?$/i, "");

export const command: Command = {
	name: "background",
	summary: "make the background and noise maps of an image",
	usage: "background IMAGE [--out NAME]",
	description: [
		"Writes NAME.bkg.fits and NAME.rms.fits (Jy/beam, on the image's own pixels): the maps that measure and find make for",
		"themselves when none are given, and that caustic run takes when they lie beside an image. Bright islands are masked, the",
		"rest is summed in tiles of four beams within 3 sigma, smoothed, and corrected for the cut. Blank pixels stay blank.",
	].join("\n"),
	examples: ["caustic background image.fits", "caustic background image.fits --out maps/image"],
	options: {
		out: {
			type: "string",
			value: "NAME",
			help: "path of the maps, less .bkg.fits and .rms.fits",
			default: "beside the image",
		},
		beam: IMAGE_OPTIONS.beam,
		json: { type: "boolean", help: "print the result as JSON, for machines" },
	},

	async run(invocation) {
		const path = imageArgument(invocation, "background");
		const given = beamOption(invocation);
		const { plane, wcs, header, beam: own } = await readFitsImage(path, { requireBeam: given === undefined });
		const beam = given ?? own;
		if (beam === undefined) throw new CausticError("no-beam", "there is no restoring beam", { subject: path });
		const maps = naming(path, () => backgroundAndNoise(plane, pixelKernel(beam, wcs.referenceJacobian)));
		const name = stringOption(invocation, "out") ?? withoutExtension(path);
		const cards: CardToWrite[] = [["BUNIT", "Jy/beam"], ...cardsOf(header)];
		const written = { background: `${name}.bkg.fits`, noise: `${name}.rms.fits` };
		await writeFitsImage(written.background, maps.background, cards);
		await writeFitsImage(written.noise, maps.noise, cards);
		if (invocation.options.json === true) process.stdout.write(`${JSON.stringify(written)}\n`);
		else process.stdout.write(`${written.background}\n${written.noise}\n`);
		return EXIT.done;
	},
};
