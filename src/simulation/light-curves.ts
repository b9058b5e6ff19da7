import { EVENT_EFFECT } from "../detection/candidate.ts";
import { type LensEvent, lensProfile } from "../detection/plasma-lens.ts";
import { checkSkyOptions, DEFAULT_SKY, type LightCurveSkyOptions } from "./light-curves-options.ts";
import {
	dampedRandomWalk,
	type Factors,
	flares,
	type HostClass,
	instrumentalDip,
	lensed,
	scintillation,
	tabulate,
} from "./light-curves-variability.ts";
import { Random } from "./random.ts";

export interface SimulatedSource {
	id: string;
	fieldId: string;
	raDeg: number;
	decDeg: number;
	host: HostClass;
	event: LensEvent | null;
	/** A blend's neighbour (index), of whose changes it shows a part, events included; null for any other. */
	neighbour: number | null;
	/** Depth at 1400 MHz, and first and last epoch that deviate by more than 5 % in some band; NaN without an event. */
	depth: number;
	firstEpochMjd: number;
	lastEpochMjd: number;
}

export interface GainJump {
	firstMjd: number;
	lastMjd: number;
	amplitude: number;
	/** Power of frequency with which the jump grows. */
	tilt: number;
}

export interface SimulatedField {
	id: string;
	frequencyMhz: Float64Array;
	cadenceDays: number;
	mjd: Float64Array;
	gainJumps: GainJump[];
	/** Index of the field's first source and number of sources. */
	firstSource: number;
	sources: number;
	/** Source by source, epoch by epoch, bands fastest; NaN where nothing was measured. Jy. */
	flux: Float64Array;
	err: Float64Array;
}

export interface SimulatedLightCurves {
	sources: SimulatedSource[];
	fields: SimulatedField[];
}

const NARROW = [1311, 1374, 1437, 1500];
const WIDE = [888, 1367, 1656, 2300];
/** Cadence (days) and number of epochs of the strategies that surveys use. */
const STRATEGIES = [
	[1, 300],
	[2, 260],
	[3, 220],
	[5, 160],
	[7, 120],
	[4, 180],
] as const;

/**
 * Light curves of a survey with the truth about them: steady sources, damped random walks, scintillators, flares, blends
 * with variable neighbours, instrumental dips and lensing events, under gain noise, an annual term, gain jumps with
 * gradients and tilts, noise with heavy tails, outliers and gaps. The same seed gives the same sky.
 */
export function simulateLightCurves(wanted: Partial<LightCurveSkyOptions> = {}): SimulatedLightCurves {
	const options = { ...DEFAULT_SKY, ...wanted };
	checkSkyOptions(options);
	const root = new Random(options.seed);
	const sources: SimulatedSource[] = [];
	const fields: SimulatedField[] = [];
	for (let f = 0; f < options.fields; f++) fields.push(simulateField(root.fork(`field ${f}`), f, options, sources));
	return { sources, fields };
}

function simulateField(
	random: Random,
	number: number,
	options: LightCurveSkyOptions,
	sources: SimulatedSource[],
): SimulatedField {
	const id = `F${String(number).padStart(2, "0")}`;
	const [cadence, epochs] = STRATEGIES[number % STRATEGIES.length];
	const wide = number % 3 === 0;
	const frequencyMhz = Float64Array.from(wide ? WIDE : NARROW);
	const mjd = epochTimes(random.fork("epochs"), cadence, Math.max(8, Math.round(epochs * options.epochFactor)));
	const n = options.sourcesPerField;
	const bands = frequencyMhz.length;
	const sky = random.fork("sky");
	// The first field straddles RA 0.
	const centre = { raDeg: number === 0 ? 0.02 : sky.uniform(0, 360), decDeg: sky.uniform(-60, 60) };
	const gain = fieldGain(random.fork("gain"), mjd, frequencyMhz);
	const noiseJy = logUniform(random.fork("noise"), 0.0003, 0.0008);
	const firstSource = sources.length;
	const fluxes: number[] = [];
	const factors: Factors[] = [];
	const places: { x: number; y: number }[] = [];
	for (let j = 0; j < n; j++) {
		const own = random.fork(`source ${j}`);
		const place = { x: own.uniform(-1, 1), y: own.uniform(-1, 1) };
		const flux = Math.min(3, 0.009 / (1 - own.uniform()) ** (1 / 1.05));
		const event =
			flux >= options.faintestHostJy && own.uniform() < eventChance(options) ? drawEvent(own, mjd, options) : null;
		const host = event === null ? drawHost(own) : drawEventHost(own);
		const intrinsic = hostFactors(own, host, mjd, frequencyMhz);
		if (event !== null) {
			const lens = lensed(mjd, frequencyMhz, event);
			for (let at = 0; at < lens.length; at++) intrinsic[at] *= lens[at];
		}
		factors.push(intrinsic);
		places.push(place);
		fluxes.push(flux);
		sources.push({
			id: `S${String(firstSource + j).padStart(4, "0")}`,
			fieldId: id,
			raDeg: (((centre.raDeg + (1.5 * place.x) / Math.cos((centre.decDeg * Math.PI) / 180)) % 360) + 360) % 360,
			decDeg: centre.decDeg + 1.5 * place.y,
			host,
			event,
			neighbour: null,
			...eventTruth(event, mjd, frequencyMhz),
		});
	}
	const flux = new Float64Array(n * mjd.length * bands).fill(Number.NaN);
	const err = new Float64Array(flux.length).fill(Number.NaN);
	for (let j = 0; j < n; j++) {
		const own = random.fork(`measurements ${j}`);
		const source = sources[firstSource + j];
		const index = own.normal() * 0.35 - 0.7;
		// A blend sees part of another source's flux changes.
		const neighbour = source.host === "blend" ? own.integer(n) : -1;
		if (neighbour >= 0) source.neighbour = firstSource + neighbour;
		const share = own.uniform(0.05, 0.4);
		for (let i = 0; i < mjd.length; i++) {
			if (own.uniform() < 0.03) continue;
			const common = own.uniform() < 0.0035 ? outlier(own) : 1;
			for (let k = 0; k < bands; k++) {
				const at = i * bands + k;
				if (own.uniform() < 0.04) continue;
				let factor = factors[j][at];
				if (neighbour >= 0) factor += share * (factors[neighbour][at] - 1);
				const level = fluxes[j] * (frequencyMhz[k] / 1400) ** index;
				const gained = level * factor * common * (own.uniform() < 0.0035 ? outlier(own) : 1) * gain(i, k, places[j]);
				const noise = Math.hypot(noiseJy, 0.01 * gained);
				const cell = (j * mjd.length + i) * bands + k;
				flux[cell] = gained + (noise * own.student(6)) / Math.sqrt(1.5);
				err[cell] = noise * own.uniform(0.95, 1.05);
			}
		}
	}
	return {
		id,
		frequencyMhz,
		cadenceDays: cadence,
		mjd,
		gainJumps: gain.jumps,
		firstSource,
		sources: n,
		flux,
		err,
	};
}

/** Among bright enough sources the chance is higher, so that the share over the whole sky is the one asked for. */
function eventChance(options: LightCurveSkyOptions): number {
	const bright = options.faintestHostJy <= 0.009 ? 1 : (0.009 / options.faintestHostJy) ** 1.05;
	return Math.min(1, options.eventFraction / bright);
}

function epochTimes(random: Random, cadence: number, epochs: number): Float64Array {
	const times: number[] = [];
	const gapAt = Math.floor(random.uniform(0.15, 0.85) * epochs);
	const gap = random.uniform() < 0.7 ? random.uniform(5, 20) : 0;
	let extra = 0;
	for (let i = 0; i < epochs; i++) {
		if (i === gapAt) extra = gap * Math.min(2, cadence);
		if (random.uniform() < 0.05) continue;
		times.push(60000 + i * cadence + extra + random.uniform(-0.12, 0.12) * cadence);
	}
	return Float64Array.from(times).sort();
}

const outlier = (random: Random) => (random.uniform() < 0.5 ? random.uniform(0.5, 0.85) : random.uniform(1.15, 1.8));

/** Gain of a field against epoch, band and place (in units of the field's half width). */
function fieldGain(random: Random, mjd: Float64Array, frequencyMhz: Float64Array) {
	const epochs = mjd.length;
	const bands = frequencyMhz.length;
	const common = Float64Array.from({ length: epochs }, () => 0.015 * random.normal());
	const perBand = Float64Array.from({ length: epochs * bands }, () => 0.006 * random.normal());
	const annual = random.uniform(0, 0.03);
	const phase = random.uniform(0, 2 * Math.PI);
	const span = mjd[epochs - 1] - mjd[0];
	const jumps: (GainJump & { gradientX: number; gradientY: number })[] = [];
	for (let n = 1 + random.integer(3); n > 0; n--) {
		const begin = random.uniform(0.02, 0.85) * span;
		const length = random.uniform(0.03, 0.25) * span;
		const amplitude = random.uniform(0.05, 0.25) * (random.uniform() < 0.6 ? -1 : 1);
		const inside = Array.from(mjd).filter((t) => t - mjd[0] >= begin && t - mjd[0] <= begin + length);
		if (inside.length === 0) continue;
		jumps.push({
			firstMjd: inside[0],
			lastMjd: inside[inside.length - 1],
			amplitude,
			tilt: random.uniform(-1.5, 1.5),
			gradientX: random.uniform(-0.3, 0.3) * amplitude,
			gradientY: random.uniform(-0.3, 0.3) * amplitude,
		});
	}
	const gain = (i: number, k: number, place: { x: number; y: number }) => {
		let value = 1 + common[i] + perBand[i * bands + k] + annual * Math.sin((2 * Math.PI * mjd[i]) / 365.25 + phase);
		for (const jump of jumps)
			if (mjd[i] >= jump.firstMjd && mjd[i] <= jump.lastMjd)
				value *= Math.max(
					0.3,
					1 +
						(jump.amplitude + jump.gradientX * place.x + jump.gradientY * place.y) *
							(frequencyMhz[k] / 1400) ** jump.tilt,
				);
		return value;
	};
	return Object.assign(gain, {
		jumps: jumps.map(({ firstMjd, lastMjd, amplitude, tilt }) => ({ firstMjd, lastMjd, amplitude, tilt })),
	});
}

function drawHost(random: Random): HostClass {
	const u = random.uniform();
	if (u < 0.575) return "const";
	if (u < 0.795) return "drw";
	if (u < 0.887) return "iss";
	if (u < 0.938) return "flare";
	if (u < 0.968) return "blend";
	return random.uniform() < 0.6 ? "instdip" : "const";
}

function drawEventHost(random: Random): HostClass {
	const u = random.uniform();
	return u < 0.67 ? "const" : u < 0.93 ? "drw" : "iss";
}

function hostFactors(random: Random, host: HostClass, mjd: Float64Array, frequencyMhz: Float64Array): Factors {
	switch (host) {
		case "drw":
			return dampedRandomWalk(random, mjd, frequencyMhz);
		case "iss":
			return scintillation(random, mjd, frequencyMhz);
		case "flare":
			return flares(random, mjd, frequencyMhz);
		case "instdip":
			return instrumentalDip(random, mjd, frequencyMhz);
		default:
			return tabulate(mjd, frequencyMhz, () => 1);
	}
}

function drawEvent(random: Random, mjd: Float64Array, options: LightCurveSkyOptions): LensEvent {
	const span = mjd[mjd.length - 1] - mjd[0];
	return {
		alpha1400: logUniform(random, ...options.alphaRange),
		betaS: logUniform(random, ...options.betaRange),
		fwhmDays: logUniform(
			random,
			options.widthRange[0],
			Math.min(options.widthRange[1], Math.max(options.widthRange[0], span / 2.5)),
		),
		centreMjd: mjd[0] + random.uniform(0.1, 0.9) * span,
		amplitude: random.uniform(...options.amplitudeRange),
	};
}

function eventTruth(event: LensEvent | null, mjd: Float64Array, frequencyMhz: Float64Array) {
	const truth = { depth: Number.NaN, firstEpochMjd: Number.NaN, lastEpochMjd: Number.NaN };
	if (event === null) return truth;
	const factors = lensed(mjd, frequencyMhz, event);
	const bands = frequencyMhz.length;
	for (let at = 0; at < factors.length; at++) {
		if (Math.abs(factors[at] - 1) <= EVENT_EFFECT) continue;
		const time = mjd[Math.floor(at / bands)];
		if (Number.isNaN(truth.firstEpochMjd)) truth.firstEpochMjd = time;
		truth.lastEpochMjd = time;
	}
	truth.depth = event.amplitude * (1 - lensProfile(event.alpha1400, event.betaS).gain[0]);
	return truth;
}

function logUniform(random: Random, low: number, high: number): number {
	return Math.exp(random.uniform(Math.log(low), Math.log(high)));
}
