import { badInput } from "../error.ts";
import type { NoiseCorrelation } from "./correlated-noise.ts";

/** What a simulated survey is like. Angles in the units of the names; frequencies MHz; fluxes Jy (peak: Jy/beam). */
export interface SurveyOptions {
	seed: number;
	/** Pixels along each side of an image, and their size. */
	size: number;
	pixelArcsec: number;
	raDeg: number;
	decDeg: number;
	epochs: number;
	startMjd: number;
	/** Sidereal days between epochs, least and most. */
	cadenceDays: readonly [number, number];
	frequenciesMhz: readonly number[];
	bandwidthMhz: number;
	/** Exposure of an image, seconds. */
	exposureS: number;
	/** Restoring beam at 1400 MHz; its widths scale as 1/frequency. */
	beamMajorArcsec: number;
	beamMinorArcsec: number;
	beamPaDeg: number;
	sources: number;
	/** Range of flux density at 1400 MHz, drawn as N(>S) ~ S^-0.6. */
	fluxRangeJy: readonly [number, number];
	/** When given, fluxes are the local noise times a ratio from this range, uniform in the logarithm. */
	snrRange: readonly [number, number] | undefined;
	/** Noise at the centre of the field, and by what share of it it has risen in the corners. */
	noiseJy: number;
	noiseRise: number;
	noiseCorrelation: NoiseCorrelation;
	/** Peak of a smooth background, in units of the central noise. */
	background: number;
	/** How many of the sources are close pairs (two sources each), 0.5 to 2.5 beams apart. */
	pairs: number;
	/** Pixels without data: a border of this width, and so many round holes. */
	blankBorder: number;
	holes: number;
	/** Nothing varies, nothing is missing, every gain is 1. */
	steady: boolean;
}

/** One field, 48 epochs in ten months, four subbands, 60 sources: two minutes' work for the whole pipeline. */
export const EXAMPLE_SURVEY: SurveyOptions = {
	seed: 1,
	size: 512,
	pixelArcsec: 2,
	raDeg: 187.3,
	decDeg: 37.5,
	epochs: 48,
	startMjd: 60310.35,
	cadenceDays: [5, 7],
	frequenciesMhz: [888, 1367, 1656, 2300],
	bandwidthMhz: 64,
	exposureS: 309.24,
	beamMajorArcsec: 13,
	beamMinorArcsec: 9.5,
	beamPaDeg: 30,
	sources: 60,
	fluxRangeJy: [0.005, 1],
	snrRange: undefined,
	noiseJy: 0.0005,
	noiseRise: 0.5,
	noiseCorrelation: "beam",
	background: 0,
	pairs: 0,
	blankBorder: 0,
	holes: 0,
	steady: false,
};

const RANGES: [keyof SurveyOptions, number, number, boolean][] = [
	["seed", 0, 2 ** 32 - 1, true],
	["size", 64, 16_384, true],
	["pixelArcsec", 1e-4, 600, false],
	["raDeg", 0, 360, false],
	["decDeg", -90, 90, false],
	["epochs", 1, 10_000, true],
	["startMjd", 40_000, 100_000, false],
	["bandwidthMhz", 1e-3, 1e5, false],
	["exposureS", 0.1, 86_400, false],
	["beamMajorArcsec", 1e-4, 3600, false],
	["beamMinorArcsec", 1e-4, 3600, false],
	["beamPaDeg", -360, 360, false],
	["sources", 1, 1_000_000, true],
	["noiseJy", 1e-12, 1e3, false],
	["noiseRise", 0, 10, false],
	["background", -100, 100, false],
	["pairs", 0, 500_000, true],
	["blankBorder", 0, 8000, true],
	["holes", 0, 1000, true],
];

/** @throws CausticError `bad-option` naming the option that is out of range. */
export function checkSurveyOptions(options: SurveyOptions): void {
	const refuse = (subject: string, message: string, remedy?: string): never => {
		throw badInput("bad-option", message, { subject, remedy });
	};
	for (const [name, low, high, isWhole] of RANGES) {
		const value = options[name] as number;
		if (value >= low && value <= high && (!isWhole || Number.isInteger(value))) continue;
		refuse(name, `${value} is not ${isWhole ? "a whole number" : "a number"} from ${low} to ${high}`);
	}
	const { frequenciesMhz, cadenceDays, fluxRangeJy, snrRange, sources, pairs, beamMajorArcsec, beamMinorArcsec } =
		options;
	if (
		frequenciesMhz.length < 1 ||
		frequenciesMhz.length > 64 ||
		frequenciesMhz.some((mhz) => !(mhz >= 10 && mhz <= 1e6))
	) {
		refuse("frequenciesMhz", "1 to 64 frequencies from 10 to 1,000,000 MHz are wanted");
	}
	for (const [name, range] of Object.entries({ cadenceDays, fluxRangeJy, snrRange: snrRange ?? [1, 2] })) {
		const [low, high] = range as [number, number];
		if (!(low > 0 && high >= low && high < 1e6)) refuse(name, `${low} to ${high} is not a positive range`);
	}
	if (2 * pairs > sources) refuse("pairs", `${pairs} pairs are more than ${sources} sources`);
	if (beamMinorArcsec > beamMajorArcsec) refuse("beamMinorArcsec", "the minor axis exceeds the major one");
	const narrowest = (beamMinorArcsec * 1400) / Math.max(...frequenciesMhz) / options.pixelArcsec;
	if (narrowest < 2) {
		refuse(
			"pixelArcsec",
			`the beam is ${narrowest.toFixed(2)} pixels wide at the highest frequency`,
			"Use smaller pixels",
		);
	}
}
