/** What is said of rows as a whole. */
export interface RowSummary {
	/** [row][product] */
	weight: Float32Array;
	sigma: Float32Array;
	/** Per row: 1 if all samples are flagged. */
	flagRow: Uint8Array;
	/** Per row: 1 if weights vary along it. */
	varied: Uint8Array;
}

export const rowSummary = (count: number, nPol: number): RowSummary => ({
	weight: new Float32Array(count * nPol),
	sigma: new Float32Array(count * nPol),
	flagRow: new Uint8Array(count),
	varied: new Uint8Array(count),
});

/**
 * WEIGHT is a row's weight, or where weights vary along the row their mean over unflagged channels (over all if none is left);
 * SIGMA is its -1/2 power.
 */
export function summariseRows(
	rows: { count: number; flags: Uint8Array; weights: Float32Array },
	nChannels: number,
	nPol: number,
	summary: RowSummary,
): void {
	const width = nChannels * nPol;
	for (let r = 0; r < rows.count; r++) {
		summary.flagRow[r] = allSet(rows.flags, r * width, (r + 1) * width);
		summary.varied[r] = 0;
		for (let p = 0; p < nPol; p++) {
			const at = r * width + p;
			let weight = rows.weights[at];
			if (!isUniform(rows.weights, at, nPol, nChannels)) {
				summary.varied[r] = 1;
				weight = meanWeight(rows.weights, rows.flags, at, nPol, nChannels);
			}
			summary.weight[r * nPol + p] = weight;
			summary.sigma[r * nPol + p] = sigmaOf(weight);
		}
	}
}

/** The same of rows whose weights are all one number and none of whose samples is flagged. */
export function summarisePlain(count: number, weight: number, summary: RowSummary): void {
	summary.weight.fill(weight);
	summary.sigma.fill(sigmaOf(summary.weight[0]));
	summary.flagRow.fill(0, 0, count);
	summary.varied.fill(0, 0, count);
}

const sigmaOf = (weight: number) => (weight > 0 ? 1 / Math.sqrt(weight) : 0);

function allSet(flags: Uint8Array, from: number, beyond: number): number {
	for (let i = from; i < beyond; i++) if (flags[i] === 0) return 0;
	return 1;
}

function isUniform(weights: Float32Array, at: number, stride: number, count: number): boolean {
	const first = weights[at];
	for (let i = at + stride, end = at + stride * count; i < end; i += stride) if (weights[i] !== first) return false;
	return !Number.isNaN(first);
}

function meanWeight(weights: Float32Array, flags: Uint8Array, at: number, stride: number, count: number): number {
	let sum = 0;
	let all = 0;
	let n = 0;
	for (let c = 0, i = at; c < count; c++, i += stride) {
		const keep = 1 - flags[i];
		all += weights[i];
		sum += keep * weights[i];
		n += keep;
	}
	return n > 0 ? sum / n : all / count;
}
