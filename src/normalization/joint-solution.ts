import { badInput } from "../error.ts";
import { type Baselines, DEFAULT_EPOCH_SCATTER, emptyBaselines, statusOf } from "./baseline.ts";
import { fitSurface, SURFACE_TERMS, type SurfaceFit, type SurfaceOrder, surfaceAt } from "./field-gradient.ts";
import { excessVariance, madScale, median, type RobustLocation, robustLocation } from "./robust-location.ts";

/** Fluxes of one field in one subband. Row i, column k is `[i * epochs + k]`; NaN where there is no measurement. */
export interface SurveyMatrix {
	sources: number;
	epochs: number;
	fluxJy: Float64Array;
	/** One-sigma noise of each flux, Jy. */
	fluxErrJy: Float64Array;
	/** Mid-exposure of each epoch. */
	mjd: Float64Array;
	/** Field coordinates of each source, the field being the unit disc; without them the correction is constant. */
	x?: Float64Array;
	y?: Float64Array;
}

export interface JointOptions {
	/** 1 for sources that fix the correction. */
	reference: Uint8Array;
	/** Highest order of the correction over the field. Default 0. */
	maxOrder?: SurfaceOrder;
	/** References and epochs further off than this many sigma are left out. Default 5. */
	limit?: number;
	/** Fewest references for an epoch to be solved. Default 3. */
	minReferences?: number;
	/** MJD of the epochs of an earlier version that fix the scale. Chosen from the solution when not given. */
	frozenEpochsMjd?: Float64Array;
	/** Levels to take over unchanged, NaN where free: sources that are candidates. */
	frozenValue?: Float64Array;
	frozenError?: Float64Array;
	/** Absolute scale: catalogue fluxes at this frequency, NaN where there is none. Without them the scale is relative. */
	anchorFluxJy?: Float64Array;
	anchorErrJy?: Float64Array;
	/** An earlier solution of nearly the same survey to begin with: saves most of the rounds. */
	start?: JointSolution;
	maxRounds?: number;
	/** Largest change of ln c and ln B at which the solution has converged. Default 1e-6. */
	tolerance?: number;
}

export interface JointSolution {
	baselines: Baselines;
	/** Surface of each epoch, undefined where too few references were measured. */
	surfaces: (SurfaceFit | undefined)[];
	/** ln c of each epoch averaged over the field, NaN where unsolved. */
	lnScale: Float64Array;
	/** Share of each measurement in its source's baseline, summing to 1 over the epochs: a residual's variance is smaller
	 * by 1 - share than that of a measurement that took no part. */
	share: Float64Array;
	/** 1 where a source scatters by more than twice its errors: its baseline is the level at which it rests. */
	restless: Uint8Array;
	/** Number of connected parts of the graph of references and epochs: with more than one, each has its own scale. */
	components: number;
	rounds: number;
	converged: boolean;
	/** Fractional error of the absolute scale, NaN when the scale is relative. Never part of a light curve's errors. */
	absoluteScaleErr: number;
}

/** Which connected part each source and each epoch belongs to, -1 for those without any measurement. */
function connectedParts(matrix: SurveyMatrix, usable: Uint8Array, reference: Uint8Array) {
	const { sources, epochs } = matrix;
	const parent = Int32Array.from({ length: sources + epochs }, (_, i) => i);
	const root = (i: number) => {
		let r = i;
		while (parent[r] !== r) r = parent[r];
		while (parent[i] !== r) {
			const next = parent[i];
			parent[i] = r;
			i = next;
		}
		return r;
	};
	const seen = new Uint8Array(sources + epochs);
	for (let i = 0; i < sources; i++) {
		if (reference[i] === 0) continue;
		for (let k = 0; k < epochs; k++) {
			if (usable[i * epochs + k] === 0) continue;
			seen[i] = 1;
			seen[sources + k] = 1;
			const a = root(i);
			const b = root(sources + k);
			if (a !== b) parent[Math.max(a, b)] = Math.min(a, b);
		}
	}
	const number = new Map<number, number>();
	const part = new Int32Array(sources + epochs).fill(-1);
	for (let i = 0; i < sources + epochs; i++) {
		if (seen[i] === 0) continue;
		const r = root(i);
		if (!number.has(r)) number.set(r, number.size);
		part[i] = number.get(r) ?? -1;
	}
	return { ofSource: part.subarray(0, sources), ofEpoch: part.subarray(sources), count: number.size };
}

function checkMatrix(matrix: SurveyMatrix, reference: Uint8Array): void {
	const { sources, epochs } = matrix;
	const expected: [string, number, number][] = [
		["fluxJy", matrix.fluxJy.length, sources * epochs],
		["fluxErrJy", matrix.fluxErrJy.length, sources * epochs],
		["mjd", matrix.mjd.length, epochs],
		["reference", reference.length, sources],
		["x", matrix.x?.length ?? sources, sources],
		["y", matrix.y?.length ?? sources, sources],
	];
	for (const [name, length, wanted] of expected) {
		if (length !== wanted) {
			throw badInput("length-mismatch", `${length} values where ${wanted} are needed`, {
				subject: name,
				remedy: `Give one value for each of ${sources} sources and ${epochs} epochs`,
			});
		}
	}
}

/**
 * Baselines of all sources and corrections of all epochs of a field, jointly: the ensemble photometry of Honeycutt (1992,
 * PASP 104, 435) with robust means, missing entries, measurement errors, references weighted by their own scatter, and
 * a correction that may vary over the field. Alternates
 *
 *     c_k(x) = robust fit over the references of S_ik / B_i        B_i = robust mean over the epochs of S_ik / c_k(x_i)
 *
 * until nothing changes by more than `tolerance`. The scale, which the data leave free, is fixed by mean ln c = 0 over the
 * frozen epochs. A source in an event for half of its epochs keeps the baseline of its resting level.
 */
export function solveJointly(
	matrix: SurveyMatrix,
	options: JointOptions,
	identity: Partial<Baselines> = {},
): JointSolution {
	const { sources, epochs, fluxJy, fluxErrJy, mjd } = matrix;
	const { reference } = options;
	checkMatrix(matrix, reference);
	const limit = options.limit ?? 5;
	const minReferences = options.minReferences ?? 3;
	const tolerance = options.tolerance ?? 1e-6;
	const maxRounds = options.maxRounds ?? 60;
	const maxOrder = matrix.x === undefined || matrix.y === undefined ? 0 : (options.maxOrder ?? 0);
	const x = matrix.x ?? new Float64Array(sources);
	const y = matrix.y ?? new Float64Array(sources);

	const usable = new Uint8Array(sources * epochs);
	for (let k = 0; k < usable.length; k++) {
		usable[k] = Number.isFinite(fluxJy[k]) && fluxErrJy[k] > 0 && Number.isFinite(fluxErrJy[k]) ? 1 : 0;
	}
	const parts = connectedParts(matrix, usable, reference);

	const value = new Float64Array(sources);
	const error = new Float64Array(sources);
	const tau = new Float64Array(sources);
	const frozen = new Uint8Array(sources);
	for (let i = 0; i < sources; i++) {
		const row = fluxJy.subarray(i * epochs, (i + 1) * epochs).filter((_, k) => usable[i * epochs + k] === 1);
		value[i] = median(row);
		error[i] = row.length < 2 ? Number.NaN : (1.2533 * madScale(row)) / Math.sqrt(row.length);
		if (options.start !== undefined && options.start.baselines.value[i] > 0) {
			value[i] = options.start.baselines.value[i];
			error[i] = options.start.baselines.error[i];
			tau[i] = options.start.baselines.tau[i];
		}
		const given = options.frozenValue?.[i] ?? Number.NaN;
		if (given > 0) {
			frozen[i] = 1;
			value[i] = given;
			error[i] = options.frozenError?.[i] ?? 0;
		}
	}

	const surfaces: (SurfaceFit | undefined)[] = new Array(epochs).fill(undefined);
	const orders = new Uint8Array(epochs);
	const lnScale = new Float64Array(epochs).fill(Number.NaN);
	const members: number[][] = Array.from({ length: epochs }, (_, k) => {
		const list: number[] = [];
		for (let i = 0; i < sources; i++) if (reference[i] === 1 && usable[i * epochs + k] === 1) list.push(i);
		return list;
	});
	let pooledTau: number | undefined;
	options.start?.surfaces.forEach((surface, k) => {
		if (k < epochs && surface !== undefined && surface.order <= maxOrder) orders[k] = surface.order;
	});

	const solveEpochs = (choose: boolean) => {
		for (let k = 0; k < epochs; k++) {
			const list = members[k].filter((i) => value[i] > 0 && (frozen[i] === 1 || Number.isFinite(error[i])));
			const start = surfaces[k]?.fit.coefficients;
			surfaces[k] = undefined;
			lnScale[k] = Number.NaN;
			if (list.length < minReferences) continue;
			const m = list.length;
			const ratio = new Float64Array(m);
			const noiseVariance = new Float64Array(m);
			const relativeVariance = new Float64Array(m);
			const placeX = new Float64Array(m);
			const placeY = new Float64Array(m);
			for (let j = 0; j < m; j++) {
				const i = list[j];
				ratio[j] = fluxJy[i * epochs + k] / value[i];
				noiseVariance[j] = (fluxErrJy[i * epochs + k] / value[i]) ** 2;
				relativeVariance[j] = tau[i] ** 2 + (error[i] / value[i]) ** 2;
				placeX[j] = x[i];
				placeY[j] = y[i];
			}
			const surface = fitSurface({ ratio, noiseVariance, relativeVariance, x: placeX, y: placeY }, maxOrder, {
				limit,
				pooledTau,
				start,
				order: choose ? undefined : (orders[k] as SurfaceOrder),
				steps: choose ? undefined : 3,
			});
			if (surface === undefined || surface.fit.used < minReferences) continue;
			surfaces[k] = surface;
			orders[k] = surface.order;
			lnScale[k] = surface.fit.coefficients[0];
		}
	};
	/** Scatter of all references in all epochs beyond noise and their own tau. */
	const poolScatter = () => {
		const residuals: number[] = [];
		const variance: number[] = [];
		const perUnit: number[] = [];
		let dof = 0;
		for (const surface of surfaces) {
			if (surface === undefined) continue;
			const { fit, data } = surface;
			for (let j = 0; j < data.ratio.length; j++) {
				if (fit.weights[j] === 0) continue;
				residuals.push(data.ratio[j] - fit.factor[j]);
				const square = fit.factor[j] * fit.factor[j];
				variance.push(data.noiseVariance[j] + square * data.relativeVariance[j]);
				perUnit.push(square);
			}
			dof += fit.used - fit.terms;
		}
		const kept = new Uint8Array(residuals.length).fill(1);
		const excess = excessVariance(
			Float64Array.from(residuals),
			Float64Array.from(variance),
			Float64Array.from(perUnit),
			kept,
			dof,
			limit,
		);
		return Math.sqrt(excess);
	};

	const frozenEpoch = new Uint8Array(epochs);
	if (options.frozenEpochsMjd !== undefined) {
		const wanted = new Set(options.frozenEpochsMjd);
		for (let k = 0; k < epochs; k++) frozenEpoch[k] = wanted.has(mjd[k]) ? 1 : 0;
	}
	const chosenBefore = frozenEpoch.some((mark) => mark === 1);
	const chooseFrozenEpochs = () => {
		if (chosenBefore) return;
		// Epochs of ordinary scale only: one that is far off says nothing of the field's level.
		const centre = median(lnScale);
		const spread = madScale(lnScale, centre);
		for (let k = 0; k < epochs; k++) {
			frozenEpoch[k] = Math.abs(lnScale[k] - centre) <= Math.max(3 * spread, 1e-9) ? 1 : 0;
		}
	};
	/** Moves the free scale of each connected part to where the mean ln c of its frozen epochs is zero. */
	const fixScale = () => {
		for (let part = 0; part < parts.count; part++) {
			let anchored = false;
			for (let i = 0; i < sources; i++) if (frozen[i] === 1 && parts.ofSource[i] === part) anchored = true;
			// A frozen source carries the earlier scale by itself only where no frozen epoch does.
			let sum = 0;
			let n = 0;
			let all = 0;
			let nAll = 0;
			for (let k = 0; k < epochs; k++) {
				if (parts.ofEpoch[k] !== part || Number.isNaN(lnScale[k])) continue;
				all += lnScale[k];
				nAll++;
				if (frozenEpoch[k] === 0) continue;
				sum += lnScale[k];
				n++;
			}
			if (nAll === 0 || (n === 0 && anchored)) continue;
			const shift = n > 0 ? sum / n : all / nAll;
			for (let k = 0; k < epochs; k++) {
				if (parts.ofEpoch[k] !== part || Number.isNaN(lnScale[k])) continue;
				lnScale[k] -= shift;
				const surface = surfaces[k];
				if (surface === undefined) continue;
				surface.fit.coefficients[0] -= shift;
			}
		}
	};

	/**
	 * A gradient that most epochs share is no gradient of theirs but one that the levels took over from the others (or that
	 * drifts freely when every epoch has one): the median over the frozen epochs is made zero, and the next levels follow.
	 */
	const fixGradient = () => {
		for (let term = 1; term < SURFACE_TERMS[maxOrder]; term++) {
			const values: number[] = [];
			for (let k = 0; k < epochs; k++) {
				if (frozenEpoch[k] === 1 && surfaces[k] !== undefined) values.push(surfaces[k]?.fit.coefficients[term] ?? 0);
			}
			const shared = median(values);
			if (!(Math.abs(shared) > 0)) continue;
			for (const surface of surfaces) {
				if (surface !== undefined && surface.fit.terms > term) surface.fit.coefficients[term] -= shared;
			}
		}
	};

	const share = new Float64Array(sources * epochs);
	const restless = new Uint8Array(sources);
	const nEpochs = new Int32Array(sources);
	const corrected = new Float64Array(epochs);
	const variance = new Float64Array(epochs);
	let floor = 0.02;
	let rounds = 0;
	const solveSource = (i: number): RobustLocation => {
		for (let k = 0; k < epochs; k++) {
			const surface = surfaces[k];
			corrected[k] = Number.NaN;
			variance[k] = Number.NaN;
			if (surface === undefined || usable[i * epochs + k] === 0) continue;
			const { correction, error: err } = surfaceAt(surface.order, surface.fit, surface.hull, x[i], y[i]);
			corrected[k] = fluxJy[i * epochs + k] / correction;
			variance[k] = (fluxErrJy[i * epochs + k] / correction) ** 2 + ((err / correction) * value[i]) ** 2;
		}
		// The level of the round before is as good a start as the median and costs nothing.
		const start = rounds > 2 && restless[i] === 0 && value[i] > 0 ? value[i] : undefined;
		return robustLocation(corrected, variance, { limit, floor, start });
	};
	const ownTau = new Float64Array(sources);
	const updateSource = (i: number) => {
		const location = solveSource(i);
		restless[i] = location.restless ? 1 : 0;
		nEpochs[i] = location.used;
		share.set(location.weights, i * epochs);
		if (frozen[i] === 1) return;
		value[i] = location.value;
		error[i] = location.error;
		ownTau[i] = location.value > 0 ? location.excess / location.value : 0;
	};
	/** A scatter from few epochs is uncertain: it leans on what is usual among the references. */
	const shareScatter = () => {
		const usual = median(ownTau.filter((_, i) => reference[i] === 1 && restless[i] === 0 && nEpochs[i] >= 3));
		if (Number.isNaN(usual)) return;
		floor = Math.max(0.02, usual);
		for (let i = 0; i < sources; i++) {
			const dof = Math.max(0, nEpochs[i] - 1);
			tau[i] = Math.sqrt((dof * ownTau[i] ** 2 + 20 * usual ** 2) / (dof + 20));
		}
	};

	// Orders are chosen while the baselines settle, then held: changing them would keep the alternation from converging.
	const orderRounds = options.start === undefined ? [2, 4, 7] : [1, 3];
	const settled = maxOrder > 0 ? orderRounds[orderRounds.length - 1] : 2;
	solveEpochs(false);
	chooseFrozenEpochs();
	fixScale();
	let converged = false;
	const lastScale = new Float64Array(epochs);
	const lastValue = new Float64Array(sources);
	while (rounds < maxRounds && !converged) {
		rounds++;
		lastScale.set(lnScale);
		lastValue.set(value);
		for (let i = 0; i < sources; i++) if (reference[i] === 1) updateSource(i);
		shareScatter();
		solveEpochs(maxOrder > 0 && orderRounds.includes(rounds));
		pooledTau = poolScatter();
		if (rounds <= settled) chooseFrozenEpochs();
		fixScale();
		fixGradient();
		let change = 0;
		for (let k = 0; k < epochs; k++) {
			const step = Math.abs(lnScale[k] - lastScale[k]);
			if (step > change) change = step;
		}
		for (let i = 0; i < sources; i++) {
			if (reference[i] === 0) continue;
			const step = Math.abs(value[i] / lastValue[i] - 1);
			if (step > change) change = step;
		}
		converged = change < tolerance && rounds > settled;
	}
	for (let i = 0; i < sources; i++) updateSource(i);
	shareScatter();

	let absoluteScaleErr = Number.NaN;
	if (options.anchorFluxJy !== undefined) {
		const anchor = options.anchorFluxJy;
		const ratio = Float64Array.from(anchor, (flux, i) => (flux > 0 && value[i] > 0 ? flux / value[i] : Number.NaN));
		const spread = Float64Array.from(ratio, (r, i) => {
			const err = options.anchorErrJy?.[i] ?? 0.1 * anchor[i];
			return (r * Math.hypot(err / anchor[i], error[i] / value[i])) ** 2;
		});
		const scale = robustLocation(ratio, spread);
		if (scale.value > 0) {
			for (let i = 0; i < sources; i++) {
				value[i] *= scale.value;
				error[i] *= scale.value;
			}
			for (let k = 0; k < epochs; k++) {
				lnScale[k] -= Math.log(scale.value);
				const surface = surfaces[k];
				if (surface !== undefined) surface.fit.coefficients[0] -= Math.log(scale.value);
			}
			absoluteScaleErr = scale.error / scale.value;
		}
	}

	const references = ownTau.filter((_, i) => reference[i] === 1 && restless[i] === 0 && nEpochs[i] >= 3);
	const scatter = madScale(lnScale);
	const solved = lnScale.filter((value) => !Number.isNaN(value)).length;
	const baselines: Baselines = {
		...emptyBaselines(sources),
		value,
		error,
		tau,
		nEpochs,
		firstMjd: new Float64Array(sources).fill(Number.NaN),
		lastMjd: new Float64Array(sources).fill(Number.NaN),
		component: parts.ofSource.slice(),
		frozenEpochsMjd: mjd.filter((_, k) => frozenEpoch[k] === 1),
		pooledTau: pooledTau ?? Number.NaN,
		systematicFraction: median(references),
		systematicFractionErr: (1.2533 * madScale(references)) / Math.sqrt(references.length),
		epochScatter: solved >= 10 ? scatter : DEFAULT_EPOCH_SCATTER,
		...identity,
	};
	for (let i = 0; i < sources; i++) {
		for (let k = 0; k < epochs; k++) {
			if (share[i * epochs + k] === 0) continue;
			// A source that is no reference belongs to the part of the epochs it was seen in.
			if (baselines.component[i] < 0) baselines.component[i] = parts.ofEpoch[k];
			if (!(baselines.firstMjd[i] <= mjd[k])) baselines.firstMjd[i] = mjd[k];
			if (!(baselines.lastMjd[i] >= mjd[k])) baselines.lastMjd[i] = mjd[k];
		}
		baselines.status[i] = frozen[i] === 1 ? 3 : statusOf(nEpochs[i], value[i]);
		if (baselines.status[i] === 0) {
			value[i] = Number.NaN;
			error[i] = Number.NaN;
		}
	}
	if (Number.isNaN(baselines.systematicFraction)) baselines.systematicFraction = 0;
	return {
		baselines,
		surfaces,
		lnScale,
		share,
		restless,
		components: parts.count,
		rounds,
		converged,
		absoluteScaleErr,
	};
}
