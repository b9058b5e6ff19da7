import { badInput } from "../error.ts";

export interface LightCurveSkyOptions {
	seed: number;
	fields: number;
	sourcesPerField: number;
	/** Chance that a source is lensed, and the ranges of the lenses. */
	eventFraction: number;
	alphaRange: readonly [number, number];
	betaRange: readonly [number, number];
	/** Width of the dip at 1400 MHz, days. */
	widthRange: readonly [number, number];
	/** Lensed share of the flux. */
	amplitudeRange: readonly [number, number];
	/** Faintest source that is lensed, Jy. */
	faintestHostJy: number;
	/** Epochs per field are multiplied by this: below 1 for quick looks. */
	epochFactor: number;
}

/** A sky with the mix of classes of a wide radio survey, three sources in a hundred lensed. */
export const DEFAULT_SKY: LightCurveSkyOptions = {
	seed: 1,
	fields: 20,
	sourcesPerField: 105,
	eventFraction: 0.0286,
	alphaRange: [2.5, 80],
	betaRange: [0.15, 2],
	widthRange: [20, 150],
	amplitudeRange: [0.5, 1],
	faintestHostJy: 0.03,
	epochFactor: 1,
};

/** @throws CausticError `bad-option` by the name of what is out of range */
export function checkSkyOptions(options: LightCurveSkyOptions): void {
	const refuse = (subject: string, message: string) => {
		throw badInput("bad-option", message, { subject });
	};
	if (!Number.isInteger(options.seed)) refuse("seed", "is not a whole number");
	if (!Number.isInteger(options.fields) || options.fields < 1 || options.fields > 1000)
		refuse("fields", "is not a whole number from 1 to 1000");
	if (!Number.isInteger(options.sourcesPerField) || options.sourcesPerField < 1 || options.sourcesPerField > 20_000)
		refuse("sources", "is not a whole number from 1 to 20000");
	if (!(options.eventFraction >= 0 && options.eventFraction <= 1)) refuse("events", "is not a share from 0 to 1");
	if (!(options.epochFactor > 0 && options.epochFactor <= 20)) refuse("epochs", "is not a factor from 0 to 20");
	for (const [name, [low, high], least, most] of [
		["alpha", options.alphaRange, 0.1, 1000],
		["beta", options.betaRange, 0.05, 10],
		["width", options.widthRange, 1, 2000],
		["amplitude", options.amplitudeRange, 0, 1],
	] as const)
		if (!(low >= least && high >= low && high <= most)) refuse(name, `is not a range within ${least} to ${most}`);
	if (!(options.faintestHostJy >= 0)) refuse("faintest", "is not a flux in Jy");
}
