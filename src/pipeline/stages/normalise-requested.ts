import { storeCorrections } from "../../store/baselines.ts";
import type { Queryable } from "../../store/database.ts";
import { publish } from "../../store/events.ts";
import { storeNormalized } from "../../store/measurements.ts";
import type { Run } from "../../store/runs.ts";
import { alertsOf, publishAlerts } from "../normalise/alerts.ts";
import { leanOn } from "../normalise/field-scale.ts";
import { observeSolution } from "../normalise/observe-solution.ts";
import { type SolvedImage, solveStored, type Unsolved } from "../normalise/on-request.ts";
import { correctionRow, normalizedImage } from "../normalise/stored-values.ts";
import type { Stage, StageContext, StageResult } from "../stage.ts";

/** What became of one image of a request. */
export interface NormalizedImageResult {
	image_id: number;
	status: "done" | Unsolved | "failed";
	/** `applied`, `suspicious` or `not_normalised`; null where the image could not be solved. */
	solution: string | null;
	correction: number | null;
	correction_err: number | null;
	n_references: number;
}

/** Images of a request in one field and subband, oldest first. */
async function imagesOfUnit(db: Queryable, run: Run, unit: string): Promise<number[]> {
	const [field, band] = unit.split("/").map(Number);
	const named = Array.isArray(run.inputs.images) ? run.inputs.images : null;
	const rows = await db.query<{ id: number }>(
		"images to normalise again",
		`SELECT id FROM image WHERE field_id = $1 AND band_id = $2 AND ($3::bigint[] IS NULL OR id = ANY($3))
		 AND ($3::bigint[] IS NOT NULL OR EXISTS (SELECT FROM measurement m WHERE m.image_id = image.id AND m.configuration = $4)) ORDER BY mjd, id`,
		[field, band, named, run.configuration_hash],
	);
	return rows.map((row) => row.id);
}

async function fieldNames(db: Queryable, ids: number[]): Promise<Map<number, string>> {
	const rows = await db.query<{ id: number; name: string }>(
		"field names",
		"SELECT id, name FROM field WHERE id = ANY($1)",
		[ids],
	);
	return new Map(rows.map((row) => [row.id, row.name]));
}

/**
 * Puts stored images on the flux scale of the present baselines because somebody asked: those named, or every one that
 * has been measured. Their history of baselines is not touched, their raw fluxes never.
 */
export const normaliseRequested: Stage = {
	name: "normalise-requested",
	after: [],
	enabled: () => true,
	async units(db, run) {
		const rows = await db.query<{ unit: string }>(
			"fields and subbands to normalise",
			`SELECT field_id || '/' || band_id AS unit FROM image WHERE $1::bigint[] IS NULL OR id = ANY($1)
			 GROUP BY field_id, band_id ORDER BY field_id, band_id`,
			[Array.isArray(run.inputs.images) ? run.inputs.images : null],
		);
		return rows.map((row) => row.unit);
	},
	onFailure: "reject",

	async execute({ database, config, configurationHash }: StageContext, run, unit): Promise<StageResult> {
		const solved: { imageId: number; image: SolvedImage }[] = [];
		const results: NormalizedImageResult[] = [];
		let previous: Parameters<typeof solveStored>[5];
		for (const imageId of await imagesOfUnit(database, run, unit)) {
			const image = await solveStored(database, config, configurationHash, imageId, run.inputs.mode, previous);
			if (typeof image === "string") {
				results.push({
					image_id: imageId,
					status: image,
					solution: null,
					correction: null,
					correction_err: null,
					n_references: 0,
				});
				continue;
			}
			const { solution } = image.result;
			const { correction, correctionErr } = solution;
			previous = leanOn(solution) ?? previous;
			solved.push({ imageId, image });
			results.push({
				image_id: imageId,
				status: "done",
				solution: solution.status,
				correction,
				correction_err: Number.isFinite(correctionErr) ? correctionErr : null,
				n_references: solution.used,
			});
		}
		const applied = results.filter((result) => result.solution === "applied").length;
		return {
			output: {
				images: results.length,
				normalized: applied,
				not_normalized: results.length - applied,
				renormalized: solved.length,
				...(Array.isArray(run.inputs.images) ? { results } : {}),
			},
			async store(tx) {
				// Image by image: the staging of a long history at once would be as large as the history.
				for (const { imageId, image } of solved) {
					await storeNormalized(tx, [normalizedImage(imageId, configurationHash, image.referenceSetId, image)]);
				}
				await storeCorrections(
					tx,
					solved.map(({ imageId, image }) => correctionRow(imageId, image.referenceSetId, image)),
				);
				await publish(tx, "NormalizationCompleted", {
					source: "stage/normalise-requested",
					subject: unit.split("/")[0],
					data: { run: run.id, images: solved.length },
				});
				const names = await fieldNames(tx, [...new Set(solved.map(({ image }) => image.fieldId))]);
				for (const { imageId, image } of solved) {
					const name = names.get(image.fieldId) ?? "";
					observeSolution(name, image, image.listed);
					await publishAlerts(tx, image.fieldId, name, alertsOf(imageId, image, config.normalization.min_references));
				}
			},
		};
	},
};
