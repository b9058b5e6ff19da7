import { badInput } from "../../error.ts";
import { readCatalogue } from "../../formats/catalogue.ts";
import type { Column, Table } from "../../formats/table/table.ts";
import { findInImage } from "../../pipeline/pixels/find-in-image.ts";
import { type Command, numberOption, stringOption } from "../command.ts";
import {
	beamOption,
	CATALOG_BEAM,
	checkOut,
	IMAGE_OPTIONS,
	imageArgument,
	reportProblems,
	writeResult,
} from "../image-options.ts";

export const command: Command = {
	name: "find",
	summary: "find the sources of an image and fit them",
	usage: "find IMAGE [--noise FITS] [--background FITS] [--seed 5] [--flood 4] [--priorised FILE] [--out FILE]",
	description: [
		"Islands above the flood level with a pixel above the seed are fitted by Gaussians, one for each summit. Errors are",
		"those of the fit under the noise correlation measured in the image, for peak and integrated flux, position, shape.",
		"With --priorised, fits at the places of a catalogue instead, one row per row of it: stage 1 fluxes, stage 2 positions",
		"too (within half of the beam's sigma), stage 3 shapes too (within a factor of 1.25).",
	].join("\n"),
	examples: [
		"caustic find image.fits --out components.csv",
		"caustic find image.fits --noise rms.fits --background bkg.fits --seed 6 --out components.vot",
		"caustic find stokes-v.fits --negative --out components.csv",
		"caustic find image.fits --priorised components.csv --stage 2 --out refitted.csv",
	],
	options: {
		seed: { type: "string", value: "N", help: "an island needs a pixel above this many local rms", default: "5" },
		flood: { type: "string", value: "N", help: "islands grow down to this many local rms", default: "4" },
		negative: { type: "boolean", help: "look for negative sources as well (Stokes Q, U, V)" },
		priorised: {
			type: "string",
			value: "FILE",
			help: "fit at these positions (CSV, VOTable, Parquet or FITS table with ra_deg, dec_deg), do not search",
		},
		stage: { type: "string", value: "N", help: "what a priorised fit adjusts: 1, 2 or 3", default: "1" },
		"catalog-beam": CATALOG_BEAM,
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
		const at = stringOption(invocation, "priorised");
		const stage = numberOption(invocation, "stage", 1, 1, 3);
		if (stage !== 1 && stage !== 2 && stage !== 3) {
			throw badInput("bad-option", `${stage} is no stage`, { subject: "--stage", remedy: "Give 1, 2 or 3" });
		}
		const catalogue = at === undefined ? undefined : await readCatalogue(at, { mayRepeat: true });
		const found = await findInImage({
			paths: {
				image,
				noise: stringOption(invocation, "noise") ?? null,
				background: stringOption(invocation, "background") ?? null,
			},
			settings: { seedSigma, floodSigma, blendRadiusBeams: 2.5, upperLimitSigma: 3, beamGeometry: "reference" },
			negative: invocation.options.negative === true,
			...(catalogue === undefined
				? {}
				: {
						priorised: { ...catalogue, shapes: { ...catalogue, beam: beamOption(invocation, "catalog-beam") }, stage },
					}),
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
					values: catalogue?.sourceId ?? Array.from(found.islandId, (island, i) => `${island}.${found.componentId[i]}`),
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
		return reportProblems(at ?? "", catalogue?.problems ?? []);
	},
};
