/**
 * Gain of a field, epoch by epoch and band by band, from its steady majority: a plane over the sky fitted to the ratios
 * of flux to level, the target left out of its own fit. Levels are built from the past alone, so an epoch's plane is
 * the same whether it is computed as the epoch arrives or years later.
 */
export interface FieldCube {
	/** Number of sources, epochs and bands. Values lie source by source, epoch by epoch, band fastest. */
	sources: number;
	epochs: number;
	bands: number;
	/** Flux and error, Jy; NaN where there is no measurement. */
	flux: Float64Array;
	err: Float64Array;
	/** Offsets on the tangent plane, any unit; null without positions. */
	x: Float64Array | null;
	y: Float64Array | null;
}

/** Running level of each (source, band): the state that an epoch needs from those before it. */
export interface EnsembleLevels {
	/** Level, Jy; NaN before the first measurement. */
	level: Float64Array;
	/** Running mean absolute deviation, Jy. */
	scatter: Float64Array;
	/** Measurements so far. */
	count: Float64Array;
	/** The first corrected fluxes, from which the level starts as a median. */
	early: Float64Array;
}

/** Fewest sources for a plane, and for a constant. */
const FEWEST_FOR_PLANE = 12;
const FEWEST_FOR_CONSTANT = 6;
/** Intrinsic scatter of a normal source, fraction: keeps the brightest from deciding alone. */
const SOURCE_SCATTER = 0.02;
const EARLY = 7;
const LONGEST_MEMORY = 200;

export const emptyLevels = (sources: number, bands: number): EnsembleLevels => ({
	level: new Float64Array(sources * bands).fill(Number.NaN),
	scatter: new Float64Array(sources * bands),
	count: new Float64Array(sources * bands),
	early: new Float64Array(sources * bands * EARLY),
});

/** Gain at one epoch and band. */
export interface PlaneFit {
	/** Gain at the reference point and slopes along x and y. */
	constant: number;
	slopeX: number;
	slopeY: number;
	/** Sources used (0: no ensemble; -1: the epoch failed), and the robust scatter of their ratios about the plane. */
	used: number;
	scatter: number;
}

/**
 * Corrects one epoch in place and advances the levels.
 *
 * @param flux,err  fluxes of this epoch, source by source, bands fastest: divided by the gain found
 * @param gainError filled with the standard error of the gain per value, fraction; NaN where there was no ensemble
 * @returns one fit per band
 */
export function correctEpoch(
	levels: EnsembleLevels,
	flux: Float64Array,
	err: Float64Array,
	sources: number,
	bands: number,
	x: Float64Array | null,
	y: Float64Array | null,
	gainError: Float64Array,
): PlaneFit[] {
	const fits: PlaneFit[] = [];
	const ratio = new Float64Array(sources);
	const weight = new Float64Array(sources);
	const robust = new Float64Array(sources);
	const members = new Int32Array(sources);
	for (let k = 0; k < bands; k++) {
		let n = 0;
		for (let j = 0; j < sources; j++) {
			const cell = j * bands + k;
			const level = levels.level[cell];
			if (!(level > 0) || !Number.isFinite(flux[cell]) || !(err[cell] > 0)) continue;
			const fraction = err[cell] / level;
			if (fraction > 0.3) continue;
			ratio[j] = flux[cell] / level;
			weight[j] = 1 / (fraction * fraction + SOURCE_SCATTER * SOURCE_SCATTER);
			members[n++] = j;
		}
		const fit = fitPlane(ratio, weight, robust, members.subarray(0, n), x, y);
		fits.push(fit);
		for (let j = 0; j < sources; j++) {
			const cell = j * bands + k;
			gainError[cell] = Number.NaN;
			if (!Number.isFinite(flux[cell])) continue;
			if (fit.used < 0) {
				flux[cell] = Number.NaN;
				continue;
			}
			if (fit.used > 0) {
				const { gain, error } = gainWithout(fit, j, ratio, robust, members.subarray(0, n), x, y);
				flux[cell] /= gain;
				err[cell] /= gain;
				gainError[cell] = error;
			}
			advance(levels, cell, flux[cell]);
		}
	}
	return fits;
}

function advance(levels: EnsembleLevels, cell: number, value: number): void {
	const count = ++levels.count[cell];
	if (count <= EARLY) {
		levels.early[cell * EARLY + count - 1] = value;
		const sorted = levels.early.slice(cell * EARLY, cell * EARLY + count).sort();
		const middle = count >> 1;
		const median = count % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
		levels.level[cell] = median;
		let scatter = 0;
		for (let i = 0; i < count; i++) scatter += Math.abs(sorted[i] - median) / count;
		levels.scatter[cell] = Math.max(scatter, Math.abs(median) * 1e-3);
		return;
	}
	const gain = 1 / Math.min(count, LONGEST_MEMORY);
	const limit = 3 * levels.scatter[cell];
	const step = Math.max(-limit, Math.min(limit, value - levels.level[cell]));
	levels.level[cell] += gain * step;
	levels.scatter[cell] += gain * (Math.abs(step) - levels.scatter[cell]);
}

/** Normal matrix and right side of the last iteration, kept for leaving single sources out. */
interface Normal {
	size: number;
	inverse: Float64Array;
	right: Float64Array;
}
const normals = new WeakMap<PlaneFit, Normal>();

function fitPlane(
	ratio: Float64Array,
	weight: Float64Array,
	robust: Float64Array,
	members: Int32Array,
	x: Float64Array | null,
	y: Float64Array | null,
): PlaneFit {
	const n = members.length;
	const fit: PlaneFit = { constant: 1, slopeX: 0, slopeY: 0, used: 0, scatter: Number.NaN };
	if (n < FEWEST_FOR_CONSTANT) return fit;
	const planar = x !== null && y !== null && n >= FEWEST_FOR_PLANE;
	const size = planar ? 3 : 1;
	fit.constant = medianOf(members, (j) => ratio[j]);
	let normal: Normal = { size, inverse: new Float64Array(9), right: new Float64Array(3) };
	for (let iteration = 0; iteration < 6; iteration++) {
		const residual = (j: number) => ratio[j] - fit.constant - (planar ? fit.slopeX * x[j] + fit.slopeY * y[j] : 0);
		const scale = Math.max(1.4826 * medianOf(members, (j) => Math.abs(residual(j)) * Math.sqrt(weight[j])), 1e-6);
		const a = new Float64Array(9);
		const b = new Float64Array(3);
		let used = 0;
		for (const j of members) {
			const u = (residual(j) * Math.sqrt(weight[j])) / (4.685 * scale);
			const core = 1 - u * u;
			robust[j] = Math.abs(u) < 1 ? weight[j] * core * core : 0;
			if (robust[j] === 0) continue;
			used++;
			const wx = planar ? robust[j] * x[j] : 0;
			const wy = planar ? robust[j] * y[j] : 0;
			a[0] += robust[j];
			b[0] += robust[j] * ratio[j];
			if (!planar) continue;
			a[1] += wx;
			a[2] += wy;
			a[4] += wx * x[j];
			a[5] += wx * y[j];
			a[8] += wy * y[j];
			b[1] += wx * ratio[j];
			b[2] += wy * ratio[j];
		}
		normal = { size, inverse: invertNormal(a, size), right: b };
		const c = normal.inverse;
		fit.constant = c[0] * b[0] + c[1] * b[1] + c[2] * b[2];
		fit.slopeX = c[3] * b[0] + c[4] * b[1] + c[5] * b[2];
		fit.slopeY = c[6] * b[0] + c[7] * b[1] + c[8] * b[2];
		fit.used = used;
		fit.scatter = scale;
	}
	// A gain outside 0.2 to 5 is a failed epoch, not a correction: its values are left out.
	if (!(fit.constant > 0.2 && fit.constant < 5)) return { ...fit, used: -1 };
	normals.set(fit, normal);
	return fit;
}

/** The gain at source j without its own ratio: exact for the weights of the last iteration. */
function gainWithout(
	fit: PlaneFit,
	j: number,
	ratio: Float64Array,
	robust: Float64Array,
	members: Int32Array,
	x: Float64Array | null,
	y: Float64Array | null,
): { gain: number; error: number } {
	const normal = normals.get(fit);
	if (normal === undefined) return { gain: 1, error: Number.NaN };
	const planar = normal.size === 3 && x !== null && y !== null;
	const px = planar ? x[j] : 0;
	const py = planar ? y[j] : 0;
	const c = normal.inverse;
	const h = c[0] + px * (c[1] + c[3]) + py * (c[2] + c[6]) + px * px * c[4] + px * py * (c[5] + c[7]) + py * py * c[8];
	let gain = fit.constant + fit.slopeX * px + fit.slopeY * py;
	let error = Math.sqrt(Math.max(0, h)) * fit.scatter;
	// Members are listed in ascending order of source.
	let low = 0;
	let high = members.length;
	while (low < high) {
		const middle = (low + high) >> 1;
		if (members[middle] < j) low = middle + 1;
		else high = middle;
	}
	if (members[low] === j && robust[j] > 0) {
		const leverage = Math.min(0.9, h * robust[j]);
		gain -= (leverage / (1 - leverage)) * (ratio[j] - gain);
		error /= Math.sqrt(1 - leverage);
	}
	if (!(gain > 0.1 && gain < 10)) return { gain: fit.constant, error };
	return { gain, error };
}

function invertNormal(a: Float64Array, size: number): Float64Array {
	const inverse = new Float64Array(9);
	if (size === 1) {
		inverse[0] = a[0] > 0 ? 1 / a[0] : 0;
		return inverse;
	}
	const [m00, m01, m02, , m11, m12, , , m22] = a;
	const c00 = m11 * m22 - m12 * m12;
	const c01 = m02 * m12 - m01 * m22;
	const c02 = m01 * m12 - m02 * m11;
	const determinant = m00 * c00 + m01 * c01 + m02 * c02;
	if (!(Math.abs(determinant) > 1e-12 * Math.abs(m00 * m11 * m22))) return invertNormal(a, 1);
	inverse[0] = c00 / determinant;
	inverse[1] = inverse[3] = c01 / determinant;
	inverse[2] = inverse[6] = c02 / determinant;
	inverse[4] = (m00 * m22 - m02 * m02) / determinant;
	inverse[5] = inverse[7] = (m01 * m02 - m00 * m12) / determinant;
	inverse[8] = (m00 * m11 - m01 * m01) / determinant;
	return inverse;
}

function medianOf(members: Int32Array, value: (j: number) => number): number {
	const values = new Float64Array(members.length);
	for (let i = 0; i < members.length; i++) values[i] = value(members[i]);
	values.sort();
	const middle = values.length >> 1;
	return values.length % 2 === 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

/** Corrects a whole field in place, epoch after epoch; returns the fits (epoch by epoch, band fastest). */
export function correctField(cube: FieldCube): { fits: PlaneFit[][]; gainError: Float64Array } {
	const { sources, epochs, bands } = cube;
	const levels = emptyLevels(sources, bands);
	const flux = new Float64Array(sources * bands);
	const err = new Float64Array(sources * bands);
	const gainError = new Float64Array(sources * bands);
	const allErrors = new Float64Array(cube.flux.length);
	const fits: PlaneFit[][] = [];
	for (let i = 0; i < epochs; i++) {
		for (let j = 0; j < sources; j++)
			for (let k = 0; k < bands; k++) {
				flux[j * bands + k] = cube.flux[(j * epochs + i) * bands + k];
				err[j * bands + k] = cube.err[(j * epochs + i) * bands + k];
			}
		fits.push(correctEpoch(levels, flux, err, sources, bands, cube.x, cube.y, gainError));
		for (let j = 0; j < sources; j++)
			for (let k = 0; k < bands; k++) {
				const cell = (j * epochs + i) * bands + k;
				cube.flux[cell] = flux[j * bands + k];
				cube.err[cell] = err[j * bands + k];
				allErrors[cell] = gainError[j * bands + k];
			}
	}
	return { fits, gainError: allErrors };
}
