import type { Config } from "../../config/schema.ts";
import { type StoredBaselines, storeBaselines } from "../../store/baselines.ts";
import type { Database } from "../../store/database.ts";
import { solveVersion } from "../normalise/baseline-version.ts";
import { measuredImages } from "../normalise/field-rows.ts";
import type { FieldBand } from "../normalise/field-scale.ts";
import { currentBaselines } from "../normalise/reference-lists.ts";
import { newestEpoch, updatedVersion } from "../normalise/updated-version.ts";
import type { Stage, StageContext, StageResult } from "../stage.ts";
import { bandsOfRun, fieldsOfRun } from "./normalise.ts";

type NextVersion = Omit<StoredBaselines, "referenceSetId" | "version">;

/**
 * Prepares the levels and references with which the next epoch of each field will be normalised, once the results of
 * this one are there: solved anew when the epochs have doubled, else brought up to date when the list has outlived its
 * time. Time is the survey's, so that a survey that is run again comes out the same.
 */
export const references: Stage = {
	name: "references",
	after: ["detect"],
	enabled: (config) => config.normalization.enabled,
	units: (db, run) => fieldsOfRun(db, run.id),
	onFailure: "reject",

	async execute({ database, config, configurationHash }: StageContext, run, unit): Promise<StageResult> {
		const fieldId = Number(unit);
		const versions: { bandId: number; before: StoredBaselines; next: NextVersion }[] = [];
		for (const band of await bandsOfRun(database, fieldId, run.id)) {
			const before = await currentBaselines(database, config, fieldId, band.id);
			if (before === undefined) continue;
			const next = await nextVersion(database, config, configurationHash, fieldId, band, before);
			if (next !== undefined) versions.push({ bandId: band.id, before, next });
		}
		const made = (method: string) => versions.filter(({ next }) => next.method === method).length;
		return {
			output: { solved: made("joint"), updated: made("updated") },
			async store(tx) {
				for (const { bandId, before, next } of versions) {
					await storeBaselines(tx, { fieldId, bandId }, next, before.referenceSetId);
				}
			},
		};
	},
};

async function nextVersion(
	database: Database,
	config: Config,
	configuration: string,
	fieldId: number,
	band: FieldBand,
	before: StoredBaselines,
): Promise<NextVersion | undefined> {
	const images = await measuredImages(database, fieldId, band.id, configuration);
	if (images.length >= 2 * before.solvedEpochs) {
		return solveVersion(database, config, configuration, fieldId, band, images, before);
	}
	const known = newestEpoch(before);
	const newer = images.filter((image) => image.mjd > known);
	const outlived = known + config.normalization.reference_source_refresh_hours / 24;
	if (newer.length === 0 || newer[newer.length - 1].mjd < outlived) return undefined;
	return updatedVersion(database, config, configuration, before, newer);
}
