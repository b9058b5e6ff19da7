import type { Config } from "../../config/schema.ts";
import { neighbourRadiusArcsec, neighbourRatio } from "../../normalization/references.ts";
import { type FieldSurvey, solveBaselines } from "../../normalization/survey.ts";
import type { StoredBaselines } from "../../store/baselines.ts";
import type { Queryable } from "../../store/database.ts";
import { extendBaselines } from "./extended-baselines.ts";
import {
	type FieldSource,
	levelsOfSources,
	type MeasuredImageRow,
	rowsOfImages,
	shapesOfSources,
	sourcesOfRows,
} from "./field-rows.ts";
import { catalogueAt, type FieldBand, isUsable, normalizationOptions } from "./field-scale.ts";

/** Baselines are made from the third epoch on. */
export const FIRST_VERSION_EPOCHS = 3;
/** The joint solution takes the brightest sources of a field: so many for each reference that the list may hold. */
const SOLVED_PER_REFERENCE = 3;
const LEAST_SOLVED = 300;
/** And so many epochs at most, spread over the history: what a version costs does not grow with the survey. */
const SOLVED_EPOCHS = 64;
/** Images in which the sources are ranked. */
const RANKING_IMAGES = 8;

/** `most` of a list, evenly spread, the first and the last among them. */
function spread<T>(list: readonly T[], most: number): T[] {
	if (list.length <= most) return [...list];
	return Array.from({ length: most }, (_, k) => list[Math.round((k * (list.length - 1)) / (most - 1))]);
}

/** Epochs to solve: some of those that fix the scale of the earlier version, and others spread over the whole history. */
export function epochsToSolve<T extends { mjd: number }>(images: readonly T[], frozenMjd: ArrayLike<number>): T[] {
	if (images.length <= SOLVED_EPOCHS) return [...images];
	const frozen = new Set(Array.from(frozenMjd));
	const anchors = spread(
		images.filter((image) => frozen.has(image.mjd)),
		SOLVED_EPOCHS / 2,
	);
	const kept = new Set(anchors);
	const others = spread(
		images.filter((image) => !kept.has(image)),
		SOLVED_EPOCHS - anchors.length,
	);
	for (const image of others) kept.add(image);
	return images.filter((image) => kept.has(image));
}

/** The brightest sources of a field, in the order of their ids, and how bright each one's neighbours are: all of the field's. */
async function sourcesToSolve(
	db: Queryable,
	imageIds: number[],
	configuration: string,
	band: FieldBand,
	most: number,
): Promise<{ sources: FieldSource[]; neighbours: Float64Array }> {
	const levels = await levelsOfSources(db, imageIds, configuration);
	const all = await sourcesOfRows(
		db,
		levels.map((level) => level.source_id),
	);
	const ratio = neighbourRatio(
		Float64Array.from(all, (source) => source.ra_deg),
		Float64Array.from(all, (source) => source.dec_deg),
		Float64Array.from(levels, (level) => level.flux_jy),
		neighbourRadiusArcsec(band.beam_major_deg * 3600),
	);
	const chosen = levels
		.map((_, i) => i)
		.sort((a, b) => levels[b].snr - levels[a].snr || a - b)
		.slice(0, most)
		.sort((a, b) => a - b);
	return { sources: chosen.map((i) => all[i]), neighbours: Float64Array.from(chosen, (i) => ratio[i]) };
}

/** A new version of a field's baselines and references in one subband, solved jointly from stored measurements. */
export async function solveVersion(
	db: Queryable,
	config: Config,
	configuration: string,
	fieldId: number,
	band: FieldBand,
	images: readonly MeasuredImageRow[],
	before: StoredBaselines | undefined,
): Promise<Omit<StoredBaselines, "referenceSetId" | "version">> {
	const epochs = epochsToSolve(images, before?.baselines.frozenEpochsMjd ?? []);
	const imageIds = epochs.map((image) => image.id);
	const { sources, neighbours } = await sourcesToSolve(
		db,
		spread(imageIds, RANKING_IMAGES),
		configuration,
		band,
		Math.max(LEAST_SOLVED, SOLVED_PER_REFERENCE * config.normalization.max_sources),
	);
	const ids = sources.map((source) => source.id);
	const rows = await rowsOfImages(db, imageIds, configuration, ids);
	const shapes = new Map((await shapesOfSources(db, imageIds, ids)).map((shape) => [shape.source_id, shape]));
	const place = new Map(sources.map((source, i) => [source.id, i]));
	const epochOf = new Map(epochs.map((image, k) => [image.id, k]));
	const size = sources.length * epochs.length;
	const of = (value: (id: number) => number | undefined) =>
		Float64Array.from(sources, ({ id }) => value(id) ?? Number.NaN);
	const catalogue = config.normalization.anchor_to_catalogue
		? catalogueAt(config, sources, band.frequency_hz)
		: undefined;
	const candidates = Uint8Array.from(sources, (source) => (source.candidate ? 1 : 0));
	const survey: FieldSurvey = {
		sources: sources.length,
		epochs: epochs.length,
		fluxJy: new Float64Array(size).fill(Number.NaN),
		fluxErrJy: new Float64Array(size).fill(Number.NaN),
		usable: new Uint8Array(size).fill(1),
		mjd: Float64Array.from(epochs, (image) => image.mjd),
		raDeg: Float64Array.from(sources, (source) => source.ra_deg),
		decDeg: Float64Array.from(sources, (source) => source.dec_deg),
		...(catalogue === undefined ? {} : { catalogue }),
		known: {
			candidate: candidates,
			neighbourRatio: neighbours,
			compactness: of((id) => shapes.get(id)?.compactness),
			compactnessErr: of((id) => shapes.get(id)?.compactness_err),
		},
	};
	for (const row of rows) {
		const at = (place.get(row.source_id) as number) * epochs.length + (epochOf.get(row.image_id) as number);
		survey.fluxJy[at] = row.flux_jy;
		survey.fluxErrJy[at] = row.flux_err_jy;
		if (survey.usable !== undefined && !isUsable(row.flags)) survey.usable[at] = 0;
	}
	const previous =
		before === undefined ? undefined : extendBaselines(before.baselines, before.sourceIds, ids).baselines;
	const { normalization } = config;
	const solved = solveBaselines(survey, {
		anchorToCatalogue: catalogue !== undefined,
		normalization: normalizationOptions(config),
		references: {
			defaultFovRadiusDeg: normalization.default_fov_radius_deg,
			minSnr: normalization.min_snr,
			maxSources: normalization.max_sources,
			beamMajorArcsec: band.beam_major_deg * 3600,
		},
		identity: {
			version: `${fieldId}/${band.id}/${(before?.version ?? 0) + 1}`,
			fieldId: String(fieldId),
			frequencyHz: band.frequency_hz,
			method: "forced",
			configuration,
		},
		...(previous === undefined ? {} : { previous, freeze: candidates }),
	});
	return {
		nEpochs: images.length,
		solvedEpochs: images.length,
		selection: { snrLimit: solved.references.snrLimit, counts: solved.references.counts },
		sourceIds: ids,
		baselines: solved.baselines,
		primary: solved.references.primary,
		wide: solved.references.wide,
		method: "joint",
	};
}
