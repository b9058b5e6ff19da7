import { apparentPlace, type Observer, observerAt } from "../sky/apparent-place.ts";
import { earthOrientation } from "../sky/earth-orientation.ts";
import { separationDeg } from "../sky/separation.ts";
import { localSiderealTime } from "../sky/sidereal.ts";
import type { Site } from "../sky/site.ts";
import { type Transit, transits } from "../sky/transit.ts";
import type { Calibrator } from "./calibrator-list.ts";
import { type CalibratorFlux, calibratorFlux, calibratorQuality } from "./calibrators.ts";
import type { BeamResponse } from "./sky-model.ts";

const RAD = Math.PI / 180;

/** What decides which calibrators are worth knowing about. */
export interface CalibratorChoice {
	frequencyHz: number;
	beam: BeamResponse;
	/** Least flux density through the beam, Jy. */
	minApparentJy: number;
	/** VLA configuration whose baselines are like the array's; sources marked X there are left out. Undefined: all are taken. */
	configuration?: "A" | "B" | "C" | "D";
}

/** A calibrator passing through the beam of an array that points along the meridian. */
export interface CalibratorTransit {
	calibrator: Calibrator;
	transit: Transit;
	/** Apparent declination of the source minus that of the strip, degrees. */
	offsetDeg: number;
	/** Response of the beam at transit, 1 on the axis. */
	response: number;
	flux: CalibratorFlux;
	/** Flux density through the beam at transit, Jy. */
	apparentJy: number;
	/** Quality letter of the list, `?` when it gives none. */
	quality: string;
}

/**
 * Every transit of a calibrator through the beam of an array that points at an apparent declination on the meridian, from
 * one instant to another (MJD UTC), in order of time.
 *
 * Throws `no-earth-orientation` outside the table of UT1 and `bad-time` for spans beyond ten years.
 */
export function calibratorTransits(
	calibrators: readonly Calibrator[],
	site: Site,
	stripDecDeg: number,
	fromMjd: number,
	toMjd: number,
	choice: CalibratorChoice,
): CalibratorTransit[] {
	const found: CalibratorTransit[] = [];
	// Dates beyond the table are refused even where no calibrator would have been looked at.
	earthOrientation(fromMjd);
	earthOrientation(toMjd);
	for (const calibrator of calibrators) {
		const candidate = judge(calibrator, choice);
		if (candidate === undefined) continue;
		// Precession and aberration move a declination by a third of a degree in a century at most.
		const margin = Math.max(0, Math.abs(calibrator.decDeg - stripDecDeg) - 0.5);
		if (!mayReach(choice, candidate.flux.fluxJy, margin)) continue;
		for (const transit of transits(calibrator.raDeg, calibrator.decDeg, site, fromMjd, toMjd)) {
			const offsetDeg = transit.apparentDecDeg - stripDecDeg;
			const response = choice.beam(Math.abs(offsetDeg) * RAD, choice.frequencyHz);
			const apparentJy = response * candidate.flux.fluxJy;
			if (!(apparentJy >= choice.minApparentJy) || transit.zenithDistanceDeg >= 90) continue;
			found.push({ calibrator, transit, offsetDeg, response, apparentJy, ...candidate });
		}
	}
	return found.sort((a, b) => a.transit.mjd - b.transit.mjd);
}

/** Whether the beam anywhere from the margin outwards by two degrees lets enough through: side lobes rise again. */
function mayReach(choice: CalibratorChoice, fluxJy: number, marginDeg: number): boolean {
	for (let step = 0; step <= 1; step += 0.02) {
		if (choice.beam((marginDeg + step) * RAD, choice.frequencyHz) * fluxJy >= choice.minApparentJy) return true;
	}
	return false;
}

function judge(
	calibrator: Calibrator,
	choice: CalibratorChoice,
): { flux: CalibratorFlux; quality: string } | undefined {
	const flux = calibratorFlux(calibrator, choice.frequencyHz);
	if (flux === undefined || !(flux.fluxJy >= choice.minApparentJy)) return undefined;
	const quality =
		choice.configuration === undefined
			? undefined
			: calibratorQuality(calibrator, choice.configuration, choice.frequencyHz);
	return quality?.letter === "X" ? undefined : { flux, quality: quality?.letter ?? "?" };
}

/** Where the antennas point in one integration. */
export type Pointing =
	/** On the meridian at an apparent declination of date, degrees; a fixed hour angle (degrees, west positive) if not 0. */
	| { mjd: number; apparentDecDeg: number; hourAngleDeg?: number }
	/** Tracking an ICRS place, degrees. */
	| { mjd: number; raDeg: number; decDeg: number };

/** How a calibrator fares in a set. */
export interface RankedCalibrator {
	calibrator: Calibrator;
	flux: CalibratorFlux;
	quality: string;
	/** Mean over the integrations of response times flux density, Jy: what the set is ranked by. */
	meanApparentJy: number;
	/** The integration in which the source is strongest. */
	best: { integration: number; mjd: number; response: number; apparentJy: number; offsetDeg: number };
	/** Response of the beam in every integration. */
	responses: Float64Array;
}

/**
 * The calibrators that a set of integrations contains, the one with the largest mean of response times flux density first,
 * each with the integration where it peaks. Empty when none reaches `minApparentJy` in its best integration.
 *
 * Throws `no-earth-orientation` outside the table of UT1.
 */
export function rankCalibrators(
	calibrators: readonly Calibrator[],
	site: Site,
	pointings: readonly Pointing[],
	choice: CalibratorChoice,
): RankedCalibrator[] {
	const axes = pointings.map((pointing) => axisOf(pointing, site));
	const ranked: RankedCalibrator[] = [];
	for (const calibrator of calibrators) {
		const candidate = judge(calibrator, choice);
		if (candidate === undefined) continue;
		const near = axes.some(({ dec }) =>
			mayReach(choice, candidate.flux.fluxJy, Math.max(0, Math.abs(calibrator.decDeg - dec) - 0.5)),
		);
		if (!near) continue;
		const responses = new Float64Array(axes.length);
		let sum = 0;
		let best: RankedCalibrator["best"] | undefined;
		axes.forEach(({ observer, ra, dec }, integration) => {
			const [sourceRa, sourceDec] =
				observer === undefined
					? [calibrator.raDeg, calibrator.decDeg]
					: apparentPlace(observer, calibrator.raDeg, calibrator.decDeg);
			const offsetDeg = separationDeg(ra, dec, sourceRa, sourceDec);
			const response = choice.beam(offsetDeg * RAD, choice.frequencyHz);
			responses[integration] = response;
			sum += response;
			if (best === undefined || response > best.response) {
				const { mjd } = pointings[integration];
				best = { integration, mjd, response, apparentJy: response * candidate.flux.fluxJy, offsetDeg };
			}
		});
		if (best === undefined || !(best.apparentJy >= choice.minApparentJy)) continue;
		ranked.push({
			calibrator,
			...candidate,
			meanApparentJy: (sum / axes.length) * candidate.flux.fluxJy,
			best,
			responses,
		});
	}
	return ranked.sort((a, b) => b.meanApparentJy - a.meanApparentJy);
}

/** The axis of the antennas: apparent when the observer is given, else ICRS. */
function axisOf(pointing: Pointing, site: Site): { observer: Observer | undefined; ra: number; dec: number } {
	if ("raDeg" in pointing) return { observer: undefined, ra: pointing.raDeg, dec: pointing.decDeg };
	return {
		observer: observerAt(pointing.mjd, site),
		ra: localSiderealTime(pointing.mjd, site.longitudeDeg) - (pointing.hourAngleDeg ?? 0),
		dec: pointing.apparentDecDeg,
	};
}
