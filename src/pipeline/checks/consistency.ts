import type { Database } from "../../store/database.ts";
import { doublesOf } from "../../store/double-bytes.ts";
import { type StateUpdate, storeStates } from "../../store/light-curves.ts";
import { SCALED_VALUE } from "../../store/measurements.ts";
import { recordCheck, type StatisticsCheck } from "../../store/statistics-checks.ts";
import { checkState } from "../../variability/consistency.ts";
import {
	decodeState,
	emptyState,
	type LightCurveState,
	measurementFault,
	summarize,
	validate,
} from "../../variability/statistics.ts";

interface Curve {
	source_id: number;
	source: string;
	band_id: number;
	mhz: number;
	state: Buffer | null;
}

interface Point {
	source_id: number;
	band_id: number;
	mjd: number;
	flux: number | null;
	err: number | null;
}

const BATCH = 500;
/** Light curves of which a record tells in words. */
const MOST_TOLD = 50;
/** Any number that nobody else locks on: one process checks at a time. */
const CHECK_LOCK = 727_274;

export interface CheckOptions {
	/** Write what the measurements give in place of what is wrong. */
	repair: boolean;
	trigger: StatisticsCheck["trigger"];
	signal?: AbortSignal | undefined;
	onProgress?: (done: number, total: number) => void;
}

function readState(stored: Buffer | null): { state: LightCurveState; fault: string | null } {
	if (stored === null) return { state: emptyState(), fault: "there are measurements and no statistics" };
	try {
		return { state: decodeState(doublesOf(stored)), fault: null };
	} catch {
		return { state: emptyState(), fault: "the stored sums cannot be read" };
	}
}

/**
 * Compares the running statistics of every light curve with the measurements that they claim to describe, measured under
 * the given settings: counts, moments, extremes and the bounds that hold for any light curve. Repairs are written source
 * by source under a lock, from rows read in the same transaction, so that an epoch that arrives meanwhile is not lost.
 */
export async function checkStatistics(
	database: Database,
	configuration: string,
	{ repair, trigger, signal, onProgress = () => {} }: CheckOptions,
): Promise<Omit<StatisticsCheck, "at">> {
	const sources = await database.query<{ id: number }>(
		"sources to check",
		`SELECT id FROM source WHERE EXISTS (SELECT FROM light_curve_state l WHERE l.source_id = source.id AND l.configuration = $1)
		 OR EXISTS (SELECT FROM measurement m WHERE m.source_id = source.id AND m.method = 'forced' AND m.configuration = $1) ORDER BY id`,
		[configuration],
	);
	const result: Omit<StatisticsCheck, "at"> = { trigger, light_curves: 0, wrong: 0, repaired: 0, problems: [] };
	for (let at = 0; at < sources.length; at += BATCH) {
		signal?.throwIfAborted();
		const ids = sources.slice(at, at + BATCH).map((source) => source.id);
		await database.transaction("check statistics", async (tx) => {
			await tx.execute("check lock", "SELECT pg_advisory_xact_lock($1)", [CHECK_LOCK]);
			if (repair)
				await tx.execute("check rows", "SELECT FROM light_curve_state WHERE source_id = ANY($1) FOR UPDATE", [ids]);
			const curves = await tx.query<Curve>(
				"light curves to check",
				`SELECT k.source_id, s.name AS source, k.band_id, b.frequency_hz / 1e6 AS mhz, l.state
				 FROM (SELECT source_id, band_id FROM light_curve_state WHERE source_id = ANY($1) AND configuration = $2
				   UNION SELECT source_id, band_id FROM measurement WHERE source_id = ANY($1) AND method = 'forced' AND configuration = $2) k
				 JOIN source s ON s.id = k.source_id JOIN band b ON b.id = k.band_id
				 LEFT JOIN light_curve_state l ON l.source_id = k.source_id AND l.band_id = k.band_id AND l.configuration = $2 ORDER BY 1, 3`,
				[ids, configuration],
			);
			const points = await tx.query<Point>(
				"points to check",
				`SELECT source_id, band_id, mjd, ${SCALED_VALUE}
				 FROM measurement WHERE source_id = ANY($1) AND method = 'forced' AND configuration = $2 ORDER BY source_id, band_id, mjd, image_id`,
				[ids, configuration],
			);
			const rows = Map.groupBy(
				points.filter(
					({ mjd, flux, err }) => flux !== null && err !== null && measurementFault(mjd, flux, err) === null,
				),
				(point) => `${point.source_id}/${point.band_id}`,
			);
			const updates: StateUpdate[] = [];
			for (const curve of curves) {
				const own = rows.get(`${curve.source_id}/${curve.band_id}`) ?? [];
				const { state, fault } = readState(curve.state);
				// A light curve of which nothing was ever valid may have statistics or none.
				if (curve.state === null && own.length === 0) continue;
				result.light_curves++;
				const { problems, repaired } = checkState(state, {
					mjd: own.map((point) => point.mjd),
					flux: own.map((point) => point.flux as number),
					err: own.map((point) => point.err as number),
				});
				if (fault !== null) problems.unshift(fault);
				if (problems.length === 0) continue;
				result.wrong++;
				if (result.problems.length < MOST_TOLD)
					result.problems.push({ source: curve.source, band_mhz: curve.mhz, problems: problems.slice(0, 5) });
				const summary = summarize(repaired);
				updates.push({
					sourceId: curve.source_id,
					bandId: curve.band_id,
					state: repaired,
					summary,
					flags: validate(summary),
				});
			}
			if (repair) {
				await storeStates(tx, updates, configuration);
				result.repaired += updates.length;
			}
		});
		onProgress(Math.min(sources.length, at + BATCH), sources.length);
	}
	await recordCheck(database, result);
	return result;
}
