import { badInput } from "../error.ts";
import { separationDeg } from "../sky/separation.ts";
import type { Site } from "../sky/site.ts";
import type { Calibrator } from "./calibrator-list.ts";
import { calibratorByName, calibratorFlux, standardOf } from "./calibrators.ts";
import { standardFluxJy } from "./flux-scale.ts";
import type { BeamResponse, ModelSource } from "./sky-model.ts";
import { type Pointing, rankCalibrators } from "./transiting.ts";

/** The calibrator of a set and where its flux density comes from. */
export interface ChosenCalibrator {
	source: ModelSource;
	/** For instance `perley-butler-2017`, `interpolated`, `given`. */
	fluxScale: string;
	/** Standard error of the flux scale as a fraction; NaN where unknown. */
	fluxErrorFraction: number;
}

/** A calibrator as somebody names it: by a name of the lists, or by position and flux density. */
export interface CalibratorRequest {
	name: string | undefined;
	raDeg: number | undefined;
	decDeg: number | undefined;
	/** Flux density at the middle of the band, Jy. */
	fluxJy: number | undefined;
	spectralIndex: number;
}

/**
 * The calibrator that is asked for, or the one that the set contains: of the lists' sources the one with the largest mean
 * apparent flux density through the beam.
 *
 * @throws CausticError when the name is unknown, its flux density is unknown at this frequency, or nothing in the list is in
 * the beam.
 */
export function chooseCalibrator(
	request: CalibratorRequest,
	calibrators: readonly Calibrator[],
	pointings: readonly Pointing[],
	site: Site,
	beam: BeamResponse,
	middleHz: number,
	subject: string,
): ChosenCalibrator {
	const { name, raDeg, decDeg, fluxJy } = request;
	if (raDeg !== undefined && decDeg !== undefined) {
		if (fluxJy === undefined) {
			throw badInput("no-flux", "a calibrator given by position needs its flux density", {
				subject: name ?? "--calibrator-position",
				remedy: "Give --flux JY",
			});
		}
		return given(name ?? "calibrator", raDeg, decDeg, fluxJy, request.spectralIndex, middleHz);
	}
	if (name !== undefined) {
		const known = calibratorByName(calibrators, name);
		if (known === undefined) {
			throw badInput("unknown-calibrator", `no calibrator is called ${name}`, {
				subject: "--calibrator",
				remedy: `Give one of ${calibrators
					.slice(0, 8)
					.map((one) => one.name)
					.join(", ")} ..., a list with --calibrator-list, or its place with --calibrator-position RA,DEC --flux JY`,
			});
		}
		return fluxJy === undefined
			? ofList(known, middleHz, name)
			: given(name, known.raDeg, known.decDeg, fluxJy, request.spectralIndex, middleHz);
	}
	const ranked = rankCalibrators(calibrators, site, pointings, { frequencyHz: middleHz, beam, minApparentJy: 0.5 });
	if (ranked.length > 0) return ofList(ranked[0].calibrator, middleHz, ranked[0].calibrator.name);
	throw badInput("no-calibrator", "no calibrator of the list is in the beam", {
		subject,
		remedy: "Name one with --calibrator, give a larger list with --calibrator-list, or use --model column",
	});
}

function given(
	name: string,
	raDeg: number,
	decDeg: number,
	fluxJy: number,
	spectralIndex: number,
	middleHz: number,
): ChosenCalibrator {
	if (!(fluxJy > 0)) {
		throw badInput("no-flux", `${fluxJy} Jy is no flux density of a calibrator`, {
			subject: name,
			remedy: "Give --flux JY",
		});
	}
	return {
		source: { name, raDeg, decDeg, fluxJy: (f) => fluxJy * (f / middleHz) ** spectralIndex },
		fluxScale: "given",
		fluxErrorFraction: Number.NaN,
	};
}

/** The absolute scale where the source is on it; else the list's flux density at the middle of the band with its slope. */
function ofList(calibrator: Calibrator, middleHz: number, name: string): ChosenCalibrator {
	const flux = calibratorFlux(calibrator, middleHz);
	if (flux === undefined) {
		throw badInput("no-flux", "the list gives it no flux density", { subject: name, remedy: "Give --flux JY" });
	}
	const standard = standardOf(calibrator);
	const { raDeg, decDeg } = calibrator;
	const onScale = standard !== undefined && flux.origin === "perley-butler-2017";
	const edges = [0.9, 1.1].map((factor) => calibratorFlux(calibrator, factor * middleHz)?.fluxJy ?? flux.fluxJy);
	const slope = Math.log(edges[1] / edges[0]) / Math.log(1.1 / 0.9);
	return {
		source: {
			name,
			raDeg,
			decDeg,
			fluxJy: onScale
				? (f) => standardFluxJy(standard, f)
				: (f) => flux.fluxJy * (f / middleHz) ** (Number.isFinite(slope) ? slope : 0),
		},
		fluxScale: flux.origin,
		fluxErrorFraction: flux.fluxErrJy / flux.fluxJy,
	};
}

/**
 * Other sources of a field, without those that are the calibrator itself.
 *
 * @param referenceHz frequency of their flux densities.
 */
export function fieldSources(
	calibrator: ModelSource,
	list: readonly { name: string; raDeg: number; decDeg: number; fluxJy: number; spectralIndex?: number }[],
	referenceHz: number,
	withinArcsec = 10,
): ModelSource[] {
	return list
		.filter((one) => Number.isFinite(one.raDeg) && Number.isFinite(one.decDeg) && Number.isFinite(one.fluxJy))
		.filter((one) => 3600 * separationDeg(one.raDeg, one.decDeg, calibrator.raDeg, calibrator.decDeg) > withinArcsec)
		.map(({ name, raDeg, decDeg, fluxJy, spectralIndex }) => ({
			name,
			raDeg,
			decDeg,
			fluxJy: (f: number) => fluxJy * (f / referenceHz) ** (spectralIndex ?? DEFAULT_SPECTRAL_INDEX),
		}));
}

/** Typical of faint sources at centimetre wavelengths. */
export const DEFAULT_SPECTRAL_INDEX = -0.7;
