import type { Config } from "../../config/schema.ts";
import * as metrics from "../../observability/metrics.ts";
import { loadBaselines, newestReferenceSet, type StoredBaselines } from "../../store/baselines.ts";
import type { Queryable } from "../../store/database.ts";
import { TtlCache } from "./ttl-cache.ts";

/** Fields times subbands whose lists a process keeps; a version of a thousand sources takes a tenth of a megabyte. */
const MOST_LISTS = 200;

const lists = new TtlCache<StoredBaselines>(MOST_LISTS);

/**
 * The newest baselines and references of a field in one subband, undefined before the first version. A version never
 * changes, so the one that is kept in memory is right as long as no newer one is there: that alone is asked for.
 */
export async function currentBaselines(
	db: Queryable,
	config: Config,
	fieldId: number,
	bandId: number,
): Promise<StoredBaselines | undefined> {
	const set = await newestReferenceSet(db, fieldId, bandId);
	if (set === undefined) return undefined;
	const key = `${fieldId}/${bandId}/${set.id}/${set.created}`;
	const known = lists.get(key);
	metrics.cacheLookups.inc({ cache: "references", result: known === undefined ? "miss" : "hit" });
	if (known !== undefined) return known;
	const loaded = await loadBaselines(db, set);
	lists.set(key, loaded, config.normalization.cache_ttl_seconds);
	return loaded;
}
