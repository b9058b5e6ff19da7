import { badInput } from "../../error.ts";
import type { Column, Table } from "../../formats/table/table.ts";
import { findInImage } from "../../pipeline/pixels/find-in-image.ts";
import { type Command, EXIT, numberOption, stringOption } from "../command.ts";
import { beamOption, checkOut, IMAGE_OPTIONS, imageArgument, writeResult } from "../image-options.ts";

export const command: Command = {
	name: "find",
	summary: "find the sources of an image and fit them",
	usage: "find IMAGE [--noise FITS] [--background FITS] [--seed 5] [--flood 4] [--out FILE]",
	description: [
		"Islands above the flood level with a pixel above the seed are fitted by Gaussians, one for each summit. Errors are",
		"those of the fit under the noise correlation measured in the image, for peak and integrated flux, position, shape.",
	].join("\n"),
	examples: [
		"caustic find image.fits --out components.csv",
		"caustic find image.fits --noise rms.fits --background bkg.fits --seed 6 --out components.vot",
	],
	options: {
		seed: { type: "string", value: "N", help: "an island needs a pixel above this many local rms", default: "5" },
		flood: { type: "string", value: "N", help: "islands grow down to this many local rms", default: "4" },
		...IMAGE_OPTIONS,
	},

	async run(invocation) {
		const image = imageArgument(invocation, "find");
		const seedSigma = numberOption(invocation, "seed", 5, 2, 1000);
		const floodSigma = numberOption(invocation, "flood", Math.min(4, seedSigma), 1, 1000);
		if (floodSigma > seedSigma) {
			throw badInput("bad-option", `${floodSigma} is above the seed, ${seedSigma}`, {
				subject: "--flood",
				remedy: "Give a flood level at or below the seed",
			});
		}
		checkOut(invocation);
		const beam = beamOption(invocation);
		const found = await findInImage({
			paths: {
				image,
				noise: stringOption(invocation, "noise") ?? null,
				background: stringOption(invocation, "background") ?? null,
			},
			settings: { seedSigma, floodSigma, blendRadiusBeams: 2.5, upperLimitSigma: 3, beamGeometry: "source" },
			...(beam === undefined ? {} : { beam }),
		});
		const number = (name: string, unit: string, values: Float64Array): Column => ({
			name,
			kind: "number",
			unit,
			values,
		});
		const table: Table = {
			name: "components",
			rows: found.n,
			columns: [
				{
					name: "source_id",
					kind: "text",
					values: Array.from(found.islandId, (island, i) => `${island}.${found.componentId[i]}`),
				},
				{ name: "island_id", kind: "integer", values: Float64Array.from(found.islandId) },
				number("ra_deg", "deg", found.raDeg),
				number("ra_err_arcsec", "arcsec", found.raErrArcsec),
				number("dec_deg", "deg", found.decDeg),
				number("dec_err_arcsec", "arcsec", found.decErrArcsec),
				number("peak_flux_jy", "Jy/beam", found.peakJy),
				number("peak_flux_err_jy", "Jy/beam", found.peakErrJy),
				number("int_flux_jy", "Jy", found.intJy),
				number("int_flux_err_jy", "Jy", found.intErrJy),
				number("major_arcsec", "arcsec", found.majorArcsec),
				number("major_err_arcsec", "arcsec", found.majorErrArcsec),
				number("minor_arcsec", "arcsec", found.minorArcsec),
				number("minor_err_arcsec", "arcsec", found.minorErrArcsec),
				number("pa_deg", "deg", found.paDeg),
				number("pa_err_deg", "deg", found.paErrDeg),
				number("local_rms_jy", "Jy/beam", found.localRmsJy),
				number("background_jy", "Jy/beam", found.backgroundJy),
				number("snr", "", found.snr),
				{ name: "flags", kind: "text", values: found.flags.map((flags) => flags || null) },
			],
		};
		await writeResult(invocation, table);
		return EXIT.done;
	},
};
