import { badInput } from "../error.ts";
import { type Baselines, DEFAULT_EPOCH_SCATTER } from "./baseline.ts";
import {
	type CorrectionGate,
	correctionWithout,
	DEFAULT_GATE,
	type EnsembleSolution,
	ensembleCorrection,
	type PlaceCorrection,
	singleReference,
} from "./ensemble-correction.ts";
import { propagate } from "./error-propagation.ts";
import {
	type CachedCorrection,
	type CatalogueFluxes,
	CORRECTION_SOURCES,
	type CorrectionSource,
	cachedCorrection,
	catalogueCorrection,
	type FallbackStep,
} from "./fallback.ts";
import { fieldCoordinates } from "./field-coordinates.ts";
import type { SurfaceOrder } from "./field-gradient.ts";

/** Bits of a normalised measurement's flags. */
export const NORMALIZATION_FLAGS = {
	/** The raw flux is offered: there is no correction that may be applied. */
	not_normalised: 1,
	/** A correction was found and not applied, because it failed the gate. */
	suspicious_correction: 2,
	/** Fewer than ten references, or fewer than three once the source itself is left out. */
	few_references: 4,
	/** The source lies outside the references' hull while c varies over the field. */
	outside_hull: 8,
	/** The source is one of the references; it was left out of its own correction. */
	own_reference: 16,
	/** The source is a reference that this image's correction rejected. */
	rejected_reference: 32,
	/** The correction did not come from the field's own ensemble. */
	fallback_correction: 64,
	/** Its baseline rests on fewer than ten epochs. */
	provisional_baseline: 128,
	/** The flux or its error is not a number. */
	no_flux: 256,
} as const;

/** Names of the bits that are set, joined by `|`; empty when none is. */
export const normalizationFlagNames = (bits: number): string =>
	Object.entries(NORMALIZATION_FLAGS)
		.filter(([, bit]) => (bits & bit) !== 0)
		.map(([name]) => name)
		.join("|");

/** `plane`: the ensemble, with a surface over the field where the references show one. */
export type NormalizationMode = "plane" | "ensemble" | "single" | "none";

/** The measurements of one image. One entry per measurement in each array. */
export interface ImageMeasurements {
	mjd: number;
	/** Place of each measurement's source in the baselines' arrays. */
	sourceIndex: Int32Array;
	fluxJy: Float64Array;
	/** One-sigma noise, Jy. */
	fluxErrJy: Float64Array;
	raDeg?: Float64Array;
	decDeg?: Float64Array;
	/** 1 for measurements good enough to serve as a reference: status ok, coverage, chi2 in range. Default: all. */
	usable?: Uint8Array;
	/** Measurements with the same number above 0 were solved together as one blend. */
	blendGroup?: Int32Array;
}

/** Places in the baselines' arrays of the sources that carry the correction. */
export interface ReferenceList {
	/** Best first. */
	primary: Int32Array;
	/** Those of the wider circle and the lower signal to noise, the primary ones among them or not. */
	wide?: Int32Array;
}

export interface NormalizationOptions {
	mode: NormalizationMode;
	/** Highest order of the surface. */
	maxOrder: SurfaceOrder;
	/** References beyond this many sigma are rejected. */
	maxDeviationSigma: number;
	gate: CorrectionGate;
	/** Make the robust fit anew without each reference instead of the O(1) form. */
	exactLeaveOneOut: boolean;
	/** A cached correction older than this is not used, days. */
	cacheMaxAgeDays: number;
}

export const DEFAULT_NORMALIZATION: NormalizationOptions = {
	mode: "plane",
	maxOrder: 2,
	maxDeviationSigma: 5,
	gate: DEFAULT_GATE,
	exactLeaveOneOut: false,
	cacheMaxAgeDays: 7,
};

/** What one image's correction was, for the record and for the quality report. */
export interface ImageSolution {
	mjd: number;
	/** `applied`; `suspicious`: found, stored, not applied; `not_normalised`: none found. */
	status: "applied" | "suspicious" | "not_normalised";
	source: CorrectionSource;
	/** Steps of the chain that did not do, with their reasons; of a suspicious solution its own reasons too. */
	steps: FallbackStep[];
	reasons: string[];
	/** c averaged over the field and its error; 1 and the epoch-to-epoch scatter when there is none. */
	correction: number;
	correctionErr: number;
	lowest: number;
	highest: number;
	tau: number;
	order: SurfaceOrder;
	/** Of ln c; covariance row by row. */
	coefficients: Float64Array;
	covariance: Float64Array;
	available: number;
	used: number;
	/** Source indices of references used, with their ratios S / B and weights' shares. */
	references: {
		/** Place among the image's measurements. */
		row: number;
		sourceIndex: number;
		ratio: number;
		deviation: number;
		share: number;
		rejected: boolean;
	}[];
	largestShare: number;
	baselineVersion: string;
}

/** One entry per measurement in each array. */
export interface NormalizedImage {
	fluxNormJy: Float64Array;
	fluxNormErrJy: Float64Array;
	/** Error with the terms that scale with the flux taken at the baseline: for tests and for baselines. */
	fluxNormErrAtBaselineJy: Float64Array;
	correction: Float64Array;
	correctionErr: Float64Array;
	/** Index into {@link CORRECTION_SOURCES}. */
	correctionSource: Uint8Array;
	/** References behind each correction, the source itself not counted. */
	nReferences: Int32Array;
	/** Bits of {@link NORMALIZATION_FLAGS}. */
	flags: Uint16Array;
	solution: ImageSolution;
}

export interface NormalizationContext {
	baselines: Baselines;
	references: ReferenceList;
	/** One entry per source of the baselines. */
	catalogue?: CatalogueFluxes;
	/** The last accepted correction of this field, subband and configuration. */
	previous?: CachedCorrection;
	options?: Partial<NormalizationOptions>;
}

const NONE: readonly number[] = [];
const code = (source: CorrectionSource) => CORRECTION_SOURCES.indexOf(source);

function referencesOf(
	image: ImageMeasurements,
	baselines: Baselines,
	rows: number[],
	x: Float64Array,
	y: Float64Array,
) {
	const of = (value: (row: number, source: number) => number) =>
		Float64Array.from(rows, (row) => value(row, image.sourceIndex[row]));
	return {
		ratio: of((row, i) => image.fluxJy[row] / baselines.value[i]),
		noiseVariance: of((row, i) => (image.fluxErrJy[row] / baselines.value[i]) ** 2),
		relativeVariance: of((_, i) => (baselines.error[i] / baselines.value[i]) ** 2 + baselines.tau[i] ** 2),
		x: of((row) => x[row]),
		y: of((row) => y[row]),
	};
}

/**
 * Normalise one image: find its flux scale from references, in the order ensemble, wider ensemble, catalogue, cached, none
 * (each marked in the result), and give every measurement its normalised flux with the full error. The source itself,
 * and whatever is blended with it, is left out of its own correction. One pass over the references for all sources.
 *
 * Raw values stay in the caller's arrays; nothing is overwritten. A correction that fails its gate is returned as
 * `suspicious` and not applied.
 *
 * @throws length-mismatch and bad-source-index for arrays that do not belong together
 */
export function normalizeImage(image: ImageMeasurements, context: NormalizationContext): NormalizedImage {
	const { baselines, references, catalogue } = context;
	const options = { ...DEFAULT_NORMALIZATION, ...context.options };
	const limit = options.maxDeviationSigma;
	const n = image.sourceIndex.length;
	for (const [name, array] of Object.entries({
		fluxJy: image.fluxJy,
		fluxErrJy: image.fluxErrJy,
		raDeg: image.raDeg,
		decDeg: image.decDeg,
		usable: image.usable,
		blendGroup: image.blendGroup,
	})) {
		if (array !== undefined && array.length !== n) {
			throw badInput("length-mismatch", `${array.length} values for ${n} measurements`, {
				subject: name,
				remedy: "Give one value for each measurement",
			});
		}
	}
	const sources = baselines.value.length;
	const listed = new Uint8Array(sources);
	for (const i of references.primary) listed[i] = 1;
	for (const i of references.wide ?? []) listed[i] = 1;
	/** Measurements of each listed source. */
	const rowsOf = new Map<number, number[]>();
	for (let row = 0; row < n; row++) {
		const i = image.sourceIndex[row];
		if (i < 0 || i >= sources) {
			throw badInput("bad-source-index", `source ${i} of measurement ${row} is not among ${sources} sources`, {
				subject: "sourceIndex",
				remedy: "Give indices into the baselines' arrays",
			});
		}
		if (listed[i] === 0) continue;
		const rows = rowsOf.get(i);
		if (rows === undefined) rowsOf.set(i, [row]);
		else rows.push(row);
	}

	const located = baselines.field !== null && image.raDeg !== undefined && image.decDeg !== undefined;
	const { x, y } =
		located && baselines.field !== null && image.raDeg !== undefined && image.decDeg !== undefined
			? fieldCoordinates(image.raDeg, image.decDeg, baselines.field)
			: { x: new Float64Array(n), y: new Float64Array(n) };
	const good = (row: number) =>
		(image.usable?.[row] ?? 1) === 1 && Number.isFinite(image.fluxJy[row]) && image.fluxErrJy[row] > 0;
	const rowsFor = (list: Int32Array | undefined) => {
		const rows: number[] = [];
		for (const i of list ?? []) {
			if (baselines.status[i] === 0 || !(baselines.value[i] > 0)) continue;
			for (const row of rowsOf.get(i) ?? []) if (good(row) && !Number.isNaN(x[row] + y[row])) rows.push(row);
		}
		return rows;
	};

	const steps: FallbackStep[] = [];
	const outOfRange = (solution: EnsembleSolution) => solution.reasons.includes("correction_out_of_range");
	const note = (source: CorrectionSource, solution: EnsembleSolution) =>
		steps.push({ source, reasons: [...solution.reasons], available: solution.available, used: solution.used });
	let chosen: { source: CorrectionSource; solution: EnsembleSolution; rows: number[]; pooledTau?: number } | undefined;
	let suspicious: typeof chosen;
	let cached: { correction: number; error: number } | undefined;

	if (options.mode !== "none") {
		const pooledTau = baselines.pooledTau;
		const maxOrder = options.mode === "plane" && located ? options.maxOrder : 0;
		const primaryRows = rowsFor(references.primary);
		const primary = ensembleCorrection(referencesOf(image, baselines, primaryRows, x, y), {
			limit,
			pooledTau,
			maxOrder,
			gate: options.gate,
		});
		const first = { source: "ensemble" as CorrectionSource, solution: primary, rows: primaryRows, pooledTau };
		if (primary.status === "accepted") chosen = first;
		else {
			note("ensemble", primary);
			if (outOfRange(primary)) suspicious = first;
		}
		if (chosen === undefined && suspicious === undefined && references.wide !== undefined) {
			const rows = rowsFor(Int32Array.from(new Set([...references.primary, ...references.wide])));
			const solution = ensembleCorrection(referencesOf(image, baselines, rows, x, y), {
				limit,
				pooledTau,
				gate: options.gate,
			});
			const wide = { source: "ensemble_wide" as CorrectionSource, solution, rows, pooledTau };
			if (solution.status === "accepted") chosen = wide;
			else {
				note("ensemble_wide", solution);
				if (outOfRange(solution)) suspicious = wide;
			}
		}
		if (chosen === undefined && suspicious === undefined && catalogue !== undefined) {
			const rows: number[] = [];
			for (let row = 0; row < n; row++) if (good(row) && catalogue.fluxJy[image.sourceIndex[row]] > 0) rows.push(row);
			const of = (value: (row: number) => number) => Float64Array.from(rows, value);
			const solution = catalogueCorrection(
				of((row) => image.fluxJy[row]),
				of((row) => image.fluxErrJy[row]),
				of((row) => catalogue.fluxJy[image.sourceIndex[row]]),
				of((row) => catalogue.fluxErrJy[image.sourceIndex[row]]),
				of((row) => x[row]),
				of((row) => y[row]),
				{ limit, gate: options.gate },
			);
			const third = { source: "catalogue" as CorrectionSource, solution, rows };
			if (solution.status === "accepted") chosen = third;
			else {
				note("catalogue", solution);
				if (outOfRange(solution)) suspicious = third;
			}
		}
		if (chosen === undefined && suspicious === undefined) {
			const last = cachedCorrection(context.previous, image.mjd, baselines.epochScatter, options.cacheMaxAgeDays);
			if ("reason" in last) steps.push({ source: "cached", reasons: [last.reason], available: 0, used: 0 });
			else cached = last;
		}
	}

	const shown = chosen ?? suspicious;
	const scatter = Number.isFinite(baselines.epochScatter) ? baselines.epochScatter : DEFAULT_EPOCH_SCATTER;
	const surface = shown?.solution.surface;
	const source: CorrectionSource =
		chosen !== undefined
			? options.mode === "single" && chosen.source === "ensemble"
				? "single"
				: chosen.source
			: cached !== undefined
				? "cached"
				: "none";
	const result: NormalizedImage = {
		fluxNormJy: new Float64Array(n),
		fluxNormErrJy: new Float64Array(n),
		fluxNormErrAtBaselineJy: new Float64Array(n),
		correction: new Float64Array(n),
		correctionErr: new Float64Array(n),
		correctionSource: new Uint8Array(n),
		nReferences: new Int32Array(n),
		flags: new Uint16Array(n),
		solution: {
			mjd: image.mjd,
			status: source !== "none" ? "applied" : suspicious !== undefined ? "suspicious" : "not_normalised",
			source,
			steps,
			reasons: suspicious?.solution.reasons ?? (options.mode === "none" ? ["switched_off"] : []),
			correction: shown?.solution.correction ?? cached?.correction ?? 1,
			correctionErr: shown?.solution.correctionErr ?? cached?.error ?? scatter,
			lowest: shown?.solution.lowest ?? cached?.correction ?? 1,
			highest: shown?.solution.highest ?? cached?.correction ?? 1,
			tau: shown?.solution.tau ?? Number.NaN,
			order: surface?.order ?? 0,
			coefficients: surface?.fit.coefficients ?? new Float64Array(0),
			covariance: surface?.fit.covariance ?? new Float64Array(0),
			available: shown?.solution.available ?? steps[0]?.available ?? 0,
			used: shown?.solution.used ?? 0,
			references: [],
			largestShare: shown?.solution.largestShare ?? Number.NaN,
			baselineVersion: baselines.version,
		},
	};
	/** Place of each row in the list of references, -1 for the others. */
	const placeOfRow = new Int32Array(n).fill(-1);
	/** Places of a source's own measurements in that list: all of them count as the source itself. */
	const placesOf = new Map<number, number[]>();
	const blend = new Map<number, number[]>();
	if (shown !== undefined && surface !== undefined) {
		const { fit } = surface;
		const total = fit.weights.reduce((sum, w, k) => sum + (w * fit.factor[k] ** 2) / fit.variance[k], 0);
		shown.rows.forEach((row, k) => {
			placeOfRow[row] = k;
			const own = placesOf.get(image.sourceIndex[row]);
			if (own === undefined) placesOf.set(image.sourceIndex[row], [k]);
			else own.push(k);
			const group = image.blendGroup?.[row] ?? 0;
			if (group > 0) blend.set(group, [...(blend.get(group) ?? []), k]);
			const ratio = shown.solution.references.ratio[k];
			result.solution.references.push({
				row,
				sourceIndex: image.sourceIndex[row],
				ratio,
				deviation: (ratio - fit.factor[k]) / Math.sqrt(fit.variance[k]),
				share: (fit.weights[k] * fit.factor[k] ** 2) / fit.variance[k] / total,
				rejected: fit.weights[k] === 0,
			});
		});
	}

	const F = NORMALIZATION_FLAGS;
	for (let row = 0; row < n; row++) {
		const i = image.sourceIndex[row];
		let flags = 0;
		let place: PlaceCorrection | undefined;
		const own = placeOfRow[row];
		if (chosen !== undefined) {
			const group = image.blendGroup?.[row] ?? 0;
			const itself = placesOf.get(i) ?? NONE;
			const blended = group > 0 ? (blend.get(group) ?? NONE) : NONE;
			const leftOut = blended.length === 0 ? itself : [...new Set([...itself, ...blended])];
			place =
				source === "single"
					? singleReference(chosen.solution, leftOut, x[row], y[row])
					: correctionWithout(chosen.solution, leftOut, x[row], y[row], {
							exact: options.exactLeaveOneOut,
							limit,
							pooledTau: chosen.pooledTau,
						});
			if (own >= 0) {
				flags |= F.own_reference;
				if (chosen.solution.surface?.fit.weights[own] === 0) flags |= F.rejected_reference;
			}
		} else if (cached !== undefined) place = { ...cached, outside: false, used: 0 };
		const applied = place !== undefined && place.correction > 0 && Number.isFinite(place.correction + place.error);
		if (place !== undefined && applied) {
			if (place.outside) flags |= F.outside_hull;
			if (place.used < 10 && source !== "cached" && source !== "single") flags |= F.few_references;
			if (source !== "ensemble" && source !== "single") flags |= F.fallback_correction;
			result.correction[row] = place.correction;
			result.correctionErr[row] = place.error;
			result.nReferences[row] = place.used;
			result.correctionSource[row] = code(source);
		} else {
			flags |= F.not_normalised;
			if (suspicious !== undefined) flags |= F.suspicious_correction;
			result.correction[row] = 1;
			result.correctionErr[row] = scatter;
			result.correctionSource[row] = code("none");
		}
		if (baselines.status[i] === 1) flags |= F.provisional_baseline;
		const value = propagate(
			image.fluxJy[row],
			image.fluxErrJy[row],
			result.correction[row],
			result.correctionErr[row],
			baselines.systematicFraction,
			baselines.value[i],
		);
		const measured = Number.isFinite(image.fluxJy[row]) && image.fluxErrJy[row] > 0;
		if (!measured || !Number.isFinite(value.flux + value.error)) flags |= F.no_flux;
		result.fluxNormJy[row] = value.flux;
		result.fluxNormErrJy[row] = value.error;
		result.fluxNormErrAtBaselineJy[row] = value.errorAtBaseline;
		result.flags[row] = flags;
	}
	return result;
}
