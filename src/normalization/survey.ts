import { badInput } from "../error.ts";
import type { Baselines } from "./baseline.ts";
import { estimateSystematicFloor, type SystematicFloor } from "./error-propagation.ts";
import type { CachedCorrection, CatalogueFluxes } from "./fallback.ts";
import { type FieldGeometry, fieldCoordinates, fieldOf } from "./field-coordinates.ts";
import type { SurfaceOrder } from "./field-gradient.ts";
import { type JointSolution, solveJointly } from "./joint-solution.ts";
import {
	DEFAULT_NORMALIZATION,
	type ImageSolution,
	NORMALIZATION_FLAGS,
	type NormalizationOptions,
	normalizeImage,
	type ReferenceList,
} from "./normalize-image.ts";
import {
	DEFAULT_REFERENCES,
	type ReferenceCandidates,
	type ReferenceOptions,
	type ReferenceSelection,
	selectReferences,
} from "./references.ts";
import { median } from "./robust-location.ts";
import { type Steadiness, steadiness } from "./steadiness.ts";

/** All measurements of one field in one subband. Row i, column k is `[i * epochs + k]`; NaN where there is none. */
export interface FieldSurvey {
	sources: number;
	epochs: number;
	fluxJy: Float64Array;
	/** One-sigma noise, Jy. */
	fluxErrJy: Float64Array;
	mjd: Float64Array;
	/** Positions of the sources; without them the correction is constant over the field. */
	raDeg?: Float64Array;
	decDeg?: Float64Array;
	/** 1 for measurements good enough to serve as a reference or for a baseline. Default: all. */
	usable?: Uint8Array;
	/** What else is known of the sources; positions, fluxes and signal to noise are filled in. */
	known?: Partial<ReferenceCandidates>;
	/** Catalogue fluxes at this frequency. */
	catalogue?: CatalogueFluxes;
}

/** Normalised measurements of a field, in the order of the survey's rows. */
export interface NormalizedSurvey {
	fluxNormJy: Float64Array;
	fluxNormErrJy: Float64Array;
	fluxNormErrAtBaselineJy: Float64Array;
	correction: Float64Array;
	correctionErr: Float64Array;
	/** Index into `CORRECTION_SOURCES`; 255 where there is no measurement. */
	correctionSource: Uint8Array;
	nReferences: Int32Array;
	flags: Uint16Array;
	/** One per epoch. */
	solutions: ImageSolution[];
}

/**
 * Normalise stored rows with a version of the baselines: each epoch by {@link normalizeImage}, in order of time, with the
 * last accepted correction at hand as the cached one. Serves a first normalisation and a re-normalisation alike: raw rows
 * go in, a new set of normalised values comes out beside them.
 */
export function renormalize(
	survey: FieldSurvey,
	baselines: Baselines,
	references: ReferenceList,
	options: Partial<NormalizationOptions> = {},
): NormalizedSurvey {
	const { sources, epochs } = survey;
	const size = sources * epochs;
	const result: NormalizedSurvey = {
		fluxNormJy: new Float64Array(size).fill(Number.NaN),
		fluxNormErrJy: new Float64Array(size).fill(Number.NaN),
		fluxNormErrAtBaselineJy: new Float64Array(size).fill(Number.NaN),
		correction: new Float64Array(size).fill(Number.NaN),
		correctionErr: new Float64Array(size).fill(Number.NaN),
		correctionSource: new Uint8Array(size).fill(255),
		nReferences: new Int32Array(size),
		flags: new Uint16Array(size),
		solutions: [],
	};
	const inTime = Array.from(survey.mjd.keys()).sort((a, b) => survey.mjd[a] - survey.mjd[b]);
	const solutions: ImageSolution[] = new Array(epochs);
	let previous: CachedCorrection | undefined;
	for (const k of inTime) {
		const present: number[] = [];
		for (let i = 0; i < sources; i++) if (!Number.isNaN(survey.fluxJy[i * epochs + k])) present.push(i);
		const column = (values: Float64Array) => Float64Array.from(present, (i) => values[i * epochs + k]);
		const image = normalizeImage(
			{
				mjd: survey.mjd[k],
				sourceIndex: Int32Array.from(present),
				fluxJy: column(survey.fluxJy),
				fluxErrJy: column(survey.fluxErrJy),
				raDeg: survey.raDeg === undefined ? undefined : Float64Array.from(present, (i) => survey.raDeg?.[i] ?? 0),
				decDeg: survey.decDeg === undefined ? undefined : Float64Array.from(present, (i) => survey.decDeg?.[i] ?? 0),
				usable:
					survey.usable === undefined
						? undefined
						: Uint8Array.from(present, (i) => survey.usable?.[i * epochs + k] ?? 1),
			},
			{ baselines, references, catalogue: survey.catalogue, previous, options },
		);
		solutions[k] = image.solution;
		if (image.solution.status === "applied" && image.solution.source !== "cached") {
			const { correction, correctionErr } = image.solution;
			previous = { correction, correctionErr, mjd: survey.mjd[k] };
		}
		present.forEach((i, row) => {
			const at = i * epochs + k;
			result.fluxNormJy[at] = image.fluxNormJy[row];
			result.fluxNormErrJy[at] = image.fluxNormErrJy[row];
			result.fluxNormErrAtBaselineJy[at] = image.fluxNormErrAtBaselineJy[row];
			result.correction[at] = image.correction[row];
			result.correctionErr[at] = image.correctionErr[row];
			result.correctionSource[at] = image.correctionSource[row];
			result.nReferences[at] = image.nReferences[row];
			result.flags[at] = image.flags[row];
		});
	}
	result.solutions = solutions;
	return result;
}

export interface BaselineOptions {
	normalization: Partial<NormalizationOptions>;
	references: Partial<ReferenceOptions>;
	/** Name of the version to make, and what it supersedes. */
	identity: Partial<Baselines>;
	/** Version that the new one continues: its frozen epochs fix the scale. */
	previous?: Baselines;
	/** 1 for sources whose level is taken over from `previous` because they are candidates. */
	freeze?: Uint8Array;
	/** Put the baselines on the scale of the survey's catalogue fluxes. Otherwise the scale is relative. */
	anchorToCatalogue: boolean;
	/** Rounds of choosing references, solving and testing their steadiness. */
	rounds: number;
}

export interface SurveyBaselines {
	baselines: Baselines;
	references: ReferenceSelection;
	joint: JointSolution;
	/** Of all sources, each left out of its own correction. */
	steadiness: Steadiness;
	floor: SystematicFloor;
}

/** Median signal to noise and median flux of each source. */
function levels(survey: FieldSurvey) {
	const { sources, epochs, fluxJy, fluxErrJy } = survey;
	const medianSnr = new Float64Array(sources);
	const level = new Float64Array(sources);
	const nEpochs = new Int32Array(sources);
	for (let i = 0; i < sources; i++) {
		const snr: number[] = [];
		const flux: number[] = [];
		for (let at = i * epochs; at < (i + 1) * epochs; at++) {
			if (!Number.isFinite(fluxJy[at]) || !(fluxErrJy[at] > 0) || survey.usable?.[at] === 0) continue;
			flux.push(fluxJy[at]);
			snr.push(fluxJy[at] / fluxErrJy[at]);
		}
		medianSnr[i] = median(snr);
		level[i] = median(flux);
		nEpochs[i] = flux.length;
	}
	return { medianSnr, level, nEpochs };
}

/**
 * Baselines and references of a field from the survey itself: choose bright sources, solve baselines and corrections
 * jointly, test every source's steadiness with itself left out, put the restless ones off the list, and solve again.
 *
 * Before three epochs are there no baseline can be made and the returned version holds none: images are then normalised
 * by catalogue fluxes where there are any, else left raw and marked, and {@link renormalize} mends them once a version
 * exists.
 */
export function solveBaselines(survey: FieldSurvey, options: Partial<BaselineOptions> = {}): SurveyBaselines {
	const { sources, epochs } = survey;
	if (!(sources > 0) || !(epochs > 0)) {
		throw badInput("no-measurements", `${sources} sources in ${epochs} epochs`, {
			subject: "light curves",
			remedy: "Give at least one source and one epoch",
		});
	}
	const normalization = { ...DEFAULT_NORMALIZATION, ...options.normalization };
	const referenceOptions = { ...DEFAULT_REFERENCES, ...options.references };
	const { medianSnr, level, nEpochs } = levels(survey);
	const located = survey.raDeg !== undefined && survey.decDeg !== undefined;
	const raDeg = survey.raDeg ?? new Float64Array(sources);
	const decDeg = survey.decDeg ?? new Float64Array(sources);
	const whole = located ? fieldOf(raDeg, decDeg) : null;
	const given = options.previous?.field ?? options.identity?.field ?? null;
	const field: FieldGeometry = given ?? whole ?? { centreRaDeg: 0, centreDecDeg: 0, radiusDeg: 1 };
	const place = located ? fieldCoordinates(raDeg, decDeg, field) : undefined;
	const maxOrder: SurfaceOrder = normalization.mode === "plane" && located ? normalization.maxOrder : 0;

	const masked = survey.usable;
	const fluxJy =
		masked === undefined ? survey.fluxJy : survey.fluxJy.map((v, at) => (masked[at] === 0 ? Number.NaN : v));
	const matrix = { sources, epochs, fluxJy, fluxErrJy: survey.fluxErrJy, mjd: survey.mjd, x: place?.x, y: place?.y };
	const freeze = options.freeze;
	const previous = options.previous;
	const taken = (values: Float64Array | undefined) =>
		freeze === undefined || values === undefined
			? undefined
			: values.map((value, i) => (freeze[i] === 1 && previous?.status[i] !== 0 ? value : Number.NaN));

	let state: Partial<ReferenceCandidates> = { ...survey.known, nEpochs };
	const choose = () =>
		selectReferences(
			// Sources without positions all lie at the centre: none of them is then another's neighbour.
			{ ...state, raDeg, decDeg: located ? decDeg : decDeg.map((_, i) => i * 1e-3), fluxJy: level, medianSnr },
			located ? field : { centreRaDeg: 0, centreDecDeg: 0, radiusDeg: 90 },
			located ? referenceOptions : { ...referenceOptions, defaultFovRadiusDeg: 180 },
		);
	const expelled = new Uint8Array(sources);
	let selection = choose();
	let joint: JointSolution | undefined;
	let steady: Steadiness;
	let floor: SystematicFloor;
	for (let round = 0; ; round++) {
		const reference = new Uint8Array(sources);
		for (const i of selection.primary) reference[i] = 1;
		joint = solveJointly(
			matrix,
			{
				reference,
				maxOrder,
				limit: normalization.maxDeviationSigma,
				minReferences: normalization.gate.minReferences,
				frozenEpochsMjd: previous?.frozenEpochsMjd,
				frozenValue: taken(previous?.value),
				frozenError: taken(previous?.error),
				anchorFluxJy: options.anchorToCatalogue ? survey.catalogue?.fluxJy : undefined,
				anchorErrJy: options.anchorToCatalogue ? survey.catalogue?.fluxErrJy : undefined,
				start: joint,
			},
			{ supersedes: previous?.version ?? null, ...options.identity, field: located ? field : null },
		);
		const bare = { ...joint.baselines, systematicFraction: 0 };
		const normalized = renormalize(survey, bare, selection, normalization);
		const applied = (values: Float64Array) =>
			values.map((value, at) =>
				normalized.flags[at] & NORMALIZATION_FLAGS.not_normalised || survey.usable?.[at] === 0 ? Number.NaN : value,
			);
		const flux = applied(normalized.fluxNormJy);
		const error = normalized.fluxNormErrAtBaselineJy;
		const { value } = joint.baselines;
		floor = floorOf(flux, error, joint, reference, epochs);
		const full = error.map((err, at) => Math.hypot(err, floor.value * value[Math.floor(at / epochs)]));
		steady = steadiness(flux, full, joint.share, value, epochs);
		if (round >= (options.rounds ?? 3)) break;
		for (let i = 0; i < sources; i++) {
			if (reference[i] === 1 && steady.pValue[i] < 1e-3 && !(steady.scatter[i] <= referenceOptions.maxScatter)) {
				expelled[i] = 1;
			}
		}
		state = { ...state, steadyP: steady.pValue, scatter: steady.scatter, member: reference, expelled };
		const next = choose();
		const same = next.primary.length === selection.primary.length && next.primary.every((i) => reference[i] === 1);
		selection = next;
		if (same) break;
	}
	const baselines: Baselines = {
		...joint.baselines,
		systematicFraction: floor.value,
		systematicFractionErr: floor.error,
	};
	return { baselines, references: selection, joint: { ...joint, baselines }, steadiness: steady, floor };
}

/** The floor from the references, the variable ones among them put aside until the rest agree on it. */
function floorOf(
	flux: Float64Array,
	error: Float64Array,
	joint: JointSolution,
	reference: Uint8Array,
	epochs: number,
): SystematicFloor {
	const { value, status } = joint.baselines;
	let use = reference.map((mark, i) => (mark === 1 && joint.restless[i] === 0 && status[i] > 0 ? 1 : 0));
	let floor = estimateSystematicFloor(flux, error, joint.share, value, use, epochs);
	for (let round = 0; round < 5; round++) {
		const full = error.map((err, at) => Math.hypot(err, floor.value * value[Math.floor(at / epochs)]));
		const steady = steadiness(flux, full, joint.share, value, epochs);
		const next = use.map((mark, i) => (mark === 1 && !(steady.pValue[i] < 0.001) ? 1 : 0));
		const before = use.reduce((sum, mark) => sum + mark, 0);
		const after = next.reduce((sum, mark) => sum + mark, 0);
		if (after === before || after < Math.max(5, before / 3)) break;
		use = next;
		floor = estimateSystematicFloor(flux, error, joint.share, value, use, epochs);
	}
	return floor;
}
