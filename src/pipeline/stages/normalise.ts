import type { Config } from "../../config/schema.ts";
import { emptyBaselines } from "../../normalization/baseline.ts";
import { DEFAULT_GATE } from "../../normalization/ensemble-correction.ts";
import { CORRECTION_SOURCES } from "../../normalization/fallback.ts";
import {
	type ImageSolution,
	type NormalizedImage as NormalizedArrays,
	normalizationFlagNames,
	normalizeImage,
} from "../../normalization/normalize-image.ts";
import { type FieldSurvey, solveBaselines } from "../../normalization/survey.ts";
import * as metrics from "../../observability/metrics.ts";
import { blendGroups } from "../../photometry/blend-groups.ts";
import { tangentOffsets } from "../../sky/separation.ts";
import {
	type CorrectionRow,
	lastAccepted,
	loadBaselines,
	type StoredBaselines,
	storeBaselines,
	storeCorrections,
} from "../../store/baselines.ts";
import type { Database } from "../../store/database.ts";
import { publish } from "../../store/events.ts";
import { type NormalizedImage, storeNormalized } from "../../store/measurements.ts";
import type { Run } from "../../store/runs.ts";
import { extendBaselines } from "../normalise/extended-baselines.ts";
import {
	type FieldRow,
	type FieldSource,
	measuredImages,
	rowsOfImages,
	sourcesOfRows,
} from "../normalise/field-rows.ts";
import type { Stage, StageContext, StageResult } from "../stage.ts";

/** Baselines are made from the third epoch on, and again whenever the epochs have doubled: the cost per epoch stays. */
const FIRST_VERSION_EPOCHS = 3;
/** As long as the history is this short it is put on each new scale; later versions keep the scale of the earlier ones. */
const SHORT_HISTORY_EPOCHS = 24;
/** The joint solution takes the brightest sources of a field, at most so many: enough for any ensemble. */
const SOLVED_SOURCES = 1000;

/** Values under these flags serve neither as references nor for baselines; others may look odd and be right. */
const UNUSABLE = new Set(["partial", "degenerate", "duplicate", "noise_outlier"]);
export const isUsable = (flags: string): boolean =>
	flags === "" || !flags.split("|").some((flag) => UNUSABLE.has(flag));

interface BandResult {
	bandId: number;
	images: NormalizedImage[];
	solutions: { imageId: number; solution: ImageSolution }[];
	version:
		| { next: Omit<StoredBaselines, "referenceSetId" | "version">; before: StoredBaselines | undefined }
		| undefined;
	referenceSetId: number | null;
	/** Whether history was put on a new scale. */
	renormalized: boolean;
}

/** Puts the fluxes of each image on the scale of its field's steady sources. */
export const normalise: Stage = {
	name: "normalise",
	after: ["measure"],
	enabled: (config) => config.normalization.enabled,
	async units(db, run) {
		const rows = await db.query<{ field_id: number }>(
			"fields of run",
			"SELECT DISTINCT i.field_id FROM image i WHERE EXISTS (SELECT FROM measurement m WHERE m.image_id = i.id AND m.run_id = $1) ORDER BY 1",
			[run.id],
		);
		return rows.map((row) => String(row.field_id));
	},
	onFailure: "reject",

	async execute({ database, config, configurationHash }: StageContext, run, unit): Promise<StageResult> {
		const fieldId = Number(unit);
		const bands = await database.query<{ id: number; frequency_hz: number; beam_major_deg: number }>(
			"bands of field",
			`SELECT b.id, b.frequency_hz, max(beam_major_deg) AS beam_major_deg FROM band b JOIN image i ON i.band_id = b.id WHERE i.field_id = $1
			 AND EXISTS (SELECT FROM measurement m WHERE m.image_id = i.id AND m.run_id = $2) GROUP BY b.id ORDER BY b.id`,
			[fieldId, run.id],
		);
		const results: BandResult[] = [];
		for (const band of bands)
			results.push(await normaliseBand(database, config, configurationHash, run, fieldId, band));
		const solutions = results.flatMap((result) => result.solutions);
		const count = (source: string) => solutions.filter(({ solution }) => solution.source === source).length;
		return {
			output: {
				images: solutions.length,
				normalized: solutions.length - count("none"),
				not_normalized: count("none"),
				new_versions: results.filter((result) => result.version !== undefined).length,
				renormalized: results.filter((result) => result.renormalized).length,
			},
			async store(tx) {
				for (const result of results) {
					let referenceSetId = result.referenceSetId;
					if (result.version !== undefined) {
						const { next, before } = result.version;
						referenceSetId = await storeBaselines(
							tx,
							{ fieldId, bandId: result.bandId },
							next,
							before === undefined ? undefined : { id: before.referenceSetId, version: before.version },
						);
					}
					await storeNormalized(
						tx,
						result.images.map((image) => ({ ...image, referenceSetId })),
					);
					await storeCorrections(
						tx,
						result.solutions.map(({ imageId, solution }) => correctionRow(imageId, referenceSetId, solution)),
					);
				}
				await publish(tx, "NormalizationCompleted", {
					source: "stage/normalise",
					subject: unit,
					data: { run: run.id, images: solutions.length },
				});
				for (const { solution } of solutions) observeSolution(solution);
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
	band: { id: number; frequency_hz: number; beam_major_deg: number },
): Promise<BandResult> {
	const images = await measuredImages(database, fieldId, band.id, configuration, run.id);
	const before = await loadBaselines(database, fieldId, band.id);
	const isDue = before === undefined ? images.length >= FIRST_VERSION_EPOCHS : images.length >= 2 * before.nEpochs;
	const isShort = before === undefined || before.nEpochs < SHORT_HISTORY_EPOCHS;
	const renormalized = isDue && isShort && images.some((image) => !image.fresh);
	const wanted = new Set(images.filter((image) => image.fresh || renormalized).map((image) => image.id));
	const rows = await rowsOfImages(database, isDue ? images.map((image) => image.id) : [...wanted], configuration);
	const sources = await sourcesOfRows(database, [...new Set(rows.map((row) => row.source_id))]);
	const ids = sources.map((source) => source.id);
	const version = isDue ? solveVersion(config, configuration, fieldId, band, rows, sources, images, before) : undefined;
	const current = version ?? before;
	const { baselines, placeOf } = extendBaselines(
		current?.baselines ?? emptyBaselines(0),
		current?.sourceIds ?? [],
		ids,
	);
	const places = (list: Int32Array) => Int32Array.from([...list].map((i) => placeOf[i]).filter((place) => place >= 0));
	const references = {
		primary: places(current?.primary ?? new Int32Array(0)),
		wide: places(current?.wide ?? new Int32Array(0)),
	};
	const groups = blendGroupsOf(sources, config.photometry_pipeline.blend_radius_beams * band.beam_major_deg);
	const placeOfSource = new Map(ids.map((id, i) => [id, i]));
	const byImage = Map.groupBy(rows, (row) => row.image_id);
	const normalized: NormalizedImage[] = [];
	const solutions: BandResult["solutions"] = [];
	let previous =
		images[0] === undefined
			? undefined
			: await lastAccepted(database, fieldId, band.id, images.find((image) => wanted.has(image.id))?.mjd ?? 0);
	for (const image of images) {
		const list = byImage.get(image.id);
		if (!wanted.has(image.id) || list === undefined) continue;
		const index = Int32Array.from(list, (row) => placeOfSource.get(row.source_id) as number);
		const result = normalizeImage(
			{
				mjd: image.mjd,
				sourceIndex: index,
				fluxJy: Float64Array.from(list, (row) => row.flux_jy),
				fluxErrJy: Float64Array.from(list, (row) => row.flux_err_jy),
				raDeg: Float64Array.from(index, (i) => sources[i].ra_deg),
				decDeg: Float64Array.from(index, (i) => sources[i].dec_deg),
				usable: Uint8Array.from(list, (row) => (isUsable(row.flags) ? 1 : 0)),
				blendGroup: Int32Array.from(index, (i) => groups[i]),
			},
			{ baselines, references, previous, options: normalizationOptions(config) },
		);
		if (result.solution.status === "applied" && result.solution.source !== "cached") {
			previous = {
				correction: result.solution.correction,
				correctionErr: result.solution.correctionErr,
				mjd: image.mjd,
			};
		}
		normalized.push(normalizedImage(image.id, configuration, list, result));
		solutions.push({ imageId: image.id, solution: result.solution });
	}
	return {
		bandId: band.id,
		images: normalized,
		solutions,
		version: version === undefined ? undefined : { next: version, before },
		referenceSetId: before?.referenceSetId ?? null,
		renormalized,
	};
}

/** How the settings read as options of the science. */
export const normalizationOptions = ({ normalization }: Config) => ({
	mode: normalization.position_dependent ? ("plane" as const) : ("ensemble" as const),
	maxDeviationSigma: normalization.max_deviation_sigma,
	gate: {
		...DEFAULT_GATE,
		low: normalization.gate_low,
		high: normalization.gate_high,
		minReferences: normalization.min_references,
	},
});

/** 1, 2, 3 ... for sources that were solved together with others, 0 for those that were not. */
export function blendGroupsOf(sources: FieldSource[], radiusDeg: number): Int32Array {
	if (sources.length === 0) return new Int32Array(0);
	const [{ ra_deg, dec_deg }] = sources;
	const offsets = sources.map((source) => tangentOffsets(ra_deg, dec_deg, source.ra_deg, source.dec_deg));
	const { groupOf, starts } = blendGroups(
		Float64Array.from(offsets, ([x]) => x),
		Float64Array.from(offsets, ([, y]) => y),
		radiusDeg,
	);
	return groupOf.map((group) => (group >= 0 && starts[group + 1] - starts[group] > 1 ? group + 1 : 0));
}

/** A new version of the baselines from all that has been measured. */
function solveVersion(
	config: Config,
	configuration: string,
	fieldId: number,
	band: { id: number; frequency_hz: number; beam_major_deg: number },
	rows: FieldRow[],
	sources: FieldSource[],
	images: { id: number; mjd: number }[],
	before: StoredBaselines | undefined,
): Omit<StoredBaselines, "referenceSetId" | "version"> {
	const chosen = brightest(rows, sources);
	const place = new Map(chosen.map((source, i) => [source.id, i]));
	const epochOf = new Map(images.map((image, k) => [image.id, k]));
	const size = chosen.length * images.length;
	const survey: FieldSurvey = {
		sources: chosen.length,
		epochs: images.length,
		fluxJy: new Float64Array(size).fill(Number.NaN),
		fluxErrJy: new Float64Array(size).fill(Number.NaN),
		usable: new Uint8Array(size).fill(1),
		mjd: Float64Array.from(images, (image) => image.mjd),
		raDeg: Float64Array.from(chosen, (source) => source.ra_deg),
		decDeg: Float64Array.from(chosen, (source) => source.dec_deg),
		known: { candidate: Uint8Array.from(chosen, (source) => (source.candidate ? 1 : 0)) },
	};
	for (const row of rows) {
		const i = place.get(row.source_id);
		if (i === undefined) continue;
		const at = i * images.length + (epochOf.get(row.image_id) as number);
		survey.fluxJy[at] = row.flux_jy;
		survey.fluxErrJy[at] = row.flux_err_jy;
		if (survey.usable !== undefined && !isUsable(row.flags)) survey.usable[at] = 0;
	}
	const previous =
		before === undefined
			? undefined
			: extendBaselines(
					before.baselines,
					before.sourceIds,
					chosen.map((source) => source.id),
				).baselines;
	const { normalization } = config;
	const solved = solveBaselines(survey, {
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
		...(previous === undefined
			? {}
			: { previous, freeze: Uint8Array.from(chosen, (source) => (source.candidate ? 1 : 0)) }),
	});
	return {
		nEpochs: images.length,
		sourceIds: chosen.map((source) => source.id),
		baselines: solved.baselines,
		primary: solved.references.primary,
		wide: solved.references.wide,
		method: "joint",
	};
}

/** The sources with the highest median signal to noise, in the order of their ids. */
function brightest(rows: FieldRow[], sources: FieldSource[]): FieldSource[] {
	if (sources.length <= SOLVED_SOURCES) return sources;
	const snr = new Map<number, { sum: number; n: number }>();
	for (const row of rows) {
		const entry = snr.get(row.source_id) ?? { sum: 0, n: 0 };
		entry.sum += row.flux_jy / row.flux_err_jy;
		entry.n += 1;
		snr.set(row.source_id, entry);
	}
	const mean = (id: number) => {
		const entry = snr.get(id);
		return entry === undefined ? -Infinity : entry.sum / entry.n;
	};
	return sources
		.toSorted((a, b) => mean(b.id) - mean(a.id) || a.id - b.id)
		.slice(0, SOLVED_SOURCES)
		.sort((a, b) => a.id - b.id);
}

export function normalizedImage(
	imageId: number,
	configuration: string,
	rows: FieldRow[],
	result: NormalizedArrays,
): NormalizedImage {
	return {
		imageId,
		configuration,
		referenceSetId: null,
		sourceId: Float64Array.from(rows, (row) => row.source_id),
		fluxNormJy: result.fluxNormJy,
		fluxNormErrJy: result.fluxNormErrJy,
		correction: result.correction,
		correctionErr: result.correctionErr,
		correctionSource: Array.from(result.correctionSource, (code) => CORRECTION_SOURCES[code]),
		flags: Array.from(result.flags, (bits) => normalizationFlagNames(bits)),
	};
}

export function correctionRow(imageId: number, referenceSetId: number | null, solution: ImageSolution): CorrectionRow {
	return {
		imageId,
		referenceSetId,
		source: solution.source,
		status: solution.status,
		correction: solution.correction,
		correctionErr: solution.correctionErr,
		scatter: solution.tau,
		nReferences: solution.used,
		nRejected: solution.references.filter((reference) => reference.rejected).length,
		details: {
			reasons: solution.reasons,
			steps: solution.steps,
			order: solution.order,
			lowest: solution.lowest,
			highest: solution.highest,
			largest_share: Number.isFinite(solution.largestShare) ? solution.largestShare : null,
			coefficients: Array.from(solution.coefficients),
		},
	};
}

export function observeSolution(solution: ImageSolution): void {
	metrics.normalizationRequests.inc({ status: solution.status === "applied" ? solution.source : solution.status });
	metrics.correctionFactor.observe(solution.correction);
	metrics.referenceCount.observe(solution.used);
	if (Number.isFinite(solution.correctionErr))
		metrics.normalizationRms.observe(solution.correctionErr / solution.correction);
}
