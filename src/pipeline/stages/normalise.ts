import type { Config } from "../../config/schema.ts";
import { lastAccepted, type StoredBaselines, storeBaselines, storeCorrections } from "../../store/baselines.ts";
import type { Database, Queryable } from "../../store/database.ts";
import { publish } from "../../store/events.ts";
import { storeNormalized } from "../../store/measurements.ts";
import type { Run } from "../../store/runs.ts";
import { alertsOf, publishAlerts } from "../normalise/alerts.ts";
import { FIRST_VERSION_EPOCHS, solveVersion } from "../normalise/baseline-version.ts";
import { imagesOfRun, measuredImages, rowsOfImages, sourcesOfRows } from "../normalise/field-rows.ts";
import { type FieldBand, fieldScale, leanOn, type NormalizedRows, normalizeRows } from "../normalise/field-scale.ts";
import { observeSolution } from "../normalise/observe-solution.ts";
import { currentBaselines } from "../normalise/reference-lists.ts";
import { correctionRow, normalizedImage } from "../normalise/stored-values.ts";
import type { Stage, StageContext, StageResult } from "../stage.ts";

/**
 * A field with so few epochs is solved anew here, whenever its epochs have doubled, and its history put on the new scale;
 * later versions are made after the run's results are there, and keep the scale of the earlier ones.
 */
const YOUNG_EPOCHS = 12;

interface BandResult {
	bandId: number;
	images: { imageId: number; done: NormalizedRows }[];
	version: Omit<StoredBaselines, "referenceSetId" | "version"> | undefined;
	referenceSetId: number | null;
	/** Whether there are baselines at all: before the third epoch nobody expects references. */
	hasVersion: boolean;
	/** References on the list. */
	listed: number;
	/** Whether history was put on a new scale. */
	renormalized: boolean;
}

/** Fields of which a run has measured images, as units. */
export async function fieldsOfRun(db: Queryable, runId: string): Promise<string[]> {
	const rows = await db.query<{ field_id: number }>(
		"fields of run",
		"SELECT DISTINCT field_id FROM image WHERE id IN (SELECT image_id FROM measurement WHERE run_id = $1) ORDER BY 1",
		[runId],
	);
	return rows.map((row) => String(row.field_id));
}

/** Subbands in which a run has measured images of a field. */
export const bandsOfRun = (db: Queryable, fieldId: number, runId: string): Promise<FieldBand[]> =>
	db.query<FieldBand>(
		"bands of field",
		`SELECT b.id, b.frequency_hz, max(beam_major_deg) AS beam_major_deg FROM band b JOIN image i ON i.band_id = b.id
		 WHERE i.id IN (SELECT image_id FROM measurement WHERE run_id = $2) AND i.field_id = $1 GROUP BY b.id ORDER BY b.id`,
		[fieldId, runId],
	);

/** Puts the fluxes of each image on the scale of its field's steady sources. */
export const normalise: Stage = {
	name: "normalise",
	after: ["measure"],
	enabled: (config) => config.normalization.enabled,
	units: (db, run) => fieldsOfRun(db, run.id),
	onFailure: "reject",

	async execute({ database, config, configurationHash }: StageContext, run, unit): Promise<StageResult> {
		const fieldId = Number(unit);
		const [{ name }] = await database.query<{ name: string }>("field name", "SELECT name FROM field WHERE id = $1", [
			fieldId,
		]);
		const results: BandResult[] = [];
		for (const band of await bandsOfRun(database, fieldId, run.id))
			results.push(await normaliseBand(database, config, configurationHash, run, fieldId, band));
		const images = results.flatMap((result) => result.images);
		const solutions = images.map(({ done }) => done.result.solution);
		const count = (source: string) => solutions.filter((solution) => solution.source === source).length;
		const alerts = results.flatMap((result) =>
			result.hasVersion
				? result.images.flatMap(({ imageId, done }) => alertsOf(imageId, done, config.normalization.min_references))
				: [],
		);
		return {
			output: {
				images: images.length,
				normalized: images.length - count("none"),
				not_normalized: count("none"),
				suspicious: solutions.filter((solution) => solution.status === "suspicious").length,
				alerts: alerts.length,
				new_versions: results.filter((result) => result.version !== undefined).length,
				renormalized: results.filter((result) => result.renormalized).length,
			},
			async store(tx) {
				for (const result of results) {
					let referenceSetId = result.referenceSetId;
					if (result.version !== undefined) {
						referenceSetId = (await storeBaselines(tx, { fieldId, bandId: result.bandId }, result.version)) ?? null;
					}
					await storeNormalized(
						tx,
						result.images.map(({ imageId, done }) => normalizedImage(imageId, configurationHash, referenceSetId, done)),
					);
					await storeCorrections(
						tx,
						result.images.map(({ imageId, done }) => correctionRow(imageId, referenceSetId, done)),
					);
				}
				await publish(tx, "NormalizationCompleted", {
					source: "stage/normalise",
					subject: unit,
					data: { run: run.id, images: images.length },
				});
				await publishAlerts(tx, fieldId, name, alerts);
				for (const { images: of, listed } of results) for (const { done } of of) observeSolution(name, done, listed);
			},
		};
	},
};

async function normaliseBand(
	database: Database,
	config: Config,
	configuration: string,
	run: Run,
	fieldId: number,
	band: FieldBand,
): Promise<BandResult> {
	const before = await currentBaselines(database, config, fieldId, band.id);
	const fresh = await imagesOfRun(database, fieldId, band.id, configuration, run.id);
	const isYoung = before === undefined || before.solvedEpochs < YOUNG_EPOCHS;
	const all = isYoung ? await measuredImages(database, fieldId, band.id, configuration) : fresh;
	// A long history behind a young version (an older survey taken in) is solved after the results are there.
	const isDue =
		before === undefined
			? all.length >= FIRST_VERSION_EPOCHS
			: isYoung && all.length >= 2 * before.solvedEpochs && all.length <= 2 * YOUNG_EPOCHS;
	const next = isDue ? await solveVersion(database, config, configuration, fieldId, band, all, before) : undefined;
	// A short history is put on each new scale. A long one never: what a run costs must not grow with it.
	const renormalized = isDue && all.length > fresh.length && all.length - fresh.length <= YOUNG_EPOCHS;
	const images = renormalized ? all : fresh;
	const rows = await rowsOfImages(
		database,
		images.map((image) => image.id),
		configuration,
	);
	const sources = await sourcesOfRows(database, [...new Set(rows.map((row) => row.source_id))]);
	const current = next === undefined ? before : { ...next, referenceSetId: -1, version: 0 };
	const scale = fieldScale(config, band, sources, current);
	const byImage = Map.groupBy(rows, (row) => row.image_id);
	const done: BandResult["images"] = [];
	let previous = images.length === 0 ? undefined : await lastAccepted(database, fieldId, band.id, images[0].mjd);
	for (const image of images) {
		const list = byImage.get(image.id);
		if (list === undefined) continue;
		const normalized = normalizeRows(scale, image.mjd, list, previous);
		previous = leanOn(normalized.result.solution) ?? previous;
		done.push({ imageId: image.id, done: normalized });
	}
	return {
		bandId: band.id,
		images: done,
		version: next,
		referenceSetId: before?.referenceSetId ?? null,
		hasVersion: current !== undefined,
		listed: current?.primary.length ?? 0,
		renormalized,
	};
}
