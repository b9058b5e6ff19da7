import { badInput } from "../error.ts";
import type { Random } from "./random.ts";

/** What goes wrong on purpose; antennas by compact index. */
export interface Defects {
	/** No signal, only noise. */
	dead: readonly number[];
	/** No signal in the second polarisation. */
	deadSecondPolarization: readonly number[];
	/** Noise five times the others'. */
	noisy: readonly number[];
	/** Phase steps by 60 degrees at the middle integration. */
	phaseJump: readonly number[];
	/** Delay added, s. */
	wildDelayS: ReadonlyMap<number, number>;
	/** All samples flagged. */
	flaggedAtInput: readonly number[];
	/** Interference: one persistent channel range, and bursts. */
	rfi: boolean;
}

export interface InstrumentOptions {
	nAntennas: number;
	nTimes: number;
	/** Channel centres of each window, Hz. */
	windows: readonly Float64Array[];
	nPolarizations: number;
	/** Rms of a good baseline's real part, Jy. */
	sigmaJy: number;
	/** Where delays have zero phase, Hz. */
	referenceHz: number;
	/** Delays are uniform within plus and minus this, s. */
	delaySpreadS: number;
	/** Whether a window's bandpass falls at its edges, as a polyphase filter's does. */
	rollOff: boolean;
	defects: Defects;
}

/** The true gains of an array, g = G(t) B(nu) exp(2 pi i tau (nu - nu0)), and what else the receivers do. */
export interface InstrumentTruth {
	readonly nAntennas: number;
	readonly nTimes: number;
	readonly nPolarizations: number;
	readonly referenceHz: number;
	/** [polarisation][antenna] s. */
	readonly delaysS: Float64Array;
	/** Per window [polarisation][channel][antenna][re, im]; 0 for what is dead. */
	readonly bandpass: readonly Float64Array[];
	/** [polarisation][time][antenna][re, im]. */
	readonly timeGains: Float64Array;
	/** [polarisation][antenna] sigma_p: a baseline's real part has variance sigma_p sigma_q. */
	readonly noise: Float64Array;
	/** [antenna] 1 = flagged in the input. */
	readonly flagged: Uint8Array;
	/** Per window [time][channel] interference, Jy; 0 where clean. */
	readonly rfiJy: readonly Float32Array[];
	/** [antenna] phase of the interference, radians. */
	readonly rfiPhase: Float64Array;
}

export const NO_DEFECTS: Defects = {
	dead: [],
	deadSecondPolarization: [],
	noisy: [],
	phaseJump: [],
	wildDelayS: new Map(),
	flaggedAtInput: [],
	rfi: false,
};

/**
 * Draws the gains of an array: delays, a bandpass of slow ripples times the filter's shape, gains that wander in time.
 *
 * @throws CausticError `bad-simulation` when there is nothing to simulate.
 */
export function drawInstrument(options: InstrumentOptions, random: Random): InstrumentTruth {
	const { nAntennas, nTimes, windows, nPolarizations: nPol, defects } = options;
	if (nAntennas < 2 || nTimes < 1 || windows.length < 1 || windows.some((window) => window.length < 1)) {
		throw badInput("bad-simulation", "needs at least 2 antennas, 1 integration and 1 channel", {
			subject: "simulated array",
			remedy: "Give larger numbers",
		});
	}
	const delaysS = new Float64Array(nPol * nAntennas);
	const timeGains = new Float64Array(2 * nPol * nTimes * nAntennas);
	const noise = new Float64Array(nPol * nAntennas);
	const bandpass = windows.map((window) => new Float64Array(2 * nPol * window.length * nAntennas));
	const first = windows[0][0];
	const last = windows[windows.length - 1];
	const bandHz = Math.max(1, last[last.length - 1] - first);
	for (let p = 0; p < nAntennas; p++) {
		const own = random.fork(`antenna-${p}`);
		const common = own.uniform(-options.delaySpreadS, options.delaySpreadS) + (defects.wildDelayS.get(p) ?? 0);
		for (let s = 0; s < nPol; s++) {
			delaysS[s * nAntennas + p] = common + 0.06 * options.delaySpreadS * own.normal();
			const loud = defects.noisy.includes(p) ? 25 : 1;
			noise[s * nAntennas + p] = options.sigmaJy * loud;
			const alive = !defects.dead.includes(p) && !(s === 1 && defects.deadSecondPolarization.includes(p));
			const level = alive ? 1 + 0.12 * own.normal() : 0;
			let phase = own.uniform(-Math.PI, Math.PI);
			let amplitude = Math.max(0.4, level);
			for (let t = 0; t < nTimes; t++) {
				phase += 0.01 * own.normal();
				amplitude *= 1 + 0.002 * own.normal();
				const jump = defects.phaseJump.includes(p) && t >= nTimes >> 1 ? Math.PI / 3 : 0;
				const i = 2 * ((s * nTimes + t) * nAntennas + p);
				timeGains[i] = amplitude * Math.cos(phase + jump);
				timeGains[i + 1] = amplitude * Math.sin(phase + jump);
			}
			const ripples = Array.from({ length: 4 }, (_, k) => ({
				turns: (k + 1) * own.uniform(0.6, 1.4),
				size: 0.05 / (k + 1),
				at: own.uniform(0, 2 * Math.PI),
				phaseAt: own.uniform(0, 2 * Math.PI),
			}));
			windows.forEach((window, w) => {
				for (let c = 0; c < window.length; c++) {
					const x = (window[c] - first) / bandHz;
					let size = alive ? 1 : 0;
					let angle = 0;
					for (const ripple of ripples) {
						size *= 1 + ripple.size * Math.cos(2 * Math.PI * ripple.turns * x + ripple.at);
						angle += 1.5 * ripple.size * Math.sin(2 * Math.PI * ripple.turns * x + ripple.phaseAt);
					}
					if (options.rollOff) {
						const edge = Math.min(c, window.length - 1 - c) / window.length;
						size *= 1 - 0.6 * Math.exp(-edge / 0.02);
					}
					const i = 2 * ((s * window.length + c) * nAntennas + p);
					bandpass[w][i] = size * Math.cos(angle);
					bandpass[w][i + 1] = size * Math.sin(angle);
				}
			});
		}
	}
	const flagged = new Uint8Array(nAntennas);
	for (const p of defects.flaggedAtInput) flagged[p] = 1;
	return {
		nAntennas,
		nTimes,
		nPolarizations: nPol,
		referenceHz: options.referenceHz,
		delaysS,
		bandpass,
		timeGains,
		noise,
		flagged,
		rfiJy: drawInterference(options, random.fork("rfi")),
		rfiPhase: Float64Array.from({ length: nAntennas }, () => random.uniform(-Math.PI, Math.PI)),
	};
}

/** One persistent line at the upper end of the band, one burst over several channels, a few single ones. */
function drawInterference(options: InstrumentOptions, random: Random): Float32Array[] {
	const { nTimes, windows } = options;
	const out = windows.map((window) => new Float32Array(nTimes * window.length));
	if (!options.defects.rfi) return out;
	const last = windows.length - 1;
	const n = windows[last].length;
	const width = Math.max(1, Math.round(n / 12));
	for (let t = 0; t < nTimes; t++) {
		for (let c = n - 1 - width; c < n - 1; c++) out[last][t * n + c] = random.uniform(30, 90);
	}
	const bursts = Math.max(2, Math.round((nTimes * windows.length) / 60));
	for (let k = 0; k < bursts; k++) {
		const w = random.integer(windows.length);
		const channels = windows[w].length;
		const c0 = random.integer(channels);
		const wide = 1 + random.integer(Math.max(1, Math.round(channels / 8)));
		const t0 = random.integer(nTimes);
		const long = 1 + random.integer(Math.max(1, Math.min(4, nTimes >> 2)));
		const jy = random.uniform(20, 60);
		for (let t = t0; t < Math.min(nTimes, t0 + long); t++) {
			for (let c = c0; c < Math.min(channels, c0 + wide); c++) out[w][t * channels + c] = jy;
		}
	}
	return out;
}
