import { badInput } from "../error.ts";
import type { FieldGeometry } from "./field-coordinates.ts";

/** How far a source's baseline may be trusted. The index is what `Baselines.status` stores. */
export const BASELINE_STATUS = [
	/** Too few epochs, or no positive level. */
	"none",
	/** 3 to 9 epochs. */
	"provisional",
	/** 10 epochs or more. */
	"established",
	/** Taken over from the version before, because the source is a candidate. */
	"frozen",
] as const;

/** Fewest epochs for a baseline, and for an established one. */
export const PROVISIONAL_EPOCHS = 3;
export const ESTABLISHED_EPOCHS = 10;

/**
 * One version of the baselines of a field in one subband: what "the source's own flux" means for every correction that
 * names it. A version is never changed: new epochs give a new one that supersedes it. One entry per source in each array.
 */
export interface Baselines {
	version: string;
	supersedes: string | null;
	fieldId: string;
	frequencyHz: number;
	/** A peak baseline is not used for integrated fluxes, nor one method's for another's. */
	method: string;
	/** Hashes or names that say how it came about. */
	configuration: string;
	referenceSet: string;
	field: FieldGeometry | null;

	/** Level, Jy; NaN where there is none. */
	value: Float64Array;
	/** One-sigma error of the level, Jy. Common to all epochs of the source. */
	error: Float64Array;
	/** Fractional scatter of the source beyond noise and correction. */
	tau: Float64Array;
	/** Epochs that carry weight. */
	nEpochs: Int32Array;
	firstMjd: Float64Array;
	lastMjd: Float64Array;
	/** Index into {@link BASELINE_STATUS}. */
	status: Uint8Array;
	/** Connected part of the source-epoch graph; two parts share no scale. -1: not connected to any reference. */
	component: Int32Array;

	/** MJD of the epochs that fix the scale: their mean ln c is zero in this and in later versions. */
	frozenEpochsMjd: Float64Array;
	/** Fractional scatter of references beyond noise and their own tau, pooled over epochs. */
	pooledTau: number;
	/** Fractional floor of every normalised flux, with its error. */
	systematicFraction: number;
	systematicFractionErr: number;
	/** Standard deviation of ln c from epoch to epoch: what a correction borrowed from another epoch is off by. */
	epochScatter: number;
}

/** The factor on `epochScatter` until a field has shown its own: DSA-110's flux scale jitters by 5-7 %. */
export const DEFAULT_EPOCH_SCATTER = 0.06;

/** Baselines before the first solution: nothing is known of any source. */
export function emptyBaselines(sources: number, identity: Partial<Baselines> = {}): Baselines {
	return {
		version: "0",
		supersedes: null,
		fieldId: "",
		frequencyHz: Number.NaN,
		method: "",
		configuration: "",
		referenceSet: "",
		field: null,
		value: new Float64Array(sources).fill(Number.NaN),
		error: new Float64Array(sources).fill(Number.NaN),
		tau: new Float64Array(sources),
		nEpochs: new Int32Array(sources),
		firstMjd: new Float64Array(sources).fill(Number.NaN),
		lastMjd: new Float64Array(sources).fill(Number.NaN),
		status: new Uint8Array(sources),
		component: new Int32Array(sources).fill(-1),
		frozenEpochsMjd: new Float64Array(0),
		pooledTau: Number.NaN,
		systematicFraction: 0,
		systematicFractionErr: Number.NaN,
		epochScatter: DEFAULT_EPOCH_SCATTER,
		...identity,
	};
}

export const statusOf = (nEpochs: number, value: number): number =>
	nEpochs < PROVISIONAL_EPOCHS || !(value > 0) ? 0 : nEpochs < ESTABLISHED_EPOCHS ? 1 : 2;

/**
 * Running sums behind a baseline between two full solutions: an epoch is added in O(1) per source. Kept in the centred
 * form of Welford, so that a bright source with small errors loses no digits.
 */
export interface BaselineSums {
	/** The version whose scale the sums are on. */
	base: Baselines;
	weight: Float64Array;
	mean: Float64Array;
	squares: Float64Array;
	n: Int32Array;
	lastMjd: Float64Array;
}

/** Sums that stand for a version's own epochs, to go on from. */
export function baselineSums(base: Baselines): BaselineSums {
	const weight = base.error.map((error, i) => (base.status[i] > 0 && error > 0 ? 1 / (error * error) : 0));
	return {
		base,
		weight,
		mean: base.value.map((value, i) => (weight[i] > 0 ? value : 0)),
		squares: new Float64Array(base.value.length),
		n: base.nEpochs.slice(),
		lastMjd: base.lastMjd.slice(),
	};
}

/**
 * Add one epoch's normalised fluxes, in O(1) per source. Values further than `limit` sigma from the level so far are
 * left out (an event is no part of a baseline), as are frozen sources and anything not normalised.
 *
 * @param fluxErrJy errors at the baseline's flux, so that a low value does not get the larger weight
 * @param usable 1 for values that may contribute
 * @returns how many were added
 */
export function addEpoch(
	sums: BaselineSums,
	sourceIndex: Int32Array,
	fluxNormJy: Float64Array,
	fluxErrJy: Float64Array,
	mjd: number,
	usable: Uint8Array,
	limit = 5,
): number {
	let added = 0;
	for (let k = 0; k < sourceIndex.length; k++) {
		const i = sourceIndex[k];
		const flux = fluxNormJy[k];
		const tau = sums.base.tau[i] ?? 0;
		const variance = fluxErrJy[k] ** 2 + (sums.weight[i] > 0 ? tau * sums.mean[i] : 0) ** 2;
		if (usable[k] === 0 || !Number.isFinite(flux) || !(variance > 0) || sums.base.status[i] === 3) continue;
		if (sums.n[i] >= PROVISIONAL_EPOCHS) {
			const deviation = flux - sums.mean[i];
			if (deviation * deviation > limit * limit * (variance + 1 / sums.weight[i])) continue;
		}
		const w = 1 / variance;
		const deviation = flux - sums.mean[i];
		sums.weight[i] += w;
		sums.mean[i] += (w / sums.weight[i]) * deviation;
		sums.squares[i] += w * deviation * (flux - sums.mean[i]);
		sums.n[i]++;
		if (!(sums.lastMjd[i] > mjd)) sums.lastMjd[i] = mjd;
		added++;
	}
	return added;
}

/** A new version from the running sums; the version they began from stays as it is. */
export function publishBaselines(sums: BaselineSums, version: string): Baselines {
	const { base } = sums;
	if (version === base.version) {
		throw badInput("version-exists", `version ${version} is already published`, {
			subject: "version",
			remedy: "Give the new version a name of its own",
		});
	}
	const kept = (i: number) => base.status[i] === 3 || sums.weight[i] === 0;
	return {
		...base,
		version,
		supersedes: base.version,
		value: base.value.map((value, i) => (kept(i) ? value : sums.mean[i])),
		error: base.error.map((error, i) => (kept(i) ? error : 1 / Math.sqrt(sums.weight[i]))),
		tau: base.tau.slice(),
		nEpochs: base.nEpochs.map((n, i) => (kept(i) ? n : sums.n[i])),
		firstMjd: base.firstMjd.slice(),
		lastMjd: base.lastMjd.map((mjd, i) => (kept(i) ? mjd : sums.lastMjd[i])),
		status: base.status.map((status, i) => (kept(i) ? status : statusOf(sums.n[i], sums.mean[i]))),
		component: base.component.slice(),
	};
}
