import type { Transaction } from "./database.ts";

/** How far points lie from their own past, written beside them. */
export async function storeHistory(
	tx: Transaction,
	configuration: string,
	points: { sourceId: number; imageId: number; sigmas: number; isAnomalous: boolean }[],
): Promise<void> {
	if (points.length === 0) return;
	await tx.execute(
		"store history",
		`UPDATE measurement m SET history_sigmas = v.sigmas,
		 check_flags = array_to_string(array_remove(string_to_array(check_flags, '|'), 'history_anomaly') || CASE WHEN v.anomalous THEN ARRAY['history_anomaly'] ELSE '{}' END, '|')
		 FROM unnest($1::bigint[], $2::bigint[], $3::float8[], $4::bool[]) AS v(source_id, image_id, sigmas, anomalous)
		 WHERE m.source_id = v.source_id AND m.image_id = v.image_id AND m.method = 'forced' AND m.configuration = $5`,
		[
			points.map((point) => point.sourceId),
			points.map((point) => point.imageId),
			points.map((point) => (Number.isNaN(point.sigmas) ? null : point.sigmas)),
			points.map((point) => point.isAnomalous),
			configuration,
		],
	);
}

/** Adds marks of quality to images; marks of other names stay. */
export async function storeQuality(
	tx: Transaction,
	rows: { imageId: number; quality: Record<string, unknown> }[],
): Promise<void> {
	if (rows.length === 0) return;
	await tx.execute(
		"store quality",
		"UPDATE image SET quality = image.quality || v.quality FROM unnest($1::bigint[], $2::jsonb[]) AS v(id, quality) WHERE image.id = v.id",
		[rows.map((row) => row.imageId), rows.map((row) => JSON.stringify(row.quality))],
	);
}

export interface NewSourceRow {
	sourceId: number;
	significance: number;
	verdict: string;
}

export async function storeNewSources(tx: Transaction, rows: NewSourceRow[]): Promise<void> {
	if (rows.length === 0) return;
	await tx.execute(
		"store new sources",
		`UPDATE source SET new_source_significance = v.significance, new_source_verdict = v.verdict
		 FROM unnest($1::bigint[], $2::float8[], $3::text[]) AS v(id, significance, verdict) WHERE source.id = v.id`,
		[
			rows.map((row) => row.sourceId),
			rows.map((row) => (Number.isNaN(row.significance) ? null : row.significance)),
			rows.map((row) => row.verdict),
		],
	);
}
