import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { badInput, CausticError } from "../../error.ts";
import { writeFitsImage } from "../../formats/fits/write.ts";
import { writeTable } from "../../formats/table/write.ts";
import { NOISE_CORRELATIONS, type NoiseCorrelation } from "../../simulation/correlated-noise.ts";
import { planSurvey, type Survey } from "../../simulation/survey.ts";
import { imageCards, SurveyPainter } from "../../simulation/survey-image.ts";
import { EXAMPLE_SURVEY, type SurveyOptions } from "../../simulation/survey-options.ts";
import { type Command, EXIT, type Invocation, JSON_OPTION, numberOption, stringOption } from "../command.ts";
import { progressOn } from "../progress.ts";
import { catalogueTable, fluxTable, truthTable } from "./sky-truth.ts";

const example = EXAMPLE_SURVEY;

/** Two numbers as `LOW,HIGH`. */
function rangeOption(invocation: Invocation, name: string): [number, number] | undefined {
	const text = stringOption(invocation, name);
	if (text === undefined) return undefined;
	const numbers = listOption(invocation, name) as number[];
	if (numbers.length === 2) return [numbers[0], numbers[1]];
	throw badInput("bad-option", `${JSON.stringify(text)} is not LOW,HIGH`, { subject: `--${name}` });
}

function listOption(invocation: Invocation, name: string): number[] | undefined {
	const text = stringOption(invocation, name);
	if (text === undefined) return undefined;
	const numbers = text.split(",").map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
	if (numbers.every(Number.isFinite)) return numbers;
	throw badInput("bad-option", `${JSON.stringify(text)} is not a list of numbers separated by commas`, {
		subject: `--${name}`,
	});
}

function correlationOption(invocation: Invocation): NoiseCorrelation {
	const text = stringOption(invocation, "noise-correlation") ?? example.noiseCorrelation;
	const known = NOISE_CORRELATIONS.find((name) => name === text);
	if (known !== undefined) return known;
	throw badInput("bad-option", `${JSON.stringify(text)} is none of ${NOISE_CORRELATIONS.join(", ")}`, {
		subject: "--noise-correlation",
	});
}

/** The survey that the command line describes; ranges are checked when it is planned. */
function surveyOptions(invocation: Invocation): SurveyOptions {
	const number = (name: string, fallback: number) => numberOption(invocation, name, fallback);
	const beam = listOption(invocation, "beam") ?? [example.beamMajorArcsec, example.beamMinorArcsec, example.beamPaDeg];
	if (beam.length !== 3) {
		throw badInput("bad-option", "the beam is three numbers", { subject: "--beam", remedy: "Give MAJOR,MINOR,PA" });
	}
	return {
		seed: number("seed", example.seed),
		size: number("size", example.size),
		pixelArcsec: number("pixel", example.pixelArcsec),
		raDeg: number("ra", example.raDeg),
		decDeg: number("dec", example.decDeg),
		epochs: number("epochs", example.epochs),
		startMjd: number("start", example.startMjd),
		cadenceDays: rangeOption(invocation, "cadence") ?? example.cadenceDays,
		frequenciesMhz: listOption(invocation, "frequencies") ?? example.frequenciesMhz,
		bandwidthMhz: number("bandwidth", example.bandwidthMhz),
		exposureS: number("exposure", example.exposureS),
		beamMajorArcsec: beam[0],
		beamMinorArcsec: beam[1],
		beamPaDeg: beam[2],
		sources: number("sources", example.sources),
		fluxRangeJy: rangeOption(invocation, "flux") ?? example.fluxRangeJy,
		snrRange: rangeOption(invocation, "snr"),
		noiseJy: number("noise", example.noiseJy),
		noiseRise: number("noise-rise", example.noiseRise),
		noiseCorrelation: correlationOption(invocation),
		background: number("background", example.background),
		pairs: number("pairs", example.pairs),
		blankBorder: number("blank-border", example.blankBorder),
		holes: number("holes", example.holes),
		steady: invocation.options.steady === true,
	};
}

/** Option by the name of what it sets, where they differ. */
const OPTION: Record<string, string> = {
	pixelArcsec: "pixel",
	raDeg: "ra",
	decDeg: "dec",
	startMjd: "start",
	cadenceDays: "cadence",
	frequenciesMhz: "frequencies",
	bandwidthMhz: "bandwidth",
	exposureS: "exposure",
	beamMajorArcsec: "beam",
	beamMinorArcsec: "beam",
	beamPaDeg: "beam",
	fluxRangeJy: "flux",
	snrRange: "snr",
	noiseJy: "noise",
	noiseRise: "noise-rise",
	blankBorder: "blank-border",
};

function plan(options: SurveyOptions): Survey {
	try {
		return planSurvey(options);
	} catch (error) {
		if (!(error instanceof CausticError) || error.subject === undefined) throw error;
		const { code, message, remedy, subject } = error;
		throw badInput(code, message, { subject: `--${OPTION[subject] ?? subject}`, remedy, cause: error });
	}
}

const imageName = (survey: Survey, epoch: number, subband: number) =>
	`epoch-${String(survey.epochs[epoch].number).padStart(3, "0")}-${Math.round(survey.subbands[subband].frequencyMhz)}MHz`;

async function run(invocation: Invocation): Promise<number> {
	const [folder, ...more] = invocation.args;
	if (folder === undefined || more.length > 0) {
		throw badInput("bad-usage", "one folder to write to is needed", {
			subject: "caustic simulate sky",
			remedy: "See caustic simulate sky --help",
		});
	}
	const survey = plan(surveyOptions(invocation));
	const painter = new SurveyPainter(survey);
	const gzip = invocation.options.gzip === true;
	const suffix = gzip ? ".fits.gz" : ".fits";
	const images = join(folder, "images");
	const total = survey.epochs.reduce((sum, { subbands }) => sum + subbands.filter((band) => !band.isMissing).length, 0);
	const progress = progressOn("images");
	let written = 0;
	try {
		for (let first = 0; first < survey.epochs.length; first += 2) {
			for (let band = 0; band < survey.subbands.length; band++) {
				const planes = painter.paint(first, band);
				for (let i = 0; i < planes.length; i++) {
					const epoch = first + i;
					if (survey.epochs[epoch].subbands[band].isMissing) continue;
					invocation.signal.throwIfAborted();
					const name = join(images, imageName(survey, epoch, band));
					const cards = imageCards(survey, epoch, band);
					await writeFitsImage(`${name}${suffix}`, planes[i], cards, { gzip });
					if (invocation.options.maps === true) {
						const write = (kind: string, plane: Parameters<typeof writeFitsImage>[1]) =>
							writeFitsImage(`${name}.${kind}${suffix}`, plane, cards, { gzip });
						await write("rms", painter.rms(epoch, band));
						await write("bkg", painter.background());
					}
					written += 1;
					progress.update(written, total, imageName(survey, epoch, band));
				}
			}
		}
	} finally {
		progress.end();
	}
	await writeTable(join(folder, "catalogue.csv"), catalogueTable(survey));
	await writeTable(join(folder, "truth.csv"), truthTable(survey, painter));
	await writeTable(join(folder, "truth-fluxes.csv"), fluxTable(survey));
	const { options, epochs, subbands, gainJumps, lens, flare } = survey;
	const truth = {
		options,
		subbands: subbands.map(({ frequencyMhz, beam }) => ({ frequencyMhz, beam })),
		epochs,
		gainJumps,
		lens: lens ?? null,
		flare: flare ?? null,
	};
	await writeFile(join(folder, "truth.json"), `${JSON.stringify(truth, null, "\t")}\n`);
	const result = { folder, images, written, sources: survey.sources.length, seed: options.seed };
	process.stdout.write(
		invocation.options.json === true
			? `${JSON.stringify(result)}\n`
			: `${written} images of ${survey.sources.length} sources are in ${images}; the truth is in ${join(folder, "truth.csv")}\n`,
	);
	return EXIT.done;
}

const value = (metavar: string, help: string, fallback?: number | string) => ({
	type: "string" as const,
	value: metavar,
	help,
	...(fallback === undefined ? {} : { default: String(fallback) }),
});

export const subcommand: Command = {
	name: "simulate sky",
	summary: "FITS images of a survey: epochs x subbands of one field",
	usage: "simulate sky FOLDER [options]",
	description:
		"Draws a field of sources as an array would see it again and again: correlated noise, a flux scale that jitters,\n" +
		"tilts and jumps for the whole field, missing images, scintillation, one flare, and one extreme scattering event by\n" +
		"the plasma lens of Clegg, Fey & Lazio (1998).\n\n" +
		"Writes FOLDER/images/*.fits, catalogue.csv (positions), truth.csv (sources), truth-fluxes.csv (true flux of every\n" +
		"source in every image, and with the flux scale of the image) and truth.json (epochs, gains, events).\n\n" +
		"--snr makes test images instead: one flux per source, uniform in log SNR, nothing varies.",
	examples: [
		"caustic simulate sky example/ --seed 1",
		"caustic simulate sky test/ --epochs 1 --frequencies 1400 --size 4096 --pixel 1.5 --beam 9,6.75,30 --sources 10000 --pairs 1000 --snr 1,1000 --steady --maps --noise-correlation white",
	],
	options: {
		seed: value("N", "seed of every random number", example.seed),
		epochs: value("N", "epochs scheduled (a few images go missing)", example.epochs),
		frequencies: value("MHZ,...", "centres of the subbands", example.frequenciesMhz.join(",")),
		bandwidth: value("MHZ", "width of a subband", example.bandwidthMhz),
		sources: value("N", "sources in the field", example.sources),
		flux: value("LOW,HIGH", "flux densities at 1400 MHz, Jy", example.fluxRangeJy.join(",")),
		snr: value("LOW,HIGH", "signal to noise instead of --flux"),
		pairs: value("N", "so many pairs among the sources, 0.5 to 2.5 beams apart", example.pairs),
		noise: value("JY", "noise at the centre, Jy/beam", example.noiseJy),
		"noise-rise": value("SHARE", "rise of the noise towards the corners", example.noiseRise),
		"noise-correlation": value("KIND", NOISE_CORRELATIONS.join(", "), example.noiseCorrelation),
		background: value("N", "smooth background, in units of the noise", example.background),
		size: value("PIXELS", "image side", example.size),
		pixel: value("ARCSEC", "pixel size", example.pixelArcsec),
		beam: value("MAJ,MIN,PA", "beam at 1400 MHz: arcsec, arcsec, degrees; its size goes as 1/frequency", "13,9.5,30"),
		ra: value("DEG", "centre of the field", example.raDeg),
		dec: value("DEG", "centre of the field", example.decDeg),
		start: value("MJD", "first epoch", example.startMjd),
		cadence: value("LEAST,MOST", "sidereal days between epochs", example.cadenceDays.join(",")),
		exposure: value("S", "length of an observation", example.exposureS),
		"blank-border": value("PIXELS", "border without data", example.blankBorder),
		holes: value("N", "round holes without data", example.holes),
		steady: { type: "boolean", help: "nothing varies, nothing is missing, every gain is 1" },
		maps: { type: "boolean", help: "also write the true noise and background maps (.rms.fits, .bkg.fits)" },
		gzip: { type: "boolean", help: "write .fits.gz" },
		...JSON_OPTION,
	},
	run,
};
