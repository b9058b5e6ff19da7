import { stat } from "node:fs/promises";
import { type Catalogue, readCatalogue } from "../../formats/catalogue.ts";
import { countCacheRequest } from "../../observability/metrics.ts";

const MOST = 4;
const kept = new Map<string, { stamp: string; catalogue: Promise<Catalogue> }>();

/** Reads a catalogue, once for all the runs that watch its sources while the file stays the same. */
export async function keptCatalogue(path: string): Promise<Catalogue> {
	const stamp = await stat(path).then(
		({ size, mtimeMs, ino }) => `${size} ${mtimeMs} ${ino}`,
		// Reading says what is wrong with it.
		() => undefined,
	);
	const known = kept.get(path);
	const isHit = known !== undefined && known.stamp === stamp;
	countCacheRequest("catalogues", isHit);
	if (isHit) return known.catalogue;
	const catalogue = readCatalogue(path);
	kept.delete(path);
	if (stamp !== undefined) {
		kept.set(path, { stamp, catalogue });
		catalogue.catch(() => kept.delete(path));
	}
	if (kept.size > MOST) kept.delete(kept.keys().next().value as string);
	return catalogue;
}
