import type { Config } from "../../config/schema.ts";
import { propagate } from "../../normalization/error-propagation.ts";
import { CORRECTION_SOURCES, type CorrectionSource, type FallbackStep } from "../../normalization/fallback.ts";
import type { SurfaceOrder } from "../../normalization/field-gradient.ts";
import {
	type ImageSolution,
	NORMALIZATION_FLAGS,
	type NormalizationMode,
} from "../../normalization/normalize-image.ts";
import { assessNormalization, compareModes } from "../../normalization/quality.ts";
import { steadiness } from "../../normalization/steadiness.ts";
import { type FieldSurvey, type NormalizedSurvey, renormalize } from "../../normalization/survey.ts";
import type { ReportedField } from "../../plots/normalization-report.ts";
import type { Queryable } from "../../store/database.ts";
import { levelsOfSources, type MeasuredImageRow, sourcesOfRows } from "./field-rows.ts";
import { type FieldBand, fieldScale, isUsable } from "./field-scale.ts";
import { currentBaselines } from "./reference-lists.ts";

/** A report looks at the newest epochs and the brightest sources, at most so many: enough for every figure in it. */
const MOST_EPOCHS = 400;
const MOST_SOURCES = 400;
/** Images in which the sources are ranked. */
const RANKING_IMAGES = 8;
const MODES: NormalizationMode[] = ["plane", "ensemble", "single", "none"];

interface StoredValue {
	source_id: number;
	image_id: number;
	flux_jy: number;
	flux_err_jy: number;
	flags: string;
	flux_norm_jy: number | null;
	flux_norm_err_jy: number | null;
	correction: number | null;
	correction_err: number | null;
	correction_source: string | null;
	norm_flags: string;
}

interface StoredCorrection {
	image_id: number;
	source: CorrectionSource;
	status: ImageSolution["status"];
	correction: number;
	correction_err: number | null;
	scatter: number | null;
	n_references: number;
	details: {
		reasons?: string[];
		steps?: FallbackStep[];
		order?: SurfaceOrder;
		lowest?: number;
		highest?: number;
		available?: number;
		largest_share?: number | null;
		rejected?: number[];
	};
}

/** Bits of the names that a stored value carries. */
const bitsOf = (names: string): number =>
	names
		.split("|")
		.reduce((bits, name) => bits | (NORMALIZATION_FLAGS[name as keyof typeof NORMALIZATION_FLAGS] ?? 0), 0);

function solutionOf(
	mjd: number,
	stored: StoredCorrection | undefined,
	placeOf: Map<number, number>,
	baselineVersion: string,
): ImageSolution {
	const { details = {} } = stored ?? {};
	const correction = stored?.correction ?? 1;
	return {
		mjd,
		status: stored?.status ?? "not_normalised",
		source: stored?.source ?? "none",
		steps: details.steps ?? [],
		reasons: details.reasons ?? [],
		correction,
		correctionErr: stored?.correction_err ?? Number.NaN,
		lowest: details.lowest ?? correction,
		highest: details.highest ?? correction,
		tau: stored?.scatter ?? Number.NaN,
		order: details.order ?? 0,
		coefficients: new Float64Array(0),
		covariance: new Float64Array(0),
		available: details.available ?? stored?.n_references ?? 0,
		used: stored?.n_references ?? 0,
		references: (details.rejected ?? []).flatMap((id) => {
			const sourceIndex = placeOf.get(id);
			if (sourceIndex === undefined) return [];
			return [{ row: -1, sourceIndex, ratio: Number.NaN, deviation: Number.NaN, share: 0, rejected: true }];
		}),
		largestShare: details.largest_share ?? Number.NaN,
		baselineVersion,
	};
}

/**
 * The quality of what is stored of a field in one subband: its corrections and normalised values against the levels that
 * are expected and the catalogue, epoch by epoch, and the modes against one another on the same measurements. Undefined
 * before there are baselines.
 */
export async function storedQuality(
	db: Queryable,
	config: Config,
	configuration: string,
	field: { id: number; name: string },
	band: FieldBand,
	images: readonly MeasuredImageRow[],
): Promise<ReportedField | undefined> {
	const stored = await currentBaselines(db, config, field.id, band.id);
	if (stored === undefined) return undefined;
	const epochs = images.slice(-MOST_EPOCHS);
	const imageIds = epochs.map((image) => image.id);
	const step = Math.max(1, Math.floor(epochs.length / RANKING_IMAGES));
	const levels = await levelsOfSources(
		db,
		imageIds.filter((_, k) => k % step === 0),
		configuration,
	);
	const ids = levels
		.toSorted((a, b) => b.snr - a.snr || a.source_id - b.source_id)
		.slice(0, MOST_SOURCES)
		.map((level) => level.source_id)
		.sort((a, b) => a - b);
	if (ids.length === 0) return undefined;
	const sources = await sourcesOfRows(db, ids);
	const names = new Map(
		(
			await db.query<{ id: number; name: string }>(
				"names of sources",
				"SELECT id, name FROM source WHERE id = ANY($1)",
				[ids],
			)
		).map((row) => [row.id, row.name]),
	);
	const rows = await db.query<StoredValue>(
		"stored values",
		`SELECT source_id, image_id, flux_jy, flux_err_jy, flags, flux_norm_jy, flux_norm_err_jy, correction, correction_err, correction_source, norm_flags
		 FROM measurement WHERE image_id = ANY($1) AND source_id = ANY($2) AND method = 'forced' AND configuration = $3 AND flux_jy IS NOT NULL AND flux_err_jy > 0`,
		[imageIds, ids, configuration],
	);
	const corrections = new Map(
		(
			await db.query<StoredCorrection>("stored corrections", "SELECT * FROM flux_correction WHERE image_id = ANY($1)", [
				imageIds,
			])
		).map((row) => [row.image_id, row]),
	);
	const { context } = fieldScale(config, band, sources, stored);
	const { baselines, references, catalogue } = context;
	const place = new Map(ids.map((id, i) => [id, i]));
	const epochOf = new Map(imageIds.map((id, k) => [id, k]));
	const n = epochs.length;
	const blank = () => new Float64Array(ids.length * n).fill(Number.NaN);
	const survey: FieldSurvey & { usable: Uint8Array } = {
		sources: ids.length,
		epochs: n,
		fluxJy: blank(),
		fluxErrJy: blank(),
		usable: new Uint8Array(ids.length * n).fill(1),
		mjd: Float64Array.from(epochs, (image) => image.mjd),
		raDeg: Float64Array.from(sources, (source) => source.ra_deg),
		decDeg: Float64Array.from(sources, (source) => source.dec_deg),
		...(catalogue === undefined ? {} : { catalogue }),
	};
	const normalized: NormalizedSurvey = {
		fluxNormJy: blank(),
		fluxNormErrJy: blank(),
		fluxNormErrAtBaselineJy: blank(),
		correction: blank(),
		correctionErr: blank(),
		correctionSource: new Uint8Array(ids.length * n).fill(255),
		nReferences: new Int32Array(ids.length * n),
		flags: new Uint16Array(ids.length * n).fill(NORMALIZATION_FLAGS.not_normalised),
		solutions: epochs.map((image) => solutionOf(image.mjd, corrections.get(image.id), place, stored.baselines.version)),
	};
	/** Part of each value in its source's level, from the weights: those of epochs that the level knows. */
	const share = new Float64Array(ids.length * n);
	for (const row of rows) {
		const i = place.get(row.source_id) as number;
		const k = epochOf.get(row.image_id) as number;
		const at = i * n + k;
		survey.fluxJy[at] = row.flux_jy;
		survey.fluxErrJy[at] = row.flux_err_jy;
		if (!isUsable(row.flags)) survey.usable[at] = 0;
		if (row.flux_norm_jy === null || row.correction === null || row.correction_err === null) continue;
		normalized.fluxNormJy[at] = row.flux_norm_jy;
		normalized.fluxNormErrJy[at] = row.flux_norm_err_jy ?? Number.NaN;
		normalized.correction[at] = row.correction;
		normalized.correctionErr[at] = row.correction_err;
		const { value, error, tau, systematicFraction, lastMjd } = baselines;
		normalized.fluxNormErrAtBaselineJy[at] = propagate(
			row.flux_jy,
			row.flux_err_jy,
			row.correction,
			row.correction_err,
			systematicFraction,
			value[i],
		).errorAtBaseline;
		normalized.correctionSource[at] = CORRECTION_SOURCES.indexOf(row.correction_source as CorrectionSource);
		normalized.flags[at] = bitsOf(row.norm_flags);
		if (value[i] > 0 && epochs[k].mjd <= lastMjd[i]) {
			const own = normalized.fluxNormErrAtBaselineJy[at] ** 2 + (tau[i] * value[i]) ** 2;
			share[at] = Math.min(0.9, error[i] ** 2 / own);
		}
	}
	const steady = steadiness(normalized.fluxNormJy, normalized.fluxNormErrAtBaselineJy, share, baselines.value, n);
	const quality = assessNormalization(survey, normalized, baselines, steady, share, references.primary);
	const { value: level } = baselines;
	const modes = compareModes(
		survey,
		[
			{ mode: "as stored", normalized, level, share },
			...MODES.map((mode) => ({
				mode,
				normalized: renormalize(survey, baselines, references, { ...context.options, mode }),
				level,
				share,
			})),
		],
		quality.steady,
	);
	return {
		fieldId: field.name,
		frequencyMhz: band.frequency_hz / 1e6,
		survey,
		sourceIds: ids.map((id) => names.get(id) ?? String(id)),
		quality,
		selection: {
			primary: references.primary,
			snrLimit: stored.selection?.snrLimit ?? config.normalization.min_snr,
			counts: stored.selection?.counts ?? {},
		},
		level,
		systematicFraction: baselines.systematicFraction,
		systematicFractionErr: baselines.systematicFractionErr,
		modes,
	};
}
