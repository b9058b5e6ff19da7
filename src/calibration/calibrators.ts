import { badInput } from "../error.ts";
import { separationDeg } from "../sky/separation.ts";
import type { BandLetter, Calibrator, CalibratorBand } from "./calibrator-list.ts";
import { STANDARD_SOURCES, type StandardSource, standardFluxJy, standardSource } from "./flux-scale.ts";

/** A flux density with its standard error and how it was come by. */
export interface CalibratorFlux {
	fluxJy: number;
	fluxErrJy: number;
	origin: "perley-butler-2017" | "list" | "interpolated" | "extrapolated";
	/** The bands of the list it rests on. */
	bands: BandLetter[];
}

/** Fractional accuracy of the absolute scale, Perley & Butler 2017, section 6. */
const SCALE_ERROR = 0.03;
/** The list's own flux densities: sources vary and epochs differ. */
const LIST_ERROR = 0.1;
/** Scatter of ln S about a line between a band above and a band below, from sources of the list that have all three. */
const INTERPOLATION_ERROR = 0.14;
/** A band's number counts as measured at a frequency within this of the band's own, in ln. */
const SAME_BAND = 0.2;
/** Typical spectral index of the list's sources towards low frequencies, and how far a source's own slope is believed. */
const TYPICAL_SLOPE = -0.05;
const OWN_SLOPE_WEIGHT = 0.3;

/** Names of the list, of catalogues and of positions that mean the same: without case, blanks and a leading J or B. */
const key = (name: string) => name.toUpperCase().replaceAll(/[\s_]/g, "");

/** The source of a list by any of its names (`1331+305`, `J1331+3030`, `3C286`); undefined when there is none. */
export function calibratorByName(calibrators: readonly Calibrator[], name: string): Calibrator | undefined {
	const wanted = key(name);
	const byName = calibrators.find((each) => [each.name, ...each.aliases].some((other) => key(other) === wanted));
	if (byName !== undefined) return byName;
	const standard = standardSource(name);
	return standard === undefined ? undefined : nearest(calibrators, standard.raDeg, standard.decDeg, 1 / 60);
}

/** The source of a list nearest to an ICRS place within a distance, degrees; undefined when none is so near. */
export function nearest(
	calibrators: readonly Calibrator[],
	raDeg: number,
	decDeg: number,
	withinDeg: number,
): Calibrator | undefined {
	let best: Calibrator | undefined;
	let least = withinDeg;
	for (const each of calibrators) {
		if (Math.abs(each.decDeg - decDeg) > least) continue;
		const distance = separationDeg(raDeg, decDeg, each.raDeg, each.decDeg);
		if (distance <= least) {
			best = each;
			least = distance;
		}
	}
	return best;
}

/** The standard source at the place of a calibrator, undefined when it is none. */
export const standardOf = (calibrator: Pick<Calibrator, "raDeg" | "decDeg">): StandardSource | undefined =>
	STANDARD_SOURCES.find(
		(source) => separationDeg(source.raDeg, source.decDeg, calibrator.raDeg, calibrator.decDeg) < 1 / 60,
	);

/** The standard sources as a list of calibrators, for work without a list. */
export const STANDARD_CALIBRATORS: readonly Calibrator[] = STANDARD_SOURCES.map((source) => ({
	name: source.name,
	aliases: [...source.aliases],
	raDeg: source.raDeg,
	decDeg: source.decDeg,
	positionClass: undefined,
	bands: [],
}));

/**
 * Flux density of a calibrator at a frequency in Hz: of the absolute scale for its standard sources, else from the bands
 * of the list, read off, interpolated or extrapolated in log S against log nu with an error that says which; undefined
 * when the list has no flux density at all.
 *
 * The error of an extrapolation is the scatter that the list itself shows when its 20 cm row is predicted from the
 * others: 50 percent from 6 cm alone, 90 percent from 0.7 cm alone. Its spectra bend, so that a slope between two bands is
 * believed to three tenths only.
 */
export function calibratorFlux(calibrator: Calibrator, frequencyHz: number): CalibratorFlux | undefined {
	if (!(frequencyHz > 0 && Number.isFinite(frequencyHz))) {
		throw badInput("bad-option", `${frequencyHz} Hz is not a frequency`, { subject: calibrator.name });
	}
	const standard = standardOf(calibrator);
	if (standard !== undefined && frequencyHz >= standard.fromGHz * 1e9 && frequencyHz <= standard.toGHz * 1e9) {
		const fluxJy = standardFluxJy(standard, frequencyHz);
		return { fluxJy, fluxErrJy: SCALE_ERROR * fluxJy, origin: "perley-butler-2017", bands: [] };
	}
	const measured = calibrator.bands.filter((band) => band.fluxJy !== undefined);
	if (measured.length === 0) return undefined;
	const away = (band: CalibratorBand) => Math.log(frequencyHz / band.frequencyHz);
	const byDistance = [...measured].sort((a, b) => Math.abs(away(a)) - Math.abs(away(b)));
	const [first] = byDistance;
	const flux = (band: CalibratorBand) => band.fluxJy ?? Number.NaN;
	const result = (lnFlux: number, error: number, origin: CalibratorFlux["origin"], bands: CalibratorBand[]) => {
		const fluxJy = Math.exp(lnFlux);
		return { fluxJy, fluxErrJy: error * fluxJy, origin, bands: bands.map((band) => band.band) };
	};
	const slopeOf = (a: CalibratorBand, b: CalibratorBand) =>
		Math.log(flux(a) / flux(b)) / Math.log(a.frequencyHz / b.frequencyHz);
	const other = byDistance.find((band) => away(band) * away(first) < 0);
	if (Math.abs(away(first)) < SAME_BAND) {
		const neighbour = other ?? byDistance[1];
		const slope = neighbour === undefined ? TYPICAL_SLOPE : slopeOf(first, neighbour);
		return result(Math.log(flux(first)) + slope * away(first), LIST_ERROR, "list", [first]);
	}
	if (other !== undefined) {
		const lnFlux = Math.log(flux(first)) + slopeOf(first, other) * away(first);
		return result(lnFlux, Math.hypot(LIST_ERROR, INTERPOLATION_ERROR), "interpolated", [first, other]);
	}
	const second = byDistance[1];
	const own = second === undefined ? TYPICAL_SLOPE : Math.max(-1.5, Math.min(1, slopeOf(first, second)));
	const slope = OWN_SLOPE_WEIGHT * own + (1 - OWN_SLOPE_WEIGHT) * TYPICAL_SLOPE;
	const error = Math.hypot(LIST_ERROR, 0.25 + 0.19 * Math.abs(away(first)));
	return result(
		Math.log(flux(first)) + slope * away(first),
		error,
		"extrapolated",
		second === undefined ? [first] : [first, second],
	);
}

/**
 * Quality of a calibrator for baselines like a VLA configuration's at a frequency: the letter of the nearest band that
 * has one, with its limits of baseline in kilo-wavelengths.
 */
export function calibratorQuality(
	calibrator: Calibrator,
	configuration: "A" | "B" | "C" | "D",
	frequencyHz: number,
): (Pick<CalibratorBand, "band" | "uvMinKilolambda" | "uvMaxKilolambda"> & { letter: string }) | undefined {
	let best: CalibratorBand | undefined;
	for (const band of calibrator.bands) {
		if (band.quality[configuration] === undefined) continue;
		const away = (each: CalibratorBand) => Math.abs(Math.log(frequencyHz / each.frequencyHz));
		if (best === undefined || away(band) < away(best)) best = band;
	}
	if (best === undefined) return undefined;
	const { band, uvMinKilolambda, uvMaxKilolambda, quality } = best;
	return { band, letter: quality[configuration] ?? "?", uvMinKilolambda, uvMaxKilolambda };
}
