import { newWatch, urgency, type Watch, watchEpoch } from "../../detection/watch.ts";
import type { Queryable } from "../../store/database.ts";
import { type FreshPoint, freshPoints, watchedSources } from "../../store/watches.ts";
import type { JudgedSource } from "./judge-stored.ts";

/** Reduced chi-squared about the level, in any subband, below which a light curve cannot hold an event. */
export const RESTLESS_ETA = 1.5;
/** Without a surprise a source is looked at again when its points have grown by this share, and by at least so many. */
const GROWTH = 0.25;
const LEAST_GROWTH = 24;
/**
 * Such reviews per run, most overdue first; looks at sources whose event may go on, longest unsearched first; and coarse
 * looks at surprising sources: the rest waits for the next run.
 */
const MOST_REVIEWS = 6;
export const MOST_ONGOING = 2;
export const MOST_SURPRISES = 24;
/** Surprising sources and reviews that are searched beyond a coarse look in one run. */
export const MOST_SEARCHED = 6;
/** Images closer in time than this are one epoch, days. */
const EPOCH_DAYS = 0.04;

export interface DueSource extends JudgedSource {
	watch: Watch;
	/** Points of its light curves. */
	points: number;
	/** How many of them the run has brought: no run before can have raised what they tell. */
	fresh: number;
	/** It may be left for the next run if others show more. */
	canWait: boolean;
}

export interface Due {
	/** To be searched now, most urgent first. */
	due: DueSource[];
	/** All that were brought up to date. */
	watched: DueSource[];
}

/**
 * Takes a run's points into the filters of their sources and tells which sources are due for a search: never searched,
 * with an event that may be going on, surprising, or grown much since the last search. The cost is that of the points,
 * not of the history behind them.
 */
export async function dueSources(db: Queryable, runId: string): Promise<Due> {
	const points = await freshPoints(db, runId, RESTLESS_ETA);
	const bySource = new Map<number, FreshPoint[]>();
	for (const point of points) {
		const own = bySource.get(point.source_id);
		if (own === undefined) bySource.set(point.source_id, [point]);
		else own.push(point);
	}
	const sources = await watchedSources(db, [...bySource.keys()]);
	const watched: DueSource[] = [];
	const first: { source: DueSource; rank: number }[] = [];
	const ongoing: { source: DueSource; rank: number }[] = [];
	const surprises: { source: DueSource; rank: number }[] = [];
	const reviews: { source: DueSource; rank: number }[] = [];
	for (const { watch: stored, points: n, under_review_until: until, ...place } of sources) {
		const watch = stored ?? newWatch();
		const own = bySource.get(place.id) ?? [];
		takeIn(watch, own);
		const { searchedPoints } = watch;
		const isNew = searchedPoints === 0;
		const goesOn = until !== null && own.length > 0 && own[own.length - 1].mjd <= until;
		const source: DueSource = { ...place, watch, points: n, fresh: own.length, canWait: !isNew && !goesOn };
		watched.push(source);
		const grown = (n - searchedPoints) / Math.max(LEAST_GROWTH, GROWTH * searchedPoints);
		if (isNew) first.push({ source, rank: 0 });
		else if (goesOn) ongoing.push({ source, rank: n - searchedPoints });
		else if (urgency(watch) >= 1) surprises.push({ source, rank: urgency(watch) });
		else if (grown >= 1) reviews.push({ source, rank: grown });
	}
	const order = (a: { source: DueSource; rank: number }, b: { source: DueSource; rank: number }) =>
		a.rank === b.rank ? a.source.id - b.source.id : b.rank - a.rank;
	return {
		due: [
			first,
			ongoing.sort(order).slice(0, MOST_ONGOING),
			surprises.sort(order).slice(0, MOST_SURPRISES),
			reviews.sort(order).slice(0, MOST_REVIEWS),
		].flatMap((some) => some.map(({ source }) => source)),
		watched,
	};
}

function takeIn(watch: Watch, points: readonly FreshPoint[]): void {
	for (let from = 0; from < points.length; ) {
		let to = from + 1;
		while (to < points.length && points[to].mjd - points[from].mjd <= EPOCH_DAYS) to++;
		watchEpoch(
			watch,
			points.slice(from, to).map(({ band_id: band, mjd, flux, err, level, n }) => ({
				band,
				mjd,
				flux: flux ?? Number.NaN,
				err: err ?? Number.NaN,
				level: level ?? Number.NaN,
				n,
			})),
		);
		from = to;
	}
}
