import type { FieldSurvey } from "../src/normalization/survey.ts";
import { Random } from "../src/simulation/random.ts";

export interface SimulatedField extends FieldSurvey {
	raDeg: Float64Array;
	decDeg: Float64Array;
	trueFluxJy: Float64Array;
	/** Field coordinates, the unit disc. */
	x: Float64Array;
	y: Float64Array;
	/** True c of each measurement. */
	factor: Float64Array;
	/** 1 in epochs with a gain jump. */
	jump: Uint8Array;
}

export interface SimulationOptions {
	sources: number;
	epochs: number;
	/** Gain jumps: first and last epoch, amplitude, tilt across the field (ln c changes by +- tilt from centre to edge). */
	jumps?: { first: number; last: number; amplitude: number; tilt?: number; angle?: number }[];
	/** Standard deviation of ln c from epoch to epoch. */
	jitter?: number;
	/** Fractional scatter of each measurement beyond its noise. */
	scatter?: number;
	snr?: [number, number];
	centre?: [number, number];
	radiusDeg?: number;
	/** Fraction of measurements that are missing, and of those that are wrong by a factor. */
	missing?: number;
	outliers?: number;
}

/** A field of steady sources whose flux scale jumps, tilts and jitters. */
export function simulateField(seed: number, options: SimulationOptions): SimulatedField {
	const { sources, epochs } = options;
	const random = new Random(seed);
	const [low, high] = options.snr ?? [10, 300];
	const [ra0, dec0] = options.centre ?? [0.1, 35];
	const radius = (options.radiusDeg ?? 1.5) * (Math.PI / 180);
	const noise = 1e-3;
	const place = random.fork("places");
	const flux = random.fork("fluxes");
	const x = new Float64Array(sources);
	const y = new Float64Array(sources);
	const raDeg = new Float64Array(sources);
	const decDeg = new Float64Array(sources);
	const trueFluxJy = new Float64Array(sources);
	for (let i = 0; i < sources; i++) {
		const r = Math.sqrt(place.uniform());
		const angle = place.uniform(0, 2 * Math.PI);
		x[i] = r * Math.cos(angle);
		y[i] = r * Math.sin(angle);
		const l = x[i] * Math.sin(radius);
		const m = y[i] * Math.sin(radius);
		const n = Math.sqrt(1 - l * l - m * m);
		const d0 = (dec0 * Math.PI) / 180;
		decDeg[i] = (Math.asin(m * Math.cos(d0) + n * Math.sin(d0)) * 180) / Math.PI;
		raDeg[i] = ((Math.atan2(l, n * Math.cos(d0) - m * Math.sin(d0)) * 180) / Math.PI + ra0 + 360) % 360;
		trueFluxJy[i] = noise * low * (high / low) ** (flux.uniform() ** 1.5);
	}
	const gain = random.fork("gains");
	const draw = random.fork("noise");
	const fluxJy = new Float64Array(sources * epochs).fill(Number.NaN);
	const fluxErrJy = new Float64Array(sources * epochs).fill(Number.NaN);
	const factor = new Float64Array(sources * epochs);
	const mjd = new Float64Array(epochs);
	const jump = new Uint8Array(epochs);
	for (let k = 0; k < epochs; k++) {
		mjd[k] = 60000.5 + 2 * k;
		const level = (options.jitter ?? 0.02) * gain.normal();
		const depth = 1 + 0.2 * gain.uniform(-1, 1);
		for (let i = 0; i < sources; i++) {
			let ln = level;
			for (const { first, last, amplitude, tilt = 0, angle = 0 } of options.jumps ?? []) {
				if (k < first || k > last) continue;
				jump[k] = 1;
				ln += Math.log1p(amplitude) + tilt * (x[i] * Math.cos(angle) + y[i] * Math.sin(angle));
			}
			const at = i * epochs + k;
			factor[at] = Math.exp(ln);
			const wanted = draw.uniform() >= (options.missing ?? 0);
			const wrong = draw.uniform() < (options.outliers ?? 0) ? draw.uniform(0.3, 3) : 1;
			const sigma = noise * depth;
			const value =
				wrong * factor[at] * trueFluxJy[i] * (1 + (options.scatter ?? 0.01) * draw.normal()) + sigma * draw.normal();
			if (!wanted) continue;
			fluxJy[at] = value;
			fluxErrJy[at] = sigma;
		}
	}
	return { sources, epochs, fluxJy, fluxErrJy, mjd, raDeg, decDeg, trueFluxJy, x, y, factor, jump };
}
