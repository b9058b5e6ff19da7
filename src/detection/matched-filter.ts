import { logFrequencies, type NullModel, type Series } from "./null-model.ts";

/** What a template makes of a source: the best amplitude, its significance under each null, and the best null. */
export interface FilterResult {
	/** Log-likelihood with the template at the best grid point. */
	logLikelihood: number;
	/** Grid point of that, and the amplitude fitted there. */
	point: number;
	amplitude: number;
}

/** Templates that filters of this thread have loaded. */
let loaded = 0;

/**
 * Generalised-least-squares fit of one template to one source under its red-noise null (detection of a known signal
 * in coloured noise): `rho^2 = num^2 / den`, `amplitude = num / den`, limited to `least..mostAmplitude`.
 */
export class MatchedFilter {
	private p = new Float64Array(0);
	private bandSum = new Float64Array(0);
	private r = new Float64Array(0);
	readonly result: FilterResult = { logLikelihood: -Infinity, point: -1, amplitude: 0 };
	private squares = 0;
	private product = 0;

	/**
	 * Loads a template: `values` holds its effect (bands fastest) at epochs `first ... first + length - 1`, zero elsewhere.
	 * `least` is the smallest amplitude that is of interest.
	 */
	load(series: Series, values: ArrayLike<number>, at: number, first: number, length: number, least = 0): void {
		const bands = series.frequencyMhz.length;
		if (this.p.length < 2 * length) this.p = new Float64Array(4 * length);
		if (this.bandSum.length !== bands) {
			this.bandSum = new Float64Array(bands);
			this.r = new Float64Array(bands);
		}
		const { p, bandSum } = this;
		if (this.slopesOf !== series.frequencyMhz) {
			this.slopesOf = series.frequencyMhz;
			this.slopes = logFrequencies(series.frequencyMhz);
		}
		const { slopes } = this;
		let squares = 0;
		let product = 0;
		const { y, w } = series;
		if (bands === 4) {
			const [l0, l1, l2, l3] = slopes;
			let b0 = 0;
			let b1 = 0;
			let b2 = 0;
			let b3 = 0;
			for (let i = 0, row = first * 4, cell = at; i < length; i++, row += 4, cell += 4) {
				const t0 = values[cell];
				const t1 = values[cell + 1];
				const t2 = values[cell + 2];
				const t3 = values[cell + 3];
				const w0 = w[row] * t0;
				const w1 = w[row + 1] * t1;
				const w2 = w[row + 2] * t2;
				const w3 = w[row + 3] * t3;
				p[2 * i] = w0 + w1 + w2 + w3;
				p[2 * i + 1] = w0 * l0 + w1 * l1 + w2 * l2 + w3 * l3;
				b0 += w0;
				b1 += w1;
				b2 += w2;
				b3 += w3;
				squares += w0 * t0 + w1 * t1 + w2 * t2 + w3 * t3;
				product += w0 * y[row] + w1 * y[row + 1] + w2 * y[row + 2] + w3 * y[row + 3];
			}
			bandSum[0] = b0;
			bandSum[1] = b1;
			bandSum[2] = b2;
			bandSum[3] = b3;
		} else {
			bandSum.fill(0);
			for (let i = 0; i < length; i++) {
				let p0 = 0;
				let p1 = 0;
				const row = (first + i) * bands;
				const cell = at + i * bands;
				for (let k = 0; k < bands; k++) {
					const t = values[cell + k];
					const wt = w[row + k] * t;
					p0 += wt;
					p1 += wt * slopes[k];
					bandSum[k] += wt;
					squares += wt * t;
					product += wt * y[row + k];
				}
				p[2 * i] = p0;
				p[2 * i + 1] = p1;
			}
		}
		this.squares = squares;
		this.product = product;
		this.first = first;
		this.length = length;
		this.least = least;
		this.template = ++loaded;
		this.forget();
	}

	/** Begins the comparison of grid points anew, with the template that is loaded. */
	forget(): void {
		this.result.logLikelihood = -Infinity;
		this.result.point = -1;
		this.result.amplitude = 0;
	}
	private slopes = new Float64Array(0);
	private slopesOf: Float64Array | null = null;
	private first = 0;
	private length = 0;
	private least = 0;
	/** Number of the template that is loaded: none has had it before. */
	private template = 0;

	/**
	 * Compares all grid points that were fitted, as far as they can still win: by falling bound, until the best found exceeds
	 * what the next can reach.
	 */
	evaluateAll(model: NullModel, mostAmplitude: number, bothSigns = false): void {
		for (const g of model.order) {
			if (model.bound(g) <= this.result.logLikelihood) break;
			this.evaluate(model, g, mostAmplitude, bothSigns);
		}
	}

	/**
	 * Adds a grid point to the comparison and returns the log-likelihood there with the template at its best amplitude.
	 * With `bothSigns` the amplitude may be negative down to `-mostAmplitude`.
	 */
	evaluate(model: NullModel, point: number, mostAmplitude: number, bothSigns = false): number {
		const { bands, stride, table, epochs } = model;
		const { p, r } = this;
		let product = this.product;
		let squares = this.squares;
		for (let k = 0; k < bands; k++) r[k] = this.bandSum[k];
		let c0 = 0;
		let c1 = 0;
		let at = model.offset(point) + this.first * stride;
		const end = Math.min(epochs, this.first + this.length);
		if (bands === 4) {
			let r0 = r[0];
			let r1 = r[1];
			let r2 = r[2];
			let r3 = r[3];
			let i = this.first;
			let j = 0;
			let largest = 0;
			for (; i < epochs; i++, at += stride) {
				let n0 = table[at] * c0 + table[at + 1] * c1;
				let n1 = table[at + 2] * c0 + table[at + 3] * c1;
				if (i < end) {
					n0 += p[j];
					n1 += p[j + 1];
					j += 2;
					const size = Math.abs(n0);
					if (size > largest) largest = size;
				} else if (Math.abs(n0) + Math.abs(n1) < 1e-5 * largest) break;
				c0 = n0;
				c1 = n1;
				const d01 = table[at + 5];
				squares -= c0 * (table[at + 4] * c0 + 2 * d01 * c1) + table[at + 6] * c1 * c1;
				product -= c0 * table[at + 7] + c1 * table[at + 8];
				r0 -= c0 * table[at + 9] + c1 * table[at + 10];
				r1 -= c0 * table[at + 11] + c1 * table[at + 12];
				r2 -= c0 * table[at + 13] + c1 * table[at + 14];
				r3 -= c0 * table[at + 15] + c1 * table[at + 16];
			}
			r[0] = r0;
			r[1] = r1;
			r[2] = r2;
			r[3] = r3;
		} else {
			let largest = 0;
			for (let i = this.first, j = 0; i < epochs; i++, at += stride) {
				let n0 = table[at] * c0 + table[at + 1] * c1;
				let n1 = table[at + 2] * c0 + table[at + 3] * c1;
				if (i < end) {
					n0 += p[j];
					n1 += p[j + 1];
					j += 2;
					const size = Math.abs(n0);
					if (size > largest) largest = size;
				} else if (Math.abs(n0) + Math.abs(n1) < 1e-5 * largest) break;
				c0 = n0;
				c1 = n1;
				squares -= c0 * (table[at + 4] * c0 + 2 * table[at + 5] * c1) + table[at + 6] * c1 * c1;
				product -= c0 * table[at + 7] + c1 * table[at + 8];
				for (let k = 0; k < bands; k++) r[k] -= c0 * table[at + 9 + 2 * k] + c1 * table[at + 10 + 2 * k];
			}
		}
		return this.conclude(model, point, product, squares, mostAmplitude, bothSigns);
	}

	/** What the recursion's sums make of the template: levels and amplitude fitted, and the comparison brought up to date. */
	private conclude(
		model: NullModel,
		point: number,
		productAlone: number,
		squaresAlone: number,
		mostAmplitude: number,
		bothSigns: boolean,
	): number {
		const { bands, levels } = model;
		const { r } = this;
		let product = productAlone;
		let squares = squaresAlone;
		const inverse = point * (bands * bands + bands);
		const fitted = inverse + bands * bands;
		for (let k = 0; k < bands; k++) {
			product -= r[k] * levels[fitted + k];
			let sum = 0;
			for (let j = 0; j < bands; j++) sum += levels[inverse + k * bands + j] * r[j];
			squares -= r[k] * sum;
		}
		const least = bothSigns ? -mostAmplitude : this.least;
		let amplitude = least > 0 ? least : 0;
		if (squares > 1e-9) {
			amplitude = product / squares;
			if (amplitude > mostAmplitude) amplitude = mostAmplitude;
			else if (amplitude < least) amplitude = least;
		}
		const logLikelihood = model.logLikelihood[point] + amplitude * product - 0.5 * amplitude * amplitude * squares;
		if (logLikelihood > this.result.logLikelihood) {
			this.result.logLikelihood = logLikelihood;
			this.result.point = point;
			this.result.amplitude = amplitude;
		}
		return logLikelihood;
	}

	/**
	 * As {@link evaluate} of this filter and of another that holds another template of the same source, at once; both
	 * log-likelihoods go to `found`.
	 */
	evaluateWith(
		other: MatchedFilter,
		model: NullModel,
		point: number,
		mostAmplitude: number,
		signs: readonly [boolean, boolean],
		found: Float64Array,
	): void {
		const { loops, bands, stride, epochs } = model;
		if (loops === undefined || bands !== 4) {
			found[0] = this.evaluate(model, point, mostAmplitude, signs[0]);
			found[1] = other.evaluate(model, point, mostAmplitude, signs[1]);
			return;
		}
		const first = Math.min(this.first, other.first);
		const end1 = Math.min(epochs, this.first + this.length) - first;
		const end2 = Math.min(epochs, other.first + other.length) - first;
		if (loops.first !== this.template || loops.second !== other.template) {
			loops.p.fill(0, 0, 4 * Math.max(end1, end2));
			this.putInto(loops.p, 0, first, end1);
			other.putInto(loops.p, 1, first, end2);
			loops.first = this.template;
			loops.second = other.template;
		}
		const { sums } = loops;
		this.putSums(sums, 0);
		other.putSums(sums, 1);
		loops.runTwo(model.offset(point) + first * stride, epochs - first, end1, end2);
		found[0] = this.takeSums(sums, 0, model, point, mostAmplitude, signs[0]);
		found[1] = other.takeSums(sums, 1, model, point, mostAmplitude, signs[1]);
	}

	private putInto(target: Float64Array, lane: number, first: number, end: number): void {
		const { p } = this;
		for (let i = this.first - first, j = 0; i < end; i++, j += 2) {
			target[4 * i + lane] = p[j];
			target[4 * i + 2 + lane] = p[j + 1];
		}
	}

	private putSums(sums: Float64Array, lane: number): void {
		sums[lane] = this.product;
		sums[2 + lane] = this.squares;
		for (let k = 0; k < 4; k++) sums[4 + 2 * k + lane] = this.bandSum[k];
	}

	private takeSums(
		sums: Float64Array,
		lane: number,
		model: NullModel,
		point: number,
		mostAmplitude: number,
		bothSigns: boolean,
	): number {
		for (let k = 0; k < 4; k++) this.r[k] = sums[4 + 2 * k + lane];
		return this.conclude(model, point, sums[lane], sums[2 + lane], mostAmplitude, bothSigns);
	}
}
