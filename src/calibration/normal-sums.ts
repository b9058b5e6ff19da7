import type { ArrayBaselines, WindowData } from "./window-data.ts";

/**
 * The sufficient statistics of a gain solve. Per cell (solution interval x channel block x polarisation) and baseline,
 * with M the model seen through the gains already known:
 *
 *     D_pq = sum w V_pq conj(M_pq)     N_pq = sum w |M_pq|^2     P_pq = sum w |V_pq|^2     count = number of samples
 *
 * They add: over time, over windows, over files. Solving never touches the data again, and neither does re-weighting
 * by baseline, because the weights of a baseline are one factor of its four sums. P gives the residual chi-squared
 * without another look at the data: sum w|V - gMg*|^2 = P - 2 Re(conj(g_p) g_q D) + |g_p g_q|^2 N.
 */
export interface NormalSums {
	readonly nCells: number;
	readonly nBaselines: number;
	/** [cell][baseline][re, im]. */
	readonly d: Float64Array;
	/** [cell][baseline]. */
	readonly n: Float64Array;
	/** [cell][baseline]. */
	readonly p: Float64Array;
	/** [cell][baseline] complex samples. */
	readonly count: Float32Array;
}

/** Which cell a sample belongs to: (timeCell x nChannelCells + channelCell) x nPolarizations + polarisation. */
export interface CellLayout {
	readonly nTimeCells: number;
	/** Per integration; -1 leaves it out. */
	readonly timeCell: Int32Array;
	readonly nChannelCells: number;
	/** Per channel; ascending runs. -1 leaves it out. */
	readonly channelCell: Int32Array;
}

/** The model's visibilities of one integration: [baseline][channel][polarisation][re, im], Jy. */
export type ModelOfIntegration = (time: number, out: Float32Array) => void;

/**
 * Gains already known (delay, phase, bandpass) for one integration: [antenna][channel][polarisation][re, im].
 * A gain of zero leaves the antenna's samples out.
 */
export type GainsOfIntegration = (time: number, out: Float32Array) => void;

export const emptySums = (nCells: number, nBaselines: number): NormalSums => ({
	nCells,
	nBaselines,
	d: new Float64Array(2 * nCells * nBaselines),
	n: new Float64Array(nCells * nBaselines),
	p: new Float64Array(nCells * nBaselines),
	count: new Float32Array(nCells * nBaselines),
});

/** Adds `more` into `sums`, cell by cell. */
export function addSums(sums: NormalSums, more: NormalSums): void {
	for (let i = 0; i < sums.d.length; i++) sums.d[i] += more.d[i];
	for (let i = 0; i < sums.n.length; i++) {
		sums.n[i] += more.n[i];
		sums.p[i] += more.p[i];
		sums.count[i] += more.count[i];
	}
}

export const cellsOf = (layout: CellLayout, nPolarizations: number): number =>
	layout.nTimeCells * layout.nChannelCells * nPolarizations;

/** One channel per cell, the whole time range together: the layout of a bandpass. */
export const everyChannel = (nTimes: number, nChannels: number): CellLayout => ({
	nTimeCells: 1,
	timeCell: new Int32Array(nTimes),
	nChannelCells: nChannels,
	channelCell: Int32Array.from({ length: nChannels }, (_, c) => c),
});

/** All channels together per solution interval: the layout of a gain. */
export const everyInterval = (timeCell: Int32Array, nTimeCells: number, nChannels: number): CellLayout => ({
	nTimeCells,
	timeCell,
	nChannelCells: 1,
	channelCell: new Int32Array(nChannels),
});

/**
 * One pass over a window: adds its samples into the sums of their cells.
 *
 * @param gains undefined when nothing is known yet (all gains 1).
 * @param seen called after each integration, for progress and cancellation.
 */
export function accumulate(
	data: WindowData,
	array: ArrayBaselines,
	model: ModelOfIntegration,
	gains: GainsOfIntegration | undefined,
	layout: CellLayout,
	sums: NormalSums,
): void {
	const { nTimes, nBaselines, nChannels, nPolarizations: nPol, visibilities, flags, weights } = data;
	const { antenna1, antenna2, nAntennas } = array;
	const span = nChannels * nPol;
	const m = new Float32Array(2 * nBaselines * span);
	const g = new Float32Array(2 * nAntennas * span).fill(0);
	if (gains === undefined) for (let i = 0; i < g.length; i += 2) g[i] = 1;
	// Cells of an integration relative to its first, one per (channel, polarisation).
	const cellOf = new Int32Array(span);
	for (let c = 0; c < nChannels; c++) {
		for (let s = 0; s < nPol; s++) {
			cellOf[c * nPol + s] = layout.channelCell[c] < 0 ? -1 : layout.channelCell[c] * nPol + s;
		}
	}
	const { d, n, p, count } = sums;
	const oneCell = layout.nChannelCells === 1 && layout.channelCell.every((cell) => cell === 0);
	const perTime = layout.nChannelCells * nPol;
	for (let t = 0; t < nTimes; t++) {
		if (layout.timeCell[t] < 0) continue;
		const firstCell = layout.timeCell[t] * perTime;
		model(t, m);
		if (gains !== undefined) gains(t, g);
		for (let b = 0; b < nBaselines; b++) {
			const at = (t * nBaselines + b) * span;
			const gp = 2 * antenna1[b] * span;
			const gq = 2 * antenna2[b] * span;
			const mb = 2 * b * span;
			if (oneCell) {
				for (let s = 0; s < nPol; s++) {
					const w = weights === undefined ? 1 : weights[(t * nBaselines + b) * nPol + s];
					let dRe = 0;
					let dIm = 0;
					let nn = 0;
					let pp = 0;
					let seen = 0;
					for (let k = s; k < span; k += nPol) {
						if (flags[at + k] !== 0) continue;
						const j = 2 * k;
						const pRe = g[gp + j];
						const pIm = g[gp + j + 1];
						const qRe = g[gq + j];
						const qIm = g[gq + j + 1];
						const gRe = pRe * qRe + pIm * qIm;
						const gIm = pIm * qRe - pRe * qIm;
						const mRe = gRe * m[mb + j] - gIm * m[mb + j + 1];
						const mIm = gRe * m[mb + j + 1] + gIm * m[mb + j];
						const mm = mRe * mRe + mIm * mIm;
						if (mm === 0) continue;
						const vRe = visibilities[2 * at + j];
						const vIm = visibilities[2 * at + j + 1];
						dRe += vRe * mRe + vIm * mIm;
						dIm += vIm * mRe - vRe * mIm;
						nn += mm;
						pp += vRe * vRe + vIm * vIm;
						seen++;
					}
					const i = (firstCell + s) * nBaselines + b;
					d[2 * i] += w * dRe;
					d[2 * i + 1] += w * dIm;
					n[i] += w * nn;
					p[i] += w * pp;
					count[i] += w > 0 ? seen : 0;
				}
				continue;
			}
			for (let k = 0; k < span; k++) {
				if (flags[at + k] !== 0 || cellOf[k] < 0) continue;
				const j = 2 * k;
				const pRe = g[gp + j];
				const pIm = g[gp + j + 1];
				const qRe = g[gq + j];
				const qIm = g[gq + j + 1];
				const gRe = pRe * qRe + pIm * qIm;
				const gIm = pIm * qRe - pRe * qIm;
				const mRe = gRe * m[mb + j] - gIm * m[mb + j + 1];
				const mIm = gRe * m[mb + j + 1] + gIm * m[mb + j];
				const mm = mRe * mRe + mIm * mIm;
				if (mm === 0) continue;
				const w = weights === undefined ? 1 : weights[(t * nBaselines + b) * nPol + (k % nPol)];
				const vRe = visibilities[2 * at + j];
				const vIm = visibilities[2 * at + j + 1];
				const i = (firstCell + cellOf[k]) * nBaselines + b;
				d[2 * i] += w * (vRe * mRe + vIm * mIm);
				d[2 * i + 1] += w * (vIm * mRe - vRe * mIm);
				n[i] += w * mm;
				p[i] += w * (vRe * vRe + vIm * vIm);
				if (w > 0) count[i]++;
			}
		}
	}
}
