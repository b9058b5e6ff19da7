import { type LensEvent, lensLightCurve } from "../detection/plasma-lens.ts";
import type { Beam, PixelKernel } from "../sky/beam.ts";
import { kernelAxes, pixelKernel } from "../sky/beam.ts";
import { CelestialWcs } from "../sky/wcs.ts";
import { Random } from "./random.ts";
import { placeSources } from "./source-placement.ts";
import { type Flare, flareFactor, scintillation } from "./source-variability.ts";
import { checkSurveyOptions, type SurveyOptions } from "./survey-options.ts";

export interface SimulatedSource {
	id: string;
	raDeg: number;
	decDeg: number;
	x: number;
	y: number;
	/** Mean flux density at 1400 MHz, and S ~ frequency^index. */
	fluxJy: number;
	spectralIndex: number;
	label: "steady" | "scintillating" | "flare" | "ese";
	/** 0 for an isolated source. */
	pair: number;
}

/** One frequency slice: the same beam at every epoch. */
export interface SimulatedSubband {
	frequencyMhz: number;
	beam: Beam;
	kernel: PixelKernel;
}

export interface SimulatedEpoch {
	/** Number of the scheduled epoch, from 1. */
	number: number;
	/** Mid-exposure, MJD UTC. */
	mjd: number;
	/** Flux scale common to the field. */
	gain: number;
	/** Share by which the scale changes from the centre to the right and the upper edge. */
	tilt: readonly [number, number];
	/** Per subband: a further factor of the flux scale, the noise, and whether there is an image. */
	subbands: { gain: number; noiseJy: number; isMissing: boolean }[];
}

/** A change of the flux scale that the whole field shares. */
export interface GainJump {
	firstMjd: number;
	lastMjd: number;
	amplitude: number;
}

/** Everything that is true about a simulated survey, before a pixel is drawn. */
export interface Survey {
	options: SurveyOptions;
	/** Cards of the celestial coordinate system. */
	wcsCards: [string, string | number][];
	wcs: CelestialWcs;
	subbands: SimulatedSubband[];
	epochs: SimulatedEpoch[];
	sources: SimulatedSource[];
	gainJumps: GainJump[];
	lens: (LensEvent & { sourceId: string }) | undefined;
	flare: (Flare & { sourceId: string }) | undefined;
	/** True flux density, Jy: [source][epoch * subbands + subband]. */
	fluxJy: Float64Array[];
}

const SIDEREAL_DAY = 0.99726957;
const REFERENCE_MHZ = 1400;
const COUNT_SLOPE = 0.6;
/** Fluxes of the hosts of the flare and the event are chosen near these: bright enough to be seen in one image. */
const LENSED_JY = 0.25;
const FLARE_JY = 0.12;
const SCINTILLATORS = 4;
const SCINTILLATOR_JY = 0.06;

function coordinates(options: SurveyOptions): [string, string | number][] {
	const { size, pixelArcsec, raDeg, decDeg } = options;
	const centre = Math.floor(size / 2) + 1;
	return [
		["CTYPE1", "RA---SIN"],
		["CRPIX1", centre],
		["CDELT1", -pixelArcsec / 3600],
		["CRVAL1", raDeg],
		["CUNIT1", "deg"],
		["CTYPE2", "DEC--SIN"],
		["CRPIX2", centre],
		["CDELT2", pixelArcsec / 3600],
		["CRVAL2", decDeg],
		["CUNIT2", "deg"],
		["RADESYS", "ICRS"],
		["LONPOLE", 180],
		["LATPOLE", decDeg],
	];
}

/** Noise at a pixel over noise at the centre: it rises with the square of the distance. */
export function noiseProfile(options: SurveyOptions, x: number, y: number): number {
	const half = (options.size - 1) / 2;
	return 1 + (options.noiseRise * ((x - half) ** 2 + (y - half) ** 2)) / (2 * half * half);
}

function planEpochs(options: SurveyOptions, random: Random): { epochs: SimulatedEpoch[]; gainJumps: GainJump[] } {
	const [least, most] = options.cadenceDays;
	const dates: number[] = [];
	let day = 0;
	for (let i = 0; i < options.epochs; i++) {
		dates.push(options.startMjd + day * SIDEREAL_DAY);
		day += least + random.integer(Math.floor(most) - Math.ceil(least) + 1);
	}
	const gainJumps: GainJump[] = [];
	const jumpRandom = random.fork("jumps");
	const jumps = options.steady || options.epochs < 8 ? 0 : 1 + jumpRandom.integer(3);
	for (let i = 0; i < jumps; i++) {
		const length = 2 + jumpRandom.integer(Math.ceil(options.epochs / 6));
		const first = jumpRandom.integer(options.epochs - length);
		const amplitude = jumpRandom.uniform(0.05, 0.25) * (jumpRandom.uniform() < 0.5 ? -1 : 1);
		gainJumps.push({ firstMjd: dates[first], lastMjd: dates[first + length - 1], amplitude });
	}
	const epochs = dates.map((mjd, i): SimulatedEpoch => {
		const own = random.fork(`epoch ${i}`);
		const isSteady = options.steady;
		let gain = isSteady ? 1 : 1 + 0.015 * own.normal();
		for (const { firstMjd, lastMjd, amplitude } of gainJumps) {
			if (mjd >= firstMjd && mjd <= lastMjd) gain *= 1 + amplitude;
		}
		const tilt: [number, number] = isSteady ? [0, 0] : [0.012 * own.normal(), 0.012 * own.normal()];
		return {
			number: i + 1,
			mjd,
			gain,
			tilt,
			subbands: options.frequenciesMhz.map(() => ({
				gain: isSteady ? 1 : 1 + 0.004 * own.normal(),
				noiseJy: options.noiseJy * (isSteady ? 1 : Math.exp(0.08 * own.normal())),
				isMissing: !isSteady && own.uniform() < 0.03,
			})),
		};
	});
	// Now and then a whole epoch is lost, never the first or the last.
	if (!options.steady && options.epochs >= 20) {
		const gaps = random.fork("gaps");
		for (let i = 0; i < Math.floor(options.epochs / 24); i++) {
			for (const subband of epochs[1 + gaps.integer(options.epochs - 2)].subbands) subband.isMissing = true;
		}
	}
	return { epochs, gainJumps };
}

function planSources(
	options: SurveyOptions,
	random: Random,
	wcs: CelestialWcs,
	subbands: SimulatedSubband[],
): SimulatedSource[] {
	const beamPx = Math.max(...subbands.map(({ kernel }) => kernelAxes(kernel).majorPx));
	const separation = (options.snrRange === undefined ? 3.5 : 3) * beamPx;
	const margin = options.blankBorder + (options.snrRange === undefined ? 2 * beamPx : 0);
	const { size, sources: count, pairs } = options;
	const placement = placeSources(random.fork("places"), size, count, pairs, beamPx, separation, margin);
	const fluxes = random.fork("fluxes");
	const digits = String(count).length;
	return Array.from({ length: count }, (_, i): SimulatedSource => {
		const [x, y] = [placement.x[i], placement.y[i]];
		const [raDeg, decDeg] = wcs.pixelToIcrs(x, y);
		let fluxJy: number;
		if (options.snrRange === undefined) {
			const [low, high] = options.fluxRangeJy;
			const share = fluxes.uniform((low / high) ** COUNT_SLOPE, 1);
			fluxJy = low * share ** (-1 / COUNT_SLOPE);
		} else {
			const [low, high] = options.snrRange;
			fluxJy = options.noiseJy * noiseProfile(options, x, y) * low * (high / low) ** fluxes.uniform();
		}
		const isFlat = fluxes.uniform() < 0.25;
		const spectralIndex =
			options.snrRange !== undefined ? 0 : isFlat ? 0.2 * fluxes.normal() : -0.75 + 0.2 * fluxes.normal();
		const id = `S${String(i + 1).padStart(digits, "0")}`;
		return { id, raDeg, decDeg, x, y, fluxJy, spectralIndex, label: "steady", pair: placement.pair[i] };
	});
}

/** The source of nearest flux that is still steady: compact ones, so its spectrum becomes flat. */
function host(
	sources: SimulatedSource[],
	fluxJy: number,
	label: SimulatedSource["label"],
): SimulatedSource | undefined {
	let best: SimulatedSource | undefined;
	const distance = (source: SimulatedSource) => Math.abs(Math.log(source.fluxJy / fluxJy));
	for (const source of sources) {
		if (source.label === "steady" && (best === undefined || distance(source) < distance(best))) best = source;
	}
	if (best !== undefined) {
		best.label = label;
		best.spectralIndex = -0.1;
	}
	return best;
}

/**
 * Plans a survey: where and how bright the sources are, which of them vary and how, when the field is observed and
 * what happens to the flux scale. Deterministic in the options.
 * @throws CausticError naming the option that is out of range.
 */
export function planSurvey(options: SurveyOptions): Survey {
	checkSurveyOptions(options);
	const random = new Random(options.seed);
	const wcsCards = coordinates(options);
	const wcs = CelestialWcs.fromHeader(new Map(wcsCards), 2);
	const subbands = options.frequenciesMhz.map((frequencyMhz): SimulatedSubband => {
		const scale = REFERENCE_MHZ / frequencyMhz / 3600;
		const beam = {
			majorDeg: options.beamMajorArcsec * scale,
			minorDeg: options.beamMinorArcsec * scale,
			paDeg: options.beamPaDeg,
		};
		return { frequencyMhz, beam, kernel: pixelKernel(beam, wcs.referenceJacobian) };
	});
	const { epochs, gainJumps } = planEpochs(options, random.fork("epochs"));
	const sources = planSources(options, random.fork("sources"), wcs, subbands);
	const mjd = epochs.map((epoch) => epoch.mjd);
	const span = mjd[mjd.length - 1] - mjd[0];
	const events = random.fork("events");
	const canVary = !options.steady && options.snrRange === undefined && options.epochs >= 8;
	const lensed = canVary ? host(sources, LENSED_JY, "ese") : undefined;
	const flaring = canVary ? host(sources, FLARE_JY, "flare") : undefined;
	const lens = lensed && {
		sourceId: lensed.id,
		alpha1400: events.uniform(5, 9),
		betaS: events.uniform(0.4, 0.7),
		fwhmDays: span * events.uniform(0.16, 0.22),
		centreMjd: mjd[0] + span * events.uniform(0.42, 0.58),
		amplitude: events.uniform(0.75, 0.9),
	};
	const flare = flaring && {
		sourceId: flaring.id,
		peakMjd: mjd[0] + span * events.uniform(0.3, 0.7),
		amplitude: events.uniform(0.4, 0.7),
		riseDays: events.uniform(8, 14),
		decayDays: events.uniform(30, 45),
	};
	const scintillating = new Map<string, Float64Array>();
	for (let i = 0; i < (canVary ? SCINTILLATORS : 0); i++) {
		const source = host(sources, SCINTILLATOR_JY, "scintillating");
		if (source === undefined) break;
		scintillating.set(source.id, scintillation(events.fork(source.id), mjd, subbands.length, 0.03, 12));
	}
	const fluxJy = sources.map((source) => {
		const flux = new Float64Array(epochs.length * subbands.length);
		subbands.forEach(({ frequencyMhz }, band) => {
			const mean = source.fluxJy * (frequencyMhz / REFERENCE_MHZ) ** source.spectralIndex;
			const gain = lens?.sourceId === source.id ? lensLightCurve(lens, mjd, frequencyMhz) : undefined;
			for (let epoch = 0; epoch < epochs.length; epoch++) {
				const i = epoch * subbands.length + band;
				flux[i] = mean * (gain?.[epoch] ?? 1) * (scintillating.get(source.id)?.[i] ?? 1);
				if (flare?.sourceId === source.id) flux[i] *= flareFactor(flare, mjd[epoch], frequencyMhz);
			}
		});
		return flux;
	});
	return { options, wcsCards, wcs, subbands, epochs, sources, gainJumps, lens, flare, fluxJy };
}

/** Observed over true flux of a place in an image: the flux scale, its tilt included. */
export function fluxScale(survey: Survey, epoch: number, subband: number, x: number, y: number): number {
	const half = (survey.options.size - 1) / 2;
	const { gain, tilt, subbands } = survey.epochs[epoch];
	return gain * subbands[subband].gain * (1 + (tilt[0] * (x - half)) / half + (tilt[1] * (y - half)) / half);
}
