import { badInput } from "../error.ts";

/**
 * The Gaussian plasma lens of Clegg, Fey & Lazio (1998, ApJ 496, 253): a column of electrons
 * `N0 exp(-(x/a)^2)` that drifts across a compact radio source. Lengths are in lens radii `a`; `u` lies in the
 * lens plane, `u'` in the observer's plane, and `u' = u (1 + alpha exp(-u^2))`. `alpha > 0` diverges, `alpha < 0`
 * (an under-dense lens, Pen & King 2012) converges.
 *
 * The gain is found by inverse ray counting: uniform rays in `u` are spread over cells of `u'` and convolved
 * with a Gaussian source. Flux is conserved exactly (mean gain 1) and nothing is singular at the caustics.
 */
export interface LensProfile {
	/** Strength of refraction, dimensionless. */
	alpha: number;
	/** FWHM of the Gaussian source in lens radii. */
	betaS: number;
	/** Spacing of the samples in lens radii. */
	step: number;
	/** Gain at `u' = i * step`, i >= 0; the profile is even, and 1 beyond the last sample. */
	gain: Float64Array;
	/** Full width in lens radii at half of the central depth, contiguous about 0; NaN where the centre is no dip. */
	fwhm: number;
}

/** One event: a lens seen by an observer. */
export interface LensEvent {
	/** Refractive strength at 1400 MHz; scales as frequency^-2. */
	alpha1400: number;
	/** FWHM of the source in lens radii, the same at all frequencies. */
	betaS: number;
	/** Width of the dip at 1400 MHz, days. */
	fwhmDays: number;
	/** MJD of closest approach. */
	centreMjd: number;
	/** Share of the flux that is lensed, 0..1: the observed flux is `S (1 + amplitude (G - 1))`. */
	amplitude: number;
}

const SOURCE_SIGMA = 1 / (2 * Math.sqrt(2 * Math.log(2)));
const CUT_SIGMAS = 4;
const LARGEST_ALPHA = 20_000;
/** Samples per source FWHM, and the largest number of samples of a profile. */
const SAMPLES_PER_SOURCE = 16;
const MOST_SAMPLES = 65_536;

/** Refractive strength at a frequency (MHz): `alpha ~ frequency^-2`. */
export const alphaAt = (alpha1400: number, frequencyMhz: number) => alpha1400 * (1400 / frequencyMhz) ** 2;

/** Where rays further out than this are shifted by less than 1e-9 lens radii. */
const undisturbedBeyond = (alpha: number) => Math.sqrt(Math.log(Math.max(Math.abs(alpha), 1) * 1e10));

/**
 * Gain of a lens against distance from its axis, for a Gaussian source.
 *
 * @param alpha refractive strength at the frequency wanted, |alpha| <= 20000
 * @param betaS FWHM of the source in lens radii, 0.01..100
 * @param options.samplesPerSource samples per source FWHM; 8 are enough to recognise an event
 * @param options.farthest distance (lens radii) beyond which the gain is taken as 1
 * @throws CausticError `bad-lens` outside these ranges
 */
export function lensProfile(
	alpha: number,
	betaS: number,
	{ samplesPerSource = SAMPLES_PER_SOURCE, farthest = Infinity } = {},
): LensProfile {
	if (!(Math.abs(alpha) <= LARGEST_ALPHA))
		throw badInput("bad-lens", `strength ${alpha} is not a number within +-${LARGEST_ALPHA}`, { subject: "alpha" });
	if (!(betaS >= 0.01 && betaS <= 100))
		throw badInput("bad-lens", `source size ${betaS} is not a number from 0.01 to 100 lens radii`, {
			subject: "betaS",
		});
	const edge = undisturbedBeyond(alpha);
	// The outermost ray bent at all: beyond it the map is the identity.
	let reach = edge;
	for (let u = 0; u < edge; u += 0.01) reach = Math.max(reach, Math.abs(u * (1 + alpha * Math.exp(-u * u))));
	const range = Math.min(farthest, reach + CUT_SIGMAS * betaS * SOURCE_SIGMA + 0.1);
	const step = Math.max(betaS / samplesPerSource, range / MOST_SAMPLES);
	const half = Math.ceil(range / step) + 1;
	const kernelHalf = Math.ceil((CUT_SIGMAS * betaS * SOURCE_SIGMA) / step);
	// Point-source gain, cell i covering (i +- 1/2) step of |u'|, long enough that the convolution reads no edge.
	const point = pointSourceGain(alpha, edge, step, half + kernelHalf + 1);
	const sigma = (betaS * SOURCE_SIGMA) / step;
	const kernel = new Float64Array(kernelHalf + 1);
	let sum = 0;
	for (let k = 0; k <= kernelHalf; k++) {
		kernel[k] = Math.exp(-0.5 * (k / sigma) ** 2);
		sum += k === 0 ? kernel[k] : 2 * kernel[k];
	}
	const gain = new Float64Array(half);
	for (let i = 0; i < half; i++) {
		let total = kernel[0] * point[i];
		for (let k = 1; k <= kernelHalf; k++) total += kernel[k] * (point[Math.abs(i - k)] + point[i + k]);
		gain[i] = total / sum;
	}
	return { alpha, betaS, step, gain, fwhm: widthAtHalfDepth(gain, step) };
}

/**
 * Rays per cell over rays per cell without a lens. Each interval between neighbouring rays is spread evenly over
 * the cells its image covers, so there is no shot noise. Cell 0 is symmetric about the axis: its folded half
 * counts double.
 */
function pointSourceGain(alpha: number, edge: number, step: number, cells: number): Float64Array {
	const gain = new Float64Array(cells);
	const rays = Math.max(2048, Math.min(65_536, Math.ceil((8 * edge) / step)));
	const du = edge / rays;
	const deposit = (from: number, to: number, share: number) => {
		// from <= to, both >= 0: spread `share` evenly over the cells of |u'|.
		const first = Math.floor(from / step + 0.5);
		const last = Math.floor(to / step + 0.5);
		if (first >= cells) return;
		if (first === last) {
			gain[first] += share;
			return;
		}
		const density = share / (to - from);
		gain[first] += density * ((first + 0.5) * step - from);
		const stop = Math.min(last, cells);
		for (let i = first + 1; i < stop; i++) gain[i] += density * step;
		if (last < cells) gain[last] += density * (to - (last - 0.5) * step);
	};
	let before = 0;
	for (let i = 1; i <= rays; i++) {
		const u = i * du;
		const image = u * (1 + alpha * Math.exp(-u * u));
		const low = Math.min(before, image);
		const high = Math.max(before, image);
		if (low >= 0) deposit(low, high, du);
		else if (high <= 0) deposit(-high, -low, du);
		else {
			const share = du / (high - low);
			deposit(0, high, share * high);
			deposit(0, -low, share * -low);
		}
		before = image;
	}
	deposit(edge, (cells + 1) * step, (cells + 1) * step - edge);
	for (let i = 0; i < cells; i++) gain[i] /= i === 0 ? step / 2 : step;
	return gain;
}

function widthAtHalfDepth(gain: Float64Array, step: number): number {
	const level = 1 - (1 - gain[0]) / 2;
	if (!(gain[0] < 1)) return Number.NaN;
	for (let i = 1; i < gain.length; i++)
		if (gain[i] >= level) return 2 * step * (i - 1 + (level - gain[i - 1]) / (gain[i] - gain[i - 1]));
	return Number.NaN;
}

/** Gain at `u'` (lens radii, either sign), by linear interpolation. */
export function lensGain(profile: LensProfile, u: number): number {
	const x = Math.abs(u) / profile.step;
	const i = Math.floor(x);
	if (!(i < profile.gain.length - 1)) return 1;
	return profile.gain[i] + (x - i) * (profile.gain[i + 1] - profile.gain[i]);
}

/**
 * Where the caustics lie in `u'` for a point source: the outer pair, which moves outward as frequency^-2, and the
 * inner pair, which bounds the shadow. Null below alpha = e^1.5/2 = 2.24, where there are none.
 */
export function causticPositions(alpha: number): { outer: number; inner: number } | null {
	// Folds where du'/du = 1 + alpha (1 - 2u^2) exp(-u^2) = 0: it falls until u^2 = 3/2 and rises afterwards.
	const slope = (u: number) => 1 + alpha * (1 - 2 * u * u) * Math.exp(-u * u);
	const lowest = Math.sqrt(1.5);
	if (!(slope(lowest) < 0)) return null;
	const root = (low: number, high: number) => {
		const sign = Math.sign(slope(low));
		for (let i = 0; i < 100; i++) {
			const middle = (low + high) / 2;
			if (Math.sign(slope(middle)) === sign) low = middle;
			else high = middle;
		}
		const u = (low + high) / 2;
		return u * (1 + alpha * Math.exp(-u * u));
	};
	return { outer: root(0, lowest), inner: root(lowest, undisturbedBeyond(alpha)) };
}

/** Days in which the lens moves by its own radius, from the width of the dip at 1400 MHz. */
export function lensCrossingDays(event: LensEvent): number {
	const { fwhm } = lensProfile(event.alpha1400, event.betaS);
	if (!(fwhm > 0))
		throw badInput("bad-lens", "a lens without a dip at 1400 MHz has no width by which to scale it", {
			subject: "alpha1400",
			remedy: "Give alpha1400 > 0",
		});
	return event.fwhmDays / fwhm;
}

/**
 * Observed over intrinsic flux at each time, `1 + amplitude (G - 1)`.
 *
 * @param mjd times, MJD
 * @param frequencyMhz frequency of this light curve, MHz
 */
export function lensLightCurve(event: LensEvent, mjd: ArrayLike<number>, frequencyMhz: number): Float64Array {
	const days = lensCrossingDays(event);
	const profile = lensProfile(alphaAt(event.alpha1400, frequencyMhz), event.betaS);
	const factor = new Float64Array(mjd.length);
	for (let i = 0; i < factor.length; i++)
		factor[i] = 1 + event.amplitude * (lensGain(profile, (mjd[i] - event.centreMjd) / days) - 1);
	return factor;
}
