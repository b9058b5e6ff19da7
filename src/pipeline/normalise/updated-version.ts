import type { Config } from "../../config/schema.ts";
import { addEpoch, baselineSums, publishBaselines } from "../../normalization/baseline.ts";
import { propagate } from "../../normalization/error-propagation.ts";
import type { StoredBaselines } from "../../store/baselines.ts";
import type { Queryable } from "../../store/database.ts";
import type { MeasuredImageRow } from "./field-rows.ts";
import { isUsable, OWN_SOURCES } from "./field-scale.ts";

interface NormalizedRow {
	source_id: number;
	image_id: number;
	flux_jy: number;
	flux_err_jy: number;
	correction: number;
	correction_err: number;
	flags: string;
}

/** MJD of the newest epoch that a version knows; -Infinity when it knows none. */
export const newestEpoch = ({ baselines }: StoredBaselines): number =>
	baselines.lastMjd.reduce((newest, mjd) => (mjd > newest ? mjd : newest), -Infinity);

/**
 * The next version, with the levels brought up to date by epochs that came after: added to the sums behind each level, at
 * a cost that does not know how long the history is. Sources that have become candidates keep their levels and are
 * references no longer. Undefined when no image has a correction by the field's own references.
 */
export async function updatedVersion(
	db: Queryable,
	config: Config,
	configuration: string,
	before: StoredBaselines,
	images: readonly MeasuredImageRow[],
): Promise<Omit<StoredBaselines, "referenceSetId" | "version"> | undefined> {
	const rows = await db.query<NormalizedRow>(
		"values for baselines",
		`SELECT m.source_id, m.image_id, m.flux_jy, m.flux_err_jy, m.correction, m.correction_err, m.flags FROM measurement m
		 JOIN flux_correction c ON c.image_id = m.image_id
		 WHERE m.image_id = ANY($1) AND m.source_id = ANY($2) AND m.method = 'forced' AND m.configuration = $3 AND m.flux_jy IS NOT NULL AND m.flux_err_jy > 0
		 AND c.status = 'applied' AND c.source = ANY($4) AND m.correction_source = ANY($4) ORDER BY m.mjd, m.image_id, m.source_id`,
		[images.map((image) => image.id), before.sourceIds, configuration, [...OWN_SOURCES]],
	);
	if (rows.length === 0) return undefined;
	const candidates = new Set(
		(
			await db.query<{ source_id: number }>(
				"candidates among baselines",
				"SELECT DISTINCT source_id FROM candidate WHERE status IN ('open', 'confirmed') AND source_id = ANY($1)",
				[before.sourceIds],
			)
		).map((row) => row.source_id),
	);
	const place = new Map(before.sourceIds.map((id, i) => [id, i]));
	const { baselines } = before;
	const sums = baselineSums(baselines);
	const byImage = Map.groupBy(rows, (row) => row.image_id);
	for (const image of images) {
		const list = byImage.get(image.id);
		if (list === undefined) continue;
		const index = Int32Array.from(list, (row) => place.get(row.source_id) as number);
		const values = list.map((row, k) =>
			propagate(
				row.flux_jy,
				row.flux_err_jy,
				row.correction,
				row.correction_err,
				baselines.systematicFraction,
				baselines.value[index[k]],
			),
		);
		addEpoch(
			sums,
			index,
			Float64Array.from(values, (value) => value.flux),
			Float64Array.from(values, (value) => value.errorAtBaseline),
			image.mjd,
			Uint8Array.from(list, (row) => (isUsable(row.flags) && !candidates.has(row.source_id) ? 1 : 0)),
			config.normalization.max_deviation_sigma,
		);
	}
	const steady = (list: Int32Array) => list.filter((i) => !candidates.has(before.sourceIds[i]));
	const [field, band] = baselines.version.split("/");
	return {
		...before,
		nEpochs: before.nEpochs + byImage.size,
		baselines: publishBaselines(sums, `${field}/${band}/${before.version + 1}`),
		primary: steady(before.primary),
		wide: steady(before.wide),
		method: "updated",
	};
}
