import { badInput } from "../error.ts";

/**
 * What is remembered of a source between epochs, so that a new epoch costs the same whatever lies behind it: a Kalman
 * filter (Kalman 1960) of its red noise and of its level in every band, and two running sums of what the filter did not
 * expect. It decides only when the whole search is worth running again; it never says that something is an event.
 */
export interface Watch {
	/** Red noise of the source: rms (fraction of the flux) and time (days), as the last search found it. */
	sigma: number;
	tau: number;
	/** Time of the newest epoch taken in, MJD. */
	lastMjd: number;
	/** Excess of the squared surprises over their expectation: spikes and onsets. */
	surprise: number;
	/** Sum of downward surprises (Page 1954): slow persistent fading. */
	fading: number;
	/** Squared surprises as they have been of late, 1 when the errors are honest: what every value is measured by. */
	scale: number;
	/** Points of the source at the last search; 0 before the first. */
	searchedPoints: number;
	/** Bands: an identifier, and the level to which fluxes are taken, Jy. */
	bands: number[];
	reference: number[];
	/** State (red noise, then the offset of each band's level) and its covariance, row by row. */
	mean: number[];
	covariance: number[];
}

/** Before a search has told better. */
export const DEFAULT_NOISE = { sigma: 0.03, tau: 40 };
/** Uncertainty of a level that history has settled, and of one that is new. */
const SETTLED_LEVEL = 0.02;
const NEW_LEVEL = 0.5;
/** Error that every measurement has beyond what is reported, fraction of the flux. */
const ERROR_FLOOR = 0.01;
/** Surprises count up to this: one outlier alone is no news. */
const LARGEST_SURPRISE = 16;
/** What is taken off per value, so that expected noise does not add up; and where a search is due. */
const SURPRISE_SLACK = 1.6;
const SURPRISE_DUE = 55;
/** Values over which the scale is an average. */
const SCALE_MEMORY = 200;
const FADING_SLACK = 0.35;
const FADING_DUE = 9;

export const newWatch = (noise: { sigma: number; tau: number } = DEFAULT_NOISE): Watch => ({
	...noise,
	lastMjd: -Infinity,
	surprise: 0,
	fading: 0,
	scale: 1,
	searchedPoints: 0,
	bands: [],
	reference: [],
	mean: [0],
	covariance: [noise.sigma ** 2],
});

/** One measurement of a source, on the common scale. */
export interface WatchedPoint {
	band: number;
	mjd: number;
	/** Jy. */
	flux: number;
	err: number;
	/** Level of the band so far, Jy, and of how many measurements. */
	level: number;
	n: number;
}

/**
 * Takes one epoch in. Cost: the square of the number of bands, whatever the history.
 *
 * @param points of one epoch; those without a positive level or error are passed over
 */
export function watchEpoch(watch: Watch, points: readonly WatchedPoint[]): void {
	const usable = points.filter(
		({ flux, err, level, mjd }) => Number.isFinite(flux) && err > 0 && level > 0 && Number.isFinite(mjd),
	);
	if (usable.length === 0) return;
	const mjd = usable[0].mjd;
	const { mean, covariance: p } = watch;
	// An epoch out of order is taken as of now: the filter does not run backward, and a search looks at everything.
	const days = Number.isFinite(watch.lastMjd) ? Math.max(0, mjd - watch.lastMjd) : Infinity;
	watch.lastMjd = Math.max(watch.lastMjd, mjd);
	const r = Math.exp(-days / watch.tau);
	let size = mean.length;
	mean[0] *= r;
	p[0] = r * r * p[0] + watch.sigma ** 2 * (1 - r * r);
	for (let k = 1; k < size; k++) {
		p[k] *= r;
		p[k * size] *= r;
	}
	let excess = 0;
	let downward = 0;
	for (const { band, flux, err, level, n } of usable) {
		let k = watch.bands.indexOf(band);
		if (k < 0) {
			k = watch.bands.push(band) - 1;
			watch.reference.push(level);
			grow(watch, n >= 10 ? SETTLED_LEVEL : NEW_LEVEL);
			size = mean.length;
		}
		const reference = watch.reference[k];
		const variance = (err / reference) ** 2 + ERROR_FLOOR ** 2;
		const covariance = watch.covariance;
		const at = k + 1;
		const v = flux / reference - 1 - mean[0] - mean[at];
		const s = covariance[0] + 2 * covariance[at] + covariance[at * size + at] + variance;
		const scale = Math.max(1, watch.scale);
		const square = (v * v) / s;
		excess += Math.min(square / scale, LARGEST_SURPRISE) - SURPRISE_SLACK;
		downward += Math.max(-4, Math.min(4, -v / Math.sqrt(s * scale)));
		watch.scale += (Math.min(square, LARGEST_SURPRISE * scale) - watch.scale) / SCALE_MEMORY;
		// H = e_0 + e_at: gain and update.
		const gain = new Array<number>(size);
		for (let i = 0; i < size; i++) gain[i] = (covariance[i * size] + covariance[i * size + at]) / s;
		for (let i = 0; i < size; i++) mean[i] += gain[i] * v;
		for (let i = 0; i < size; i++)
			for (let j = 0; j <= i; j++) {
				const value = covariance[i * size + j] - gain[i] * gain[j] * s;
				covariance[i * size + j] = value;
				covariance[j * size + i] = value;
			}
	}
	watch.surprise = Math.max(0, watch.surprise + excess);
	watch.fading = Math.max(0, watch.fading + downward / Math.sqrt(usable.length) - FADING_SLACK);
}

function grow(watch: Watch, sigma: number): void {
	const old = watch.mean.length;
	const size = old + 1;
	const covariance = new Array<number>(size * size).fill(0);
	for (let i = 0; i < old; i++) for (let j = 0; j < old; j++) covariance[i * size + j] = watch.covariance[i * old + j];
	covariance[size * size - 1] = sigma * sigma;
	watch.covariance = covariance;
	watch.mean.push(0);
}

/** Whether what came since the last search is worth another; larger is more pressing, at least 1 is due. */
export const urgency = (watch: Watch): number => Math.max(watch.surprise / SURPRISE_DUE, watch.fading / FADING_DUE);

/** After a search: what was surprising has been looked at, and the noise is known better. */
export function searched(watch: Watch, noise: { sigma: number; tau: number }, points: number): void {
	watch.searchedPoints = points;
	watch.surprise = 0;
	watch.fading = 0;
	watch.sigma = Math.max(noise.sigma, 0.005);
	watch.tau = noise.tau;
}

/** As one row of doubles, for a store. */
export const encodeWatch = (watch: Watch): number[] => [
	watch.sigma,
	watch.tau,
	watch.lastMjd,
	watch.surprise,
	watch.fading,
	watch.scale,
	watch.searchedPoints,
	watch.bands.length,
	...watch.bands,
	...watch.reference,
	...watch.mean,
	...watch.covariance,
];

/** @throws CausticError `bad-state` if the row is not one that {@link encodeWatch} wrote */
export function decodeWatch(row: readonly number[]): Watch {
	const bands = row[7];
	const size = bands + 1;
	if (!(Number.isInteger(bands) && bands >= 0 && row.length === 8 + 2 * bands + size + size * size))
		throw badInput("bad-state", "is not one that was stored", { subject: "watch of a source" });
	let at = 8;
	const take = (n: number) => {
		at += n;
		return row.slice(at - n, at);
	};
	const [sigma, tau, lastMjd, surprise, fading, scale, searchedPoints] = row;
	return {
		sigma,
		tau,
		lastMjd,
		surprise,
		fading,
		scale,
		searchedPoints,
		bands: take(bands),
		reference: take(bands),
		mean: take(size),
		covariance: take(size * size),
	};
}
