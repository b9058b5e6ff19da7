import { badInput } from "../../error.ts";
import { readCatalogue } from "../../formats/catalogue.ts";
import type { Column, Table } from "../../formats/table/table.ts";
import { measureInImage } from "../../pipeline/pixels/measure-in-image.ts";
import type { PhotometrySettings } from "../../pipeline/pixels/tasks.ts";
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
import { ADAPTIVE_OPTIONS, measureAdaptive } from "../measure-adaptive.ts";

const UNITS: Record<string, string> = {
	ra_deg: "deg",
	dec_deg: "deg",
	x_pix: "pix",
	y_pix: "pix",
	flux_jy: "Jy/beam",
	flux_err_jy: "Jy/beam",
	local_rms_jy: "Jy/beam",
	upper_limit_jy: "Jy/beam",
};

export const command: Command = {
	name: "measure",
	summary: "forced photometry of an image at given positions, with true errors",
	usage: "measure IMAGE --at FILE [--noise FITS] [--background FITS] [--adaptive [IMAGE...]] [--out FILE]",
	description: [
		"Measures the peak flux density at catalogue positions, one row per row of the catalogue and in its order. Sources",
		"closer than 2.5 beams are solved together. flux_err_jy is the standard error of the estimate with the correlation",
		"of the noise as measured in the image; local_rms_jy is the map's. What cannot be measured is empty and flagged.",
		"A source whose catalogue gives a fitted size (major_arcsec, minor_arcsec, pa_deg) significantly above the beam is",
		"measured with that shape and flagged resolved; its flux is the peak of that shape.",
		"With --adaptive, several images of one epoch or the channels of a cube are measured, each read once, and neighbouring",
		"subbands are averaged (weights 1/error^2) until the target signal to noise: one row per bin of frequencies.",
	].join("\n"),
	examples: [
		"caustic measure image.fits --at positions.csv --out fluxes.csv",
		"caustic measure image.fits --at sources.vot --noise rms.fits --background bkg.fits",
		"caustic measure cube.fits --at sources.csv --adaptive --target-snr 5 --out bins.csv",
		"caustic measure sub*.fits --at sources.csv --adaptive --noise '{name}.rms.fits' --out bins.csv",
	],
	options: {
		at: {
			type: "string",
			value: "FILE",
			help: "positions: CSV, VOTable, Parquet or FITS table with ra_deg, dec_deg (ICRS)",
		},
		"blend-radius": {
			type: "string",
			value: "BEAMS",
			help: "sources closer than this many major axes are solved together",
			default: "2.5",
		},
		"limit-sigma": {
			type: "string",
			value: "N",
			help: "fluxes below this many errors carry an upper limit",
			default: "3",
		},
		geometry: {
			type: "string",
			value: "WHERE",
			help: "pixel geometry of the beam: at the reference point or at each source",
			default: "reference",
		},
		weights: {
			type: "string",
			value: "HOW",
			help: "least-squares (1/noise^2) or optimal: generalised least squares under the noise correlation",
			default: "least-squares",
		},
		"catalog-beam": CATALOG_BEAM,
		...ADAPTIVE_OPTIONS,
		...IMAGE_OPTIONS,
	},

	async run(invocation) {
		const isAdaptive = invocation.options.adaptive === true;
		if (isAdaptive && invocation.args.length === 0) imageArgument(invocation, "measure");
		const image = isAdaptive ? invocation.args[0] : imageArgument(invocation, "measure");
		const at = stringOption(invocation, "at");
		if (at === undefined) {
			throw badInput("bad-usage", "no positions were given", {
				subject: "--at",
				remedy: "Name a table with ra_deg and dec_deg, for instance --at positions.csv",
			});
		}
		const geometry = stringOption(invocation, "geometry") ?? "reference";
		if (geometry !== "reference" && geometry !== "source") {
			throw badInput("bad-option", `${JSON.stringify(geometry)} is neither reference nor source`, {
				subject: "--geometry",
			});
		}
		const weights = stringOption(invocation, "weights") ?? "least-squares";
		if (weights !== "least-squares" && weights !== "optimal") {
			throw badInput("bad-option", `${JSON.stringify(weights)} is neither least-squares nor optimal`, {
				subject: "--weights",
			});
		}
		const settings: PhotometrySettings = {
			seedSigma: 5,
			floodSigma: 4,
			blendRadiusBeams: numberOption(invocation, "blend-radius", 2.5, 0, 100),
			upperLimitSigma: numberOption(invocation, "limit-sigma", 3, 0.1, 100),
			beamGeometry: geometry,
			weights,
		};
		if (isAdaptive) return measureAdaptive(invocation, at, settings);
		checkOut(invocation);
		const catalogue = await readCatalogue(at, { mayRepeat: true });
		for (const note of catalogue.notes) process.stderr.write(`caustic: ${at}: ${note}\n`);
		const beam = beamOption(invocation);
		const measured = await measureInImage({
			paths: {
				image,
				noise: stringOption(invocation, "noise") ?? null,
				background: stringOption(invocation, "background") ?? null,
			},
			settings,
			raDeg: catalogue.raDeg,
			decDeg: catalogue.decDeg,
			shapes: { ...catalogue, beam: beamOption(invocation, "catalog-beam") },
			...(beam === undefined ? {} : { beam }),
		});
		const number = (name: string, values: Float64Array): Column => ({
			name,
			kind: "number",
			...(UNITS[name] === undefined ? {} : { unit: UNITS[name] }),
			values,
		});
		const count = (name: string, values: Int32Array): Column => ({
			name,
			kind: "integer",
			values: Float64Array.from(values, (value, i) => (Number.isNaN(measured.fluxJy[i]) ? Number.NaN : value)),
		});
		const table: Table = {
			name: "forced_photometry",
			rows: catalogue.raDeg.length,
			columns: [
				{ name: "source_id", kind: "text", values: catalogue.sourceId },
				number("ra_deg", catalogue.raDeg),
				number("dec_deg", catalogue.decDeg),
				number("x_pix", measured.x),
				number("y_pix", measured.y),
				number("flux_jy", measured.fluxJy),
				number("flux_err_jy", measured.fluxErrJy),
				number("local_rms_jy", measured.localRmsJy),
				number("snr", measured.snr),
				number("chi2", measured.chi2),
				count("dof", measured.dof),
				count("n_blend", measured.nBlend),
				number("upper_limit_jy", measured.upperLimitJy),
				{ name: "flags", kind: "text", values: measured.flags.map((flags) => flags || null) },
			],
		};
		await writeResult(invocation, table);
		return reportProblems(at, catalogue.problems);
	},
};
