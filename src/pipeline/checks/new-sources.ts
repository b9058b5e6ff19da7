import { newSourceSignificance } from "../../photometry/new-source.ts";
import type { NewSourceRow } from "../../store/checks.ts";
import type { Queryable } from "../../store/database.ts";

/**
 * Should the sources that this run added have been seen before? Each has been measured in every earlier image of its
 * field, so that the noise at its very place is known there; images of other subbands say nothing of this one.
 */
export async function judgeNewSources(db: Queryable, runId: string, configuration: string): Promise<NewSourceRow[]> {
	const sources = await db.query<{ id: number; peak: number }>(
		"sources of run",
		`SELECT s.id, max(c.peak_flux_jy) AS peak FROM source s JOIN run_image r ON r.image_id = s.first_image_id
		 JOIN component c ON c.image_id = s.first_image_id AND c.source_id = s.id
		 WHERE r.run_id = $1 AND s.origin = 'found' GROUP BY s.id ORDER BY s.id`,
		[runId],
	);
	if (sources.length === 0) return [];
	const before = await db.query<{ source_id: number; rms: number }>(
		"noise before",
		`SELECT m.source_id, m.local_rms_jy AS rms FROM measurement m JOIN source s ON s.id = m.source_id JOIN image f ON f.id = s.first_image_id
		 WHERE m.source_id = ANY($1) AND m.method = 'forced' AND m.configuration = $2 AND m.band_id = f.band_id AND m.mjd < f.mjd
		 AND m.local_rms_jy > 0 ORDER BY m.source_id, m.image_id`,
		[sources.map((source) => source.id), configuration],
	);
	const noise = Map.groupBy(before, (row) => row.source_id);
	return sources.map(({ id, peak }) => {
		const rms = Float64Array.from(noise.get(id) ?? [], (row) => row.rms);
		const { significance, verdict } = newSourceSignificance(Float64Array.of(peak), rms, rms.length);
		return { sourceId: id, significance: significance[0], verdict: verdict[0] };
	});
}
