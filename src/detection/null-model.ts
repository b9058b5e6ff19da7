import { FilterLoops } from "./filter-loops.ts";

/**
 * What a source does without a lens: a level per band, red noise common to the bands, and red noise of its colour.
 *
 *     y_ik = b_k + x_i + l_k s_i + noise_ik,   b_k ~ N(0, 0.5^2),
 *
 * y the fractional flux of epoch i in band k, x and s independent Ornstein-Uhlenbeck processes (damped random walks;
 * Kelly, Bechtold & Siemiginowska 2009) of rms `sigma` and `kappa sigma` and time `tau`, and l_k the logarithm of
 * frequency against its mean: s is a change of spectral index. The process is Markov, so its precision is block
 * tridiagonal and everything below is linear in the number of epochs. The recursion runs forward only: the first n
 * epochs give exactly what a run would give that saw no more.
 */
export interface NullPoint {
	/** Rms of the common process, fraction of the flux. */
	sigma: number;
	/** Its correlation time, days. */
	tau: number;
	/** Rms of the spectral index per unit of `sigma`. */
	kappa: number;
}

/** One source on its grid of epochs. Missing values have weight 0. */
export interface Series {
	/** Times of the epochs, MJD, ascending. */
	mjd: Float64Array;
	/** Frequencies, MHz, ascending. */
	frequencyMhz: Float64Array;
	/** Fractional flux minus 1, epoch by epoch, bands fastest. */
	y: Float64Array;
	/** Inverse variance of `y`. */
	w: Float64Array;
}

const LEVEL_PRECISION = 4;

/** From steady to the strongest red noise of real AGN, in steps by which the likelihood changes little. */
export const NULL_GRID: NullPoint[] = [
	{ sigma: 1e-4, tau: 8, kappa: 1 },
	...[0.012, 0.03, 0.07, 0.16, 0.35].flatMap((sigma) =>
		[1.5, 8, 40, 200, 800].flatMap((tau) => [0.1, 1].map((kappa) => ({ sigma, tau, kappa }))),
	),
];

/**
 * The null of one source at every grid point, laid out for the matched filter. All arrays are reused from source to
 * source; `prepare` allocates only when a longer series arrives.
 */
export class NullModel {
	readonly grid: readonly NullPoint[];
	/** Log-likelihood of the null at each grid point, and the largest that any template can add to it. */
	readonly logLikelihood: Float64Array;
	readonly quadratic: Float64Array;
	/** The points fitted, by what their log-likelihood can at most become with any template, highest first. */
	order: number[] = [];
	epochs = 0;
	bands = 0;
	/** Per grid point and epoch: propagation (4), inverse pivot (3), pivot-divided y (2) and weights (2 per band). */
	table: Float64Array = new Float64Array(0);
	stride = 0;
	/** The compiled filter over {@link table}, for sources of four bands. */
	loops: FilterLoops | undefined;
	/** Per grid point: inverse of the level matrix Z (bands^2) and the fitted levels (bands). */
	levels = new Float64Array(0);
	private slopes = new Float64Array(0);
	/** exp(-dt/tau) from each epoch to the next, by tau: many grid points share it. */
	private readonly memory = new Map<number, Float64Array>();
	private weightSum = new Float64Array(0);
	private weightedY = new Float64Array(0);

	constructor(grid: readonly NullPoint[] = NULL_GRID) {
		this.grid = grid;
		this.logLikelihood = new Float64Array(grid.length);
		this.quadratic = new Float64Array(grid.length);
	}

	/** Offset in {@link table} of a grid point. */
	offset(point: number): number {
		return point * this.epochs * this.stride;
	}

	/**
	 * Fits the null at every grid point (or those listed) to the first `epochs` epochs of a series.
	 * Cost: epochs x points x bands^2.
	 */
	prepare(series: Series, epochs = series.mjd.length, points?: readonly number[]): void {
		const bands = series.frequencyMhz.length;
		this.epochs = epochs;
		this.bands = bands;
		this.stride = 9 + 2 * bands;
		const size = this.grid.length * epochs * this.stride;
		if (bands === 4) {
			if (this.loops === undefined || this.loops.table.length < size || this.loops.p.length < 4 * epochs) {
				this.loops = new FilterLoops(size, epochs);
			}
			this.table = this.loops.table;
		} else if (this.table.length < size) this.table = new Float64Array(size);
		const levelSize = bands * bands + bands;
		if (this.levels.length < this.grid.length * levelSize) this.levels = new Float64Array(this.grid.length * levelSize);
		this.slopes = logFrequencies(series.frequencyMhz);
		this.memory.clear();
		// What no grid point changes: the sums of weights and of weighted y, per band and in all.
		this.weightSum = new Float64Array(bands);
		this.weightedY = new Float64Array(bands);
		let squares = 0;
		let logWeights = 0;
		for (let i = 0; i < epochs; i++)
			for (let k = 0; k < bands; k++) {
				const w = series.w[i * bands + k];
				if (w <= 0) continue;
				const y = series.y[i * bands + k];
				this.weightSum[k] += w;
				this.weightedY[k] += w * y;
				squares += w * y * y;
				logWeights += Math.log(w);
			}
		if (points === undefined)
			for (let g = 0; g < this.grid.length; g++) this.fit(series, g, epochs, squares, logWeights);
		else {
			this.logLikelihood.fill(-Infinity);
			for (const g of points) this.fit(series, g, epochs, squares, logWeights);
		}
		this.order = points === undefined ? Array.from(this.grid.keys()) : [...points];
		this.order.sort((a, b) => this.bound(b) - this.bound(a) || a - b);
	}

	/** No template makes the data likelier than this (Cauchy-Schwarz). */
	bound(point: number): number {
		return this.logLikelihood[point] + 0.5 * this.quadratic[point];
	}

	private memoryOf(tau: number, mjd: Float64Array, epochs: number): Float64Array {
		let memory = this.memory.get(tau);
		if (memory === undefined) {
			memory = new Float64Array(epochs);
			for (let i = 0; i + 1 < epochs; i++) memory[i] = Math.exp(-(mjd[i + 1] - mjd[i]) / tau);
			this.memory.set(tau, memory);
		}
		return memory;
	}

	private fit(series: Series, point: number, epochs: number, squares: number, logWeights: number): void {
		const { bands, slopes, stride, table } = this;
		const { sigma, tau, kappa } = this.grid[point];
		const { mjd, y, w } = series;
		const varX = sigma * sigma;
		const varS = Math.max(1e-12, varX * kappa * kappa);
		const base = this.offset(point);
		const memory = this.memoryOf(tau, mjd, epochs);
		// Running values of the forward elimination: for y (2) and for each band's weights (2 per band).
		const cw = new Float64Array(2 * bands);
		const z = new Float64Array(bands * bands);
		const q = this.weightedY.slice();
		for (let k = 0; k < bands; k++) z[k * bands + k] = this.weightSum[k] + LEVEL_PRECISION;
		let cy0 = 0;
		let cy1 = 0;
		let quad = squares;
		let logDet = 0;
		// Inverse innovation variances of the two processes, and the last epoch's coupling and pivot inverse.
		let ix = 1 / varX;
		let is = 1 / varS;
		let ux = 0;
		let us = 0;
		let d00 = 0;
		let d01 = 0;
		let d11 = 0;
		for (let i = 0; i < epochs; i++) {
			// Filtered pivot: prior precision of this epoch given the one before, plus its data.
			let w0 = 0;
			let w1 = 0;
			let w2 = 0;
			let p0 = 0;
			let p1 = 0;
			for (let k = 0; k < bands; k++) {
				const wk = w[i * bands + k];
				const l = slopes[k];
				const wy = wk * y[i * bands + k];
				w0 += wk;
				w1 += wk * l;
				w2 += wk * l * l;
				p0 += wy;
				p1 += wy * l;
			}
			const f00 = ix + w0 - ux * ux * d00;
			const f01 = w1 - ux * us * d01;
			const f11 = is + w2 - us * us * d11;
			// Propagation: c_i = rhs_i + U D^-1 c_(i-1).
			const at = base + i * stride;
			const g00 = ux * d00;
			const g01 = ux * d01;
			const g10 = us * d01;
			const g11 = us * d11;
			table[at] = g00;
			table[at + 1] = g01;
			table[at + 2] = g10;
			table[at + 3] = g11;
			const y0 = p0 + g00 * cy0 + g01 * cy1;
			cy1 = p1 + g10 * cy0 + g11 * cy1;
			cy0 = y0;
			// The next epoch's prior ties back to this one and completes its pivot.
			const prior = ix * is;
			let e00 = f00;
			let e11 = f11;
			if (i + 1 < epochs) {
				const r = memory[i];
				const rest = Math.max(1e-12, 1 - r * r);
				ix = 1 / (varX * rest);
				is = 1 / (varS * rest);
				ux = r * ix;
				us = r * is;
				e00 += r * ux;
				e11 += r * us;
			}
			const determinant = e00 * e11 - f01 * f01;
			logDet += Math.log(determinant / prior);
			d00 = e11 / determinant;
			d01 = -f01 / determinant;
			d11 = e00 / determinant;
			table[at + 4] = d00;
			table[at + 5] = d01;
			table[at + 6] = d11;
			const vy0 = d00 * cy0 + d01 * cy1;
			const vy1 = d01 * cy0 + d11 * cy1;
			table[at + 7] = vy0;
			table[at + 8] = vy1;
			quad -= cy0 * vy0 + cy1 * vy1;
			for (let k = 0; k < bands; k++) {
				const wk = w[i * bands + k];
				const a0 = wk + g00 * cw[2 * k] + g01 * cw[2 * k + 1];
				const a1 = wk * slopes[k] + g10 * cw[2 * k] + g11 * cw[2 * k + 1];
				cw[2 * k] = a0;
				cw[2 * k + 1] = a1;
				table[at + 9 + 2 * k] = d00 * a0 + d01 * a1;
				table[at + 10 + 2 * k] = d01 * a0 + d11 * a1;
				q[k] -= a0 * vy0 + a1 * vy1;
				for (let j = 0; j <= k; j++) z[k * bands + j] -= a0 * table[at + 9 + 2 * j] + a1 * table[at + 10 + 2 * j];
			}
		}
		const inverse = point * (bands * bands + bands);
		const logZ = invertSymmetric(z, bands, this.levels, inverse);
		const fitted = inverse + bands * bands;
		let explained = 0;
		for (let k = 0; k < bands; k++) {
			let level = 0;
			for (let j = 0; j < bands; j++) level += this.levels[inverse + k * bands + j] * q[j];
			this.levels[fitted + k] = level;
			explained += level * q[k];
		}
		quad -= explained;
		this.quadratic[point] = quad;
		this.logLikelihood[point] = -0.5 * (quad - logWeights + logDet + logZ - bands * Math.log(LEVEL_PRECISION));
	}
}

/** Logarithms of the frequencies against their mean: the direction in which the spectral index acts. */
export function logFrequencies(frequencyMhz: Float64Array): Float64Array<ArrayBuffer> {
	let mean = 0;
	for (const nu of frequencyMhz) mean += Math.log(nu) / frequencyMhz.length;
	return Float64Array.from(frequencyMhz, (nu) => Math.log(nu) - mean);
}

/** Inverts the lower triangle of a small positive definite matrix into `out` at `at`; returns ln of its determinant. */
function invertSymmetric(lower: Float64Array, size: number, out: Float64Array, at: number): number {
	let logDet = 0;
	// Cholesky in place.
	for (let i = 0; i < size; i++)
		for (let j = 0; j <= i; j++) {
			let sum = lower[i * size + j];
			for (let k = 0; k < j; k++) sum -= lower[i * size + k] * lower[j * size + k];
			if (i === j) {
				const pivot = Math.sqrt(Math.max(sum, 1e-9));
				lower[i * size + i] = pivot;
				logDet += 2 * Math.log(pivot);
			} else lower[i * size + j] = sum / lower[j * size + j];
		}
	const column = new Float64Array(size);
	for (let c = 0; c < size; c++) {
		for (let i = 0; i < size; i++) {
			let sum = i === c ? 1 : 0;
			for (let k = 0; k < i; k++) sum -= lower[i * size + k] * column[k];
			column[i] = sum / lower[i * size + i];
		}
		for (let i = size - 1; i >= 0; i--) {
			let sum = column[i];
			for (let k = i + 1; k < size; k++) sum -= lower[k * size + i] * column[k];
			column[i] = sum / lower[i * size + i];
		}
		for (let i = 0; i < size; i++) out[at + i * size + c] = column[i];
	}
	return logDet;
}
