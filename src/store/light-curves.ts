import { decodeState, encodeState, type LightCurveState, type LightCurveSummary } from "../variability/statistics.ts";
import type { Queryable, Transaction } from "./database.ts";
import { bytesOf, doublesOf } from "./double-bytes.ts";

export interface StateKey {
	sourceId: number;
	bandId: number;
}

export const keyOf = ({ sourceId, bandId }: StateKey): string => `${sourceId}/${bandId}`;

/** Running statistics of the sources of a run that are not of the given fields, by {@link keyOf}, under these settings. */
export async function loadStates(
	db: Queryable,
	runId: string,
	otherFields: number[],
	configuration: string,
): Promise<Map<string, LightCurveState>> {
	const rows = await db.query<{ source_id: number; band_id: number; state: Buffer }>(
		"load states",
		`SELECT source_id, band_id, state FROM light_curve_state l JOIN source ON source.id = source_id
		 WHERE configuration = $3 AND (field_id IS NULL OR field_id <> ALL($2))
		 AND source_id IN (SELECT m.source_id FROM measurement m WHERE m.run_id = $1)`,
		[runId, otherFields, configuration],
	);
	return new Map(
		rows.map((row) => [keyOf({ sourceId: row.source_id, bandId: row.band_id }), decodeState(doublesOf(row.state))]),
	);
}

export interface StateUpdate extends StateKey {
	state: LightCurveState;
	summary: LightCurveSummary;
	flags: string[];
}

/** Writes states with the summary that lists and plots need, in place of what was there. */
export async function storeStates(tx: Transaction, updates: StateUpdate[], configuration: string): Promise<void> {
	if (updates.length === 0) return;
	await tx.execute(
		"states staging",
		"CREATE TEMPORARY TABLE IF NOT EXISTS state_staging (LIKE light_curve_state INCLUDING DEFAULTS) ON COMMIT DROP",
	);
	await tx.copy(
		"state_staging",
		[
			{ name: "source_id", value: (i) => updates[i].sourceId },
			{ name: "band_id", value: (i) => updates[i].bandId },
			{ name: "configuration", value: () => configuration },
			{ name: "state", value: (i) => bytesOf(encodeState(updates[i].state)) },
			{ name: "n", value: (i) => updates[i].summary.n },
			{ name: "mean_jy", value: (i) => updates[i].summary.mean },
			{ name: "weighted_mean_jy", value: (i) => updates[i].summary.weightedMean },
			{ name: "v", value: (i) => updates[i].summary.v },
			{ name: "eta", value: (i) => updates[i].summary.eta },
			{ name: "log10_p", value: (i) => updates[i].summary.logP },
			{ name: "modulation_index", value: (i) => updates[i].summary.modulationIndex },
			{ name: "last_mjd", value: (i) => updates[i].summary.lastMjd },
			{ name: "flags", value: (i) => updates[i].flags.join("|") },
		],
		updates.length,
	);
	await tx.execute(
		"store states",
		`INSERT INTO light_curve_state AS t SELECT * FROM state_staging ON CONFLICT (source_id, band_id) DO UPDATE SET
		 configuration = excluded.configuration, state = excluded.state, n = excluded.n, mean_jy = excluded.mean_jy,
		 weighted_mean_jy = excluded.weighted_mean_jy, v = excluded.v, eta = excluded.eta, log10_p = excluded.log10_p,
		 modulation_index = excluded.modulation_index, last_mjd = excluded.last_mjd, flags = excluded.flags, updated_at = now()`,
	);
}
