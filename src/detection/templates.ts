import { alphaAt, type LensProfile, lensGain, lensProfile } from "./plasma-lens.ts";

/** A set of templates on the epochs of a field, packed for the matched filter. */
export interface TemplateBank {
	/** Number of templates. */
	size: number;
	/** All values, bands fastest, template after template. */
	values: Float32Array;
	/** Per template: where its values start, its first epoch, and its number of epochs. */
	offset: Int32Array;
	first: Int32Array;
	length: Int32Array;
	/** Centre (MJD) and width (days) of each template. */
	centre: Float64Array;
	width: Float64Array;
	/** Epoch by which enough epochs deviate for the template to be used. */
	ready: Int32Array;
	/** Per shape: how far, in widths, a centre may lie beyond the last epoch. */
	ahead: Float64Array;
	/** No template wider than this share of the time seen so far, or than three cadences, takes part. */
	longestShare: number;
	cadence: number;
	/** Index into {@link shapes}. */
	shape: Int16Array;
	shapes: Shape[];
	/** Per shape: smallest amplitude of interest. */
	least: Float64Array;
}

export type Shape =
	| { kind: "lens"; alpha: number; betaS: number }
	| { kind: "flare"; rise: number; decay: number; index: number }
	| { kind: "step" }
	| { kind: "box" };

/** Lens strengths, source sizes and widths (days) of the bank. */
export const LENS_ALPHAS = [2.5, 8, 25, 80];
export const LENS_SOURCES = [0.35, 1.2];
export const LENS_WIDTHS = [12, 18, 27, 40, 60, 90, 135, 200, 300];
/** Largest excess in the templates of the bank and in the fluxes they are matched with. */
export const SPIKE_LIMIT = 0.35;
/** Centres up to this many widths after the outer caustic's arrival at the last epoch: an event is seen on its way in. */
const CENTRES_AHEAD = 0.75;
/** The same at most: caustics of the strongest lenses at the longest waves come tens of widths before the shadow. */
const MOST_AHEAD = 8;
/** Widest dip looked for, as a share of the time covered: of a wider one too little is seen outside. */
export const LONGEST_SHARE = 0.7;
/** Effects smaller than this are left out of a template. */
const NEGLIGIBLE = 0.02;

/** Frequency (MHz) to which alpha and width refer: 1400 where the survey looks near it, else its lowest band. */
export function referenceFrequency(frequencyMhz: Float64Array): number {
	const lowest = frequencyMhz[0];
	const highest = frequencyMhz[frequencyMhz.length - 1];
	return highest >= 1000 && lowest <= 2000 ? 1400 : lowest;
}

/** Smallest depth, fraction of the flux at the reference frequency, that is called an event: calibration leaves less. */
export const SMALLEST_DEPTH = 0.05;
/** The same for templates of the bank, whose misfit makes events look shallower. */
export const SEARCHED_DEPTH = 0.03;

/** The lensed fraction at which a lens has a given depth. */
export const amplitudeAtDepth = (profiles: ProfileCache, alpha: number, betaS: number, depth: number) =>
	depth / Math.max(0.05, 1 - profiles.get(alpha, betaS).gain[0]);

/**
 * How many widths before its centre a lens makes itself felt: where the outer caustic of the lowest band lies, for
 * strong lenses well outside the dip (|u'| = 0.43 alpha + 0.71).
 */
export function widthsAhead(
	profiles: ProfileCache,
	alpha: number,
	betaS: number,
	lowestMhz: number,
	reference: number,
) {
	const strength = alphaAt(alpha, (lowestMhz * 1400) / reference);
	const outer = strength > 2.24 ? 0.43 * strength + 0.71 : 0;
	return Math.min(MOST_AHEAD, CENTRES_AHEAD + outer / profiles.get(alpha, betaS).fwhm);
}

/** Lens radii beyond which templates are cut: some seven widths of the dip. */
const FARTHEST = 40;

/** Gain that differs from 1 by less is none: a twentieth of the errors' floor. */
const FLAT = 3e-4;

/** Steps of the logarithms of strength and size in which profiles are kept. */
const STRENGTH_STEP = 0.04;
const SIZE_STEP = 0.08;

/** Profiles by strength and size, computed once; strengths are rounded to steps of 4 %, sizes to steps of 8 %. */
export class ProfileCache {
	private readonly profiles = new Map<number, LensProfile>();
	private readonly most: number;
	constructor(most = 10_000) {
		this.most = most;
	}
	get(alpha: number, betaS: number): LensProfile {
		const a = Math.round(Math.log(alpha) / STRENGTH_STEP);
		const b = Math.round(Math.log(betaS) / SIZE_STEP);
		const key = (a + 2000) * 4096 + b + 2000;
		let profile = this.profiles.get(key);
		if (profile === undefined) {
			if (this.profiles.size >= this.most) this.profiles.clear();
			profile = trimmed(
				lensProfile(Math.exp(STRENGTH_STEP * a), Math.exp(SIZE_STEP * b), {
					samplesPerSource: 8,
					farthest: FARTHEST,
				}),
			);
			this.profiles.set(key, profile);
		}
		return profile;
	}
}

/** Without the outskirts, where the gain is 1: they cost as much as the dip. */
function trimmed(profile: LensProfile): LensProfile {
	let last = profile.gain.length - 1;
	while (last > 0 && Math.abs(profile.gain[last] - 1) < FLAT) last--;
	return { ...profile, gain: profile.gain.slice(0, Math.min(profile.gain.length, last + 2)) };
}

class BankBuilder {
	private values = new Float32Array(1 << 16);
	private used = 0;
	private readonly offset: number[] = [];
	private readonly first: number[] = [];
	private readonly length: number[] = [];
	private readonly centre: number[] = [];
	private readonly width: number[] = [];
	private readonly shape: number[] = [];
	private readonly ready: number[] = [];
	readonly shapes: Shape[] = [];

	/**
	 * Appends a template on the epochs where it matters; `fewest` epochs must deviate. `fill` writes its effect on the epochs
	 * `from ... to - 1`, bands fastest, from the place given on.
	 */
	add(
		shape: number,
		centre: number,
		width: number,
		epochs: number,
		bands: number,
		from: number,
		to: number,
		fewest: number,
		fill: (values: Float32Array, place: number, from: number, to: number) => void,
	): void {
		const start = this.used;
		const low = Math.max(0, from);
		const high = Math.min(epochs, to);
		while (this.values.length < start + (high - low) * bands) {
			const larger = new Float32Array(this.values.length * 2);
			larger.set(this.values);
			this.values = larger;
		}
		const { values } = this;
		if (high > low) fill(values, start, low, high);
		let begin = -1;
		let end = -1;
		let deviating = 0;
		let ready = -1;
		for (let i = low, at = start; i < high; i++) {
			let most = 0;
			for (let k = 0; k < bands; k++, at++) most = Math.max(most, Math.abs(values[at]));
			if (most > 0.05 && ++deviating === fewest) ready = i;
			if (most > NEGLIGIBLE) {
				if (begin < 0) begin = i;
				end = i + 1;
			}
		}
		if (deviating < fewest || begin < 0) return;
		values.copyWithin(start, start + (begin - low) * bands, start + (end - low) * bands);
		this.offset.push(start);
		this.first.push(begin);
		this.length.push(end - begin);
		this.used = start + (end - begin) * bands;
		this.centre.push(centre);
		this.width.push(width);
		this.shape.push(shape);
		this.ready.push(ready);
	}

	bank(
		mjd: Float64Array,
		ahead: (shape: Shape) => number,
		longestShare: number,
		least: (shape: Shape) => number = () => 0,
	): TemplateBank {
		return {
			size: this.offset.length,
			values: this.values.slice(0, this.used),
			offset: Int32Array.from(this.offset),
			first: Int32Array.from(this.first),
			length: Int32Array.from(this.length),
			centre: Float64Array.from(this.centre),
			width: Float64Array.from(this.width),
			ready: Int32Array.from(this.ready),
			ahead: Float64Array.from(this.shapes, ahead),
			longestShare,
			cadence: cadenceOf(mjd),
			shape: Int16Array.from(this.shape),
			shapes: this.shapes,
			least: Float64Array.from(this.shapes, least),
		};
	}
}

/** Median interval between epochs, days. */
export function cadenceOf(mjd: Float64Array): number {
	if (mjd.length < 2) return Number.NaN;
	const gaps = new Float64Array(mjd.length - 1);
	for (let i = 0; i < gaps.length; i++) gaps[i] = mjd[i + 1] - mjd[i];
	gaps.sort();
	return gaps[gaps.length >> 1];
}

/**
 * Lenses of every strength, size, width and time on the epochs given. Widths lie between 3 cadences and half the span;
 * centres run from half a width before the first epoch to three quarters of one after the last, so that an event is
 * recognised on its way in.
 */
export function lensBank(
	mjd: Float64Array,
	frequencyMhz: Float64Array,
	profiles: ProfileCache,
	shapes: { alpha: number; betaS: number }[] = LENS_ALPHAS.flatMap((alpha) =>
		LENS_SOURCES.map((betaS) => ({ alpha, betaS })),
	),
	stepsPerWidth = 3,
): TemplateBank {
	const builder = new BankBuilder();
	const epochs = mjd.length;
	const bands = frequencyMhz.length;
	const cadence = cadenceOf(mjd);
	const reference = referenceFrequency(frequencyMhz);
	const span = epochs > 0 ? mjd[epochs - 1] - mjd[0] : 0;
	for (const { alpha, betaS } of shapes) {
		const index = builder.shapes.push({ kind: "lens", alpha, betaS }) - 1;
		const central = profiles.get(alpha, betaS);
		const byBand = Array.from(frequencyMhz, (nu) => profiles.get(alphaAt(alpha, (nu * 1400) / reference), betaS));
		const reach = Math.max(...byBand.map(effectiveReach));
		const ahead = widthsAhead(profiles, alpha, betaS, frequencyMhz[0], reference);
		for (const width of LENS_WIDTHS) {
			if (width < 3 * cadence || width > Math.max(LONGEST_SHARE * span, 3 * cadence)) continue;
			const days = width / central.fwhm;
			// The edges of a wide shadow are sharper than its width: twice as many centres, never finer than the cadence.
			const step =
				width < 40
					? width / stepsPerWidth
					: Math.max(width / (2 * stepsPerWidth), Math.min(cadence, width / stepsPerWidth));
			for (let t0 = mjd[0] - 0.5 * width; t0 <= mjd[epochs - 1] + ahead * width; t0 += step) {
				const from = firstAtOrAfter(mjd, t0 - reach * days);
				const to = firstAtOrAfter(mjd, t0 + reach * days);
				builder.add(index, t0, width, epochs, bands, from, to, 3, (values, place, low, high) => {
					for (let k = 0; k < bands; k++)
						for (let i = low, at = place + k; i < high; i++, at += bands)
							values[at] = lensGain(byBand[k], (mjd[i] - t0) / days) - 1;
				});
			}
		}
	}
	const aheadOf = (shape: Shape) =>
		shape.kind === "lens" ? widthsAhead(profiles, shape.alpha, shape.betaS, frequencyMhz[0], reference) : 0;
	return builder.bank(mjd, aheadOf, LONGEST_SHARE, (shape) =>
		shape.kind === "lens" ? amplitudeAtDepth(profiles, shape.alpha, shape.betaS, SEARCHED_DEPTH) : 0,
	);
}

/** Distance in lens radii beyond which a profile is flat to {@link NEGLIGIBLE}. */
function effectiveReach(profile: LensProfile): number {
	for (let i = profile.gain.length - 1; i > 0; i--)
		if (Math.abs(profile.gain[i] - 1) > NEGLIGIBLE) return (i + 1) * profile.step;
	return profile.step;
}

export function firstAtOrAfter(mjd: Float64Array, time: number): number {
	let low = 0;
	let high = mjd.length;
	while (low < high) {
		const middle = (low + high) >> 1;
		if (mjd[middle] < time) low = middle + 1;
		else high = middle;
	}
	return low;
}

/** Flare: exponential rise and decay (days), amplitude as frequency^index. */
export const flareShape = (dt: number, rise: number, decay: number) => Math.exp(dt < 0 ? dt / rise : -dt / decay);

/**
 * What looks like an event and is none: flares, steps and achromatic boxes (bad calibration of a stretch of epochs).
 * The same null and likelihood as the lenses; amplitudes of either sign for steps and boxes.
 */
export function alternativeBank(mjd: Float64Array, frequencyMhz: Float64Array): TemplateBank {
	const builder = new BankBuilder();
	const epochs = mjd.length;
	const bands = frequencyMhz.length;
	const reference = referenceFrequency(frequencyMhz);
	for (const rise of [5, 12, 30, 75])
		for (const ratio of [1, 2.5])
			for (const index of [0, 0.6]) {
				const shape = builder.shapes.push({ kind: "flare", rise, decay: rise * ratio, index }) - 1;
				const colour = Array.from(frequencyMhz, (nu) => (nu / reference) ** index);
				for (let peak = mjd[0] - rise; peak <= mjd[epochs - 1] + 1.5 * rise; peak += 0.8 * rise) {
					const from = firstAtOrAfter(mjd, peak - 4 * rise);
					const to = firstAtOrAfter(mjd, peak + 4 * rise * ratio);
					builder.add(shape, peak, rise, epochs, bands, from, to, 1, (values, place, low, high) => {
						for (let i = low, at = place; i < high; i++) {
							const effect = flareShape(mjd[i] - peak, rise, rise * ratio);
							for (let k = 0; k < bands; k++, at++) values[at] = colour[k] * effect;
						}
					});
				}
			}
	const step = builder.shapes.push({ kind: "step" }) - 1;
	const stride = Math.max(1, Math.round(epochs / 60));
	for (let at = 1; at < epochs; at += stride)
		builder.add(step, mjd[at], mjd[epochs - 1] - mjd[at], epochs, bands, at, epochs, 1, (values, place, low, high) => {
			values.fill(1, place, place + (high - low) * bands);
		});
	const box = builder.shapes.push({ kind: "box" }) - 1;
	for (const length of [2, 4, 6, 9, 13, 19, 28, 40]) {
		const shift = Math.max(1, length >> 2);
		for (let at = 0; at + length <= epochs; at += shift)
			builder.add(
				box,
				(mjd[at] + mjd[at + length - 1]) / 2,
				mjd[at + length - 1] - mjd[at],
				epochs,
				bands,
				at,
				at + length,
				1,
				(values, place, low, high) => {
					values.fill(-1, place, place + (high - low) * bands);
				},
			);
	}
	return builder.bank(mjd, () => Infinity, Infinity);
}
