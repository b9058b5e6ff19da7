import { checkAgainstHistory, type HistoryCheck, judgeImage } from "../../photometry/history-check.ts";
import type { Queryable } from "../../store/database.ts";
import { SCALED_VALUE } from "../../store/measurements.ts";
import type { LightCurveState } from "../../variability/statistics.ts";

/** One new point of a light curve, on the scale of its statistics. */
export interface CheckedPoint {
	source_id: number;
	band_id: number;
	image_id: number;
	mjd: number;
	flux: number;
	err: number;
}

export interface HistoryVerdict {
	sourceId: number;
	imageId: number;
	sigmas: number;
	isAnomalous: boolean;
}

export interface ImageVerdict {
	imageId: number;
	checked: number;
	anomalous: number;
	/** The image is at fault, not its sources. */
	isImageAnomalous: boolean;
	medianSigmas: number;
	medianRatio: number;
}

const LIMIT_SIGMA = 5;
/** Scatter from epoch to epoch that any steady source shows, as a share of its flux. */
const SYSTEMATIC = 0.02;
const LEAST_POINTS = 4;
/** Whole light curves looked up in one run, at most; points beyond are judged by their running statistics. */
const MOST_LOOKED_UP = 500;

interface Entry {
	point: CheckedPoint;
	check: HistoryCheck;
	/** No robust check of this point can give more sigmas than this. */
	bound: number;
}

/**
 * Compares new measurements with the past of their sources at the cost of the epoch: running statistics tell which
 * points could be anomalous at all (a median lies within one standard deviation of the mean), and only for those the
 * light curve itself is read and judged robustly.
 */
export class HistoryWatch {
	readonly #entries: Entry[] = [];

	/** Looks at a point before it is added to the statistics of its light curve. */
	look(point: CheckedPoint, before: LightCurveState): void {
		const { n } = before;
		if (n < LEAST_POINTS) return;
		const mean = before.fluxSum / n;
		const spread = Math.max(0, before.squareSum / n - mean * mean);
		const expected = before.varianceSum / n;
		const intrinsic = Math.max(0, (spread * n) / (n - 1) - expected);
		const baselineError = Math.sqrt((expected + intrinsic) / n);
		const floor = (SYSTEMATIC * mean) ** 2;
		const own = point.err ** 2 + floor;
		const deviation = point.flux - mean;
		const sigmas = deviation / Math.sqrt(own + baselineError ** 2 + intrinsic);
		this.#entries.push({
			point,
			check: { baseline: mean, baselineError, sigmas, isAnomalous: Math.abs(sigmas) > LIMIT_SIGMA, points: n },
			bound: (Math.abs(deviation) + Math.sqrt(spread)) / Math.sqrt(own),
		});
	}

	/** Reads the light curves that need it and judges images and points. Values are in the order of images and sources. */
	async judge(db: Queryable, configuration: string): Promise<{ points: HistoryVerdict[]; images: ImageVerdict[] }> {
		const suspicious = this.#entries
			.filter((entry) => entry.bound > LIMIT_SIGMA)
			.sort((p, q) => q.bound - p.bound || p.point.source_id - q.point.source_id || p.point.image_id - q.point.image_id)
			.slice(0, MOST_LOOKED_UP);
		await lookUp(db, configuration, suspicious);
		const robust = new Set(suspicious);
		const points: HistoryVerdict[] = [];
		const images: ImageVerdict[] = [];
		const byImage = [...Map.groupBy(this.#entries, (entry) => entry.point.image_id)].sort(([p], [q]) => p - q);
		for (const [imageId, entries] of byImage) {
			const verdict = judgeImage(
				entries.map((entry) => entry.check),
				entries.map((entry) => entry.point.flux),
			);
			let anomalous = 0;
			entries.forEach((entry, i) => {
				anomalous += verdict.anomalous[i];
				if (!robust.has(entry) && verdict.anomalous[i] === 0) return;
				points.push({
					sourceId: entry.point.source_id,
					imageId,
					sigmas: entry.check.sigmas,
					isAnomalous: verdict.anomalous[i] === 1,
				});
			});
			images.push({
				imageId,
				checked: verdict.checked,
				anomalous,
				isImageAnomalous: verdict.isImageAnomalous,
				medianSigmas: verdict.medianSigmas,
				medianRatio: verdict.medianRatio,
			});
		}
		return { points, images };
	}
}

/** Replaces the checks of the given entries by robust ones against the whole light curve before each point. */
async function lookUp(db: Queryable, configuration: string, entries: readonly Entry[]): Promise<void> {
	if (entries.length === 0) return;
	const rows = await db.query<{ source_id: number; band_id: number; mjd: number; flux: number; err: number }>(
		"histories",
		`SELECT source_id, band_id, mjd, ${SCALED_VALUE} FROM measurement WHERE source_id = ANY($1) AND method = 'forced' AND configuration = $2
		 AND flux_jy IS NOT NULL ORDER BY source_id, band_id, mjd, image_id`,
		[[...new Set(entries.map((entry) => entry.point.source_id))], configuration],
	);
	const curves = Map.groupBy(rows, (row) => `${row.source_id}/${row.band_id}`);
	for (const entry of entries) {
		const { point } = entry;
		const past = (curves.get(`${point.source_id}/${point.band_id}`) ?? []).filter((row) => row.mjd < point.mjd);
		const check = checkAgainstHistory(
			point.flux,
			point.err,
			{ flux: past.map((row) => row.flux), error: past.map((row) => row.err) },
			{ limitSigma: LIMIT_SIGMA, systematic: SYSTEMATIC, leastPoints: LEAST_POINTS },
		);
		// A point older than the rest of its light curve has no past of its own to differ from.
		entry.check = check;
	}
}
