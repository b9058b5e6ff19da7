import type { Baselines } from "./baseline.ts";
import { type ImageSolution, NORMALIZATION_FLAGS } from "./normalize-image.ts";
import { madScale, median } from "./robust-location.ts";
import type { Steadiness } from "./steadiness.ts";
import type { FieldSurvey, NormalizedSurvey } from "./survey.ts";

/** Something a person should look at, as plain data; where it goes is not decided here. */
export interface NormalizationAlert {
	kind:
		| "too_few_references"
		| "correction_suspicious"
		| "not_normalised"
		| "pull_scatter"
		| "reference_variable"
		| "baseline_stale"
		| "normalization_harmful"
		| "catalogue_ratio";
	/** The quantity and the limit it crossed. */
	value: number;
	limit: number;
	mjd?: number;
	sourceIndex?: number;
}

/** Limits of the alerts. */
export interface QualityLimits {
	minReferences: number;
	pullStd: [number, number];
	/** A reference less probably steady than this is called variable. */
	steadyP: number;
	/** A baseline whose last epoch is older than this at the survey's last epoch, days. */
	baselineAgeDays: number;
	/** Median ratio to the catalogue. */
	catalogueRatio: [number, number];
}

export const DEFAULT_QUALITY_LIMITS: QualityLimits = {
	minReferences: 3,
	pullStd: [0.8, 1.25],
	steadyP: 1e-3,
	baselineAgeDays: 365,
	catalogueRatio: [0.8, 1.2],
};

/** Distribution of (S' - B) / e'; unit normal when the errors are right. */
export interface PullSummary {
	n: number;
	mean: number;
	/** Standard deviation of the pulls within five sigma. */
	std: number;
	/** 1.4826 times the median absolute pull: blind to tails. */
	robustStd: number;
	/** Fraction beyond five sigma. */
	outliers: number;
}

export interface EpochQuality {
	mjd: number;
	status: ImageSolution["status"];
	source: ImageSolution["source"];
	order: number;
	correction: number;
	correctionErr: number;
	lowest: number;
	highest: number;
	tau: number;
	available: number;
	used: number;
	rejected: number;
	largestShare: number;
	/** References at five or more times their noise, over those measured. */
	completeness: number;
	/** Pulls of the steady sources of this epoch. */
	pulls: PullSummary;
	/** Median of S' over catalogue flux; NaN without a catalogue. */
	catalogueRatio: number;
}

export interface ReferenceQuality {
	sourceIndex: number;
	/** Median signal to noise of its raw measurements. */
	snr: number;
	steadyP: number;
	/** Fractional scatter beyond errors and floor. */
	scatter: number;
	/** Mean residual with itself left out, over its error: a drift of the level against the others. */
	drift: number;
	/** Epochs in which the ensemble rejected it. */
	rejections: number;
}

export interface FieldQuality {
	epochs: EpochQuality[];
	/** Of the steady sources, references or not. */
	pulls: PullSummary;
	bySnr: { low: number; high: number; pulls: PullSummary }[];
	references: ReferenceQuality[];
	/** Medians over the steady sources, raw and normalised. */
	before: { scatter: number; eta: number; v: number };
	after: { scatter: number; eta: number; v: number };
	/** Fractional scatter of every source about its median, raw and normalised; NaN without a level. */
	scatterBefore: Float64Array;
	scatterAfter: Float64Array;
	steady: Uint8Array;
	/** `[source * epochs + epoch]`, NaN where there is no normalised value or no level. */
	pullOf: Float64Array;
	alerts: NormalizationAlert[];
}

/** Pulls of the chosen measurements, those that are NaN left out. */
export function summarisePulls(pulls: ArrayLike<number>): PullSummary {
	let n = 0;
	let kept = 0;
	let mean = 0;
	let squares = 0;
	const sizes: number[] = [];
	for (let k = 0; k < pulls.length; k++) {
		const z = pulls[k];
		if (Number.isNaN(z)) continue;
		n++;
		sizes.push(Math.abs(z));
		if (Math.abs(z) > 5) continue;
		kept++;
		const delta = z - mean;
		mean += delta / kept;
		squares += delta * (z - mean);
	}
	if (n === 0) return { n: 0, mean: Number.NaN, std: Number.NaN, robustStd: Number.NaN, outliers: Number.NaN };
	return { n, mean, std: Math.sqrt(squares / kept), robustStd: 1.4826 * median(sizes), outliers: 1 - kept / n };
}

/**
 * Pulls of all normalised measurements about their levels. A measurement's own part in the level is accounted for: a
 * residual's variance is smaller by 1 - share.
 */
export function pullsOf(survey: FieldSurvey, normalized: NormalizedSurvey, level: Float64Array, share: Float64Array) {
	const { epochs } = survey;
	return normalized.fluxNormJy.map((flux, at) => {
		const i = Math.floor(at / epochs);
		const room = 1 - share[at];
		const applied = (normalized.flags[at] & NORMALIZATION_FLAGS.not_normalised) === 0;
		if (!applied || !(level[i] > 0) || !(room > 1e-9) || survey.usable?.[at] === 0) return Number.NaN;
		return (flux - level[i]) / normalized.fluxNormErrAtBaselineJy[at] / Math.sqrt(room);
	});
}

const SNR_EDGES = [5, 10, 20, 40, 80, 160, Infinity];

/** eta, V and the robust fractional scatter of one source's values. */
function variability(flux: Float64Array, error: Float64Array) {
	let n = 0;
	let weight = 0;
	let mean = 0;
	let weighted = 0;
	for (let k = 0; k < flux.length; k++) {
		if (!Number.isFinite(flux[k]) || !(error[k] > 0)) continue;
		n++;
		const w = 1 / (error[k] * error[k]);
		weight += w;
		weighted += (w / weight) * (flux[k] - weighted);
		mean += (flux[k] - mean) / n;
	}
	if (n < 2 || !(mean > 0)) return { eta: Number.NaN, v: Number.NaN, scatter: Number.NaN };
	let chi2 = 0;
	let squares = 0;
	const good: number[] = [];
	for (let k = 0; k < flux.length; k++) {
		if (!Number.isFinite(flux[k]) || !(error[k] > 0)) continue;
		chi2 += ((flux[k] - weighted) / error[k]) ** 2;
		squares += (flux[k] - mean) ** 2;
		good.push(flux[k]);
	}
	return { eta: chi2 / (n - 1), v: Math.sqrt(squares / (n - 1)) / mean, scatter: madScale(good) / median(good) };
}

/**
 * How well a field in one subband was normalised: what each epoch's correction rests on, whether the errors are right,
 * whether the steady sources got steadier, how the references behave, and what should be looked at.
 */
export function assessNormalization(
	survey: FieldSurvey,
	normalized: NormalizedSurvey,
	baselines: Baselines,
	steadiness: Steadiness,
	share: Float64Array,
	primary: Int32Array,
	limits: Partial<QualityLimits> = {},
): FieldQuality {
	const limit = { ...DEFAULT_QUALITY_LIMITS, ...limits };
	const { sources, epochs } = survey;
	const { value: level } = baselines;
	const pullOf = pullsOf(survey, normalized, level, share);
	const isReference = new Uint8Array(sources);
	for (const i of primary) isReference[i] = 1;
	const steady = new Uint8Array(sources);
	const scatterBefore = new Float64Array(sources).fill(Number.NaN);
	const scatterAfter = new Float64Array(sources).fill(Number.NaN);
	const collected = {
		before: { eta: [] as number[], v: [] as number[] },
		after: { eta: [] as number[], v: [] as number[] },
	};
	const snr = new Float64Array(sources).fill(Number.NaN);
	const appliedIn = Uint8Array.from(normalized.solutions, ({ status }) => (status === "applied" ? 1 : 0));
	const anyApplied = appliedIn.reduce((sum, mark) => sum + mark, 0);
	for (let i = 0; i < sources; i++) {
		const row = (values: Float64Array) => values.subarray(i * epochs, (i + 1) * epochs);
		// The same measurements before and after: those that have a correction.
		const applied = (_: number, k: number) => anyApplied === 0 || appliedIn[k] === 1;
		const before = variability(row(survey.fluxJy).filter(applied), row(survey.fluxErrJy).filter(applied));
		const after = variability(
			row(normalized.fluxNormJy).filter(applied),
			row(normalized.fluxNormErrAtBaselineJy).filter(applied),
		);
		scatterBefore[i] = before.scatter;
		scatterAfter[i] = after.scatter;
		snr[i] = median(row(survey.fluxJy).map((flux, k) => flux / survey.fluxErrJy[i * epochs + k]));
		steady[i] = level[i] > 0 && steadiness.pValue[i] >= limit.steadyP ? 1 : 0;
		if (steady[i] === 0) continue;
		collected.before.eta.push(before.eta);
		collected.before.v.push(before.v);
		collected.after.eta.push(after.eta);
		collected.after.v.push(after.v);
	}
	const ofSteady = (values: Float64Array) => median(values.filter((_, i) => steady[i] === 1));
	const rejections = new Int32Array(sources);
	const alerts: NormalizationAlert[] = [];

	const perEpoch = normalized.solutions.map((solution, k): EpochQuality => {
		const pulls: number[] = [];
		const ratios: number[] = [];
		let measured = 0;
		let detected = 0;
		for (let i = 0; i < sources; i++) {
			const at = i * epochs + k;
			if (Number.isNaN(survey.fluxJy[at])) continue;
			if (steady[i] === 1) pulls.push(pullOf[at]);
			if (isReference[i] === 1) {
				measured++;
				if (survey.fluxJy[at] >= 5 * survey.fluxErrJy[at]) detected++;
			}
			const catalogue = survey.catalogue?.fluxJy[i] ?? Number.NaN;
			if (appliedIn[k] === 1 && catalogue > 0 && snr[i] >= 10) ratios.push(normalized.fluxNormJy[at] / catalogue);
		}
		let rejected = 0;
		for (const reference of solution.references) {
			if (!reference.rejected) continue;
			rejected++;
			rejections[reference.sourceIndex]++;
		}
		const { mjd, status, source } = solution;
		const catalogueRatio = median(ratios);
		if (status === "suspicious") {
			const low = Math.abs(solution.lowest - 1) > Math.abs(solution.highest - 1);
			alerts.push({ kind: "correction_suspicious", mjd, value: low ? solution.lowest : solution.highest, limit: 1 });
		} else if (status === "not_normalised")
			alerts.push({ kind: "not_normalised", mjd, value: solution.available, limit: limit.minReferences });
		if (solution.available < limit.minReferences) {
			alerts.push({ kind: "too_few_references", mjd, value: solution.available, limit: limit.minReferences });
		}
		const outside = catalogueRatio < limit.catalogueRatio[0] || catalogueRatio > limit.catalogueRatio[1];
		if (outside) {
			const at = catalogueRatio < 1 ? limit.catalogueRatio[0] : limit.catalogueRatio[1];
			alerts.push({ kind: "catalogue_ratio", mjd, value: catalogueRatio, limit: at });
		}
		const summary = summarisePulls(pulls);
		// Below ten sources the scatter of the pulls is itself too uncertain to alarm anybody.
		const [low, high] = limit.pullStd;
		const slack = 3 / Math.sqrt(2 * Math.max(1, summary.n));
		if (summary.n >= 10 && (summary.std < low - slack || summary.std > high + slack)) {
			alerts.push({ kind: "pull_scatter", mjd, value: summary.std, limit: summary.std < 1 ? low : high });
		}
		return {
			mjd,
			status,
			source,
			order: solution.order,
			correction: solution.correction,
			correctionErr: solution.correctionErr,
			lowest: solution.lowest,
			highest: solution.highest,
			tau: solution.tau,
			available: solution.available,
			used: solution.used,
			rejected,
			largestShare: solution.largestShare,
			completeness: measured === 0 ? Number.NaN : detected / measured,
			pulls: summary,
			catalogueRatio,
		};
	});

	const references = Array.from(primary, (i): ReferenceQuality => {
		let sum = 0;
		let n = 0;
		for (let k = 0; k < epochs; k++) {
			const z = pullOf[i * epochs + k];
			if (Number.isNaN(z) || Math.abs(z) > 5) continue;
			sum += z;
			n++;
		}
		const p = steadiness.pValue[i];
		if (p < limit.steadyP && steadiness.scatter[i] > 0.02) {
			alerts.push({ kind: "reference_variable", sourceIndex: i, value: p, limit: limit.steadyP });
		}
		return {
			sourceIndex: i,
			snr: snr[i],
			steadyP: p,
			scatter: steadiness.scatter[i],
			drift: sum / Math.sqrt(Math.max(1, n)),
			rejections: rejections[i],
		};
	});

	const all = pullOf.map((z, at) => (steady[Math.floor(at / epochs)] === 1 ? z : Number.NaN));
	const pulls = summarisePulls(all);
	if (pulls.n >= 100 && (pulls.std < limit.pullStd[0] || pulls.std > limit.pullStd[1])) {
		alerts.push({ kind: "pull_scatter", value: pulls.std, limit: pulls.std < 1 ? limit.pullStd[0] : limit.pullStd[1] });
	}
	const last = survey.mjd.reduce((latest, mjd) => Math.max(latest, mjd), -Infinity);
	const newest = baselines.lastMjd.reduce((latest, mjd) => (mjd > latest ? mjd : latest), -Infinity);
	if (Number.isFinite(newest) && last - newest > limit.baselineAgeDays) {
		alerts.push({ kind: "baseline_stale", value: last - newest, limit: limit.baselineAgeDays });
	}
	const before = { scatter: ofSteady(scatterBefore), eta: median(collected.before.eta), v: median(collected.before.v) };
	const after = { scatter: ofSteady(scatterAfter), eta: median(collected.after.eta), v: median(collected.after.v) };
	if (after.v > 1.05 * before.v) alerts.push({ kind: "normalization_harmful", value: after.v, limit: before.v });
	return {
		epochs: perEpoch,
		pulls,
		bySnr: SNR_EDGES.slice(0, -1).map((low, b) => ({
			low,
			high: SNR_EDGES[b + 1],
			pulls: summarisePulls(
				all.filter((_, at) => snr[Math.floor(at / epochs)] >= low && snr[Math.floor(at / epochs)] < SNR_EDGES[b + 1]),
			),
		})),
		references,
		before,
		after,
		scatterBefore,
		scatterAfter,
		steady,
		pullOf,
		alerts,
	};
}

/** One way of normalising against another on the same measurements. */
export interface ModeComparison {
	mode: string;
	pulls: PullSummary;
	/** Median fractional scatter of the steady sources. */
	scatter: number;
	/** Median error of the correction, as a fraction. */
	correctionErr: number;
	/** Differences of the corrections from the first mode's, in units of the larger error: their standard deviation. */
	differenceStd: number;
	/** Fraction of measurements whose corrections differ by more than three such errors. */
	significant: number;
}

/** Compare modes; the first one is what the others are compared with. Only sources marked in `steady` count. */
export function compareModes(
	survey: FieldSurvey,
	modes: { mode: string; normalized: NormalizedSurvey; level: Float64Array; share: Float64Array }[],
	steady: Uint8Array,
): ModeComparison[] {
	const { sources, epochs } = survey;
	const first = modes[0]?.normalized;
	return modes.map(({ mode, normalized, level, share }) => {
		const pulls = pullsOf(survey, normalized, level, share);
		const scatters: number[] = [];
		const errors: number[] = [];
		const differences: number[] = [];
		for (let i = 0; i < sources; i++) {
			if (steady[i] === 0) {
				pulls.fill(Number.NaN, i * epochs, (i + 1) * epochs);
				continue;
			}
			const row = (values: Float64Array) => values.subarray(i * epochs, (i + 1) * epochs);
			scatters.push(variability(row(normalized.fluxNormJy), row(survey.fluxErrJy)).scatter);
			for (let at = i * epochs; at < (i + 1) * epochs; at++) {
				if (Number.isNaN(normalized.correction[at])) continue;
				errors.push(normalized.correctionErr[at] / normalized.correction[at]);
				const error = Math.max(normalized.correctionErr[at], first.correctionErr[at]);
				differences.push((normalized.correction[at] - first.correction[at]) / error);
			}
		}
		let square = 0;
		let beyond = 0;
		for (const z of differences) {
			square += z * z;
			if (Math.abs(z) > 3) beyond++;
		}
		return {
			mode,
			pulls: summarisePulls(pulls),
			scatter: median(scatters),
			correctionErr: median(errors),
			differenceStd: Math.sqrt(square / Math.max(1, differences.length)),
			significant: beyond / Math.max(1, differences.length),
		};
	});
}
