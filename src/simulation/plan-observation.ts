import { airyBeam } from "../calibration/primary-beam.ts";
import { type ModelSource, meridianGeometry } from "../calibration/sky-model.ts";
import type { Antenna, Field, VisibilitySet } from "../calibration/visibility-set.ts";
import { badInput } from "../error.ts";
import { observerAt } from "../sky/apparent-place.ts";
import { itrfDirection, itrfDirectionOfApparent } from "../sky/itrf.ts";
import { destination } from "../sky/separation.ts";
import { type Site, siteToItrf } from "../sky/site.ts";
import { transitNear } from "../sky/transit.ts";
import { antennaUvw, uvwAxes } from "../sky/uvw.ts";
import { type Defects, drawInstrument, NO_DEFECTS } from "./instrument.ts";
import { ObservedSet, wholeOf } from "./observed-set.ts";
import { Random } from "./random.ts";

/** A station as a list gives it. */
export interface Station {
	name: string;
	longitudeDeg: number;
	latitudeDeg: number;
	heightM: number;
}

export interface ObservationOptions {
	seed: number;
	telescope: string;
	site: Site;
	stations: readonly Station[];
	/** How many of the stations have data, evenly chosen. */
	nAntennas: number;
	calibrator: ModelSource;
	/** Other sources with given places; drawn ones are added. */
	sky: readonly ModelSource[];
	/** Sources drawn within the beam, and their range of flux densities at the middle of the band, Jy. */
	nField: number;
	fieldJy: readonly [number, number];
	/** The calibrator's transit nearest to this time is in the middle, MJD UTC. */
	aroundMjd: number;
	/** Apparent declination of the strip; undefined: the calibrator's, to a tenth of a degree. */
	stripDecDeg: number | undefined;
	/** Follow the calibrator instead of standing on the meridian. */
	tracking: boolean;
	nIntegrations: number;
	integrationS: number;
	nWindows: number;
	nChannels: number;
	/** Centre of the lowest channel, and channel width. */
	firstHz: number;
	channelHz: number;
	sefdJy: number;
	dishM: number;
	delaySpreadS: number;
	withDefects: boolean;
}

export interface SimulatedObservation {
	set: ObservedSet;
	sources: ModelSource[];
	defects: Defects;
	/** Active stations by compact index. */
	stations: Station[];
	transitMjd: number;
	stripDecDeg: number;
	referenceHz: number;
	sigmaJy: number;
}

/**
 * Lays out a calibrator transit over an array: everything is drawn from the seed, part by part, so that one option does not
 * change what another draws.
 *
 * @throws CausticError naming the option that cannot be.
 */
export function planObservation(options: ObservationOptions): SimulatedObservation {
	const wrong = (subject: string, message: string) => badInput("bad-simulation", message, { subject });
	if (options.nAntennas > options.stations.length || options.nAntennas < 2) {
		throw wrong("antennas", `${options.nAntennas} of ${options.stations.length} stations cannot have data`);
	}
	const random = new Random(options.seed);
	const { site } = options;
	const transit = transitNear(options.calibrator.raDeg, options.calibrator.decDeg, site, options.aroundMjd);
	const stripDecDeg = options.stripDecDeg ?? Math.round(10 * transit.apparentDecDeg) / 10;
	const active = Array.from({ length: options.nAntennas }, (_, i) =>
		Math.floor(((i + 0.5) * options.stations.length) / options.nAntennas),
	);
	const antennas = options.stations.map(
		(station, number): Antenna => ({
			name: station.name,
			number,
			positionItrfM: siteToItrf(station),
			diameterM: options.dishM,
		}),
	);
	const dayS = options.integrationS / 86400;
	const timesMjd = Float64Array.from(
		{ length: options.nIntegrations },
		(_, t) => transit.mjd + (t - 0.5 * (options.nIntegrations - 1)) * dayS,
	);
	const windows = Array.from({ length: options.nWindows }, (_, w) => ({
		frequenciesHz: Float64Array.from(
			{ length: options.nChannels },
			(_, c) => options.firstHz + (w * options.nChannels + c) * options.channelHz,
		),
		channelWidthsHz: new Float64Array(options.nChannels).fill(options.channelHz),
	}));
	const last = options.firstHz + (options.nWindows * options.nChannels - 1) * options.channelHz;
	const referenceHz = 0.5 * (options.firstHz + last);
	const sigmaJy = options.sefdJy / Math.sqrt(2 * options.channelHz * options.integrationS);
	const defects = options.withDefects ? drawDefects(options.nAntennas, random.fork("defects")) : NO_DEFECTS;
	const sources = [options.calibrator, ...options.sky, ...drawField(options, referenceHz, random.fork("field"))];
	const truth = drawInstrument(
		{
			nAntennas: options.nAntennas,
			nTimes: options.nIntegrations,
			windows: windows.map((window) => window.frequenciesHz),
			nPolarizations: 2,
			sigmaJy,
			referenceHz,
			delaySpreadS: options.delaySpreadS,
			rollOff: true,
			defects,
		},
		random.fork("instrument"),
	);
	const { calibrator } = options;
	const field: Field = {
		name: calibrator.name,
		phaseCentre: options.tracking
			? { kind: "sidereal", raDeg: calibrator.raDeg, decDeg: calibrator.decDeg, frame: "ICRS", epochYear: 2000 }
			: { kind: "meridian", hourAngleDeg: 0, declinationDeg: stripDecDeg },
	};
	const observers = new Map(Array.from(timesMjd, (mjd) => [mjd, observerAt(mjd, site)]));
	const observer = (mjd: number) => observers.get(mjd) ?? observerAt(mjd, site);
	const axisAt = (mjd: number) =>
		options.tracking
			? itrfDirection(observer(mjd), calibrator.raDeg, calibrator.decDeg)
			: itrfDirectionOfApparent(observer(mjd), observer(mjd).gastDeg + site.longitudeDeg, stripDecDeg);
	const positions = Float64Array.from(active.flatMap((antenna) => antennas[antenna].positionItrfM));
	const perTime = 3 * active.length;
	const uvwM = new Float64Array(perTime * timesMjd.length);
	timesMjd.forEach((mjd, t) => {
		const axes = options.tracking
			? uvwAxes(observer(mjd), calibrator.raDeg, calibrator.decDeg)
			: meridianAxes(site.longitudeDeg, stripDecDeg);
		uvwM.set(antennaUvw(axes, positions), t * perTime);
	});
	const set = new ObservedSet(
		{
			telescope: options.telescope,
			location: { ...site },
			antennas,
			active,
			timesMjd,
			integrationS: options.integrationS,
			windows,
			field,
			uvwM,
			sources,
			beam: airyBeam(options.dishM),
			truth,
			sefdJy: options.sefdJy,
			random: random.fork("samples"),
		},
		(whole: VisibilitySet, list: readonly ModelSource[]) =>
			meridianGeometry(whole, wholeOf(whole), axisAt, list, (ra, dec, mjd) => itrfDirection(observer(mjd), ra, dec)),
	);
	return {
		set,
		sources,
		defects,
		stations: active.map((antenna) => options.stations[antenna]),
		transitMjd: transit.mjd,
		stripDecDeg,
		referenceHz,
		sigmaJy,
	};
}

/** Rows u, v, w in the Earth-fixed frame for hour angle 0 and a declination: what a transit array writes as uvw. */
function meridianAxes(longitudeDeg: number, declinationDeg: number): number[] {
	const lon = (longitudeDeg * Math.PI) / 180;
	const dec = (declinationDeg * Math.PI) / 180;
	return [
		-Math.sin(lon),
		Math.cos(lon),
		0,
		-Math.sin(dec) * Math.cos(lon),
		-Math.sin(dec) * Math.sin(lon),
		Math.cos(dec),
		Math.cos(dec) * Math.cos(lon),
		Math.cos(dec) * Math.sin(lon),
		Math.sin(dec),
	];
}

/** One antenna for each thing that goes wrong; small arrays have only interference. */
function drawDefects(nAntennas: number, random: Random): Defects {
	if (nAntennas < 12) return { ...NO_DEFECTS, rfi: true };
	const left = Array.from({ length: nAntennas }, (_, p) => p);
	const take = () => left.splice(random.integer(left.length), 1)[0];
	return {
		dead: [take()],
		deadSecondPolarization: [take()],
		noisy: [take()],
		phaseJump: [take()],
		wildDelayS: new Map([
			[take(), 150e-9],
			[take(), -310e-9],
		]),
		flaggedAtInput: [take()],
		rfi: true,
	};
}

/** Sources about the calibrator, within the beam's first null, with counts that fall as S^-1.5. */
function drawField(options: ObservationOptions, referenceHz: number, random: Random): ModelSource[] {
	const [low, high] = options.fieldJy;
	return Array.from({ length: options.nField }, (_, i) => {
		const u = random.uniform();
		const fluxJy = (low ** -1.5 + u * (high ** -1.5 - low ** -1.5)) ** (-1 / 1.5);
		const distance = 2 * Math.sqrt(random.uniform(0.002, 1));
		const [raDeg, decDeg] = destination(
			options.calibrator.raDeg,
			options.calibrator.decDeg,
			random.uniform(0, 360),
			distance,
		);
		return { name: `field-${i + 1}`, raDeg, decDeg, fluxJy: (f: number) => fluxJy * (f / referenceHz) ** -0.7 };
	});
}
