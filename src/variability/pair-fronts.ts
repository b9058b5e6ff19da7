/**
 * Pair statistics without storing pairs. The largest |Vs| = |Sa - Sb| / hypot(ea, eb), and for positive fluxes the
 * largest |m| = 2 |Sa - Sb| / (Sa + Sb) among the pairs above a threshold in |Vs|, lie between a point that no
 * other beats upward (larger flux *and* smaller error) and one that no other beats downward. Such fronts have
 * about ln N members; they merge by union.
 *
 * A front is a flat list `flux, error, mjd, flux, error, mjd, ...` by falling (high side) or rising (low side) flux,
 * so that errors fall strictly along it.
 */
export type PairFront = number[];

/** Largest number of members kept; a longer front is thinned where neighbours differ least, and says so. */
export const LONGEST_FRONT = 128;

/**
 * Adds a point; `side` is +1 for the high front and -1 for the low one. Returns true if the front had to be thinned:
 * the pair extremes are then lower bounds, short by less than the spacing of the front.
 */
export function addToFront(front: PairFront, side: 1 | -1, flux: number, error: number, mjd: number): boolean {
	// Members before `at` lie further out in flux; the point survives only with a smaller error than all of them.
	let at = 0;
	while (at < front.length && side * front[at] > side * flux) at += 3;
	if (at > 0 && front[at - 2] <= error) return false;
	// Of equal points keep the earliest: the outcome must not depend on the order of arrival.
	if (at < front.length && front[at] === flux && front[at + 1] <= error) {
		if (front[at + 1] === error && mjd < front[at + 2]) front[at + 2] = mjd;
		return false;
	}
	let end = at;
	while (end < front.length && front[end + 1] >= error) end += 3;
	front.splice(at, end - at, flux, error, mjd);
	if (front.length <= 3 * LONGEST_FRONT) return false;
	let drop = 3;
	let least = Infinity;
	for (let i = 3; i < front.length - 3; i += 3) {
		const gap = Math.log(front[i - 2] / front[i + 4]);
		if (gap < least) {
			least = gap;
			drop = i;
		}
	}
	front.splice(drop, 3);
	return true;
}

/** Whether a point is a member, so that its removal makes a rebuild from the rows necessary. */
export function inFront(front: PairFront, flux: number, error: number): boolean {
	for (let i = 0; i < front.length; i += 3) if (front[i] === flux && front[i + 1] === error) return true;
	return false;
}

export interface PairExtremes {
	/** Largest |Vs| over all pairs, and the two times (MJD, brighter first) of that pair. */
	vsMax: number;
	vsMjd: [number, number];
	/**
	 * Largest |m| among pairs with |Vs| >= the threshold, where a flux below zero counts as zero, so that |m| <= 2;
	 * null if no pair reaches it.
	 */
	mPair: number | null;
	/** |Vs| and times of the pair that gives `mPair`. */
	mPairVs: number | null;
	mPairMjd: [number, number] | null;
}

/** Significance from which a pair counts as variable (Mooley et al. 2016; VAST). */
export const PAIR_THRESHOLD = 4.3;

export function pairExtremes(high: PairFront, low: PairFront, threshold = PAIR_THRESHOLD): PairExtremes {
	const extremes: PairExtremes = {
		vsMax: 0,
		vsMjd: [Number.NaN, Number.NaN],
		mPair: null,
		mPairVs: null,
		mPairMjd: null,
	};
	for (let a = 0; a < high.length; a += 3) {
		for (let b = 0; b < low.length; b += 3) {
			const difference = high[a] - low[b];
			if (!(difference > 0)) break;
			const vs = difference / Math.hypot(high[a + 1], low[b + 1]);
			if (vs > extremes.vsMax) {
				extremes.vsMax = vs;
				extremes.vsMjd = [high[a + 2], low[b + 2]];
			}
			if (vs < threshold || !(high[a] > 0)) continue;
			const floor = Math.max(0, low[b]);
			const m = (2 * (high[a] - floor)) / (high[a] + floor);
			if (extremes.mPair === null || m > extremes.mPair) {
				extremes.mPair = m;
				extremes.mPairVs = vs;
				extremes.mPairMjd = [high[a + 2], low[b + 2]];
			}
		}
	}
	return extremes;
}
