import * as metrics from "../../observability/metrics.ts";
import { storeHistory, storeNewSources, storeQuality } from "../../store/checks.ts";
import type { Database, Queryable } from "../../store/database.ts";
import { publish } from "../../store/events.ts";
import { keyOf, loadStates, type StateUpdate, storeStates } from "../../store/light-curves.ts";
import { SCALED_VALUE } from "../../store/measurements.ts";
import {
	addMeasurement,
	emptyState,
	type LightCurveState,
	measurementFault,
	summarize,
	validate,
} from "../../variability/statistics.ts";
import { HistoryWatch } from "../checks/history.ts";
import { judgeNewSources } from "../checks/new-sources.ts";
import type { Stage, StageContext, StageResult } from "../stage.ts";

interface Point {
	source_id: number;
	band_id: number;
	image_id: number;
	mjd: number;
	flux: number | null;
	err: number | null;
	/** Measured by this run. */
	own: boolean;
}

/** Fields whose history was put on a new scale by this run: running statistics of theirs begin anew. */
export async function renormalizedFields(db: Queryable, runId: string): Promise<number[]> {
	const rows = await db.query<{ field: number }>(
		"renormalized fields",
		`SELECT DISTINCT split_part(unit, '/', 1)::float8 AS field FROM stage_run
		 WHERE run_id = $1 AND stage IN ('normalise', 'normalise-requested') AND (output ->> 'renormalized')::float8 > 0 ORDER BY 1`,
		[runId],
	);
	return rows.map((row) => row.field);
}

/** Points of the fields whose scale is new, in batches, light curve by light curve. */
const lightCurvesOfFields = (db: Database, fields: number[], configuration: string, runId: string) =>
	db.batches<Point>(
		"light curves of fields",
		`SELECT m.source_id, m.band_id, m.image_id, m.mjd, ${SCALED_VALUE}, m.run_id = $3 AS own FROM measurement m JOIN source ON source.id = source_id
		 WHERE field_id = ANY($1) AND method = 'forced' AND configuration = $2 ORDER BY source_id, band_id, mjd, image_id`,
		[fields, configuration, runId],
	);

/** Points that the run has brought to all other fields. */
const pointsOfRun = (db: Database, fields: number[], configuration: string, runId: string) =>
	db.batches<Point>(
		"points of run",
		`SELECT source_id, band_id, image_id, mjd, ${SCALED_VALUE}, true AS own FROM measurement JOIN source ON source.id = source_id
		 WHERE run_id = $1 AND method = 'forced' AND configuration = $2 AND (field_id IS NULL OR field_id <> ALL($3)) ORDER BY source_id, band_id, mjd, image_id`,
		[runId, configuration, fields],
	);

/**
 * Brings the running statistics up to date: the run's own points are added to what is known of their sources, so the
 * cost is that of the epoch and not of the history. Only where a field's scale was solved anew, its light curves are
 * summed again from the first point.
 */
export const statistics: Stage = {
	name: "statistics",
	// The layout of bins rests on what was known of the sources before this run.
	after: ["normalise", "bin"],
	enabled: () => true,
	async units(db, run) {
		const [{ present }] = await db.query<{ present: boolean }>(
			"anything measured",
			"SELECT EXISTS (SELECT FROM measurement WHERE run_id = $1) AS present",
			[run.id],
		);
		return present || (await renormalizedFields(db, run.id)).length > 0 ? ["survey"] : [];
	},
	onFailure: "abort",

	async execute({ database, configurationHash }: StageContext, run): Promise<StageResult> {
		const begun = performance.now();
		const fields = await renormalizedFields(database, run.id);
		const states = await loadStates(database, run.id, fields, configurationHash);
		const touched = new Map<string, { sourceId: number; bandId: number; state: LightCurveState }>();
		const watch = new HistoryWatch();
		let faults = 0;
		const add = (point: Point, begin: (key: string) => LightCurveState) => {
			const key = keyOf({ sourceId: point.source_id, bandId: point.band_id });
			let entry = touched.get(key);
			if (entry === undefined) {
				entry = { sourceId: point.source_id, bandId: point.band_id, state: begin(key) };
				touched.set(key, entry);
			}
			// A flagged measurement has no value: it stays in the light curve and out of its statistics.
			if (point.flux === null || point.err === null) return;
			const { mjd, flux, err } = point;
			if (measurementFault(mjd, flux, err) !== null) {
				faults += 1;
				return;
			}
			if (point.own) watch.look({ ...point, flux, err }, entry.state);
			addMeasurement(entry.state, mjd, flux, err);
		};
		let points = 0;
		let computing = 0;
		const addAll = async (rows: AsyncIterable<Point[]>, begin: (key: string) => LightCurveState) => {
			for await (const batch of rows) {
				const at = performance.now();
				for (const point of batch) add(point, begin);
				points += batch.length;
				computing += performance.now() - at;
			}
		};
		await addAll(lightCurvesOfFields(database, fields, configurationHash, run.id), emptyState);
		await addAll(pointsOfRun(database, fields, configurationHash, run.id), (key) => states.get(key) ?? emptyState());
		const summing = performance.now();
		const updates: StateUpdate[] = [...touched.values()].map((entry) => {
			const summary = summarize(entry.state);
			return { ...entry, summary, flags: validate(summary) };
		});
		metrics.statisticsComputation.observe((computing + performance.now() - summing) / 1000);
		const verdicts = await watch.judge(database, configurationHash);
		const anomalies = verdicts.points.filter((point) => point.isAnomalous).length;
		const badImages = verdicts.images.filter((image) => image.isImageAnomalous).length;
		const newSources = await judgeNewSources(database, run.id, configurationHash);
		metrics.statisticsDuration.observe((performance.now() - begun) / 1000);
		return {
			output: {
				light_curves: updates.length,
				points: points,
				impossible_values: faults,
				history_anomalies: anomalies,
				anomalous_images: badImages,
				new_sources: newSources.filter((source) => source.verdict === "new").length,
			},
			async store(tx) {
				await storeStates(tx, updates, configurationHash);
				await storeHistory(tx, configurationHash, verdicts.points);
				await storeQuality(
					tx,
					verdicts.images.map((image) => ({
						imageId: image.imageId,
						quality: {
							history: {
								checked: image.checked,
								anomalous: image.anomalous,
								image_anomalous: image.isImageAnomalous,
								median_sigmas: image.medianSigmas,
								median_ratio: image.medianRatio,
							},
						},
					})),
				);
				await storeNewSources(tx, newSources);
				const checked = verdicts.images.reduce((sum, image) => sum + image.checked, 0);
				metrics.checks.inc({ check: "history", outcome: "agrees" }, checked - anomalies);
				metrics.checks.inc({ check: "history", outcome: "differs" }, anomalies);
				metrics.checks.inc({ check: "image", outcome: "agrees" }, verdicts.images.length - badImages);
				metrics.checks.inc({ check: "image", outcome: "differs" }, badImages);
				for (const { verdict } of newSources) metrics.checks.inc({ check: "new_source", outcome: verdict });
				await publish(tx, "StatisticsUpdated", {
					source: "stage/statistics",
					subject: run.id,
					data: { light_curves: updates.length },
				});
			},
		};
	},
};
